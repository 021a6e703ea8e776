"""qemu.sh --run, as other people's scripts rely on it (DESIGN section 6)."""
import os
import random
import shutil
import subprocess

import pytest

from conftest import TOP, qemu_sh

EVERY_BYTE = bytes(range(256)) * 5


def test_output_error_and_status_are_separate(run):
    done = run("echo out; echo err >&2; exit 7")
    assert (done.status, done.out, done.err) == (7, b"out\n", b"err\n")


def test_all_byte_values_pass_unchanged(run):
    done = run("cat", stdin=EVERY_BYTE)
    assert (done.status, done.out) == (0, EVERY_BYTE)


def test_all_byte_values_pass_on_standard_error(run):
    done = run("cat >&2", stdin=EVERY_BYTE)
    assert (done.status, done.out, done.err) == (0, b"", EVERY_BYTE)


def test_end_of_file_reaches_the_guest(run):
    done = run("wc -c", stdin=b"")
    assert done.status == 0 and done.out.split()[0] == b"0"


def test_input_larger_than_any_buffer(run):
    data = random.Random(1).randbytes(300_000)
    done = run("cat", stdin=data)
    assert done.status == 0 and done.out == data


@pytest.mark.parametrize("line, status", [
    ("true", 0), ("false", 1), ("exit 300", 300 & 255), ("no-such-program", 127),
    ("/etc", 126), ("false || exit 3", 3), ("true && exit 4", 4), ("exit 5; exit 6", 5)])
def test_status_of_the_line(run, line, status):
    assert run(line).status == status


@pytest.mark.parametrize("signal", [2, 4, 8, 9, 11, 13, 15])
def test_status_of_a_killed_program(run, program, signal):
    done = run(f"victim {signal}", "--add", f"{program('victim')}:/bin/victim")
    assert done.status == 128 + signal


def test_environment(run):
    assert run("pwd; echo $PATH; echo x > /tmp/x && cat /tmp/x").out == b"/\n/bin:.\nx\n"


def test_pipes_and_redirection(run):
    done = run("echo one two | wc -w > /tmp/n; cat < /tmp/n; cat nothing 2> /tmp/e; wc -l < /tmp/e")
    assert done.out.split() == [b"2", b"1"]


def test_add_and_get(run, tmp_path):
    source = tmp_path / "with space, and comma.bin"
    source.write_bytes(EVERY_BYTE * 100)
    target = tmp_path / "out.bin"
    done = run("cp '/with space, and comma.bin' /tmp/copy && cmp /placed/elsewhere /tmp/copy",
               "--add", source, "--add", f"{source}:/placed/elsewhere", "--get", f"/tmp/copy:{target}")
    assert done.status == 0, done
    assert target.read_bytes() == EVERY_BYTE * 100


def test_get_of_a_missing_file(run, tmp_path):
    done = run("true", "--get", f"/nothing:{tmp_path}/x")
    assert done.status != 0 and b"/nothing" in done.err and not (tmp_path / "x").exists()


def test_rm_tells_once_of_a_tree_deeper_than_a_path(run):
    name = "d" * 250
    done = run("cd /tmp; " + f"mkdir {name}; cd {name}; " * 17 + "cd /tmp; rm -r *; "
               + f"cd {name}; cd {name}; rm -r *; cd /tmp; rm -r *; ls")
    assert done.out == b"" and done.status == 0, done
    assert done.err.count(b"\n") == 1 and b"name too long" in done.err.lower(), done


def test_rm_spares_where_it_stands(run):
    done = run("cd /tmp; mkdir d; echo x > d/f; cd d; rm -r / . .. ./ ../ // /tmp/d/.; cat /tmp/d/f; cd ..; rm -r d/; ls")
    assert (done.status, done.out) == (0, b"x\n") and done.err.count(b"busy") == 7, done


def test_a_long_line_of_many_words(run):
    done = run("echo " + "y " * 15000 + "> /tmp/x; wc -w < /tmp/x")
    assert (done.status, done.out.split()) == (0, [b"15000"]), done


