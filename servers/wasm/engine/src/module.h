/* A decoded and validated module: what wasm_module_load builds and nobody changes after.
 *
 * Index spaces (functions, tables, memories, globals) list imports first, as the
 * specification does. Names, types and bodies point into the module's own copy of its bytes.
 */
#ifndef WASM_MODULE_H
#define WASM_MODULE_H

#include "reader.h"

enum {
    WASM_MAX_LOCALS = 50000,        /* of one function, parameters included */
    WASM_MAX_ALL_LOCALS = 10000000, /* of all functions: each costs time, and no byte */
    WASM_MAX_SLOTS = 65000,         /* of one function's frame: what a 16-bit operand reaches;
                                       two for a v128 */
    WASM_MAX_PARAMS = 1000,         /* and results, of one function type */
    WASM_MAX_CONSTANT_DEPTH = 256,  /* operands of one constant expression at a time */
    WASM_MAX_PAGES = 65536
};

/* Bounds of a table's elements or of a memory's pages. */
struct wasm_bounds {
    uint32_t min;
    uint32_t max; /* UINT32_MAX where none is declared */
    bool has_max;
    bool shared; /* of a memory */
};

struct wasm_function_def {
    uint32_t type;
    uint32_t body; /* offset of its locals; 0 for an import */
    uint32_t end;  /* offset past its last byte */
};

/* What validation learns about a body for the compiler: how high its operand stack gets, and
 * which locals are used most. A use, and a call, counts 8 times as much inside each loop. */
struct wasm_hot_local {
    uint32_t weight;
    uint16_t local;
    bool vector; /* a float or v128 */
};

enum { WASM_HOT_LOCALS = 12 /* kept of a function, of either kind */ };

struct wasm_hints {
    uint32_t first; /* in wasm_module.hot: those of this function, hottest first, integers
                       before floats */
    uint32_t count;
    uint32_t calls; /* weight of the calls */
    uint32_t max_height;
    bool wide; /* a v128 is among locals, operands or constants */
};

struct wasm_table_def {
    uint8_t type;
    struct wasm_bounds bounds;
};

struct wasm_global_def {
    uint8_t type;
    bool is_mutable;
    uint32_t init; /* offset of its constant expression; 0 for an import */
};

struct wasm_import_def {
    struct wasm_name module;
    struct wasm_name name;
    uint8_t kind;   /* enum wasm_extern_kind */
    uint32_t index; /* in that kind's index space */
};

struct wasm_export_def {
    struct wasm_name name;
    uint8_t kind;
    uint32_t index;
};

enum wasm_segment_mode { WASM_ACTIVE, WASM_PASSIVE, WASM_DECLARATIVE };

struct wasm_element_def {
    uint8_t mode;
    uint8_t type;
    bool expressions; /* items are constant expressions, else function indices */
    uint32_t table;
    uint32_t offset; /* of the constant expression that gives the place; active only */
    uint32_t items;  /* offset of the first item */
    uint32_t count;
};

struct wasm_data_def {
    uint8_t mode;
    uint32_t memory;
    uint32_t offset; /* as above */
    uint32_t bytes;  /* offset of the contents */
    uint32_t size;
};

/* A growing array: `capacity` belongs to wasm_grow. */
#define WASM_ARRAY(type)                                                                       \
    struct {                                                                                   \
        type *items;                                                                           \
        size_t count;                                                                          \
        size_t capacity;                                                                       \
    }
/* The next free item of array `a`, zeroed. */
#define WASM_APPEND(failure, a)                                                                \
    ((a).items = wasm_grow(failure, (a).items, (a).count, &(a).capacity, sizeof *(a).items),   \
     memset(&(a).items[(a).count], 0, sizeof *(a).items), &(a).items[(a).count++])

/* Makes room for `n` items more. */
#define WASM_RESERVE(failure, a, n)                                                            \
    ((a).items =                                                                               \
         wasm_grow(failure, (a).items, (a).count + (n), &(a).capacity, sizeof *(a).items))

