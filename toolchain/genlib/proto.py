"""What servers/proto/*.idl become: for each interface a client header and stubs, and for its
server the checked decoding, the dispatch and typed replies. servers/lib holds the few
functions that this code calls."""

from genlib.abi import banner, c_declarations, comment_block
from genlib.idl import ATTACH, CALL_WORDS, MAX_DATA, IdlError

C_WORDS = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t", "i64": "int64_t"}
# Names that the stubs use themselves.
RESERVED = {"s", "m", "at", "result", "none", "slot0", "slot1", "slot2"}


class Request:
    """One call of one interface, with its members by what they are."""

    def __init__(self, interface, call):
        self.call, self.base = call, interface
        self.name = f"{interface.name}_{call.name}"
        self.label = f"LABEL_{self.name.upper()}"
        self.number = interface.value << 8 | call.value
        self.ins, self.outs = call.members, call.results

    def result(self, member):
        """C name of a result: `_out` tells it from a parameter of the same name."""
        taken = {m.name for m in self.ins}
        return member.name + "_out" if member.name in taken else member.name


def is_struct(member):
    return member.type.startswith("struct ")


def in_window(member):
    return member.type == "data" or is_struct(member)


def is_word(member):
    return member.type in CALL_WORDS or member.type == "data"


def words(members):
    """[(index, member)] of those that take a word."""
    return list(enumerate(m for m in members if is_word(m)))


def caps(members):
    return list(enumerate(m for m in members if m.type == "cap"))


def requests(file):
    interface = file.all("interface")[0]
    return [Request(interface, c) for c in file.all("call")]


# ---------------------------------------------------------------- client

def client_parameters(req):
    text = ["struct session *s"]
    for m in req.ins:
        if m.type == "data":
            text += [f"const void *{m.name}", f"uint32_t {m.name}_bytes"]
        elif is_struct(m):
            text.append(f"const {m.type} *{m.name}")
        else:
            text.append(f"{'uint32_t' if m.type == 'cap' else C_WORDS[m.type]} {m.name}")
    for m in req.outs:
        name = req.result(m)
        if m.type == "data":
            text += [f"const void **{name}", f"uint32_t *{name}_bytes"]
        elif is_struct(m):
            text.append(f"{m.type} *{name}")
        else:
            text.append(f"{'uint32_t' if m.type == 'cap' else C_WORDS[m.type]} *{name}")
    return ", ".join(text)


def client_prototype(req):
    return f"enum status {req.name}({client_parameters(req)})"


def word_place(index):
    return f"m.words[{index}]" if index < 6 else f"ipc_buffer()->words[{index}]"