def test_a_script_runs_by_its_name_in_silence(run, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho $1 $#\nexit 4\n")
    done = run("script one two", "--add", script)
    assert (done.status, done.out, done.err) == (4, b"one 2\n", b""), done


def test_many_files_in_and_out(run, tmp_path):
    options, line = [], "cat"
    for number in range(100):
        source = tmp_path / f"in{number}"
        source.write_text(f"{number}\n")
        options += ["--add", source, "--get", f"/in{number}:{tmp_path}/out{number}"]
        line += f" in{number}"
    done = run(line, *options)
    assert done.status == 0 and done.out.split() == [b"%d" % number for number in range(100)], done
    assert all((tmp_path / f"out{number}").read_text() == f"{number}\n" for number in range(100))


@pytest.mark.parametrize("place, megabytes, words", [
    ("/big", 60, b"no space left"), ("/dev/null/x", 1, b"not a directory"), ("/bin", 1, b"is a directory")])
def test_a_file_that_cannot_be_added_is_said(run, tmp_path, place, megabytes, words):
    source = tmp_path / "source"
    with open(source, "wb") as file:
        file.truncate(megabytes << 20)
    done = run("echo ran", "--memory", "48", "--add", f"{source}:{place}")
    assert (done.status, done.out) == (125, b"") and words in done.err and place.encode() in done.err, done


@pytest.mark.parametrize("command", ["shutdown", "reboot"])
def test_a_line_that_ends_the_machine(run, command):
    done = run(f"echo before; {command}")
    assert (done.status, done.out, done.err) == (0, b"before\n", b""), done


def test_words_on_the_console_are_no_panic(run):
    done = run("echo PANIC > /dev/console; echo 'Pith panic: x' > /dev/console; sleep 1; exit 6")
    assert done.status == 6, done


def test_a_panic_is_said(tmp_path):
    """The kernel's words at the console (test_kernel.py has them from a real one) end the wait."""
    words = "\r\nPith panic: reason\r\nThis is a bug in the kernel. build 12\r\n  kern_panic+0x1\r\n"
    emulator = ("import os, re, sys, time; fd = re.search('id=console,fd=([0-9]+)', str(sys.argv))[1]; "
                f"os.write(int(fd), {words.encode()!r}); time.sleep(100)")
    done = subprocess.run(["/usr/bin/python3", TOP / "toolchain/boot.py", "--run", "true", "--log", tmp_path / "log",
                           "--", "/usr/bin/python3", "-c", emulator],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    assert done.returncode == 125 and b"Pith panic: reason after" in done.stderr, done
    assert b"kern_panic+0x1" in (tmp_path / "log").read_bytes()


@pytest.mark.parametrize("closed, out, err", [("<&-", b"out\n", b"err\n"), (">&-", b"", b"err\n"), ("2>&-", b"out\n", b"")])
def test_closed_descriptors(closed, out, err):
    line = f"bash '{TOP}/qemu.sh' --run 'cat; echo out; echo err >&2; exit 5' {closed}"
    done = subprocess.run(["bash", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (5, out, err), done


def test_output_to_a_pipe_that_does_not_block():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen(["bash", str(TOP / "qemu.sh"), "--run", "head -c 500000 /dev/zero"],
                          stdin=subprocess.DEVNULL, stdout=writer) as one:
        os.close(writer)
        with os.fdopen(reader, "rb") as file:
            assert len(file.read()) == 500000
        assert one.wait(timeout=240) == 0


def test_timeout(run):
    done = run("sleep 1000", "--timeout", "8")
    assert done.status == 124 and b"timeout" in done.err


@pytest.mark.parametrize("arguments", [
    ["--no-such-option"], ["--memory"], ["--memory", "many"], ["--machine", "vax"],
    ["--run", "true", "--add", "/no/such/file"], ["--get", "/x"], ["--timeout", "3"], ["stray"]])
def test_usage_errors(arguments):
    done = qemu_sh(*arguments)
    assert done.status == 2 and done.err and not done.out


def test_help():
    done = qemu_sh("--help")
    assert done.status == 0 and b"--run" in done.out


def test_a_reader_that_leaves_ends_the_line():
    script = f"bash '{TOP}/qemu.sh' --run 'cat /dev/zero' --timeout 100 | head -c 10 | wc -c; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=200, check=False)
    assert done.stdout.split() == [b"10", b"141"]


def test_parallel_runs():
    runs = [subprocess.Popen(["bash", str(TOP / "qemu.sh"), "--run", f"echo {number}; exit {number}"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for number in (1, 2, 3)]
    for number, one in zip((1, 2, 3), runs):
        out, _ = one.communicate(timeout=240)
        assert (out, one.returncode) == (f"{number}\n".encode(), number)


def test_from_another_folder_through_a_path_with_spaces(tmp_path):
    # The checkout itself may be anywhere: a link stands for it, so that nothing is built twice.
    link = tmp_path / "a checkout, with spaces"
    link.symlink_to(TOP)
    done = subprocess.run(["bash", str(link / "qemu.sh"), "--run", "echo here"], cwd=tmp_path,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=False)
    assert (done.returncode, done.stdout) == (0, b"here\n")


def test_a_checkout_whose_path_has_blanks_is_built_through_a_link(tmp_path):
    checkout = tmp_path / "a checkout, with 'blanks'"
    (checkout / "toolchain").mkdir(parents=True)
    shutil.copy(TOP / "toolchain/checkout.sh", checkout / "toolchain")
    paths = [subprocess.run(["bash", checkout / "toolchain/checkout.sh"], capture_output=True,
                            text=True, check=True).stdout.strip() for _ in range(2)]
    assert paths[0] == paths[1] and " " not in paths[0] and os.path.samefile(paths[0], checkout)
    os.unlink(paths[0])


@pytest.mark.parametrize("memory", ["4", "8"])
def test_too_little_memory_is_said(run, memory):
    done = run("true", "--memory", memory)
    assert done.status == 125 and b"too little memory" in done.err


def test_boot_log_is_kept(run):
    run("true")
    assert b"Pith" in (TOP / "build/boot.log").read_bytes()
