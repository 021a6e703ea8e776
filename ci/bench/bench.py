#!/usr/bin/python3
"""Measure the built system; see ci/bench.sh.

Each bench is a generator of rows (name, value, unit). build/bench.json keeps the rows of all
benches, the latest of each name.
"""
import json
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time

import paths

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
RESULTS = BUILD / "bench.json"
BOOT_ROUNDS = 7
LIMIT = 300  # seconds for one emulator


def emulator(iso, *arguments):
    """Start one with its serial line on a socket; gives (process, socket)."""
    near, far = socket.socketpair()
    process = subprocess.Popen(
        ["qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "max", "-m", "256",
         "-nic", "none", "-no-reboot", "-display", "none", "-monitor", "none", "-boot", "d",
         "-cdrom", str(iso), *arguments,
         "-chardev", f"socket,id=console,fd={far.fileno()}", "-serial", "chardev:console"],
        pass_fds=(far.fileno(),), stdin=subprocess.DEVNULL)
    far.close()
    near.settimeout(LIMIT)
    return process, near


def until(line, *patterns):
    """Read a serial line until each pattern has come; gives the text and the time of each."""
    text, times = b"", []
    for pattern in patterns:
        while not re.search(pattern, text):
            data = line.recv(4096)
            if not data:
                raise SystemExit(f"bench: the machine stopped before {pattern!r}:\n"
                                 + text.decode(errors="replace")[-2000:])
            text += data
        times.append(time.monotonic())
    return text.decode(errors="replace"), times


def guest_rows(iso, *arguments):
    """What a program of ci/bench/ipc prints: `bench NAME VALUE UNIT` lines, then `bench end`."""
    process, line = emulator(BUILD / iso, *arguments)
    try:
        text, _ = until(line, rb"bench end")
    finally:
        process.kill()
        process.wait()
    return [(name, int(value), unit)
            for name, value, unit in re.findall(r"^bench (\S+) (\d+) (\S+)", text, re.M)]


def bench_ipc():
    """Instructions, user to user, from the guest's own counter: under icount one TSC tick is one
    instruction. Then what each path executes of the dear ones and how long it holds the lock
    (paths.py), and its time under the emulator as people use it."""
    for name, value, unit in guest_rows("ipc-bench.iso", "-icount", "shift=0,sleep=off"):
        if name != "tsc_hz":
            yield name, value, unit
    yield from paths.rows()
    timed = guest_rows("ipc-bench.iso")
    tsc_hz = dict((name, value) for name, value, _ in timed)["tsc_hz"]
    for name, value, _ in timed:
        if name.startswith("ipc."):
            yield f"{name}.wall", round(value * 1e9 / tsc_hz), "ns"


def bench_smp():
    """Pairs of threads that compute 5,000 instructions per call: two on two CPUs against one on
    one, in turns of one run; the best of each."""
    rows = {name: value for name, value, _ in
            guest_rows("smp-bench.iso", "-smp", "2", "-accel", "tcg,thread=multi")}
    yield "smp.one_pair", rows["smp.one_pair"], "calls/s"
    yield "smp.two_pairs", rows["smp.two_pairs"], "calls/s"
    yield "smp.throughput", round(rows["smp.two_pairs"] / rows["smp.one_pair"], 2), "times"


def bench_boot():
    """From the emulator's start to the first user instruction's word on the serial line, and to
    the prompt; medians."""
    samples = []
    for _ in range(BOOT_ROUNDS):
        started = time.monotonic()
        process, line = emulator(BUILD / "pith.iso")
        try:
            _, times = until(line, rb"init: ", rb"\$ ")
        finally:
            process.kill()
            process.wait()
        samples.append([moment - started for moment in times])
    user, prompt = (statistics.median(column) for column in zip(*samples))
    yield "boot.user_s", round(user, 3), "s"
    yield "boot.prompt_s", round(prompt, 3), "s"


def bench_size():
    sys.path.insert(0, str(TOP / "ci/lint"))
    from test_tree import kernel_lines
    yield "size.iso_bytes", (BUILD / "pith.iso").stat().st_size, "bytes"
    yield "size.kernel_loc", kernel_lines(), "lines"


sys.path.insert(0, str(TOP / "ci/bench/wasm"))
from measure import bench_wasm, bench_wasm_pith  # noqa: E402

BENCHES = {"ipc": bench_ipc, "smp": bench_smp, "boot": bench_boot, "size": bench_size, "wasm": bench_wasm,
           "wasm-pith": bench_wasm_pith}


def main(names):
    unknown = set(names) - set(BENCHES)
    if unknown:
        sys.exit(f"bench: no bench named {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    rows = {}
    for name in names or BENCHES:
        for row, value, unit in BENCHES[name]():
            rows[row] = {"name": row, "value": value, "unit": unit}
            print(f"{row:32} {value:>12} {unit}")
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    merged = {row["name"]: row for row in kept} | rows
    RESULTS.write_text(json.dumps(list(merged.values()), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
