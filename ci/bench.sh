#!/bin/bash
# Measures Pith: prints a table and writes build/bench.json.
#   bash ci/bench.sh [NAME...]      names: ipc smp boot size wasm wasm-pith (default: all)
# Speed is in instructions (-icount) or in ratios of one run; the one wall time, boot, is a
# median. The kernel measured is the one that ships.
set -u
cd "$(bash "$(dirname "${BASH_SOURCE[0]}")/../toolchain/checkout.sh")" || exit 2
bash toolchain/setup.sh test || exit 1
mkdir -p build
if ! { cmake --preset pith && cmake --build --preset pith; } >build/build.log 2>&1; then
    tail -n 40 build/build.log >&2
    exit 1
fi
exec /usr/bin/python3 ci/bench/bench.py "$@"
