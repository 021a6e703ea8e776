/* Validation of the instructions that neither structure nor branch; see validate.h. */
#include "validator.h"

#include <string.h>
#include "opcodes.h"

/* Types of the regular instructions, by opcode; b is 0 for a unary one, result for none. */
struct signature {
    uint8_t a, b, result;
};

static const struct signature NUMERIC[256] = {
#define UNARY(code, name, type, result)  [code] = {WASM_##type, 0, WASM_##result},
#define BINARY(code, name, type, result) [code] = {WASM_##type, WASM_##type, WASM_##result},
    WASM_UNARY(UNARY) WASM_TRUNC(UNARY) WASM_BINARY(BINARY)};

static const struct signature SATURATING[] = {WASM_TRUNC_SAT(UNARY)};

struct access {
    uint8_t type, log2_size;
};

static const struct access ACCESS[256] = {
#define ACCESS_ENTRY(code, name, type, ctype, log2) [code] = {WASM_##type, log2},
    WASM_LOAD(ACCESS_ENTRY) WASM_STORE(ACCESS_ENTRY)};

static const struct wasm_module *module_of(const struct wasm_validator *v)
{
    return v->l->module;
}

static void require(struct wasm_validator *v, enum wasm_feature feature)
{
    wasm_require(v->l, v->r, feature);
}

static void apply(struct wasm_validator *v, struct signature s)
{
    if (s.b)
        wasm_pop(v, s.b);
    wasm_pop(v, s.a);
    wasm_push(v, s.result);
}

/* A memory index: a LEB128 with several memories, else a byte that must be zero. */
static void read_memory_index(struct wasm_validator *v)
{
    if (module_of(v)->features & WASM_MULTI_MEMORY) {
        wasm_read_index(v, module_of(v)->memories.count, "memory");
        return;
    }
    if (wasm_read_byte(v->r) != 0)
        wasm_malformed(v->r, "zero byte expected (the feature multi-memory is off)");
    if (module_of(v)->memories.count == 0)
        wasm_invalid(v, "unknown memory 0");
}

uint32_t wasm_read_access(struct wasm_validator *v, unsigned log2_size)
{
    uint32_t align = wasm_read_u32(v->r);
    uint32_t memory = 0;
    if ((align & 0x40) && (module_of(v)->features & WASM_MULTI_MEMORY)) {
        align &= ~0x40u;
        memory = wasm_read_u32(v->r);
    }
    if (align >= 0x40)
        wasm_malformed(v->r, "malformed memop flags 0x%x", align);
    wasm_read_u32(v->r);
    if (memory >= module_of(v)->memories.count)
        wasm_invalid(v, "unknown memory %u", memory);
    if (align > log2_size)
        wasm_invalid(v, "alignment must not be larger than natural");
    return align;
}

static uint8_t read_table(struct wasm_validator *v)
{
    return module_of(v)
        ->tables.items[wasm_read_index(v, module_of(v)->tables.count, "table")]
        .type;
}

static void validate_local(struct wasm_validator *v, uint8_t opcode)
{
    uint32_t index = wasm_read_index(v, v->locals.count, "local");
    uint8_t type = v->locals.items[index];
    wasm_count_use(v, &v->uses.items[index]);
    if (opcode != OP_LOCAL_GET)
        wasm_pop(v, type);
    if (opcode != OP_LOCAL_SET)
        wasm_push(v, type);
}

static void validate_global(struct wasm_validator *v, uint8_t opcode)
{
    const struct wasm_module *m = module_of(v);
    uint32_t index = wasm_read_index(v, m->globals.count, "global");
    const struct wasm_global_def *global = &m->globals.items[index];
    if (opcode == OP_GLOBAL_GET) {
        if (v->constant && index >= m->imported_globals)
            wasm_invalid(v, "unknown global %u: only imports are constant", index);
        if (v->constant && global->is_mutable)
            wasm_invalid(v, "constant expression required: global %u is mutable", index);
        wasm_push(v, global->type);
        return;
    }
    if (!global->is_mutable)
        wasm_invalid(v, "global is immutable: %u", index);
    wasm_pop(v, global->type);
}

static bool is_reference(uint8_t type)
{
    return type == WASM_FUNCREF || type == WASM_EXTERNREF;
}

static void validate_select(struct wasm_validator *v, uint8_t opcode)
{
    uint8_t type = WASM_ANY;
    if (opcode == OP_SELECT_TYPED) {
        require(v, WASM_REFERENCE_TYPES);
        if (wasm_read_u32(v->r) != 1)
            wasm_invalid(v, "invalid result arity: select takes one type");
        type = wasm_read_value_type(v->l, v->r);
    }
    wasm_pop(v, WASM_I32);
    uint8_t second = wasm_pop(v, type);
    uint8_t first = wasm_pop(v, type);
    if (type == WASM_ANY) {
        if (is_reference(first) || is_reference(second))
            wasm_invalid(v, "type mismatch: select of references needs a type");
        if (first != second && first != WASM_ANY && second != WASM_ANY)
            wasm_invalid(v, "type mismatch: select of two types");
        type = first == WASM_ANY ? second : first;
    }
    wasm_push(v, type);
}

