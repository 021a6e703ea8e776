/* The run-time objects (specification 4.2): a store and what lives in it.
 *
 * Everything is owned by the store and lives as long as it does. Code that was translated for
 * one instance holds direct pointers to these objects.
 */
#ifndef WASM_RUNTIME_H
#define WASM_RUNTIME_H

#include <stdatomic.h>
#include "module.h"
#include "tree.h"

struct wasm_exec;
struct wasm_native;
union wasm_cell;

enum {
    WASM_FRAME_SAVED = 3,      /* slots of a frame that hold the caller's ip, fp and memory */
    WASM_MAX_NATIVE_CALLS = 64 /* wasm_call inside host functions inside wasm_call ... */
};

/* A linear memory. `base` starts a reservation of WASM_MEMORY_RESERVED bytes: 4 GiB that an
 * index reaches, 4 GiB that the constant offset adds, and a page for the access's own width.
 * Pages up to `size` are committed; everything behind faults. */
#define WASM_MEMORY_RESERVED (((size_t)8 << 30) + WASM_PAGE_BYTES)
struct wasm_memory {
    uint8_t *base;
    uint64_t size;               /* bytes */
    uint32_t max;                /* pages it may grow to */
    struct wasm_bounds declared; /* for import matching */
    struct wasm_store *store;
    struct wasm_memory *next;
};

struct wasm_table {
    uint64_t *elements; /* of the `room` there is, `size` are the table's */
    uint32_t size;
    uint32_t room;
    uint32_t max;
    uint8_t type;
    struct wasm_bounds declared;
    struct wasm_store *store;
    struct wasm_table *next;
};

/* A value of any type; `high` is a v128's upper word, else unused. */
struct wasm_value {
    uint64_t low;
    uint64_t high;
};

struct wasm_global {
    struct wasm_value value;
    uint8_t type;
    bool is_mutable;
};

/* A function type, interned: equal types of one store are the same pointer. */
struct wasm_type_entry {
    struct wasm_tree_node node; /* first, so that its address is the entry's */
    struct wasm_func_type type;
    struct wasm_type_entry *next; /* all, to be freed */
    uint16_t param_slots;         /* words that the values take: two for a v128 */
    uint16_t result_slots;
    uint8_t bytes[]; /* params, results */
};

struct wasm_func {
    const struct wasm_type_entry *type;
    /* Compiled code, NULL if there is none: what calls from elsewhere enter. */
    const uint8_t *code;
    uint32_t code_bytes;
    uint32_t frame_bytes; /* between the stack pointer and the return address */
    /* A guest function: translated at its first call, when `entry` is set. */
    const union wasm_cell *entry;
    uint8_t *memory;      /* base of its instance's memory 0, NULL if none */
    uint32_t frame_slots; /* of its whole frame */
    uint16_t zeroed;      /* locals behind the parameters, to be cleared at entry */
    uint16_t saved;       /* slot of the first of WASM_FRAME_SAVED: behind the larger of
                             parameters and results */
    uint32_t index;       /* in its module */
    uint32_t cells;       /* of translated code */
    struct wasm_instance *instance;
    /* A host function, if not NULL. */
    wasm_host_fn *host;
    void *context;
    struct wasm_store *store; /* that owns it */
};

struct wasm_element_values {
    uint64_t *values;
    uint32_t count;
};

/* At the front of an instance's writable pages in the code region; globals follow. */
struct wasm_instance_data {
    uint8_t *memory; /* base of memory 0, or NULL */
};

struct wasm_instance {
    const struct wasm_module *module;
    struct wasm_store *store;
    const struct wasm_type_entry **types; /* the module's, interned */
    struct wasm_func **funcs;             /* by index space, imports first */
    struct wasm_table **tables;
    struct wasm_memory **memories;
    struct wasm_global **globals;
    struct wasm_func *own_funcs; /* those behind the imports in `funcs` */
    struct wasm_global *own_globals;
    struct wasm_element_values *elements; /* per segment; emptied when dropped */
    bool *dropped_datas;                  /* per segment */
    struct wasm_instance_data *data;      /* what compiled code finds near it; NULL if none */
    const uint8_t *code, *code_end;       /* of all own functions */
    struct wasm_instance *next;
};

/* What an import can be linked to. */
struct wasm_definition {
    struct wasm_tree_node node; /* first, as above; by module and name */
    enum wasm_extern_kind kind;
    void *object; /* struct wasm_func, wasm_table, wasm_memory or wasm_global */
    struct wasm_definition *next;
    char names[]; /* module's bytes, then name's */
};

/* A host function and its record. */
struct wasm_host_func {
    struct wasm_func func;
    struct wasm_host_func *next;
};

/* A handler's registers, where they pass through memory: see interp.h. */
struct wasm_registers {
    const union wasm_cell *ip;
    uint64_t *fp;
    uint8_t *mem;
    struct wasm_exec *x;
    uint64_t acc;
    int64_t ticks;
    double facc;
    float sacc;
};

