"""The generator: what it refuses and how it says so, that what it makes compiles and agrees with
its source in C and nasm, and that the committed reference pages are current."""
import pathlib
import re
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
GEN = TOP / "toolchain/gen.py"
ABI = TOP / "kern/abi/pith.idl"
PROTOS = sorted((TOP / "servers/proto").glob("*.idl"))
sys.path.insert(0, str(TOP / "toolchain"))
from genlib import idl  # noqa: E402


def gen(*arguments):
    return subprocess.run([sys.executable, GEN, *map(str, arguments)], capture_output=True, text=True)


def parse(tmp_path, text):
    path = tmp_path / "x.idl"
    path.write_text(text)
    return idl.load(path, [])[0]


def parse_proto(tmp_path, text, base=""):
    """`text` as an interface file `x`, beside an optional base `b`."""
    abi, proto, other = tmp_path / "abi.idl", tmp_path / "x.idl", tmp_path / "b.idl"
    abi.write_text("const ONE = 1;\n")
    proto.write_text(text)
    other.write_text(base or "const TWO = 2;\n")
    return idl.load(abi, [other, proto])


# ---------------------------------------------------------------- what is understood

def test_comments_document_what_they_stand_at(tmp_path):
    abi = parse(tmp_path, "/// The file.\n\n"
                "/// Two\n/// lines.\nenum e {\n    A = 1; /// first\n    /// second\n    B = 2;\n"
                "    C = 3; /// third,\n           /// in two lines\n    D = 4;\n}\n"
                "const C = 0x10; /// behind // not cut\n")
    enum, const = abi.items
    assert abi.doc == "The file."
    assert enum.doc == "Two\nlines."
    assert [m.doc for m in enum.members] == ["first", "second", "third, in two lines", ""]
    assert const.value == 16 and const.doc == "behind // not cut"


def test_opening_block_next_to_a_declaration_documents_both(tmp_path):
    abi = parse(tmp_path, "/// Both.\nconst A = 1;\n")
    assert abi.doc == "Both." and abi.items[0].doc == "Both."


def test_layout(tmp_path):
    abi = parse(tmp_path, "struct a { u64 x; u8 y[8]; }\nstruct b { struct a s; u32 t[3]; u16 u; u8 v; char w; }\n")
    a, b = abi.items
    assert a.size == 16 and [m.offset for m in a.members] == [0, 8]
    assert b.size == 32 and [m.offset for m in b.members] == [0, 16, 28, 30, 31]


# ---------------------------------------------------------------- what is refused

REFUSED = [
    ("const A = 1", "x.idl:1: expected ;, found 'end of file'"),
    ("const A = ;", "x.idl:1: expected number, found ';'"),
    ("\n\nconst A @ 1;", "x.idl:3: unexpected character '@'"),
    ("thing A = 1;", "x.idl:1: unknown declaration 'thing'"),
    ("const A = 1;\nconst A = 2;", "x.idl:2: const A: already taken by A"),
    ("enum e { A = 1; B = 1; }", "x.idl:1: enum B: already taken by A"),
    ("flags f { A = 1; A = 2; }", "x.idl:1: flags A: already taken by A"),
    ("struct s { u8 a; u32 b; }", "x.idl:1: b: at offset 1, needs 3 bytes of explicit padding"),
    ("struct s { u32 a; u8 b; }", "not a multiple of 4"),
    ("struct s { }", "x.idl:1: struct s: 0 bytes"),
    ("struct s { float a; }", "x.idl:1: a: unknown type 'float'"),
    ("struct s { struct t a; }", "x.idl:1: struct t is not declared before this"),
    ("syscall s = 0 (a: u8);", "x.idl:1: a: unknown type 'u8' here"),
    ("syscall s = 0 (a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64, i: u64);", "at most 8 arguments"),
    ("syscall s = 0 ();\nsyscall t = 0 ();", "x.idl:2: syscall t: already taken by s"),
    ("status A = 1 errno EIO \"x\";\nstatus B = 1 errno EIO \"y\";", "x.idl:2: status B: already taken by A"),
]


@pytest.mark.parametrize("text,error", REFUSED)
def test_refused(tmp_path, text, error):
    with pytest.raises(idl.IdlError, match=re.escape(error)):
        parse(tmp_path, text)


