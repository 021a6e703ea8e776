#!/usr/bin/python3
"""Every vector instruction gives the same compiled and interpreted, wherever its operands are.

usage: vectors.py RUNNER [SEED]      RUNNER: the built transcript.c

The specification's suite passes operands one way. Here each instruction is used with all
arrangements of locals in registers and in memory, of results that replace an operand, of one
operand twice, of constants. What comes out is stored and compared as a whole. No arithmetic on
NaNs, whose bits the specification leaves open. Ends with `N passed, N failed, N skipped`, one
for each instruction.
"""
import itertools
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[3]
FLOATS = [0.0, -0.0, 1.5, -2.25, 1e10, -3e9, 4294967295.5, 2147483647.0, -2147483648.0, 0.5, -0.5,
          3.0, 1e-3, 2147483648.0, 4294967296.0]
SPECIAL = [float("nan"), float("inf"), -float("inf"), 1e30]
COUNTS = [0, 1, 3, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 65, 127, -1]
RESULT = 64  # bytes that a function stores
PLACE = 60000  # where loads and stores happen
MANY = 14  # further vector locals, so that not all are in registers


def instructions():
    """(number, name, shape, type of the scalar, log2 of the lane) of the engine's own table."""
    text = '#include "simd.h"\n#define ROW(c, n, s, T, l) ROW c: n s T l\nWASM_SIMD(ROW)\n'
    engine = TOP / "servers/wasm/engine"
    done = subprocess.run(["gcc", "-E", "-P", f"-I{engine}/include", f"-I{engine}/src", "-x", "c", "-"],
                          input=text, capture_output=True, text=True, check=True)
    return [(sum(int(term, 0) for term in number.split("+")), name, shape, kind, int(log2))
            for number, name, shape, kind, log2 in
            re.findall(r"ROW ([^:]+): (\w+) (\w+) (\w+) (\d)\b", done.stdout)]


def lanes_of(name):
    """The float lanes that the instruction reads, and whether it may meet a NaN; or None."""
    for pattern, special in ((r"(f32x4|f64x2)_(?:pmin|pmax|eq|ne|lt|gt|le|ge)$", True),
                             (r"i32x4_trunc_sat_(f32x4|f64x2)", True),
                             (r"f64x2_promote_low_(f32x4)", False), (r"f32x4_demote_(f64x2)", False),
                             (r"(f32x4|f64x2)_(?!convert|splat|replace|extract|abs|neg)", False)):
        match = re.match(pattern, name)
        if match:
            return match.group(1), special
    return None


def constant(name):
    lanes = lanes_of(name)
    if not lanes:
        data = bytes(random.choice([0, 255, 128, 127, 1, random.randrange(256)]) for _ in range(16))
    else:
        values = FLOATS + (SPECIAL if lanes[1] else [])
        layout = "<4f" if lanes[0] == "f32x4" else "<2d"
        data = struct.pack(layout, *random.choices(values, k=int(layout[1])))
    return "(v128.const i8x16 " + " ".join(map(str, data)) + ")"


