#!/bin/bash
# What faulty cells cost, with and without inverted normalization: the tables of docs/faults.md.
#
#   scripts/faults.sh [LIMIT]      default: the first 1000 test images
#
# Ten dies a rate of three bundled MNIST networks of one size. Results stay in target/faults; some minutes on two cores.
# NEUSPIN names another program than the one built here.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/fetch-data.sh >&2
if [ -z "${NEUSPIN:-}" ]; then
  cargo build --release --quiet
  NEUSPIN=target/release/neuspin
fi
out=target/faults
mkdir -p "$out"
declare -A rates=(
  [flips]=0,0.01,0.02,0.05,0.1,0.2,0.3
  [stuck]=0,0.02,0.05,0.1,0.2,0.4,0.6
  [conductance]=0,0.1,0.2,0.5,1
  [drift]=0,0.05,0.1,0.2,0.4
  [columns]=0,0.05,0.1,0.2,0.4
)
kinds=(flips stuck conductance drift columns)
for kind in "${kinds[@]}"; do
  $NEUSPIN faults mnist-spindrop-1bit mnist-scale mnist-affine --kind "$kind" --rates "${rates[$kind]}" --limit "${1:-1000}" \
    --json > "$out/$kind.json.part"
  mv "$out/$kind.json.part" "$out/$kind.json"
done
node scripts/faults-table.js "${kinds[@]/#/$out/}"
