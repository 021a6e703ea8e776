/* The validator's stacks, and control instructions; see validate.h. */
#include "validator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "opcodes.h"

struct wasm_validator *wasm_validator_new(void)
{
    return calloc(1, sizeof(struct wasm_validator));
}

void wasm_validator_free(struct wasm_validator *v)
{
    if (!v)
        return;
    free(v->operands.items);
    free(v->controls.items);
    free(v->locals.items);
    free(v->uses.items);
    free(v);
}

_Noreturn void wasm_invalid(struct wasm_validator *v, const char *format, ...)
{
    char reason[160];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    wasm_fail_at(&v->l->failure, WASM_INVALID, v->opcode_offset, "%s", reason);
}

static const char *type_name(uint8_t type)
{
    switch (type) {
    case WASM_I32:
        return "i32";
    case WASM_I64:
        return "i64";
    case WASM_F32:
        return "f32";
    case WASM_F64:
        return "f64";
    case WASM_V128:
        return "v128";
    case WASM_FUNCREF:
        return "funcref";
    case WASM_EXTERNREF:
        return "externref";
    default:
        return "any";
    }
}

static struct wasm_control *top(struct wasm_validator *v)
{
    return &v->controls.items[v->controls.count - 1];
}

/* Behind each push. The bound holds at once, not at the function's end: two bytes of a call may
 * push a thousand values. */
static void note_height(struct wasm_validator *v)
{
    if (v->operands.count > v->max_height)
        v->max_height = v->operands.count;
    if (v->max_height > WASM_MAX_SLOTS)
        wasm_too_many_slots(v);
}

_Noreturn void wasm_too_many_slots(struct wasm_validator *v)
{
    wasm_invalid(v, "locals and operands need more than the %d slots of this engine",
                 WASM_MAX_SLOTS);
}

void wasm_push(struct wasm_validator *v, uint8_t type)
{
    *WASM_APPEND(&v->l->failure, v->operands) = type;
    v->wide |= type == WASM_V128;
    note_height(v);
}

uint8_t wasm_pop(struct wasm_validator *v, uint8_t type)
{
    struct wasm_control *c = top(v);
    if (v->operands.count == c->height) {
        if (c->unreachable)
            return type;
        wasm_invalid(v, "type mismatch: expected %s, found nothing on the stack",
                     type == WASM_ANY ? "a value" : type_name(type));
    }
    uint8_t found = v->operands.items[--v->operands.count];
    if (found != type && found != WASM_ANY && type != WASM_ANY)
        wasm_invalid(v, "type mismatch: expected %s, found %s", type_name(type),
                     type_name(found));
    return found == WASM_ANY ? type : found;
}

/* Lists may be a thousand long, and an instruction that names one two bytes: at once. */
void wasm_push_list(struct wasm_validator *v, struct wasm_type_list list)
{
    if (list.count == 0)
        return;
    WASM_RESERVE(&v->l->failure, v->operands, list.count);
    memcpy(&v->operands.items[v->operands.count], list.types, list.count);
    v->operands.count += list.count;
    v->wide |= memchr(list.types, WASM_V128, list.count) != NULL;
    note_height(v);
}

/* Whether the operands of the innermost block end with these types, and none is WASM_ANY. */
static bool ends_with(const struct wasm_validator *v, struct wasm_type_list list)
{
    size_t height = v->operands.count;
    return list.count == 0 ||
           (height - v->controls.items[v->controls.count - 1].height >= list.count &&
            memcmp(&v->operands.items[height - list.count], list.types, list.count) == 0);
}

void wasm_pop_list(struct wasm_validator *v, struct wasm_type_list list)
{
    if (ends_with(v, list)) {
        v->operands.count -= list.count;
        return;
    }
    for (uint32_t i = list.count; i-- > 0;)
        wasm_pop(v, list.types[i]);
}

uint32_t wasm_read_index(struct wasm_validator *v, size_t count, const char *what)
{
    uint32_t index = wasm_read_u32(v->r);
    if (index >= count)
        wasm_invalid(v, "unknown %s %u", what, index);
    return index;
}

enum { LOOP_WEIGHT = 8, WEIGHT_MAX = 1 << 18 };

static void push_control(struct wasm_validator *v, uint8_t opcode, struct wasm_type_list start,
                         struct wasm_type_list end)
{
    *WASM_APPEND(&v->l->failure, v->controls) =
        (struct wasm_control){opcode, false, v->operands.count, v->weight, start, end};
    if (opcode == OP_LOOP && v->weight < WEIGHT_MAX)
        v->weight *= LOOP_WEIGHT;
    wasm_push_list(v, start);
}

static struct wasm_control pop_control(struct wasm_validator *v)
{
    struct wasm_control c = *top(v);
    wasm_pop_list(v, c.end);
    if (v->operands.count != c.height)
        wasm_invalid(v, "type mismatch: %zu values left over at the end of a block",
                     v->operands.count - c.height);
    v->controls.count--;
    v->weight = c.weight;
    return c;
}

