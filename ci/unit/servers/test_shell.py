"""The shell and its commands, built for the host: what a line prints, and its status."""
import hashlib
import os
import pathlib
import random
import re
import subprocess

import pexpect
import pytest

BUILD = pathlib.Path(os.environ["PITH_SHELL_BUILD"])
NAMES = ("cat clear cmp cp date echo env false head kill ln ls mkdir mv pwd rm rmdir sha256sum sleep touch "
         "true wc").split()
PROMPT = rb"\$ (?:\x1b\[[0-9;?]*[a-zA-Z])*$"


@pytest.fixture(scope="session")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bin")
    (folder / "sh").symlink_to(BUILD / "sh_host")
    for name in NAMES:
        (folder / name).symlink_to(BUILD / "tools_host")
    return folder


@pytest.fixture
def sh(path, tmp_path):
    """sh(LINE, stdin=b"") in an empty folder: (status, out, err)."""

    def run(line, stdin=b"", arguments=None):
        done = subprocess.run([path / "sh", *(arguments or ["-c", line])], input=stdin, cwd=tmp_path,
                              capture_output=True, timeout=240, check=False,
                              env={"PATH": str(path), "HOME": "/", "ASAN_OPTIONS": "detect_leaks=0"})
        return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")

    return run


@pytest.mark.parametrize("line, out", [
    ("echo a  b", "a b\n"), ("echo 'a  b' \"c  d\" e\\ f", "a  b c  d e f\n"),
    ("A=1; echo $A ${A}b \"$A\" '$A' \\$A", "1 1b 1 $A $A\n"), ("A='x  y'; echo $A \"$A\"", "x y x  y\n"),
    ("echo $NONE\"\" \"$NONE\" end", "  end\n"), ("echo $HOME$", "/$\n"), ("false; echo $?", "1\n"),
    ("true && echo a || echo b", "a\n"), ("false && echo a || echo b", "b\n"),
    ("false || true && echo c", "c\n"), ("echo a # comment", "a\n"), ("echo a#b '#'", "a#b #\n"),
    ("echo one two | wc -w", "2\n"), ("echo a | cat | cat | wc -c", "2\n"),
    ("echo x > f; echo y >> f; cat < f; wc -l < f", "x\ny\n2\n"), ("cat nothing 2> e; wc -l < e", "1\n"),
    ("cat nothing > e 2>&1; wc -l < e", "1\n"), ("echo err >&2 2> e; cat e", ""),
    ("echo a;echo b;", "a\nb\n"), ("echo a\\\nb", "ab\n"), ("echo \"two\nlines\"", "two\nlines\n"),
    ("touch a.c b.c .h; echo *.c \"*\" \\*.c nothing*", "a.c b.c * *.c nothing*\n"),
    ("mkdir -p d/e; touch d/e/f1 d/e/f2 d/e/g; echo d/*/f? d/e/[!f]", "d/e/f1 d/e/f2 d/e/g\n"),
    ("X=5 env | cat > e; cat < e | head -n 1; echo $X", "X=5\n\n"), ("export Y=6; sh -c 'echo $Y'", "6\n"),
    ("export Y=6; unset Y; sh -c 'echo [$Y]'", "[]\n"), ("cat /dev/zero | head -c 5 | wc -c", "5\n"), ("> f; wc -c f", "0 f\n")])
def test_lines(sh, line, out):
    assert sh(line)[1] == out


@pytest.mark.parametrize("line, status", [
    ("true", 0), ("false", 1), ("exit 300", 44), ("exit 5; exit 6", 5), ("no-such", 127), ("./no-such", 127),
    ("/etc", 126), ("/etc/passwd", 126), ("false | true", 0), ("true | false", 1), ("no-such | true", 0),
    ("true | no-such", 127), ("sh -c 'kill -9 $$'", 137), ("sh -c 'kill -INT $$'", 130),
    ("cat /dev/zero | true", 0), ("echo x > /no/such/file", 1), ("cat < /no/such/file", 1), ("exit x", 2)])
def test_status(sh, line, status):
    assert sh(line)[0] == status


@pytest.mark.parametrize("line, words", [
    ("echo 'open", "column 6: missing closing quote '"), ('echo a "open', 'column 8: missing closing quote "'),
    ("| cat", "column 1"), ("cat <", "<"), ("echo a | | cat", "|"), ("a && ", "&&"), ("a || ; b", ";"),
    ("a ;; b", ";;"), ("a & b", "background"), ("echo $(date)", "substitution"), ("echo `date`", "substitution"),
    ("(a)", "("), ("a >&", ">&"), ("a >& file", "number"), ("cat << x", "<<"), (";", ";"),
    ("true\n\necho 'x", "line 3, column 6")])
def test_syntax_errors_say_where(sh, line, words):
    status, out, err = sh(line)
    assert status == 2 and words in err and not out, (status, out, err)


def test_cd(sh, tmp_path):
    assert sh("cd /; pwd; cd -; pwd; cd; pwd; cd none")[:2] == (1, f"/\n{tmp_path}\n{tmp_path}\n/\n")


