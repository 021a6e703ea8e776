#!/usr/bin/python3
"""Boots the kernel as it is (build/ways-fast.iso) and one that never takes the fast path
(build/ways-general.iso) with the same random calls: what user code sees must be the same (ci/guest/ways.c).

    ways.py [SEED [EPISODES]]     default: 1 512; about 280 calls an episode

The emulator counts instructions, so the same numbers give the same run. Exit status 0: equal. Else 1,
and the first records that differ.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[3]
SHIFT = 2  # nanoseconds of an instruction, as a power of 2: firmware waits for time, not for instructions
SILENCE = 300  # seconds without an episode before the machine counts as hanging


def boot(iso, seed, episodes, show=None, silence=SILENCE):
    """What the guest printed: to its end, a panic, or its silence."""
    numbers = f"{seed} {episodes}" + ("" if show is None else f" {show}")
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-icount", f"shift={SHIFT},sleep=off", "-cpu", "max", "-smp", "2",
             "-m", "128", "-nic", "none", "-display", "none", "-no-reboot", "-cdrom", str(iso), "-serial",
             f"file:{log.name}", "-fw_cfg", f"name=opt/pith.ways,string={numbers}"], stdin=subprocess.DEVNULL)
        try:
            text, since = "", time.monotonic()
            while process.poll() is None and time.monotonic() - since < silence:
                time.sleep(0.1)
                now = pathlib.Path(log.name).read_text(errors="replace")
                if len(now) > len(text):
                    text, since = now, time.monotonic()
                if "guest end" in text or "This is a bug in the kernel" in text:
                    break
        finally:
            process.kill()
            process.wait()
    return text


def seen(text):
    """The lines that must be equal."""
    return [line for line in text.splitlines() if line.startswith("ways: ") and "took" not in line]


def episode_that_differs(one, other):
    """Number of the first episode after which the hashes differ, of those printed; None: none does."""
    pattern = r"^ways: episode (\d+), .*$"
    for a, b in zip(re.finditer(pattern, one, re.M), re.finditer(pattern, other, re.M)):
        if a[0] != b[0]:
            return int(a[1])
    return None


def explain(isos, seed, texts):
    """The records around the first difference."""
    last = episode_that_differs(*texts)
    if last is None:
        last = len(re.findall(r"^ways: episode", texts[0], re.M))
    one, other = ([line for line in seen(boot(iso, seed, last + 1, last)) if "seed" not in line] for iso in isos)
    # With SHOW every episode has a line: the first that differs is shown anew.
    exact = episode_that_differs("\n".join(one), "\n".join(other))
    if exact is not None and exact != last:
        one, other = ([line for line in seen(boot(iso, seed, exact + 1, exact)) if "seed" not in line] for iso in isos)
    for at, (a, b) in enumerate(zip(one, other)):
        if a != b:
            return "\n".join([*one[max(0, at - 8):at], f"fast:    {a}", f"general: {b}"])
    return "one of them ended early"


def compare(seed=1, episodes=512, fast=TOP / "build/ways-fast.iso", general=TOP / "build/ways-general.iso"):
    """(whether all was equal, what to tell)."""
    texts = [boot(iso, seed, episodes) for iso in (fast, general)]
    for text in texts:
        if "guest end" not in text or "panic" in text or "ways: took" not in text:
            return False, text[-3000:]
    took = [int(re.search(r"ways: took (\d+)", text)[1]) for text in texts]
    if seen(texts[0]) != seen(texts[1]):
        return False, explain((fast, general), seed, texts)
    if took[0] >= took[1]:
        return False, f"the kernel with a fast path took {took[0]} ns, the other {took[1]}"
    return True, texts[0]


def main():
    start = time.monotonic()
    good, text = compare(*map(int, sys.argv[1:]))
    print(text.strip())
    print(f"{'equal' if good else 'NOT EQUAL'}, {time.monotonic() - start:.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