def client_stub(req):
    """Order matters: slots and the window first, for they may call `memory` themselves and use
    the IPC buffer; then words and capabilities; then the call."""
    ins, outs = req.ins, req.outs
    windowed = any(in_window(m) for m in ins + outs)
    number = f"INTERFACE_{req.base.name.upper()}"
    body = ["    struct message m;", "    enum status result;"]
    for m in ins:
        if m.type == "data":
            body.append(f"    if ({m.name}_bytes > {m.maximum})\n        return E_INVAL;")
    for i, m in caps(outs):
        body.append(f"    uint32_t slot{i} = slot_alloc();")
    if caps(outs):
        test = " || ".join(f"!slot{i}" for i, _ in caps(outs))
        drop = "".join(f"        slot_free(slot{i});\n" for i, _ in caps(outs))
        body.append(f"    if ({test}) {{\n{drop}        return E_NOMEM;\n    }}")
    body.append("    do {")
    if windowed:
        if caps(outs):
            body.append(f"        result = session_window(s, {number});\n"
                        "        if (result != OK)\n            break;")
        else:
            body.append(f"        result = session_window(s, {number});\n"
                        "        if (result != OK)\n            return result;")
    windows = [m for m in ins if in_window(m)]
    if windows:
        body.append("        uint32_t at = 0;")
    for m in windows:
        size = f"{m.name}_bytes" if m.type == "data" else f"sizeof *{m.name}"
        body.append(f"        at = session_put(s, at, {m.name}, {size});")
    if windows:
        body.append("        (void)at;")
    for i in range(6):
        given = [m for n, m in words(ins) if n == i]
        value = (f"{given[0].name}_bytes" if given[0].type == "data" else given[0].name) if given else "0"
        body.append(f"        m.words[{i}] = {'(uint64_t)' if given and given[0].type == 'i64' else ''}{value};")
    for i, m in words(ins):
        if i >= 6:
            value = f"{m.name}_bytes" if m.type == "data" else m.name
            body.append(f"        ipc_buffer()->words[{i}] = {value};")
    for i, m in caps(ins):
        body.append(f"        ipc_buffer()->caps[{i}] = {m.name};")
    for i, m in caps(outs):
        body.append(f"        ipc_buffer()->slots[{i}] = slot{i};")
    given_caps = str(len(caps(ins)))
    if len(caps(ins)) == 1:
        given_caps = f"{caps(ins)[0][1].name} != 0"
    body.append(f"        m.tag = tag_make({req.label}, {len(words(ins))}, {given_caps});")
    body.append("        result = session_call(s, &m);")
    for i, _ in caps(outs):
        body.append(f"        ipc_buffer()->slots[{i}] = 0;")
    body.append("    } while (result == SESSION_AGAIN ||\n"
                f"             (result == E_STALE && session_renew(s, {number})));")
    body += client_results(req, outs)
    return f"{client_prototype(req)}\n{{\n" + "\n".join(body) + "\n    return result;\n}\n"


def client_results(req, outs):
    """What the reply brings, copied out; capabilities that did not come give their slot back."""
    body = []
    for i, m in words(outs):
        if m.type == "data":
            body.append(f"    if (result == OK && {word_place(i)} > {m.maximum})\n        result = E_IO;")
    for i, m in caps(outs):
        body.append(f"    if (result != OK || tag_caps(m.tag) <= {i} || tag_skipped(m.tag) >> {i} & 1) {{\n"
                    f"        slot_free(slot{i});\n        slot{i} = 0;\n    }}")
    for i, m in caps(outs):
        body.append(f"    *{req.result(m)} = slot{i};")
    rest = [m for m in outs if m.type != "cap"]
    if rest:
        body.append("    if (result != OK)\n        return result;")
    for i, m in words(outs):
        name = req.result(m)
        if m.type == "data":
            body.append(f"    *{name}_bytes = (uint32_t){word_place(i)};")
        else:
            body.append(f"    *{name} = ({C_WORDS[m.type]}){word_place(i)};")
    at = 0
    for m in outs:
        if m.type == "data":
            body.append(f"    *{req.result(m)} = s->window + {at};")
        elif is_struct(m):
            body.append(f"    session_get(s, {at}, {req.result(m)}, sizeof *{req.result(m)});")
        at += (m.maximum + 7) & ~7
    return body


def client_header(file, source):
    has = file.all("interface")
    out = [banner(source, f"{file.path.split('/')[-1][:-4]}: what its clients use."), "#pragma once\n\n"]
    out.append("#include <pith/abi.h>\n")
    if not has:
        return "".join(out) + "\n" + c_declarations(file)
    interface = has[0]
    out.append("#include <lib/session.h>\n")
    if interface.extends:
        out.append(f"#include <proto/{interface.extends}.h>\n")
    out.append(f"\n{comment_block(file.doc)}#define INTERFACE_{interface.name.upper()} {interface.value}\n\n")
    out.append(c_declarations(file))
    out.append(f"\n/// Message labels: interface << 8 | request.\nenum {interface.name}_label {{\n")
    out += [f"    {r.label} = {r.number:#x},\n" for r in requests(file)]
    out.append("};\n")
    for req in requests(file):
        out.append(f"\n{comment_block(req.call.doc)}PITH_CHECKED {client_prototype(req)}\n    PITH_SYMBOL({req.name});\n")
    return "".join(out)


