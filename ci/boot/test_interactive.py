"""A person at the console: keys, the screen, the serial line."""
import os
import re

import pexpect
from conftest import LIMIT, PROMPT, TOP, plain
from PIL import Image


def text_pixels(path):
    """How many pixels of a screen picture are not background."""
    picture = Image.open(path).convert("L")
    return sum(1 for value in picture.getdata() if value > 64)


def test_prompt_and_help_over_serial(machine):
    one = machine()
    one.prompt()
    text = one.command("help")
    for word in ("cd", "ls", "cat", "mem", "shutdown"):
        assert re.search(rf"\b{word}\b", text), text


def test_keys_reach_the_shell_and_the_screen(machine):
    one = machine()
    one.prompt()
    before = text_pixels(one.screen("before"))
    one.type("echo 'The Quick-Fox' | cat\n")
    one.serial.expect(rb"\nThe Quick-Fox\r?\n")
    one.prompt()
    assert text_pixels(one.screen("after")) > before + 200


def test_line_editing_and_history(machine):
    one = machine()
    one.prompt()
    one.serial.send(b"echo abd\x1b[D\x1b[Dx\x1b[C\x7fc\r")
    assert "axcd" in one.prompt().splitlines()
    one.serial.send(b"\x1b[A\r")
    assert "axcd" in one.prompt().splitlines()


def test_ctrl_c_ends_the_job_and_not_the_shell(machine):
    one = machine()
    one.prompt()
    one.serial.send(b"sleep 1000\r")
    one.serial.expect(rb"sleep 1000\r?\n")
    one.serial.send(b"\x03")
    one.prompt()
    assert "130" in one.command("echo $?")
    one.serial.send(b"half a line\x03")
    one.prompt()
    assert "fine" in one.command("echo fine")


def test_ctrl_d_ends_input(machine):
    one = machine()
    one.prompt()
    one.serial.send(b"wc -c\r")
    one.serial.expect(rb"wc -c\r?\n")
    one.serial.send(b"12345\r\x04")
    assert "6" in one.prompt()


def test_shutdown_turns_the_machine_off(machine):
    for kind in ("pc", "q35"):
        one = machine(kind=kind)
        one.prompt()
        one.serial.send(b"shutdown\r")
        assert one.emulator.wait(timeout=LIMIT) == 0


def test_trace_names_the_messages_of_a_command(machine):
    one = machine()
    one.prompt()
    text = one.command("trace cat /etc/motd")
    assert re.search(r"files\.open", text) and re.search(r"files\.read|io\.read", text), text


def test_ps_lists_the_servers(machine):
    one = machine()
    one.prompt()
    text = one.command("ps")
    for name in ("init", "memory", "timer", "console", "files", "process", "sh"):
        assert re.search(rf"\b{name}\b", text), text


def test_greeting(machine):
    one = machine()
    assert "Pith" in plain(one.prompt().encode())


def test_qemu_sh_for_a_person():
    """Without --run the terminal is the console: `reboot` comes back, `shutdown` ends with 0."""
    terminal = pexpect.spawn("bash", [str(TOP / "qemu.sh")], timeout=LIMIT,
                             env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ})
    terminal.expect(PROMPT)
    terminal.send(b"reboot\r")
    terminal.expect(b"restarting")
    terminal.expect(PROMPT)
    terminal.send(b"shutdown\r")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
