#!/bin/sh
# Drives the interfaces of generated designs with public cocotb extensions: scripts/cocotb.sh
# A Python environment with pinned versions is made in target/cocotb once; NEUSPIN may name a command that is already built.
set -eu
cd "$(dirname "$0")/.."

env=target/cocotb
if ! cmp -s tb/cocotb/requirements.txt "$env/requirements.txt"; then
    rm -rf "$env"
    python3 -m venv "$env"
    "$env/bin/pip" install --quiet --disable-pip-version-check -r tb/cocotb/requirements.txt
    cp tb/cocotb/requirements.txt "$env/requirements.txt"
fi
if [ -z "${NEUSPIN:-}" ]; then
    cargo build --quiet
    NEUSPIN=target/debug/neuspin
fi
exec "$env/bin/python" tb/cocotb/run.py "$NEUSPIN" "$env/work"
