#!/bin/bash
# Installs the Debian packages that Pith is built and tested with.
# Called by qemu.sh (profile `build`) and ci/test.sh (profile `test`), or by hand.
# Does nothing, in a few milliseconds, where all is there. Asks nothing. Speaks on stderr only.
#
# Exit status: 0 all packages are there; 125 they could not be installed; 2 usage.
set -u

usage='usage: toolchain/setup.sh [build|test]
  build  what building and booting the ISO needs (the default)
  test   also what ci/test.sh and ci/bench.sh need'

# Named with their dependencies in mind: installed with --no-install-recommends.
build_packages=(
    gcc libc6-dev nasm make cmake ninja-build python3 xz-utils newlib-source
    grub-pc-bin grub-common xorriso mtools qemu-system-x86
    clang lld wasi-libc libclang-rt-dev-wasm32
)
test_packages=(
    g++ git clang-format libclang-rt-14-dev libcmocka-dev wabt
    rustc libstd-rust-dev-wasm32
    python3-pytest python3-pexpect python3-pil procps
    bzip2 ca-certificates dpkg-dev spin tcl
    binaryen nodejs valgrind
)
# Debian has npm in a package of its own; other packages of nodejs bring it, and refuse that one.
command -v npm >/dev/null || test_packages+=(npm)

case "${1-build}" in
build) wanted=("${build_packages[@]}") ;;
test) wanted=("${build_packages[@]}" "${test_packages[@]}") ;;
-h | --help) echo "$usage" && exit 0 ;;
*) echo "$usage" >&2 && exit 2 ;;
esac

# One dpkg-query for all: it lists what is known, and a package that was never heard of or
# was removed does not come out as "installed".
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package} \n' "${wanted[@]}" 2>/dev/null)
missing=()
for package in "${wanted[@]}"; do
    [[ $installed == *"installed $package "* && $installed != *"not-installed $package "* ]] ||
        missing+=("$package")
done
[ ${#missing[@]} = 0 ] && exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: packages are missing, and this is neither root nor is there sudo; as root:" >&2
        echo "    apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 125
    fi
    as_root=(sudo)
fi

echo "setup: installing ${missing[*]}" >&2
log=$(mktemp) && trap 'rm -f "$log"' EXIT

# Locking dpkg's folder makes parallel runs of this script take turns; apt's own time-out
# waits for other users of dpkg.
apt_get() {
    "${as_root[@]}" flock /var/lib/dpkg env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 \
        "$@" </dev/null >>"$log" 2>&1
}

# A failing update is not the end: the lists of an earlier one may serve. Nor is a mirror that is
# away for a moment, or changes between update and install.
for pause in 5 20 0; do
    apt_get update
    apt_get install -y --no-install-recommends "${missing[@]}" && exit 0
    sleep $pause
done
cat "$log" >&2
echo "setup: apt-get could not install ${missing[*]} (its messages are above)" >&2
exit 125
