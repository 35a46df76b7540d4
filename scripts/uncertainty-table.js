// Usage: node uncertainty-table.js RESULT.json ...
//
// Results of `neuspin uncertainty --json` for networks called outliers-SHARE-seed-SEED, as two Markdown tables. A cell is
// the mean over seeds, and the least and the largest of them.
"use strict";
const fs = require("fs");

const recipes = new Map();
for (const file of process.argv.slice(2)) {
  const result = JSON.parse(fs.readFileSync(file, "utf8"));
  const outliers = result.model.split("-")[1].replace("_", ".");
  const recipe = outliers === "0" ? "none" : `${100 * Number(outliers)} %`;
  recipes.set(recipe, [...(recipes.get(recipe) || []), result]);
}

function cell(values, digits) {
  const text = (value) => value.toFixed(digits);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return `${text(mean)} (${text(Math.min(...values))} to ${text(Math.max(...values))})`;
}

const way = (passes) => (passes === 0 ? "dropout off" : `T = ${passes}`);
const row = (cells) => console.log(`| ${cells.join(" | ")} |`);
function header(cells) {
  row(cells);
  row(cells.map(() => "---"));
}

header(["outliers", "asked with", "accuracy, %", "NLL, nats", "Brier", "ECE, %"]);
for (const [recipe, results] of recipes) {
  for (let n = 0; n < results[0].own_data.length; n++) {
    const of = (key, factor) => results.map((result) => factor * result.own_data[n][key].value);
    row([
      recipe,
      way(results[0].own_data[n].passes),
      cell(of("accuracy", 100), 2),
      cell(of("negative_log_likelihood", 1), 4),
      cell(of("brier", 1), 4),
      cell(of("calibration_error", 100), 2),
    ]);
  }
}

console.log();
header(["outliers", "against", "asked with", "AUROC, %", "AUPR, %", "detected, %"]);
for (const [recipe, results] of recipes) {
  for (let set = 0; set < results[0].against.length; set++) {
    for (let n = 0; n < results[0].against[set].ways.length; n++) {
      const of = (key) => results.map((result) => 100 * result.against[set].ways[n][key].value);
      row([
        recipe,
        results[0].against[set].data,
        way(results[0].against[set].ways[n].passes),
        cell(of("auroc"), 2),
        cell(of("aupr"), 2),
        cell(of("detected"), 2),
      ]);
    }
  }
}
