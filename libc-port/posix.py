#!/usr/bin/python3
"""Makes docs/reference/posix.md: which call of the C library is complete, partial or absent.

    posix.py SYSROOT CC NOTES PAGE [--check] [FLAG...]

What the headers declare comes from the compiler (-aux-info), what is there from the archives,
what deviates from NOTES (posix.txt). Exit status 1, and a line that says where, if the notes
name a call that is not there, or with --check if the page is not what it would be."""

import os
import re
import subprocess
import sys
import tempfile

# Headers whose functions are listed. Those of newlib alone (math, wide characters, ...) are ISO C
# and come whole.
HEADERS = """dirent dlfcn err fcntl fnmatch glob grp iconv langinfo libgen locale malloc poll pwd
regex sched search setjmp signal spawn stdio stdlib string strings sys/ioctl sys/mman sys/random
sys/resource sys/select sys/stat sys/statvfs sys/time sys/times sys/uio sys/utsname sys/wait
termios time unistd utime wchar math""".split()


def declared(compiler, flags):
    """{function: header} of everything that the headers declare."""
    with tempfile.TemporaryDirectory() as folder:
        source, listing = os.path.join(folder, "all.c"), os.path.join(folder, "list")
        with open(source, "w", encoding="utf-8") as file:
            file.writelines(f"#include <{name}.h>\n" for name in HEADERS)
        subprocess.run([compiler, *flags, "-D_GNU_SOURCE", "-fsyntax-only", "-aux-info", listing,
                        source], check=True)
        with open(listing, encoding="utf-8") as file:
            lines = file.read().splitlines()
    found = {}
    for line in lines:
        match = re.match(r"/\* .*/include/(?:newlib/)?([^:]+):\d+:.. \*/ (.*)", line)
        if match and "static" not in match.group(2):
            for name in re.findall(r"\b([a-z]\w*) \(", match.group(2))[:1]:
                if name not in ("void",):
                    found.setdefault(name, match.group(1))
    return found


def defined(sysroot):
    names = set()
    for archive in ("libc.a", "libm.a", "libpith.a"):
        path = os.path.join(sysroot, "lib", archive)
        listing = subprocess.run(["nm", "--defined-only", path], check=True,
                                 capture_output=True, text=True).stdout
        names.update(re.findall(r"^\S+ [TWDB] (\S+)$", listing, re.M))
    return names


def read_notes(path, there):
    """{name: (state, note)}; a name that is not there is an error."""
    notes, errors = {}, []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = re.match(r"(partial|refused) ([^:]+): (.*)", line)
            if not match:
                if line.strip() and not line.startswith("#"):
                    errors.append(f"{path}:{number}: not STATE NAME...: NOTE")
                continue
            for name in match.group(2).split():
                if name not in there:
                    errors.append(f"{path}:{number}: {name} is not in the library")
                notes[name] = (match.group(1), match.group(3))
    return notes, errors


def page(headers, there, notes):
    absent = sorted(name for name in headers if name not in there)
    complete = sorted(name for name in headers if name in there and name not in notes)
    text = ["# The C library: what is there", "",
            "Made from the headers, the library and `libc-port/posix.txt` by `libc-port/posix.py`:",
            "change those, not this.", ""]
    for state, meaning in (("partial", "works, within the limit named"),
                           ("refused", "always fails, with the errno named")):
        text += [f"## {state.capitalize()}: {meaning}", "", "| calls | note |", "|---|---|"]
        groups = {}
        for name, (what, note) in notes.items():
            if what == state:
                groups.setdefault(note, []).append(name)
        text += [f"| {' '.join(f'`{name}`' for name in names)} | {note} |"
                 for note, names in groups.items()]
        text.append("")
    text += ["## Absent: declared, but linking fails", "", " ".join(f"`{n}`" for n in absent), "",
             "Threads (`pthread.h`), sockets, System V and POSIX message queues, semaphores and",
             "shared memory have no declarations either.", "",
             "## Complete", "", " ".join(f"`{n}`" for n in complete), ""]
    return "\n".join(text)


def main():
    sysroot, compiler, notes_path, page_path, *flags = sys.argv[1:]
    check = "--check" in flags
    flags = [flag for flag in flags if flag != "--check"]
    there = defined(sysroot)
    notes, errors = read_notes(notes_path, there)
    if errors:
        print("\n".join(errors), file=sys.stderr)
        return 1
    text = page(declared(compiler, flags), there, notes)
    try:
        with open(page_path, encoding="utf-8") as file:
            old = file.read()
    except FileNotFoundError:
        old = ""
    if old == text:
        return 0
    if check:
        print(f"{page_path}: not what its sources say; build the target sdk", file=sys.stderr)
        return 1
    with open(page_path, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
