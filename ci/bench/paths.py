"""What each path of the kernel executes: CR3 writes, FPU saves and restores, MSR writes, and how
many instructions it holds the lock.

The shipped kernel runs the IPC bench a few rounds (build/ipc-trace.iso) while the emulator logs the
address of every instruction; the disassembly says what stands there. Nothing in the kernel counts.
A round lies between two RDTSC of the bench; its report() ends the rounds of one name.
"""
import pathlib
import re
import socket
import statistics
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
KERNEL = BUILD / "arch/x86_64/kernel"
BENCH = BUILD / "ci/bench/ipc/ipc-bench"
LIMIT = 300  # seconds
KINDS = {"cr3": r"mov +%r\w+,%cr3", "fpu": r"fxsave64|fxrstor64", "msr": r"wrmsr"}
ROUNDS = 15  # ci/bench/ipc/main.c: TRACED_ROUNDS


def instructions(program):
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(program)], check=True,
                             capture_output=True, text=True).stdout
    return {int(address, 16): text for address, text in
            re.findall(r"^ *([0-9a-f]+):\t(.*)$", listing, re.M)}


def symbol(program, name):
    listing = subprocess.run(["nm", str(program)], check=True, capture_output=True, text=True).stdout
    return int(re.search(rf"^([0-9a-f]+) \w {name}$", listing, re.M)[1], 16)


class Monitor:
    """QEMU's monitor for people, on a socket."""

    def __init__(self, line):
        self.line = line
        self.text = b""
        self.wait()

    def wait(self):
        while not self.text.endswith(b"(qemu) "):
            self.text += self.line.recv(4096)
        self.text = b""

    def run(self, command):
        self.line.sendall(command.encode() + b"\n")
        self.wait()


def record(log):
    """The addresses of all instructions, kernel and bench, from `bench ready` to the last report."""
    kernel_end = symbol(KERNEL, "text_end")
    ranges = f"0x{symbol(KERNEL, 'text_start'):x}..0x{kernel_end:x},0x400000..0x440000"
    serial, serial_far = socket.socketpair()
    near, far = socket.socketpair()
    process = subprocess.Popen(
        ["qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=0,sleep=off", "-cpu", "max",
         "-m", "256", "-nic", "none", "-no-reboot", "-display", "none", "-boot", "d",
         "-cdrom", str(BUILD / "ipc-trace.iso"), "-dfilter", ranges, "-D", str(log),
         "-chardev", f"socket,id=console,fd={serial_far.fileno()}", "-serial", "chardev:console",
         "-chardev", f"socket,id=monitor,fd={far.fileno()}", "-mon", "chardev=monitor,mode=readline"],
        pass_fds=(serial_far.fileno(), far.fileno()), stdin=subprocess.DEVNULL)
    try:
        serial.settimeout(LIMIT)
        text = b""
        while b"bench ready" not in text:
            text += serial.recv(4096)
        monitor = Monitor(near)
        monitor.run("singlestep on")
        monitor.run("log exec,nochain")
        serial.sendall(b"!")
        while b"bench end" not in text:
            text += serial.recv(4096)
        monitor.run("log none")
    finally:
        process.kill()
        process.wait()
    return re.findall(rb"bench (\S+) \d+", text)


def rounds(log, marks, report):
    """Lists of addresses between RDTSCs, one list of lists for each report()."""
    sections, section, current = [], [], None
    for address in re.findall(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", log, re.M):
        address = int(address, 16)
        if address in marks:
            section.append(current)
            current = []
        elif address == report:
            sections.append(section)
            section, current = [], None
        elif current is not None:
            current.append(address)
    return sections


def held(addresses, taken, given):
    """Instructions from the one that takes the lock to the one that gives it back."""
    count, holding = 0, False
    for address in addresses:
        holding = holding or address in taken
        count += holding
        holding = holding and address not in given
    return count


def measured(names, sections):
    """(name, its rounds). Between two rounds lies the bench's own loop; map and unmap share one."""
    for name, section in zip(names, sections):
        if name == "ipc.map":
            yield name, section[1::3]
            yield "ipc.unmap", section[2::3]
        elif len(section) >= 2 * ROUNDS:
            yield name, section[-2 * ROUNDS + 1::2]


def rows():
    """(name, value, unit) for each path and kind; medians of the rounds."""
    code = instructions(KERNEL)
    kinds = {kind: {at for at, text in code.items() if re.search(pattern, text)}
             for kind, pattern in KINDS.items()}
    taken = {at for at, text in code.items() if re.search(r"lock (cmpxchg|xadd).*<kern_lock", text)}
    given = {at for at, text in code.items() if re.search(r"incl.*<kern_lock>", text)}
    own = symbol(BENCH, "say")  # main.c comes first; the library behind it reads the time too
    marks = {at for at, text in instructions(BENCH).items() if text.strip() == "rdtsc" and at < own}
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "trace"
        names = [name.decode() for name in record(log)][1:]  # tsc_hz came before
        sections = rounds(log.read_text(), marks, symbol(BENCH, "report"))
    for name, each in measured(names, sections):
        for kind, places in kinds.items():
            yield (f"{name}.{kind}", statistics.median_low(sum(at in places for at in one)
                                                           for one in each), "executed")
        yield (f"{name}.locked", statistics.median_low(held(one, taken, given) for one in each),
               "instructions")
