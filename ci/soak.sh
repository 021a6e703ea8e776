#!/bin/bash
# The long counts, in slices with a seed each. Ended early, it goes on with the next slice:
# build/soak/next holds its number. Called by `ci/test.sh soak`.
#
#   bash ci/soak.sh [SLICES]     how many slices to do now (default: all that are left of 250)
#
# One slice, a 250th of the whole counts, of all of which the number is the seed:
#   kernel     100 seeds of random calls on the host (4,000 steps, invariants checked after each)
#              and of fast against general path (2,000 states)
#   model      the kernel's code under libFuzzer on the host, two times 60 s; 100 more traces for the model
#              of waiting (ci/model); the first slice also searches its larger sizes
#   engine     60 s of fuzzing for each of the engine's targets; 80 modules of either generator in
#              the interpreter, the compiler and V8 (20,000)
#   fuzz1      4 x 10^6 system calls against the kernel's debug build on one CPU (10^9 in all)
#   fuzz4      4 x 10^5 on four (10^8)
#   ways       fast against general path in the booted kernel: 200 episodes, some 56,000 calls
#   processes  400 programs and 40 WebAssembly guests, memory and slots as before (10^5 and 10^4)
#   servers    every request of every server at its boundaries, memory as before
#   cpus       the whole boot tier with 2, 4 or 8 CPUs, in turn
#   kills      4 ends of each server that keeps its state, under load (1,000)
# Ends with `N passed, N failed, N skipped`, ten checks a slice. docs/soak.md: what was reached.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
all=250 seeds=100
state=build/soak
mkdir -p $state
next=$(cat $state/next 2>/dev/null || echo 0)
last=$((${1:-$all} + next))
[ "$last" -le $all ] || last=$all

{ cmake --preset host && cmake --build --preset host --target kern_test wasm-transcript &&
    cmake --preset pith && cmake --build --preset pith; } >$state/build.log 2>&1 ||
    { tail -n 40 $state/build.log >&2; exit 1; }

passed=0 failed=0
check() { # check WHAT COMMAND...: counts it, and keeps the output of a failure
    local what=$1
    shift
    if "$@" >$state/output 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        cp $state/output "$state/failed-$next-$what"
        echo "slice $next: $what failed, see $state/failed-$next-$what" >&2
    fi
}
kernel() {
    PITH_SEED=$((next * seeds + 1)) PITH_SEEDS=$seeds build/host/ci/unit/kern/kern_test stop
}
model() {
    bash ci/fuzz/kern/run.sh 60 && bash ci/model/trace.sh 100 2000 $((next * 100 + 1)) || return
    [ "$next" != 0 ] || bash ci/model/run.sh big
}
engine() {
    ci/fuzz/differential/differential.py wasm-opt 80 $((next * 80)) &&
        ci/fuzz/differential/differential.py pressure 80 $((next * 80)) &&
        PITH_SEED=$((next + 1)) bash ci/fuzz/engine/run.sh 60
}
fuzz1() { ci/fuzz/kernel/run.py $((next + 1)) 4000000 1; }
fuzz4() { ci/fuzz/kernel/run.py $((next + 1)) 400000 4; }
ways() { ci/fuzz/kernel/ways.py $((next + 1)) 200; }
lines() { # lines PROGRAMS: a guest for each ten of them
    local i
    for ((i = 1; i <= $1; i++)); do
        echo /bin/true
        [ $((i % 10)) != 0 ] || echo 'hello.wasm x >/dev/null'
    done
}
processes() {
    lines 100 >$state/warm
    lines 400 >$state/script
    bash qemu.sh --add $state/warm:/warm --add $state/script:/script --timeout 1800 \
        --run 'sh /warm; mem; sh /warm; mem; sh /script; mem' >$state/memory || return
    cat $state/memory
    # The first figures are those of a system that had not been used before.
    for what in free slots; do
        [ "$(grep -c "^$what" $state/memory)" = 3 ] &&
            [ "$(grep "^$what" $state/memory | tail -n 2 | sort -u | wc -l)" = 1 ] || return 1
    done
}
servers() {
    PITH_SEED=$((next + 1)) /usr/bin/python3 -m pytest -q -p no:cacheprovider \
        ci/boot/test_messages.py -k every
}
kills() { # 250 slices: each server a thousand times
    PITH_KILLS=4 PITH_SEED=$((next + 1)) /usr/bin/python3 -m pytest -q ci/boot/test_kills.py -k under_load
}
cpus() {
    local smp=(2 4 8)
    PITH_SMP=${smp[next % 3]} /usr/bin/python3 -m pytest -q -p no:cacheprovider ci/boot
}
while [ "$next" -lt "$last" ]; do
    check kernel kernel
    check model model
    check engine engine
    check fuzz1 fuzz1
    check fuzz4 fuzz4
    check ways ways
    check processes processes
    check servers servers
    check kills kills
    check cpus cpus
    next=$((next + 1))
    echo $next >$state/next
    echo "soak: slice $next of $all at $(git rev-parse --short HEAD), $failed failed" >&2
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
