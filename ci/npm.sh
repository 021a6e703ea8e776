#!/bin/bash
# Installs packages from the npm registry into build/npm, once, without running their scripts.
# Called by the benches and tests that measure or run what is published there.
#
# usage: npm.sh PACKAGE@VERSION...      they are then in build/npm/node_modules/PACKAGE
# Exit status: 0 all are there; 1 the registry cannot be reached or has no such package.
set -u
[ $# -gt 0 ] || { echo "usage: npm.sh PACKAGE@VERSION..." >&2 && exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
mkdir -p build/npm && cd build/npm || exit 1
exec 9>lock && flock 9

missing=()
for package; do
    have=node_modules/${package%@*}/package.json
    grep -qs "\"version\": \"${package##*@}\"" "$have" || missing+=("$package")
done
[ ${#missing[@]} = 0 ] && exit 0
[ -f package.json ] || echo '{"private": true}' >package.json
for pause in 5 20 0; do # the registry may be away for a moment
    npm install --ignore-scripts --no-audit --no-fund --save-exact --loglevel=error \
        --fetch-retries=3 --fetch-timeout=60000 "${missing[@]}" >log 2>&1 && exit 0
    sleep $pause
done
echo "npm.sh: cannot install ${missing[*]} (build/npm/log has npm's words)" >&2
exit 1
