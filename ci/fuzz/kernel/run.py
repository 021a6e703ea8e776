#!/usr/bin/python3
"""Fuzzes the debug build of the kernel (build/kernel-fuzz.iso, see ci/guest/fuzz.c).

    run.py [SEED [CALLS [CPUS [LIFE]]]]     default: 1 10000000 1 0

The emulator counts instructions and runs the CPUs in turn, so the same numbers give the same
run, to the instruction. Exit status 0: all calls made, nothing broken. Else 1, and how to repeat it.
"""
import pathlib
import re
import sys
import time

from emulator import boot

TOP = pathlib.Path(__file__).resolve().parents[3]
SILENCE = 600  # seconds without a new life before the machine counts as hanging


def run(seed=1, calls=10_000_000, cpus=1, life=0):
    """(whether all went well, what was printed)."""
    text = boot(TOP / "build" / "kernel-fuzz.iso", "fuzz", (seed, calls, cpus, life), cpus, 256, SILENCE)
    done = re.search(r"^fuzz: (\d+) calls in \d+ lives of seed \d+, 0 failed", text, re.M)
    return bool(done) and int(done[1]) >= calls and "panic" not in text, text


def repeat(text, seed, calls, cpus):
    """The command that starts with the life that failed."""
    lives = re.findall(r"^fuzz: life (\d+), ", text, re.M)
    return f"ci/fuzz/kernel/run.py {seed} {calls} {cpus} {lives[-1] if lives else 0}"


def main():
    numbers = dict(zip(("seed", "calls", "cpus", "life"), map(int, sys.argv[1:])))
    start = time.monotonic()
    good, text = run(**numbers)
    lines = [line for line in text.splitlines() if not line.startswith("fuzz: life")]
    print("\n".join(lines[-60:]))
    if not good:
        seed, calls, cpus = numbers.get("seed", 1), numbers.get("calls", 10_000_000), numbers.get("cpus", 1)
        print(f"to repeat: ci/fuzz/kernel/run.py {' '.join(sys.argv[1:])}\n"
              f"from the life that failed on: {repeat(text, seed, calls, cpus)}")
        return 1
    print(f"{time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
