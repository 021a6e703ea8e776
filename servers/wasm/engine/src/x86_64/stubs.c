/* Code that every store has once: into guest code and out of it. All of it is reached with the
 * registers of compiler.h, and the C functions that it calls run on the host's stack. */
#include <stddef.h>
#include "../compile.h"
#include "compiler.h"
#include "wasm/platform.h"

enum { STUB_BYTES = 2 * WASM_PLATFORM_PAGE };

static const uint8_t SAVED_BY_C[] = {RBX, RBP, R12, R13, R14, R15};

struct stubs {
    struct x64_asm code;
    struct wasm_native *native;
};

/* The names of native's fields, as addresses. */
#define FIELD(s, field) x64_absolute(&(s)->native->field)

static const uint8_t *here(const struct stubs *s)
{
    return s->code.at;
}

static void load(struct stubs *s, unsigned reg, struct x64_mem m)
{
    x64_rm(&s->code, W64 | 0x8b, reg, m);
}

static void store(struct stubs *s, unsigned reg, struct x64_mem m)
{
    x64_rm(&s->code, W64 | 0x89, reg, m);
}

static void call_c(struct stubs *s, uint64_t function)
{
    x64_mov_ri(&s->code, RAX, function);
    x64_rr(&s->code, 0xff, 2, RAX);
}

/* uint64_t enter(struct wasm_x64_call *call): 0 when the function returned, with its result in
 * integers[0] or vectors[0]; else a trap's kind + 1, or UINT64_MAX when a host function ended
 * the guest. Returns where the latter two are to jump, with the answer in rax. */
static uint32_t make_enter(struct stubs *s)
{
    struct x64_asm *a = &s->code;
    s->native->enter = here(s);
    for (unsigned i = 0; i < sizeof SAVED_BY_C; i++)
        x64_push(a, SAVED_BY_C[i]);
    x64_rm(a, 0xff, 6, FIELD(s, host_sp)); /* push: of the entry around this one */
    x64_push(a, RDI);
    x64_alu_ri(a, W64, ALU_SUB, RSP, 8); /* calls of C want rsp at a multiple of 16 */
    store(s, RSP, FIELD(s, host_sp));
    load(s, RSP, FIELD(s, guest_sp));
    load(s, R15, FIELD(s, ticks));
    load(s, RCX, x64_at(RDI, offsetof(struct wasm_x64_call, stack_words)));
    load(s, RSI, x64_at(RDI, offsetof(struct wasm_x64_call, stack)));
    uint32_t loop = x64_here(a);
    x64_rr(a, W64 | 0x85, RCX, RCX);
    uint32_t done = x64_jcc(a, CC_E, 0);
    x64_rm(a, 0xff, 6, x64_indexed(RSI, RCX, 3, -8)); /* push: the last one first */
    x64_rr(a, W64 | 0xff, 1, RCX);
    x64_jmp_to(a, loop);
    x64_patch(a, done, x64_here(a));
    for (unsigned i = 0; i < X64_VECTOR_ARGS; i++)
        x64_rm(a, M0F | 0x10, XMM0 + i,
               x64_at(RDI, (int32_t)(offsetof(struct wasm_x64_call, vectors) + 16 * i)));
    x64_mov_rr(a, W64, RAX, RDI);
    for (unsigned i = 0; i < X64_INTEGER_ARGS; i++)
        load(s, x64_arguments[i], x64_at(RAX, (int32_t)(8 * i)));
    x64_rm(a, 0xff, 2, x64_at(RAX, offsetof(struct wasm_x64_call, target)));

    store(s, R15, FIELD(s, ticks));
    load(s, RSP, FIELD(s, host_sp));
    load(s, RDI, x64_at(RSP, 8));
    store(s, RAX, x64_at(RDI, 0));
    x64_rm(a, M0F | 0x11, XMM0, x64_at(RDI, offsetof(struct wasm_x64_call, vectors)));
    x64_alu_rr(a, 0, ALU_XOR, RAX, RAX);
    uint32_t leave = x64_here(a);
    load(s, RSP, FIELD(s, host_sp));
    x64_alu_ri(a, W64, ALU_ADD, RSP, 16);
    x64_rm(a, 0x8f, 0, FIELD(s, host_sp)); /* pop */
    for (unsigned i = sizeof SAVED_BY_C; i-- > 0;)
        x64_pop(a, SAVED_BY_C[i]);
    x64_ret(a, 0);
    return leave;
}

