"""The WASM engine on Pith: what it rests on, and what a guest of it may do."""
import subprocess

from conftest import BUILD, TOP

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
