"""The WASM engine on Pith: what it rests on, and what a guest of it may do."""
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


def test_specification(run, suite, tmp_path):
    """The whole suite, in one boot; test.sh wasm-spec runs it on the host."""
    scripts, options = suite
    answers = tmp_path / "answers"
    done = run("runner /suite.bin < /suite.txt > /answers", *options, "--get", f"/answers:{answers}", limit=1200)
    assert done.status == 0, done
    passed, failed, _ = convert.tally(scripts, answers.read_text())
    assert failed == 0 and passed == sum(script.asserted for script in scripts)
