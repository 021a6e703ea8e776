"""What kern/abi/pith.idl becomes: C headers, nasm constants, system-call stubs, names."""

C_TYPES = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t",
           "i32": "int32_t", "i64": "int64_t", "char": "char", "handle": "uint32_t"}
# Registers of message words, of arguments and of results (see the register picture).
WORD_REGISTERS = ["rdx", "r8", "r9", "r10", "r12", "r13"]
ARGUMENT_REGISTERS = ["rdi", "rsi", *WORD_REGISTERS]
LETTERS = {"rdi": "D", "rsi": "S", "rdx": "d"}
# Enums whose C tag would be that of a struct get `_kind` behind their name.
STRUCT_TAGS = {"message"}


def banner(source, what, comment="//"):
    return f"{comment} {what}\n{comment} Generated from {source} by toolchain/gen.py: change that, not this.\n"


def comment_block(doc, indent=""):
    return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in doc.split("\n")) if doc else ""


def trailing(doc):
    return f" ///< {doc}" if doc else ""


def literal(value):
    if value < 1 << 31:
        return str(value)
    return f"{value:#x}ul"


def enum_tag(decl, structs):
    return decl.name + "_kind" if decl.name in structs | STRUCT_TAGS else decl.name


def c_type(type_):
    return type_ if type_.startswith("struct ") else C_TYPES[type_]


def c_enum(decl, structs):
    tag = "" if decl.sort == "flags" else enum_tag(decl, structs) + " "
    body = "".join(f"    {decl.name.upper()}_{m.name} = {m.value},{trailing(m.doc)}\n"
                   for m in decl.members)
    return f"{comment_block(decl.doc)}enum {tag}{{\n{body}}};\n"


def c_struct(decl):
    body = "".join(f"    {c_type(m.type)} {m.name}{f'[{m.count}]' if m.count else ''};"
                   f"{trailing(m.doc)}\n" for m in decl.members)
    asserts = f'_Static_assert(sizeof(struct {decl.name}) == {decl.size}, "size of {decl.name}");\n'
    asserts += "".join(
        f'_Static_assert(offsetof(struct {decl.name}, {m.name}) == {m.offset}, '
        f'"{decl.name}.{m.name}");\n' for m in decl.members)
    return f"{comment_block(decl.doc)}struct {decl.name} {{\n{body}}};\n{asserts}"


def c_declarations(file):
    """Constants, enums, flags and structs of one file, in its order."""
    structs = {d.name for d in file.all("struct")}
    out = []
    for decl in file.items:
        if isinstance(decl, tuple):
            continue
        if decl.sort == "const":
            doc = f" // {decl.doc}" if decl.doc else ""
            out.append(f"#define {decl.name} {literal(decl.value)}{doc}\n")
        elif decl.sort in ("enum", "flags"):
            out.append("\n" + c_enum(decl, structs))
        elif decl.sort == "struct":
            out.append("\n" + c_struct(decl))
    return "".join(out)


def abi_h(abi, source):
    status = "".join(f"    {d.name} = {d.value}, ///< {d.doc}\n" for d in abi.all("status"))
    numbers = "".join(f"    SYSCALL_{d.name.upper()} = {d.value},\n" for d in abi.all("syscall"))
    return (banner(source, "Constants, enumerations and layouts of the kernel's interface.")
            + "#pragma once\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
            + "/// The result of every system call and the label of every reply.\n"
            + f"enum status {{\n{status}}};\n\n"
            + "/// Bits 0 to 7 of rax on entry; flags ipc above.\n"
            + f"enum syscall {{\n{numbers}}};\n#define SYSCALL_COUNT "
            + f"{1 + max(d.value for d in abi.all('syscall'))}\n\n"
            + c_declarations(abi))


def abi_inc(abi, source):
    out = [banner(source, "The same numbers for nasm: constants, and struct.field offsets.", ";"), "\n"]
    for decl in abi.items:
        if isinstance(decl, tuple):
            continue
        if decl.sort in ("status", "const"):
            out.append(f"%define {decl.name} {decl.value:#x}\n")
        elif decl.sort in ("enum", "flags"):
            out += [f"%define {decl.name.upper()}_{m.name} {m.value:#x}\n" for m in decl.members]
        elif decl.sort == "struct":
            out += [f"%define {decl.name}.{m.name} {m.offset}\n" for m in decl.members]
            out.append(f"%define {decl.name}_size {decl.size}\n")
        elif decl.sort == "syscall":
            out.append(f"%define SYSCALL_{decl.name.upper()} {decl.value}\n")
    return "".join(out)


