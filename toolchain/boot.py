#!/usr/bin/python3
"""Run the emulator for qemu.sh, and stand in for the guest's command line.

    boot.py [--run LINE] [--add FILE[:PATH]]... [--get PATH[:FILE]]... [--timeout S]
            --log FILE -- EMULATOR ARG...

What the guest is to do goes in through the emulator's fw_cfg device, as the item
`opt/pith/link`: NUL-terminated strings in pairs, `run` LINE, `add` PATH (the contents of the
n-th are the item `opt/pith/add/n`), `get` PATH, `input` (standard input that was there at the
start is the item `opt/pith/input`) `more` or `end`. servers/session reads it.

With --run, frames travel between this script and servers/session: to the guest over the second
serial port, to the host over the emulator's debug console, a port that is never busy:

    type (1 byte)  length (4 bytes, little-endian)  payload (at most 65,536 bytes)

    to the guest:   I standard input, E its end, C nobody reads standard output (1) or error (2)
    to the host:    H session is up, O standard output, R standard error, G bytes of the file
                    being brought out, D that file is done (payload: error message, or empty),
                    X the line's exit status (4 bytes)
"""
import argparse
import ctypes
import os
import re
import select
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

FRAME = struct.Struct("<cI")
FRAME_MAX = 65536
BOOT_SECONDS = 120  # from the start of the emulator to frame H; a healthy boot takes about one
EARLY_SECONDS = 0.1
PANIC_SILENCE = 1.0  # the panicked kernel never stops for so long before it is done
EARLY_BYTES = 64 << 20
BOOT_FAILED = 125
TIMED_OUT = 124
# kern_panic's words; the panicked kernel sends nothing after the call chain that follows them.
PANIC = re.compile(rb"^Pith panic: .*\r?\n(?:.*\n)*?This is a bug in the kernel\. build ", re.M)


