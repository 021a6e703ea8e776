"""Servers under hostile clients: random messages, well formed and not, to every server, and every
request of every interface at its boundaries. All go on, none breaks an invariant of its own, and
memory is as before."""
import os
import re
import subprocess
import sys

import pytest

from conftest import BUILD, PROGRAMS, TOP

sys.path.insert(0, str(TOP / "toolchain"))
from genlib import idl, proto  # noqa: E402

SLOTS = {"memory": 1, "process": 2, "files": 3, "console": 4, "timer": 5}  # enum startup_slot
LARGEST = {"u8": 0xff, "u16": 0xffff, "u32": 0xffffffff, "u64": 2**64 - 1, "i64": 2**63 - 1}
# These do to others what they are made for.
SPARED = {"process.kill", "process.power", "process.foreground", "process.end_server",
          "timer.set_real_time"}
# An answer may be long in coming: a pipe that is empty or full, a time, a child.
MAY_WAIT = {"io.read", "io.write", "timer.sleep", "process.wait"}
# They change or end the caller.
MAY_DIE = {"process.exit", "process.thread_create", "process.thread_exit", "process.signal_mask"}


def build(folder, name):
    out = folder / name
    subprocess.run([BUILD / "sdk/bin/x86_64-pith-elf-gcc", "-O1", f"-I{BUILD}/gen/include", f"-I{folder}",
                    f"-I{BUILD}/gen/proto/include", f"-I{TOP}/servers/lib/include", "-o", out,
                    PROGRAMS / f"{name}.c"], check=True)
    return out


def rows():
    """(name, label, slot, words, capabilities, limits) of every request that a program can send."""
    _, files = idl.load(str(TOP / "kern/abi/pith.idl"), sorted(map(str, (TOP / "servers/proto").glob("*.idl"))))
    for file in files:
        if not file.all("interface"):
            continue
        interface = file.all("interface")[0].name
        for slot in ([SLOTS["files"], SLOTS["console"]] if interface == "io" else
                     [SLOTS[interface]] if interface in SLOTS else []):
            for request in proto.requests(file):
                name = f"{interface}.{request.call.name}"
                words = [member for _, member in proto.words(request.ins)]
                limits = [LARGEST.get(member.type, member.maximum) for member in words]
                if name not in SPARED:
                    yield name, request.number, slot, len(words), len(proto.caps(request.ins)), limits


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    """The program, and how many requests its table has."""
    folder = tmp_path_factory.mktemp("requests")
    table = list(rows())
    (folder / "table.h").write_text("static const struct request requests[] = {\n" + "".join(
        f'    {{"{name}", {label}, {slot}, {words}, {caps}, '
        f'{{{", ".join(f"{limit}ul" for limit in limits) or 0}}}}},\n'
        for name, label, slot, words, caps, limits in table) + "};\n")
    return build(folder, "requests"), len(table)


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    return build(tmp_path_factory.mktemp("messages"), "messages")


@pytest.mark.parametrize("seed", [int(os.environ.get("PITH_SEED", "1"))])
def test_every_request(run, requests, seed):
    program, count = requests
    line = f"/requests.elf {seed}; rm -rf /requests"
    done = run(f"{line}; mem; {line}; mem; ps", "--add", f"{program}:/requests.elf",
               limit=900)
    out = done.out.decode(errors="replace")
    assert done.status == 0 and out.count(f"requests: {count} tried with seed {seed}") == 2, done
    refused = set(re.findall(r"^refuses (\S+)", out, re.M))
    assert count - len(refused) > 40, out  # most reach what is behind the checks
    assert count > 60 and "does not answer" not in out and "cannot start" not in out, out
    assert set(re.findall(r"^waits (\S+)", out, re.M)) <= MAY_WAIT, out
    assert {name for name in re.findall(r"^dies (\S+)", out, re.M)
            if not name.startswith("memory.")} <= MAY_DIE, out
    free = re.findall(r"^free (\d+)", out, re.M)
    assert len(free) == 2 and free[0] == free[1], out
    assert b"broken invariant" not in done.err + (BUILD / "boot.log").read_bytes()


@pytest.mark.parametrize("seed", [1, 2])
def test_random_messages(run, messages, seed):
    line = f"/messages {seed} 20 3000; rm -r /tmp/a /tmp/c"
    done = run(f"{line}; mem; {line}; mem; ps; echo alive > /tmp/file; cat /tmp/file", "--add", messages)
    assert done.status == 0, done
    assert done.out.endswith(b"alive\n"), done
    free = [int(number) for number in re.findall(rb"^free (\d+)", done.out, re.M)]
    assert len(free) == 2 and free[0] == free[1], done
    assert b"broken invariant" not in done.err + (BUILD / "boot.log").read_bytes()
