#!/bin/bash
# Area of the layer engine: a 256 x 256 layer with dropped inputs at several foldings, synthesised for Xilinx 7 and ECP5.
#
#   scripts/area.sh [PExSIMDxLANES ...]      default: 16x64x4 8x32x16 4x32x1
#
# Honours YOSYS (default: yosys). One synaptic operation is one weight applied to one activation of one pass; an engine of
# pe x simd x lanes does that many a clock. LUTs are cells of the engine alone; memories of activations in LUTs and shift
# registers are listed beside them and included in the column "all".
set -euo pipefail
cd "$(dirname "$0")/.."
yosys=${YOSYS:-yosys}
command -v "$yosys" > /dev/null || { echo "area.sh: no $yosys; install it (apt-get install yosys) or set YOSYS" >&2; exit 3; }
foldings=("$@")
[ ${#foldings[@]} -gt 0 ] || foldings=(16x64x4 8x32x16 4x32x1)
cargo build --release --quiet
build=target/area
mkdir -p "$build"
top=mnist_spindrop_1bit_layer1

# Sum of the cells in a Yosys report whose name matches; the report may have the count before or after the name.
cells() {
  awk -v want="$2" '
    NF >= 2 { name = ""; if ($1 ~ /^[0-9]+$/) { name = $2; n = $1 } else if ($2 ~ /^[0-9]+$/) { name = $1; n = $2 }
              if (name ~ want) sum += n }
    END { print sum + 0 }' "$1"
}

"$yosys" -V
printf '%-12s %8s | %7s %6s %6s %6s %7s | %7s %6s %6s %7s\n' "pe x simd x" "synops" \
  "xc7 LUT" "/synop" "all" "FF" "BRAM18" "LUT4+2C" "/synop" "FF" "EBR"
for folding in "${foldings[@]}"; do
  IFS=x read -r pe simd lanes <<< "$folding"
  out=$build/$folding
  cargo run --release --quiet -- generate models/mnist-spindrop-1bit --out "$out" --lanes "$lanes" --max-passes "$((lanes > 16 ? lanes : 16))" \
    --pe "$pe,$pe,$pe,1" --simd "112,$simd,$simd,$simd" > /dev/null
  (
    cd "$out"
    [ -d rtl ] && cd rtl
    "$yosys" -q -p "read_verilog *.v; synth_xilinx -flatten -noiopad -top $top; tee -o xc7.txt stat" > xc7.log 2>&1 || { tail -5 xc7.log >&2; exit 1; }
    "$yosys" -q -p "read_verilog *.v; synth_ecp5 -nowidelut -top $top; tee -o ecp5.txt stat" > ecp5.log 2>&1 || { tail -5 ecp5.log >&2; exit 1; }
    ops=$((pe * simd * lanes))
    lut=$(cells xc7.txt '^LUT[1-6]$')
    memory=$(($(cells xc7.txt '^RAM32M$') * 4 + $(cells xc7.txt '^RAM64M$') * 4 + $(cells xc7.txt '^RAM(32|64)X1D$') * 2 + $(cells xc7.txt '^SRL')))
    bram=$(($(cells xc7.txt '^RAMB18E1$') + 2 * $(cells xc7.txt '^RAMB36E1$')))
    lut4=$(($(cells ecp5.txt '^LUT4$') + 2 * $(cells ecp5.txt '^CCU2C$')))
    printf '%-12s %8d | %7d %6s %6s %6d %7d | %7d %6s %6d %7d\n' "$folding" "$ops" \
      "$lut" "$(awk "BEGIN { printf \"%.2f\", $lut / $ops }")" "$(awk "BEGIN { printf \"%.2f\", ($lut + $memory) / $ops }")" \
      "$(cells xc7.txt '^FD[RSCP]E$')" "$bram" \
      "$lut4" "$(awk "BEGIN { printf \"%.2f\", $lut4 / $ops }")" "$(cells ecp5.txt '^TRELLIS_FF$')" "$(cells ecp5.txt '^DP16KD$')"
  )
done
