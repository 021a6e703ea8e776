#!/bin/bash
# Builds the programs of this folder, each as NAME.wasm and, native, as NAME, in
# build/suites/wasi. Sources of programs that nobody here wrote come from Debian (fetch.sh).
# Called by run.sh and by ci/boot. Does nothing where all is up to date.
#
# usage: build.sh
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../../.." && pwd)
out=$top/build/suites/wasi
mkdir -p "$out"
exec 9>"$out/lock" && flock 9 # two tiers may want the same programs at once

wasi=(clang --target=wasm32-wasi --sysroot=/usr)
native=(gcc -O2 -w)
# What stands in for what wasi-libc leaves out; see absent/absent.h.
absent=(-D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS -D_WASI_EMULATED_GETPID
    -D_WASI_EMULATED_MMAN "-I$here/absent" -include "$here/absent/absent.h")
absent_libraries=(-lwasi-emulated-signal -lwasi-emulated-process-clocks -lwasi-emulated-getpid
    -lwasi-emulated-mman)

# up_to_date NAME SOURCE: both forms exist and are newer than SOURCE and this script.
up_to_date() {
    local form
    for form in "$out/$1" "$out/$1.wasm"; do
        [ "$form" -nt "$2" ] && [ "$form" -nt "$here/build.sh" ] || return 1
    done
}

# both NAME FOLDER FLAG-OR-SOURCE...: the two forms of a C program, compiled in FOLDER.
both() {
    local name=$1 folder=$2 word flags=()
    shift 2
    for word; do
        [[ $word == *.c ]] || flags+=("$word")
    done
    echo "wasi: building $name" >&2
    (
        cd "$folder"
        "${native[@]}" "$@" -lm -o "$out/$name.new"
        rm -rf "$out/$name.objects" && mkdir "$out/$name.objects"
        for word; do
            [[ $word != *.c ]] ||
                "${wasi[@]}" "${absent[@]}" -O2 -w "${flags[@]}" -c "$word" \
                    -o "$out/$name.objects/$(basename "$word").o"
        done
        # Without an -O: with one, clang passes the result through wasm-opt where that is
        # installed, and the names that a backtrace needs are gone.
        "${wasi[@]}" "$out/$name.objects"/*.o "${absent_libraries[@]}" -o "$out/$name.wasm.new"
    )
    mv "$out/$name.new" "$out/$name" && mv "$out/$name.wasm.new" "$out/$name.wasm"
}

sources=$out/src
bash "$here/fetch.sh" "$sources" bzip2 zlib sqlite3

up_to_date bzip2 "$sources/bzip2/.unpacked" ||
    both bzip2 "$sources/bzip2" -D_FILE_OFFSET_BITS=64 blocksort.c huffman.c crctable.c \
        randtable.c compress.c decompress.c bzlib.c bzip2.c

up_to_date minigzip "$sources/zlib/.unpacked" ||
    both minigzip "$sources/zlib" -I. -D_LARGEFILE64_SOURCE=1 adler32.c compress.c crc32.c \
        deflate.c gzclose.c gzlib.c gzread.c gzwrite.c infback.c inffast.c inflate.c \
        inftrees.c trees.c uncompr.c zutil.c test/minigzip.c

bash "$here/sqlite.sh" "$sources"
sqlite=$sources/sqlite3-build
# No locks and no shared memory in WASI: the file system layer without them is the default.
up_to_date sqlite3 "$sqlite/shell.c" ||
    both sqlite3 "$sqlite" -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_WAL \
        '-DSQLITE_DEFAULT_UNIX_VFS="unix-none"' -DSQLITE_MAX_MMAP_SIZE=0 \
        -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_MATH_FUNCTIONS \
        -DSQLITE_OMIT_POPEN -DSQLITE_NOHAVE_SYSTEM sqlite3.c shell.c

# Debian's compiler by its path: another one in PATH may lack the WASI target.
if ! up_to_date rust "$here/rust.rs"; then
    echo "wasi: building rust" >&2
    /usr/bin/rustc -O -o "$out/rust" "$here/rust.rs"
    /usr/bin/rustc -O --target wasm32-wasi -o "$out/rust.wasm" "$here/rust.rs"
fi

# The tests of single functions exist as guests only.
for source in "$here"/guest/*.c; do
    guest=$out/guest/$(basename "$source" .c).wasm
    if ! [ "$guest" -nt "$source" ] || ! [ "$guest" -nt "$here/guest/raw.h" ]; then
        mkdir -p "$out/guest"
        "${wasi[@]}" -O1 -Wall -Wextra -Werror -c "$source" -o "$guest.o"
        "${wasi[@]}" "$guest.o" -o "$guest"
    fi
done