def shuffle_lanes():
    """Sixteen lane numbers: anything, or what one machine instruction does."""
    start, half, width = random.randrange(1, 16), random.choice([0, 8]), random.choice([1, 2, 4, 8])
    words = random.choice([[random.randrange(4) for _ in range(4)],
                           [random.randrange(4), random.randrange(4), random.randrange(4, 8), random.randrange(4, 8)]])
    lanes = random.choice([
        [random.randrange(32) for _ in range(16)], [16 + random.randrange(16) for _ in range(16)],
        [start + i for i in range(16)], [4 * word + i for word in words for i in range(4)],
        [i // (2 * width) * width + i % width + half + (16 if i & width else 0) for i in range(16)]])
    return " ".join(map(str, lanes))


def scalar(kind, lane):
    return {"I32": "(i32.mul (local.get $n) (i32.const 0x89abcdef))",
            "I64": "(i64.mul (i64.extend_i32_s (local.get $n)) (i64.const 0x89abcdef01234567))",
            "F32": f"(f32x4.extract_lane {lane % 4} (local.get $b))",
            "F64": f"(f64x2.extract_lane {lane % 2} (local.get $b))"}[kind]


def bits(kind, value):
    return {"I32": f"(i64.extend_i32_s {value})", "I64": value,
            "F32": f"(i64.extend_i32_u (i32.reinterpret_f32 {value}))",
            "F64": f"(i64.reinterpret_f64 {value})"}[kind]


def forms(name, shape, kind, log2):
    """Bodies that use the instruction: of vectors a, b, c, the i64 g and the loop's count n."""
    op, lanes = name.replace("_", ".", 1), 16 >> log2
    a, b, c, n = (f"(local.get ${x})" for x in "abcn")
    if shape in ("BINARY", "SHUFFLE"):
        for _ in range(1 if shape == "BINARY" else 12):
            use = f"{op} {shuffle_lanes()}" if shape == "SHUFFLE" else op
            yield from (f"(local.set ${to} ({use} {x} {y}))" for to in "abc" for x, y in ((a, b), (b, a)))
            yield f"(local.set $a ({use} {a} {a}))"
            yield f"{a} (local.set $a ({use} {a} {b})) (local.set $c)"
            yield f"(local.set $c ({use} {a} {constant(name)})) (local.set $b ({use} {constant(name)} {a}))"
    elif shape == "UNARY":
        yield from (f"(local.set ${to} ({op} {a}))" for to in "bc")
        yield f"{b} (local.set $b ({op} {a})) (local.set $c)"
        if not lanes_of(name):
            yield f"(local.set $a ({op} {a}))"
    elif shape == "TERNARY":
        for x, y, z, to in itertools.product("abc", repeat=4):
            yield f"(local.set ${to} ({op} (local.get ${x}) (local.get ${y}) (local.get ${z})))"
    elif shape == "TEST":
        for x in (a, b, "(v128.const i64x2 0 0)", "(i8x16.splat (i32.const 1))"):
            yield f"(local.set $g (i64.add (local.get $g) (i64.extend_i32_u ({op} {x}))))"
            yield f"(if ({op} {x}) (then (local.set $c {a})))"
            yield f"(if (i32.eqz ({op} {x})) (then (local.set $c {a})))"
    elif shape == "SHIFT":
        for count in COUNTS:
            yield f"(local.set $b ({op} {a} (i32.const {count})))"
            yield f"(local.set $a ({op} {a} (i32.add {n} (i32.const {count}))))"
    elif shape == "SPLAT":
        yield from (f"(local.set $a ({op} {scalar(kind, lane)}))" for lane in range(2))
    elif shape == "EXTRACT":
        for lane in range(lanes):
            yield (f"(local.set $g (i64.xor (i64.rotl (local.get $g) (i64.const 7)) "
                   f"{bits(kind, f'({op} {lane} {a})')}))")
    elif shape == "REPLACE":
        for lane, to in itertools.product(range(lanes), "abc"):
            yield f"(local.set ${to} ({op} {lane} {a} {scalar(kind, lane)}))"
    else:
        yield from accesses(op, shape, lanes)


def accesses(op, shape, lanes):
    far, near = f"offset={PLACE}", f"(i32.add (local.get $n) (i32.const {PLACE}))"
    for lane in range(lanes) if shape.endswith("LANE") else [""]:
        if shape == "LOAD":
            yield f"(local.set $a ({op} {near})) (local.set $b ({op} {far} (i32.const 3)))"
        elif shape == "LOAD_LANE":
            yield from (f"(local.set ${to} ({op} {lane} {near} (local.get $a)))" for to in "ab")
        else:
            yield f"({op} {far} {lane} (local.get $n) (local.get $a)) (local.set $c (v128.load {near}))"


def module(instruction):
    """A module in text form: each form in a loop, with few locals and with many."""
    functions = []
    for body, many in itertools.product(forms(*instruction), (False, True)):
        at = len(functions) * RESULT
        more = range(MANY if many else 0)
        values = "".join(f"(local.set ${x} {constant(instruction[0])})" for x in "abc")
        busy = "".join(f"(local.set $x{i} (v128.xor (local.get $x{i}) (local.get $x{(i + 1) % MANY})))" * 3
                       for i in more)
        stores = "".join(f"(v128.store offset={at + 16 * i} (i32.const 0) (local.get ${x}))"
                         for i, x in enumerate("abc"))
        functions.append(
            f'(func (export "f{len(functions)}") (local $a v128) (local $b v128) (local $c v128) (local $n i32)'
            f'(local $g i64) {"".join(f"(local $x{i} v128)" for i in more)} {values} (local.set $n (i32.const 2))'
            f"(loop $again {busy} {body} (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
            f"{stores} (i64.store offset={at + 48} (i32.const 0) (local.get $g)))")
    assert len(functions) * RESULT < PLACE
    data = "".join(f"\\{random.randrange(256):02x}" for _ in range(64))
    return f'(module (memory (export "memory") 1) (data (i32.const {PLACE}) "{data}")\n' + "\n".join(functions) + ")"


def transcripts(runner, mode, paths):
    done = subprocess.run([runner, mode], input="\n".join(map(str, paths)) + "\n", capture_output=True, text=True,
                          check=True)
    return re.findall(r"^memory .*$|^not compiled$", done.stdout, re.M)


def main(runner, seed="1"):
    random.seed(int(seed))
    everything, failed = [row[1:] for row in instructions()], 0
    with tempfile.TemporaryDirectory() as scratch:
        paths = []
        for instruction in everything:
            text = pathlib.Path(scratch) / f"{instruction[0]}.wat"
            text.write_text(module(instruction))
            paths.append(text.with_suffix(".wasm"))
            subprocess.run(["wat2wasm", text, "-o", paths[-1]], check=True)
        results = [transcripts(runner, mode, paths) for mode in ("interpreter", "compiler")]
    for index, (name, *_) in enumerate(everything):
        pair = [result[index] if index < len(result) else "no answer" for result in results]
        if pair[0] != pair[1] or not pair[0].startswith("memory"):
            failed += 1
            print(f"{name}: interpreter {pair[0]}, compiler {pair[1]}")
    print(f"{len(everything) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not everything else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
