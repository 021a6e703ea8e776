"""Boots a guest whose run is repeated by the same numbers: the emulator counts instructions, and runs the
CPUs in turn. For run.py and ways.py."""
import pathlib
import subprocess
import tempfile
import time

SHIFT = 2  # nanoseconds of an instruction, as a power of 2: firmware waits for time, not for instructions


def boot(iso, name, numbers, cpus, mib, silence):
    """What the guest printed: to its end, a panic, or `silence` seconds without a line. It finds `numbers` as
    opt/pith.NAME of fw_cfg."""
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-icount", f"shift={SHIFT},sleep=off", "-cpu", "max",
             "-smp", str(cpus), "-m", str(mib), "-nic", "none", "-display", "none", "-no-reboot",
             "-cdrom", str(iso), "-serial", f"file:{log.name}",
             "-fw_cfg", f"name=opt/pith.{name},string={' '.join(map(str, numbers))}"],
            stdin=subprocess.DEVNULL)
        try:
            text, since = "", time.monotonic()
            while process.poll() is None and time.monotonic() - since < silence:
                time.sleep(0.1)
                now = pathlib.Path(log.name).read_text(errors="replace")
                if len(now) > len(text):
                    text, since = now, time.monotonic()
                if "guest end" in text or "This is a bug in the kernel" in text:
                    break
        finally:
            process.kill()
            process.wait()
    return text
