"""Pith boots on every machine it says it boots on."""
import pytest

COMBINATIONS = [
    ("pc", "max", 1, 256), ("q35", "max", 1, 256), ("pc", "qemu64", 1, 256), ("q35", "qemu64", 4, 256),
    ("pc", "max", 4, 256), ("pc", "max", 1, 48), ("q35", "qemu64", 1, 48), ("pc", "max", 1, 8192),
    ("q35", "max", 4, 8192), ("pc", "Nehalem", 1, 3584)]


@pytest.mark.parametrize("kind, cpu, smp, memory", COMBINATIONS)
def test_boots_and_runs_wasm(run, kind, cpu, smp, memory):
    done = run("hello.wasm a 'b c'", "--machine", kind, "--cpu", cpu, "--smp", str(smp),
               "--memory", str(memory))
    assert done.status == 0 and b"b c" in done.out, done


@pytest.mark.parametrize("memory", [48, 8192])
def test_memory_is_found(run, memory):
    done = run("mem", "--memory", str(memory))
    free = int(done.out.split()[1])
    assert memory * 1024 * 0.6 < free < memory * 1024, done
