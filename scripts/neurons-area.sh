#!/bin/bash
# Area of the neurons that decide on sums (Scale-Dropout, affine dropout, sub-set inference), each block synthesised by itself for
# Xilinx 7 and ECP5: what `plan/cost.rs` is fitted to.
#
#   scripts/neurons-area.sh [PExLANES ...]      default: 1x1 4x1 16x1 4x4 16x4
#
# Layers 0 (64 inputs of 4 bits) and 1 (256 inputs) of the bundled digits networks. Honours YOSYS (default: yosys) and NEUSPIN.
# "mem" are LUTs used as memory and shift registers; ECP5 counts two LUT4 for each carry cell.
set -euo pipefail
cd "$(dirname "$0")/.."
yosys=${YOSYS:-yosys}
command -v "$yosys" > /dev/null || { echo "neurons-area.sh: no $yosys; install it (apt-get install yosys) or set YOSYS" >&2; exit 3; }
build=target/neurons-area
mkdir -p "$build"
neuspin=${NEUSPIN:-}
[ -n "$neuspin" ] || { cargo build --release --quiet; neuspin=target/release/neuspin; }
foldings=("$@")
[ ${#foldings[@]} -gt 0 ] || foldings=(1x1 4x1 16x1 4x4 16x4)

# Sum of the cells in a Yosys report whose name matches; the report may have the count before or after the name.
cells() {
  awk -v want="$2" '
    NF >= 2 { name = ""; if ($1 ~ /^[0-9]+$/) { name = $2; n = $1 } else if ($2 ~ /^[0-9]+$/) { name = $1; n = $2 }
              if (name ~ want) sum += n }
    END { print sum + 0 }' "$1"
}

"$yosys" -V
printf '%-8s %5s %8s | %7s %5s %5s %4s | %7s %5s %4s\n' "method" "layer" "pe x ln" "xc7 LUT" "mem" "FF" "DSP" "LUT4+2C" "FF" "DSP"
for method in scale affine subset; do
  for folding in "${foldings[@]}"; do
    IFS=x read -r pe lanes <<< "$folding"
    out=$build/$method-$folding
    "$neuspin" generate "models/digits-$method" --out "$out" --lanes "$lanes" --max-passes 16 --pe "$pe,$pe,1" --simd 16,64,64 > /dev/null
    for layer in 0 1; do
      top=digits_${method}_neurons$layer
      (
        cd "$out"
        "$yosys" -q -p "read_verilog *.v; synth_xilinx -flatten -noiopad -top $top; tee -o xc7.txt stat" > xc7.log 2>&1 || { tail -5 xc7.log >&2; exit 1; }
        "$yosys" -q -p "read_verilog *.v; synth_ecp5 -nowidelut -top $top; tee -o ecp5.txt stat" > ecp5.log 2>&1 || { tail -5 ecp5.log >&2; exit 1; }
        memory=$(($(cells xc7.txt '^RAM(32|64)M$') * 4 + $(cells xc7.txt '^RAM(32|64)X1D$') * 2 + $(cells xc7.txt '^SRL')))
        printf '%-8s %5s %8s | %7d %5d %5d %4d | %7d %5d %4d\n' "$method" "$layer" "$folding" \
          "$(cells xc7.txt '^LUT[1-6]$')" "$memory" "$(cells xc7.txt '^FD[RSCP]E$')" "$(cells xc7.txt '^DSP48E1$')" \
          "$(($(cells ecp5.txt '^LUT4$') + 2 * $(cells ecp5.txt '^CCU2C$')))" "$(cells ecp5.txt '^TRELLIS_FF$')" \
          "$(cells ecp5.txt '^MULT18X18D$')"
      )
    done
  done
done
