// Usage: node uncertainty-table.js METHOD-outliers-SHARE-seed-SEED.json ...
//
// Results of `neuspin uncertainty --early-stop ... --json` as four Markdown tables: quality on the own data, detection of other
// data, what early stop costs, and the shortest account of detection. A cell is the mean over seeds, and the least and the
// largest of them where there are several.
"use strict";
const fs = require("fs");
const path = require("path");

const names = {
  spindrop: "SpinDrop",
  scale: "Scale-Dropout",
  affine: "affine, vector",
  "affine-element": "affine, element",
  subset: "sub-set inference",
  spinbayes: "SpinBayes",
};

// Method, then recipe, each with the results of all seeds.
const methods = new Map();
for (const file of process.argv.slice(2)) {
  const [, method, share] = path.basename(file).match(/^(.+)-outliers-([0-9_]+)-seed-[0-9]+\.json$/);
  const recipe = share === "0" ? "none" : `${100 * Number(share.replace("_", "."))} %`;
  const recipes = methods.get(names[method]) || new Map();
  recipes.set(recipe, [...(recipes.get(recipe) || []), JSON.parse(fs.readFileSync(file, "utf8"))]);
  methods.set(names[method], recipes);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function cell(values, digits) {
  const text = (value) => value.toFixed(digits);
  if (values.length === 1) return text(values[0]);
  return `${text(mean(values))} (${text(Math.min(...values))} to ${text(Math.max(...values))})`;
}

const row = (cells) => console.log(`| ${cells.join(" | ")} |`);
function header(cells) {
  row(cells);
  row(cells.map(() => "---"));
}

// Ways are dropout off, one pass, all passes, early stop.
const way = (asked) => (asked.early_stop ? "early stop" : asked.passes === 0 ? "dropout off" : `T = ${asked.passes}`);
const ALL = 2;
const EARLY = 3;

header(["method", "outliers", "asked with", "accuracy, %", "NLL, nats", "Brier", "ECE, %"]);
for (const [method, recipes] of methods) {
  for (const [recipe, results] of recipes) {
    for (let n = 0; n < results[0].own_data.length; n++) {
      const of = (key, factor) => results.map((result) => factor * result.own_data[n][key].value);
      row([
        method,
        recipe,
        way(results[0].own_data[n]),
        cell(of("accuracy", 100), 2),
        cell(of("negative_log_likelihood", 1), 4),
        cell(of("brier", 1), 4),
        cell(of("calibration_error", 100), 2),
      ]);
    }
  }
}

console.log();
const [some] = methods.values().next().value.values();
const sets = some[0].against.map((set) => set.data);
const all = way(some[0].own_data[ALL]);
// A figure in per cent, of every seed.
const found = (results, set, n, key) => results.map((result) => 100 * result.against[sets.indexOf(set)].ways[n][key].value);

header(["method", "outliers", "against", "AUROC off, %", `AUROC ${all}, %`, "detected off, %", `detected ${all}, %`]);
for (const [method, recipes] of methods) {
  for (const [recipe, results] of recipes) {
    for (const set of sets) {
      const both = (key) => [0, ALL].map((n) => cell(found(results, set, n, key), 2));
      row([method, recipe, set, ...both("auroc"), ...both("detected")]);
    }
  }
}

console.log();
const kinds = ["fashion-mnist", "uniform"];
header([
  "method",
  "outliers",
  ...["own data", ...kinds].map((data) => `passes, ${data}`),
  `accuracy, early stop less ${all}, %`,
  ...kinds.map((data) => `AUROC ${data}, early stop less ${all}, %`),
]);
for (const [method, recipes] of methods) {
  for (const [recipe, results] of recipes) {
    const own = (n, key, factor) => results.map((result) => factor * result.own_data[n][key].value);
    const less = (early, whole) => cell(early.map((value, seed) => value - whole[seed]), 2);
    const passes = (of) => cell(results.map((result) => of(result).mean_passes), 2);
    row([
      method,
      recipe,
      passes((result) => result.own_data[EARLY]),
      ...kinds.map((set) => passes((result) => result.against[sets.indexOf(set)].ways[EARLY])),
      less(own(EARLY, "accuracy", 100), own(ALL, "accuracy", 100)),
      ...kinds.map((set) => less(found(results, set, EARLY, "auroc"), found(results, set, ALL, "auroc"))),
    ]);
  }
}

console.log();
const short = [["fashion-mnist", "auroc"], ["uniform", "detected"], ["gaussian", "detected"]];
const title = { auroc: "AUROC", detected: "detected, %" };
const recipes = [...methods.values().next().value.keys()];
header(["method", ...short.flatMap(([set, key]) => recipes.map((recipe) => `${set} ${title[key]}, outliers ${recipe}`))]);
for (const [method, byRecipe] of methods) {
  const cells = short.flatMap(([set, key]) =>
    recipes.map((recipe) => {
      if (!byRecipe.has(recipe)) return "-";
      const value = mean(found(byRecipe.get(recipe), set, ALL, key));
      return key === "auroc" ? (value / 100).toFixed(3) : value.toFixed(1);
    }),
  );
  row([method, ...cells]);
}
