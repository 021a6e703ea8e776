/* Inside the translator: from a validated body to the cells of code.h.
 *
 * It walks the body once with an abstract operand stack. A value on that stack is in its home
 * slot, or is still a local's slot, or a constant: local.get and constants make no code until
 * an instruction uses them, and then become its operand. The result of the newest instruction
 * can still be redirected: to a local (local.set), or to the accumulator, if the next
 * instruction consumes it.
 *
 * Where control flow joins, every value is in its home.
 */
#ifndef WASM_TRANSLATOR_H
#define WASM_TRANSLATOR_H

#include "code.h"
#include "opcodes.h"

enum wasm_operand_kind { WASM_HOME, WASM_LOCAL, WASM_CONSTANT };

/* The accumulator of each value type. */
enum {
    WASM_ACC_OF_I32 = WASM_ACC_INT,
    WASM_ACC_OF_I64 = WASM_ACC_INT,
    WASM_ACC_OF_F32 = WASM_ACC_F32,
    WASM_ACC_OF_F64 = WASM_ACC_F64
};

struct wasm_operand {
    uint8_t kind;
    uint16_t slot;  /* of a local */
    uint64_t value; /* of a constant */
    bool high;      /* the high word of a v128, whose low word is the operand below */
};

/* An operand as an instruction will use it. */
struct wasm_source {
    enum { WASM_SLOT, WASM_ACC, WASM_VALUE } kind;
    uint16_t slot;
    uint64_t value;
};

struct wasm_local {
    uint16_t slot; /* of its low word */
    bool wide;     /* a v128 */
};

struct wasm_block {
    uint8_t opcode;  /* OP_BLOCK, OP_LOOP, OP_IF, OP_ELSE */
    uint32_t height; /* of the operands below its parameters */
    uint32_t params; /* slots */
    uint32_t results;
    struct wasm_func_type type; /* of both */
    size_t start;               /* of a loop: its first cell */
    size_t fixups;     /* branches to its end: the newest one's distance cell, which holds the
                          next older one; 0 ends the list */
    size_t to_else;    /* of an if: the distance cell that leads to its else; 0 if none */
    size_t stub;       /* what a br_table jumps to that must first move values, and the end */
    size_t stub_table; /* of that br_table's cells */
};

/* The newest instruction, while its result may still be redirected. */
struct wasm_newest {
    bool valid;
    bool wide;                /* the result is a v128; it can only go to a local */
    size_t start;             /* its first cell */
    size_t height;            /* of its result */
    const struct wasm_op *op; /* NULL if it cannot write to an accumulator */
    uint8_t mode;
    uint8_t acc;   /* enum wasm_acc: which one */
    int opcode;    /* of a numeric instruction, or -1 */
    size_t before; /* the instruction just before it, as `last` was */
};

struct wasm_translator {
    struct wasm_reader r;
    struct wasm_failure failure;
    struct wasm_func *function;
    const struct wasm_module *module;
    struct wasm_instance *instance;
    WASM_ARRAY(struct wasm_local) locals; /* parameters first */
    uint32_t temps;                       /* slot of the operand stack's bottom */
    uint32_t max_height;
    WASM_ARRAY(union wasm_cell) code;
    WASM_ARRAY(struct wasm_operand) operands;
    WASM_ARRAY(struct wasm_block) blocks;
    size_t settled; /* operands below this height are all in their homes */
    struct wasm_newest newest;
    size_t last;   /* first cell + 1 of the newest instruction; 0 where code may be jumped to
                      behind it, or it was taken back */
    uint32_t dead; /* blocks opened inside unreachable code; see wasm_skip_dead */
    bool unreachable;
    uint32_t offset; /* of the instruction being translated, in the module */
    size_t probe;    /* cell whose origin is wanted */
    uint32_t origin; /* of that cell: offset of the instruction that it executes */
};

/* emit.c: code. */
union wasm_cell *wasm_emit(struct wasm_translator *t, wasm_handler *fn, unsigned operand_cells);
/* An instruction whose result, in cell 1's h[0], is pushed; it stays redirectable. */
union wasm_cell *wasm_emit_result(struct wasm_translator *t, const struct wasm_op *op,
                                  enum wasm_mode mode, unsigned operand_cells,
                                  enum wasm_acc acc);