def die_with_parent():
    """In the emulator's process: end by SIGKILL when this script ends in whatever way."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def say(message):
    sys.stderr.buffer.write(f"qemu.sh: {message}\n".encode(errors="surrogateescape"))
    sys.stderr.flush()


def fail(status, message):
    say(message)
    sys.exit(status)


def split_pair(text):
    """FILE[:PATH] at the last colon, unless the whole is a file that exists."""
    if ":" in text and not os.path.exists(text):
        return text.rsplit(":", 1)
    return text, None


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--run")
    parser.add_argument("--add", action="append", default=[])
    parser.add_argument("--get", action="append", default=[])
    parser.add_argument("--timeout", type=int)
    parser.add_argument("--log", required=True)
    parser.add_argument("emulator", nargs="+")
    options = parser.parse_args()
    adds, gets = [], []
    for text in options.add:
        file, path = split_pair(text)
        if not os.path.isfile(file) or not os.access(file, os.R_OK):
            fail(2, f"--add: {file}: no such file, or not readable")
        path = path or "/" + os.path.basename(file)
        adds.append((os.path.abspath(file), path if path.startswith("/") else "/" + path))
    for text in options.get:
        path, file = text.rsplit(":", 1) if ":" in text else (text, os.path.basename(text))
        if not file or os.path.isdir(file):
            fail(2, f"--get: {text}: name the file that it becomes")
        gets.append((path if path.startswith("/") else "/" + path, file))
    options.add, options.get = adds, gets
    return options


def early_input():
    """Standard input as far as it is there already, and whether that is all of it. A serial line
    brings the rest; it is slower by far."""
    data = b""
    deadline = time.monotonic() + EARLY_SECONDS
    try:
        while len(data) < EARLY_BYTES:
            left = deadline - time.monotonic()
            if left < 0 or not select.select([0], [], [], left)[0]:
                return data, False
            part = os.read(0, FRAME_MAX)
            if not part:
                return data, True
            data += part
    except OSError:
        return data, True  # closed
    return data, False


def firmware_items(options, folder):
    """Emulator arguments for the fw_cfg items; `folder` keeps the names free of commas."""
    pairs = [("run", options.run)] if options.run is not None else []
    pairs += [("add", path) for _, path in options.add]
    pairs += [("get", path) for path, _ in options.get]
    if not pairs:
        return []
    # The device has 32 places unless told otherwise; firmware and machine take some of them.
    items = ["-global", f"fw_cfg_io.x-file-slots={len(options.add) + 64}"]
    if options.run is not None:
        data, options.input_ended = early_input()
        pairs.append(("input", "end" if options.input_ended else "more"))
        if data:
            name = os.path.join(folder, "input")
            with open(name, "wb") as file:
                file.write(data)
            items += ["-fw_cfg", f"name=opt/pith/input,file={name}"]
    link = os.path.join(folder, "link")
    with open(link, "wb") as file:
        for key, value in pairs:
            file.write(key.encode() + b"\0" + os.fsencode(value) + b"\0")
    items += ["-fw_cfg", f"name=opt/pith/link,file={link}"]
    for number, (source, _) in enumerate(options.add):
        alias = os.path.join(folder, f"add{number}")
        os.symlink(source, alias)
        items += ["-fw_cfg", f"name=opt/pith/add/{number},file={alias}"]
    return items


class Link:
    """The emulator's two serial lines, and what has come over them."""

    def __init__(self, options, folder):
        self.options = options
        self.log = open(os.path.join(folder, "boot.log"), "wb")
        self.log_tail = b""
        self.outgoing = bytearray()
        self.incoming = bytearray()
        self.up = False
        self.panicked = False
        self.status = None
        self.got = 0  # files of --get that are complete
        self.get_file = None
        self.get_failed = False
        self.input_open = not options.input_ended
        self.closed = set()

    def done(self):
        return self.status is not None and self.got == len(self.options.get)

    def send(self, kind, payload=b""):
        self.outgoing += FRAME.pack(kind, len(payload)) + payload

    def console(self, data):
        """Bytes of the first serial line: the boot log."""
        self.log.write(data)
        self.log.flush()
        self.log_tail = (self.log_tail + data)[-8192:]
        if PANIC.search(self.log_tail):
            self.panicked = True

    def emit(self, descriptor, payload):
        if descriptor in self.closed:
            return
        try:
            while payload:
                try:
                    payload = payload[os.write(descriptor, payload):]
                except BlockingIOError:  # the script's output is a non-blocking one
                    select.select([], [descriptor], [])
        except OSError:
            self.closed.add(descriptor)
            self.send(b"C", bytes([descriptor]))

    def get_target(self):
        if self.get_file is None:
            path = self.options.get[self.got][1]
            try:
                self.get_file = open(path + ".part", "wb")
            except OSError as error:
                fail(2, f"--get: {path}: {error.strerror}")
        return self.get_file

    def finish_get(self, message):
        path, file = self.options.get[self.got]
        target = self.get_target()
        target.close()
        if message:
            say(f"--get: {path}: {message.decode(errors='replace')}")
            os.unlink(target.name)
            self.get_failed = True
        else:
            os.replace(target.name, file)
        self.get_file = None
        self.got += 1

    def frames(self, data):
        self.incoming += data
        while len(self.incoming) >= FRAME.size:
            kind, length = FRAME.unpack_from(self.incoming)
            if length > FRAME_MAX:
                fail(BOOT_FAILED, "the guest's link sent a frame that is too long")
            if len(self.incoming) < FRAME.size + length:
                return
            payload = bytes(self.incoming[FRAME.size:FRAME.size + length])
            del self.incoming[:FRAME.size + length]
            self.frame(kind, payload)

    def frame(self, kind, payload):
        if kind == b"H":
            self.up = True
        elif kind == b"O":
            self.emit(1, payload)
        elif kind == b"R":
            self.emit(2, payload)
        elif kind == b"G" and self.got < len(self.options.get):
            self.get_target().write(payload)
        elif kind == b"D" and self.got < len(self.options.get):
            self.finish_get(payload)
        elif kind == b"X" and len(payload) == 4:
            self.status = struct.unpack("<I", payload)[0] & 255
        else:
            fail(BOOT_FAILED, f"the guest's link sent a frame of unknown kind {kind!r}")


def watch(poll, file, events):
    """Wait for these events of a file; none: leave it alone."""
    if file in poll.get_map():
        if events:
            poll.modify(file, events)
        else:
            poll.unregister(file)
    elif events:
        poll.register(file, events)


