#!/bin/bash
# What passes and outliers in training buy: the tables of docs/uncertainty.md.
#
#   scripts/uncertainty.sh [SEED ...]      default: 1 2 3
#
# Trains a 1-bit network for each seed, without and with synthetic outliers, and measures each with `neuspin uncertainty`.
# Models and results stay in target/uncertainty; what is there already is not trained again. Two to four minutes a network
# on one core.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=("$@")
[ ${#seeds[@]} -gt 0 ] || seeds=(1 2 3)
scripts/fetch-data.sh >&2
cargo build --release --quiet --features train
out=target/uncertainty
mkdir -p "$out"
results=()
for outliers in 0 0.25; do
  for seed in "${seeds[@]}"; do
    name=outliers-${outliers/./_}-seed-$seed
    model=$out/$name
    [ -f "$model/model.json" ] || target/release/neuspin train --dataset mnist --layers 784-256-256-256-10 --input-bits 1 \
      --dropout 0.05 --epochs 20 --batch 256 --shift 1 --outliers "$outliers" --seed "$seed" --name "$name" --out "$model" >&2
    target/release/neuspin uncertainty "$model" --against fashion-mnist,uniform,gaussian,rotate:90 --json > "$model.json"
    results+=("$model.json")
  done
done
node scripts/uncertainty-table.js "${results[@]}"
