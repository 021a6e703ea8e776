"""What the whole-system tests share: `run` (qemu.sh --run), `machine` (an interactive boot with
its serial line, keyboard and screen in hand) and `program` (C built for Pith, or for WASI).
PITH_SMP=N in the environment gives every machine N CPUs where the test does not say how many.

ci/test.sh builds the system before; nothing here sleeps: tests wait for text, with a limit.
"""
import json
import os
import pathlib
import random
import re
import shlex
import socket
import subprocess
import tempfile

import pexpect.fdpexpect
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
PROGRAMS = pathlib.Path(__file__).parent / "programs"
SMP = int(os.environ.get("PITH_SMP", "1"))
LIMIT = 240  # seconds for any one wait; a loaded machine is slow, a hanging one is found anyway


def accel(smp):
    """How the emulator runs `smp` CPUs, as qemu.sh chooses: more than the host has take turns."""
    return "tcg,thread=" + ("multi" if smp <= os.cpu_count() else "single")



class Result:
    """What a person's script sees of `qemu.sh --run`."""

    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def __repr__(self):
        return f"status {self.status}\nstdout {self.out[-2000:]!r}\nstderr {self.err[-2000:]!r}"


def qemu_sh(*arguments, stdin=b"", cwd=None, limit=LIMIT):
    if SMP > 1 and "--run" in arguments and "--smp" not in arguments:
        arguments = ("--smp", SMP, *arguments)
    done = subprocess.run(["bash", str(TOP / "qemu.sh"), *map(str, arguments)], input=stdin,
                          capture_output=True, cwd=cwd, timeout=limit, check=False)
    return Result(done)


@pytest.fixture
def run():
    """run(LINE, OPTION..., stdin=b"") boots, runs the line and gives its Result."""

    def run_line(line, *options, stdin=b"", limit=LIMIT):
        return qemu_sh("--run", line, *options, stdin=stdin, limit=limit)

    return run_line


@pytest.fixture
def survive(run):
    """survive(LINE, OPTION...) runs LINE twice in one boot and checks that free memory is the same
    after the second run as after the first. Gives (status of LINE, standard error)."""

    def check(line, *options, limit=240):
        done = run(f"{line}; echo status $?; mem; {line}; echo status $?; mem; echo still here", *options,
                   limit=limit)
        assert done.status == 0 and b"still here" in done.out, done
        statuses = [int(number) for number in re.findall(rb"^status (\d+)", done.out, re.M)]
        free = [int(number) for number in re.findall(rb"^free (\d+)", done.out, re.M)]
        assert len(statuses) == 2 and statuses[0] == statuses[1], done
        assert len(free) == 2 and free[0] == free[1], done
        return statuses[0], done.err.decode(errors="replace")

    return check


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """program(NAME) builds ci/boot/programs/NAME.c for Pith; a name that ends in .wasm, for WASI
    (from NAME.c, or from NAME.wat). Gives the path of the file."""
    folder = tmp_path_factory.mktemp("programs")

    def build(name):
        out = folder / name
        if out.exists():
            return out
        stem = name.removesuffix(".wasm")
        if name == stem:
            command = [BUILD / "sdk/bin/x86_64-pith-elf-gcc", "-O1", "-fno-builtin", "-o", out,
                       PROGRAMS / f"{stem}.c"]
        elif (PROGRAMS / f"{stem}.wat").exists():
            command = ["wat2wasm", PROGRAMS / f"{stem}.wat", "-o", out]
        else:
            command = ["clang", "--target=wasm32-wasi", "--sysroot=/usr", "-O1", "-o", out,
                       PROGRAMS / f"{stem}.c"]
        subprocess.run(command, check=True)
        return out

    return build


