#!/bin/bash
# What the quality of the random source changes: the table and the figure of docs/random.md.
#
#   scripts/random-study.sh [IMAGES [PASSES [SEEDS]]]      default: 2000 images, 16 passes, 8 seeds
#
# A network on digits and one on MNIST (against Fashion-MNIST); results go to target/random-study. Some minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/fetch-data.sh >&2
cargo run --release --quiet --example random_study -- "${1:-2000}" "${2:-16}" "${3:-8}" target/random-study \
  digits-spindrop mnist-spindrop-1bit
