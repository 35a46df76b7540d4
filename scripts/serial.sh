#!/bin/sh
# The serial port of a design, driven by cocotbext-uart in Icarus, and the Python client against `neuspin serve`: scripts/serial.sh
# A Python environment with pinned versions is made in target/serial once; NEUSPIN may name a command that is already built.
set -eu
cd "$(dirname "$0")/.."

env=target/serial
if ! cmp -s tb/cocotb/uart-requirements.txt "$env/requirements.txt"; then
    rm -rf "$env"
    python3 -m venv "$env"
    "$env/bin/pip" install --quiet --disable-pip-version-check -r tb/cocotb/uart-requirements.txt
    cp tb/cocotb/uart-requirements.txt "$env/requirements.txt"
fi
if [ -z "${NEUSPIN:-}" ]; then
    cargo build --quiet
    NEUSPIN=target/debug/neuspin
fi
NEUSPIN=$(realpath "$NEUSPIN")
export NEUSPIN
"$env/bin/python" tb/cocotb/uart.py "$NEUSPIN" "$env/work"
PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 "$env/bin/python" -m pytest -q -p no:cacheprovider python/tests
