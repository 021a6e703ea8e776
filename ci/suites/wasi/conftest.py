"""What the WASI tests share: where things are, and running a guest."""
import contextlib
import os
import pathlib
import signal
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[2]
OUT = TOP / "build/suites/wasi"
GUEST = OUT / "guest"
RUNNERS = TOP / "build/host/servers/wasm"
FAST = os.environ.get("PITH_WASM", RUNNERS / "pith-wasm")
CHECKED = os.environ.get("PITH_WASM", RUNNERS / "pith-wasm-sanitized")
MODE = os.environ.get("PITH_WASM_MODE", "").split()  # options of the runner: run.sh sets them
LIMIT = 120  # seconds; nothing here takes a tenth of it

# Who starts the tests in the background has SIGINT ignored, and every program would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def guest(*arguments, runner=CHECKED, **options):
    """Runs the runner; gives the finished process with .returncode, .stdout and .stderr."""
    options.setdefault("stdin", subprocess.DEVNULL)
    if "input" in options:
        del options["stdin"]
    return subprocess.run(list(map(str, (runner, *MODE, *arguments))), timeout=LIMIT, check=False,
                          stdout=options.pop("stdout", subprocess.PIPE),
                          stderr=options.pop("stderr", subprocess.PIPE), **options)


@contextlib.contextmanager
def running_guest(*arguments, **options):
    """A guest that runs: its Popen, with .stdout a pipe. It is gone at the end, come what may."""
    process = subprocess.Popen(list(map(str, (CHECKED, *MODE, *arguments))),
                               stdout=subprocess.PIPE, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="session")
def wat(tmp_path_factory):
    """wat(NAME) assembles bad/NAME.wat."""
    folder = tmp_path_factory.mktemp("bad")

    def assemble(name):
        out = folder / f"{name}.wasm"
        if not out.exists():
            subprocess.run(["wat2wasm", HERE / f"bad/{name}.wat", "--debug-names", "-o", out], check=True)
        return out

    return assemble
