#!/bin/bash
# Builds the bench's set of programs in build/bench/wasm: NAME (gcc -O2), NAME.wasm (clang -O2
# over wasi-libc), and, where the SDK is, NAME.elf for Pith. Each runs without arguments, reads
# its standard input where it wants any (INPUT files beside it), and tells the time it spent in
# main (programs/timed.c). Sources that nobody here wrote come from Debian, unmodified.
# Called by ci/bench/wasm/measure.py. Does nothing where all is up to date.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../../.." && pwd)
wasi=$top/ci/suites/wasi
sources=$top/build/suites/wasi/src
out=$top/build/bench/wasm
mkdir -p "$out"
exec 9>"$out/lock" && flock 9

bash "$wasi/fetch.sh" "$sources" bzip2 zlib sqlite3 lua5.4
bash "$wasi/sqlite.sh" "$sources"

emulated=(-D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS -D_WASI_EMULATED_GETPID
    -D_WASI_EMULATED_MMAN "-I$wasi/absent" -include "$wasi/absent/absent.h")
emulated_libraries=(-lwasi-emulated-signal -lwasi-emulated-process-clocks -lwasi-emulated-getpid
    -lwasi-emulated-mman)
wasi_flags=() # of one program

# form NAME FOLDER OUTPUT COMMAND... -- LIBRARY... -- SOURCE-OR-FLAG...: one form of a program.
# Compiled file by file and linked without an -O: with one, clang would pass the result through
# wasm-opt where that is installed.
form() {
    local folder=$1 output=$2 compiler=() libraries=() sources=() flags=()
    shift 2
    while [ "$1" != -- ]; do compiler+=("$1") && shift; done && shift
    while [ "$1" != -- ]; do libraries+=("$1") && shift; done && shift
    for word; do
        case $word in *.c) sources+=("$word") ;; *) flags+=("$word") ;; esac
    done
    rm -rf "$output.objects" && mkdir "$output.objects"
    (
        cd "$folder"
        for word in "${sources[@]}"; do
            "${compiler[@]}" -O2 -w -Dmain=program_main "${flags[@]}" -c "$word" \
                -o "$output.objects/$(basename "$word").o"
        done
        "${compiler[@]}" -O2 "-DARGUMENTS=$arguments" -c "$here/programs/timed.c" \
            -o "$output.objects/timed.o"
        "${compiler[@]}" "$output.objects"/*.o "${libraries[@]}" -o "$output.new"
    )
    rm -rf "$output.objects"
    mv "$output.new" "$output"
}

# program NAME FOLDER SOURCE-OR-FLAG...: all forms, unless they are newer than what made them.
# `arguments` holds the fixed ones, as C strings.
program() {
    local name=$1 folder=$2 newest
    shift 2
    newest=$(ls -t "$here/build.sh" "$here/programs/"* "$here/absent/"* | head -n 1)
    if ! [ "$out/$name" -nt "$newest" ]; then
        echo "bench: building $name" >&2
        form "$folder" "$out/$name.wasm" clang --target=wasm32-wasi --sysroot=/usr \
            "${emulated[@]}" "${wasi_flags[@]}" -- "${emulated_libraries[@]}" -- "$@"
        rm -f "$out/$name.elf"
        form "$folder" "$out/$name" gcc -- -lm -- "$@"
    fi
    local cross=$top/build/sdk/bin/x86_64-pith-elf-gcc
    if [ -x "$cross" ] && ! [ "$out/$name.elf" -nt "$out/$name" ]; then
        form "$folder" "$out/$name.elf" "$cross" -- -lm -- "$@"
    fi
}

for name in fib nbody sha256 matmul qsort mandelbrot gemm jacobi-2d floyd-warshall lu; do
    arguments="\"$name\""
    program $name "$here/programs" $name.c
done

arguments='"bzip2", "-c"'
program bzip2 "$sources/bzip2" -D_FILE_OFFSET_BITS=64 blocksort.c huffman.c crctable.c \
    randtable.c compress.c decompress.c bzlib.c bzip2.c

arguments='"minigzip"'
program zlib "$sources/zlib" -I. -D_LARGEFILE64_SOURCE=1 adler32.c compress.c crc32.c \
    deflate.c gzclose.c gzlib.c gzread.c gzwrite.c infback.c inffast.c inflate.c \
    inftrees.c trees.c uncompr.c zutil.c test/minigzip.c

arguments='"lua", "-"'
wasi_flags=("-I$here/absent" -include "$here/absent/lua-wasi.h")
program lua "$sources/lua5.4/src" "-I$here/absent/any" lapi.c lcode.c lctype.c ldebug.c ldo.c \
    ldump.c lfunc.c lgc.c llex.c lmem.c lobject.c lopcodes.c lparser.c lstate.c lstring.c \
    ltable.c ltm.c lundump.c lvm.c lzio.c lauxlib.c lbaselib.c lcorolib.c ldblib.c liolib.c \
    lmathlib.c loslib.c lstrlib.c ltablib.c lutf8lib.c loadlib.c linit.c lua.c

arguments='"speedtest1", "--memdb", "--size", "3"'
wasi_flags=()
program speedtest1 "$sources/sqlite3-build" -I. -DSQLITE_THREADSAFE=0 \
    -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_WAL '-DSQLITE_DEFAULT_UNIX_VFS="unix-none"' \
    -DSQLITE_MAX_MMAP_SIZE=0 sqlite3.c "$sources/sqlite3/test/speedtest1.c"
