"""The runner: its command line, its statuses and messages (DESIGN section 6), and guests that
mean no good."""
import os
import signal
import subprocess

import pytest

from conftest import CHECKED, GUEST, HERE, LIMIT, OUT, guest, running_guest

HELLO = OUT / "hello.wasm"


@pytest.fixture(scope="module", autouse=True)
def hello():
    subprocess.run(["clang", "--target=wasm32-wasi", "--sysroot=/usr", "-O1", "-o", HELLO,
                    HERE.parents[2] / "servers/wasm/hello.c"], check=True)


def test_arguments():
    done = guest(HELLO, "a", "b c", "--dir", "", "é")
    assert (done.returncode, done.stdout, done.stderr) == (0, "a\nb c\n--dir\n\né\n".encode(), b"")
    assert guest("--interpret", "--", HELLO, "--status", "7").returncode == 7
    assert guest(HELLO).stdout == b"Hello from WebAssembly.\n"


@pytest.mark.parametrize("arguments, words", [
    ([], "no file"), (["--nonsense", "x"], "--nonsense"), (["--dir"], "--dir"), (["--fuel", "x", "y"], "x"),
    (["--fuel", "-1", "y"], "--fuel wants a whole number"), (["--memory-limit", "1k", "y"], "1k"),
    (["--memory-limit", "", "y"], "--memory-limit wants"), (["--fuel", "99999999999999999999", "y"],
    "99999999999999999999"), (["--env", "NOVALUE", "y"], "NOVALUE"), (["--env", "=x", "y"], "=x"),
    (["--dir", "/no/such/place::/", HELLO], "/no/such/place"), (["--dir", f"{HELLO}::/", HELLO], "hello.wasm")])
def test_usage(arguments, words):
    done = guest(*arguments)
    assert done.returncode == 2 and words in done.stderr.decode() and not done.stdout, done


def test_help():
    done = subprocess.run([CHECKED, "--help"], capture_output=True, check=False)
    assert done.returncode == 0 and b"--memory-limit" in done.stdout