def names_h(abi, source):
    """NAME_name(value) for every enumeration, for logs and traces. 0: no such value."""
    structs = {d.name for d in abi.all("struct")} | STRUCT_TAGS
    out = [banner(source, "Names of the ABI's numbers, for logs and traces; null for unknown ones."),
           "#pragma once\n\n#include <pith/abi.h>\n"]

    def table(name, pairs):
        cases = "".join(f'    case {value}:\n        return "{text}";\n' for value, text in pairs)
        out.append(f"\nstatic inline const char *{name}_name(uint64_t value)\n{{\n    switch (value) {{\n"
                   f"{cases}    default:\n        return 0;\n    }}\n}}\n")

    table("status", [(d.value, d.name) for d in abi.all("status")])
    table("syscall", [(d.value, d.name) for d in abi.all("syscall")])
    for decl in abi.all("enum"):
        table(enum_tag(decl, structs), [(m.value, m.name.lower()) for m in decl.members])
    return "".join(out)


def status_h(abi, source):
    messages = "".join(f'    case {d.name}:\n        return "{d.doc}";\n' for d in abi.all("status"))
    errnos = "".join(f"    case {d.name}:\n        return {d.errno};\n" for d in abi.all("status"))
    return (banner(source, "What a status means, in words and as an errno.")
            + "#pragma once\n\n#include <pith/abi.h>\n\n"
            + "/// One phrase, without capital or full stop.\n"
            + "static inline const char *status_message(enum status status)\n{\n"
            + f"    switch (status) {{\n{messages}    }}\n    return \"unknown status\";\n}}\n\n"
            + "// Only where <errno.h> was included before, with every name below defined.\n"
            + "#ifdef EINVAL\n/// The errno that libc shows for a status; 0 for OK.\n"
            + "static inline int status_errno(enum status status)\n{\n"
            + f"    switch (status) {{\n{errnos}    }}\n    return EIO;\n}}\n#endif\n")


# ---------------------------------------------------------------- system calls

MESSAGE_TYPES_C = """
/// A message as the registers carry it. Words from 6 on, and handles, are in the IPC buffer.
struct message {
    uint64_t tag;
    uint64_t badge; ///< out, of recv: who sent it; for signals the pending bits
    uint64_t words[REGISTER_WORDS];
};

/// A tag to send: `words` (0 to 64) meaningful words and `caps` (0 to 3) handles.
static inline uint64_t tag_make(uint32_t label, uint32_t words, uint32_t caps)
{
    return (uint64_t)label << TAG_LABEL_SHIFT | caps << TAG_CAPS_SHIFT | words;
}

static inline uint32_t tag_label(uint64_t tag)
{
    return (uint32_t)(tag >> TAG_LABEL_SHIFT);
}

static inline uint32_t tag_words(uint64_t tag)
{
    return (uint32_t)tag & 127;
}

static inline uint32_t tag_caps(uint64_t tag)
{
    return (uint32_t)tag >> TAG_CAPS_SHIFT & 3;
}

/// Bit i: received capability i did not fit into slots[i].
static inline uint32_t tag_skipped(uint64_t tag)
{
    return (uint32_t)tag >> TAG_SKIPPED_SHIFT & 7;
}

/// Bit i: the callee could not take caps[i].
static inline uint32_t tag_unsent(uint64_t tag)
{
    return (uint32_t)tag >> TAG_UNSENT_SHIFT & 7;
}

static inline enum message_kind tag_kind(uint64_t tag)
{
    return (enum message_kind)((uint32_t)tag >> TAG_KIND_SHIFT & 15);
}

/// For the rare result that no caller can act on.
static inline void status_ignore(enum status status)
{
    (void)status;
}

"""

MESSAGE_C = """
/// Any message system call: `number` with flags above bit 7, `target` = endpoint | reply << 32.
PITH_STUB enum status sys_message(uint64_t number, uint64_t target, struct message *m)
{
    register uint64_t w1 __asm__("r8") = m->words[1];
    register uint64_t w2 __asm__("r9") = m->words[2];
    register uint64_t w3 __asm__("r10") = m->words[3];
    register uint64_t w4 __asm__("r12") = m->words[4];
    register uint64_t w5 __asm__("r13") = m->words[5];
    __asm__ volatile("syscall"
                     : "+a"(number), "+D"(target), "+S"(m->tag), "+d"(m->words[0]), "+r"(w1),
                       "+r"(w2), "+r"(w3), "+r"(w4), "+r"(w5)
                     :
                     : "rcx", "r11", "memory");
    m->badge = target;
    m->words[1] = w1;
    m->words[2] = w2;
    m->words[3] = w3;
    m->words[4] = w4;
    m->words[5] = w5;
    return (enum status)number;
}
"""


def message_stub(decl):
    """sys_NAME(handles, message [, flags]) over sys_message."""
    target = " | ".join(f"(uint64_t){m.name} << 32" if m.name == "reply" else m.name
                        for m in decl.members)
    arguments = [f"uint32_t {m.name}" for m in decl.members] + ["struct message *m"]
    number = f"SYSCALL_{decl.name.upper()}"
    if decl.flagged:
        arguments.append("uint32_t flags")
        number += " | (uint64_t)flags << 8"
    return (f"\n{comment_block(decl.doc)}PITH_STUB enum status sys_{decl.name}({', '.join(arguments)})\n"
            f"{{\n    return sys_message({number}, {target}, m);\n}}\n")


