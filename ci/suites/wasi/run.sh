#!/bin/bash
# WASI on the host build: every function by programs of ours, the runner's command line, bad
# input, and real programs against their native builds; compiled, then interpreted. The last line
# is the count.
# Called by ci/test.sh (tier wasi), or by hand.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 2
out=build/suites/wasi
mkdir -p "$out"

build() {
    cmake --preset host >"$out/build.log" 2>&1 &&
        cmake --build --preset host --target pith-wasm pith-wasm-sanitized >>"$out/build.log" 2>&1 ||
        { tail -n 40 "$out/build.log" >&2 && return 1; }
    bash ci/suites/wasi/build.sh
}
build || { echo "0 passed, 1 failed, 0 skipped" && exit 1; }

status=0
for mode in "" --interpret; do
    PITH_WASM_MODE=$mode /usr/bin/python3 -m pytest -q -p no:cacheprovider \
        --junitxml="$out/results$mode.xml" ci/suites/wasi || status=1
done
/usr/bin/python3 - "$out"/results*.xml <<'PYTHON'
import sys
import xml.etree.ElementTree

total = failed = skipped = 0
for path in sys.argv[1:]:
    suite = xml.etree.ElementTree.parse(path).getroot().find("testsuite")
    total += int(suite.get("tests"))
    failed += int(suite.get("failures")) + int(suite.get("errors"))
    skipped += int(suite.get("skipped"))
print(f"{total - failed - skipped} passed, {failed} failed, {skipped} skipped")
PYTHON
exit $status
