#!/bin/sh
# Installs outside tools through apt where they are missing: scripts/install-tools.sh verilator g++ make ...
# Says what it installs, and uses sudo only when not root.
set -eu

# Some files of a tool come in packages of their own: a command or a header, and the package that has it.
have() {
    case "$1" in
    zlib1g-dev) [ -e /usr/include/zlib.h ] ;;
    python3-venv) python3 -c 'import ensurepip' 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

missing=
for tool in "$@"; do
    have "$tool" || missing="$missing $tool"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "install-tools: please install$missing with your system's package manager (there is no apt-get here)" >&2
    exit 3
fi
run=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "install-tools: as root, please run: apt-get install$missing" >&2; exit 3; }
    run=sudo
fi
echo "installing with apt-get:$missing"
$run apt-get update -qq
$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
