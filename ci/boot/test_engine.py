"""The WASM engine on Pith: what it rests on, and what a guest of it may do."""
import re
import subprocess
import sys

import pytest

from conftest import BUILD, TOP

sys.path.insert(0, str(TOP / "ci/suites/wasm-spec"))
import convert  # noqa: E402

ENGINE = TOP / "servers/wasm/engine"


def test_platform(run, tmp_path):
    """Code is sealed for good, and every fault comes back as what it is."""
    out = tmp_path / "platform"
    subprocess.run([BUILD / "sdk/bin/x86_64-pith-elf-gcc", "-O1", f"-I{ENGINE}/include", "-o", out,
                    TOP / "ci/unit/engine/platform_test.c", ENGINE / "src/platform_posix.c"], check=True)
    done = run("mem; /platform && /platform; mem", "--add", out)
    lines = done.out.splitlines()
    free = [line for line in lines if line.startswith(b"free ")]
    assert done.status == 0 and lines.count(b"platform: ok") == 2 and len(free) == 2, done


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """The specification suite as the runner reads it: (scripts, options of qemu.sh)."""
    folder = TOP.parent / "shared/wasm-spec"
    if not (folder / "core").is_dir():
        pytest.skip(f"{folder} is not there: put the specification suite's core/ and proposals in it")
    scripts, modules = convert.convert(folder)
    place = tmp_path_factory.mktemp("suite")
    (place / "suite.bin").write_bytes(modules)
    (place / "suite.txt").write_text("".join(script.text() for script in scripts))
    runner = BUILD / "servers/wasm/wasm-spec-runner"
    return scripts, ["--add", f"{runner}:/bin/runner", "--add", place / "suite.bin", "--add", place / "suite.txt"]


MODES = ["", "--interpret"]


@pytest.mark.parametrize("mode", MODES)
def test_specification(run, suite, tmp_path, mode):
    """The whole suite, in one boot for each mode; test.sh wasm-spec runs it on the host."""
    scripts, options = suite
    answers = tmp_path / "answers"
    done = run(f"runner {mode} /suite.bin < /suite.txt > /answers", *options, "--get", f"/answers:{answers}",
               limit=1200)
    assert done.status == 0, done
    passed, failed, _ = convert.tally(scripts, answers.read_text())
    assert failed == 0 and passed == sum(script.asserted for script in scripts)


TRAPS = {  # program: options, what is said
    "trap_unreachable": ("", "unreachable, in function 0"), "trap_memory": ("", "out of bounds memory access, in function 0"),
    "trap_divide": ("", "integer divide by zero, in function 0"), "trap_deep": ("", "call stack exhausted, in function 0"),
    "recurse": ("", "call stack exhausted, in function 0"), "spin": ("--fuel 1000000", "all fuel consumed, in function 0"),
    "greedy": ("--memory-limit 20000000", None)}  # ends when it gets no more


@pytest.mark.parametrize("mode", MODES)
def test_traps(run, program, mode):
    """Each kind comes back as a trap with its place, twice in one boot, and all memory with it."""
    runs = "; ".join(f"wasm {mode} {options} /{name}.wasm; echo status $?" for name, (options, _) in TRAPS.items())
    added = [word for name in TRAPS for word in ("--add", program(f"{name}.wasm"))]
    done = run(f"{runs}; mem; {runs}; mem", *added)
    wanted = [134 if words else 0 for _, words in TRAPS.values()]
    assert [int(number) for number in re.findall(rb"^status (\d+)", done.out, re.M)] == 2 * wanted, done
    error = done.err.decode()
    for name, (_, words) in TRAPS.items():
        assert words is None or error.count(f"/{name}.wasm: trap: {words}") == 2, (name, done)
    free = re.findall(rb"^free (\d+)", done.out, re.M)
    assert len(free) == 2 and free[0] == free[1], done


@pytest.mark.parametrize("mode", MODES)
def test_ctrl_c(machine, program, tmp_path, mode):
    link = tmp_path / "link"
    link.write_bytes(b"add\0/spin.wasm\0")
    one = machine(extra=["-fw_cfg", f"name=opt/pith/link,file={link}",
                         "-fw_cfg", f"name=opt/pith/add/0,file={program('spin.wasm')}"])
    one.prompt()
    one.command("true")
    before = one.free_kib()
    for _ in range(2):
        one.serial.send(f"wasm {mode} /spin.wasm\r".encode())
        one.serial.expect(rb"spin.wasm\r?\n")
        one.serial.send(b"\x03")
        one.prompt()
        assert "130" in one.command("echo $?")
    assert one.free_kib() == before
