#!/bin/bash
# The long counts, in slices with a seed each. Ended early, it goes on with the next slice:
# build/soak/next holds its number. Called by `ci/test.sh soak`.
#
#   bash ci/soak.sh [SLICES]     how many slices to do now (default: all that are left of 250)
#
# One slice: 100 seeds of the kernel's random calls (4,000 steps, invariants checked after each)
# and of fast against general path (2,000 states), 60 s of fuzzing for each target of the engine,
# and a boot with 2,000 programs and 200 WebAssembly guests whose memory must come back.
# Ends with `N passed, N failed, N skipped`, three checks a slice.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
all=250 seeds=100
state=build/soak
mkdir -p $state
next=$(cat $state/next 2>/dev/null || echo 0)
last=$((${1:-$all} + next))
[ "$last" -le $all ] || last=$all

{ cmake --preset host && cmake --build --preset host --target kern_test &&
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
engine() { bash ci/fuzz/engine/run.sh 60; }
memory() {
    local script=$state/script
    { echo 'true; hello.wasm x'; echo mem
      for ((i = 0; i < 200; i++)); do
          for ((j = 0; j < 10; j++)); do echo /bin/true; done
          echo 'hello.wasm x'
      done
      echo mem; } >$script
    bash qemu.sh --run sh --timeout 1800 <$script >$state/memory && [ "$(grep -c '^free' $state/memory)" = 2 ] &&
        [ "$(grep '^free' $state/memory | sort -u | wc -l)" = 1 ]
}
while [ "$next" -lt "$last" ]; do
    check kernel kernel
    check engine engine
    check memory memory
    next=$((next + 1))
    echo $next >$state/next
    echo "soak: slice $next of $all at $(git rev-parse --short HEAD), $failed failed" >&2
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
