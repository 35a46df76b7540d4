#!/bin/sh
# Proves the blocks of the AXI wrapper: scripts/prove-axi.sh [BLOCK...], all of them by default (tb/formal/prove.py names them).
# The solver is installed into target/formal once; NEUSPIN may name a command that is already built.
set -eu
cd "$(dirname "$0")/.."

env=target/formal
if ! cmp -s tb/formal/requirements.txt "$env/requirements.txt"; then
    rm -rf "$env"
    python3 -m venv "$env"
    "$env/bin/pip" install --quiet --disable-pip-version-check -r tb/formal/requirements.txt
    cp tb/formal/requirements.txt "$env/requirements.txt"
fi
if [ -z "${NEUSPIN:-}" ]; then
    cargo build --quiet
    NEUSPIN=target/debug/neuspin
fi
PATH="$PWD/$env/bin:$PATH" exec "$env/bin/python" tb/formal/prove.py "$NEUSPIN" "$env/work" "$@"
