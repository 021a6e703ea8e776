/* The embedder's interface of the WebAssembly engine.
 *
 * Who calls it: the runner and its WASI layer, the specification runner, tests, fuzzers.
 *
 *   bytes --wasm_module_load--> module --wasm_instantiate--> instance --wasm_call--> results
 *                                              |
 *                  store: limits, stack, names to link against, all run-time objects
 *
 * Ownership. A module is immutable after loading and may be instantiated any number of times;
 * free it after every store that instantiated it. A store owns its instances, functions,
 * memories and tables: pointers to them stay valid until wasm_store_free. The module
 * copies the bytes that it was loaded from.
 *
 * Threads. One thread at a time uses a store. wasm_store_interrupt alone may be called from
 * any thread or signal handler.
 *
 * Values travel as 64-bit words: i32 and f32 in the low 32 bits (the engine ignores the high
 * ones on the way in and clears them on the way out), floats as their bits, references as a
 * host word whose null is 0. A funcref is a `struct wasm_func *`; an externref is any non-zero
 * word of the host's. A v128 is two words, the low one first: lane 0 is in the low end of
 * words[0]. So where values are in an array, those behind a v128 move up by one.
 */
#ifndef WASM_WASM_H
#define WASM_WASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wasm_module;
struct wasm_store;
struct wasm_instance;
struct wasm_func;
struct wasm_memory;
struct wasm_caller;

/* Value types, by their byte in the binary format (core specification 5.3.1-5.3.4). */
enum wasm_type {
    WASM_I32 = 0x7f,
    WASM_I64 = 0x7e,
    WASM_F32 = 0x7d,
    WASM_F64 = 0x7c,
    WASM_V128 = 0x7b,
    WASM_FUNCREF = 0x70,
    WASM_EXTERNREF = 0x6f,
};

enum {
    WASM_PAGE_BYTES = 65536,
    WASM_NAME_TEXT = 96,    /* bytes of a function's name kept in a backtrace, with its NUL */
    WASM_ERROR_TEXT = 256,  /* bytes of an error's or trap's text, with its NUL */
    WASM_BACKTRACE_MAX = 32 /* innermost frames kept; wasm_trap.depth counts all */
};

/* A function type: `params[param_count]` to `results[result_count]`. Borrowed arrays. */
struct wasm_func_type {
    const uint8_t *params;
    const uint8_t *results;
    uint32_t param_count;
    uint32_t result_count;
};

/* A name as the binary format has it: UTF-8, not terminated, NUL bytes allowed inside. */
struct wasm_name {
    const char *bytes;
    size_t length;
};

/* The name with the text of a C string. Borrows it. */
struct wasm_name wasm_name(const char *text);

/* ---- Features ------------------------------------------------------------------------- */

/* Each can be refused at load time. A module that uses a refused one fails to load with a text
 * that names the feature. Everything in WASM_FEATURES_ALL is implemented. */
enum wasm_feature {
    WASM_MUTABLE_GLOBALS = 1 << 0,
    WASM_SIGN_EXTENSION = 1 << 1,
    WASM_SATURATING_FLOAT = 1 << 2,
    WASM_MULTI_VALUE = 1 << 3,
    WASM_BULK_MEMORY = 1 << 4,
    WASM_REFERENCE_TYPES = 1 << 5,
    WASM_EXTENDED_CONST = 1 << 6,
    WASM_MULTI_MEMORY = 1 << 7,
    WASM_TAIL_CALL = 1 << 8,
    WASM_SIMD128 = 1 << 9, /* fixed-width SIMD: v128 */
    WASM_THREADS =
        1 << 10, /* atomics and shared memories, for one thread: see WASM_TRAP_WAIT */
};
/* WebAssembly 2.0. */
#define WASM_FEATURES_CORE                                                                     \
    (WASM_MUTABLE_GLOBALS | WASM_SIGN_EXTENSION | WASM_SATURATING_FLOAT | WASM_MULTI_VALUE |   \
     WASM_BULK_MEMORY | WASM_REFERENCE_TYPES | WASM_SIMD128)
#define WASM_FEATURES_ALL                                                                      \
    (WASM_FEATURES_CORE | WASM_EXTENDED_CONST | WASM_MULTI_MEMORY | WASM_TAIL_CALL |           \
     WASM_THREADS)

