/* Decoding of the sections but elements and data (specification 5.5). */
#include "module.h"

#include <stdlib.h>
#include <string.h>
#include "validate.h"

static const char *const NAMES[] = {"custom section",    "type section",   "import section",
                                    "function section",  "table section",  "memory section",
                                    "global section",    "export section", "start section",
                                    "element section",   "code section",   "data section",
                                    "data count section"};

const char *wasm_section_name(uint8_t id)
{
    return NAMES[id];
}

static const char *feature_name(enum wasm_feature feature)
{
    switch (feature) {
    case WASM_MUTABLE_GLOBALS:
        return "mutable-globals";
    case WASM_SIGN_EXTENSION:
        return "sign-extension";
    case WASM_SATURATING_FLOAT:
        return "saturating-float-to-int";
    case WASM_MULTI_VALUE:
        return "multi-value";
    case WASM_BULK_MEMORY:
        return "bulk-memory";
    case WASM_REFERENCE_TYPES:
        return "reference-types";
    case WASM_EXTENDED_CONST:
        return "extended-const";
    case WASM_MULTI_MEMORY:
        return "multi-memory";
    case WASM_TAIL_CALL:
        return "tail-call";
    case WASM_SIMD128:
        return "SIMD";
    case WASM_THREADS:
        return "threads";
    }
    return "unknown";
}

void wasm_require(struct wasm_loader *l, const struct wasm_reader *r, enum wasm_feature feature)
{
    if (!(l->module->features & feature))
        wasm_malformed(r, "needs the feature %s, which is off", feature_name(feature));
}

/* Of proposals that we lack. */
static bool is_other_reference(uint8_t type)
{
    return type >= 0x63 && type <= 0x74 && type != WASM_FUNCREF && type != WASM_EXTERNREF;
}

static _Noreturn void refuse_type(const struct wasm_reader *r, uint8_t type)
{
    if (type == 0x69 || type == 0x68 || type == 0x74)
        wasm_malformed(r, "type 0x%02x needs the feature exception handling, not supported",
                       type);
    if (is_other_reference(type))
        wasm_malformed(r,
                       "type 0x%02x needs the features typed function references or "
                       "garbage collection, not supported",
                       type);
    wasm_malformed(r, "malformed value type 0x%02x", type);
}

uint8_t wasm_read_value_type(struct wasm_loader *l, struct wasm_reader *r)
{
    uint8_t type = wasm_read_byte(r);
    if (type >= WASM_F64 && type <= WASM_I32)
        return type;
    if (type != WASM_V128 && type != WASM_FUNCREF && type != WASM_EXTERNREF)
        refuse_type(r, type);
    wasm_require(l, r, type == WASM_V128 ? WASM_SIMD128 : WASM_REFERENCE_TYPES);
    return type;
}

uint8_t wasm_read_reference_type(struct wasm_loader *l, struct wasm_reader *r)
{
    uint8_t type = wasm_read_byte(r);
    if (type == WASM_EXTERNREF)
        wasm_require(l, r, WASM_REFERENCE_TYPES);
    else if (type == 0x40) /* begins a table with an initial value */
        wasm_malformed(r, "malformed reference type 0x40: needs the feature typed function "
                          "references, not supported");
    else if (is_other_reference(type))
        refuse_type(r, type);
    else if (type != WASM_FUNCREF)
        wasm_malformed(r, "malformed reference type 0x%02x", type);
    return type;
}

void wasm_declare_function(struct wasm_loader *l, const struct wasm_reader *r, uint32_t index)
{
    size_t functions = l->module->functions.count;
    if (index >= functions)
        wasm_fail_at(&l->failure, WASM_INVALID, wasm_reader_offset(r), "unknown function %u",
                     index);
    if (l->declared_size < functions) {
        uint8_t *grown = realloc(l->declared, functions);
        if (!grown)
            wasm_no_memory(&l->failure);
        memset(grown + l->declared_size, 0, functions - l->declared_size);
        l->declared = grown;
        l->declared_size = functions;
    }
    l->declared[index] = 1;
}

static uint32_t read_index(struct wasm_loader *l, struct wasm_reader *r, size_t count,
                           const char *what)
{
    size_t offset = wasm_reader_offset(r);
    uint32_t index = wasm_read_u32(r);
    if (index >= count)
        wasm_fail_at(&l->failure, WASM_INVALID, offset, "unknown %s %u", what, index);
    return index;
}

/* A vector of value types: borrowed, since each is one byte. */
static const uint8_t *read_types(struct wasm_loader *l, struct wasm_reader *r, uint32_t *count)
{
    *count = wasm_read_u32(r);
    const uint8_t *types = r->at;
    for (uint32_t i = 0; i < *count; i++)
        wasm_read_value_type(l, r);
    if (*count > WASM_MAX_PARAMS)
        wasm_fail_at(&l->failure, WASM_INVALID, wasm_reader_offset(r),
                     "function type with %u values: this engine allows %d", *count,
                     WASM_MAX_PARAMS);
    return types;
}

