"""Programs that nobody here wrote, and one in Rust: as a guest each does what its native build
does, byte for byte."""
import os
import random
import subprocess

import pytest

from conftest import FAST, HERE, OUT, guest


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """A file of 1 MB, part text, part noise."""
    path = tmp_path_factory.mktemp("data") / "example"
    lines = "".join(f"{number * 2654435761 % 2**32:08x} {number}\n" for number in range(62000))
    path.write_bytes(lines.encode()[:900_000] + random.Random(1).randbytes(148_576))
    return path


def native(name, *arguments, **options):
    return subprocess.run([OUT / name, *arguments], capture_output=True, check=False, **options)


def same(guest_done, native_done):
    assert guest_done.returncode == native_done.returncode, guest_done.stderr
    assert guest_done.stdout == native_done.stdout
    assert guest_done.stderr == native_done.stderr


@pytest.mark.parametrize("level", ["-1", "-9"])
def test_bzip2(example, tmp_path, level):
    data = example.read_bytes()
    packed = guest(OUT / "bzip2.wasm", level, "-c", input=data, runner=FAST)
    same(packed, native("bzip2", level, "-c", input=data))
    unpacked = guest(OUT / "bzip2.wasm", "-d", input=packed.stdout, runner=FAST)
    assert unpacked.returncode == 0 and unpacked.stdout == data
    # In place, by names: bzip2 keeps times, checks file types, removes its input.
    (tmp_path / "file").write_bytes(data)
    os.utime(tmp_path / "file", (1_000_000_000, 1_100_000_000))
    done = guest("--dir", f"{tmp_path}::/", OUT / "bzip2.wasm", level, "-v", "/file", runner=FAST)
    assert done.returncode == 0 and not (tmp_path / "file").exists(), done.stderr
    assert (tmp_path / "file.bz2").read_bytes() == packed.stdout
    assert os.stat(tmp_path / "file.bz2").st_mtime == 1_100_000_000
    done = guest("--dir", f"{tmp_path}::/", OUT / "bzip2.wasm", "-d", "file.bz2", runner=FAST)
    assert done.returncode == 0 and (tmp_path / "file").read_bytes() == data, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_bzip2_refuses_what_is_damaged(example, tmp_path):
    packed = bytearray(native("bzip2", "-c", input=example.read_bytes()).stdout)
    packed[5000] ^= 1
    (tmp_path / "file.bz2").write_bytes(packed)
    done = guest("--dir", f"{tmp_path}::/", OUT / "bzip2.wasm", "-t", "/file.bz2", runner=FAST)
    assert done.returncode == native("bzip2", "-t", tmp_path / "file.bz2").returncode == 2


def test_minigzip(example, tmp_path):
    data = example.read_bytes()
    packed = guest(OUT / "minigzip.wasm", input=data, runner=FAST)
    same(packed, native("minigzip", input=data))
    assert guest(OUT / "minigzip.wasm", "-d", input=packed.stdout, runner=FAST).stdout == data
    (tmp_path / "file").write_bytes(data)
    assert guest("--dir", f"{tmp_path}::/", OUT / "minigzip.wasm", "file", runner=FAST).returncode == 0
    assert guest("--dir", f"{tmp_path}::/", OUT / "minigzip.wasm", "-d", "file.gz", runner=FAST).returncode == 0
    assert (tmp_path / "file").read_bytes() == data


def test_sqlite(tmp_path):
    script = (HERE / "script.sql").read_bytes()
    expected = native("sqlite3", input=script)
    assert b"the end" in expected.stdout
    for database in ([], ["/test.db"], ["test.db"]):
        done = guest("--dir", f"{tmp_path}::/", OUT / "sqlite3.wasm", *database, input=script, runner=FAST)
        assert (done.returncode, done.stdout) == (expected.returncode, expected.stdout), done.stderr
        if database:
            # The file is a database to the native program too, and nothing is left beside it.
            check = native("sqlite3", tmp_path / "test.db", input=b"PRAGMA integrity_check; SELECT count(*) FROM person;")
            assert check.stdout == b"ok\n2000\n", check
            assert [path.name for path in tmp_path.iterdir()] == ["test.db"]
            (tmp_path / "test.db").unlink()


def test_sqlite_errors(tmp_path):
    script = b"CREATE TABLE t(a NOT NULL); INSERT INTO t VALUES(NULL);\nSELECT nothing FROM nowhere;\nSELECT 'end';\n"
    expected = native("sqlite3", "-batch", input=script)
    done = guest("--dir", f"{tmp_path}::/", OUT / "sqlite3.wasm", "-batch", "/t.db", input=script, runner=FAST)
    assert done.returncode == expected.returncode == 1
    assert done.stdout == expected.stdout == b"end\n"
    complaint, errors = done.stderr.split(b"\n", 1)
    assert b"home directory" in complaint  # a guest has no users, so none
    assert errors == expected.stderr and b"NOT NULL constraint failed" in errors


@pytest.mark.parametrize("arguments", [[], ["some", "arguments"], ["fail", "ä", ""]])
def test_rust(tmp_path, arguments):
    environment = {"PITH_TEST": "value"} if arguments else {}
    expected = native("rust", *arguments, env=environment)
    options = [option for key, value in environment.items() for option in ("--env", f"{key}={value}")]
    done = guest("--dir", f"{tmp_path}::/tmp", *options, OUT / "rust.wasm", *arguments, runner=FAST)
    same(done, expected)
    assert done.returncode == (3 if arguments[:1] == ["fail"] else 0)
    assert not list(tmp_path.iterdir())