/* ---- Errors and traps ----------------------------------------------------------------- */

enum wasm_status {
    WASM_OK = 0,
    WASM_MALFORMED,  /* the bytes are not a module (specification 5) */
    WASM_INVALID,    /* it decodes but does not validate (specification 3) */
    WASM_UNLINKABLE, /* an import is missing or has another type (specification 4.5.4) */
    WASM_NO_MEMORY,  /* the host or a limit of the store refuses: text says which */
    WASM_TRAPPED,    /* the guest trapped: see struct wasm_trap */
    WASM_EXITED,     /* a host function ended the guest: see wasm_trap.exit_code */
    WASM_MISUSED     /* the embedder's mistake: wrong number of arguments */
};

/* Why a module did not load or instantiate. `text` is one line such as
 * "code section, offset 0x1f3 (function 12): type mismatch: expected i32, found f64". */
struct wasm_error {
    enum wasm_status status;
    size_t offset; /* byte offset in the module; 0 for link errors */
    char text[WASM_ERROR_TEXT];
};

enum wasm_trap_kind {
    WASM_TRAP_UNREACHABLE,
    WASM_TRAP_DIVIDE_BY_ZERO,
    WASM_TRAP_INTEGER_OVERFLOW,
    WASM_TRAP_INVALID_CONVERSION,
    WASM_TRAP_MEMORY,            /* out of bounds memory access */
    WASM_TRAP_TABLE,             /* out of bounds table access */
    WASM_TRAP_UNDEFINED_ELEMENT, /* call_indirect beyond the table */
    WASM_TRAP_UNINITIALIZED,     /* call_indirect of a null reference */
    WASM_TRAP_INDIRECT_TYPE,     /* call_indirect type mismatch */
    WASM_TRAP_STACK,             /* call stack exhausted */
    WASM_TRAP_FUEL,              /* all fuel consumed */
    WASM_TRAP_INTERRUPT,         /* wasm_store_interrupt was called */
    WASM_TRAP_NO_MEMORY,         /* the host refused memory that the engine itself needed */
    WASM_TRAP_UNALIGNED,         /* unaligned atomic access */
    WASM_TRAP_NOT_SHARED,        /* atomic wait on a memory that is not shared */
    WASM_TRAP_WAIT,              /* atomic wait without a timeout: nobody could notify */
    WASM_TRAP_HOST               /* a host function trapped: its own text */
};

/* The specification suite's text for `kind`, such as "integer divide by zero". Static. */
const char *wasm_trap_text(enum wasm_trap_kind kind);

struct wasm_frame {
    char name[WASM_NAME_TEXT]; /* from the name section, else the export name, else "" */
    uint32_t function;         /* index in its module's function index space */
    uint32_t offset;           /* of the instruction, from the start of the module's bytes */
};

/* How a call ended that did not end with WASM_OK. Frames are innermost first; frames of host
 * functions are not listed. */
struct wasm_trap {
    enum wasm_trap_kind kind;   /* meaningful for WASM_TRAPPED */
    uint32_t exit_code;         /* meaningful for WASM_EXITED */
    char text[WASM_ERROR_TEXT]; /* "out of bounds memory access", or the host's text */
    size_t depth;               /* guest frames on the stack, as far as they were counted */
    size_t frame_count;         /* of them in `frames` */
    struct wasm_frame frames[WASM_BACKTRACE_MAX];
};

/* Writes "trap: TEXT" and one line "  #0 NAME (function 12, offset 0x1f3)" per frame to
 * `buffer`, truncated to `size` bytes with the NUL. Returns the length of the whole text, as
 * snprintf does. */
size_t wasm_trap_describe(const struct wasm_trap *trap, char *buffer, size_t size);

/* ---- Modules -------------------------------------------------------------------------- */

/* Decodes and validates `size` bytes. What the specification leaves to an engine is limited to:
 * 4 GiB of module, 1,000 parameters and as many results of a function, 50,000 locals
 * (10,000,000 in all functions together), 65,000 locals and operands together (a v128 counts as
 * two, and so does each operand of a function that has a v128 among them), 256 operands of a
 * constant expression; the refusal says so. `features` is a set of enum wasm_feature. The bytes
 * are copied. On success stores the module in `*module`; else returns WASM_MALFORMED,
 * WASM_INVALID or WASM_NO_MEMORY, fills `*error` and stores NULL. */