/* Every trap's exit, called: the return address says where. Then rax = kind + 1. `common` is
 * where helpers' traps arrive, with the same on the stack. */
static uint32_t make_traps(struct stubs *s, uint32_t leave)
{
    struct x64_asm *a = &s->code;
    uint32_t common = x64_here(a);
    x64_pop(a, RCX);
    store(s, RCX, FIELD(s, ip));
    store(s, RSP, FIELD(s, sp));
    store(s, R15, FIELD(s, ticks));
    x64_jmp_to(a, leave);
    for (unsigned kind = 0; kind <= WASM_TRAP_HOST; kind++) {
        s->native->trap[kind] = here(s);
        x64_mov_ri(a, RAX, kind + 1);
        x64_jmp_to(a, common);
    }
    return common;
}

/* All registers but rsp, r15 and rax, onto the guest's stack; and back. */
enum { ALL_BYTES = 16 * 16 };

static void save_all(struct stubs *s)
{
    struct x64_asm *a = &s->code;
    for (unsigned reg = 0; reg < 15; reg++)
        if (reg != RAX && reg != RSP)
            x64_push(a, reg);
    x64_alu_ri(a, W64, ALU_SUB, RSP, ALL_BYTES);
    for (unsigned i = 0; i < 16; i++)
        x64_rm(a, M0F | 0x11, XMM0 + i, x64_at(RSP, (int32_t)(16 * i)));
}

static void restore_all(struct stubs *s)
{
    struct x64_asm *a = &s->code;
    for (unsigned i = 0; i < 16; i++)
        x64_rm(a, M0F | 0x10, XMM0 + i, x64_at(RSP, (int32_t)(16 * i)));
    x64_alu_ri(a, W64, ALU_ADD, RSP, ALL_BYTES);
    for (unsigned reg = 15; reg-- > 0;)
        if (reg != RAX && reg != RSP)
            x64_pop(a, reg);
}

/* Leaves for the host: the guest's stack pointer and ticks to native. */
static void to_host(struct stubs *s)
{
    store(s, RSP, FIELD(s, guest_sp));
    store(s, R15, FIELD(s, ticks));
    load(s, RSP, FIELD(s, host_sp));
    x64_mov_ri(&s->code, RDI, (uintptr_t)s->native);
}

static void from_host(struct stubs *s)
{
    load(s, RSP, FIELD(s, guest_sp));
    load(s, R15, FIELD(s, ticks));
}

/* The registers of locals that C may destroy: what is live where a helper is called, since all
 * values are in their slots then. */
static const uint8_t LOCALS[] = {RDI,  RSI,  R8,    R10,   R11,   XMM6,  XMM7,
                                 XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14};
enum { INTEGER_LOCALS = 5 };

/* Calls helper rax(native, native->args); keeps the first `count` of LOCALS. */
static const uint8_t *make_runtime(struct stubs *s, unsigned count, uint32_t trap)
{
    struct x64_asm *a = &s->code;
    const uint8_t *start = here(s);
    x64_alu_ri(a, W64, ALU_SUB, RSP, (int32_t)(16 * count));
    for (unsigned i = 0; i < count; i++)
        x64_rm(a, LOCALS[i] < 16 ? W64 | 0x89 : M0F | 0x11, LOCALS[i],
               x64_at(RSP, (int32_t)(16 * i)));
    to_host(s);
    load(s, RSI, FIELD(s, args));
    x64_rr(a, 0xff, 2, RAX);
    from_host(s);
    for (unsigned i = 0; i < count; i++)
        x64_rm(a, LOCALS[i] < 16 ? W64 | 0x8b : M0F | 0x10, LOCALS[i],
               x64_at(RSP, (int32_t)(16 * i)));
    x64_alu_ri(a, W64, ALU_ADD, RSP, (int32_t)(16 * count));
    x64_alu_mi(a, W64, ALU_CMP, FIELD(s, trapped), 0);
    uint32_t ended = x64_jcc(a, CC_NE, 0);
    x64_ret(a, 0);
    x64_patch(a, ended, x64_here(a));
    load(s, RAX, FIELD(s, trapped));
    x64_jmp_to(a, trap);
    return start;
}

/* What a function without ticks or stack calls: `function` answers 0, or a trap's kind + 1.
 * Keeps all registers, rax too. At a function's entry the frame is not there yet: the return
 * address of the function itself is behind ours. */
