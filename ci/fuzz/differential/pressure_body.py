"""The functions of pressure.py.

A function is made as a walk: a step takes an instruction whose operands are on the stack already, if
one of a few drawn does; what lacks is pushed. `code` and `stack` (the types) say where the walk is.
No scalar float is ever a NaN, and vectors lose theirs behind each instruction that may make one (denan.py).
Nothing runs long: every loop's head and function's entry counts a global down, and returns at 0.
"""
import denan
from instructions import (ATOMIC_WIDTHS, F32, F64, FUNCREF, I32, I64, LOADS, NUMERIC, SATURATING, SCALAR, SCALARS,
                          STORES, TRAPPING, V128, VECTOR, VECTOR_SHAPES, WIDTH)

TURNS = 64  # loops and calls until everything returns
MASK = 0x7ff8  # of an address: aligned for every access; offsets stay below MASK too
LOOP, HANG = 3, 0  # opcode; global
GLOBALS = (I32, *NUMERIC)


class Body:
    def __init__(self, module, index):
        self.m, self.random, self.chance = module, module.random, module.chance
        self.index = index
        self.code, self.stack, self.labels = bytearray(), [], []
        self.base = 0  # of the innermost block's operands
        self.params, self.results = module.types[module.functions[index]]
        self.left = self.random.randrange(10, 2 * module.instructions)
        self.deep = self.random.choice([4, 12, 30, 60])
        self.computed = self.random.choice([0.2, 0.4, 0.9])  # share of pushed values

    # ---- Emitting ----

    def emit(self, op, *numbers):
        self.code += op if isinstance(op, bytes) else bytes([op])
        for number in numbers:
            self.code += self.m.number(number)

    def emit_typed(self, op, kind):
        """A block's opcode and type."""
        params, results = kind
        self.emit(op)
        if params or len(results) > 1 or self.chance(0.1):
            self.code += self.m.number(self.m.type_of(params, results), signed=True)
        else:
            self.code += bytes(results) or b"\x40"

    def without_nan(self, kind):
        local = self.scratch[kind]
        self.emit(0x22, local)
        if kind == V128:
            return
        self.code += b"\x43" + bytes(4) if kind == F32 else b"\x44" + bytes(8)
        self.emit(0x20, local)
        self.emit(0x20, local)
        self.emit(b"\x5b\x1b" if kind == F32 else b"\x61\x1b")  # eq, select

    def vector_without_nan(self, lane):
        self.emit(0x22, self.scratch[V128])
        self.emit(0x20, self.scratch[V128])
        self.emit(0x20, self.scratch[V128])
        self.emit(denan.EQUAL[lane] + denan.V128_AND)

    # ---- Operands ----

    def push(self, kind, depth=0):
        """Pushes any value of this type; `depth`: of instructions behind it."""
        same = [i for i, local in enumerate(self.locals) if local == kind]
        if depth < 3 and kind != FUNCREF and self.chance(self.computed):
            self.instruction([row for row in SCALAR if row[2] == (kind,)] if kind != V128 else None, depth + 1)
        elif same and self.chance(0.75):
            self.emit(0x20, self.random.choice(same))
            self.stack.append(kind)
        elif kind in GLOBALS and self.chance(0.3):
            self.emit(0x23, self.random.choice([i for i, of in enumerate(GLOBALS) if of == kind and i != HANG]))
            self.stack.append(kind)
        elif kind == FUNCREF and self.chance(0.5):
            self.emit(0xd2, len(self.m.logs) + self.random.randrange(len(self.m.functions)))
            self.stack.append(kind)
        else:
            self.code += self.m.constant(kind)
            self.stack.append(kind)

    def arrange(self, wanted, depth=0):
        """The top of the stack has these types: what is there serves, unless others wait for it."""
        wanted = list(wanted)
        have = 0 if depth else min(len(wanted), len(self.stack) - self.base)
        while have and self.stack[len(self.stack) - have:] != wanted[:have]:
            have -= 1
        for kind in wanted[have:]:
            self.push(kind, depth)

    def pop(self, count):
        if count:
            del self.stack[-count:]

    def address(self, depth):
        """A masked address on top."""
        self.arrange([I32], depth)
        if not self.chance(0.002):
            self.code += b"\x41" + self.m.integer(MASK, I32) + b"\x71"

    def access(self, op, log2, aligned=False):
        self.emit(op, log2 if aligned else self.random.randint(0, log2))
        self.emit(b"", self.random.choice([0, 0, 8, 120, 128, 0x1000, MASK - 16]))

    def sink(self):
        """Takes the top value."""
        kind = self.stack[-1]
        same = [i for i, local in enumerate(self.locals) if local == kind]
        if kind in NUMERIC and self.chance(0.3):
            self.emit(0x21, self.scratch[kind])
            self.pop(1)
            self.address(2)
            self.emit(0x20, self.scratch[kind])
            store = {I32: b"\x36", I64: b"\x37", F32: b"\x38", F64: b"\x39", V128: b"\xfd\x0b"}[kind]
            self.access(store, 2)
        elif kind in NUMERIC and self.chance(0.3):
            self.emit(0x24, self.random.choice([i for i, of in enumerate(GLOBALS) if of == kind and i != HANG]))
        elif same and self.chance(0.8):
            self.emit(0x21, self.random.choice(same))
        else:
            self.emit(0x1a)
        self.pop(1)

    # ---- Steps ----

    def instruction(self, table=None, depth=0):
        """An instruction without effects on other than the stack."""
        if table is None:
            if self.chance(0.3) or depth:
                return self.vector_instruction(depth)
            table = SCALAR
        for _ in range(8):
            op, params, results, nan = row = self.random.choice(table)
            if tuple(self.stack[self.base:][-len(params):]) == params:
                break
        op, params, results, nan = row
        self.arrange(params, depth)
        self.emit(op)
        self.pop(len(params))
        self.stack += results
        if nan:
            self.without_nan(results[0])
        return None

    def vector_instruction(self, depth=0):
        """One that gives a vector, if others wait for it."""
        while True:
            number, name, shape, scalar, log2 = self.random.choice(VECTOR)
            if shape not in ("STORE", "STORE_LANE") and not (depth and shape in ("TEST", "EXTRACT")):
                break
        scalar = SCALARS[scalar]
        result = {"TEST": I32, "EXTRACT": scalar}.get(shape, V128)
        if shape in ("LOAD", "LOAD_LANE"):
            self.address(depth)
            params = (I32,) if shape == "LOAD" else (I32, V128)
            if shape == "LOAD_LANE":
                self.push(V128, depth + 1)
        else:
            params = VECTOR_SHAPES.get(shape) or ((scalar,) if shape == "SPLAT" else (V128, scalar))
            self.arrange(params, depth)
        op = b"\xfd" + self.m.number(number)
        if shape in ("LOAD", "LOAD_LANE"):
            self.access(op, log2)
        else:
            self.emit(op)
        if shape in ("EXTRACT", "REPLACE", "LOAD_LANE"):
            self.code.append(self.random.randrange(16 >> log2))
        elif shape == "SHUFFLE":
            self.code += bytes(self.random.randrange(32) for _ in range(16))
        self.pop(len(params))
        self.stack.append(result)
        if number in denan.MAKES_NAN:
            self.vector_without_nan(denan.MAKES_NAN[number])
        if result in (F32, F64):
            self.without_nan(result)

    def divide(self):
        op, params, result = self.random.choice(TRAPPING)
        self.arrange(params)
        if not self.chance(0.01):
            self.code += b"\x41\1\x72" if result == I32 else b"\x42\1\x84"  # | 1
        self.emit(op)
        self.pop(2)
        self.stack.append(result)

    def saturate(self):
        number = self.random.randrange(8)
        self.arrange([SATURATING[number][0]])
        self.emit(0xfc, number)
        self.pop(1)
        self.stack.append(SATURATING[number][1])

    def load(self):
        op = self.random.choice([*LOADS])
        self.address(0)
        self.access(bytes([op]), WIDTH[op])
        self.stack[-1] = LOADS[op]
        if LOADS[op] in (F32, F64):
            self.without_nan(LOADS[op])

    def store(self):
        op = self.random.choice([*STORES])
        self.address(0)
        self.push(STORES[op])
        self.access(bytes([op]), WIDTH[op])
        self.pop(2)

    def atomic(self):
        number = self.random.randrange(0x10, 0x4f)
        kind, log2 = ATOMIC_WIDTHS[(number - 0x10) % 7]
        more = 0 if number < 0x17 else 2 if number >= 0x48 else 1
        self.address(0)
        for _ in range(more):
            self.push(kind, self.random.choice([0, 3]))
        self.access(b"\xfe" + self.m.number(number), log2, aligned=True)
        self.pop(1 + more)
        if not 0x17 <= number < 0x1e:
            self.stack.append(kind)

    def select(self):
        kind = self.stack[-1] if len(self.stack) > self.base and self.chance(0.7) else self.random.choice([*NUMERIC, FUNCREF])
        self.arrange([kind, kind])
        self.push(I32, self.random.choice([0, 3]))
        if kind == FUNCREF or self.chance(0.5):
            self.emit(0x1c, 1)
            self.code.append(kind)
        else:
            self.emit(0x1b)
        self.pop(2)

    def local(self):
        if len(self.stack) > self.base and self.chance(0.5):
            same = [i for i, local in enumerate(self.locals) if local == self.stack[-1]]
            if same:
                self.emit(0x22, self.random.choice(same))
        elif self.locals:
            index = self.random.randrange(len(self.locals))
            self.emit(0x20, index)
            self.stack.append(self.locals[index])

    def runtime(self):
        """Instructions that are calls of the engine."""
        small = [b"\x41" + self.m.integer(self.random.randrange(256), I32) for _ in range(2)]
        length = b"\x41" + self.m.integer(self.random.randrange(40), I32)
        kind = self.random.randrange(6)
        if kind == 0:
            self.code += small[0]
            self.push(I32, 3)
            self.code += length
            self.emit(b"\xfc" + self.m.number(11) + b"\0")  # memory.fill
            self.pop(1)
        elif kind == 1:
            self.code += small[0] + small[1] + length + b"\xfc" + self.m.number(10) + b"\0\0"  # memory.copy
        elif kind == 2:
            self.code += small[0] + b"\x41" + self.m.integer(3, I32) + length
            self.code += b"\xfc" + self.m.number(8) + self.m.number(1) + b"\0"  # memory.init
        elif kind == 3:
            self.code += b"\x41" + self.m.integer(self.random.randrange(2), I32) + b"\x40\0"  # memory.grow
            self.stack.append(I32)
        elif kind == 4:
            self.code += b"\x41" + self.m.integer(self.random.randrange(len(self.m.functions) + 2), I32)
            self.emit(0x25, 0)  # table.get
            self.code += b"\xd1"
            self.stack.append(I32)
        else:
            self.emit(b"\x3f\0")  # memory.size
            self.stack.append(I32)

    # ---- Calls ----

    def callee(self, results=None):
        """A function's number among our own; one behind this one, mostly: few recursions."""
        numbers = [i for i, kind in enumerate(self.m.functions)
                   if results is None or self.m.types[kind][1] == tuple(results)]
        behind = [i for i in numbers if i > self.index]
        return self.random.choice(behind if behind and self.chance(0.9) else numbers)

    def call(self):
        if self.chance(0.2):
            number = self.random.randrange(len(self.m.logs))
            params, results = self.m.types[self.m.logs[number]]
            self.arrange(params)
            self.emit(0x10, number)
            self.pop(len(params))
            self.stack += results
            return
        self.call_one(self.callee(), 0x10)

    def call_one(self, number, op):
        """`op`: call or return_call; or the same through the table."""
        params, results = self.m.types[self.m.functions[number]]
        self.arrange(params)
        if self.chance(0.4):
            at = self.random.randrange(len(self.m.functions) + 2) if self.chance(0.02) else number
            self.code += b"\x41" + self.m.integer(at, I32)
            self.emit(op + 1, self.m.functions[number], 0)
        else:
            self.emit(op, len(self.m.logs) + number)
        self.pop(len(params))
        self.stack += results

    def tail_call(self):
        if self.m.tail_calls:
            self.call_one(self.callee(self.results), 0x12)
            self.dead()

    # ---- Control ----

    def turn(self):
        """Counts a turn, and returns where there were enough."""
        self.emit(0x23, HANG)
        self.emit(b"\x45\x04\x40")  # eqz, if
        for kind in self.results:
            self.code += self.m.constant(kind)
        self.emit(b"\x0f\x0b")  # return, end
        self.emit(0x23, HANG)
        self.code += b"\x41\1\x6b"
        self.emit(0x24, HANG)

    def dead(self):
        """What follows is not reached; what it takes, it pushes first."""
        del self.stack[self.base:]

    def labels_alike(self):
        """Depths of a label drawn and of those that carry the same types; no loop unless all are."""
        plain = [d for d, (kind, _) in enumerate(reversed(self.labels)) if kind != LOOP]
        chosen = self.labels[-1 - self.random.choice(plain)]
        return [d for d in plain if self.labels[-1 - d][1] == chosen[1]], chosen[1]

    def branch(self):
        depths, kinds = self.labels_alike()
        loops = [d for d, (kind, _) in enumerate(reversed(self.labels)) if kind == LOOP]
        how = self.random.random()
        if how < 0.6 and loops and self.chance(0.5):
            depth = self.random.choice(loops)
            self.arrange(self.labels[-1 - depth][1])
            self.emit(0x23, HANG)
            self.code += b"\x41\3\x71"  # & 3: a few turns
            self.emit(0x0d, depth)
        elif how < 0.6:
            self.arrange(kinds)
            self.push(I32, self.random.choice([0, 3]))
            self.emit(0x0d, self.random.choice(depths))
            self.pop(1)
        else:
            self.arrange(kinds)
            if how < 0.9:
                self.push(I32, self.random.choice([0, 3]))
                self.emit(0x0e)
                self.code += self.m.vector([self.m.number(self.random.choice(depths))
                                            for _ in range(self.random.randrange(9))])
                self.emit(b"", self.random.choice(depths))
            else:
                self.emit(0x0c, self.random.choice(depths))
            self.dead()

    def block(self):
        """A block, loop or if; or several that end with the same types."""
        opcode = self.random.choice([2, 2, LOOP, 4])
        if opcode == 4:
            self.arrange([I32])
            self.pop(1)
        have = len(self.stack) - self.base
        count = self.random.randint(0, min(have, 4))
        params = tuple(self.stack[len(self.stack) - count:])
        among = self.random.choice([NUMERIC, NUMERIC, (I32, I64), (F32, F64, V128)])
        results = tuple(self.m.types_list(0, self.random.choice([1, 3, 9, 14]), among))
        around = 0 if opcode == 4 else self.random.choice([0, 0, 2, 5])
        for _ in range(around):
            self.emit_typed(2, (params, results))
            self.labels.append((2, results))
        self.inside(opcode, params, results)
        for _ in range(around):
            self.emit(0x0b)
            self.labels.pop()

    def inside(self, opcode, params, results):
        """One block with these operands, which are on the stack."""
        self.emit_typed(opcode, (params, results))
        outer, self.base = self.base, len(self.stack) - len(params)
        self.labels.append((opcode, params if opcode == LOOP else results))
        if opcode == LOOP:
            self.turn()
        self.walk()
        self.fit(results)
        if opcode == 4 and (params != results or self.chance(0.7)):
            self.emit(0x05)
            self.stack[self.base:] = params
            self.walk()
            self.fit(results)
        self.emit(0x0b)
        self.labels.pop()
        self.base = outer

    def spread(self):
        """Blocks of one type, left by a br_table that carries values just computed."""
        among = self.random.choice([NUMERIC, (I32, I64), (F32, F64, V128)])
        results = self.m.types_list(2, 12, among)
        around = self.random.randint(1, 4)
        for _ in range(around):
            self.emit_typed(2, ((), tuple(results)))
        computed, self.computed = self.computed, 1
        for kind in [*results, I32]:
            self.push(kind, self.random.choice([1, 2]))
        self.computed = computed
        self.emit(0x0e)
        self.code += self.m.vector([self.m.number(self.random.randrange(around))
                                    for _ in range(self.random.randrange(5))])
        self.emit(b"", self.random.randrange(around))
        self.code += b"\x0b" * around
        self.pop(1)

    def fit(self, results):
        """The block's operands become its results."""
        results = list(results)
        if self.chance(0.4):
            self.arrange(results)
            if self.stack[self.base:] != results:
                if self.labels[-1][0] == LOOP:
                    while len(self.stack) > self.base:
                        self.sink()
                    self.arrange(results)
                else:
                    self.emit(0x0c, 0)
                    self.stack[self.base:] = results
            return
        while self.stack[self.base:] != results[:len(self.stack) - self.base]:
            self.sink()
        self.arrange(results)

    STEPS = {instruction: 50, vector_instruction: 12, divide: 3, saturate: 2, load: 5, store: 3, atomic: 7, select: 7,
             local: 14, runtime: 2, call: 4, tail_call: 0.3, branch: 4, spread: 1, block: 5}

    def walk(self):
        for _ in range(self.random.randrange(2, 60)):
            if self.left <= 0:
                return
            self.left -= 1
            if len(self.stack) - self.base > self.deep:
                for _ in range(self.random.randrange(self.deep)):
                    self.sink()
            step, = self.random.choices([*self.STEPS], weights=self.STEPS.values())
            if step is Body.block and len(self.labels) > 12:
                continue
            step(self)

    # ---- Functions ----

    def declare(self, locals_):
        """Locals in runs, some of them empty; scratch ones of each type behind them."""
        runs = [(count, self.random.choice([*NUMERIC, FUNCREF])) for count in locals_]
        self.locals = list(self.params)
        for count, kind in runs:
            self.locals += [kind] * count
        self.scratch = {kind: len(self.locals) + i for i, kind in enumerate(NUMERIC)}
        runs += [(1, kind) for kind in NUMERIC]
        return self.m.vector([self.m.number(count) + bytes([kind]) for count, kind in runs])

    def finish(self, head, results):
        self.fit(results)
        return head + bytes(self.code) + b"\x0b"

    def function(self):
        many = self.random.choice([1, 3, 3, 8, 40])
        head = self.declare([self.random.randrange(many) for _ in range(self.random.randrange(12))])
        self.labels.append((2, self.results))
        self.turn()
        while self.left > 0:
            self.walk()
        return self.finish(head, self.results)

    def driver(self):
        """A function without parameters that calls function `index` and keeps its results: all types."""
        number, self.index = self.index, -1
        self.params = self.results = ()
        head = self.declare([1, 2, 1])
        self.labels.append((2, ()))
        self.call_one(number, 0x10)
        while self.stack:
            self.sink()
        return self.finish(head, ())
