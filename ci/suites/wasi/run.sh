#!/bin/bash
# WASI on the host build: every function by programs of ours, the runner's command line, bad
# input, and real programs against their native builds. The last line is the count.
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

/usr/bin/python3 -m pytest -q -p no:cacheprovider --junitxml="$out/results.xml" ci/suites/wasi
status=$?
/usr/bin/python3 - "$out/results.xml" <<'PYTHON'
import sys
import xml.etree.ElementTree

suite = xml.etree.ElementTree.parse(sys.argv[1]).getroot().find("testsuite")
total, failed, skipped = (int(suite.get(name)) for name in ("tests", "failures", "skipped"))
failed += int(suite.get("errors"))
print(f"{total - failed - skipped} passed, {failed} failed, {skipped} skipped")
PYTHON
exit $status