def client_source(file, source):
    name = file.all("interface")[0].name
    return (banner(source, f"Client stubs of {name}.")
            + f"#include <lib/slots.h>\n#include <proto/{name}.h>\n\n"
            + "\n".join(client_stub(r) for r in requests(file)))


# ---------------------------------------------------------------- server

def in_struct(req):
    fields = []
    for m in req.ins:
        if m.type == "data":
            fields.append(f"    struct data {m.name}; ///< at most {m.maximum} bytes"
                          + ("; in the client's window: it may change it meanwhile"
                             if m.maximum == MAX_DATA else "; a copy, NUL-terminated"))
        elif is_struct(m):
            fields.append(f"    {m.type} {m.name};")
        else:
            fields.append(f"    {'uint32_t' if m.type == 'cap' else C_WORDS[m.type]} {m.name};"
                          + (" ///< slot, 0: none came" if m.type == "cap" else ""))
    return f"struct {req.name}_in {{\n" + "\n".join(fields or ["    char none;"]) + "\n};\n"


def out_struct(req):
    fields = []
    for m in req.outs:
        if m.type == "data":
            fields.append(f"    struct space {m.name}; ///< fill, and say how much; at most {m.maximum} bytes")
        elif is_struct(m):
            fields.append(f"    {m.type} {m.name};")
        else:
            fields.append(f"    {'uint32_t' if m.type == 'cap' else C_WORDS[m.type]} {m.name};"
                          + (" ///< slot" if m.type == "cap" else ""))
    return f"struct {req.name}_out {{\n" + "\n".join(fields or ["    char none;"]) + "\n};\n"


def decode_function(req):
    """Checks before use: sender, counts, ranges, lengths; then copies."""
    windowed = any(in_window(m) for m in req.ins + req.outs)
    manager = "true" if req.call.manager else "false"
    body = [f"    enum status result = request_check(r, {len(words(req.ins))}, {len(caps(req.ins))}, {manager}, "
            f"{'true' if windowed else 'false'});",
            "    if (result != OK)\n        return result;"]
    for i, m in words(req.ins):
        limit = {"u8": "UINT8_MAX", "u16": "UINT16_MAX", "u32": "UINT32_MAX"}.get(m.type)
        if m.type == "data":
            limit = str(m.maximum)
        if limit:
            body.append(f"    if (request_word(r, {i}) > {limit})\n        return E_INVAL;")
        if m.type == "data":
            body.append(f"    in->{m.name}.size = (uint32_t)request_word(r, {i});")
        else:
            body.append(f"    in->{m.name} = ({C_WORDS[m.type]})request_word(r, {i});")
    for i, m in caps(req.ins):
        body.append(f"    in->{m.name} = r->caps[{i}];")
    windows = [m for m in req.ins if in_window(m)]
    if windows:
        body.append("    uint32_t at = 0;")
    for m in windows:
        if is_struct(m):
            body.append(f"    at = request_get(r, at, &in->{m.name}, sizeof in->{m.name});")
        else:
            how = "bulk" if m.maximum == MAX_DATA else "stage"
            body.append(f"    at = request_{how}(r, at, &in->{m.name});")
    if windows:
        body.append("    (void)at;")
    if not req.ins:
        body.append("    in->none = 0;")
    return (f"enum status {req.name}_decode(struct request *r, struct {req.name}_in *in)\n{{\n"
            + "\n".join(body) + "\n    return OK;\n}\n")


def prepare_function(req):
    """Points the out data at its place in the window."""
    body, at = [f"    *out = (struct {req.name}_out){{0}};"], 0
    for m in req.outs:
        if m.type == "data":
            body.append(f"    out->{m.name}.bytes = client->window + {at};\n"
                        f"    out->{m.name}.max = {m.maximum};")
        at += (m.maximum + 7) & ~7
    body.append("    (void)client;")
    return (f"void {req.name}_prepare(struct client *client, struct {req.name}_out *out)\n{{\n"
            + "\n".join(body) + "\n}\n")


