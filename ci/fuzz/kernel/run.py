#!/usr/bin/python3
"""Fuzzes the debug build of the kernel (build/kernel-fuzz.iso, see ci/guest/fuzz.c).

    run.py [SEED [CALLS [CPUS [LIFE]]]]     default: 1 10000000 1 0

The emulator counts instructions and runs the CPUs in turn, so the same numbers give the same
run, to the instruction. Exit status 0: all calls made, nothing broken. Else 1, and how to repeat it.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[3]
SHIFT = 2  # nanoseconds of an instruction, as a power of 2: firmware waits for time, not for instructions
SILENCE = 600  # seconds without a new life before the machine counts as hanging


def emulator(log, seed, calls, cpus, life):
    return subprocess.Popen(
        ["qemu-system-x86_64", "-accel", "tcg", "-icount", f"shift={SHIFT},sleep=off", "-cpu", "max", "-smp", str(cpus), "-m", "256", "-nic", "none", "-display", "none",
         "-no-reboot", "-cdrom", str(TOP / "build" / "kernel-fuzz.iso"), "-serial", f"file:{log}",
         "-fw_cfg", f"name=opt/pith.fuzz,string={seed} {calls} {cpus} {life}"],
        stdin=subprocess.DEVNULL)


def run(seed=1, calls=10_000_000, cpus=1, life=0):
    """(whether all went well, what was printed)."""
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = emulator(log.name, seed, calls, cpus, life)
        try:
            text, since = "", time.monotonic()
            while process.poll() is None and time.monotonic() - since < SILENCE:
                time.sleep(0.2)
                now = pathlib.Path(log.name).read_text(errors="replace")
                if len(now) > len(text):
                    text, since = now, time.monotonic()
                if "guest end" in text or "This is a bug in the kernel" in text:
                    break
        finally:
            process.kill()
            process.wait()
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
