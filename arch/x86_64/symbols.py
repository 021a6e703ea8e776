"""Makes the table of function names that the kernel's panic backtrace reads.

symbols.py OUT.c [KERNEL]      writes the table of KERNEL's functions, or an empty one
symbols.py --check FIRST LAST  fails if a function of FIRST has another address in LAST

Called by arch/x86_64/CMakeLists.txt between the kernel's two links.
"""
import re
import subprocess
import sys

LABEL = re.compile(r"\.(?!part|constprop|isra|cold)")


def functions(kernel):
    """[(address, name)] of the kernel's code in the upper half, ascending, one per address."""
    listing = subprocess.run(["nm", "-n", kernel], check=True, capture_output=True, text=True)
    found = {}
    for line in listing.stdout.splitlines():
        address, kind, name = line.split()
        # A dot is in names of assembly labels inside functions, and in clones that gcc makes.
        if kind in "Tt" and int(address, 16) >= 1 << 63 and not LABEL.search(name):
            found.setdefault(int(address, 16), name)
    return sorted(found.items())


def write(out, table):
    """The C file: offsets of functions and of their names, and the names."""
    rows, names, at = [], [], 0
    for address, name in table:
        rows.append(f"    {{{address & 0x7fffffff:#x}, {at}}},")
        names.append(f'    "{name}\\0"')
        at += len(name) + 1
    with open(out, "w", encoding="utf-8") as f:
        f.write('// Made by arch/x86_64/symbols.py.\n#include "trap/symbols.h"\n\n')
        f.write(f"IN_SYMBOLS const uint32_t symbols_count = {len(table)};\n")
        f.write("IN_SYMBOLS const struct symbol symbols[] = {\n")
        f.write("\n".join(rows) + "\n    {0, 0},\n};\n")
        f.write("IN_SYMBOLS const char symbols_names[] =\n" + "\n".join(names) + '\n    "";\n')


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "--check":
        moved = set(functions(arguments[1])) ^ set(functions(arguments[2]))
        if moved:
            sys.exit(f"symbols.py: functions moved between the links: {sorted(moved)[:4]}")
    elif len(arguments) in (1, 2):
        write(arguments[0], functions(arguments[1]) if len(arguments) == 2 else [])
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
