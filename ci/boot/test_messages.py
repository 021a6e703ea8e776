"""Servers under hostile clients: random messages, well formed and not, to every server. All go on,
none breaks an invariant of its own, and memory is as before."""
import re
import subprocess

import pytest

from conftest import BUILD, PROGRAMS, TOP


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    out = tmp_path_factory.mktemp("messages") / "messages"
    subprocess.run([BUILD / "sdk/bin/x86_64-pith-elf-gcc", "-O1", f"-I{BUILD}/gen/include",
                    f"-I{BUILD}/gen/proto/include", f"-I{TOP}/servers/lib/include", "-o", out,
                    PROGRAMS / "messages.c"], check=True)
    return out


@pytest.mark.parametrize("seed", [1, 2])
def test_random_messages(run, messages, seed):
    line = f"/messages {seed} 20 3000; rm -r /tmp/a /tmp/c"
    done = run(f"{line}; mem; {line}; mem; ps; echo alive > /tmp/file; cat /tmp/file", "--add", messages)
    assert done.status == 0, done
    assert done.out.endswith(b"alive\n"), done
    free = [int(number) for number in re.findall(rb"^free (\d+)", done.out, re.M)]
    assert len(free) == 2 and free[0] == free[1], done
    assert b"broken invariant" not in done.err + (BUILD / "boot.log").read_bytes()
