"""NMI and machine check at the worst moments: the first and last instructions of the kernel,
where stack pointer and GS are the user's. The emulator is stopped there through its gdb stub."""
import pathlib
import re
import socket
import subprocess
import time

import pytest

from test_kernel import LIMIT, TESTS, TOP, Guest, Monitor

KERNEL = TOP / "build" / "arch" / "x86_64" / "kernel"
PLACES = ["entry_syscall", "at_sysret", "trap_from_user", "at_iret"]
ROUNDS = 20
# Bank 9, valid, nothing corrupt, the program can be restarted: to be survived.
MACHINE_CHECK = "mce {} 9 0xbd00000000000000 0x5 0 0"


def addresses():
    listing = subprocess.run(["nm", str(KERNEL)], check=True, capture_output=True, text=True)
    return {name: int(address, 16) for address, _, name in
            (line.split() for line in listing.stdout.splitlines() if len(line.split()) == 3)}


def connect(path):
    line = socket.socket(socket.AF_UNIX)
    until = time.monotonic() + LIMIT
    while True:
        try:
            line.connect(str(path))
            break
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.05)
    line.settimeout(LIMIT)
    return line


class Gdb:
    """The little of gdb's remote protocol that stopping at a place takes."""

    def __init__(self, path):
        self.line = connect(path)
        self.rest = b""

    def send(self, text):
        data = text.encode()
        self.line.sendall(b"$" + data + b"#%02x" % (sum(data) & 255))

    def reply(self):
        while not (found := re.search(rb"\$([^#]*)#..", self.rest)):
            data = self.line.recv(4096)
            assert data, "the emulator ended"
            self.rest += data
        self.rest = self.rest[found.end():]
        self.line.sendall(b"+")
        return found[1].decode()

    def ask(self, text):
        self.send(text)
        while (answer := self.reply()).startswith("T"):
            pass  # attaching has stopped the machine, and says so when it likes
        return answer

    def stop_at(self, address):
        """Returns the number of the CPU that got there."""
        assert self.ask(f"Z1,{address:x},1") == "OK"
        self.send("c")
        stopped = re.match(r"T05thread:([0-9a-f]+);", self.reply())
        assert stopped
        assert self.ask(f"z1,{address:x},1") == "OK"
        return int(stopped[1], 16) - 1

    def return_address(self):
        """At the first instruction of a function: where it returns to."""
        stack = bytes.fromhex(self.ask("g"))[7 * 8:8 * 8]
        at = int.from_bytes(stack, "little")
        return int.from_bytes(bytes.fromhex(self.ask(f"m{at:x},8")), "little")


@pytest.mark.parametrize("event", ["nmi", "machine check"])
@pytest.mark.parametrize("place", PLACES)
def test_event_at(place, event, tmp_path: pathlib.Path):
    gdb_path, monitor_path = tmp_path / "gdb", tmp_path / "qmp"
    with Guest(["-cpu", "max", "-qmp", f"unix:{monitor_path},server,nowait",
                "-chardev", f"socket,id=gdb,path={gdb_path},server=on,wait=off",
                "-gdb", "chardev:gdb"]) as guest:
        guest.wait_for("ok   signals")
        where = addresses()
        monitor, gdb = Monitor(monitor_path), Gdb(gdb_path)
        for _ in range(ROUNDS):
            cpu = gdb.stop_at(where[place])
            if event == "nmi":
                monitor.run("inject-nmi")
            else:
                monitor.human(MACHINE_CHECK.format(cpu))
            gdb.stop_at(where["trap_kernel"])  # it struck; the next one must not strike here
            if event == "machine check":  # nor come before this one is over: that is a reset
                gdb.stop_at(gdb.return_address())
        gdb.send("c")
        text = guest.wait_for("guest end")
    assert "panic" not in text and f"kernel test: {len(TESTS)} passed, 0 failed" in text, text
    assert event == "nmi" or len(re.findall("machine check: bank 9", text)) == ROUNDS, text


def test_exception_in_the_kernel(tmp_path):
    """An instruction of the kernel is spoilt while all CPUs run: one of them says what it met, once,
    with reason, registers and call chain, and all stop."""
    gdb_path, monitor_path = tmp_path / "gdb", tmp_path / "qmp"
    with Guest(["-cpu", "max", "-qmp", f"unix:{monitor_path},server,nowait",
                "-chardev", f"socket,id=gdb,path={gdb_path},server=on,wait=off",
                "-gdb", "chardev:gdb"], iso=TOP / "build" / "cpus-test.iso", smp=3) as guest:
        guest.wait_for("ok   at_once")
        monitor, gdb = Monitor(monitor_path), Gdb(gdb_path)
        gdb.stop_at(addresses()["kern_timer"])
        assert gdb.ask(f"M{addresses()['kern_timer']:x},2:0f0b") == "OK"  # UD2
        gdb.send("c")
        text = guest.wait_for(r"panic[^$]*kern_timer\+0\s[^$]*trap_\w+\+")
        text = text[text.index("Pith panic"):]
        assert re.match(r"Pith panic: invalid opcode in the kernel at \w+\s+This is a bug in the kernel. "
                        r"build \w+\s+rip ", text) and "kern_timer+0" in text, text
        assert text.count("rip ") == 1 and text.count("panic: ") == 1, text
        until = time.monotonic() + LIMIT
        while (state := monitor.human("info registers -a")).count("HLT=1") < 3:
            assert time.monotonic() < until, state
            time.sleep(0.1)
