"""Several CPUs: each is there, works, and is shown."""
import re
import struct

import pytest

from test_entry import Gdb, addresses
from test_kernel import LIMIT, TOP, Guest

TESTS = {"at_once", "lock", "calls", "wake_ups", "shootdown", "moves", "diversions", "revocation",
         "spaces"}
LINE = re.compile(r"cpu (\d+)  apic (\d+)  idle +(\d+)%  (.+)")


@pytest.mark.parametrize("smp", [2, 4])
def test_kernel_on(smp):
    """ci/guest/cpus.c: threads are called, moved, diverted, destroyed while they run elsewhere, and
    pages taken from under them."""
    with Guest(["-cpu", "max"], iso=TOP / "build" / "cpus-test.iso", smp=smp) as guest:
        text = guest.wait_for("guest end", LIMIT)
    assert "panic" not in text, text
    assert set(re.findall(r"^ok +(\S+)", text, re.M)) == TESTS, text


def test_cpu_that_is_listed_twice(tmp_path):
    """Firmware may name a CPU twice, as APIC and as x2APIC: it is started once, and stays. The
    emulator's does not: the list is changed when it has been read."""
    path = tmp_path / "gdb"
    arguments = ["-cpu", "max", "-S",
                 "-chardev", f"socket,id=gdb,path={path},server=on,wait=off", "-gdb", "chardev:gdb"]
    with Guest(arguments, iso=TOP / "build" / "cpus-test.iso", smp=2) as guest:
        gdb = Gdb(path)
        gdb.stop_at(addresses()["smp_start"])
        madt = int.from_bytes(bytes.fromhex(gdb.ask("g"))[40:48], "little")  # rdi
        table = bytes.fromhex(gdb.ask(f"m{madt:x},{400:x}"))
        at = madt + table.index(struct.pack("<3I", 2, 0, 1))
        assert gdb.ask(f"M{at:x},{24:x}:{struct.pack('<6I', 5, 0, 1, 1, 0, 1).hex()}") == "OK"
        gdb.send("c")
        text = guest.wait_for("at_once", LIMIT)
    assert "ok   at_once" in text and "left out" not in text, text


@pytest.mark.parametrize("smp", [2, 4])
def test_storm(smp):
    """ci/guest/storm.c: nothing is lost of threads that are moved, suspended and diverted at any
    moment, and all go on."""
    with Guest(["-cpu", "max"], iso=TOP / "build" / "kernel-storm.iso", smp=smp) as guest:
        text = guest.wait_for("guest end", LIMIT)
    done = re.search(r"storm: (\d+) CPUs, (\d+) done, (\d+) interrupted, (\d+) diverted, 0 bad", text)
    assert done and int(done[1]) == smp and int(done[3]) and int(done[4]), text


@pytest.mark.parametrize("smp", [1, 2, 4, 8])
def test_cpus_shows_each(run, smp):
    done = run("cpus", "--smp", str(smp))
    lines = [LINE.fullmatch(line) for line in done.out.decode().splitlines()]
    assert done.status == 0 and all(lines), done
    assert [int(line[1]) for line in lines] == list(range(smp))
    assert len({line[2] for line in lines}) == smp  # an APIC id of its own
    assert all(0 <= int(line[3]) <= 100 for line in lines)
    assert any(line[4] == "cpus" for line in lines)  # itself runs somewhere


def test_programs_are_spread(run, program):
    """Programs that compute for ever are on CPUs of their own, none of which idles. (Which thread
    a CPU runs at the moment of the answer may be another: a server's.)"""
    done = run("spread 3", "--smp", "4", "--add", program("spread"))
    lines = [LINE.fullmatch(line) for line in done.out.decode().splitlines()]
    assert done.status == 0 and len(lines) == 4 and all(lines), done
    busy = [line for line in lines if int(line[3]) < 5]
    assert len(busy) >= 3 and any(line[4] == "spread" for line in busy), done