def encode_function(req):
    """The reply's words, capabilities and window; sets the message's tag for status OK."""
    body, at = [], 0
    for m in req.outs:
        if is_struct(m):
            body.append(f"    client_put(client, {at}, &out->{m.name}, sizeof out->{m.name});")
        at += (m.maximum + 7) & ~7
    for i in range(6):
        given = [m for n, m in words(req.outs) if n == i]
        value = "0"
        if given:
            value = f"out->{given[0].name}.size" if given[0].type == "data" else f"(uint64_t)out->{given[0].name}"
        body.append(f"    m->words[{i}] = {value};")
    for i, m in words(req.outs):
        if i >= 6:
            body.append(f"    ipc_buffer()->words[{i}] = (uint64_t)out->{m.name};")
    for i, m in caps(req.outs):
        body.append(f"    ipc_buffer()->caps[{i}] = out->{m.name};")
    body.append(f"    m->tag = tag_make(OK, {len(words(req.outs))}, {len(caps(req.outs))});\n"
                "    (void)client;\n    (void)out;")
    return (f"void {req.name}_encode(struct client *client, const struct {req.name}_out *out, struct message *m)\n"
            "{\n" + "\n".join(body) + "\n}\n")


def reply_prototype(req):
    return f"enum status {req.name}_reply(struct reply *reply, enum status status_, const struct {req.name}_out *out)"


def reply_function(req):
    return (f"{reply_prototype(req)}\n{{\n    struct message m = {{0}};\n"
            f"    if (status_ == OK)\n        {req.name}_encode(reply->client, out, &m);\n"
            "    else\n        m.tag = tag_make(status_, 0, 0);\n    return reply_send(reply, &m);\n}\n")


def handler_prototype(interface, req):
    return (f"enum status {interface.name}_on_{req.call.name}(struct request *r, "
            f"const struct {req.name}_in *in, struct {req.name}_out *out)")


def server_header(file, source, bases):
    interface = file.all("interface")[0]
    extends = interface.extends
    out = [banner(source, f"{interface.name}: what its server uses and defines."),
           "#pragma once\n\n#include <lib/server.h>\n", f"#include <proto/{interface.name}.h>\n"]
    if extends:
        out.append(f"#include <proto/{extends}_server.h>\n")
    for req in requests(file):
        out.append(f"\n{comment_block(req.call.doc)}{in_struct(req)}{out_struct(req)}"
                   f"enum status {req.name}_decode(struct request *r, struct {req.name}_in *in);\n"
                   f"/// Before a deferred reply: empty results, their data where the client looks for it.\n"
                   f"void {req.name}_prepare(struct client *client, struct {req.name}_out *out);\n"
                   f"void {req.name}_encode(struct client *client, const struct {req.name}_out *out, struct message *m);\n"
                   f"/// Answers a caller taken over by reply_take(); the reply goes back to the pool. E_DEAD: the caller is gone.\n"
                   f"__attribute__((warn_unused_result)) {reply_prototype(req)};\n")
    if not is_base(file, bases):
        everything = (requests(bases[extends]) if extends else []) + requests(file)
        out.append("\n// ---------------------------------------------------------------- written by the server\n\n")
        out += [f"{handler_prototype(interface, r)};\n" for r in everything]
        out.append(f"\n/// Serves one request: finds, checks, calls the handler above, encodes. For struct server.\n"
                   f"enum status {interface.name}_dispatch(struct request *r);\n")
    return "".join(out)


def is_base(file, bases):
    return any(b is file for b in bases.values())


