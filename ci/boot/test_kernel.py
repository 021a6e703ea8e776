"""The kernel alone: build/kernel-test.iso (ci/guest) starts a test program in place of init,
on different machines. Its own tests print a line each; here each must say ok."""
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import time

import pytest

from conftest import SMP, accel

TOP = pathlib.Path(__file__).resolve().parents[2]
ISO = TOP / "build" / "kernel-test.iso"
TESTS = {"memory", "signals", "messages", "faults", "entry_flags", "registers", "canonical_edge",
         "preemption", "interrupts", "fpu", "fs", "invariants",
         "handles", "rights", "badges", "replies", "confused_deputy", "starvation", "slices",
         "all_registers", "fpu_leaks", "zeroed", "translations", "instructions"}
LIMIT = 900  # seconds; CPUs that wait for each other are slow where the host has no time for them

MACHINES = {
    "pc": ["-machine", "pc", "-cpu", "max"],
    "q35": ["-machine", "q35", "-cpu", "max"],
    "qemu64": ["-machine", "pc", "-cpu", "qemu64"],
    "nehalem": ["-machine", "q35", "-cpu", "Nehalem"],
    "smp": ["-machine", "q35", "-cpu", "max"],
    "small": ["-m", "48"],
    "large": ["-m", "8192", "-cpu", "qemu64"],
    "no-acpi": ["-machine", "pc,acpi=off"],
}


class Guest:
    """An emulator that runs the test program; its serial line goes to a file."""

    def __init__(self, arguments, monitor=None, iso=ISO, smp=SMP):
        self.log = tempfile.NamedTemporaryFile(suffix=".log")
        command = ["qemu-system-x86_64", "-accel", accel(smp), "-m", "256", "-nic", "none",
                   "-smp", str(smp), "-display", "none", "-no-reboot", "-cdrom", str(iso),
                   "-serial", f"file:{self.log.name}", "-monitor", monitor or "none", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def text(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def wait_for(self, pattern, limit=LIMIT):
        """The text up to now, once `pattern` is in it; a panic or the time limit ends waiting."""
        until = time.monotonic() + limit
        while time.monotonic() < until:
            text = self.text()
            lost = "panic" in text and "panic" not in pattern
            if re.search(pattern, text) or lost or self.process.poll() is not None:
                return text
            time.sleep(0.05)
        return self.text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize("machine", MACHINES)
def test_kernel(machine):
    with Guest(MACHINES[machine], smp=4 if machine == "smp" else SMP) as guest:
        text = guest.wait_for("guest end")
    assert "panic" not in text, text
    assert set(re.findall(r"^ok +(\S+)", text, re.M)) == TESTS, text
    assert f"kernel test: {len(TESTS)} passed, 0 failed" in text, text


class Monitor:
    """QEMU's machine protocol on a socket of the file system."""

    def __init__(self, path):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(LIMIT)
        line.connect(str(path))
        self.file = line.makefile("rw")
        self.file.readline()
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while "return" not in (answer := json.loads(self.file.readline())):
            assert "error" not in answer, answer
        return answer["return"]

    def human(self, line):
        return self.run("human-monitor-command", **{"command-line": line})


def test_panic(tmp_path):
    """Serial line and screen show the reason, the build and the call chain by name."""
    with Guest(["-qmp", f"unix:{tmp_path / 'qmp'},server,nowait"]) as guest:
        guest.wait_for("guest end")
        monitor = Monitor(tmp_path / "qmp")
        monitor.human("sendkey a")
        text = guest.wait_for(r"panic[^$]*entry_syscall\+")
        cells = re.findall(r"0x([0-9a-f]{4})", monitor.human("xp /2000xh 0xb8000").replace(": ", ":"))
    screen = "".join(chr(int(cell, 16) & 255) for cell in cells)
    for words in ("Pith panic: ", "build ", "kern_panic+", "sys_debug+", "entry_syscall+"):
        assert words in text and words in screen, (text, screen)
    assert all(cell.startswith("4f") for cell in cells) and len(cells) == 2000
    notes = subprocess.run(["readelf", "-n", str(TOP / "build/arch/x86_64/kernel")],
                           capture_output=True, text=True, check=True).stdout
    build = re.search(r"Build ID: ([0-9a-f]{40})", notes)[1]
    assert f"build {build}" in text
