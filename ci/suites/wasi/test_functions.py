"""Every WASI function, tried by guests (guest/*.c) that check each answer themselves."""
import os
import pty
import random
import socket
import subprocess

import pytest

from conftest import CHECKED, GUEST, guest


def passed(done):
    assert done.returncode == 0 and done.stdout.endswith(b"0 failed\n"), (done.stdout, done.stderr)


@pytest.mark.parametrize("name", ["files", "paths", "dirs"])
def test_in_a_directory(tmp_path, name):
    passed(guest("--dir", f"{tmp_path}::/", GUEST / f"{name}.wasm"))
    assert not list(tmp_path.iterdir())  # each cleans up through WASI


def test_bad_pointers_and_descriptors(tmp_path):
    passed(guest("--dir", f"{tmp_path}::/", "--env", "K=V", GUEST / "pointers.wasm"))
    assert not list(tmp_path.iterdir())


def test_process(tmp_path):
    passed(guest("--dir", f"{tmp_path}::/", "--env", "A=1", "--env", "B=x=y", GUEST / "process.wasm",
                 "one", "two words", ""))


def test_nothing_escapes(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (outside / "sub").mkdir()
    (inside / "absolute").symlink_to(outside)
    (inside / "absolute-file").symlink_to(outside / "secret")
    (inside / "kept").mkdir()
    (inside / "kept/absolute").symlink_to(outside)
    before = [os.stat(path) for path in (outside, outside / "secret")]
    passed(guest("--dir", f"{inside}::/", GUEST / "escape.wasm"))
    assert sorted(path.name for path in outside.iterdir()) == ["secret", "sub"]
    assert (outside / "secret").read_text() == "secret"
    after = [os.stat(path) for path in (outside, outside / "secret")]
    for old, new in zip(before, after):
        assert (old.st_mtime_ns, old.st_ctime_ns, old.st_nlink) == (new.st_mtime_ns, new.st_ctime_ns,
                                                                   new.st_nlink)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inside", "outside"]
    assert not (inside / "stolen").exists()


@pytest.mark.parametrize("seed", range(1, 5))
def test_random_calls(tmp_path, seed):
    inside, outside = tmp_path / "inside", tmp_path / "x"
    inside.mkdir()
    outside.write_text("as it was")
    (inside / "link").symlink_to(tmp_path)
    (inside / "up").symlink_to("..")
    passed(guest("--dir", f"{inside}::/", "--env", "K=V", GUEST / "random.wasm", seed, 20_000))
    assert outside.read_text() == "as it was"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inside", "x"]


def test_poll(tmp_path):
    reader, writer = os.pipe()
    os.write(writer, b"ready")
    passed(guest("--dir", f"{tmp_path}::/", GUEST / "poll.wasm", stdin=reader))
    os.close(reader)
    os.close(writer)


def test_a_wait_sleeps(tmp_path):
    """Waiting costs no processor time: neither for a clock nor for a stream that stays silent."""
    reader, writer = os.pipe()
    os.write(writer, b"ready")
    before = os.times()
    passed(guest("--dir", f"{tmp_path}::/", GUEST / "poll.wasm", "slow", stdin=reader))
    used = os.times()
    seconds = used.children_user + used.children_system - before.children_user - before.children_system
    assert seconds < 1.0 and used.elapsed - before.elapsed > 2.0, seconds
    os.close(reader)
    os.close(writer)


STREAMS = GUEST / "streams.wasm"


def test_every_byte_passes():
    data = bytes(range(256)) * 400
    done = guest(STREAMS, "cat", input=data)
    assert done.returncode == 0 and done.stdout == data and not done.stderr


def test_files_as_streams(tmp_path):
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(random.Random(1).randbytes(200_000))
    with source.open("rb") as read, target.open("wb") as write:
        assert guest(STREAMS, "cat", stdin=read, stdout=write).returncode == 0
    assert target.read_bytes() == source.read_bytes()
    with target.open("ab") as write:
        guest(STREAMS, "cat", input=b"more", stdout=write)
    assert target.read_bytes() == source.read_bytes() + b"more"


def test_sockets_as_streams():
    ours, theirs = socket.socketpair()
    with subprocess.Popen([CHECKED, STREAMS, "cat"], stdin=theirs, stdout=theirs) as running:
        theirs.close()
        ours.sendall(b"x" * 10_000)
        ours.shutdown(socket.SHUT_WR)
        got = b""
        while piece := ours.recv(65536):
            got += piece
        assert running.wait() == 0 and got == b"x" * 10_000


def test_a_reader_that_left_is_epipe():
    reader, writer = os.pipe()
    os.close(reader)
    done = guest(STREAMS, "flood", stdout=writer)
    os.close(writer)
    assert done.returncode == 0 and done.stderr == b"EPIPE\n"


def test_a_full_pipe_is_waited_for():
    with subprocess.Popen([CHECKED, STREAMS, "flood"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as running:
        assert len(running.stdout.read(500_000)) == 500_000
        running.stdout.close()
        assert running.stderr.read() == b"EPIPE\n" and running.wait() == 0


def test_closing_standard_output_reaches_the_reader():
    reader, writer = os.pipe()
    with subprocess.Popen([CHECKED, STREAMS, "close"], stdout=writer, stderr=subprocess.PIPE) as running:
        os.close(writer)
        assert os.read(reader, 10) == b""
        assert running.stderr.read() == b"closed" and running.wait() == 0
    os.close(reader)


def test_streams_that_are_closed_from_the_start(tmp_path):
    done = subprocess.run(["sh", "-c", '"$0" "$1" close >&- <&-', CHECKED, STREAMS],
                          stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0 and done.stderr == b"closed"


def test_a_stream_made_non_blocking_by_others():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)  # not asked for by the guest, but its flags say so
    with subprocess.Popen([CHECKED, STREAMS, "cat"], stdin=subprocess.PIPE, stdout=writer) as running:
        os.close(writer)
        running.stdin.write(b"small")
        running.stdin.close()
        assert running.wait() == 0 and os.read(reader, 100) == b"small"
    os.close(reader)


def until_asleep(process):
    """Until the process sleeps in the kernel, or has ended."""
    while process.poll() is None:
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
            if file.read().rsplit(")", 1)[1].split()[0] == "S":
                return


@pytest.mark.parametrize("kind", ["pipe", "fifo"])
def test_waiting_for_a_stream_that_does_not_wait_by_itself(tmp_path, kind):
    """Made non-blocking by others (pipe), or opened so and changed back by the guest (fifo)."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.mkfifo(tmp_path / "fifo")
    with subprocess.Popen([CHECKED, "--dir", f"{tmp_path}::/", STREAMS, "wait", kind], stdin=reader,
                          stdout=subprocess.PIPE) as running:
        assert running.stdout.read(4) == b"none"  # it tried, not waiting, and had nothing
        if kind == "pipe":
            until_asleep(running)
        target = writer if kind == "pipe" else os.open(tmp_path / "fifo", os.O_WRONLY)
        os.write(target, b"late")
        assert running.stdout.read() == b"late" and running.wait() == 0
        if kind == "fifo":
            os.close(target)
    os.close(reader)
    os.close(writer)


def test_the_runners_messages_never_land_in_a_file_of_the_guest(tmp_path):
    done = guest("--dir", f"{tmp_path}::/", STREAMS, "steal")
    assert done.returncode == 134 and b"unreachable" in done.stderr, done
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"mine")]


def test_the_callers_streams_stay_blocking(tmp_path):
    """A guest that wants not to wait must not change what others share with it."""
    reader, writer = os.pipe()
    os.write(writer, b"ready")
    guest("--dir", f"{tmp_path}::/", GUEST / "poll.wasm", stdin=reader)
    assert os.get_blocking(reader) and os.get_blocking(writer)
    os.close(reader)
    os.close(writer)


def test_terminals_are_told_apart():
    control, terminal = pty.openpty()
    done = guest(STREAMS, "tty", stdin=terminal)
    assert done.stdout == b"100\n"
    os.close(control)
    os.close(terminal)


@pytest.mark.parametrize("wasi, host", [(2, 2), (6, 6), (8, 8), (9, 9), (11, 11), (15, 15), (10, 10)])
def test_raised_signals_end_the_process(wasi, host):
    done = guest(STREAMS, "raise", wasi, env={"ASAN_OPTIONS": "handle_segv=0:handle_abort=0:handle_sigfpe=0"})
    assert done.returncode == -host


@pytest.mark.parametrize("given, status", [(0, 0), (1, 1), (77, 77), (255, 255), (256, 0), (300, 44), (-1, 255)])
def test_exit_status(given, status):
    assert guest(STREAMS, "exit", given).returncode == status
