#!/bin/bash
# What the quality of the random source changes: the table and the figure of docs/random.md.
#
#   scripts/random-study.sh [IMAGES [PASSES [SEEDS]]]      default: all test images, 16 passes, 16 seeds
#
# A network on digits and one on MNIST (against Fashion-MNIST); results go to target/random-study. Ten minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/fetch-data.sh >&2
cargo run --release --quiet --example random_study -- "${1:-10000}" "${2:-16}" "${3:-16}" target/random-study \
  digits-spindrop mnist-spindrop-1bit
mkdir -p docs/figures
cp target/random-study/random-study.svg docs/figures/random-study.svg