static void decode_type(struct wasm_loader *l, struct wasm_reader *r)
{
    uint8_t form = wasm_read_byte(r);
    if (form == 0x4e || form == 0x4f || form == 0x50 || form == 0x5e || form == 0x5f)
        wasm_malformed(r,
                       "malformed function type: form 0x%02x needs the feature garbage "
                       "collection, not supported",
                       form);
    if (form != 0x60)
        wasm_malformed(r, "malformed function type");
    struct wasm_func_type *type = WASM_APPEND(&l->failure, l->module->types);
    type->params = read_types(l, r, &type->param_count);
    type->results = read_types(l, r, &type->result_count);
    if (type->result_count > 1)
        wasm_require(l, r, WASM_MULTI_VALUE);
}

/* Limits of a table or memory (specification 5.3.7), at most `range`; a memory may be shared.
 */
static struct wasm_bounds read_bounds(struct wasm_loader *l, struct wasm_reader *r,
                                      uint32_t range, bool may_share, const char *too_large)
{
    uint8_t flags = wasm_read_byte(r);
    if (flags == 4 || flags == 5)
        wasm_malformed(r, "64-bit limits need the feature memory64, not supported");
    if (flags & 8 && flags < 16)
        wasm_malformed(r,
                       "malformed limits flags 0x%02x: needs the feature custom page sizes, "
                       "not supported",
                       flags);
    if (flags > 3 || (flags > 1 && !may_share))
        wasm_malformed(r, "malformed limits flags 0x%02x", flags);
    size_t offset = wasm_reader_offset(r);
    struct wasm_bounds b = {0, UINT32_MAX, flags & 1, flags & 2};
    if (b.shared)
        wasm_require(l, r, WASM_THREADS);
    b.min = wasm_read_u32(r);
    if (b.has_max)
        b.max = wasm_read_u32(r);
    if (b.min > range || (b.has_max && b.max > range))
        wasm_fail_at(&l->failure, WASM_INVALID, offset, "%s", too_large);
    if (b.shared && !b.has_max)
        wasm_fail_at(&l->failure, WASM_INVALID, offset, "shared memory must have maximum");
    if (b.min > b.max)
        wasm_fail_at(&l->failure, WASM_INVALID, offset,
                     "size minimum must not be greater than maximum");
    return b;
}

static void decode_table(struct wasm_loader *l, struct wasm_reader *r)
{
    uint8_t type = wasm_read_reference_type(l, r);
    struct wasm_bounds bounds = read_bounds(l, r, UINT32_MAX, false, "table size");
    *WASM_APPEND(&l->failure, l->module->tables) = (struct wasm_table_def){type, bounds};
    if (l->module->tables.count > 1 && !(l->module->features & WASM_REFERENCE_TYPES))
        wasm_fail_at(&l->failure, WASM_INVALID, wasm_reader_offset(r),
                     "multiple tables: need the feature reference-types, which is off");
}

static void decode_memory(struct wasm_loader *l, struct wasm_reader *r)
{
    struct wasm_bounds bounds = read_bounds(l, r, WASM_MAX_PAGES, true,
                                            "memory size must be at most 65536 pages (4GiB)");
    *WASM_APPEND(&l->failure, l->module->memories) = bounds;
    if (l->module->memories.count > 1 && !(l->module->features & WASM_MULTI_MEMORY))
        wasm_fail_at(&l->failure, WASM_INVALID, wasm_reader_offset(r),
                     "multiple memories: need the feature multi-memory, which is off");
}

static struct wasm_global_def read_global_type(struct wasm_loader *l, struct wasm_reader *r)
{
    struct wasm_global_def g = {0};
    g.type = wasm_read_value_type(l, r);
    uint8_t mutability = wasm_read_byte(r);
    if (mutability > 1)
        wasm_malformed(r, "malformed mutability 0x%02x", mutability);
    g.is_mutable = mutability;
    return g;
}

static _Noreturn void refuse_kind(const struct wasm_reader *r, const char *what, uint8_t kind)
{
    enum { TAG = 4 };
    wasm_malformed(r, "malformed %s kind 0x%02x%s", what, kind,
                   kind == TAG ? ": a tag needs the feature exception handling, not supported"
                               : "");
}