REFUSED_PROTOS = [
    ("call a = 1 ();", "declares one interface"),
    ("interface x = 1;\ninterface y = 2;", "declares one interface"),
    ("interface x = 1;\ncall a = 0 ();", "x.idl:2: call a = 0: must be 1 to 254"),
    ("interface x = 1;\ncall a = 255 ();", "x.idl:2: call a = 255: must be 1 to 254"),
    ("interface x = 1 extends b;\ncall a = 31 ();", "x.idl:2: call a = 31: must be 32 to 254"),
    ("interface x = 1 extends c;", "x.idl:1: x extends c, which is not among"),
    ("interface x = 1;\ncall a = 1 ();\ncall b = 1 ();", "x.idl:3: call b: already taken by a"),
    ("interface x = 1;\ncall a = 1 (p: u8, p: u8);", "parameter p: already taken by p"),
    ("interface x = 1;\ncall a = 1 (p: cap, q: cap, r: cap, t: cap);", "4 capabilities of parameters, at most 3"),
    ("interface x = 1;\ncall a = 1 (p: data<65537>);", "must be 1 to 65536"),
    ("interface x = 1;\ncall a = 1 (p: data<65536>, q: data<4104>);", "window bytes of parameters, at most"),
    ("interface x = 1;\ncall a = 1 () -> (p: struct nothing);", "struct nothing is not declared"),
    ("interface x = 1;\ncall a = 1 (" + ", ".join(f"p{i}: u8" for i in range(65)) + ");", "65 words of parameters"),
    ("interface x = 1;\ncall a = 1 () from me;", "expected manager, found 'me'"),
]


@pytest.mark.parametrize("text,error", REFUSED_PROTOS)
def test_refused_protos(tmp_path, text, error):
    with pytest.raises(idl.IdlError, match=re.escape(error)):
        parse_proto(tmp_path, text, "interface b = 9;\n")


def test_base_keeps_to_its_numbers(tmp_path):
    with pytest.raises(idl.IdlError, match="call far = 32: must be 1 to 31"):
        parse_proto(tmp_path, "interface x = 1 extends b;\n", "interface b = 9;\ncall far = 32 ();\n")


def test_errors_end_the_run_and_write_nothing(tmp_path):
    (tmp_path / "x.idl").write_text("const A = ;\n")
    result = gen("abi", tmp_path / "out", tmp_path / "x.idl")
    assert result.returncode == 1
    assert result.stderr == f"{tmp_path}/x.idl:1: expected number, found ';'\n"
    assert not (tmp_path / "out").exists()


def test_missing_file(tmp_path):
    result = gen("abi", tmp_path / "out", tmp_path / "none.idl")
    assert result.returncode == 1 and "none.idl" in result.stderr


# ---------------------------------------------------------------- what is made

@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("gen")
    assert gen("abi", out, ABI).returncode == 0
    assert gen("proto", out / "proto", ABI, *PROTOS).returncode == 0
    return out


FLAGS = ["-std=c17", "-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes", "-O2", "-ffreestanding",
         "-mgeneral-regs-only"]


def compile_c(compiler, made, source, *more):
    includes = [f"-I{made}/include", f"-I{made}/proto/include", f"-I{TOP}/servers/lib/include"]
    return subprocess.run([compiler, *FLAGS, *includes, *more, str(source)], capture_output=True, text=True)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_headers_stand_alone(made, tmp_path, compiler):
    for header in [*made.glob("include/**/*.h"), *made.glob("proto/include/**/*.h")]:
        source = tmp_path / "one.c"
        source.write_text(f'#include "{header}"\n')
        result = compile_c(compiler, made, source, "-fsyntax-only")
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_sources_compile(made, tmp_path, compiler):
    for source in made.glob("proto/*.c"):
        result = compile_c(compiler, made, source, "-c", "-o", tmp_path / "x.o")
        assert result.returncode == 0, result.stderr


