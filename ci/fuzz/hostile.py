#!/usr/bin/python3
"""No module costs more instructions for its bytes than a few times what an ordinary one does.

usage: hostile.py RUNNER [NAME...]      RUNNER: the built ci/fuzz/differential/transcript.c

Each module here repeats, some hundred thousand bytes long, what would be dear in a decoder, validator,
translator or compiler that looks through a list where it should not. It is loaded, validated, compiled,
instantiated, and its function `f`, if it has one, called; the instructions for a byte, which valgrind counts,
are compared with those of a module of ordinary functions. So the figures are the same on a busy machine. A
refusal for size is as good as an acceptance, if it is as quick. Ends with `N passed, N failed, N skipped`, one
for each module and engine.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parent / "differential"))
from denan import module, number  # pylint: disable=wrong-import-position

MOST = 20  # times the ordinary module's instructions for a byte
# Where a few bytes stand for a thousand values, for address space, or for a backtrace, it takes more.
MOST_DEAR = 150
DEAR = ("conditional_branches", "many_parameters", "many_results", "many_joins", "many_arguments", "table_of_values", "many_memories",
        "trap_in_a_large_function")
LIMIT = 300  # seconds; nothing here takes a hundredth of it
I32, F64 = b"\x7f", b"\x7c"
GET, SET, DROP, END = b"\x20", b"\x21", b"\x1a", b"\x0b"
CONST = b"\x41\x01"


def vector(items):
    return number(len(items)) + b"".join(items)


def name(text):
    return number(len(text)) + text


def functype(params=b"", results=b""):
    return b"\x60" + name(params) + name(results)


def body(code, *runs):
    """A function's body; `runs`: (count, type) of its locals."""
    whole = vector([number(count) + kind for count, kind in runs]) + code + END
    return number(len(whole)) + whole


def make(bodies, types=(functype(),), kinds=None, **parts):
    """A module of these bodies, all of type 0 unless `kinds` says, the first exported; `parts`: other
    sections, s1 and so on."""
    if bodies:
        parts = {"s7": vector([name(b"f") + b"\0\0"]), **parts}
    found = {1: vector(types), 3: vector([number(kind) for kind in kinds or [0] * len(bodies)]),
             5: b"\1\0\1", 10: vector(bodies), **{int(key[1:]): part for key, part in parts.items()}}
    return module([(kind, found[kind]) for kind in sorted(found, key=lambda kind: 9.5 if kind == 12 else kind)])


def ordinary():
    """for (i = 0; i < n; i++) sum += memory[4 * i] * i, and a call of the function before."""
    code = (b"\x02\x40\x20\x00\x45\x0d\x00\x03\x40\x20\x01\x20\x02\x41\x02\x74\x28\x02\x10\x20\x02\x6c\x6a\x21\x01"
            b"\x20\x02\x41\x01\x6a\x22\x02\x20\x00\x49\x0d\x00\x0b\x0b\x20\x01")
    return make([body(code + (b"\x10" + number(i - 1) if i else b""), (3, I32)) for i in range(10000)],
                types=(functype(I32, I32),))


def locals_on_the_stack():
    """Each local is assigned when all are on the stack."""
    count = 32000
    code = b"".join(GET + number(i) for i in range(count))
    code += b"".join(CONST + SET + number(i) for i in range(count))
    return make([body(code + DROP * count, (count, I32))])


def copies_below_constants():
    """Deep values get registers when their local is assigned, and lose them to what comes above."""
    count = 20000
    code = b"".join(GET + number(i) for i in range(count)) + CONST * 20000
    push = GET + b"\0" + b"\x45"
    code += b"".join(CONST + SET + number(i) + push * 12 + DROP * 12 for i in range(count))
    return make([body(code + DROP * (20000 + count), (count, I32))])


def many_parameters():
    """Functions of three bytes with a thousand parameters each."""
    return make([body(b"")] * 9900, types=(functype(I32 * 500 + F64 * 500),))


def many_locals():
    """Functions of six bytes with 50,000 locals each."""
    return make([body(b"", (50000, I32))] * 40000)


def many_results():
    """Blocks that take and give a thousand values."""
    block = b"\x02\x01" + END
    return make([body(b"\x41\0" * 1000 + block * 60000 + b"\x0f")],
                types=(functype(), functype(I32 * 1000, I32 * 1000)))


def many_joins():
    """The same, and each is left by a branch."""
    return make([body(b"\x41\0" * 1000 + (b"\x02\x01\x0c\0" + END) * 60000 + b"\x0f")],
                types=(functype(), functype(I32 * 1000, I32 * 1000)))


def dead_results():
    """The same, out of reach."""
    return make([body(b"\x00" + (b"\x02\x01" + END) * 60000 + b"\0")], types=(functype(), functype(I32 * 1000, I32 * 1000)))


def many_arguments():
    """Calls with a thousand arguments that lie there already."""
    call = b"\x10\1"
    returns = b"".join(GET + number(i) for i in range(1000))
    return make([body(b"\x41\0" * 1000 + call * 60000 + b"\x0f"), body(returns)], kinds=[0, 1],
                types=(functype(), functype(I32 * 1000, I32 * 1000)))


def conditional_branches():
    """br_if that carries a thousand values."""
    return make([body(b"\x02\x01" + b"\x41\0" * 1000 + (GET + b"\0\x0d\0") * 60000 + END + b"\x0f", (1, I32))],
                types=(functype(), functype(b"", I32 * 1000)))