struct wasm_module {
    uint8_t *bytes;
    size_t size;
    uint32_t features;
    WASM_ARRAY(struct wasm_func_type) types;
    WASM_ARRAY(struct wasm_import_def) imports;
    WASM_ARRAY(struct wasm_function_def) functions;
    WASM_ARRAY(struct wasm_table_def) tables;
    WASM_ARRAY(struct wasm_bounds) memories;
    WASM_ARRAY(struct wasm_global_def) globals;
    WASM_ARRAY(struct wasm_export_def) exports;
    uint32_t *exports_by_name; /* their indices; NULL if there is no such section */
    WASM_ARRAY(struct wasm_element_def) elements;
    WASM_ARRAY(struct wasm_data_def) datas;
    WASM_ARRAY(struct wasm_hints) hints; /* by function behind the imports */
    WASM_ARRAY(struct wasm_hot_local) hot;
    uint32_t imported_functions;
    uint32_t imported_globals;
    bool leaves; /* tail calls imports, or through tables: returns may come from elsewhere */
    bool has_start;
    uint32_t start;
    uint32_t names; /* offset of the name section's function names, 0 if none */
    uint32_t names_end;
};

/* The state of a load: the module that grows and what only validation needs. */
struct wasm_loader {
    struct wasm_failure failure;
    struct wasm_module *module;
    uint8_t *declared; /* per function: named outside bodies, so ref.func may use it */
    size_t declared_size;
    bool has_data_count;
    uint32_t data_count;
    uint32_t bodies;     /* decoded so far */
    uint64_t all_locals; /* declared by them */
    struct wasm_validator *validator;
};

static inline bool wasm_types_equal(const struct wasm_func_type *a,
                                    const struct wasm_func_type *b)
{
    if (a->param_count != b->param_count || a->result_count != b->result_count)
        return false;
    for (uint32_t i = 0; i < a->param_count; i++)
        if (a->params[i] != b->params[i])
            return false;
    for (uint32_t i = 0; i < a->result_count; i++)
        if (a->results[i] != b->results[i])
            return false;
    return true;
}

/* sections.c: decodes section `id`, whose contents are [r->at, r->end). */
void wasm_section_decode(struct wasm_loader *l, struct wasm_reader *r, uint8_t id);
const char *wasm_section_name(uint8_t id);
/* Fails unless the load allows `feature`, which the module uses at the reader's position. */
void wasm_require(struct wasm_loader *l, const struct wasm_reader *r,
                  enum wasm_feature feature);
uint8_t wasm_read_value_type(struct wasm_loader *l, struct wasm_reader *r);
uint8_t wasm_read_reference_type(struct wasm_loader *l, struct wasm_reader *r);
/* Marks function `index` as one that ref.func may name. */
void wasm_declare_function(struct wasm_loader *l, const struct wasm_reader *r, uint32_t index);

/* segments.c: element and data sections. */
void wasm_section_elements(struct wasm_loader *l, struct wasm_reader *r);
void wasm_section_datas(struct wasm_loader *l, struct wasm_reader *r);

/* exports.c: sorts the exports, which are complete, by name; refuses two of one name. */
void wasm_exports_sort(struct wasm_loader *l, const struct wasm_reader *r);
/* The export of this name, or NULL. */
const struct wasm_export_def *wasm_export_find(const struct wasm_module *m,
                                               struct wasm_name name);

/* names.c: copies a name to `text`, as a string of at most `size` bytes with its NUL, and with
 * control characters replaced: a module's names must not work a terminal. */
void wasm_name_copy(struct wasm_name name, char *text, size_t size);
/* Likewise the name of function `index`, from the name section or else an export; "" where
 * there is none. */
void wasm_function_name(const struct wasm_module *module, uint32_t index, char *text,
                        size_t size);

#endif
