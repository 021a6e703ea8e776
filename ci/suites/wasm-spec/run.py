#!/usr/bin/python3
"""Run the WebAssembly specification suite on the host build of the engine.

    run.py RUNNER SUITE [FOLDER[/FILE]...]

RUNNER is the built runner.c, SUITE the folder with core/, tail-call/, ... Everything runs twice,
in the interpreter and compiled. Prints the totals of each folder, and
`N passed, N failed, N skipped`.
"""
import pathlib
import subprocess
import sys
import tempfile

from convert import convert, tally

SECONDS = 300
MODES = {"interpreter": ["--interpret"], "compiler": []}


def run(runner, options, bundle, script):
    """The runner's answers to one script, in a process of its own."""
    try:
        ran = subprocess.run([runner, *options, bundle], input=script.text(), capture_output=True, text=True,
                             timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        print(f"{script.name}: no end after {SECONDS} s")
        return ""
    if ran.returncode:
        print(f"{script.name}: the runner ended with {ran.returncode}: {ran.stderr.strip()}")
    return ran.stdout


def main(runner, suite, *wanted):
    scripts, modules = convert(suite, wanted)
    with tempfile.TemporaryDirectory() as scratch:
        bundle = pathlib.Path(scratch) / "bundle"
        bundle.write_bytes(modules)
        sums = [0, 0, 0]
        for mode, options in MODES.items():
            output = "".join(run(runner, options, bundle, script) for script in scripts)
            sums = [a + b for a, b in zip(sums, tally(scripts, output, f"{mode}: "))]
    passed, failed, skipped = sums
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
