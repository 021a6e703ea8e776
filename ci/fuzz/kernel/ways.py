#!/usr/bin/python3
"""Boots the kernel as it is (build/ways-fast.iso) and one that never takes the fast path
(build/ways-general.iso) with the same random calls: what user code sees must be the same (ci/guest/ways.c).

    ways.py [SEED [EPISODES]]     default: 1 512; about 280 calls an episode

The emulator counts instructions, so the same numbers give the same run. Exit status 0: equal. Else 1,
and the first records that differ.
"""
import pathlib
import re
import sys
import time

from emulator import boot

TOP = pathlib.Path(__file__).resolve().parents[3]
SILENCE = 300  # seconds without an episode before the machine counts as hanging


def ran(iso, seed, episodes, show=None, silence=SILENCE):
    """What the guest printed; with `show` the records of that episode too."""
    return boot(iso, "ways", (seed, episodes) if show is None else (seed, episodes, show), 2, 128, silence)


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
    one, other = ([line for line in seen(ran(iso, seed, last + 1, last)) if "seed" not in line] for iso in isos)
    # With SHOW every episode has a line: the first that differs is shown anew.
    exact = episode_that_differs("\n".join(one), "\n".join(other))
    if exact is not None and exact != last:
        one, other = ([line for line in seen(ran(iso, seed, exact + 1, exact)) if "seed" not in line] for iso in isos)
    for at, (a, b) in enumerate(zip(one, other)):
        if a != b:
            return "\n".join([*one[max(0, at - 8):at], f"fast:    {a}", f"general: {b}"])
    return "one of them ended early"


def compare(seed=1, episodes=512, fast=TOP / "build/ways-fast.iso", general=TOP / "build/ways-general.iso"):
    """(whether all was equal, what to tell)."""
    texts = [ran(iso, seed, episodes) for iso in (fast, general)]
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