def serve_function(interface, req):
    return (f"static enum status serve_{req.call.name}(struct request *r)\n{{\n"
            f"    struct {req.name}_in in;\n    struct {req.name}_out out;\n"
            f"    enum status result = {req.name}_decode(r, &in);\n"
            "    if (result != OK)\n        return result;\n"
            f"    {req.name}_prepare(r->client, &out);\n"
            f"    result = {interface.name}_on_{req.call.name}(r, &in, &out);\n"
            f"    if (result == OK)\n        {req.name}_encode(r->client, &out, &r->message);\n"
            "    return result;\n}\n")


def server_source(file, source, bases):
    interface = file.all("interface")[0]
    own = requests(file)
    out = [banner(source, f"The server side of {interface.name}."),
           f"#include <proto/{interface.name}_server.h>\n\n"]
    out.append("\n".join(f(r) for r in own
                         for f in (decode_function, prepare_function, encode_function, reply_function)))
    return "".join(out)


def dispatch_source(file, source, bases):
    """Apart from the rest, so that a base's decoding links without a server for it."""
    interface = file.all("interface")[0]
    everything = (requests(bases[interface.extends]) if interface.extends else []) + requests(file)
    attach = [f"    case INTERFACE_{n.upper()} << 8 | {ATTACH}:\n"
              for n in [interface.extends, interface.name] if n]
    cases = "".join(f"    case {r.label}:\n        return serve_{r.call.name}(r);\n" for r in everything)
    return (banner(source, f"Finds the handler of a request to {interface.name}.")
            + f"#include <proto/{interface.name}_server.h>\n\n"
            + "\n".join(serve_function(interface, r) for r in everything)
            + f"\nenum status {interface.name}_dispatch(struct request *r)\n{{\n"
            + "    switch (tag_label(r->message.tag)) {\n" + cases + "".join(attach)
            + "        return request_attach(r);\n    default:\n        return E_SYSCALL;\n    }\n}\n")


def names_header(protos, source):
    cases = "".join(f'    case {r.number:#x}:\n        return "{r.base.name}.{r.call.name}";\n'
                    for f in protos if f.all("interface") for r in requests(f))
    cases += "".join(f'    case {f.all("interface")[0].value << 8 | ATTACH:#x}:\n'
                     f'        return "{f.all("interface")[0].name}.attach";\n'
                     for f in protos if f.all("interface"))
    return (banner(source, "Names of message labels, for traces; null for unknown ones.")
            + "#pragma once\n\n#include <stdint.h>\n\n"
            + "static inline const char *label_name(uint32_t label)\n{\n    switch (label) {\n"
            + cases + "    default:\n        return 0;\n    }\n}\n")


def find_bases(protos):
    """{name: file} of the interfaces that others extend."""
    by_name = {f.all("interface")[0].name: f for f in protos if f.all("interface")}
    used = {f.all("interface")[0].extends for f in protos if f.all("interface")}
    return {name: file for name, file in by_name.items() if name in used}


def check_names(file):
    for req in requests(file):
        for member in req.ins + req.outs:
            if member.name in RESERVED:
                raise IdlError(f"{member.where}: {member.name}: the stubs use this name, choose another")
        bulk = any(m.type == "data" and m.maximum == MAX_DATA for m in req.ins)
        if bulk and any(in_window(m) for m in req.outs):
            raise IdlError(f"{req.call.where}: call {req.call.name}: data<{MAX_DATA}> goes in, so nothing can "
                           "come out through the same window")


def files(protos):
    for file in protos:
        if file.all("interface"):
            check_names(file)
    bases = find_bases(protos)
    made = {"include/proto/names.h": names_header(protos, "servers/proto")}
    for file in protos:
        name = file.path.split("/")[-1][:-4]
        source = f"servers/proto/{name}.idl"
        made[f"include/proto/{name}.h"] = client_header(file, source)
        if not file.all("interface"):
            continue
        made[f"{name}_client.c"] = client_source(file, source)
        made[f"include/proto/{name}_server.h"] = server_header(file, source, bases)
        made[f"{name}_server.c"] = server_source(file, source, bases)
        if not is_base(file, bases):
            made[f"{name}_dispatch.c"] = dispatch_source(file, source, bases)
    return made