def test_scripts(sh, tmp_path):
    (tmp_path / "s").write_text("echo $1 $# $0\nexit 4\n")
    assert sh(None, arguments=["s", "one", "two"]) == (4, "one 2 s\n", "")
    (tmp_path / "x").write_text("#!/bin/echo hi\n")
    (tmp_path / "x").chmod(0o755)
    assert sh("./x a") == (0, "hi ./x a\n", "")
    (tmp_path / "bad").write_text("echo fine\necho 'open\n")
    status, out, err = sh(None, arguments=["bad"])
    assert (status, out) == (2, "fine\n") and "bad, line 2, column 6" in err


def test_input_is_shared_with_commands(sh):
    assert sh(None, stdin=b"echo 1\ncat\nrest\n", arguments=["-c", "sh"]) == (0, "1\nrest\n", "")


def test_files(sh, tmp_path):
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/f").write_bytes(bytes(range(256)) * 1000)
    (tmp_path / "d/e/link").symlink_to("../f")
    assert sh("cp -r d c && cmp d/f c/f && ls -1 c c/e") == (0, "c:\ne\nf\n\nc/e:\nlink\n", "")
    assert sh("mv c/f c/e c2")[0] == 1 and sh("mkdir c2; mv c/f c/e c2 && ls -1 c2") == (0, "e\nf\n", "")
    assert sh("rm c2")[0] == 1 and sh("rm -r c2 d && ls")[:2] == (0, "c\n")
    assert sh("cp -r c c/inside")[0] == 1 and sh("cp none c")[0] == 1 and sh("rm -f none")[0] == 0
    assert sh("mkdir a/b")[0] == 1 and sh("mkdir -p a/b a/b && rmdir a/b a")[0] == 0


def test_reading_commands(sh, tmp_path):
    data = random.Random(1).randbytes(100_000)
    (tmp_path / "r").write_bytes(data)
    assert sh("sha256sum r")[1].split()[0] == hashlib.sha256(data).hexdigest()
    for size in (0, 1, 55, 56, 63, 64, 65, 119, 120):
        assert sh("sha256sum", stdin=data[:size])[1].split()[0] == hashlib.sha256(data[:size]).hexdigest()
    assert sh("head -c 70000 r | wc -c")[1] == "70000\n" and sh("cat r r | wc -c")[1] == "200000\n"
    (tmp_path / "t").write_text("a b\nc\nd")
    assert sh("wc t; head -n 1 t; head -2 t")[1] == "2 4 7 t\na b\na b\nc\n"
    assert sh("cmp t t")[0] == 0 and sh("cmp t r")[0] == 1 and sh("cmp t none")[0] == 2


@pytest.mark.parametrize("line", [
    "cp", "cp a", "mv a", "rm", "mkdir", "rmdir", "ln a", "touch", "cmp a", "head -n x", "wc -z", "sleep",
    "sleep x", "sleep -1", "kill", "kill -NONE 1", "kill x", "pwd x", "clear x", "ls -Q", "date x", "cat -x",
    "cd a b"])
def test_usage(sh, line):
    status, out, err = sh(line)
    assert status == 2 and err.startswith("usage: ") and not out


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("echo", "true", "false")])
def test_help(sh, name):
    status, out, err = sh(f"{name} --help")
    assert (status, err) == (0, "") and out.startswith(f"usage: {name}")


def test_typing(path):
    """Editing, history, completion and Ctrl-C on a terminal."""
    environment = {"PATH": str(path), "ASAN_OPTIONS": "detect_leaks=0"}
    shell = pexpect.spawn(str(path / "sh"), env=environment, cwd="/", timeout=240, dimensions=(25, 80))

    def answer(keys):
        shell.send(keys)
        shell.expect(PROMPT)
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shell.before.decode()).replace("\r", "")
        return text.splitlines()

    shell.expect(PROMPT)
    assert "axcd" in answer(b"echo abd\x1b[D\x1b[Dx\x1b[C\x7fc\r")
    assert "axcd" in answer(b"\x1b[A\r")
    assert "one four" in answer(b"echo one two three\x17\x17four\r")
    assert "word" in answer(b"word\x01echo \x05\r")
    assert "ab" in answer(b"garbage\x15echo abcd\x1b[D\x1b[D\x0b\r")
    assert "done" in answer(b"ech\tdone\r")
    long = b"0123456789" * 20
    assert f"{long.decode()}!" in "".join(answer(b"echo " + long + b"\x01\x05!\r"))
    shell.send(b"sleep 1000\r")
    shell.expect(rb"sleep 1000\r?\n")
    pgrep = ["pgrep", "-P", str(shell.pid)]
    while shell.isalive() and not subprocess.run(pgrep, capture_output=True, check=False).stdout:
        pass
    answer(b"\x03")
    assert "130" in answer(b"echo $?\r")
    answer(b"half a line\x03")
    assert "fine" in answer(b"echo fine\r")
    shell.send(b"\x04")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0
