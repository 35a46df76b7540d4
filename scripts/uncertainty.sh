#!/bin/bash
# What passes, methods and outliers in training buy: the tables of docs/uncertainty.md.
#
#   scripts/uncertainty.sh [SEED ...]      default: 1 2 3
#
# Trains a 1-bit network with each method and seed, without and with synthetic outliers, and measures each with
# `neuspin uncertainty`, as a chip would say it (`--chip`), with early stop beside all passes (asked every 4 passes for a mean lead
# of 2). Models and results stay in target/uncertainty; what is there already
# is not trained again. A minute or two a network on two cores, ten networks a seed. NEUSPIN names another program than the one
# built here.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=("$@")
[ ${#seeds[@]} -gt 0 ] || seeds=(1 2 3)
scripts/fetch-data.sh >&2
if [ -z "${NEUSPIN:-}" ]; then
  cargo build --release --quiet --features train
  NEUSPIN=target/release/neuspin
fi
out=target/uncertainty
mkdir -p "$out"
declare -A options=(
  [spindrop]="--dropout 0.05"
  [scale]="--dropout 0.2"
  [affine]="--dropout 0.2"
  [subset]=""
  [spinbayes]="--crossbars 4"
)
results=()
for seed in "${seeds[@]}"; do
  for outliers in 0 0.25; do
    for name in spindrop scale affine subset spinbayes; do
      model=$out/$name-outliers-${outliers/./_}-seed-$seed
      # shellcheck disable=SC2086
      [ -f "$model/model.json" ] || $NEUSPIN train --dataset mnist --layers 784-256-256-256-10 --input-bits 1 \
        --method "$name" ${options[$name]} --epochs 12 --batch 256 --shift 1 --outliers "$outliers" --seed "$seed" \
        --name "$name" --out "$model" >&2
      results+=("$model")
    done
  done
done
[ -z "${TRAIN_ONLY:-}" ] || exit 0
for model in "${results[@]}"; do
  [ "$model.json" -nt "$model/model.json" ] || {
    $NEUSPIN uncertainty "$model" --chip --against fashion-mnist,uniform,gaussian,rotate:90 \
      --early-stop 4:2.0 --json > "$model.json.part"
    mv "$model.json.part" "$model.json"
  }
done
node scripts/uncertainty-table.js "${results[@]/%/.json}"
