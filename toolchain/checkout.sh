#!/bin/bash
# Prints the path by which to build this checkout: its own, or, where that has characters that
# newlib's configure and makefiles refuse (blanks, quotes, ...), that of a link to it.
# Called by qemu.sh, ci/test.sh and ci/bench.sh. Exit status 1: no such link can be made.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P) || exit 1
case $here in
*[!A-Za-z0-9_./+=@%-]*) ;;
*) echo "$here" && exit 0 ;;
esac
# The same name each time, or all would be built anew; in a folder that only its owner can write.
links=/tmp/pith-links-$(id -u)
mkdir -p -m 700 "$links"
if [ ! -O "$links" ] || [ -L "$links" ]; then
    echo "checkout: $links belongs to somebody else; remove it" >&2
    exit 1
fi
link=$links/$(printf %s "$here" | sha256sum | cut -c1-16)
[ "$(readlink "$link")" = "$here" ] || ln -sfn "$here" "$link" || exit 1
echo "$link"
