#!/bin/bash
# Proves networks on the chips of chips/ in Verilator, bit by bit: devices, arrays, errors of reads, broken cells, and all at once.
#
#   scripts/prove-chips.sh [MODEL ...]      default: digits with every method that has dropout units
#
# The whole test set of digits, with paused streams. Prints one line a run; the last line says whether all were exact.
set -uo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet || exit 2
models=("$@")
[ ${#models[@]} -gt 0 ] || models=(digits-spindrop digits-spatial digits-scale digits-affine)
failed=0
for model in "${models[@]}"; do
  for chip in chips/*.toml; do
    if said=$(target/release/neuspin cosim "$model" --chip "$chip" --limit 500 --target-luts 8000 --gap 0.2 --stall 0.2 --json 2>&1); then
      verdict=exact
    else
      verdict=FAILED
      failed=1
      echo "$said" | tail -20 >&2
    fi
    echo "$model on $chip: 500 images $verdict"
  done
done
[ $failed -eq 0 ] && echo "all exact" || { echo "not all exact"; exit 1; }
