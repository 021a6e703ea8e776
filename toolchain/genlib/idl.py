"""The interface language: tokens, parser and the checks that need no C compiler.

Used by toolchain/gen.py for kern/abi/pith.idl and servers/proto/*.idl. docs/reference/idl.md
describes the language. Every error is raised as IdlError("file:line: what")."""

import re
from dataclasses import dataclass, field


class IdlError(Exception):
    pass


# Bytes of each scalar type. `char` is a byte of text; `handle` is a u32 that names a slot.
SCALARS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i32": 4, "i64": 8, "char": 1}
SYSCALL_TYPES = {"handle": 32, "u32": 32, "u64": 64}
CALL_WORDS = ("u8", "u16", "u32", "u64", "i64")
MAX_DATA = 65536  # DESIGN: a request moves at most 64 KiB
ATTACH = 255      # the request of every interface that hands over a session's window

TOKEN = re.compile(r"""
    (?P<space>[ \t\r]+) | (?P<newline>\n) | (?P<doc>///[^\n]*) | (?P<comment>//[^\n]*)
  | (?P<string>"[^"\n]*") | (?P<number>0x[0-9a-fA-F]+|[0-9]+) | (?P<name>[A-Za-z_]\w*)
  | (?P<arrow>->) | (?P<mark>[=;{}(),:<>\[\]])""", re.VERBOSE)


@dataclass
class Member:
    """A constant of an enum or flags, a field of a struct, or a parameter of a call."""
    name: str
    where: str
    value: int = 0
    type: str = ""
    count: int = 0        # array length of a field; 0: no array
    maximum: int = 0      # data<MAX>; bytes of a struct parameter
    doc: str = ""
    offset: int = 0


@dataclass
class Decl:
    """One declaration. `sort` is its keyword: status const enum flags struct syscall interface call."""
    sort: str
    name: str
    where: str
    value: int = 0
    doc: str = ""
    members: list = field(default_factory=list)
    results: list = field(default_factory=list)
    errno: str = ""
    message: bool = False  # syscall: carries a message
    flagged: bool = False  # syscall: takes flags ipc
    manager: bool = False  # call: only from sessions with the manager bit
    extends: str = ""
    size: int = 0


@dataclass
class File:
    path: str
    doc: str = ""
    items: list = field(default_factory=list)  # Decl, or ("section", title, [lines])

    def all(self, sort):
        return [d for d in self.items if isinstance(d, Decl) and d.sort == sort]


def tokenize(path, text):
    """List of (sort, text, line, first_on_its_line); ends with an `end` token. Documentation
    right below a trailing one, in its column, goes on with it: it is not the first either."""
    tokens, line, at, first, trailing = [], 1, 0, True, None
    while at < len(text):
        found = TOKEN.match(text, at)
        if not found:
            raise IdlError(f"{path}:{line}: unexpected character {text[at]!r}")
        at = found.end()
        sort = found.lastgroup
        if sort == "newline":
            line, first = line + 1, True
        elif sort != "space":
            column = found.start() - text.rfind("\n", 0, found.start())
            if sort == "doc" and (not first or trailing == (line - 1, column)):
                first, trailing = False, (line, column)
            tokens.append((sort, found.group(), line, first))
            first = False
    tokens.append(("end", "end of file", line, True))
    return tokens


