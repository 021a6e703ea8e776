"""What binaryen's --denan leaves out: vectors. Behind each vector instruction that may make a NaN,
whose bits the specification leaves open, the NaN lanes become zeros: `x & (x == x)`."""

LOCAL_GET, LOCAL_TEE, V128_AND = b"\x20", b"\x22", b"\xfd\x4e"
EQUAL = {4: b"\xfd\x41", 8: b"\xfd\x47"}  # f32x4.eq, f64x2.eq
# Second bytes of the instructions behind 0xfd, by the bytes of a lane of the result.
MAKES_NAN = {
    **dict.fromkeys([0x5e, 0x67, 0x68, 0x69, 0x6a, *range(0xe3, 0xea)], 4),
    **dict.fromkeys([0x5f, 0x74, 0x75, 0x7a, 0x94, *range(0xef, 0xf6)], 8),
}
TYPES, FUNCTIONS, CODE = 1, 3, 10
V128 = 0x7b


def number(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7f) << shift
            shift += 7
            if not byte & 0x80:
                return value

    def skip(self, count):
        self.at += count

    def numbers(self, count):
        for _ in range(count):
            self.number()


def sections(data):
    """(number, contents) of each section of a module."""
    reader = Reader(data, 8)
    while reader.at < len(data):
        kind = reader.byte()
        size = reader.number()
        yield kind, data[reader.at:reader.at + size]
        reader.skip(size)


def module(parts):
    return b"\0asm\1\0\0\0" + b"".join(bytes([kind]) + number(len(body)) + body for kind, body in parts)


def skip_prefixed(reader, prefix):
    """The immediates of an instruction behind 0xfc, 0xfd or 0xfe; gives its number."""
    opcode = reader.number()
    if prefix == 0xfc:
        reader.numbers({8: 2, 9: 1, 10: 2, 11: 1, 12: 2, 13: 1, 14: 2, 15: 1, 16: 1, 17: 1}.get(opcode, 0))
    elif prefix == 0xfe:
        reader.numbers(1 if opcode == 3 else 2)
    elif opcode <= 11 or opcode in (0x5c, 0x5d):
        reader.numbers(2)
    elif opcode in (12, 13):
        reader.skip(16)
    elif 21 <= opcode <= 34:
        reader.skip(1)
    elif 0x54 <= opcode <= 0x5b:
        reader.numbers(2)
        reader.skip(1)
    return opcode


def skip_instruction(reader):
    """Past one instruction; gives the bytes of a lane that may be a NaN now, or None."""
    opcode = reader.byte()
    if opcode in (0xfc, 0xfd, 0xfe):
        number_behind = skip_prefixed(reader, opcode)
        return MAKES_NAN.get(number_behind) if opcode == 0xfd else None
    if opcode == 0x0e or opcode == 0x1c:
        count = reader.number()
        reader.numbers(count + (opcode == 0x0e))
    elif opcode in (0x11, 0x13) or 0x28 <= opcode <= 0x3e:
        reader.numbers(2)
    elif opcode in (0x43, 0x44):
        reader.skip(4 if opcode == 0x43 else 8)
    elif (opcode in (2, 3, 4, 0x0c, 0x0d, 0x10, 0x12, 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2)
          or 0x20 <= opcode <= 0x26):
        reader.number()
    return None


def body_without_nans(body, params):
    """A function's body, of `params` parameters, with one more local."""
    reader = Reader(body)
    runs = reader.number()
    first, local = reader.at, params
    for _ in range(runs):
        local += reader.number()
        reader.skip(1)
    out = bytearray(number(runs + 1) + body[first:reader.at] + number(1) + bytes([V128]))
    name = number(local)
    while reader.at < len(body):
        start = reader.at
        lane = skip_instruction(reader)
        out += body[start:reader.at]
        if lane:
            out += LOCAL_TEE + name + (LOCAL_GET + name) * 2 + EQUAL[lane] + V128_AND
    return bytes(out)


def parameter_counts(parts):
    """Of each function that the module defines."""
    counts, reader = [], Reader(parts[TYPES])
    for _ in range(reader.number()):
        reader.skip(1)
        counts.append(reader.number())
        reader.skip(counts[-1])
        reader.skip(reader.number())
    reader = Reader(parts.get(FUNCTIONS, b"\0"))
    return [counts[reader.number()] for _ in range(reader.number())]


def without_nans(data):
    """The module with every vector that an instruction makes freed of NaNs."""
    parts = list(sections(data))
    counts = parameter_counts(dict(parts))
    out = []
    for kind, contents in parts:
        if kind == CODE:
            reader = Reader(contents)
            bodies = bytearray(number(reader.number()))
            for params in counts:
                size = reader.number()
                body = body_without_nans(contents[reader.at:reader.at + size], params)
                bodies += number(len(body)) + body
                reader.skip(size)
            contents = bytes(bodies)
        out.append((kind, contents))
    return module(out)