/* The state of execution that handlers share: one per store. */
struct wasm_exec {
    const union wasm_cell *ip; /* last instruction that may fault or left the interpreter */
    uint64_t *fp;              /* frame of the running function */
    struct wasm_store *store;  /* that this belongs to */
    uint64_t *stack;
    uint64_t *top;         /* where the next wasm_call begins its first frame */
    uint64_t *stack_limit; /* committed so far; frames must end at or below it */
    uint64_t *stack_end;   /* may be committed up to here */
    int64_t ticks;         /* part of the fuel that is handed to the interpreter */
    uint64_t fuel;         /* the rest */
    atomic_bool interrupt;
    enum wasm_trap_kind kind; /* set by a handler on its way to wasm_slow_trap */
    uint64_t wanted;          /* what the slow paths of interp.h are asked for */
    uint64_t *frame_end;
    struct wasm_func *callee;
    enum wasm_status status; /* how the innermost activation ended */
    struct wasm_trap *trap;  /* where to say more */
    struct wasm_activation *activation;
    bool in_host;               /* a host function runs, and none that it called back */
    struct wasm_registers next; /* of the following handler, where tail calls are not sure */
};

/* Where compiled code stands: behind the instruction that left it, and its stack pointer; and
 * where the next entry may put its own. */
struct wasm_compiled_place {
    uint64_t ip, sp, guest_sp;
    bool at_entry; /* the function at ip has not made its frame yet */
};

/* One wasm_call in progress; they nest through host functions. */
struct wasm_activation {
    struct wasm_activation *outer;
    const union wasm_cell *ip; /* exec's when this one began: the caller's */
    uint64_t *fp;
    uint64_t *top;
    bool in_host;
    struct wasm_compiled_place place;
    unsigned depth;
};

struct wasm_store {
    struct wasm_limits limits;
    struct wasm_exec exec;
    uint64_t memory_bytes; /* in use */
    uint64_t table_elements;
    size_t stack_reserved;
    struct wasm_type_entry *types; /* newest first */
    struct wasm_tree_node *type_root;
    struct wasm_memory *memories;
    struct wasm_table *tables;
    struct wasm_instance *instances;
    struct wasm_host_func *host_funcs;
    struct wasm_definition *definitions; /* newest first */
    struct wasm_tree_node *definition_root;
    bool interpret;             /* the compiler is not wanted, or cannot run here */
    struct wasm_native *native; /* of the compiler; NULL: the interpreter runs */
};

/* What a host function is called with. */
struct wasm_caller {
    struct wasm_store *store;
    struct wasm_memory *memory;
};

/* store.c: the interned type, or NULL without memory. */
const struct wasm_type_entry *wasm_type_intern(struct wasm_store *store,
                                               const struct wasm_func_type *type);

/* The object that an index of an instance names: struct wasm_func, wasm_table, ... */
void *wasm_instance_object(const struct wasm_instance *i, uint8_t kind, uint32_t index);

/* instance.c */
void wasm_instance_free(struct wasm_instance *instance);

/* memory.c. wasm_memory_new: NULL if the limit or the host refuses. */
struct wasm_memory *wasm_memory_new(struct wasm_store *store, const struct wasm_bounds *b);
void wasm_memory_free(struct wasm_memory *memory);
/* Grows by `pages`; the old size in pages, or -1. */
int64_t wasm_memory_grow(struct wasm_memory *memory, uint32_t pages);
/* The bulk instructions; false where the range is out of bounds: nothing written then. */
bool wasm_memory_fill(struct wasm_memory *m, uint32_t to, uint8_t byte, uint32_t length);
bool wasm_memory_copy(struct wasm_memory *to_memory, uint32_t to,
                      struct wasm_memory *from_memory, uint32_t from, uint32_t length);
bool wasm_memory_init(struct wasm_instance *instance, uint32_t memory, uint32_t segment,
                      uint32_t to, uint32_t from, uint32_t length);

/* table.c, likewise. */
struct wasm_table *wasm_table_new(struct wasm_store *store, const struct wasm_table_def *def);
void wasm_table_free(struct wasm_table *table);
int64_t wasm_table_grow(struct wasm_table *table, uint32_t count, uint64_t value);
bool wasm_table_fill(struct wasm_table *table, uint32_t to, uint64_t value, uint32_t length);
bool wasm_table_copy(struct wasm_table *to_table, uint32_t to, struct wasm_table *from_table,
                     uint32_t from, uint32_t length);
bool wasm_table_init(struct wasm_instance *instance, uint32_t table, uint32_t segment,
                     uint32_t to, uint32_t from, uint32_t length);

/* Forgets the contents of a segment (elem.drop). */
void wasm_element_drop(struct wasm_instance *instance, uint32_t segment);

/* constant.c: the value of the validated constant expression at `offset`; moves `*offset`
 * behind it. */
struct wasm_value wasm_constant_value(const struct wasm_instance *instance, uint32_t *offset);

/* trap.c: fills exec->trap: kind, text and the backtrace from exec->ip and exec->fp. */
void wasm_trap_fill(struct wasm_store *store, enum wasm_trap_kind kind);
void wasm_trap_frames(struct wasm_store *store);

#endif