enum wasm_status wasm_module_load(const void *bytes, size_t size, uint32_t features,
                                  struct wasm_module **module, struct wasm_error *error);

/* Frees a module that no living store has instantiated. NULL is allowed. */
void wasm_module_free(struct wasm_module *module);

enum wasm_extern_kind {
    WASM_EXTERN_FUNC = 0,
    WASM_EXTERN_TABLE = 1,
    WASM_EXTERN_MEMORY = 2,
    WASM_EXTERN_GLOBAL = 3
};

/* One import or export. Names are borrowed from the module. */
struct wasm_extern {
    struct wasm_name module; /* empty for an export */
    struct wasm_name name;
    enum wasm_extern_kind kind;
    struct wasm_func_type type; /* meaningful for WASM_EXTERN_FUNC */
};

uint32_t wasm_module_import_count(const struct wasm_module *module);
/* `index` < wasm_module_import_count(module). */
struct wasm_extern wasm_module_import(const struct wasm_module *module, uint32_t index);
uint32_t wasm_module_export_count(const struct wasm_module *module);
/* `index` < wasm_module_export_count(module). */
struct wasm_extern wasm_module_export(const struct wasm_module *module, uint32_t index);

/* ---- Stores, linking, instances -------------------------------------------------------- */

/* What the guests of one store may use. A memory.grow or table.grow beyond it answers -1; an
 * instantiation beyond it fails with WASM_NO_MEMORY. */
struct wasm_limits {
    uint64_t memory_bytes;   /* of all linear memories together */
    uint64_t table_elements; /* of all tables together */
    uint64_t stack_bytes;    /* guest call stack: locals, operands, frames; 64 bits each */
    uint64_t fuel; /* one unit for each function entry and each time that a loop begins again,
                      one for each KiB that a bulk instruction moves, and one for each
                      millisecond that an atomic wait may take; WASM_FUEL_UNLIMITED: no limit */
};
#define WASM_FUEL_UNLIMITED UINT64_MAX
/* 4 GiB of memory, 10,000,000 elements, 8 MiB of stack, unlimited fuel. */
#define WASM_LIMITS_DEFAULT                                                                    \
    ((struct wasm_limits){(uint64_t)1 << 32, 10000000, 8 << 20, WASM_FUEL_UNLIMITED})

/* An empty store, or NULL without memory for it. */
struct wasm_store *wasm_store_new(struct wasm_limits limits);
/* Frees the store and all that it owns. Not while a call runs. NULL is allowed. */
void wasm_store_free(struct wasm_store *store);

/* The compiler runs a store's guests where there is one for this processor (x86_64 with SSE4.2
 * and POPCNT); else the interpreter does. This asks for the interpreter in any case. Before the
 * store's first instantiation. */
void wasm_store_interpret(struct wasm_store *store);
/* Whether the store's guests are compiled; meaningful after its first instantiation. */
bool wasm_store_compiles(const struct wasm_store *store);
/* Whether this processor has what compiled code needs. */
bool wasm_compiler_usable(void);

/* What a host function says to the engine. */
enum wasm_host_result {
    WASM_HOST_OK = 0, /* results are in values[] */
    WASM_HOST_TRAP,   /* only as returned by wasm_host_trap */
    WASM_HOST_EXIT    /* only as returned by wasm_host_exit */
};

/* A host function. `values` holds the arguments' words and receives the results', from index 0
 * on (it has room for both). `caller` is valid during the call. It may call back with
 * wasm_call: 64 calls may be inside one another, the next traps with WASM_TRAP_STACK. What it
 * does beyond the end of a linear memory is the host's own fault, as any bad access is, not a
 * trap: it asks wasm_memory_at first. */
typedef enum wasm_host_result wasm_host_fn(void *context, struct wasm_caller *caller,
                                           uint64_t *values);

/* Makes a host function linkable as `module`.`name`. `type`'s arrays are copied; names are
 * copied. A later definition of the same name replaces the earlier for later links.
 * WASM_OK or WASM_NO_MEMORY. */
