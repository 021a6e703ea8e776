#!/bin/bash
# Builds Pith and boots it in QEMU: interactively, or for one command line with --run.
# Everything it needs is installed first (toolchain/setup.sh). See usage below.
set -u
here=$(bash "$(dirname "${BASH_SOURCE[0]}")/toolchain/checkout.sh") || exit 125

usage() {
    cat <<'TEXT'
usage: bash qemu.sh [OPTION]...

Boots Pith; its console is this terminal, and a window where there is a display.
Leave with `shutdown` in the guest, or with Ctrl-A X.

  --run 'LINE'        boot headless, give LINE to the guest's shell, and stand in for it: standard
                      input, output, error and exit status are the line's own
  --add FILE[:PATH]   put FILE into the guest, as /NAME or as PATH (repeatable)
  --get PATH[:FILE]   with --run: bring PATH out of the guest afterwards (repeatable)
  --timeout S         with --run: give up after S seconds, with status 124
  --memory MB         memory of the machine (256)
  --smp N             number of CPUs (1)
  --machine pc|q35    machine (pc)
  --cpu MODEL         CPU model (max)
  --gdb               wait for a debugger on TCP port 1234
  --iso-only          only build build/pith.iso
  --help              this text

Exit status of --run: the line's own; 128+N if signal N ended it; 134 for a WebAssembly trap;
127 not found; 126 not executable; 125 build, boot or panic; 124 time-out; 2 usage.
TEXT
}

die() { # die STATUS MESSAGE
    echo "qemu.sh: $2" >&2
    exit "$1"
}
number() { # number OPTION VALUE: VALUE, checked to be a whole number above zero
    [[ $2 =~ ^[1-9][0-9]{0,6}$ ]] || die 2 "$1: a whole number is needed, not '$2'"
}

memory=256 smp=1 machine=pc cpu=max timeout='' iso_only='' gdb=() run=() adds=() gets=()
while [ $# -gt 0 ]; do
    case $1 in
    --help | -h) usage && exit 0 ;;
    --iso-only) iso_only=1 && shift && continue ;;
    --gdb) gdb=(-s -S) && shift && continue ;;
    --run | --add | --get | --timeout | --memory | --smp | --machine | --cpu) ;;
    *) usage >&2 && die 2 "unknown option '$1'" ;;
    esac
    [ $# -ge 2 ] || die 2 "$1: an argument is missing"
    case $1 in
    --run) run=(--run "$2") ;;
    --add) adds+=(--add "$2") ;;
    --get) gets+=(--get "$2") ;;
    --timeout) number "$1" "$2" && timeout=$2 ;;
    --memory) number "$1" "$2" && memory=$2 ;;
    --smp) number "$1" "$2" && smp=$2 ;;
    --machine) [[ $2 == pc || $2 == q35 ]] || die 2 "--machine: pc or q35, not '$2'"
        machine=$2 ;;
    --cpu) cpu=$2 ;;
    esac
    shift 2
done
[ ${#run[@]} -gt 0 ] || [ ${#gets[@]} -eq 0 ] || die 2 "--get needs --run"
[ ${#run[@]} -gt 0 ] || [ -z "$timeout" ] || die 2 "--timeout needs --run"

bash "$here/toolchain/setup.sh" build || exit 125

# One build at a time: a second run in this checkout waits, and finds it done.
build="$here/build"
mkdir -p "$build" || exit 125
build_iso() {
    [ -f "$build/build.ninja" ] || cmake -S "$here" --preset pith || return 1
    cmake --build "$build" --target iso
}
if ! (cd "$here" && flock 9 && build_iso >"$build/build.log" 2>&1) 9>"$build/.lock"; then
    tail -n 40 "$build/build.log" >&2
    die 125 "the build failed; all of its output is in build/build.log"
fi
if [ -n "$iso_only" ]; then
    echo "build/pith.iso" >&2
    exit 0
fi

# KVM only where the CPU offers it for real.
# A thread for each CPU runs them at once, but only where the host has as many: one that waits for
# the kernel's lock would else keep the one that holds it from running.
accel=tcg,thread=multi
[ "$smp" -gt "$(nproc)" ] && accel=tcg,thread=single
grep -qwE 'vmx|svm' /proc/cpuinfo 2>/dev/null && [ -w /dev/kvm ] && accel=kvm
[ "$accel" = kvm ] && [ "$cpu" = max ] && cpu=host

exec /usr/bin/python3 "$here/toolchain/boot.py" ${run[@]+"${run[@]}"} ${adds[@]+"${adds[@]}"} \
    ${gets[@]+"${gets[@]}"} ${timeout:+--timeout "$timeout"} --log "$build/boot.log" -- \
    qemu-system-x86_64 -accel "$accel" -machine "$machine" -cpu "$cpu" -smp "$smp" -m "$memory" \
    -nic none -boot d -cdrom "${build//,/,,}/pith.iso" ${gdb[@]+"${gdb[@]}"}
