/* What compiled code and C share: the store's part of the code region. Offsets are compiled
 * into the stubs and into functions, as distances from the instruction.
 *
 *   region:  struct wasm_native | stubs | data of instance 1 | its code | data of 2 | ...
 *            writable             sealed  writable             sealed
 */
#ifndef WASM_X64_NATIVE_H
#define WASM_X64_NATIVE_H

#include "../runtime.h"

/* 0 where the bench builds an engine without ticks and stack checks, to tell what they cost. */
#ifndef WASM_LIMITS
#define WASM_LIMITS 1
#endif

enum {
    WASM_REGION_BYTES = 1 << 30,
    WASM_STACK_SLACK = 32 << 10, /* below the limit: leaf functions, stubs, signal frames */
    WASM_RESULT_WORDS = 2048,    /* 1,000 results of two words */
};

/* Registers that a call passes: integers in the order of x64_arguments, then vectors. */
struct wasm_x64_call {
    uint64_t integers[6];
    uint64_t saved[2]; /* used by the host stub */
    uint64_t vectors[8][2];
    /* The rest is wasm_x64_enter's. */
    const void *target;
    const uint64_t *stack; /* the first argument that no register takes */
    uint64_t stack_words;
};

struct wasm_native {
    uint64_t stack_limit; /* rsp must not fall below it */
    uint64_t host_sp;     /* of the innermost entry */
    uint64_t guest_sp;    /* where code left for the host, and the next entry begins */
    int64_t ticks;        /* r15, while the host runs */
    uint64_t ip;          /* behind the instruction that left for the host or trapped */
    uint64_t sp;          /* then */
    uint64_t at_entry;    /* the trap came before the function had made its frame */
    uint64_t trapped;     /* enum wasm_trap_kind + 1, set by a helper */
    uint64_t *args;       /* of a helper */
    struct wasm_instance *instance; /* whose code called it */
    uint64_t immediates[2];
    uint64_t stride; /* words from one of args[] to the next */
    struct wasm_store *store;
    uint64_t results[WASM_RESULT_WORDS]; /* of a function with several results */

    /* Not used by code. */
    uint8_t *code; /* the region's next free page */
    uint8_t *region_end;
    uint8_t *stack;           /* lowest address reserved for the guest stack */
    uint8_t *stack_committed; /* lowest committed */
    size_t stack_bytes;
    /* The stubs. */
    const uint8_t *enter, *host, *runtime, *runtime_vectors, *refill, *refill_entry,
        *grow_stack, *grow_stack_far;
    const uint8_t *trap[WASM_TRAP_HOST + 1];
};

typedef uint64_t wasm_x64_helper(struct wasm_native *n, const uint64_t *args);

/* Argument `i` of a helper. */
#define WASM_X64_ARG(i) (args[(i)*n->stride])

/* stubs.c: writes and seals the stubs; false without memory. */
bool wasm_x64_stubs(struct wasm_native *n);
/* Code that calls host function `f`, at `at`; returns its end. */
uint8_t *wasm_x64_host_thunk(struct wasm_native *n, const struct wasm_func *f, uint8_t *at);

/* enter.c: called by stubs, on the host's stack. */
bool wasm_x64_call_host(struct wasm_native *n, struct wasm_x64_call *call, struct wasm_func *f,
                        const uint8_t *memory);
uint64_t wasm_x64_refill(struct wasm_native *n);
uint64_t wasm_x64_grow_stack(struct wasm_native *n, uint64_t wanted);
/* Takes `amount` of fuel from a helper; false, with n->trapped set, if there is not enough. */
bool wasm_x64_charge(struct wasm_native *n, uint64_t amount);

/* compile.c: the module offset of the instruction of `f` whose code holds byte `at`. */
uint32_t wasm_x64_offset(struct wasm_func *f, size_t at);

/* Bytes in front of a function's code at which calls from its own instance skip in. */
enum { WASM_X64_PREAMBLE = 7 };

/* Bytes of arguments of a function of this type that go on the stack. */
uint32_t wasm_x64_stack_args(const struct wasm_func_type *type);

#endif
