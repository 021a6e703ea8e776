"""What programs used comes back, all of it: memory, and slots of the kernel's derivation tree."""
import os
import re

NATIVE_RUNS = 1000
GUEST_RUNS = 100


def taken(out):
    """(free KiB, slots in use) of each `mem`."""
    return list(zip(*(map(int, re.findall(rb"^" + name + rb" (\d+)", out, re.M))
                      for name in (b"free", b"slots"))))


def runs(run, folder, line, count):
    """`mem` before and after `count` runs of a line, in one boot. A tenth as many before are not
    counted: caches, and pages that servers had set aside and not touched, are filled by them."""
    warm, script = folder / "warm", folder / "script"
    warm.write_text(f"{line}\n" * (count // 10))
    script.write_text(f"{line}\n" * count)
    done = run("sh /warm; mem; sh /warm; mem; sh /script; mem", "--add", warm, "--add", script, limit=1500)
    assert done.status == 0, done
    _, before, after = taken(done.out)
    return before, after


def test_native_runs(run, tmp_path):
    before, after = runs(run, tmp_path, "/bin/true", NATIVE_RUNS)
    assert before == after


def test_guest_runs(run, tmp_path):
    before, after = runs(run, tmp_path, "hello.wasm > /dev/null", GUEST_RUNS)
    assert before == after


def test_pipelines_and_files(run, tmp_path):
    before, after = runs(run, tmp_path, "cat /bin/sh | sha256sum > /tmp/x; cp /tmp/x /tmp/y; rm /tmp/x /tmp/y", 50)
    assert before == after


def test_guests_killed(run, program):
    """A guest may die at any moment: others that run meanwhile do not notice, and all that it had
    comes back. How many pages servers touch depends on who met whom, so the figures may rise at
    first; what was lost with guests would be more after every round. PITH_KILLS: how many."""
    rounds, count = 5, int(os.environ.get("PITH_KILLS", "150")) // 5
    seed = int(os.environ.get("PITH_SEED", "5"))
    line = "; ".join(f"/guests {count} {seed + i} && mem" for i in range(rounds))
    done = run(f"{line}; ls /tmp",
               "--add", program("guests"), "--add", program("guest"), "--add", program("guest.wasm"),
               limit=240 + 2 * count * rounds)
    assert done.out.count(f"{count} killed\n".encode()) == rounds and not done.err, done
    figures = taken(done.out)
    assert len(figures) == rounds and any(a == b for a, b in zip(figures, figures[1:])), figures