def test_nasm_and_c_agree(made, tmp_path):
    """Every name of abi.inc that C can compute too has the same value there."""
    values = dict(re.findall(r"^%define (\S+) (\S+)$", (made / "include/pith/abi.inc").read_text(), re.M))
    assert len(values) > 200
    lines = []
    for name, value in values.items():
        if "." in name:
            struct, field = name.split(".")
            lines.append(f"_Static_assert(offsetof(struct {struct}, {field}) == {value}, \"{name}\");")
        elif name.endswith("_size"):
            lines.append(f"_Static_assert(sizeof(struct {name[:-5]}) == {value}, \"{name}\");")
        else:
            lines.append(f"_Static_assert((unsigned long){name} == {value}ul, \"{name}\");")
    source = tmp_path / "agree.c"
    source.write_text("#include <pith/abi.h>\n" + "\n".join(lines) + "\n")
    result = compile_c("gcc", made, source, "-fsyntax-only")
    assert result.returncode == 0, result.stderr
    source = tmp_path / "use.asm"
    source.write_text('%include "pith/abi.inc"\n' + "\n".join(f"dq {name}" for name in values) + "\n")
    subprocess.run(["nasm", "-w+all", "-Werror", "-f", "bin", f"-I{made}/include/", "-o", tmp_path / "use.bin", source],
                   check=True)
    words = (tmp_path / "use.bin").read_bytes()
    assert [int.from_bytes(words[i:i + 8], "little") for i in range(0, len(words), 8)] == \
        [int(value, 0) for value in values.values()]


def disassemble(made, tmp_path, body):
    source = tmp_path / "stub.c"
    source.write_text("#include <pith/syscall.h>\nenum status f(void);\nenum status f(void)\n{\n" + body + "\n}\n")
    result = compile_c("gcc", made, source, "-c", "-o", tmp_path / "stub.o")
    assert result.returncode == 0, result.stderr
    text = subprocess.run(["objdump", "-d", "-M", "intel", tmp_path / "stub.o"], capture_output=True, text=True).stdout
    return text[:text.index("syscall")]


def test_arguments_are_in_the_registers_of_the_picture(made, tmp_path):
    text = disassemble(made, tmp_path, "    return sys_thread_configure(1, 2, 3, 4, 5, 6, 7);")
    for register, value in (("eax", 15), ("edi", 1), ("esi", 2), ("edx", 3), ("r8d", 4), ("r9d", 5), ("r10d", 6),
                            ("r12d", 7)):
        assert re.search(rf"mov +{register},{value:#x}\b", text), (register, text)


def test_reply_travels_in_the_upper_half(made, tmp_path):
    text = disassemble(made, tmp_path, "    struct message m = {0};\n    return sys_reply_recv(5, 6, &m);")
    assert re.search(r"movabs +rdi,0x600000005", text), text


def test_unused_words_are_sent_as_zero(made, tmp_path):
    text = disassemble(made, tmp_path, "    uint64_t tag = 0, w0 = 9;\n    return sys_call_1(5, &tag, &w0);")
    for register in ("r8d", "r9d", "r10d", "r12d", "r13d"):
        assert re.search(rf"xor +{register},{register}", text), (register, text)


def test_unchanged_files_are_left_alone(made):
    header = made / "include/pith/abi.h"
    before = header.stat().st_mtime_ns
    assert gen("abi", made, ABI).returncode == 0
    assert header.stat().st_mtime_ns == before


def test_every_request_has_a_name(made):
    text = (made / "proto/include/proto/names.h").read_text()
    _, protos = idl.load(ABI, PROTOS)
    for file in protos:
        for interface in file.all("interface"):
            for call in file.all("call"):
                assert f'case {interface.value << 8 | call.value:#x}:\n        return "{interface.name}.{call.name}";' in text


# ---------------------------------------------------------------- the pages

def test_reference_pages_are_current():
    result = gen("docs", TOP / "docs/reference", ABI, *PROTOS, "--check")
    assert result.returncode == 0, result.stderr


def test_check_notices_an_old_page(tmp_path):
    assert gen("docs", tmp_path, ABI, *PROTOS).returncode == 0
    assert gen("docs", tmp_path, ABI, *PROTOS, "--check").returncode == 0
    page = tmp_path / "abi.md"
    page.write_text(page.read_text().replace("E_INVAL", "E_INVAL2"))
    result = gen("docs", tmp_path, ABI, *PROTOS, "--check")
    assert result.returncode == 1 and "abi.md" in result.stderr