enum wasm_status wasm_define_func(struct wasm_store *store, struct wasm_name module,
                                  struct wasm_name name, struct wasm_func_type type,
                                  wasm_host_fn *function, void *context);

/* Makes every export of `instance` linkable under `module` (the suite's `register`). */
enum wasm_status wasm_define_instance(struct wasm_store *store, struct wasm_name module,
                                      struct wasm_instance *instance);

/* Links, allocates, compiles, runs the active segments and the start function (specification
 * 4.5.4). Each memory takes 8 GiB of address space; compiled code may be 24 times as large as
 * the module and 4 MiB: beyond that it is refused with WASM_NO_MEMORY, and the interpreter may
 * still run it.
 * WASM_OK with `*instance` set; WASM_UNLINKABLE or WASM_NO_MEMORY with `*error` filled;
 * WASM_TRAPPED or WASM_EXITED with `*trap` filled (writes that happened before stay, and the
 * store keeps the instance, because shared tables may refer to its functions). */
enum wasm_status wasm_instantiate(struct wasm_store *store, const struct wasm_module *module,
                                  struct wasm_instance **instance, struct wasm_error *error,
                                  struct wasm_trap *trap);

/* The exported function, memory or global, or NULL / false where there is none so called. A
 * global's value[1] is 0 unless its type is v128. */
struct wasm_func *wasm_export_func(const struct wasm_instance *instance, struct wasm_name name);
struct wasm_memory *wasm_export_memory(const struct wasm_instance *instance,
                                       struct wasm_name name);
bool wasm_export_global(const struct wasm_instance *instance, struct wasm_name name,
                        enum wasm_type *type, uint64_t value[2]);

/* ---- Calls ------------------------------------------------------------------------------ */

/* The words that `count` values of these types take: two for a v128, else one. */
uint32_t wasm_words(const uint8_t *types, uint32_t count);

/* The type of a function. Its arrays live as long as the function. */
struct wasm_func_type wasm_func_type(const struct wasm_func *function);

/* Calls `function` with the words `args[arg_count]`; results go to `results`, which has room
 * for the words of all of them (may be NULL if there are none). WASM_OK; WASM_TRAPPED or
 * WASM_EXITED with `*trap` filled; WASM_MISUSED if arg_count is not the number of words of the
 * function's parameters, nothing called. */
enum wasm_status wasm_call(struct wasm_func *function, const uint64_t *args, size_t arg_count,
                           uint64_t *results, struct wasm_trap *trap);

/* Fuel left; and sets it (not from inside a host function). After a trap of an out of bounds
 * load or store up to 16,384 units more than were used are gone. */
uint64_t wasm_store_fuel(const struct wasm_store *store);
void wasm_store_set_fuel(struct wasm_store *store, uint64_t fuel);

/* Asks the running guest to stop: it traps with WASM_TRAP_INTERRUPT within some thousand
 * function entries or loop turns, or when its host function returns. Without a running guest,
 * the next call traps. Async-signal-safe; any thread. The trap consumes the request. */
void wasm_store_interrupt(struct wasm_store *store);
/* True between a request and its trap: for host functions that wait. */
bool wasm_store_interrupted(const struct wasm_store *store);

/* ---- For host functions ------------------------------------------------------------------ */

/* Memory 0 of the instance that called; NULL if it has none. */
struct wasm_memory *wasm_caller_memory(struct wasm_caller *caller);
struct wasm_store *wasm_caller_store(struct wasm_caller *caller);

/* End the guest: `return wasm_host_trap(caller, "...")`. The text is copied. */
enum wasm_host_result wasm_host_trap(struct wasm_caller *caller, const char *text);
enum wasm_host_result wasm_host_exit(struct wasm_caller *caller, uint32_t exit_code);

/* ---- Memory ------------------------------------------------------------------------------ */

/* Current size in bytes, a multiple of WASM_PAGE_BYTES, at most 2^32. Only grows. */
uint64_t wasm_memory_size(const struct wasm_memory *memory);

/* The host address of guest bytes [address, address + length), or NULL if they do not all lie
 * inside the memory (length 0 at address == size is inside). The base never moves: a pointer
 * stays valid until the store is freed. */
void *wasm_memory_at(const struct wasm_memory *memory, uint32_t address, uint32_t length);

#endif
