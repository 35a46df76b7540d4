#!/bin/bash
# Area of the uncertainty on the chip, part by part: the block of the digits network (10 classes, at most 64 passes, 4 lanes),
# synthesised by itself for Xilinx 7 and ECP5.
#
# Honours YOSYS (default: yosys). "mem" are cells of LUTs used as memory, each four LUTs (RAM32M, RAM64M) or two, and shift
# registers; ECP5 counts two LUT4 for each carry cell.
set -euo pipefail
cd "$(dirname "$0")/.."
yosys=${YOSYS:-yosys}
command -v "$yosys" > /dev/null || { echo "uncertainty-area.sh: no $yosys; install it (apt-get install yosys) or set YOSYS" >&2; exit 3; }
build=target/uncertainty-area
mkdir -p "$build"
neuspin=${NEUSPIN:-}
[ -n "$neuspin" ] || { cargo build --release --quiet; neuspin=target/release/neuspin; }
top=digits_spindrop_uncertainty

# Sum of the cells in a Yosys report whose name matches; the report may have the count before or after the name.
cells() {
  awk -v want="$2" '
    NF >= 2 { name = ""; if ($1 ~ /^[0-9]+$/) { name = $2; n = $1 } else if ($2 ~ /^[0-9]+$/) { name = $1; n = $2 }
              if (name ~ want) sum += n }
    END { print sum + 0 }' "$1"
}

"$yosys" -V
printf '%-44s | %7s %5s %5s %4s %6s | %7s %5s %5s %4s\n' "parts" "xc7 LUT" "mem" "FF" "DSP" "BRAM18" "LUT4+2C" "FF" "DSP" "EBR"
for parts in mean mean,variance mean,entropy mean,entropy,information mean,entropy,flag mean,entropy,class-flag variance,entropy,information,class-flag; do
  out=$build/${parts//,/-}
  "$neuspin" generate models/digits-spindrop --out "$out" --lanes 4 --max-passes 64 \
    --pe 8,4,1 --simd 64,128,32 --uncertainty "$parts" > /dev/null
  (
    cd "$out"
    "$yosys" -q -p "read_verilog *.v; synth_xilinx -flatten -noiopad -top $top; tee -o xc7.txt stat" > xc7.log 2>&1 || { tail -5 xc7.log >&2; exit 1; }
    "$yosys" -q -p "read_verilog *.v; synth_ecp5 -nowidelut -top $top; tee -o ecp5.txt stat" > ecp5.log 2>&1 || { tail -5 ecp5.log >&2; exit 1; }
    memory=$(($(cells xc7.txt '^RAM(32|64)M$') * 4 + $(cells xc7.txt '^RAM(32|64)X1D$') * 2 + $(cells xc7.txt '^SRL')))
    printf '%-44s | %7d %5d %5d %4d %6d | %7d %5d %5d %4d\n' "$parts" \
      "$(cells xc7.txt '^LUT[1-6]$')" "$memory" "$(cells xc7.txt '^FD[RSCP]E$')" "$(cells xc7.txt '^DSP48E1$')" \
      "$(($(cells xc7.txt '^RAMB18E1$') + 2 * $(cells xc7.txt '^RAMB36E1$')))" \
      "$(($(cells ecp5.txt '^LUT4$') + 2 * $(cells ecp5.txt '^CCU2C$')))" "$(cells ecp5.txt '^TRELLIS_FF$')" \
      "$(cells ecp5.txt '^MULT18X18D$')" "$(cells ecp5.txt '^DP16KD$')"
  )
done
