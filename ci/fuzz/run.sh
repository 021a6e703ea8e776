#!/bin/bash
# The engine against what nobody wrote: generated modules in all engines, every vector instruction
# with all arrangements of its operands (differential/), modules that would be dear for their bytes
# (hostile.py), and mutated bytes under sanitizers (engine/); the kernel's code on the host (kern/).
# CI's share of it; ci/soak.sh does the long counts.
# Called by ci/test.sh (tier fuzz), or by hand. Ends with `N passed, N failed, N skipped`.
#
# usage: run.sh [MODULES [SECONDS]]     500 modules of wasm-opt, and a fifth as many of our own generator;
#                                       SECONDS for each fuzz target, or the executions of CI's share
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
modules=${1:-500} seconds=${2-}
runner=build/host/ci/fuzz/differential/wasm-transcript
out=build/fuzz
mkdir -p $out
passed=0 failed=0 skipped=0

count() { # count COMMAND...: adds up its last line, `N passed, N failed, N skipped`
    "$@" | tee $out/output
    local numbers
    read -ra numbers <<<"$(sed -n '$s/\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped/\1 \2 \3/p' $out/output)"
    [ ${#numbers[@]} = 3 ] || numbers=(0 1 0)
    passed=$((passed + numbers[0])) failed=$((failed + numbers[1])) skipped=$((skipped + numbers[2]))
}
{ cmake --preset host && cmake --build --preset host --target wasm-transcript; } >$out/build.log 2>&1 ||
    { tail -n 40 $out/build.log >&2 && echo "0 passed, 1 failed, 0 skipped" && exit 1; }
count /usr/bin/python3 ci/fuzz/differential/differential.py wasm-opt "$modules"
count /usr/bin/python3 ci/fuzz/differential/differential.py pressure "$((modules / 5))"
count /usr/bin/python3 ci/fuzz/differential/vectors.py $runner
count /usr/bin/python3 ci/fuzz/hostile.py $runner
count bash ci/fuzz/engine/run.sh "$seconds"
count bash ci/fuzz/kern/run.sh "$seconds"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
