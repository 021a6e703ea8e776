"""Valid modules that are hard on a compiler's registers and on a decoder's patience.

usage: pressure.py FOLDER COUNT [FIRST-SEED [INSTRUCTIONS]]      writes FOLDER/pressure-SEED.wasm

What wasm-opt's generator rarely makes: deep operand stacks, many parameters and locals of all types, many
values across calls, br_table that carries several, blocks with parameters and results, tail calls, typed
select, vectors and atomics among all of this, and every LEB128 number now and then longer than it must be
(specification 5.2.2 allows up to ceil(N/7) bytes). differential.py compares what engines make of them.
"""
import pathlib
import random
import struct
import sys

from instructions import F32, F64, I32, I64, NUMERIC, V128
from pressure_body import GLOBALS, HANG, TURNS, Body


class Module:
    def __init__(self, seed, instructions, tail_calls):
        self.random = random.Random(seed)
        self.instructions, self.tail_calls = instructions, tail_calls
        self.long = self.random.choice([0, 0.1, 0.5])  # share of numbers in more bytes than needed
        self.types = []
        pool = [self.types_list(0, 3) for _ in range(2)] + [self.types_list(1, 1)]
        self.logs = [self.type_of(self.types_list(0, 10, (I32, I64, F32, F64)), results)
                     for results in ([], [self.random.choice([I32, I64, F32, F64])])]
        self.functions = [self.type_of(self.types_list(0, self.random.choice([3, 9, 20])), self.random.choice(pool))
                          for _ in range(self.random.randrange(2, 7))]
        self.plain = self.type_of([], [])
        self.shared = self.random.random() < 0.3

    def chance(self, share):
        return self.random.random() < share

    def types_list(self, least, most, among=NUMERIC):
        return self.random.choices(among, k=self.random.randint(least, most))

    def type_of(self, params, results):
        wanted = (tuple(params), tuple(results))
        if wanted not in self.types:
            self.types.append(wanted)
        return self.types.index(wanted)

    def number(self, value, most=5, signed=False):
        """LEB128; of the longer forms that `most` bytes allow, any."""
        out = bytearray()
        while not (-64 <= value < 64 if signed else 0 <= value < 128):
            out.append(value & 0x7f | 0x80)
            value >>= 7
        out.append(value & 0x7f)
        while len(out) < most and self.chance(self.long):
            out[-1] |= 0x80
            out.append(0x7f if value < 0 else 0)
        return bytes(out)

    def integer(self, value, kind):
        bits = 32 if kind == I32 else 64
        value = (value & (1 << bits) - 1) - ((value >> (bits - 1) & 1) << bits)
        return self.number(value, 5 if kind == I32 else 10, signed=True)

    def vector(self, items):
        return self.number(len(items)) + b"".join(items)

    def name(self, text):
        return self.number(len(text)) + text.encode()

    def constant(self, kind):
        """An instruction."""
        numbers = self.random
        if kind in (I32, I64):
            value = numbers.choice([0, 1, -1, numbers.randrange(-300, 300), numbers.getrandbits(64), 1 << 31, 1 << 63])
            return bytes([0x41 if kind == I32 else 0x42]) + self.integer(value, kind)
        if kind in (F32, F64):
            value = numbers.choice([0.0, -0.0, 1.0, -1.5, 1e10, 0.1, float("inf"), float(numbers.randrange(-999, 999))])
            return b"\x43" + struct.pack("<f", value) if kind == F32 else b"\x44" + struct.pack("<d", value)
        if kind == V128:
            return b"\xfd" + self.number(12) + numbers.randbytes(16)
        return b"\xd0\x70"

    def section(self, kind, body):
        return bytes([kind]) + self.number(len(body)) + body

    def bytes(self):
        first = len(self.logs)
        bodies = [Body(self, index).function() for index in range(len(self.functions))]
        bodies += [Body(self, index).driver() for index in range(len(self.functions))]
        bodies += [b"\0\x41" + self.integer(TURNS, I32) + b"\x24" + self.number(HANG) + b"\x0b"]
        indices = [*self.functions, *[self.plain] * (len(self.functions) + 1)]
        names = [f"f{i}" for i in range(len(indices) - 1)] + ["hangLimitInitializer"]
        exports = [self.name(name) + b"\0" + self.number(first + i) for i, name in enumerate(names)]
        exports += [self.name(f"global {i}") + b"\3" + self.number(i) for i in range(len(GLOBALS))]
        exports += [self.name("memory") + b"\2" + self.number(0)]
        imports = [self.name("env") + self.name(f"log{i}") + b"\0" + self.number(kind)
                   for i, kind in enumerate(self.logs)]
        elements = self.vector([self.number(first + i) for i in range(len(self.functions))])
        types = self.vector([b"\x60" + b"".join(self.vector([bytes([t]) for t in part]) for part in kind)
                             for kind in self.types])
        data = self.random.randbytes(300)
        parts = [
            (1, types), (2, self.vector(imports)), (3, self.vector([self.number(kind) for kind in indices])),
            (4, self.vector([b"\x70\0" + self.number(len(self.functions) + 2)])),
            (5, self.vector([(b"\3" if self.shared else b"\1") + self.number(1) + self.number(3)])),
            (6, self.vector([bytes([kind, 1]) + self.constant(kind) + b"\x0b" for kind in GLOBALS])),
            (7, self.vector(exports)),
            (9, self.vector([self.number(0) + b"\x41" + self.integer(0, I32) + b"\x0b" + elements])),
            (12, self.number(2)), (10, self.vector([self.number(len(body)) + body for body in bodies])),
            (11, self.vector([self.number(0) + b"\x41" + self.integer(8, I32) + b"\x0b" + self.number(300) + data,
                              self.number(1) + self.number(64) + data[:64]]))]
        return b"\0asm\1\0\0\0" + b"".join(self.section(kind, body) for kind, body in parts)


def module(seed, instructions=120, tail_calls=True):
    """The bytes of the module of this seed, of some `instructions` in each function."""
    return Module(seed, instructions, tail_calls).bytes()


def main(folder, count, first=0, instructions=120):
    for seed in range(int(first), int(first) + int(count)):
        (pathlib.Path(folder) / f"pressure-{seed}.wasm").write_bytes(module(seed, int(instructions)))


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