class Parser:
    """Recursive descent over the tokens of one file."""

    def __init__(self, path, text):
        self.path, self.at = path, 0
        self.tokens = tokenize(path, text)
        self.file = File(path)
        self.doc = []          # pending lines of documentation for the next declaration
        self.last = None       # what a trailing /// comment documents

    def where(self):
        return f"{self.path}:{self.tokens[self.at][2]}"

    def fail(self, what):
        raise IdlError(f"{self.where()}: {what}")

    def peek(self):
        self.comments()
        return self.tokens[self.at][1]

    def comments(self):
        """Take the comments at this point: trailing ones to `last`, others to `doc`."""
        while self.tokens[self.at][0] in ("doc", "comment"):
            sort, text, line, first = self.tokens[self.at]
            body = text[3 if sort == "doc" else 2:]
            body = body[1:] if body.startswith(" ") else body
            if sort == "doc" and not first and self.last is not None:
                self.last.doc = (self.last.doc + " " + body).strip()
            elif sort == "doc":
                self.doc.append(body.rstrip())
            elif first:
                self.section(body.rstrip(), line)
            self.at += 1

    def section(self, body, line):
        """`// ------- title` opens a section of the reference page; the // lines that follow
        directly are its text."""
        title = re.match(r"-{8,} *(.+)$", body)
        items = self.file.items
        if title:
            items.append(("section", title.group(1), [], line))
        elif items and isinstance(items[-1], tuple) and items[-1][3] + len(items[-1][2]) + 1 == line:
            items[-1][2].append(body)

    def take(self, sort=None, text=None):
        self.comments()
        got, value, _, _ = self.tokens[self.at]
        if (sort and got != sort) or (text and value != text):
            self.fail(f"expected {text or sort}, found {value!r}")
        self.at += 1
        return value

    def accept(self, text):
        if self.peek() == text:
            self.at += 1
            return True
        return False

    def number(self):
        return int(self.take("number"), 0)

    def parse(self):
        self.opening()
        while self.peek() != "end of file":
            self.declaration()
        return self.file

    def opening(self):
        """The comment block at the top is the file's text."""
        lines = []
        line = self.tokens[0][2]
        while self.tokens[self.at][0] in ("doc", "comment") and self.tokens[self.at][2] == line:
            lines.append(re.sub(r"^//+ ?", "", self.tokens[self.at][1]).rstrip())
            self.at, line = self.at + 1, line + 1
        self.file.doc = "\n".join(lines)
        if self.tokens[self.at][2] == line:  # no blank line: it documents the declaration too
            self.doc = lines

    def declaration(self):
        where, sort = self.where(), self.take("name")
        handler = getattr(self, "on_" + sort, None)
        if handler is None:
            raise IdlError(f"{where}: unknown declaration {sort!r}")
        decl = Decl(sort, self.take("name"), where, doc="\n".join(self.doc))
        self.doc = []
        handler(decl)
        self.file.items.append(decl)
        self.last = decl
        self.comments()

    def on_status(self, decl):
        self.take(text="=")
        decl.value = self.number()
        self.take(text="errno")
        self.comments()
        decl.errno = self.tokens[self.at][1]
        self.at += 1
        decl.doc = self.take("string")[1:-1]
        self.take(text=";")

    def on_const(self, decl):
        self.take(text="=")
        decl.value = self.number()
        self.take(text=";")

    def on_enum(self, decl):
        self.take(text="{")
        while not self.accept("}"):
            member = Member(self.take_member(), self.where(), doc=self.member_doc())
            self.take(text="=")
            member.value = self.number()
            self.take(text=";")
            decl.members.append(member)
            self.last = member
            self.comments()

    on_flags = on_enum

    def take_member(self):
        return self.take("name")

    def member_doc(self):
        doc, self.doc = " ".join(self.doc), []
        return doc

    def on_struct(self, decl):
        self.take(text="{")
        while not self.accept("}"):
            type_ = self.take("name")
            if type_ == "struct":
                type_ = "struct " + self.take("name")
            member = Member(self.take("name"), self.where(), type=type_, doc=self.member_doc())
            if self.accept("["):
                member.count = self.number()
                self.take(text="]")
            self.take(text=";")
            decl.members.append(member)
            self.last = member
            self.comments()

    def on_syscall(self, decl):
        self.take(text="=")
        decl.value = self.number()
        decl.message = self.accept("message")
        decl.flagged = decl.message and self.accept("flags")
        decl.members = self.parameters(SYSCALL_TYPES)
        decl.results = self.parameters(SYSCALL_TYPES) if self.accept("->") else []
        self.take(text=";")

    def on_interface(self, decl):
        self.take(text="=")
        decl.value = self.number()
        if self.accept("extends"):
            decl.extends = self.take("name")
        self.take(text=";")

    def on_call(self, decl):
        self.take(text="=")
        decl.value = self.number()
        decl.members = self.parameters(CALL_WORDS + ("cap", "data", "struct"))
        if self.accept("->"):
            decl.results = self.parameters(CALL_WORDS + ("cap", "data", "struct"))
        if self.accept("from"):
            self.take(text="manager")
            decl.manager = True
        self.take(text=";")

    def parameters(self, types):
        found = []
        self.take(text="(")
        while not self.accept(")"):
            if found:
                self.take(text=",")
            member = Member(self.take("name"), self.where(), doc=self.member_doc())
            self.take(text=":")
            member.type = self.take("name")
            if member.type not in types:
                raise IdlError(f"{member.where}: {member.name}: unknown type {member.type!r} here")
            if member.type == "data":
                self.take(text="<")
                member.maximum = self.number()
                self.take(text=">")
            if member.type == "struct":
                member.type = "struct " + self.take("name")
            found.append(member)
            self.last = member
        return found


# ---------------------------------------------------------------- checks

def unique(members, what, key):
    seen = {}
    for member in members:
        if key(member) in seen:
            raise IdlError(f"{member.where}: {what} {member.name}: "
                           f"already taken by {seen[key(member)]}")
        seen[key(member)] = member.name


