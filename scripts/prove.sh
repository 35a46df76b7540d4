#!/bin/bash
# Proves every bundled model in Verilator, bit by bit: at full speed and with paused streams, at two foldings.
#
#   scripts/prove.sh [MODEL ...]      default: all bundled models
#
# Digits: the whole test set. MNIST (after `make data`): the first 1,000 test images, 200 with the convolutional network. Prints one line a run; the last line
# says whether all were exact.
set -uo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet || exit 2
models=("$@")
if [ ${#models[@]} -eq 0 ]; then
  for folder in models/*/; do models+=("$(basename "$folder")"); done
fi
failed=0
for model in "${models[@]}"; do
  case $model in
    mnist-lenet) limit=200; [ -d data/cache/mnist ] || { echo "$model: left out, no MNIST (make data)"; continue; } ;;
    mnist-*) limit=1000; [ -d data/cache/mnist ] || { echo "$model: left out, no MNIST (make data)"; continue; } ;;
    *) limit=500 ;;
  esac
  for luts in 3000 8000; do
    for stream in "" "--gap 0.3 --stall 0.3"; do
      # shellcheck disable=SC2086
      if said=$(target/release/neuspin cosim "$model" --limit "$limit" --target-luts "$luts" $stream --json 2>&1); then
        verdict=exact
      else
        verdict=FAILED
        failed=1
        echo "$said" | tail -20 >&2
      fi
      echo "$model, estimate of $luts LUTs${stream:+, $stream}: $limit images $verdict"
    done
  done
done
[ $failed -eq 0 ] && echo "all exact" || { echo "not all exact"; exit 1; }
