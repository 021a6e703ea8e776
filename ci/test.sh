#!/bin/bash
# Builds Pith and tests it. See usage below. The last line is `N passed, N failed, N skipped`.
set -u
cd "$(bash "$(dirname "${BASH_SOURCE[0]}")/../toolchain/checkout.sh")" || exit 2

usage() {
    cat <<'TEXT'
usage: bash ci/test.sh [TIER]...

  lint       layout, line budget, who may include what, generated pages   (ci/lint)
  unit       host tests under ASan and UBSan: kernel, servers, engine     (ci/unit)
  wasm-spec  the specification's own tests, on the host build             (ci/suites/wasm-spec)
  wasi       WASI programs, on the host build                             (ci/suites/wasi)
  fuzz       generated modules in every engine; mutated ones under sanitizers (ci/fuzz)
  boot       the whole system in QEMU; PITH_SMP=N: with N CPUs            (ci/boot)
  model      the model of waiting: all states, and traces of the code    (ci/model)
  mutants    every named check, removed: a test must fail                 (ci/mutants.sh)
  mutants-boot  what protects the kernel below the named checks, removed: a booted
             test must fail                                               (ci/mutants_boot.py)
  mutants-engine  what compiled WebAssembly rests on, removed: a unit test must fail
                                                                          (ci/mutants_engine.py)
  soak       the long counts; hours; not part of the default

Without a tier: all but soak.
TEXT
}

all=(lint unit wasm-spec wasi fuzz boot model mutants mutants-boot mutants-engine)
for tier in "$@"; do
    case " ${all[*]} soak " in
    *" $tier "*) ;;
    *) usage >&2 && exit 2 ;;
    esac
done
[ $# -gt 0 ] && tiers=("$@") || tiers=("${all[@]}")

bash toolchain/setup.sh test || exit 1
out=build/test
mkdir -p "$out" && rm -f "$out"/*.xml "$out"/*.count
python=/usr/bin/python3

# Each tier leaves JUnit results in $out/TIER*.xml, or a line `N passed, N failed, N skipped`
# in $out/TIER.count. One that leaves neither has failed.
fail() { # fail TIER WHAT
    echo "$1: $2" >&2
    echo "0 passed, 1 failed, 0 skipped" >"$out/$1.count"
}
build() { # build TIER PRESET [CMAKE-BUILD-ARGUMENT...]
    local tier=$1 preset=$2
    shift 2
    mkdir -p build
    cmake --preset "$preset" >"$out/$preset.configure.log" 2>&1 &&
        cmake --build --preset "$preset" "$@" >"$out/$preset.build.log" 2>&1 && return
    tail -n 40 "$out/$preset.configure.log" "$out/$preset.build.log" >&2
    fail "$tier" "the build failed"
    return 1
}
run_pytest() { # run_pytest TIER PATH
    $python -m pytest -q -p no:cacheprovider --junitxml="$out/$1.xml" "$2" ||
        [ -f "$out/$1.xml" ] || fail "$1" "pytest did not run"
}
counted() { # counted TIER COMMAND...: a command whose last line is the count
    local tier=$1
    shift
    "$@" | tee "$out/$tier.log"
    local status=${PIPESTATUS[0]}
    tail -n 1 "$out/$tier.log" >"$out/$tier.count"
    [ "$status" = 0 ] || grep -q ' [1-9][0-9]* failed' "$out/$tier.count" ||
        fail "$tier" "ended with status $status"
}

tier_lint() { run_pytest lint ci/lint; }
tier_unit() {
    build unit host || return
    ctest --preset host --output-junit "$PWD/$out/unit.xml" ||
        [ -f "$out/unit.xml" ] || fail unit "ctest did not run"
}
tier_wasm_spec() { counted wasm-spec bash ci/suites/wasm-spec/run.sh; }
tier_wasi() { counted wasi bash ci/suites/wasi/run.sh; }
tier_fuzz() { counted fuzz bash ci/fuzz/run.sh; }
# The whole tier with one CPU (or PITH_SMP=N), then a part of it with more.
tier_boot() {
    build boot pith && run_pytest boot ci/boot || return
    [ -n "${PITH_SMP:-}" ] && return
    for smp in 2 4 8; do
        PITH_SMP=$smp run_pytest "boot-smp$smp" "ci/boot/${smp_share[smp]}"
    done
}
smp_share=([2]=test_run.py [4]=test_interactive.py [8]=test_memory.py)
tier_model() { counted model bash ci/model/run.sh; }
tier_mutants() { counted mutants bash ci/mutants.sh; }
tier_mutants_boot() { counted mutants-boot $python ci/mutants_boot.py; }
tier_mutants_engine() { counted mutants-engine $python ci/mutants_engine.py; }
tier_soak() { counted soak bash ci/soak.sh; }

for tier in "${tiers[@]}"; do
    echo "== $tier" >&2
    "tier_${tier//-/_}"
done
$python ci/tally.py "$out" "${tiers[@]}"
