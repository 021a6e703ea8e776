#!/usr/bin/python3
"""Run the WebAssembly specification suite on the host build of the engine.

    run.py RUNNER SUITE [FOLDER[/FILE]...]

RUNNER is the built runner.c, SUITE the folder with core/, tail-call/, ... The scripts are
converted by wast2json (package wabt). Each folder runs with the core features plus its own
proposal. Prints the totals of each folder, and `N passed, N failed, N skipped`.

An assertion counts once. Skipped are assertions on modules in text form, which a binary engine
cannot read.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

# Folders, and the proposal that each adds to the core features. The scripts of threads are older
# than reference types: they demand that a second table be refused.
FOLDERS = {"core": [], "tail-call": ["tail-call"], "extended-const": ["extended-const"],
           "multi-memory": ["multi-memory"], "threads": ["threads", "no-reference-types"]}
REFUSALS = {"assert_malformed": "malformed", "assert_invalid": "invalid",
            "assert_unlinkable": "unlinkable", "assert_uninstantiable": "trap"}
SECONDS = 300


def hexed(text):
    return text.encode("utf-8", "surrogateescape").hex() or "-"


def name(text):
    return "".join(c if c.isalnum() or c in "$_" else "_" for c in text) if text else "-"


def value(item):
    bits = item.get("value", "any")
    if item["type"] == "v128":
        return f"v128:{item['lane_type']}:{','.join(bits)}"
    return f"{item['type']}:{bits}"


def values(items):
    return f"{len(items)} " + " ".join(map(value, items))


def action(line, act):
    module = name(act.get("module"))
    if act["type"] == "get":
        return [f"{line} get {module} {hexed(act['field'])}"]
    return [f"{line} invoke {module} {hexed(act['field'])} {values(act['args'])}"]


def script(commands, folder):
    """The runner's lines, the number of assertions among them and of those skipped."""
    lines, asserted, skipped = [], 0, 0
    for command in commands:
        kind, line = command["type"], command["line"]
        if kind.startswith("assert_"):
            if command.get("module_type") == "text":
                skipped += 1
                continue
            asserted += 1
        if kind == "module":
            path = folder / command["filename"]
            lines.append(f"{line} module {name(command.get('name'))} {path}")
        elif kind == "register":
            lines.append(f"{line} register {hexed(command['as'])} {name(command.get('name'))}")
        elif kind == "action":
            lines += action(line, command["action"])
        elif kind == "assert_return":
            lines += action(line, command["action"])
            lines.append(f"{line} return {values(command['expected'])}")
        elif kind in ("assert_trap", "assert_exhaustion"):
            lines += action(line, command["action"])
            lines.append(f"{line} trap {hexed(command['text'])}")
        elif kind in REFUSALS:
            path = folder / command["filename"]
            lines.append(f"{line} refuse {REFUSALS[kind]} {hexed(command['text'])} {path}")
        else:
            raise ValueError(f"line {line}: unknown command {kind}")
    return lines, asserted, skipped


def run_file(runner, spectest, features, wast, folder):
    """Passed, failed and skipped assertions of one script."""
    converted = folder / (wast.stem + ".json")
    # wast2json also checks types, and warns about scripts older than its proposals.
    subprocess.run(["wast2json", "--enable-all", wast, "-o", converted], check=True,
                   stderr=subprocess.DEVNULL)
    lines, asserted, skipped = script(json.loads(converted.read_text())["commands"], folder)
    try:
        ran = subprocess.run([runner, spectest, *features], input="\n".join(lines) + "\n",
                             capture_output=True, text=True, timeout=SECONDS)
        output, status = ran.stdout.splitlines(), ran.returncode
        if status:
            print(f"{wast.name}: the runner ended with {status}: {ran.stderr.strip()}")
    except subprocess.TimeoutExpired:
        output = []
        print(f"{wast.name}: no end after {SECONDS} s")
    passed = failed = 0
    for text in output:
        kind, _, rest = text.partition(" ")
        if kind == "ok":
            passed += 1
        elif kind == "FAIL":
            failed += 1
            print(f"{wast.name}:{rest}")
        else:
            print(f"{wast.name}:{rest} (refused all the same)")
    # What the runner did not answer has failed.
    return passed, max(failed, asserted - passed), skipped


def run_folder(runner, spectest, suite, folder, only, scratch):
    counts = [0, 0, 0]
    files = 0
    for wast in sorted((suite / folder).glob("*.wast")):
        if only and wast.stem not in only:
            continue
        files += 1
        result = run_file(runner, spectest, FOLDERS[folder], wast, scratch)
        counts = [a + b for a, b in zip(counts, result)]
    print(f"{folder}: {files} files, {counts[0]} passed, {counts[1]} failed, "
          f"{counts[2]} skipped (modules in text form)")
    return counts


def main(runner, suite, *wanted):
    suite = pathlib.Path(suite)
    chosen = {}
    for item in wanted or FOLDERS:
        folder, _, stem = item.partition("/")
        chosen.setdefault(folder, set()).update({stem} if stem else set())
    total = [0, 0, 0]
    with tempfile.TemporaryDirectory() as scratch:
        spectest = pathlib.Path(scratch) / "spectest.wasm"
        wat = pathlib.Path(__file__).parent / "spectest.wat"
        subprocess.run(["wat2wasm", "--enable-multi-memory", "--enable-threads", wat, "-o", spectest], check=True)
        for folder, only in chosen.items():
            place = pathlib.Path(scratch) / folder
            place.mkdir()
            counts = run_folder(runner, spectest, suite, folder, only, place)
            total = [a + b for a, b in zip(total, counts)]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
