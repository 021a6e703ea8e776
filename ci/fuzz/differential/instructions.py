"""Types and instructions of WebAssembly, as pressure_body.py picks them."""
import vectors

I32, I64, F32, F64, V128, FUNCREF = 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70
NUMERIC = (I32, I64, F32, F64, V128)


def scalar_instructions():
    """(bytes, parameters, results, may make a NaN) of the instructions on scalars that do not trap."""
    table = [(0x45, (I32,), I32), (0x50, (I64,), I32)]
    for first, last, kind in ((0x46, 0x4f, I32), (0x51, 0x5a, I64), (0x5b, 0x60, F32), (0x61, 0x66, F64)):
        table += [(op, (kind, kind), I32) for op in range(first, last + 1)]
    for first, kind in ((0x67, I32), (0x79, I64)):
        table += [(op, (kind,), kind) for op in range(first, first + 3)]
        table += [(op, (kind, kind), kind) for op in range(first + 3, first + 18) if not 6 <= op - first <= 9]
    for first, kind in ((0x8b, F32), (0x99, F64)):
        table += [(op, (kind,), kind) for op in range(first, first + 7)]
        table += [(op, (kind, kind), kind) for op in range(first + 7, first + 14)]
    table += [(0xa7, (I64,), I32), (0xac, (I32,), I64), (0xad, (I32,), I64), (0xb6, (F64,), F32),
              (0xbb, (F32,), F64), (0xbc, (F32,), I32), (0xbd, (F64,), I64), (0xbe, (I32,), F32), (0xbf, (I64,), F64)]
    table += [(0xb2 + 5 * wide + op, (I32 if op < 2 else I64,), F64 if wide else F32)
              for wide in (0, 1) for op in range(4)]
    table += [(op, (I32 if op < 0xc2 else I64,), I32 if op < 0xc2 else I64) for op in range(0xc0, 0xc5)]
    return [(bytes([op]), params, (result,), result in (F32, F64)) for op, params, result in table]


SCALAR = scalar_instructions()
SATURATING = [((F32, F64)[op // 2 % 2], I32 if op < 4 else I64) for op in range(8)]
TRAPPING = ([(op, (I32, I32), I32) for op in range(0x6d, 0x71)] + [(op, (I64, I64), I64) for op in range(0x7f, 0x83)])
LOADS = dict(zip(range(0x28, 0x36), [I32, I64, F32, F64] + [I32] * 4 + [I64] * 6))
STORES = dict(zip(range(0x36, 0x3f), [I32, I64, F32, F64, I32, I32, I64, I64, I64]))
WIDTH = {0x28: 2, 0x29: 3, 0x2a: 2, 0x2b: 3, 0x2c: 0, 0x2d: 0, 0x2e: 1, 0x2f: 1, 0x30: 0, 0x31: 0, 0x32: 1,
         0x33: 1, 0x34: 2, 0x35: 2, 0x36: 2, 0x37: 3, 0x38: 2, 0x39: 3, 0x3a: 0, 0x3b: 1, 0x3c: 0, 0x3d: 1, 0x3e: 2}
VECTOR = vectors.instructions()
VECTOR_SHAPES = {"UNARY": (V128,), "BINARY": (V128, V128), "TERNARY": (V128,) * 3, "SHUFFLE": (V128, V128),
                 "TEST": (V128,), "SHIFT": (V128, I32), "EXTRACT": (V128,)}
SCALARS = {"I32": I32, "I64": I64, "F32": F32, "F64": F64}
# Of the seven widths of an atomic operation, type and log2 of the bytes.
ATOMIC_WIDTHS = [(I32, 2), (I64, 3), (I32, 0), (I32, 1), (I64, 0), (I64, 1), (I64, 2)]