def test_help_that_cannot_be_written():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([CHECKED, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 126 and b"No space left" in done.stderr, done


def test_environment_is_only_what_was_given():
    environment = dict(os.environ, LEAK="leaked")
    done = guest("--env", "PITH_TEST=yes", OUT / "rust.wasm", env=environment)
    assert b'PITH_TEST is Some("yes")' in done.stdout
    done = guest(OUT / "rust.wasm", env=dict(os.environ, PITH_TEST="leaked"))
    assert b"PITH_TEST is None" in done.stdout


def test_the_last_value_of_a_variable_counts():
    done = guest("--env", "PITH_TEST=no", "--env", "PITH=x", "--env", "PITH_TEST=a=b", OUT / "rust.wasm")
    assert b'PITH_TEST is Some("a=b")' in done.stdout, done


def test_without_a_directory_there_are_no_files():
    done = guest(OUT / "bzip2.wasm", "-k", "/etc/passwd")
    assert done.returncode != 0 and b"/etc/passwd" in done.stderr


def test_two_directories(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    (one / "file").write_bytes(b"data" * 1000)
    done = guest("--dir", f"{one}::/first", "--dir", f"{two}::/second", OUT / "minigzip.wasm", "/first/file")
    assert done.returncode == 0 and (one / "file.gz").exists(), done.stderr
    done = guest("--dir", f"{one}::/first", "--dir", two, OUT / "minigzip.wasm", "-d", "/first/file.gz")
    assert done.returncode == 0 and (one / "file").read_bytes() == b"data" * 1000, done.stderr


def refused(done, status, *words):
    error = done.stderr.decode()
    assert done.returncode == status and not done.stdout, done
    assert error.count("\n") >= 1 and ": " in error and ", " in error, error
    for word in words:
        assert word in error, (word, error)


def test_no_such_file(tmp_path):
    refused(guest(tmp_path / "none.wasm"), 127, "none.wasm", "No such file")
    refused(guest(HELLO / "below"), 127, "below")
    refused(guest(tmp_path), 126, str(tmp_path), "directory")


@pytest.mark.parametrize("name, data, words", [
    ("empty", b"", "malformed"), ("noise", bytes((i * 7919 >> 3) & 255 for i in range(5000)), "malformed"),
    ("text", b"#!/bin/sh\necho hello\n", "malformed"), ("elf", b"\x7fELF" + bytes(100), "malformed"),
    ("version", b"\0asm\7\0\0\0", "malformed"), ("truncated", b"\0asm\1\0\0\0\1\x7f", "malformed"),
    ("huge-count", b"\0asm\1\0\0\0\1\5\xff\xff\xff\xff\x0f", "malformed"),
    ("ill-typed", b"\0asm\1\0\0\0\1\5\1\x60\0\1\x7f\3\2\1\0\x0a\4\1\2\0\x0b", "invalid"),
    ("no-start", b"\0asm\1\0\0\0", "_start")])
def test_not_a_program(tmp_path, name, data, words):
    path = tmp_path / f"{name}.wasm"
    path.write_bytes(data)
    refused(guest(path), 126, str(path), words)


def test_what_is_no_program_is_not_read_to_its_end(tmp_path):
    """The writer never closes the pipe."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    os.write(writer, b"#!/bin/sh\n")
    refused(guest(path), 126, str(path), "magic")
    os.close(writer)


def test_a_module_without_end_is_not_read_for_ever(tmp_path):
    """A file of a header and a hole, as `(cat head; cat /dev/zero) |` would be a pipe."""
    path = tmp_path / "endless.wasm"
    path.write_bytes(b"\0asm\1\0\0\0")
    os.truncate(path, 1 << 40)
    refused(guest(path), 126, "File too large", str(path))


def test_truncations(tmp_path):
    """Cut anywhere, a good module is refused, or still whole but for its names."""
    whole = HELLO.read_bytes()
    path = tmp_path / "cut.wasm"
    for length in [*range(0, 200, 7), *range(200, len(whole), len(whole) // 40)]:
        path.write_bytes(whole[:length])
        done = guest(path)
        runs = (done.returncode, done.stdout) == (0, b"Hello from WebAssembly.\n")  # only names were cut
        assert runs or done.returncode == 126 and b"cut.wasm" in done.stderr, (length, done)


@pytest.mark.parametrize("name, words", [
    ("missing", ["elsewhere", "no_such_function"]), ("unlinkable", ["fd_write"]), ("start_type", ["_start"])])
def test_unlinkable(wat, name, words):
    refused(guest(wat(name)), 126, f"{name}.wasm", *words)


@pytest.mark.parametrize("source, words", [
    ('(import "wasi" "thread-spawn" (func (param i32) (result i32))) (func (export "_start"))', "threads"),
    ('(import "wasi_unstable" "fd_sync" (func (param i32) (result i32))) (func (export "_start"))', "preview 0"),
    ('(import "wasi:cli/exit@0.2.0" "exit" (func (param i32))) (func (export "_start"))', "preview 2"),
    ('(import "was" "i" (func)) (func (export "_start"))', 'module "was"'),
    ('(func (export "_initialize"))', "library"), ('(func (export "main"))', "no function _start")])
def test_made_for_another_runner(tmp_path, source, words):
    (tmp_path / "a.wat").write_text(f"(module {source})")
    subprocess.run(["wat2wasm", "a.wat", "-o", "a.wasm"], cwd=tmp_path, check=True)
    refused(guest(tmp_path / "a.wasm"), 126, "a.wasm", words)


@pytest.mark.parametrize("letter, words", [
    ("a", ["unreachable", "choose"]), ("b", ["divide by zero", "divide"]), ("c", ["integer overflow", "overflow"]),
    ("d", ["invalid conversion", "convert"]), ("e", ["out of bounds memory", "load"]),
    ("f", ["out of bounds memory", "fill"]), ("g", ["undefined element", "choose"]),
    ("h", ["uninitialized", "choose"]), ("i", ["indirect call type mismatch", "choose"]),
    ("j", ["call stack exhausted", "recurse"]), ("k", ["out of bounds table", "choose"])])
def test_traps_name_function_and_offset(wat, letter, words):
    done = guest(wat("traps"), input=letter.encode())
    refused(done, 134, "traps.wasm: ", "offset 0x", "deeper" if letter != "j" else "recurse", *words)
    assert "#0" in done.stderr.decode()


def test_no_trap(wat):
    assert guest(wat("traps"), input=b"z").returncode == 0


def test_trap_while_instantiating(wat):
    refused(guest(wat("trap_at_start")), 134, "trap_at_start.wasm", "out of bounds memory")


def test_without_a_memory_addresses_are_bad(wat):
    assert guest(wat("no_memory")).returncode == 21  # FAULT


@pytest.mark.parametrize("mib", [1, 10, 100])
def test_memory_limit(wat, mib):
    done = guest("--memory-limit", (mib << 20) + 65536, wat("allocate"))  # it starts with a page
    assert done.returncode == mib, done


def test_memory_limit_below_the_first_page(wat):
    refused(guest("--memory-limit", 1000, wat("allocate")), 126, "allocate.wasm", "memory")


def test_fuel(wat):
    done = guest("--fuel", 100_000, wat("forever"))
    assert done.returncode == 134 and done.stdout == b"running\n" and b"fuel" in done.stderr, done
    assert guest("--fuel", 10_000_000, HELLO).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_end_a_guest_that_loops(wat, number):
    with running_guest(wat("forever")) as running:
        assert running.stdout.readline() == b"running\n"
        running.send_signal(number)
        assert running.wait(timeout=LIMIT) == -number


def test_an_interrupt_ends_a_guest_that_waits(tmp_path):
    reader, writer = os.pipe()
    with running_guest(GUEST / "streams.wasm", "cat", stdin=reader) as running:
        os.write(writer, b"x")
        assert running.stdout.read(1) == b"x"  # so it is past its start
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=LIMIT) == -signal.SIGINT
    os.close(reader)
    os.close(writer)


def test_abort_is_a_trap():
    done = guest(GUEST / "streams.wasm", "abort")
    assert done.returncode == 134 and b"unreachable" in done.stderr and b"abort" in done.stderr, done
