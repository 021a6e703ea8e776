#!/bin/bash
# Removes the kernel's named checks (CHECK and ASSERT of kern/include/kern/check.h) one at a time
# and runs the kernel's host tests: each mutant must make one fail.
#   bash ci/mutants.sh [NAME...]       default: all
# Last line: `N passed, N failed, N skipped`; a mutant that lives is a failure.
set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
source ci/mutants_each.sh
out=$PWD/build/mutants
tests=ci/unit/kern
mkdir -p "$out/objects"
/usr/bin/python3 toolchain/gen.py abi "$out" kern/abi/pith.idl >/dev/null || exit 1

flags=(-std=c17 -O1 -w -I"$tests/mock" -I"$tests" -Iarch/x86_64/include -Ikern/include
    -Iarch/x86_64 -I"$out/include")
mapfile -t sources < <(ls kern/*/*.c "$tests"/*.c "$tests"/mock/*.c arch/x86_64/cpu/frame.c |
    grep -v core/log.c)

object() { # object SOURCE: the name of its object file
    echo "$out/objects/${1//\//_}.o"
}
links_and_passes() { # links_and_passes PROGRAM OBJECT...
    local program=$1
    shift
    gcc -o "$program" "$@" -lcmocka || return 0 # a mutant that does not link proves nothing
    timeout 200 "$program" stop >"$program.log" 2>&1
}

objects=()
for source in "${sources[@]}"; do
    gcc "${flags[@]}" -c "$source" -o "$(object "$source")" || exit 1
    objects+=("$(object "$source")")
done
if ! links_and_passes "$out/whole" "${objects[@]}"; then
    tail -n 20 "$out/whole.log"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi

# MUTANT(name) by itself is a check written out where speed wants it.
pattern='\b(CHECK|ASSERT|MUTANT)\(\K[a-z]\w*(?=[,)])'
if [ $# -gt 0 ]; then names=("$@"); else
    mapfile -t names < <(grep -ohP "$pattern" kern/*/*.c | sort)
    twice=$(printf '%s\n' "${names[@]}" | uniq -d)
    [ -z "$twice" ] || echo "names used twice: $twice"
fi
mutant() { # mutant INDEX WORKER
    local name=${names[$1]} source object=$out/objects/mutant$2.o
    source=$(grep -lP "\b(CHECK|ASSERT)\(\s*$name,|\bMUTANT\($name\)" kern/*/*.c | head -n 1)
    if [ -z "$source" ]; then
        echo "$name: no such check"
    elif ! gcc "${flags[@]}" "-DMUTANT_$name=1" -c "$source" -o "$object"; then
        echo "$name: does not compile"
    elif links_and_passes "$out/mutant$2" "${objects[@]/$(object "$source")/$object}"; then
        echo "$name: nothing notices that it is gone ($source)"
    fi
}
{
    each_mutant "$out" ${#names[@]}
    [ $# -gt 0 ] || bash ci/mutants-kept.sh # those of servers that keep their state
} | awk '/^[0-9]+ passed, [0-9]+ failed, 0 skipped$/ { passed += $1; failed += $3; next }
    { print }
    END { print passed + 0 " passed, " failed + 0 " failed, 0 skipped"; exit failed > 0 }'
