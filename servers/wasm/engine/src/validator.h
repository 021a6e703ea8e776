/* Inside the validator: its stacks, shared by validate.c (structure, control) and
 * validate_ops.c (the other instructions). */
#ifndef WASM_VALIDATOR_H
#define WASM_VALIDATOR_H

#include "validate.h"

/* The bottom type: what an unreachable stack yields; matches every type. */
enum { WASM_ANY = 0 };

/* A list of types, borrowed from the module's bytes or from a static. */
struct wasm_type_list {
    const uint8_t *types;
    uint32_t count;
};

struct wasm_control {
    uint8_t opcode; /* OP_BLOCK, OP_LOOP, OP_IF, OP_ELSE */
    bool unreachable;
    size_t height;   /* of the operand stack at entry */
    uint32_t weight; /* of an instruction before it */
    struct wasm_type_list start;
    struct wasm_type_list end;
};

struct wasm_validator {
    struct wasm_loader *l;
    struct wasm_reader *r;
    WASM_ARRAY(uint8_t) operands;
    WASM_ARRAY(struct wasm_control) controls;
    WASM_ARRAY(uint8_t) locals;
    WASM_ARRAY(uint32_t) uses; /* by local: weight */
    uint32_t weight;           /* of an instruction here: 8 for each loop around it */
    uint32_t calls;
    size_t max_height;
    bool wide;            /* a v128 was on the stack */
    size_t opcode_offset; /* of the instruction being validated: errors point at it */
    bool constant;        /* only what a constant expression may hold */
};

_Noreturn void wasm_invalid(struct wasm_validator *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The function needs more than WASM_MAX_SLOTS. */
_Noreturn void wasm_too_many_slots(struct wasm_validator *v);
void wasm_push(struct wasm_validator *v, uint8_t type);
/* Pops a value of `type`, or of any where `type` is WASM_ANY; returns what it was. */
uint8_t wasm_pop(struct wasm_validator *v, uint8_t type);
void wasm_push_list(struct wasm_validator *v, struct wasm_type_list list);
void wasm_pop_list(struct wasm_validator *v, struct wasm_type_list list);

/* Validates instructions up to the `end` of the expression, which leaves `results`. */
void wasm_validate_expression(struct wasm_loader *l, struct wasm_reader *r,
                              struct wasm_type_list results, bool constant);

/* An index immediate, checked against the `count` things there are. */
uint32_t wasm_read_index(struct wasm_validator *v, size_t count, const char *what);

/* memarg: alignment, with bit 6 announcing a memory index, and offset. Returns the alignment's
 * logarithm, which is at most `log2_size`. */
uint32_t wasm_read_access(struct wasm_validator *v, unsigned log2_size);

/* validate_atomic.c: an atomic instruction, behind its OP_ATOMIC. */
void wasm_validate_atomic(struct wasm_validator *v);
/* validate_simd.c: a vector instruction, behind its OP_SIMD. */
void wasm_validate_simd(struct wasm_validator *v);

/* One more use of `*counter` here. */
static inline void wasm_count_use(const struct wasm_validator *v, uint32_t *counter)
{
    *counter += *counter < UINT32_MAX / 2 ? v->weight : 0;
}

/* Every instruction but the structured and branching ones. */
void wasm_validate_plain(struct wasm_validator *v, uint8_t opcode);

#endif
