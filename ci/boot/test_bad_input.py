"""Bad input of every kind: a clear message that names what and where, the status of DESIGN
section 6, a system that goes on, and its memory back."""
import random
import struct
import subprocess

import pytest

from conftest import BUILD, PROGRAMS, TOP


def elf(program):
    """The bytes of a good program, to be spoilt."""
    return bytearray(program("victim").read_bytes())


def patched(data, offset, layout, value):
    data = bytearray(data)
    struct.pack_into(layout, data, offset, value)
    return data


def hostile_elves(good):
    first = struct.unpack_from("<Q", good, 32)[0]  # e_phoff
    return {
        "empty": b"", "header only": good[:64], "truncated": good[:5000],
        "wrong class": patched(good, 4, "<B", 1), "wrong machine": patched(good, 18, "<H", 3),
        "entry in the kernel": patched(good, 24, "<Q", 0xffffffff80000000),
        "headers out of the file": patched(good, 32, "<Q", 1 << 60),
        "many headers": patched(good, 56, "<H", 0xffff),
        "segment in the kernel": patched(good, first + 16, "<Q", 0xffff800000000000),
        "segment of all memory": patched(good, first + 40, "<Q", 1 << 62),
        "segment that wraps": patched(patched(good, first + 16, "<Q", 0x7ffffffff000),
                                      first + 40, "<Q", 0xfffffffffffff000),
        "file size over memory size": patched(good, first + 32, "<Q", 1 << 40),
        "noise": random.Random(1).randbytes(5000), "text": b"hello\n"}


@pytest.mark.parametrize("kind", list(hostile_elves(bytes(200) + bytes(8000))))
def test_hostile_elf(survive, program, tmp_path, kind):
    bad = tmp_path / "bad"
    bad.write_bytes(hostile_elves(elf(program))[kind])
    status, error = survive("/bad", "--add", bad)
    assert status in (126, 139) and "bad" in error, (status, error)


@pytest.mark.parametrize("data, status", [
    (random.Random(1).randbytes(3000), 126), (b"\0asm\1\0\0\0" + b"\xff" * 100, 126), (b"\0asm\1\0\0\0", 126),
    (b"\0asm\7\0\0\0", 126), (b"", 126)])
def test_bad_wasm(survive, tmp_path, data, status):
    bad = tmp_path / "bad.wasm"
    bad.write_bytes(data)
    got, error = survive("/bad.wasm", "--add", bad)
    assert got == status and "bad.wasm" in error and "ELF" not in error, (got, error)


def test_unlinkable_guest(survive, program):
    status, error = survive("/unlinkable.wasm", "--add", program("unlinkable.wasm"))
    assert status == 126 and "no_such_import" in error, (status, error)


@pytest.mark.parametrize("how, status, words", [
    ("null", 139, "0x0"), ("wild", 139, "0x"), ("kernel", 139, "0x"), ("jump", 139, "0x"),
    ("write-text", 139, "0x"), ("stack", 139, "0x"), ("privileged", 139, ""), ("port", 139, ""),
    ("divide", 136, ""), ("opcode", 132, "")])
def test_native_faults(survive, program, how, status, words):
    got, error = survive(f"/wild {how}", "--add", program("wild"))
    assert got == status and "wild" in error and words in error, (got, error)


def test_a_program_cannot_panic_the_kernel(run, tmp_path):
    out = tmp_path / "panic"
    subprocess.run([BUILD / "sdk/bin/x86_64-pith-elf-gcc", f"-I{BUILD}/gen/include", f"-I{BUILD}/gen/proto/include",
                    f"-I{TOP}/servers/lib/include", "-o", out, PROGRAMS / "panic.c"], check=True)
    done = run("/panic", "--add", out)
    assert done.status == 3, done


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_system_calls(run, program, seed):
    done = run(f"/syscalls {seed} 200000; echo still here; mem", "--add", program("syscalls"))
    assert b"still here" in done.out and done.status == 0, done


def test_full_file_system(survive):
    line = "cat /dev/zero > /tmp/full; rm /tmp/full"
    status, error = survive(line, "--memory", "64")
    assert status == 0 and "space" in error.lower(), (status, error)


def test_native_program_that_allocates_for_ever(survive, program):
    status, error = survive("/greedy", "--add", program("greedy"))
    assert status == 3, (status, error)


def test_a_program_without_memory_can_say_so(survive, program):
    status, error = survive("/exhaust", "--memory", "64", "--add", program("exhaust"))
    assert status == 3 and "exhaust: Not enough space" in error, (status, error)


def test_pipe_whose_reader_died(survive):
    status, _ = survive("cat /dev/zero | head -c 5 > /dev/null")
    assert status == 0


def test_a_writer_without_reader_gets_sigpipe(run, program):
    done = run("victim 13; echo $?", "--add", f"{program('victim')}:/bin/victim")
    assert done.out == b"141\n"


@pytest.mark.parametrize("line, words", [
    ("echo 'open", "quote"), ("| cat", "|"), ("cat <", "<"), ("echo a | | cat", "|"), ("a && ", "&&")])
def test_shell_syntax_errors(run, line, words):
    done = run(line)
    assert done.status == 2 and words.encode() in done.err, done


def test_wasm_files_of_the_suite_exist(program):
    subprocess.run(["wasm-validate", program("unlinkable.wasm")], check=True)