static void set_unreachable(struct wasm_validator *v)
{
    v->operands.count = top(v)->height;
    top(v)->unreachable = true;
}

/* The types that a branch to label `depth` carries. */
static struct wasm_type_list label(struct wasm_validator *v, uint32_t depth)
{
    if (depth >= v->controls.count)
        wasm_invalid(v, "unknown label %u", depth);
    const struct wasm_control *c = &v->controls.items[v->controls.count - 1 - depth];
    return c->opcode == OP_LOOP ? c->start : c->end;
}

/* A block type (specification 5.4.1): empty, one value type, or a type index. */
static void read_block_type(struct wasm_validator *v, struct wasm_type_list *start,
                            struct wasm_type_list *end)
{
    *start = *end = (struct wasm_type_list){NULL, 0};
    if (v->r->at < v->r->end && (*v->r->at & 0xc0) == 0x40) {
        end->types = v->r->at;
        if (*v->r->at == 0x40)
            v->r->at++;
        else
            wasm_read_value_type(v->l, v->r), end->count = 1;
        return;
    }
    int64_t index = wasm_read_s33(v->r);
    const struct wasm_module *m = v->l->module;
    if (index < 0)
        wasm_malformed(v->r, "invalid block type");
    if ((uint64_t)index >= m->types.count)
        wasm_invalid(v, "unknown type %lld", (long long)index);
    wasm_require(v->l, v->r, WASM_MULTI_VALUE);
    const struct wasm_func_type *type = &m->types.items[index];
    *start = (struct wasm_type_list){type->params, type->param_count};
    *end = (struct wasm_type_list){type->results, type->result_count};
}

static void validate_block(struct wasm_validator *v, uint8_t opcode)
{
    struct wasm_type_list start, end;
    read_block_type(v, &start, &end);
    if (opcode == OP_IF)
        wasm_pop(v, WASM_I32);
    wasm_pop_list(v, start);
    push_control(v, opcode, start, end);
}

static void validate_else(struct wasm_validator *v)
{
    if (top(v)->opcode != OP_IF)
        wasm_malformed(v->r, "else without if");
    struct wasm_control c = pop_control(v);
    push_control(v, OP_ELSE, c.start, c.end);
}

static void validate_end(struct wasm_validator *v)
{
    struct wasm_control c = *top(v);
    if (c.opcode == OP_IF) {
        /* Without an else, the parameters must be the results. */
        struct wasm_func_type type = {c.start.types, c.end.types, c.start.count, c.end.count};
        struct wasm_func_type same = {c.start.types, c.start.types, c.start.count,
                                      c.start.count};
        if (!wasm_types_equal(&type, &same))
            wasm_invalid(v, "type mismatch: if without else must leave what it takes");
    }
    pop_control(v);
    if (v->controls.count > 0)
        wasm_push_list(v, c.end);
}

/* br_table: every label has the default's arity and accepts what is on the stack. */
static void validate_br_table(struct wasm_validator *v)
{
    uint32_t count = wasm_read_u32(v->r);
    const uint8_t *labels = v->r->at;
    if (count > (size_t)(v->r->end - v->r->at))
        wasm_malformed(v->r, "unexpected end");
    wasm_pop(v, WASM_I32);
    for (uint32_t i = 0; i < count; i++)
        wasm_read_u32(v->r);
    struct wasm_type_list by_default = label(v, wasm_read_u32(v->r));
    struct wasm_reader again = *v->r;
    again.at = labels;
    size_t height = v->operands.count;
    bool unreachable = top(v)->unreachable;
    size_t floor = top(v)->height;
    for (uint32_t i = 0; i < count; i++) {
        struct wasm_type_list list = label(v, wasm_read_u32(&again));
        if (list.count != by_default.count)
            wasm_invalid(v, "type mismatch: labels of br_table take %u and %u values",
                         list.count, by_default.count);
        if (ends_with(v, list))
            continue;
        for (uint32_t k = 0; k < list.count; k++) {
            uint8_t wanted = list.types[list.count - 1 - k];
            if (k >= height - floor && unreachable)
                break;
            uint8_t found = k < height - floor ? v->operands.items[height - 1 - k] : 0xff;
            if (found != wanted && found != WASM_ANY)
                wasm_invalid(v, "type mismatch: label %u of br_table expects %s", i,
                             type_name(wanted));
        }
    }
    wasm_pop_list(v, by_default);
    set_unreachable(v);
}