/* The same for an instruction that exists in one form; its result can only go to a slot. */
union wasm_cell *wasm_emit_plain_result(struct wasm_translator *t, wasm_handler *fn,
                                        unsigned operand_cells);
/* Where code may be jumped to, nothing before it can be changed any more. */
void wasm_settle_code(struct wasm_translator *t);

/* emit.c: operands. */
uint16_t wasm_home(const struct wasm_translator *t, size_t height);
void wasm_push_home(struct wasm_translator *t);
void wasm_push_local(struct wasm_translator *t, uint16_t slot);
void wasm_push_constant(struct wasm_translator *t, uint64_t value);
/* Pops as slot, accumulator (if the newest instruction can leave it in `acc`) or constant. */
struct wasm_source wasm_take(struct wasm_translator *t, enum wasm_acc acc);
/* Pops as a slot, whatever it takes. */
uint16_t wasm_take_slot(struct wasm_translator *t);
/* If the operand just taken is a constant, loads it into the home that it had. */
void wasm_need_slot(struct wasm_translator *t, struct wasm_source *source);
void wasm_drop(struct wasm_translator *t);
/* How an instruction finds these two operands. */
enum wasm_mode wasm_mode_of(struct wasm_source a, struct wasm_source b);
/* Whether the top operand is the newest instruction's result, still redirectable. */
bool wasm_is_newest(const struct wasm_translator *t);
/* Moves operand `height` to its home; all operands; those that name local slot `slot`. */
void wasm_go_home(struct wasm_translator *t, size_t height);
void wasm_all_home(struct wasm_translator *t);
void wasm_release_local(struct wasm_translator *t, uint16_t slot);
/* Pops a value into a local's slot. */
void wasm_assign_local(struct wasm_translator *t, uint16_t slot);
void wasm_load_constant(struct wasm_translator *t, uint16_t to, uint64_t value);
void wasm_copy_slot(struct wasm_translator *t, uint16_t to, uint16_t from);

/* Takes the newest instruction back, whose result is the top operand. */
void wasm_take_back(struct wasm_translator *t);

/* translate_memory.c: loads and stores. */
void wasm_translate_access(struct wasm_translator *t, uint8_t opcode);
/* Makes memory `memory` the one that accesses use. */
void wasm_use_memory(struct wasm_translator *t, uint32_t memory);

/* translate_control.c: structure, branches, calls. False if `opcode` is something else. */
bool wasm_translate_control(struct wasm_translator *t, uint8_t opcode);

/* translate_misc.c: globals, memory and table management. */
void wasm_translate_misc(struct wasm_translator *t, uint8_t opcode);
/* The instruction `opcode` behind an OP_PREFIX, from OP_MEMORY_INIT on. */
void wasm_translate_bulk(struct wasm_translator *t, uint32_t opcode);

/* translate_atomic.c: atomic instructions, behind their OP_ATOMIC. */
void wasm_translate_atomic(struct wasm_translator *t);

/* translate_simd.c: vector instructions, behind their OP_SIMD. */
void wasm_translate_simd(struct wasm_translator *t);
/* Vectors among other values: two operands each, the upper one marked. wasm_join marks it. */
void wasm_join(struct wasm_translator *t);
bool wasm_top_is_wide(const struct wasm_translator *t);
/* Pushes values of these types, all at home. */
void wasm_push_types(struct wasm_translator *t, const uint8_t *types, uint32_t count);
void wasm_push_wide_local(struct wasm_translator *t, uint16_t slot);
void wasm_push_wide_constant(struct wasm_translator *t, struct wasm_value value);
void wasm_assign_wide_local(struct wasm_translator *t, uint16_t slot);
/* The condition is in a slot. */
void wasm_translate_wide_select(struct wasm_translator *t, uint16_t condition);
void wasm_translate_wide_global(struct wasm_translator *t, struct wasm_global *global,
                                bool get);

#endif
