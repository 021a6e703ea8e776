#!/bin/bash
# The WebAssembly specification suite on the host build: ci/test.sh wasm-spec.
# usage: run.sh [FOLDER[/FILE]...]      the last line is `N passed, N failed, N skipped`
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 2

suite=../shared/wasm-spec
if [ ! -d "$suite/core" ]; then
    echo "wasm-spec: $suite is not there: put the suite's core/ and proposals in it"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
log=build/engine.log
mkdir -p build
if ! { cmake -S servers/wasm/engine -B build/engine && cmake --build build/engine; } >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
exec /usr/bin/python3 ci/suites/wasm-spec/run.py build/engine/wasm_spec_runner "$suite" "$@"
