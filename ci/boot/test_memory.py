"""What programs used comes back, all of it."""
import re

NATIVE_RUNS = 1000
GUEST_RUNS = 100


def free(out):
    return [int(number) for number in re.findall(rb"^free (\d+)", out, re.M)]


def runs(run, line, count):
    """`mem` before and after `count` runs of a line, in one boot; the first run is not counted:
    caches and tables that stay are filled by it."""
    script = f"{line}\nmem\n" + f"{line}\n" * count + "mem\n"
    done = run("sh", stdin=script.encode(), limit=1500)
    assert done.status == 0, done
    before, after = free(done.out)
    return before, after


def test_native_runs(run):
    before, after = runs(run, "/bin/true", NATIVE_RUNS)
    assert before == after


def test_guest_runs(run):
    before, after = runs(run, "hello.wasm > /dev/null", GUEST_RUNS)
    assert before == after


def test_pipelines_and_files(run):
    before, after = runs(run, "cat /bin/sh | sha256sum > /tmp/x; cp /tmp/x /tmp/y; rm /tmp/x /tmp/y", 50)
    assert before == after
