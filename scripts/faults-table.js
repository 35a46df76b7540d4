// Usage: node faults-table.js RESULT ...      (without .json)
//
// Results of `neuspin faults --json` as one Markdown table: mean over dies in per cent, its interval, the worst die.
"use strict";
const fs = require("fs");

const row = (cells) => console.log(`| ${cells.join(" | ")} |`);
const results = process.argv.slice(2).map((name) => JSON.parse(fs.readFileSync(`${name}.json`, "utf8")));
const header = ["fault", "rate", ...results[0].networks.map((network) => `\`${network.model}\``)];
row(header);
row(header.map(() => "---"));
const percent = (share) => (100 * share).toFixed(1);
for (const { kind, networks } of results) {
  networks[0].rates.forEach(({ rate }, n) => {
    const cells = networks.map(({ rates }) => {
      const { accuracy, dies } = rates[n];
      const { value, low, high } = accuracy;
      if (rate === 0) return percent(value);
      return `${percent(value)} [${percent(low)}, ${percent(high)}] ${percent(Math.min(...dies))}`;
    });
    row([kind, rate, ...cells]);
  });
}
