#!/bin/bash
# Builds newlib from the distribution's source into a prefix: libc.a, libm.a and headers.
# Called by libc-port/CMakeLists.txt. Does nothing if the prefix was made from the same inputs
# (source, this script, our headers, compiler), whatever their time stamps say.
#
# usage: build.sh PREFIX WORK_DIR OUR_HEADERS CC CFLAG...
#   PREFIX       gets lib/libc.a, lib/libm.a and include/newlib/
#   WORK_DIR     scratch; left behind only when the build fails
#   OUR_HEADERS  headers that come before newlib's own
set -euo pipefail

prefix=$1 work=$2 headers=$3 cc=$4
shift 4
flags=("$@")

sources=(/usr/src/newlib/newlib-*.tar.xz)
source=${sources[-1]}
if [ ! -f "$source" ]; then
    echo "newlib: no /usr/src/newlib/newlib-*.tar.xz: run toolchain/setup.sh" >&2
    exit 1
fi

inputs=$({
    sha256sum <"$source"
    sha256sum <"$0"
    "$cc" --version
    printf '%s\n' "${flags[@]/$headers/}"
    cd "$headers" && find . -type f | sort | xargs sha256sum
} | sha256sum)
if [ -f "$prefix/lib/libc.a" ] && [ "$inputs" = "$(cat "$prefix/lib/newlib.inputs" 2>/dev/null)" ]; then
    touch "$prefix/lib/libc.a"
    exit 0
fi

rm -rf "$work"
mkdir -p "$work/src" "$work/build" "$prefix/lib"
tar -xf "$source" -C "$work/src" --strip-components=1

# newlib asks configure.host what a target provides by itself. For Pith: all that reaches
# the system, directory streams, signals; newlib adds the POSIX parts that build on those.
cat >>"$work/src/newlib/configure.host" <<'END'
posix_dir=posix
newlib_cflags="${newlib_cflags} -D_COMPILING_NEWLIB -DMISSING_SYSCALL_NAMES"
newlib_cflags="${newlib_cflags} -DREENTRANT_SYSCALLS_PROVIDED -DGETREENT_PROVIDED"
newlib_cflags="${newlib_cflags} -DHAVE_BLKSIZE -DHAVE_FCNTL -DHAVE_RENAME -DHAVE_NANOSLEEP"
newlib_cflags="${newlib_cflags} -DHAVE_OPENDIR -DHAVE_MKDIR -DHAVE_SYSTEM -DSIGNAL_PROVIDED -DCLOCK_PROVIDED -DABORT_PROVIDED"
newlib_cflags="${newlib_cflags} -D_NO_POPEN -D_NO_POSIX_SPAWN -D_NO_WORDEXP"
END

# The functions behind printf and scanf hand on the address of their parameter `ap`. Where va_list
# is an array, a parameter of that type is a pointer: `%2$d` would read wild. A copy is an array.
for file in vfprintf vfwprintf vfscanf vfwscanf; do
    source_file=$work/src/newlib/libc/stdio/$file.c
    sed -i -E '/^(_VFW?PRINTF_R|__SVFW?SCANF_R) \(struct/,/^\{/ {
        s/va_list ap\)$/va_list ap_parameter)/
        s/^\{$/{\n  va_list ap; va_copy (ap, ap_parameter);/
    }' "$source_file"
    grep -q 'va_copy (ap, ap_parameter)' "$source_file" || {
        echo "newlib: $file.c is not as build.sh expects it" >&2
        exit 1
    }
done

log=$work/log
run() {
    if ! "$@" >>"$log" 2>&1; then
        tail -n 30 "$log" >&2
        echo "newlib: '$1' failed; the whole log is $log" >&2
        exit 1
    fi
}

# The compiler's headers, then ours, then newlib's: the order that programs see too. As part
# of CC they come before the include paths of newlib's own makefiles.
include=$("$cc" -print-file-name=include)
cd "$work/build"
run "$work/src/newlib/configure" --host=x86_64-pith-elf --prefix="$prefix" \
    --disable-multilib --disable-newlib-supplied-syscalls \
    --enable-newlib-io-long-long --enable-newlib-io-c99-formats \
    --enable-newlib-io-long-double --enable-newlib-io-pos-args --enable-newlib-mb \
    --enable-newlib-retargetable-locking --enable-newlib-global-stdio-streams \
    CC="$cc -nostdinc -I$include -I$headers" AR=ar RANLIB=ranlib MAKEINFO=true \
    CFLAGS="-O2 ${flags[*]} -ffile-prefix-map=$work/src/="
run make -j"$(nproc)" all

# What the glue has in a better form, or newlib would do by way of what is not there.
ar d libc.a lib_a-calloc.o lib_a-execve.o lib_a-isatty.o lib_a-raise.o lib_a-remove.o \
    lib_a-rename.o lib_a-u_strerr.o
ar d libm.a lib_a-sqrtl.o

rm -rf "$prefix/include/newlib"
mkdir -p "$prefix/include"
cp -r "$work/src/newlib/libc/include" "$prefix/include/newlib"
cp -r targ-include/. "$prefix/include/newlib/"
cp libm.a libc.a "$prefix/lib/"
echo "$inputs" >"$prefix/lib/newlib.inputs"
cd / && rm -rf "$work"