def register_stub(name, number, inputs, outputs, doc="", plain=False):
    """A stub with every value in its register. inputs: [(register, expression)], outputs:
    [(register, C lvalue)]. The registers of both are read and written by the kernel."""
    registers = list(dict.fromkeys([r for r, _ in inputs] + [r for r, _ in outputs]))
    given, wanted = dict(inputs), dict(outputs)
    lines = [f"    uint64_t rax = {number};\n"]
    for r in registers:
        pin = "" if r in LETTERS else f' __asm__("{r}")'
        lines.append(f"    {'register ' if pin else ''}uint64_t {r}{pin} = {given.get(r, '0')};\n")
    operands = ", ".join(['"+a"(rax)'] + [f'"+{LETTERS.get(r, "r")}"({r})' for r in registers])
    lines.append(f'    __asm__ volatile("syscall" : {operands} : : "rcx", "r11", "memory");\n')
    lines += [f"    {wanted[r]} = {r};\n" for r in registers if r in wanted]
    return "".join(lines) + "    return (enum status)rax;\n"


def plain_stub(decl):
    """A system call without a message: arguments and results in registers."""
    inputs = list(zip(ARGUMENT_REGISTERS, (m.name for m in decl.members)))
    names = {m.name for m in decl.members}
    outs = [(m.name + "_out" if m.name in names else m.name, m) for m in decl.results]
    arguments = ([f"{C_TYPES[m.type]} {m.name}" for m in decl.members]
                 + [f"uint64_t *{name}" for name, _ in outs])
    body = register_stub(decl.name, f"SYSCALL_{decl.name.upper()}", inputs,
                         list(zip(ARGUMENT_REGISTERS, (f"*{name}" for name, _ in outs))))
    return (f"\n{comment_block(decl.doc)}PITH_STUB enum status sys_{decl.name}"
            f"({', '.join(arguments) or 'void'})\n{{\n{body}}}\n")


def raw_stub(decl, words):
    """sys_NAME_N: a message of N words that never leaves registers. Tag and words go in and
    come out; register words beyond N are sent as zero and their answers dropped."""
    target = " | ".join(f"(uint64_t){m.name} << 32" if m.name == "reply" else m.name
                        for m in decl.members)
    arguments = [f"uint32_t {m.name}" for m in decl.members] + ["uint64_t *tag"]
    inputs, outputs = [("rdi", target), ("rsi", "*tag")], [("rsi", "*tag")]
    if decl.name in ("recv", "reply_recv"):
        arguments.append("uint64_t *badge")
        outputs.append(("rdi", "*badge"))
    for i, register in enumerate(WORD_REGISTERS):
        inputs.append((register, f"*w{i}" if i < words else "0"))
        if i < words:
            arguments.append(f"uint64_t *w{i}")
            outputs.append((register, f"*w{i}"))
    body = register_stub(decl.name, f"SYSCALL_{decl.name.upper()}", inputs, outputs)
    return f"\nPITH_STUB enum status sys_{decl.name}_{words}({', '.join(arguments)})\n{{\n{body}}}\n"


def syscall_h(abi, source):
    out = [banner(source, "System-call stubs for user code."),
           "// `sys_NAME(...)` is the ordinary form; `sys_NAME_N(...)` sends and returns N words\n"
           "// without leaving registers. Results are written whatever the status: some statuses\n"
           "// carry them.\n",
           "#pragma once\n\n#include <pith/abi.h>\n\n"
           "#define PITH_STUB static inline __attribute__((always_inline, warn_unused_result))\n",
           MESSAGE_TYPES_C, "\n#ifndef PITH_MOCK\n", MESSAGE_C]
    messages = [d for d in abi.all("syscall") if d.message]
    out += [message_stub(d) for d in messages]
    out += [plain_stub(d) for d in abi.all("syscall") if not d.message]
    out.append("\n// ---------------------------------------------------------------- raw forms\n")
    out += [raw_stub(d, n) for d in messages if d.name != "recv" for n in range(7)]
    out += [raw_stub(d, 6) for d in messages if d.name == "recv"]
    out.append("\n#else // host tests bring their own\n")
    for d in abi.all("syscall"):
        text = message_stub(d) if d.message else plain_stub(d)
        out.append(text[text.index("enum status sys_"):text.index("\n{")] + ";\n")
    out.append("#endif\n")
    return "".join(out)


def files(abi, source):
    """{path below the output folder: text}"""
    return {"include/pith/abi.h": abi_h(abi, source),
            "include/pith/abi.inc": abi_inc(abi, source),
            "include/pith/names.h": names_h(abi, source),
            "include/pith/status.h": status_h(abi, source),
            "include/pith/syscall.h": syscall_h(abi, source)}
