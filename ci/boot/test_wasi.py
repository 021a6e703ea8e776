"""The guests that test every WASI function (ci/suites/wasi/guest), inside the booted system."""
import subprocess

import pytest

from conftest import BUILD, TOP

GUEST = BUILD / "suites/wasi/guest"


@pytest.fixture(scope="module")
def guests():
    subprocess.run(["bash", TOP / "ci/suites/wasi/build.sh"], check=True)

    def add(*names):
        return [word for name in names for word in ("--add", f"{GUEST / name}.wasm:/{name}.wasm")]

    return add


@pytest.mark.parametrize("name, options", [
    ("files", ""), ("paths", ""), ("dirs", ""), ("pointers", "--env K=V"), ("process", "--env A=1 --env B=x=y"),
    ("random", "--env K=V")])
def test_functions(run, guests, name, options):
    arguments = {"process": 'one "two words" "" < /dev/null', "random": "7 10000"}.get(name, "")
    done = run(f"mkdir /tmp/d; wasm --dir /tmp/d::/ {options} /{name}.wasm {arguments}", *guests(name))
    assert done.status == 0 and done.out == b"0 failed\n", done


def test_poll(run, guests):
    done = run("mkdir /tmp/d; /streams.wasm hold /tmp/d/all-polled | wasm --dir /tmp/d::/ /poll.wasm | cat",
               *guests("poll", "streams"))
    assert done.status == 0 and done.out == b"0 failed\n", done


def test_nothing_escapes(run, guests):
    done = run("mkdir -p /tmp/e/inside/kept /tmp/e/outside/sub; echo secret > /tmp/e/outside/secret;"
               "ln -s /tmp/e/outside /tmp/e/inside/absolute; ln -s /tmp/e/outside /tmp/e/inside/kept/absolute;"
               "ln -s /tmp/e/outside/secret /tmp/e/inside/absolute-file;"
               "ls -l /tmp/e/outside > /tmp/before; wasm --dir /tmp/e/inside::/ /escape.wasm;"
               "ls -l /tmp/e/outside > /tmp/after; cmp /tmp/before /tmp/after && cat /tmp/e/outside/secret;"
               "ls /tmp/e", *guests("escape"))
    assert done.out.split() == [b"0", b"failed", b"secret", b"inside", b"outside"], done


def test_streams(run, guests):
    done = run("streams.wasm flood | head -c 3 > /dev/null; streams.wasm close; streams.wasm exit 300; echo $?;"
               "streams.wasm raise 15; echo $?; streams.wasm abort; echo $?;"
               "cat /streams.wasm | streams.wasm cat | cmp - /streams.wasm; echo $?", *guests("streams"))
    assert done.out.split() == [b"44", b"143", b"134", b"0"], done
    for words in (b"EPIPE", b"closed", b"unreachable", b"(abort) at offset 0x"):
        assert words in done.err, done
