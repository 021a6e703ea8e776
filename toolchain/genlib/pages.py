"""The reference pages under docs/reference/, from the same declarations as the headers."""


def signature(name, decl):
    def side(members):
        return ", ".join(f"{m.name}: {m.type}{f'<{m.maximum}>' if m.type == 'data' else ''}"
                         for m in members)
    text = f"{name}({side(decl.members)})"
    return text + (f" -> ({side(decl.results)})" if decl.results else "")


def cell(text):
    return " ".join(text.split()).replace("|", "\\|")


def constants(decls):
    rows = "".join(f"| `{d.name}` | {d.value if d.value < 1 << 31 else hex(d.value)} | {cell(d.doc)} |\n"
                   for d in decls)
    return f"| constant | value | meaning |\n|---|---|---|\n{rows}\n"


def enumeration(decl):
    rows = "".join(f"| `{decl.name.upper()}_{m.name}` | {m.value} | {cell(m.doc)} |\n"
                   for m in decl.members)
    doc = f"{decl.doc}\n\n" if decl.doc else ""
    return f"### {decl.sort} {decl.name}\n\n{doc}| name | value | meaning |\n|---|---|---|\n{rows}\n"


def struct(decl):
    rows = "".join(f"| {m.offset} | `{m.type} {m.name}{f'[{m.count}]' if m.count else ''}` | {cell(m.doc)} |\n"
                   for m in decl.members)
    doc = f"{decl.doc}\n\n" if decl.doc else ""
    return (f"### struct {decl.name}\n\n{doc}{decl.size} bytes.\n\n"
            f"| offset | field | meaning |\n|---|---|---|\n{rows}\n")


def syscall(decl):
    kind = " A message: tag and words travel beside the arguments." if decl.message else ""
    kind += " Takes `flags ipc`." if decl.flagged else ""
    return (f"### {decl.value}: {decl.name}\n\n`{signature(decl.name, decl)}`\n\n"
            f"{decl.doc}{kind}\n\n")


def section(item):
    """A section's // text: prose, with indented lines kept as drawn."""
    text = "\n".join(item[2]).strip("\n")
    return f"## {item[1][0].upper()}{item[1][1:]}\n\n" + (f"```text\n{text}\n```\n\n" if text else "")


def declarations(file):
    """Every declaration but calls, in the file's order; neighbours of one sort share a table."""
    out, run = [], []
    for item in [*file.items, None]:
        sort = None if item is None or isinstance(item, tuple) else item.sort
        if run and sort != run[0].sort:
            out.append(statuses(run) if run[0].sort == "status" else constants(run))
            run = []
        if sort in ("status", "const"):
            run.append(item)
        elif sort in ("enum", "flags"):
            out.append(enumeration(item))
        elif sort == "struct":
            out.append(struct(item))
        elif sort == "syscall":
            out.append(syscall(item))
        elif isinstance(item, tuple):
            out.append(section(item))
    return "".join(out)


def statuses(decls):
    rows = "".join(f"| `{d.name}` | {d.value} | {d.errno if d.errno != '0' else ''} | {d.doc} |\n" for d in decls)
    return f"| status | value | errno | meaning |\n|---|---|---|---|\n{rows}\n"


def abi_page(abi, source):
    return (f"# The ABI\n\n<!-- Generated from {source} by toolchain/gen.py: change that, not this. -->\n\n"
            f"{abi.doc}\n\n{declarations(abi)}").rstrip() + "\n"


def call(interface, decl):
    manager = " Only for managers: others get `E_RIGHTS`." if decl.manager else ""
    doc = f"{decl.doc}{manager}".strip()
    return (f"### {decl.value}: {decl.name}\n\n`{signature(decl.name, decl)}`\n\n"
            + (f"{doc}\n\n" if doc else ""))


def proto_page(file, protos):
    """One interface: its text, what it declares, its requests by number, and those it inherits."""
    name = file.path.split("/")[-1][:-4]
    out = [f"# {name}\n\n<!-- Generated from servers/proto/{name}.idl by toolchain/gen.py: change that, "
           f"not this. -->\n\n{file.doc}\n\n"]
    interface = (file.all("interface") or [None])[0]
    if interface:
        base = f" It answers the requests of [{interface.extends}]({interface.extends}.md) too." if interface.extends else ""
        out.append(f"Interface {interface.value}: the label of a request is {interface.value << 8:#x} + its number. "
                   f"Request 255 is `attach(window: cap)`.{base}\n\n")
        out.append("## Requests\n\n" + "".join(call(interface, c) for c in file.all("call")))
    rest = declarations(file)
    out.append("## Declarations\n\n" + rest if rest else "")
    return "".join(out).rstrip() + "\n"


def files(abi, source, protos):
    """{name: text} for docs/reference/."""
    made = {"abi.md": abi_page(abi, source)}
    for file in protos:
        made[file.path.split("/")[-1][:-4] + ".md"] = proto_page(file, protos)
    return made
