#!/usr/bin/python3
"""Generated modules mean the same in the interpreter, the compiler and V8.

usage: differential.py GENERATOR COUNT [FIRST-SEED]      COUNT modules, of the seeds from FIRST-SEED (0) on

GENERATOR is `wasm-opt`, whose --translate-to-fuzz turns bytes of a seed into a valid module, or `pressure`
(pressure.py): few registers left, numbers longer than needed. Each engine says what happens in a module (transcript.c, transcript.mjs): results, logged values, traps by kind (ours with their
backtraces), and at the end globals and memories. All must say the same. From a stack overflow on only its kind is
compared: how deep an engine's stack is, is its own affair.

What differs stays in build/differential. Ends with `N passed, N failed, N skipped`, one for each
module.
"""
import concurrent.futures
import itertools
import os
import pathlib
import random
import subprocess
import sys

import denan
import pressure

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[2]
OUT = TOP / "build/differential"
RUNNER = TOP / "build/host/ci/fuzz/differential/wasm-transcript"
BATCH = 250
LIMIT = 600  # seconds for a batch in one engine
GLOBALS, EXPORTS = 6, 7  # section numbers
V8 = ["node", "--wasm-max-mem-pages=256", "--wasm-max-table-size=10000", "--stack-size=800"]
# V8's own two compilers take turns, by the number of the batch.
V8_TIERS = [["--liftoff-only"], ["--no-liftoff"]]
ENGINES = {"interpreter": [RUNNER, "interpreter"], "compiler": [RUNNER, "compiler"]}


def with_globals_exported(data):
    """The module with each of its globals (it imports none) exported as "global N"."""
    parts = list(denan.sections(data))
    count = denan.Reader(dict(parts).get(GLOBALS, b"\0")).number()
    entries = b""
    for index in range(count):
        name = f"global {index}".encode()
        entries += denan.number(len(name)) + name + b"\x03" + denan.number(index)
    assert dict(parts).get(EXPORTS), "the generator always exports something"
    out = []
    for kind, body in parts:
        if kind == EXPORTS:
            reader = denan.Reader(body)
            body = denan.number(reader.number() + count) + entries + body[reader.at:]
        out.append((kind, body))
    return denan.module(out)


def feature_sets():
    """Options of wasm-opt: all that V8 has, without SIMD, the least. No reference types: Debian's
    binaryen takes a funcref for an externref."""
    done = subprocess.run(["node", HERE / "transcript.mjs", "--features"], capture_output=True,
                          text=True, check=True)
    everything = done.stdout.split()
    scalar = [option for option in everything if option != "--enable-simd"]
    return [everything, scalar, ["--enable-mutable-globals"]]


def binaryen_module(seed, options, folder):
    """A module of wasm-opt: its path."""
    numbers = random.Random(seed)
    path = folder / f"{seed}.wasm"
    source = folder / f"{seed}.bytes"
    source.write_bytes(numbers.randbytes(numbers.choice([500, 2000, 5000, 12000])))
    subprocess.run(["wasm-opt", source, "--translate-to-fuzz", "--denan", *options, "-o", path],
                   check=True, capture_output=True, env={**os.environ, "BINARYEN_CORES": "1"})
    source.unlink()
    path.write_bytes(denan.without_nans(with_globals_exported(path.read_bytes())))
    return path


def pressure_module(seed, options, folder):
    """One of our own: its path."""
    path = folder / f"pressure-{seed}.wasm"
    path.write_bytes(pressure.module(seed, tail_calls="--enable-tail-call" in options))
    return path


GENERATORS = {"wasm-opt": binaryen_module, "pressure": pressure_module}


def transcripts(command, paths):
    """Path -> the lines that an engine says of it. It runs in a file: an engine that dies in the
    middle has said what it has said."""
    listing = "".join(f"{path}\n" for path in paths).encode()
    log = paths[0].with_suffix(".transcript")
    with open(log, "wb") as out:
        done = subprocess.run([*map(str, command)], input=listing, stdout=out,
                              stderr=subprocess.PIPE, timeout=LIMIT, check=False)
    text = log.read_text()
    log.unlink()
    said, lines = {}, None
    for line in text.splitlines():
        if line.startswith("module "):
            lines = said[pathlib.Path(line.removeprefix("module "))] = []
        else:
            lines.append(line)
    if done.returncode:
        lines.append(f"ended with status {done.returncode}: {done.stderr.decode()[-500:]}")
    return said


def difference(one, other):
    """The first lines that differ, or None. A line of a call that ends by a stack overflow, in
    both, is the last that counts."""
    for left, right in itertools.zip_longest(one, other, fillvalue="(nothing)"):
        if left != right:
            return left, right
        if left.endswith(" trap stack"):
            return None
    return None


def compare(paths, tier):
    """The paths whose transcripts differ, after a word on each."""
    commands = {**ENGINES, "V8": [*V8, *tier, HERE / "transcript.mjs"]}
    said = {engine: transcripts(command, paths) for engine, command in commands.items()}
    reference = said.pop("interpreter")
    # V8 does not say where a trap was.
    coarse = {path: [line.partition(" at ")[0] for line in lines]
              for path, lines in reference.items()}
    different = []
    for path in paths:
        for engine, lines in said.items():
            wanted = coarse if engine == "V8" else reference
            found = difference(wanted.get(path, []), lines.get(path, []))
            if found or path not in reference:
                print(f"{path}: interpreter: {found and found[0]!r}, {engine}: "
                      f"{found and found[1]!r}", file=sys.stderr)
                different.append(path)
                break
    return different


def main(generator, count, first=0):
    count, first = int(count), int(first)
    OUT.mkdir(parents=True, exist_ok=True)
    sets = feature_sets()
    failed = 0
    for start in range(first, first + count, BATCH):
        seeds = range(start, min(start + BATCH, first + count))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            paths = list(pool.map(lambda seed: GENERATORS[generator](seed, sets[seed % len(sets)], OUT), seeds))
        different = compare(paths, V8_TIERS[start // BATCH % len(V8_TIERS)])
        failed += len(different)
        for path in set(paths) - set(different):
            path.unlink()
    print(f"{count - failed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4 or sys.argv[1] not in GENERATORS:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
