/* Compiling a function and an instance; see compiler.h. */
#include "compiler.h"

#include <stdio.h>
#include <stdlib.h>
#include "../compile.h"
#include "wasm/platform.h"

enum {
    COMMIT_STEP = 64 << 10,
    /* Code may grow to so many times its module's bytes, and a little: a branch or a call that
     * carries a thousand values is a few bytes there. Programs take 3 or 4. */
    GROWTH_MAX = 24,
    GROWTH_FREE = 4 << 20
};

/* ---- The body's bytes ---- */

static struct wasm_reader reader(struct x64 *c)
{
    const struct wasm_module *m = c->module;
    return (struct wasm_reader){m->bytes, c->at, m->bytes + m->size, &c->failure};
}

uint32_t x64_u32_long(struct x64 *c)
{
    struct wasm_reader r = reader(c);
    uint32_t value = wasm_read_u32_long(&r);
    c->at = r.at;
    return value;
}

int64_t x64_s64(struct x64 *c)
{
    struct wasm_reader r = reader(c);
    int64_t value = wasm_read_s64(&r);
    c->at = r.at;
    return value;
}

uint64_t x64_fixed(struct x64 *c, unsigned bytes)
{
    uint64_t value = 0;
    memcpy(&value, c->at, bytes);
    c->at += bytes;
    return value;
}

/* ---- Room ---- */

void x64_more_room(struct x64 *c, size_t bytes)
{
    if (c->probe != UINT64_MAX) /* its buffer is as large as the function */
        wasm_no_memory(&c->failure);
    if ((size_t)(c->room - c->code_start) > GROWTH_MAX * c->module->size + GROWTH_FREE)
        x64_give_up(c, "the compiled code grows too large for its module: interpret it");
    bytes = (bytes + COMMIT_STEP - 1) / COMMIT_STEP * COMMIT_STEP;
    if (bytes > (size_t)(c->native->region_end - c->room) ||
        !wasm_platform_commit(c->room, bytes))
        wasm_no_memory(&c->failure);
    c->room += bytes;
}

_Noreturn void x64_give_up(struct x64 *c, const char *why)
{
    wasm_fail_at(&c->failure, WASM_NO_MEMORY, c->offset, "%s", why);
}

/* ---- Exits ---- */

void x64_exit(struct x64 *c, uint32_t from, const uint8_t *stub, uint32_t back)
{
    *WASM_APPEND(&c->failure, c->exits) = (struct x64_exit){from, c->offset, back, stub};
}

void x64_trap_if(struct x64 *c, enum x64_cc cc, enum wasm_trap_kind kind)
{
    x64_exit(c, x64_jcc(&c->code, cc, 0), c->native->trap[kind], UINT32_MAX);
}

void x64_trap(struct x64 *c, enum wasm_trap_kind kind)
{
    x64_call_to(&c->code, (uintptr_t)c->native->trap[kind]);
}

void x64_runtime(struct x64 *c, wasm_x64_helper *helper, uint32_t count, uint8_t result,
                 uint32_t immediate0, uint32_t immediate1)
{
    struct x64_asm *a = &c->code;
    struct wasm_native *n = c->native;
    x64_flush_all(c, c->count - count);
    for (uint32_t i = 0; i < count; i++)
        x64_drop(c);
    x64_claim(c, RAX);
    x64_mov_ri(a, RAX, (uintptr_t)c->instance);
    x64_rm(a, W64 | 0x89, RAX, x64_absolute(&n->instance));
    x64_rm_imm(a, W64 | 0xc7, 0, x64_absolute(&n->immediates[0]), immediate0, 4);
    x64_rm_imm(a, W64 | 0xc7, 0, x64_absolute(&n->immediates[1]), immediate1, 4);
    x64_rm_imm(a, W64 | 0xc7, 0, x64_absolute(&n->stride), 1u << (c->unit - 3), 4);
    x64_lea(a, W64, RAX, x64_slot(c, c->count));
    x64_rm(a, W64 | 0x89, RAX, x64_absolute(&n->args));
    x64_mov_ri(a, RAX, (uintptr_t)helper);
    bool vectors = ~c->temps >> 16 & 0x7fff; /* locals in registers */
    x64_call_to(a, (uintptr_t)(vectors ? n->runtime_vectors : n->runtime));
    if (!result)
        return;
    if (x64_is_vector(result)) {
        unsigned reg = x64_alloc_xmm(c);
        x64_load_value(c, result, reg, x64_absolute(n->results));
        x64_push_reg(c, result, reg);
    } else {
        x64_push_reg(c, result, RAX);
    }
}

