#!/bin/bash
# Fuzzes the kernel's own code on the host with libFuzzer, under ASan and UBSan.
# usage: run.sh [SECONDS]     two workers at once; without SECONDS the same executions on every
#                             machine, CI's share
# Seeds: seeds/ here. What worker N (seed N) finds while running stays in build/fuzz/kern/N, or
# without SECONDS in build/fuzz/kern/N.share, which each run begins anew; a finding in
# build/fuzz/kern-*. No worker reads what another found, so that each repeats itself: a change is
# judged, not luck.
# Ends with `N passed, N failed, N skipped`.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 2
seconds=${1-}
workers=2 executions=80000 # of each worker: half a minute
out=build/fuzz/kern-objects tests=ci/unit/kern
mkdir -p $out
/usr/bin/python3 toolchain/gen.py abi $out kern/abi/pith.idl >/dev/null || exit 1

# _Exit: what world.c does where a test fails; libFuzzer must hear of it.
flags=(-std=c17 -D_GNU_SOURCE -O1 -g -w -fsanitize=fuzzer-no-link,address,undefined
    -fno-sanitize-recover=all -DKERN_CHECKED=1 -D_Exit=fuzz_exit -I$tests/mock -I$tests
    -Iarch/x86_64/include -Ikern/include -Iarch/x86_64 -I$out/include)
build() {
    local source name objects=()
    for source in $(ls kern/*/*.c | grep -v core/log.c) arch/x86_64/cpu/frame.c \
        $tests/{world,calls,chaos,mock/mock}.c; do
        name=$out/${source//\//_}.o
        clang "${flags[@]}" -c "$source" -o "$name" || return 1
        # Its variables are restored before each input.
        objcopy --rename-section .data=kern_data,alloc,load,data,contents \
            --rename-section .bss=kern_bss "$name" || return 1
        objects+=("$name")
    done
    clang "${flags[@]}" -c ci/fuzz/kern/fuzz_kern.c -o $out/fuzz.o &&
        clang -no-pie -fsanitize=fuzzer,address,undefined -o build/fuzz/fuzz_kern $out/fuzz.o "${objects[@]}"
}
source ci/fuzz/repeat.sh
in_order $out/seeds.list ci/fuzz/kern/seeds
fuzz() { # one worker, with a seed of its own
    local found=build/fuzz/kern/$1 how=-max_total_time=$seconds
    [ -n "$seconds" ] || { found+=.share how=-runs=$executions && rm -rf "$found"; }
    mkdir -p "$found"
    "${repeatable[@]}" build/fuzz/fuzz_kern "$how" \
        -max_len=1500 -len_control=0 -timeout=20 -reload=0 -detect_leaks=0 -print_final_stats=1 \
        -seed="$1" -seed_inputs=@$out/seeds.list -artifact_prefix=build/fuzz/kern- \
        "$found" >build/fuzz/kern-"$1".log 2>&1
}
build >$out/build.log 2>&1 || { tail -n 20 $out/build.log; echo "0 passed, 1 failed, 0 skipped"; exit 1; }
pids=()
for ((worker = 1; worker <= workers; worker++)); do
    fuzz "$worker" &
    pids+=($!)
done
failed=0
for ((worker = 1; worker <= workers; worker++)); do
    if wait "${pids[worker - 1]}"; then
        grep -hE 'stat::number_of_executed_units|^#[0-9]+.DONE' build/fuzz/kern-$worker.log
    else
        failed=1
        tail -n 40 build/fuzz/kern-$worker.log
    fi
done
echo "$((1 - failed)) passed, $failed failed, 0 skipped"
[ $failed = 0 ]