static void validate_branch(struct wasm_validator *v, uint8_t opcode)
{
    if (opcode == OP_BR_TABLE) {
        validate_br_table(v);
        return;
    }
    if (opcode == OP_RETURN) {
        wasm_pop_list(v, v->controls.items[0].end);
        set_unreachable(v);
        return;
    }
    struct wasm_type_list list = label(v, wasm_read_u32(v->r));
    if (opcode == OP_BR_IF)
        wasm_pop(v, WASM_I32);
    wasm_pop_list(v, list);
    if (opcode == OP_BR_IF)
        wasm_push_list(v, list);
    else
        set_unreachable(v);
}

static struct wasm_type_list read_callee(struct wasm_validator *v, bool indirect, bool tail,
                                         struct wasm_type_list *results)
{
    struct wasm_module *m = v->l->module;
    uint32_t type_index;
    if (indirect) {
        type_index = wasm_read_index(v, m->types.count, "type");
        if (!(m->features & WASM_REFERENCE_TYPES) && v->r->at < v->r->end && *v->r->at != 0)
            wasm_require(v->l, v->r, WASM_REFERENCE_TYPES);
        uint32_t table = wasm_read_index(v, m->tables.count, "table");
        if (m->tables.items[table].type != WASM_FUNCREF)
            wasm_invalid(v, "type mismatch: call_indirect needs a table of funcref");
        wasm_pop(v, WASM_I32);
        m->leaves |= tail;
    } else {
        uint32_t function = wasm_read_index(v, m->functions.count, "function");
        type_index = m->functions.items[function].type;
        m->leaves |= tail && function < m->imported_functions;
    }
    const struct wasm_func_type *type = &m->types.items[type_index];
    *results = (struct wasm_type_list){type->results, type->result_count};
    return (struct wasm_type_list){type->params, type->param_count};
}

static void validate_call(struct wasm_validator *v, uint8_t opcode)
{
    bool tail = opcode == OP_RETURN_CALL || opcode == OP_RETURN_CALL_INDIRECT;
    if (tail)
        wasm_require(v->l, v->r, WASM_TAIL_CALL);
    struct wasm_type_list results;
    bool indirect = opcode == OP_CALL_INDIRECT || opcode == OP_RETURN_CALL_INDIRECT;
    struct wasm_type_list params = read_callee(v, indirect, tail, &results);
    wasm_pop_list(v, params);
    wasm_push_list(v, results);
    wasm_count_use(v, &v->calls);
    if (!tail)
        return;
    struct wasm_type_list own = v->controls.items[0].end;
    struct wasm_func_type callee = {NULL, results.types, 0, results.count};
    struct wasm_func_type caller = {NULL, own.types, 0, own.count};
    if (!wasm_types_equal(&callee, &caller))
        wasm_invalid(v, "type mismatch: a tail call must return what its caller returns");
    set_unreachable(v);
}

static void validate_instruction(struct wasm_validator *v)
{
    v->opcode_offset = wasm_reader_offset(v->r);
    uint8_t opcode = wasm_read_byte(v->r);
    if (v->constant && opcode != OP_END) {
        wasm_validate_plain(v, opcode);
        return;
    }
    switch (opcode) {
    case OP_UNREACHABLE:
        set_unreachable(v);
        break;
    case OP_NOP:
        break;
    case OP_BLOCK:
    case OP_LOOP:
    case OP_IF:
        validate_block(v, opcode);
        break;
    case OP_ELSE:
        validate_else(v);
        break;
    case OP_END:
        validate_end(v);
        break;
    case OP_BR:
    case OP_BR_IF:
    case OP_BR_TABLE:
    case OP_RETURN:
        validate_branch(v, opcode);
        break;
    case OP_CALL:
    case OP_CALL_INDIRECT:
    case OP_RETURN_CALL:
    case OP_RETURN_CALL_INDIRECT:
        validate_call(v, opcode);
        break;
    default:
        wasm_validate_plain(v, opcode);
    }
}

void wasm_validate_expression(struct wasm_loader *l, struct wasm_reader *r,
                              struct wasm_type_list results, bool constant)
{
    struct wasm_validator *v = l->validator;
    v->l = l;
    v->r = r;
    v->constant = constant;
    v->wide = false;
    v->operands.count = v->controls.count = v->max_height = 0;
    v->weight = 1;
    v->calls = 0;
    v->opcode_offset = wasm_reader_offset(r);
    push_control(v, OP_BLOCK, (struct wasm_type_list){NULL, 0}, results);
    while (v->controls.count > 0)
        validate_instruction(v);
}

void wasm_validate_constant(struct wasm_loader *l, struct wasm_reader *r, uint8_t type)
{
    l->validator->locals.count = 0;
    wasm_validate_expression(l, r, (struct wasm_type_list){&type, 1}, true);
    if (l->validator->max_height > WASM_MAX_CONSTANT_DEPTH)
        wasm_invalid(l->validator,
                     "constant expression holds more than the %d operands of "
                     "this engine",
                     WASM_MAX_CONSTANT_DEPTH);
}