void x64_call_own(struct x64 *c, struct wasm_func *f, bool call)
{
    struct x64_asm *a = &c->code;
    if (f->code) {
        uint64_t target = (uintptr_t)f->code + WASM_X64_PREAMBLE;
        if (call)
            x64_call_to(a, target);
        else
            x64_jmp_address(a, target);
        return;
    }
    uint32_t *waiting = &c->calls[f - c->instance->own_funcs];
    uint32_t place = call ? x64_call(a, *waiting) : x64_jmp(a, *waiting);
    *waiting = (uint32_t)(a->start - c->code_start) + place;
}

/* ---- A function ---- */

static void compile_local(struct x64 *c, uint8_t opcode)
{
    uint32_t index = x64_u32(c);
    struct x64_local *l = &c->locals.items[index];
    if (opcode == OP_LOCAL_GET) {
        x64_push_local(c, index);
        return;
    }
    struct x64_value v = *x64_top(c);
    if (v.kind == X64_LOCAL && v.local == index) {
        if (opcode == OP_LOCAL_SET)
            x64_drop(c);
        return;
    }
    c->count--; /* the value itself is not to be copied */
    x64_release_local(c, index);
    c->count++;
    if (l->reg != X64_NONE) {
        x64_pop_into(c, l->reg);
        if (opcode == OP_LOCAL_TEE)
            x64_push_local(c, index);
        return;
    }
    if (v.kind == X64_FLAGS) {
        x64_settle_flags(c);
        v = *x64_top(c);
    }
    if (v.kind == X64_CONST || opcode == OP_LOCAL_SET) {
        x64_value_to_mem(c, &v, c->count - 1, x64_local_mem(c, index));
        if (opcode == OP_LOCAL_SET)
            x64_drop(c);
        return;
    }
    unsigned reg = x64_is_vector(l->type) ? x64_pop_xmm(c) : x64_pop_gp(c);
    x64_store_value(c, l->type, reg, x64_local_mem(c, index));
    if (x64_is_temp(c, reg))
        x64_push_reg(c, l->type, reg);
    else
        x64_push_local(c, index);
}

static void compile_prefixed(struct x64 *c)
{
    const uint8_t *start = c->at;
    uint32_t opcode = x64_u32(c);
    if (opcode <= OP_TRUNC_SAT_LAST) {
        x64_compile_saturating(c, opcode);
        return;
    }
    c->at = start;
    if (!x64_compile_misc(c, OP_PREFIX))
        x64_give_up(c, "not compiled");
}

/* Instructions whose first action is to take the flags on top. */
static bool takes_flags(uint8_t opcode)
{
    return opcode == OP_BR_IF || opcode == OP_IF || opcode == OP_I32_EQZ ||
           opcode == OP_LOCAL_SET || opcode == OP_LOCAL_TEE || opcode == OP_SELECT ||
           opcode == OP_SELECT_TYPED || opcode == OP_DROP;
}

static void skip_dead(struct x64 *c, uint8_t opcode)
{
    struct wasm_reader r = reader(c);
    wasm_skip_dead(&r, opcode, &c->dead);
    c->at = r.at;
}

static void compile_instruction(struct x64 *c)
{
    c->offset = (uint32_t)(c->at - c->module->bytes);
    uint8_t opcode = *c->at++;
    if (c->unreachable && (c->dead > 0 || (opcode != OP_ELSE && opcode != OP_END))) {
        skip_dead(c, opcode);
        return;
    }
    c->pinned = 0;
    x64_settle(c);
    x64_room(c, X64_ROOM);
    if (c->count > 0 && x64_top(c)->kind == X64_FLAGS && !takes_flags(opcode)) {
        x64_settle_flags(c);
        c->pinned = 0;
    }
    bool done = true;
    if (opcode >= OP_LOCAL_GET && opcode <= OP_LOCAL_TEE)
        compile_local(c, opcode);
    else if (opcode >= OP_LOAD_FIRST && opcode <= OP_STORE_LAST)
        x64_compile_access(c, opcode);
    else if (opcode == OP_I32_CONST)
        x64_push_const(c, WASM_I32, (uint32_t)x64_s64(c));
    else if (opcode == OP_I64_CONST)
        x64_push_const(c, WASM_I64, (uint64_t)x64_s64(c));
    else if (opcode == OP_F32_CONST)
        x64_push_const(c, WASM_F32, x64_fixed(c, 4));
    else if (opcode == OP_F64_CONST)
        x64_push_const(c, WASM_F64, x64_fixed(c, 8));
    else if (opcode >= OP_NUMERIC_FIRST && opcode <= OP_NUMERIC_LAST)
        done = x64_compile_integer(c, opcode) || x64_compile_float(c, opcode) ||
               x64_compile_convert(c, opcode);
    else if (opcode <= OP_RETURN_CALL_INDIRECT)
        done = x64_compile_control(c, opcode);
    else if (opcode == OP_PREFIX)
        compile_prefixed(c);
    else if (opcode == OP_SIMD)
        done = x64_compile_simd(c, x64_u32(c));
    else if (opcode == OP_ATOMIC)
        done = x64_compile_atomic(c, x64_u32(c));
    else
        done = x64_compile_misc(c, opcode);
    if (!done)
        x64_give_up(c, "not compiled");
}

