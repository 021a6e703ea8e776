#!/usr/bin/python3
"""Run the WebAssembly specification suite on the host build of the engine.

    run.py RUNNER SUITE [FOLDER[/FILE]...]

RUNNER is the built runner.c, SUITE the folder with core/, tail-call/, ... Prints the totals of
each folder, and `N passed, N failed, N skipped`.
"""
import pathlib
import subprocess
import sys
import tempfile

from convert import convert, tally

SECONDS = 300


def run(runner, bundle, script):
    """The runner's answers to one script, in a process of its own."""
    try:
        ran = subprocess.run([runner, bundle], input=script.text(), capture_output=True, text=True,
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
        output = "".join(run(runner, bundle, script) for script in scripts)
    passed, failed, skipped = tally(scripts, output)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