static void validate_constant(struct wasm_validator *v, uint8_t opcode)
{
    switch (opcode) {
    case OP_I32_CONST:
        wasm_read_s32(v->r);
        wasm_push(v, WASM_I32);
        break;
    case OP_I64_CONST:
        wasm_read_s64(v->r);
        wasm_push(v, WASM_I64);
        break;
    case OP_F32_CONST:
        wasm_read_bytes(v->r, 4);
        wasm_push(v, WASM_F32);
        break;
    default:
        wasm_read_bytes(v->r, 8);
        wasm_push(v, WASM_F64);
    }
}

static void validate_reference(struct wasm_validator *v, uint8_t opcode)
{
    require(v, WASM_REFERENCE_TYPES);
    if (opcode == OP_REF_NULL) {
        wasm_push(v, wasm_read_reference_type(v->l, v->r));
    } else if (opcode == OP_REF_IS_NULL) {
        uint8_t type = wasm_pop(v, WASM_ANY);
        if (!is_reference(type) && type != WASM_ANY)
            wasm_invalid(v, "type mismatch: ref.is_null needs a reference");
        wasm_push(v, WASM_I32);
    } else {
        uint32_t index = wasm_read_index(v, module_of(v)->functions.count, "function");
        if (v->constant)
            wasm_declare_function(v->l, v->r, index);
        else if (index >= v->l->declared_size || !v->l->declared[index])
            wasm_invalid(v, "undeclared function reference %u", index);
        wasm_push(v, WASM_FUNCREF);
    }
}

static void pop_i32s(struct wasm_validator *v, unsigned count)
{
    while (count-- > 0)
        wasm_pop(v, WASM_I32);
}

static void read_data_index(struct wasm_validator *v)
{
    require(v, WASM_BULK_MEMORY);
    if (!v->l->has_data_count)
        wasm_malformed(v->r, "data count section required");
    wasm_read_index(v, v->l->data_count, "data segment");
}

static void validate_memory_prefixed(struct wasm_validator *v, uint32_t opcode)
{
    require(v, WASM_BULK_MEMORY);
    if (opcode == OP_MEMORY_INIT || opcode == OP_DATA_DROP)
        read_data_index(v);
    if (opcode == OP_DATA_DROP)
        return;
    read_memory_index(v);
    if (opcode == OP_MEMORY_COPY)
        read_memory_index(v);
    pop_i32s(v, 3);
}

static uint8_t read_element(struct wasm_validator *v)
{
    return module_of(v)
        ->elements.items[wasm_read_index(v, module_of(v)->elements.count, "elem segment")]
        .type;
}

static void validate_table_prefixed(struct wasm_validator *v, uint32_t opcode)
{
    require(v, opcode >= OP_TABLE_GROW ? WASM_REFERENCE_TYPES : WASM_BULK_MEMORY);
    uint8_t from = 0;
    if (opcode == OP_TABLE_INIT || opcode == OP_ELEM_DROP)
        from = read_element(v);
    if (opcode == OP_ELEM_DROP)
        return;
    uint8_t type = read_table(v);
    switch (opcode) {
    case OP_TABLE_COPY:
        from = read_table(v);
        /* fall through */
    case OP_TABLE_INIT:
        if (from != type)
            wasm_invalid(v, "type mismatch: element types differ");
        pop_i32s(v, 3);
        break;
    case OP_TABLE_GROW:
        wasm_pop(v, WASM_I32);
        wasm_pop(v, type);
        wasm_push(v, WASM_I32);
        break;
    case OP_TABLE_SIZE:
        wasm_push(v, WASM_I32);
        break;
    default: /* OP_TABLE_FILL */
        wasm_pop(v, WASM_I32);
        wasm_pop(v, type);
        wasm_pop(v, WASM_I32);
    }
}

static void validate_prefixed(struct wasm_validator *v)
{
    uint32_t opcode = wasm_read_u32(v->r);
    if (opcode <= OP_TRUNC_SAT_LAST) {
        require(v, WASM_SATURATING_FLOAT);
        apply(v, SATURATING[opcode]);
    } else if (opcode <= OP_MEMORY_FILL) {
        validate_memory_prefixed(v, opcode);
    } else if (opcode <= OP_TABLE_FILL) {
        validate_table_prefixed(v, opcode);
    } else {
        bool wide = opcode >= 19 && opcode <= 22;
        wasm_malformed(v->r, "illegal opcode 0xfc %u%s", opcode,
                       wide ? ": needs the feature wide arithmetic, not supported" : "");
    }
}