class Machine:
    """One interactive boot. `serial` is a pexpect object; keys and pictures go over QMP."""

    def __init__(self, folder, memory=256, smp=SMP, kind="pc", cpu="max", iso=BUILD / "pith.iso",
                 extra=()):
        # The listening sockets exist before the emulator starts, so nothing has to be awaited.
        self.folder = folder
        serial, serial_far = socket.socketpair()
        qmp, qmp_far = socket.socketpair()
        self.log = open(folder / "emulator.log", "wb")
        self.emulator = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", accel(smp), "-machine", kind, "-cpu", cpu, "-smp", str(smp),
             "-m", str(memory), "-nic", "none", "-no-reboot", "-display", "none", "-boot", "d",
             "-cdrom", str(iso), *extra,
             "-chardev", f"socket,id=console,fd={serial_far.fileno()}", "-serial", "chardev:console",
             "-chardev", f"socket,id=qmp,fd={qmp_far.fileno()}", "-mon", "chardev=qmp,mode=control"],
            pass_fds=(serial_far.fileno(), qmp_far.fileno()), stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log)
        serial_far.close()
        qmp_far.close()
        self.socket = serial
        self.serial = pexpect.fdpexpect.fdspawn(serial.fileno(), timeout=LIMIT)
        self.qmp_file = qmp.makefile("rwb", buffering=0)
        self.qmp_socket = qmp
        json.loads(self.qmp_file.readline())
        self.qmp("qmp_capabilities")

    def qmp(self, execute, **arguments):
        self.qmp_file.write(json.dumps({"execute": execute, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self.qmp_file.readline())
            if "return" in answer or "error" in answer:
                assert "return" in answer, answer
                return answer["return"]

    def prompt(self):
        """Wait for the shell; gives what came before its prompt, without colours."""
        self.serial.expect(PROMPT)
        return plain(self.serial.before)

    def command(self, line):
        """Type a line and give what it printed."""
        self.serial.send(line.encode() + b"\r")
        text = self.prompt()
        return text.split("\n", 1)[1] if "\n" in text else ""

    def type(self, text):
        """Press the keys of a US keyboard that make `text`, at a prompt: each when the one before shows,
        for the keyboard's queue is short."""
        for character in text:
            keys = KEYS.get(character) or ([character] if not character.isupper()
                                           else ["shift", character.lower()])
            self.qmp("send-key", keys=[{"type": "qcode", "data": key} for key in keys],
                     **{"hold-time": 20})
            if character != "\n":
                self.serial.expect_exact(character.encode())

    def screen(self, name="screen"):
        """A picture of the screen, as the path of a PPM file."""
        path = self.folder / f"{name}.ppm"
        self.qmp("screendump", filename=str(path))
        return path

    def free_kib(self):
        """The first line of `mem`."""
        return int(re.search(r"free (\d+)", self.command("mem"))[1])

    def close(self):
        self.emulator.kill()
        self.emulator.wait()
        self.socket.close()
        self.qmp_socket.close()
        self.log.close()


PROMPT = rb"\$ (?:\x1b\[[0-9;?]*[a-zA-Z])*$"
KEYS = {" ": ["spc"], "\n": ["ret"], "-": ["minus"], ".": ["dot"], "/": ["slash"],
        "|": ["shift", "backslash"], ">": ["shift", "dot"], "<": ["shift", "comma"],
        "'": ["apostrophe"], '"': ["shift", "apostrophe"], ";": ["semicolon"],
        "$": ["shift", "4"], "?": ["shift", "slash"], "&": ["shift", "7"], "=": ["equal"]}


def plain(data):
    """Console output as text, without escape sequences and carriage returns."""
    text = data.decode(errors="replace")
    return re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|[()][A-B0])", "", text).replace("\r", "")


@pytest.fixture
def machine():
    """machine(memory=256, smp=1, kind="pc", cpu="max") boots to nothing in particular."""
    made = []
    with tempfile.TemporaryDirectory(prefix="pith-test-") as folder:
        def boot(**options):
            made.append(Machine(pathlib.Path(folder), **options))
            return made[-1]

        yield boot
        for one in made:
            one.close()


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """A file of 1 MB that compresses neither fully nor not at all."""
    path = tmp_path_factory.mktemp("data") / "example.bin"
    words = [f"{number * 2654435761 % 2**32:08x} {number}\n" for number in range(62000)]
    path.write_bytes(("".join(words)).encode()[:1_000_000] + random.Random(1).randbytes(48_576))
    return path


def quote(text):
    return shlex.quote(text)
