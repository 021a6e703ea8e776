"""Programs that nobody here wrote, hosted by the booted system, give what the native ones give."""
import subprocess

import pytest

from conftest import BUILD, TOP

SUITE = BUILD / "suites/wasi"


@pytest.fixture(scope="session")
def built():
    """The programs of ci/suites/wasi, native and WebAssembly."""
    subprocess.run(["bash", TOP / "ci/suites/wasi/build.sh"], check=True)
    return SUITE


def native(*command, stdin=b""):
    return subprocess.run(list(map(str, command)), input=stdin, capture_output=True, check=True).stdout


def test_bzip2_round_trip(run, built, example, tmp_path):
    packed, unpacked = tmp_path / "packed", tmp_path / "unpacked"
    done = run("bzip2.wasm -c /example > /packed && bzip2.wasm -d -c /packed > /unpacked && cmp /example /unpacked",
               "--add", built / "bzip2.wasm", "--add", f"{example}:/example",
               "--get", f"/packed:{packed}", "--get", f"/unpacked:{unpacked}", limit=900)
    assert done.status == 0, done
    assert packed.read_bytes() == native(built / "bzip2", "-c", example)
    assert unpacked.read_bytes() == example.read_bytes()


def test_minigzip_round_trip(run, built, example, tmp_path):
    packed = tmp_path / "packed"
    done = run("minigzip.wasm < /example > /packed && minigzip.wasm -d < /packed | cmp - /example",
               "--add", built / "minigzip.wasm", "--add", f"{example}:/example",
               "--get", f"/packed:{packed}", limit=900)
    assert done.status == 0, done
    assert packed.read_bytes() == native(built / "minigzip", stdin=example.read_bytes())


def test_sqlite_script(run, built):
    script = (TOP / "ci/suites/wasi/script.sql").read_bytes()
    expected = native(built / "sqlite3", stdin=script)
    done = run("sqlite3.wasm /tmp/base.db", "--add", built / "sqlite3.wasm", stdin=script, limit=900)
    assert done.status == 0 and expected and done.out == expected, done


def test_rust_program(run, built, example):
    expected = native(built / "rust", "some", "arguments")
    done = run("rust.wasm some arguments", "--add", built / "rust.wasm", limit=900)
    assert done.status == 0 and expected and done.out == expected, done
