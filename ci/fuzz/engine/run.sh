#!/bin/bash
# Fuzzes the WASM engine with libFuzzer under ASan and UBSan.
# usage: run.sh [SECONDS [TARGET...]]     each of load, execute and compare; without SECONDS the
#                                         same executions on every machine, CI's share
# Seeds: seeds/ here, the unit tests' modules, a hundred small ones of ../differential/pressure.py,
# and the specification suite where ../shared/wasm-spec is. What is found while running stays in
# build/fuzz/TARGET, or without SECONDS in build/fuzz/TARGET.share, which each run begins anew; a
# finding in build/fuzz/TARGET-*.
# PITH_SEED begins at another place; without it at the same (1): a change is judged, not luck.
# Ends with `N passed, N failed, N skipped`, one for each target.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 2
seconds=${1-}
shift
[ $# -gt 0 ] || set -- load execute compare
declare -A executions=([load]=300000 [execute]=120000 [compare]=90000) # about half a minute each
here=ci/fuzz/engine engine=servers/wasm/engine out=build/fuzz
mkdir -p $out/seeds

for wat in $here/seeds/*.wat ci/unit/engine/*.wat; do
    wat2wasm --enable-tail-call --enable-multi-memory --enable-threads "$wat" \
        -o "$out/seeds/$(basename "$wat" .wat).wasm" || exit 1
done
/usr/bin/python3 ci/fuzz/differential/pressure.py $out/seeds 100 0 25 || exit 1
if [ -d ../shared/wasm-spec/core ] && [ ! -e $out/seeds/i32.0.wasm ]; then
    for wast in ../shared/wasm-spec/{core,tail-call,multi-memory,extended-const,threads}/*.wast; do
        wast2json --enable-all "$wast" -o "$out/seeds/$(basename "$wast" .wast).json" 2>/dev/null
    done
    rm -f $out/seeds/*.json $out/seeds/*.wat
fi

# One of these is not for this machine.
[ "$(uname -m)" = x86_64 ] && other=no_compiler.c || other='x86_64*'

# The engine once, for all targets; an object is kept while nothing of the engine changed.
compiler=(clang -std=c17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
    -DWASM_TAIL_CALLS=0 -I$engine/include)
newest=$(find $engine $here/run.sh -type f -newer "$out/built" 2>/dev/null | head -n 1)
if [ -n "$newest" ] || ! [ -e "$out/built" ]; then
    rm -rf "$out/objects" && mkdir -p "$out/objects"
    touch "$out/built.new"
    find $engine/src -path "$engine/src/$other" -prune -o -name '*.c' -print0 | xargs -0 -P "$(nproc)" -I{} sh -c \
        'out=$1 && shift && exec "$@" -fsanitize=fuzzer-no-link -c {} -o "$out/$(echo {} | tr / _).o"' \
        - "$out/objects" "${compiler[@]}" || { echo "0 passed, 1 failed, 0 skipped" && exit 1; }
    mv "$out/built.new" "$out/built"
fi

source ci/fuzz/repeat.sh
in_order $out/seeds.list $out/seeds
passed=0 failed=0
for target in "$@"; do
    found=$out/$target how=-max_total_time=$seconds
    [ -n "$seconds" ] || { found+=.share how=-runs=${executions[$target]} && rm -rf "$found"; }
    mkdir -p "$found"
    if "${compiler[@]}" -no-pie -fsanitize=fuzzer "$here/fuzz_$target.c" "$out/objects"/*.o -lm \
        -Wl,--wrap=wasm_platform_sleep -o "$out/fuzz_$target" &&
        "${repeatable[@]}" "$out/fuzz_$target" "$how" -seed="${PITH_SEED:-1}" \
            -timeout=20 -rss_limit_mb=4096 -reload=0 -seed_inputs=@$out/seeds.list \
            -artifact_prefix="$out/$target-" -print_final_stats=1 "$found" \
            >"$out/$target.log" 2>&1; then
        passed=$((passed + 1))
        grep -h 'stat::number_of_executed_units' "$out/$target.log" | sed "s/^/$target: /"
    else
        failed=$((failed + 1))
        tail -n 40 "$out/$target.log"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