/* Refuses an opcode, naming the proposal that it belongs to. */
static _Noreturn void refuse(struct wasm_validator *v, uint8_t opcode)
{
    const char *needs = NULL;
    if (opcode == 0xfb)
        needs = "garbage collection";
    else if ((opcode >= 0x06 && opcode <= 0x0a) || opcode == 0x18 || opcode == 0x19 ||
             opcode == 0x1f)
        needs = "exception handling";
    else if (opcode == 0x14 || opcode == 0x15 || (opcode >= 0xd3 && opcode <= 0xd6))
        needs = "typed function references";
    if (needs)
        wasm_malformed(v->r, "illegal opcode 0x%02x: needs the feature %s, not supported",
                       opcode, needs);
    wasm_malformed(v->r, "illegal opcode 0x%02x", opcode);
}

static bool is_known(uint8_t opcode)
{
    return opcode <= OP_ELSE || (opcode >= OP_END && opcode <= OP_RETURN_CALL_INDIRECT) ||
           (opcode >= OP_DROP && opcode <= OP_SELECT_TYPED) ||
           (opcode >= OP_LOCAL_GET && opcode <= OP_TABLE_SET) ||
           (opcode >= OP_LOAD_FIRST && opcode <= OP_NUMERIC_LAST) ||
           (opcode >= OP_REF_NULL && opcode <= OP_REF_FUNC) || opcode == OP_PREFIX ||
           opcode == OP_SIMD || opcode == OP_ATOMIC;
}

/* Whether a constant expression may hold `opcode` (specification 3.3.10.1). */
static void check_constant(struct wasm_validator *v, uint8_t opcode)
{
    switch (opcode) {
    case OP_I32_CONST:
    case OP_I64_CONST:
    case OP_F32_CONST:
    case OP_F64_CONST:
    case OP_REF_NULL:
    case OP_REF_FUNC:
    case OP_GLOBAL_GET:
    case OP_SIMD: /* one of them: wasm_validate_simd */
        return;
    case OP_I32_ADD:
    case OP_I32_SUB:
    case OP_I32_MUL:
    case OP_I64_ADD:
    case OP_I64_SUB:
    case OP_I64_MUL:
        if (module_of(v)->features & WASM_EXTENDED_CONST)
            return;
        wasm_invalid(v,
                     "constant expression required: opcode 0x%02x needs the feature "
                     "extended-const, which is off",
                     opcode);
    default:
        if (!is_known(opcode))
            refuse(v, opcode);
        wasm_invalid(v, "constant expression required: opcode 0x%02x is not constant", opcode);
    }
}

static void validate_numeric(struct wasm_validator *v, uint8_t opcode)
{
    if (opcode >= 0xc0)
        require(v, WASM_SIGN_EXTENSION);
    apply(v, NUMERIC[opcode]);
}

void wasm_validate_plain(struct wasm_validator *v, uint8_t opcode)
{
    if (v->constant)
        check_constant(v, opcode);
    if (opcode >= OP_NUMERIC_FIRST && opcode <= OP_NUMERIC_LAST) {
        validate_numeric(v, opcode);
    } else if (opcode >= OP_LOAD_FIRST && opcode <= OP_LOAD_LAST) {
        wasm_read_access(v, ACCESS[opcode].log2_size);
        wasm_pop(v, WASM_I32);
        wasm_push(v, ACCESS[opcode].type);
    } else if (opcode >= OP_STORE_FIRST && opcode <= OP_STORE_LAST) {
        wasm_read_access(v, ACCESS[opcode].log2_size);
        wasm_pop(v, ACCESS[opcode].type);
        wasm_pop(v, WASM_I32);
    } else {
        switch (opcode) {
        case OP_DROP:
            wasm_pop(v, WASM_ANY);
            break;
        case OP_SELECT:
        case OP_SELECT_TYPED:
            validate_select(v, opcode);
            break;
        case OP_LOCAL_GET:
        case OP_LOCAL_SET:
        case OP_LOCAL_TEE:
            validate_local(v, opcode);
            break;
        case OP_GLOBAL_GET:
        case OP_GLOBAL_SET:
            validate_global(v, opcode);
            break;
        case OP_TABLE_GET:
        case OP_TABLE_SET: {
            require(v, WASM_REFERENCE_TYPES);
            uint8_t type = read_table(v);
            if (opcode == OP_TABLE_SET)
                wasm_pop(v, type);
            wasm_pop(v, WASM_I32);
            if (opcode == OP_TABLE_GET)
                wasm_push(v, type);
            break;
        }
        case OP_MEMORY_SIZE:
        case OP_MEMORY_GROW:
            read_memory_index(v);
            if (opcode == OP_MEMORY_GROW)
                wasm_pop(v, WASM_I32);
            wasm_push(v, WASM_I32);
            break;
        case OP_I32_CONST:
        case OP_I64_CONST:
        case OP_F32_CONST:
        case OP_F64_CONST:
            validate_constant(v, opcode);
            break;
        case OP_REF_NULL:
        case OP_REF_IS_NULL:
        case OP_REF_FUNC:
            validate_reference(v, opcode);
            break;
        case OP_PREFIX:
            validate_prefixed(v);
            break;
        case OP_SIMD:
            wasm_validate_simd(v);
            break;
        case OP_ATOMIC:
            wasm_validate_atomic(v);
            break;
        default:
            refuse(v, opcode);
        }
    }
}