static void add_locals(struct x64 *c, uint32_t count, uint8_t type)
{
    const struct x64_local LOCAL = {.type = type, .reg = X64_NONE, .arrives = X64_NONE};
    WASM_RESERVE(&c->failure, c->locals, count);
    while (count-- > 0)
        c->locals.items[c->locals.count++] = LOCAL;
}

static const struct wasm_hints *begin(struct x64 *c, struct wasm_func *f)
{
    const struct wasm_module *m = c->module;
    const struct wasm_hints *hints = &m->hints.items[f->index - m->imported_functions];
    const struct wasm_func_type *type = &f->type->type;
    c->function = f;
    c->at = m->bytes + m->functions.items[f->index].body;
    c->locals.count = c->blocks.count = c->exits.count = 0;
    c->entries.count = c->constants.count = 0;
    c->count = c->settled = c->cool[0] = c->cool[1] = 0;
    c->pinned = 0;
    c->pushed = 0;
    c->unreachable = false;
    c->dead = 0;
    for (uint32_t i = 0; i < type->param_count; i++)
        add_locals(c, 1, type->params[i]);
    for (uint32_t runs = x64_u32(c); runs > 0; runs--) {
        uint32_t count = x64_u32(c);
        add_locals(c, count, *c->at++);
    }
    if (c->values_capacity < hints->max_height + (size_t)8) {
        c->values_capacity = 2 * (hints->max_height + (size_t)8);
        free(c->values);
        c->values = malloc(c->values_capacity * sizeof *c->values);
        if (!c->values) {
            c->values_capacity = 0;
            wasm_no_memory(&c->failure);
        }
    }
    x64_assign_registers(c, hints);
    return hints;
}

/* Whether the byte that the probe looks for exists now; `offset` made it. */
static bool probed(struct x64 *c, uint32_t offset)
{
    if (x64_here(&c->code) <= c->probe)
        return false;
    c->found = offset;
    return true;
}

static void write_exits(struct x64 *c)
{
    struct x64_asm *a = &c->code;
    for (size_t i = 0; i < c->exits.count; i++) {
        const struct x64_exit *e = &c->exits.items[i];
        x64_room(c, X64_ROOM);
        x64_patch(a, e->from, x64_here(a));
        x64_call_to(a, (uintptr_t)e->stub);
        if (e->back != UINT32_MAX)
            x64_jmp_to(a, e->back);
        if (probed(c, e->offset))
            return;
    }
}

static void write_constant(struct x64 *c, struct x64_constant *k)
{
    struct x64_asm *a = &c->code;
    x64_room(c, X64_ROOM);
    for (uint32_t use = k->uses; use;) {
        uint32_t place = use >> 1, next, far = x64_here(a) - (place + 4 + (use & 1));
        memcpy(&next, a->start + place, sizeof next);
        memcpy(a->start + place, &far, sizeof far);
        use = next;
    }
    memcpy(a->at, &k->low, 8);
    memcpy(a->at + 8, &k->high, 8);
    a->at += k->size;
}

static void write_constants(struct x64 *c)
{
    if (c->constants.count)
        x64_align(&c->code, 16);
    for (uint32_t size = 16; size >= 8; size -= 8)
        for (size_t i = 0; i < c->constants.count; i++)
            if (c->constants.items[i].size == size)
                write_constant(c, &c->constants.items[i]);
}

/* Compiles `f` to c->code, which starts at an aligned place. */
static void compile_function(struct x64 *c, struct wasm_func *f)
{
    struct x64_asm *a = &c->code;
    const struct wasm_hints *hints = begin(c, f);
    x64_room(c, X64_ROOM);
    x64_rm(a, W64 | 0x8b, R14, x64_absolute(&c->instance->data->memory));
    c->offset = (uint32_t)(c->at - c->module->bytes);
    x64_prologue(c, hints->calls == 0);
    *WASM_APPEND(&c->failure, c->blocks) =
        (struct x64_block){.opcode = OP_BLOCK, .type = f->type->type};
    while (c->blocks.count > 0) {
        compile_instruction(c);
        if (probed(c, c->offset))
            return;
    }
    write_exits(c);
    if (c->found)
        return;
    write_constants(c);
}

