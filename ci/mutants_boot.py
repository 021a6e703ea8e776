#!/usr/bin/python3
"""Removes what protects the kernel below the named checks (assembly, page tables, registers), one
piece at a time, and boots the kernel's ring-3 tests (build/kernel-test.iso): each mutant must make
one fail. Mistakes in the fast path (WAYS) must show as a difference from the general one
(ci/fuzz/kernel/ways.py). ci/mutants.sh does the same for the named checks with the host tests.

    mutants_boot.py [NAME...]       default: all

Works on a copy of the tree in build/mutants-boot. Last line: `N passed, N failed, N skipped`.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "ci" / "fuzz" / "kernel"))
import ways  # noqa: E402

COPY = TOP / "build" / "mutants-boot"
LIMIT = 60  # seconds for a boot of a mutant; one that hangs has been noticed
PATIENCE = 600  # seconds for what must end well, however busy the machine is

# name: (file, text, what takes its place)
MUTANTS = {
    "flush_here": ("kern/mm/map.c", "        flush(cpu, address, pages);\n", "        {}\n"),
    "flush_elsewhere": ("kern/mm/map.c", "cpu_ask(others, flush, address, pages);", "others = 0;"),
    "zero_memory": ("kern/cap/untyped.c", "    arch_zero(arch_pointer(phys(untyped->address + "
                    "untyped->zeroed)), bytes);\n", ""),
    "restore_r15": ("arch/x86_64/trap/entry.asm", "    mov r15, [rax + FRAME_R15]\n    ; rcx",
                    "    ; rcx"),
    "restore_rbx": ("arch/x86_64/trap/entry.asm", "    mov rbx, [rax + FRAME_RBX]\n"
                    "    mov rbp, [rax + FRAME_RBP]\n    mov r14, [rax + FRAME_R14]\n"
                    "    mov r15, [rax + FRAME_R15]\n    ; rcx",
                    "    mov rbp, [rax + FRAME_RBP]\n    mov r14, [rax + FRAME_R14]\n"
                    "    mov r15, [rax + FRAME_R15]\n    ; rcx"),
    "restore_fpu": ("kern/sched/sched.c", "    arch_fpu_restore(fpu);\n", ""),
    "disable_fpu": ("kern/sched/sched.c", "        arch_fpu_disable();\n", ""),
    "rewrite_fs": ("arch/x86_64/include/arch/cpu.h", "(cpu->fs_base | frame->fs_base) != 0",
                   "cpu->fs_base != frame->fs_base"),
    "umip": ("arch/x86_64/cpu/features.c", "? CR4_UMIP : 0", "? 0 * CR4_UMIP : 0"),
    "sysenter": ("arch/x86_64/cpu/tables.c", "MSR_SYSENTER_CS, 0", "MSR_SYSENTER_CS, KERNEL_CS"),
    "jump_target": ("arch/x86_64/trap/trap.c", "        frame->rip = USER_END;", "        ;"),
    "slice": ("kern/sched/sched.c", "        cpu->slice--;", "        {}"),
}

FAST = "kern/ipc/fast.c"
WAYS = {
    "fast_words": (FAST, "{&to->frame, frame};\n}\n\nstruct arch_resume fast_reply_recv",
                   "{&to->frame, &to->frame};\n}\n\nstruct arch_resume fast_reply_recv"),
    "fast_badge": (FAST, "set_badge(&to->frame, slot->badge)", "set_badge(&to->frame, slot->badge & ~(1ul << 62))"),
    "fast_priority": (FAST, "to->priority < self->priority", "0"),
    "fast_cpu": (FAST, "(!MUTANT(fast_call_cpu) && to->cpu != cpu)", "0"),
    "fast_fpu": (FAST, "    sched_switch_fpu(cpu, to->fpu);\n", "    (void)cpu;\n"),
    "fast_order": (FAST, "link_append(&endpoint->receivers", "link_prepend(&endpoint->receivers"),
    "fast_fs": ("kern/include/kern/sched.h", "    arch_fs_switch(&cpu->arch, &to->frame);\n", ""),
    "fast_pending": (FAST, "endpoint->pending |= slot->badge", "endpoint->pending = slot->badge"),
}
EPISODES = 96  # enough for each of them
HANGS = 60     # seconds


def shell(*command):
    done = subprocess.run(command, cwd=COPY, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def build(target="kernel_test_iso"):
    return shell("cmake", "--build", "build", "--target", target)


def seen(way, silence=HANGS):
    return ways.seen(ways.ran(COPY / "build" / f"ways-{way}.iso", 1, EPISODES, silence=silence))


def passes(limit=LIMIT):
    """Whether all of the booted tests pass."""
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max,vendor=GenuineIntel", "-smp", "2", "-m", "256",
             "-nic", "none", "-display", "none", "-no-reboot", "-serial", f"file:{log.name}",
             "-cdrom", str(COPY / "build" / "kernel-test.iso")],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until, text = time.monotonic() + limit, ""
            while time.monotonic() < until and process.poll() is None:
                time.sleep(0.1)
                text = pathlib.Path(log.name).read_text(errors="replace")
                if re.search(r"guest end|^FAIL|panic", text, re.M):
                    break
        finally:
            process.kill()
            process.wait()
    return re.search(r"^kernel test: \d+ passed, 0 failed", text, re.M) is not None, text


def copy_tree():
    COPY.mkdir(parents=True, exist_ok=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout
    pack = subprocess.Popen(["tar", "--null", "-T", "-", "-cf", "-"], cwd=TOP, stdout=subprocess.PIPE,
                            stdin=subprocess.PIPE)
    unpack = subprocess.Popen(["tar", "-xf", "-"], cwd=COPY, stdin=pack.stdout)
    pack.stdin.write(files)
    pack.stdin.close()
    assert pack.wait() == 0 and unpack.wait() == 0


def lives(name, general):
    """What is wrong with this mutant's life; empty: a test ended it."""
    file, text, instead = MUTANTS.get(name) or WAYS[name]
    path = COPY / file
    whole = path.read_text()
    if whole.count(text) != 1:
        return f"{file} does not have its text once"
    path.write_text(whole.replace(text, instead))
    built, output = build("ways_fast_iso" if name in WAYS else "kernel_test_iso")
    good = built and (seen("fast") == general if name in WAYS else passes()[0])
    path.write_text(whole)
    return output[-2000:] if not built else "nothing notices" if good else ""


def main():
    names = sys.argv[1:] or [*MUTANTS, *WAYS]
    copy_tree()
    for step in (lambda: shell("cmake", "--preset", "pith"), build, lambda: build("ways_fast_iso"),
                 lambda: build("ways_general_iso")):
        done, output = step()
        if not done:
            print(output[-3000:], "0 passed, 1 failed, 0 skipped", sep="\n")
            return 1
    whole, text = passes(PATIENCE)
    if not whole:
        print(text[-3000:], "0 passed, 1 failed, 0 skipped", sep="\n")
        return 1
    general = seen("general", PATIENCE)
    if seen("fast", PATIENCE) != general or not general:
        print("fast and general path differ", "0 passed, 1 failed, 0 skipped", sep="\n")
        return 1
    failed = 0
    for name in names:
        wrong = lives(name, general)
        if wrong:
            failed += 1
            print(f"{name}: {wrong}", flush=True)
    print(f"{len(names) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
