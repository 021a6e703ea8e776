#!/bin/bash
# The checks of kept state, and what makes requests atomic, removed one at a time: each mutant
# must make ci/unit/servers/kept_test.c fail. Called by ci/mutants.sh; last line as there.
#   bash ci/mutants-kept.sh [FILE]     default: all files
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
out=$PWD/build/mutants/kept
mkdir -p "$out" && rm -f "$out"/lived*
/usr/bin/python3 toolchain/gen.py abi "$out" kern/abi/pith.idl >/dev/null &&
    /usr/bin/python3 toolchain/gen.py proto "$out" kern/abi/pith.idl servers/proto/*.idl >/dev/null || exit 1
flags=(-std=c17 -O1 -w -DPITH_KEPT -fno-pie -fno-builtin -fno-tree-loop-distribute-patterns
    -Iservers/lib/include -Iservers/files -Iservers/lib -I"$out/include")
announced=(-fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0
    --param asan-instrument-reads=0 --param asan-stack=0 --param asan-globals=0
    --param asan-memintrin=0)
plain=(ci/unit/servers/kept_test.c servers/lib/kept.c servers/lib/text.c)
stores=(servers/lib/heap.c servers/lib/heap_kept.c servers/files/{names,path,inode,directory}.c
    servers/files/{contents,description,handles,pipe,pages,objects}.c)

compile() { # compile SOURCE-AS-LISTED FILE OBJECT
    case " ${plain[*]} " in
    *" $1 "*) gcc "${flags[@]}" -c "$2" -o "$3" ;;
    *) gcc "${flags[@]}" "${announced[@]}" -c "$2" -o "$3" ;;
    esac
}
passes() { # passes PROGRAM OBJECT...
    local program=$1
    shift
    gcc -no-pie -Wl,--section-start=.kept=0x40000000 -Wl,--section-start=.kept_log=0x41000000 \
        -Wl,--section-start=.kept_heap=0x44000000 \
        -o "$program" "$@" -lcmocka || return 0
    timeout 100 "$program" >"$program.log" 2>&1
}

# FILE and what sed makes of it.
mutants=(
    'servers/lib/text.c s/kept_note\(to, size\);//'
    'servers/lib/kept.c s/\{word, \*word\}/{word, 0}/'
    'servers/lib/kept.c s/i = log.count; i-- > 0/i = log.count; i-- > 1/'
    'servers/lib/kept.c s/\+\+turn >> /turn >> /'
    'servers/lib/heap.c s/slab->used \+ free == places/1/'
    'servers/files/contents.c s/kept_note\(page \+ within, step\);/;/'
    'servers/files/contents.c s/inode->size <= FILE_BYTES_MAX \&\&/1 \&\&/'
    'servers/files/contents.c s/pages == inode->file.pages/1/'
    'servers/files/contents.c s/inode->file.base_bytes == 0 \|\|/1 ||/'
    'servers/files/directory.c s/\|\| inode->number > inodes\(\)->next_number//'
    'servers/files/directory.c s/entry->previous == before/1/'
    'servers/files/directory.c s/entry->inode->links >= 1/1/'
    'servers/files/directory.c s/entry->cookie > before->cookie/1/'
    'servers/files/directory.c s/return inode->type == FILE_TYPE_DIRECTORY;/return 1;/'
    'servers/files/directory.c s/directory->directory.last == before/1/'
    'servers/files/directory.c s/\(!hint \|\|/(1 ||/'
    'servers/files/handles.c s/\|\| description->references == 0//'
    'servers/files/handles.c s/if \(block \&\& !object_valid\(block/if (0 \&\& !object_valid(block/'
    'servers/files/pages.c s/table\[i\].dirty = CHUNK_FULL;/;/'
    'servers/files/pages.c s/\|\| used != a->used/|| 0/'
)

objects=()
for source in "${plain[@]}" "${stores[@]}"; do
    compile "$source" "$source" "$out/${source//\//_}.o" || exit 1
    objects+=("$out/${source//\//_}.o")
done
[ $# -eq 0 ] || { mapfile -t mutants < <(printf '%s\n' "${mutants[@]}" | grep -- "$1"); }
if ! passes "$out/whole" "${objects[@]}"; then
    tail -n 20 "$out/whole.log"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
work() { # work FIRST STEP
    local i source script copy
    for ((i = $1; i < ${#mutants[@]}; i += $2)); do
        source=${mutants[i]%% *} script=${mutants[i]#* }
        copy=$out/mutant$1.c
        sed -E "$script" "$source" >"$copy"
        if cmp -s "$source" "$copy"; then
            echo "$source: $script: changes nothing"
        elif ! compile "$source" "$copy" "$out/mutant$1.o"; then
            echo "$source: $script: does not compile"
        elif passes "$out/mutant$1" "${objects[@]/"$out/${source//\//_}.o"/$out/mutant$1.o}"; then
            echo "$source: $script: nothing notices it"
        fi
    done
}
workers=$(nproc)
for ((worker = 0; worker < workers; worker++)); do
    work "$worker" "$workers" >"$out/lived$worker" &
done
wait
cat "$out"/lived*
lived=$(cat "$out"/lived* | wc -l)
echo "$((${#mutants[@]} - lived)) passed, $lived failed, 0 skipped"
[ "$lived" = 0 ]
