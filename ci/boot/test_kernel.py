"""The kernel alone: build/kernel-test.iso (ci/guest) starts a test program in place of init,
on different machines. Its own tests print a line each; here each must say ok."""
import pathlib
import re
import subprocess
import tempfile
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
ISO = TOP / "build" / "kernel-test.iso"
TESTS = {"memory", "signals", "messages", "faults", "entry_flags", "registers", "canonical_edge",
         "preemption", "interrupts", "fpu", "fs", "invariants"}
LIMIT = 120  # seconds

MACHINES = {
    "pc": ["-machine", "pc", "-cpu", "max"],
    "q35": ["-machine", "q35", "-cpu", "max"],
    "qemu64": ["-machine", "pc", "-cpu", "qemu64"],
    "nehalem": ["-machine", "q35", "-cpu", "Nehalem"],
    "smp": ["-machine", "q35", "-cpu", "max", "-smp", "4"],
    "small": ["-m", "48"],
    "large": ["-m", "8192", "-cpu", "qemu64"],
    "no-acpi": ["-machine", "pc,acpi=off"],
}


class Guest:
    """An emulator that runs the test program; its serial line goes to a file."""

    def __init__(self, arguments, monitor=None):
        self.log = tempfile.NamedTemporaryFile(suffix=".log")
        command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "256", "-nic", "none",
                   "-display", "none", "-no-reboot", "-cdrom", str(ISO),
                   "-serial", f"file:{self.log.name}", "-monitor", monitor or "none", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def text(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def wait_for(self, pattern):
        """The text up to now, once `pattern` is in it; a panic or the time limit ends waiting."""
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            text = self.text()
            if re.search(pattern, text) or "panic" in text or self.process.poll() is not None:
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
    with Guest(MACHINES[machine]) as guest:
        text = guest.wait_for("guest end")
    assert "panic" not in text, text
    assert set(re.findall(r"^ok +(\S+)", text, re.M)) == TESTS, text
    assert f"kernel test: {len(TESTS)} passed, 0 failed" in text, text