/* ---- An instance ---- */

static struct x64 *compiler_new(struct wasm_instance *i, struct wasm_error *error)
{
    struct x64 *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->failure.error = error;
    c->failure.section = "compiler";
    c->failure.function = -1;
    c->native = i->store->native;
    c->instance = i;
    c->module = i->module;
    c->probe = UINT64_MAX;
    return c;
}

static void compiler_free(struct x64 *c)
{
    free(c->values);
    free(c->locals.items);
    free(c->blocks.items);
    free(c->exits.items);
    free(c->entries.items);
    free(c->constants.items);
    free(c->calls);
    free(c);
}

static void place_function(struct x64 *c, struct wasm_func *f)
{
    uint32_t *waiting = &c->calls[f - c->instance->own_funcs];
    f->code = c->code.start;
    while (*waiting) {
        uint8_t *place = c->code_start + *waiting;
        uint32_t far = (uint32_t)(f->code + WASM_X64_PREAMBLE - (place + 4));
        memcpy(waiting, place, sizeof *waiting);
        memcpy(place, &far, sizeof far);
    }
}

/* Code for the host functions that `i` imports and nobody imported before. */
static void compile_imports(struct x64 *c)
{
    for (uint32_t k = 0; k < c->module->imported_functions; k++) {
        struct wasm_func *f = c->instance->funcs[k];
        if (f->code || !f->host)
            continue;
        x64_room(c, X64_ROOM);
        f->code = c->code.at;
        c->code.at = wasm_x64_host_thunk(c->native, f, c->code.at);
    }
}

static void compile_all(struct x64 *c)
{
    const struct wasm_module *m = c->module;
    size_t own = m->functions.count - m->imported_functions;
    c->calls = calloc(own + 1, sizeof *c->calls);
    if (!c->calls)
        wasm_no_memory(&c->failure);
    compile_imports(c);
    for (size_t k = 0; k < own; k++) {
        struct wasm_func *f = &c->instance->own_funcs[k];
        x64_room(c, X64_ROOM);
        c->code.start = c->code.at;
        c->code.place = (uintptr_t)c->code.at;
        x64_align(&c->code, 16);
        c->code.start = c->code.at;
        c->code.place = (uintptr_t)c->code.at;
        place_function(c, f);
        compile_function(c, f);
        f->code_bytes = x64_here(&c->code);
    }
}

static uint8_t *page_after(const uint8_t *at)
{
    const uintptr_t PAGE = WASM_PLATFORM_PAGE;
    return (uint8_t *)(((uintptr_t)at + PAGE - 1) & ~(PAGE - 1));
}

static void forget_code(struct wasm_instance *i)
{
    const struct wasm_module *m = i->module;
    for (size_t k = 0; k < m->functions.count; k++) {
        struct wasm_func *f = i->funcs[k];
        if (f->code >= i->store->native->code)
            f->code = NULL;
    }
}

bool wasm_compile(struct wasm_instance *i, struct wasm_error *error)
{
    struct wasm_native *n = i->store->native;
    struct x64 *c = compiler_new(i, error);
    if (!c)
        return false;
    c->code_start = c->code.at = c->code.start = c->room = n->code;
    volatile bool done = false;
    if (setjmp(c->failure.jump) == 0) {
        compile_all(c);
        uint8_t *end = page_after(c->code.at);
        done = end == n->code || wasm_platform_seal(n->code, (size_t)(end - n->code));
    }
    if (done) {
        i->code = n->code;
        i->code_end = c->code.at;
        n->code = page_after(c->code.at);
    } else {
        forget_code(i);
    }
    compiler_free(c);
    return done;
}

uint32_t wasm_x64_offset(struct wasm_func *f, size_t at)
{
    struct wasm_error ignored;
    struct x64 *c = compiler_new(f->instance, &ignored);
    const struct wasm_module *m = f->instance->module;
    volatile uint32_t found = 0;
    size_t size = f->code_bytes + 2 * (size_t)X64_ROOM;
    uint8_t *buffer = malloc(size);
    if (c && buffer) {
        c->calls = calloc(m->functions.count + 1, sizeof *c->calls);
        c->code = (struct x64_asm){buffer, buffer, (uintptr_t)f->code, NULL};
        c->code_start = buffer;
        c->room = buffer + size;
        c->probe = at;
        uint32_t frame = f->frame_bytes;
        if (c->calls && setjmp(c->failure.jump) == 0)
            compile_function(c, f);
        f->frame_bytes = frame;
        found = c->found;
    }
    free(buffer);
    if (c)
        compiler_free(c);
    return found;
}