static const uint8_t *make_slow(struct stubs *s, uint64_t function, bool at_entry,
                                uint32_t trap)
{
    struct x64_asm *a = &s->code;
    const uint8_t *start = here(s);
    x64_push(a, RAX);
    save_all(s);
    x64_mov_rr(a, W64, RSI, RAX);
    to_host(s);
    call_c(s, function);
    from_host(s);
    x64_rr(a, W64 | 0x85, RAX, RAX);
    uint32_t ended = x64_jcc(a, CC_NE, 0);
    restore_all(s);
    x64_pop(a, RAX);
    x64_ret(a, 0);
    x64_patch(a, ended, x64_here(a));
    x64_alu_ri(a, W64, ALU_ADD, RSP, ALL_BYTES + 13 * 8 + 8);
    if (at_entry)
        x64_rm_imm(a, W64 | 0xc7, 0, FIELD(s, at_entry), 1, 4);
    x64_jmp_to(a, trap);
    return start;
}

/* A host function's thunk calls this with the function in rax. The registers of arguments go to
 * a struct wasm_x64_call, of which rsp is the front. */
static void make_host(struct stubs *s, uint32_t leave)
{
    enum { BYTES = offsetof(struct wasm_x64_call, target) };
    struct x64_asm *a = &s->code;
    s->native->host = here(s);
    x64_alu_ri(a, W64, ALU_SUB, RSP, BYTES);
    for (unsigned i = 0; i < X64_INTEGER_ARGS; i++)
        store(s, x64_arguments[i], x64_at(RSP, (int32_t)(8 * i)));
    store(s, R10, x64_at(RSP, 48));
    store(s, R11, x64_at(RSP, 56));
    for (unsigned i = 0; i < X64_VECTOR_ARGS; i++)
        x64_rm(a, M0F | 0x11, XMM0 + i, x64_at(RSP, (int32_t)(64 + 16 * i)));
    x64_mov_rr(a, W64, RSI, RSP);
    x64_mov_rr(a, W64, RDX, RAX);
    x64_mov_rr(a, W64, RCX, R14);
    to_host(s);
    call_c(s, (uintptr_t)wasm_x64_call_host);
    from_host(s);
    x64_rr(a, 0x84, RAX, RAX); /* test al */
    uint32_t over = x64_jcc(a, CC_E, 0);
    load(s, R10, x64_at(RSP, 48));
    load(s, R11, x64_at(RSP, 56));
    load(s, RAX, x64_at(RSP, 0));
    x64_rm(a, M0F | 0x10, XMM0, x64_at(RSP, 64));
    x64_alu_ri(a, W64, ALU_ADD, RSP, BYTES);
    x64_ret(a, 0);
    x64_patch(a, over, x64_here(a));
    x64_mov_ri(a, RAX, UINT64_MAX);
    x64_jmp_to(a, leave);
}

uint8_t *wasm_x64_host_thunk(struct wasm_native *n, const struct wasm_func *f, uint8_t *at)
{
    struct x64_asm a = {at, at, (uintptr_t)at, NULL};
    x64_mov_ri(&a, RAX, (uintptr_t)f);
    x64_call_to(&a, (uintptr_t)n->host);
    x64_ret(&a, wasm_x64_stack_args(&f->type->type));
    return a.at;
}

bool wasm_x64_stubs(struct wasm_native *n)
{
    uint8_t *at = n->code;
    if (!wasm_platform_commit(at, STUB_BYTES))
        return false;
    struct stubs s = {{at, at, (uintptr_t)at, NULL}, n};
    uint32_t leave = make_enter(&s);
    uint32_t trap = make_traps(&s, leave);
    n->runtime = make_runtime(&s, INTEGER_LOCALS, trap);
    n->runtime_vectors = make_runtime(&s, sizeof LOCALS, trap);
    n->refill = make_slow(&s, (uintptr_t)wasm_x64_refill, false, trap);
    n->refill_entry = make_slow(&s, (uintptr_t)wasm_x64_refill, true, trap);
    n->grow_stack = here(&s);
    x64_mov_rr(&s.code, W64, RAX, RSP);
    n->grow_stack_far = make_slow(&s, (uintptr_t)wasm_x64_grow_stack, true, trap);
    make_host(&s, leave);
    n->code += STUB_BYTES;
    return wasm_platform_seal(at, STUB_BYTES);
}