static void decode_import(struct wasm_loader *l, struct wasm_reader *r)
{
    struct wasm_module *m = l->module;
    struct wasm_import_def import = {0};
    import.module = wasm_read_name(r);
    import.name = wasm_read_name(r);
    import.kind = wasm_read_byte(r);
    switch (import.kind) {
    case WASM_EXTERN_FUNC:
        import.index = m->imported_functions++;
        uint32_t type = read_index(l, r, m->types.count, "type");
        WASM_APPEND(&l->failure, m->functions)->type = type;
        break;
    case WASM_EXTERN_TABLE:
        import.index = (uint32_t)m->tables.count;
        decode_table(l, r);
        break;
    case WASM_EXTERN_MEMORY:
        import.index = (uint32_t)m->memories.count;
        decode_memory(l, r);
        break;
    case WASM_EXTERN_GLOBAL:
        import.index = m->imported_globals++;
        struct wasm_global_def global = read_global_type(l, r);
        if (global.is_mutable)
            wasm_require(l, r, WASM_MUTABLE_GLOBALS);
        *WASM_APPEND(&l->failure, m->globals) = global;
        break;
    default:
        refuse_kind(r, "import", import.kind);
    }
    *WASM_APPEND(&l->failure, m->imports) = import;
}

static void decode_function(struct wasm_loader *l, struct wasm_reader *r)
{
    uint32_t type = read_index(l, r, l->module->types.count, "type");
    WASM_APPEND(&l->failure, l->module->functions)->type = type;
}

static void decode_global(struct wasm_loader *l, struct wasm_reader *r)
{
    struct wasm_global_def global = read_global_type(l, r);
    global.init = (uint32_t)wasm_reader_offset(r);
    wasm_validate_constant(l, r, global.type);
    *WASM_APPEND(&l->failure, l->module->globals) = global;
}

static void decode_export(struct wasm_loader *l, struct wasm_reader *r)
{
    struct wasm_module *m = l->module;
    struct wasm_export_def export = {0};
    export.name = wasm_read_name(r);
    export.kind = wasm_read_byte(r);
    switch (export.kind) {
    case WASM_EXTERN_FUNC:
        export.index = read_index(l, r, m->functions.count, "function");
        wasm_declare_function(l, r, export.index);
        break;
    case WASM_EXTERN_TABLE:
        export.index = read_index(l, r, m->tables.count, "table");
        break;
    case WASM_EXTERN_MEMORY:
        export.index = read_index(l, r, m->memories.count, "memory");
        break;
    case WASM_EXTERN_GLOBAL:
        export.index = read_index(l, r, m->globals.count, "global");
        if (m->globals.items[export.index].is_mutable)
            wasm_require(l, r, WASM_MUTABLE_GLOBALS);
        break;
    default:
        refuse_kind(r, "export", export.kind);
    }
    *WASM_APPEND(&l->failure, m->exports) = export;
}

static void decode_start(struct wasm_loader *l, struct wasm_reader *r)
{
    struct wasm_module *m = l->module;
    size_t offset = wasm_reader_offset(r);
    m->start = read_index(l, r, m->functions.count, "function");
    const struct wasm_func_type *type = &m->types.items[m->functions.items[m->start].type];
    if (type->param_count || type->result_count)
        wasm_fail_at(&l->failure, WASM_INVALID, offset,
                     "start function %u must take and return nothing", m->start);
    m->has_start = true;
}

static void decode_body(struct wasm_loader *l, struct wasm_reader *r)
{
    struct wasm_module *m = l->module;
    uint32_t index = m->imported_functions + l->bodies;
    if (index >= m->functions.count)
        wasm_malformed(r, "function and code section have inconsistent lengths");
    struct wasm_function_def *function = &m->functions.items[index];
    uint32_t size = wasm_read_u32(r);
    struct wasm_reader body = *r;
    body.at = wasm_read_bytes(r, size);
    body.end = r->at;
    function->body = (uint32_t)wasm_reader_offset(&body);
    function->end = function->body + size;
    wasm_validate_body(l, &body, index);
    l->bodies++;
}

static void decode_each(struct wasm_loader *l, struct wasm_reader *r,
                        void (*decode)(struct wasm_loader *, struct wasm_reader *))
{
    uint32_t count = wasm_read_u32(r);
    for (uint32_t i = 0; i < count; i++)
        decode(l, r);
}

void wasm_section_decode(struct wasm_loader *l, struct wasm_reader *r, uint8_t id)
{
    static void (*const EACH[])(struct wasm_loader *, struct wasm_reader *) = {
        NULL,         decode_type,   decode_import, decode_function,
        decode_table, decode_memory, decode_global, decode_export,
        NULL,         NULL,          decode_body};
    switch (id) {
    case 8:
        decode_start(l, r);
        break;
    case 9:
        wasm_section_elements(l, r);
        break;
    case 11:
        wasm_section_datas(l, r);
        break;
    case 12:
        wasm_require(l, r, WASM_BULK_MEMORY);
        l->data_count = wasm_read_u32(r);
        l->has_data_count = true;
        break;
    default:
        decode_each(l, r, EACH[id]);
        if (id == 7)
            wasm_exports_sort(l, r);
    }
}