def lay_out(decl, structs):
    """Give every field its offset. Padding is an error, so that nothing leaks through it and
    every compiler agrees."""
    offset, widest = 0, 1
    for member in decl.members:
        if member.type.startswith("struct "):
            inner = structs.get(member.type[7:])
            if inner is None:
                raise IdlError(f"{member.where}: {member.type} is not declared before this")
            size, align = inner.size, 8
        elif member.type in SCALARS:
            size = align = SCALARS[member.type]
        else:
            raise IdlError(f"{member.where}: {member.name}: unknown type {member.type!r}")
        if offset % align:
            raise IdlError(f"{member.where}: {member.name}: at offset {offset}, "
                           f"needs {align - offset % align} bytes of explicit padding before it")
        member.offset = offset
        offset += size * max(member.count, 1)
        widest = max(widest, align)
    if offset % widest or offset == 0:
        raise IdlError(f"{decl.where}: struct {decl.name}: {offset} bytes, "
                       f"not a multiple of {widest}: add explicit padding at its end")
    decl.size = offset


def check_calls(file, structs, bases, extended):
    """Requests of one interface: numbers, words, capabilities, window bytes."""
    interfaces = file.all("interface")
    if len(interfaces) > 1 or file.all("call") and not interfaces:
        raise IdlError(f"{file.path}:1: a file of servers/proto declares one interface, or none and no calls")
    if not interfaces:
        return
    interface = interfaces[0]
    if interface.extends and interface.extends not in bases:
        raise IdlError(f"{interface.where}: {interface.name} extends {interface.extends}, "
                       "which is not among the interface files given")
    unique(file.all("call"), "call", lambda d: d.value)
    for call in file.all("call"):
        low, high = (32 if interface.extends else 1), (31 if interface.name in extended else ATTACH - 1)
        if not low <= call.value <= high:
            raise IdlError(f"{call.where}: call {call.name} = {call.value}: must be {low} to {high}")
        for side, members in (("parameters", call.members), ("results", call.results)):
            check_side(call, side, members, structs)
        unique(call.members, "parameter", lambda d: d.name)
        unique(call.results, "result", lambda d: d.name)


def check_side(call, side, members, structs):
    words = sum(m.type in CALL_WORDS or m.type == "data" for m in members)
    caps = sum(m.type == "cap" for m in members)
    window = 0
    for member in members:
        if member.type.startswith("struct "):
            if member.type[7:] not in structs:
                raise IdlError(f"{member.where}: {member.name}: {member.type} is not declared")
            member.maximum = structs[member.type[7:]].size
        if member.type == "data" and not 1 <= member.maximum <= MAX_DATA:
            raise IdlError(f"{member.where}: {member.name}: data<{member.maximum}> "
                           f"must be 1 to {MAX_DATA}")
        window += (member.maximum + 7) & ~7
    if words > 64:
        raise IdlError(f"{call.where}: call {call.name}: {words} words of {side}, at most 64")
    if caps > 3:
        raise IdlError(f"{call.where}: call {call.name}: {caps} capabilities of {side}, at most 3")
    if window > MAX_DATA + 4096:
        raise IdlError(f"{call.where}: call {call.name}: {window} window bytes of {side}, "
                       f"at most {MAX_DATA + 4096}")


def load(abi_path, proto_paths):
    """Parse and check everything. Returns (File of the ABI, [File of each interface])."""
    files = [Parser(path, open(path, encoding="utf-8").read()).parse()
             for path in [abi_path, *proto_paths]]
    abi, protos = files[0], files[1:]
    everything = [d for f in files for d in f.items if isinstance(d, Decl)]
    for sort in ("status", "const", "enum", "flags", "struct", "syscall", "interface"):
        unique([d for d in everything if d.sort == sort], sort, lambda d: d.name)
    for sort in ("status", "syscall", "interface"):
        unique([d for d in everything if d.sort == sort], sort, lambda d: d.value)
    structs = {}
    for decl in everything:
        if decl.sort == "struct":
            unique(decl.members, "field", lambda m: m.name)
            lay_out(decl, structs)
            structs[decl.name] = decl
        if decl.sort in ("enum", "flags"):
            unique(decl.members, decl.sort, lambda m: m.name)
            unique(decl.members, decl.sort, lambda m: m.value)
    bases = {f.all("interface")[0].name for f in protos if f.all("interface")}
    for decl in abi.all("syscall"):
        if len(decl.members) > 8 or len(decl.results) > 3:
            raise IdlError(f"{decl.where}: syscall {decl.name}: at most 8 arguments, 3 results")
    extended = {i.extends for f in protos for i in f.all("interface")}
    for file in protos:
        check_calls(file, structs, bases, extended)
    return abi, protos