def pump(link, console, serial, output, deadline):
    """Move bytes until the line has ended; returns the exit status of the script."""
    started = time.monotonic()
    poll = selectors.DefaultSelector()
    poll.register(console, selectors.EVENT_READ)
    poll.register(output, selectors.EVENT_READ)
    # A regular file cannot be polled, and is always ready.
    try:
        poll.register(0, selectors.EVENT_READ)
        input_polls = True
    except (PermissionError, ValueError, OSError):
        input_polls = False
    console_open = output_open = True
    while not link.done():
        if link.panicked:
            drain(link, console, PANIC_SILENCE)  # the rest of its text follows at once
            text = link.log_tail.decode(errors="replace")
            start = text.index("Pith panic: ")
            line = next((row for row in reversed(text[:start].splitlines()) if row.strip()), "")
            reason = text[start:].splitlines()[0]
            fail(BOOT_FAILED, f"{reason} after `{line.strip()}` (see build/boot.log)")
        now = time.monotonic()
        if deadline and now >= deadline:
            fail(TIMED_OUT, f"--timeout {link.options.timeout} expired")
        if not link.up and now > started + BOOT_SECONDS:
            fail(BOOT_FAILED, f"no session after {BOOT_SECONDS} s (see build/boot.log)")
        if not console_open and not output_open:
            last = link.log_tail.decode(errors="replace").strip().splitlines()[-1:]
            if link.up and last and last[0] in ("init: turning off", "init: restarting"):
                return 0  # `shutdown` and `reboot` do not come back to tell
            fail(BOOT_FAILED, "the machine stopped before the line ended: "
                 + (last[0] if last else "nothing on its console") + " (see build/boot.log)")
        # Standard input waits in the host until the guest has taken what it has.
        room = link.input_open and link.up and len(link.outgoing) < FRAME_MAX
        if input_polls:
            watch(poll, 0, selectors.EVENT_READ if room else 0)
        watch(poll, serial, selectors.EVENT_WRITE if link.outgoing else 0)
        ready = poll.select(0 if room and not input_polls else 0.5)
        descriptors = {key.fileobj: mask for key, mask in ready}
        if room and (not input_polls or 0 in descriptors):
            data = os.read(0, FRAME_MAX)
            link.send(b"I" if data else b"E", data)
            link.input_open = bool(data)
        if console in descriptors:
            data = console.recv(65536)
            if data:
                link.console(data)
            else:
                console_open = False
                poll.unregister(console)
        if serial in descriptors:
            sent = serial.send(link.outgoing)
            del link.outgoing[:sent]
        if output in descriptors:
            data = output.recv(65536)
            if data:
                link.frames(data)
            else:
                output_open = False
                poll.unregister(output)
    return link.status or (1 if link.get_failed else 0)


def drain(link, console, silence=0.0):
    """Takes what the console has sent, until nothing has come for `silence` seconds."""
    console.settimeout(silence)
    try:
        while data := console.recv(65536):
            link.console(data)
    except (BlockingIOError, TimeoutError):
        pass


def run(options, folder):
    console, console_far = socket.socketpair()
    serial, serial_far = socket.socketpair()
    output, output_far = socket.socketpair()
    command = options.emulator + firmware_items(options, folder) + [
        "-display", "none", "-monitor", "none", "-no-reboot",
        "-chardev", f"socket,id=console,fd={console_far.fileno()}", "-serial", "chardev:console",
        "-chardev", f"socket,id=link,fd={serial_far.fileno()}", "-serial", "chardev:link",
        "-chardev", f"socket,id=out,fd={output_far.fileno()}",
        "-device", "isa-debugcon,iobase=0x4f0,chardev=out"]
    link = Link(options, folder)
    emulator = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr,
        pass_fds=(console_far.fileno(), serial_far.fileno(), output_far.fileno()), start_new_session=True,
        preexec_fn=die_with_parent)
    console_far.close()
    serial_far.close()
    output_far.close()
    serial.setblocking(False)
    deadline = time.monotonic() + options.timeout if options.timeout else None
    try:
        return pump(link, console, serial, output, deadline)
    finally:
        drain(link, console)
        emulator.kill()
        emulator.wait()
        link.log.close()
        # Of parallel runs the last one's log stays, whole.
        shutil.copyfile(link.log.name, options.log + f".{os.getpid()}")
        os.replace(options.log + f".{os.getpid()}", options.log)


def interactive(options, folder):
    print("Pith starts. Leave with `shutdown`, or with Ctrl-A X.", file=sys.stderr)
    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    display = [] if has_display else ["-display", "none"]
    command = options.emulator + firmware_items(options, folder) + display + [
        "-chardev", "stdio,id=console,mux=on,signal=off,"
        f"logfile={os.path.join(folder, 'boot.log')}",
        "-serial", "chardev:console", "-mon", "chardev=console,mode=readline"]
    status = subprocess.call(command)
    shutil.copyfile(os.path.join(folder, "boot.log"), options.log)
    return BOOT_FAILED if status else 0


def open_standard_descriptors():
    """A closed descriptor 0, 1 or 2 would become a socket of ours."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one


def main():
    open_standard_descriptors()
    options = arguments()
    # The emulator is ended in either case, by the `finally` of run().
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda signum, _: sys.exit(128 + signum))
    with tempfile.TemporaryDirectory(prefix="pith-") as folder:
        try:
            return (interactive if options.run is None else run)(options, folder)
        except KeyboardInterrupt:
            return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