def table_of_values():
    """A br_table of many labels that carries a thousand values."""
    return make([body(b"\x02\x01" + b"\x41\0" * 1000 + GET + b"\0\x0e" + number(200000) + b"\0" * 200001 + END + b"\x0f",
                      (1, I32))], types=(functype(), functype(b"", I32 * 1000)))


def table_of_depths():
    """A br_table that names each of many blocks, twice."""
    count = 50000
    labels = b"".join(number(i) for i in range(count)) * 2
    return make([body(b"\x02\x40" * count + GET + b"\0\x0e" + number(2 * count) + labels + b"\0" + END * count,
                      (1, I32))])


def deep(opcode):
    count = 100000
    return make([body((GET + b"\0" if opcode == b"\x04" else b"") + (opcode + b"\x40" +
                      (GET + b"\0" if opcode == b"\x04" else b"")) * count + DROP * (opcode == b"\x04") + END * count,
                      (1, I32))])


def empty_functions():
    return make([body(b"")] * 200000)


def many_types():
    """As many function types as bytes allow, all different."""
    kinds = [I32, b"\x7e", b"\x7d", F64]
    types = [functype(b"".join(kinds[i >> 2 * k & 3] for k in range(9))) for i in range(1 << 17)]
    return make([], types=types)


def many_exports():
    names = [b"x" * 40 + b"%06d" % i for i in range(20000)]
    return make([], s4=b"\1\x70\0\1", s7=vector([name(text) + b"\1\0" for text in names]))


def exports_that_defeat_a_quicksort():
    """Two descending halves about their median, which libraries' qsort takes for sorted."""
    half = 20000
    order = [*range(half - 1, -1, -1), half, *range(2 * half, half, -1)]
    return make([], s4=b"\1\x70\0\1", s7=vector([name(bytes([i >> 14, i >> 7 & 127, i & 127])) + b"\1\0" for i in order]))


def many_imports():
    """Each is looked for among as many definitions."""
    names = [name(b"m" * 10 + b"%06d" % i) + name(b"n") + b"\0\0" for i in range(40000)]
    return make([], s2=vector(names))


def data_segments():
    return make([], s11=vector([b"\0\x41\0\x0b\0"] * 100000))


def element_segments():
    return make([body(b"")], s4=b"\1\x70\0\1", s9=vector([b"\0\x41\0\x0b\1\0"] * 80000))


def many_globals():
    return make([], s6=vector([b"\x7f\0\x41\0\x0b"] * 100000))


def many_tables():
    return make([], s4=vector([b"\x70\0\0"] * 100000))


def many_memories():
    return make([], s5=vector([b"\0\0"] * 100000))


def many_constants():
    code = b"".join(b"\x44" + (i * 0x9e3779b97f4a7c15 % 2 ** 64).to_bytes(8, "little") + SET + b"\0" for i in range(50000))
    return make([body(code, (1, F64))])


def calls_forward():
    """Calls of functions that come later."""
    count = 20000
    return make([body(b"\x10" + number(count - 1) + b"\x10" + number(max(i, count // 2))) for i in range(count)])


def trap_in_a_large_function():
    """A recursion without end whose every frame is in the middle of a large function."""
    filler = b"\x41\0\x1a" * 50000
    return make([body(filler + b"\x10\0" + filler)])


def long_names():
    """A trap below functions whose names are at the end of many."""
    names = vector([number(i) + name(b"n" * 9) for i in range(40000)])
    section = name(b"name") + b"\1" + number(len(names)) + names
    return make([body(b"\x10" + number(i + 1) if i < 39999 else b"\0") for i in range(40000)]) + b"\0" + number(len(section)) + section


CASES = [locals_on_the_stack, copies_below_constants, many_parameters, many_locals,
         many_results, many_joins, dead_results, many_arguments, conditional_branches, table_of_values, table_of_depths,
         empty_functions, many_types, many_exports, exports_that_defeat_a_quicksort, many_imports, data_segments, element_segments, many_globals,
         many_tables, many_memories, many_constants, calls_forward, trap_in_a_large_function, long_names]
MODULES = {case.__name__: case for case in CASES}
MODULES.update({f"deep_{word}": (lambda opcode=opcode: deep(opcode))
                for word, opcode in (("blocks", b"\2"), ("loops", b"\3"), ("ifs", b"\4"))})


def measured(runner, mode, data, folder):
    """Instructions that the engine takes for the module, its exit status, and what it says."""
    path, log = pathlib.Path(folder) / "module.wasm", pathlib.Path(folder) / "counts"
    path.write_bytes(data)
    done = subprocess.run(["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
                           f"--log-file={log}", runner, mode], input=f"{path}\n".encode(), stdout=subprocess.PIPE,
                          timeout=LIMIT, check=False)
    count = re.search(r"I +refs: +([\d,]+)", log.read_text())
    return int(count[1].replace(",", "")), done.returncode, done.stdout.decode(errors="replace")


def main(runner, names):
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for mode in ("interpreter", "compiler"):
            data = ordinary()
            count, _, said = measured(runner, mode, data, folder)
            assert said.endswith("\ncall f i32:00000000\n"), said
            price = count / len(data)
            print(f"ordinary {mode}: {len(data)} bytes, {price:.0f} instructions for each")
            for case in names:
                data, most = MODULES[case](), MOST_DEAR if case in DEAR else MOST
                count, status, said = measured(runner, mode, data, folder)
                ratio = count / len(data) / price
                line = ", ".join(said.splitlines()[1:3])[:90]
                print(f"{case} {mode}: {len(data)} bytes, {count} instructions, {ratio:.1f} times; {line}", flush=True)
                failed += status != 0 or ratio > most
    print(f"{2 * len(names) - failed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:] or list(MODULES)))
