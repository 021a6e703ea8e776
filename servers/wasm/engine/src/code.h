/* The translated form that the interpreter runs: its cells, frames and registers.
 *
 * A function body becomes an array of 64-bit cells. An instruction is a pointer to the handler
 * that executes it, followed by its operands. Operands name slots of the frame: the operand
 * stack is resolved to slots by the translator, so nothing is pushed or popped.
 *
 *   fp[0 .. saved)            parameters at entry, results at return;
 *                             saved = the larger of the two counts
 *   fp[saved .. saved+3)      caller's ip, fp and memory base
 *   fp[saved+3 .. temps)      the other locals
 *   fp[temps .. frame_slots)  operand stack: the value at height h has its home at temps + h
 *
 * A caller leaves arguments at the top of its own operand stack; there the callee's frame
 * begins, and there its results appear: nothing is copied. An i32 in a slot has its high half
 * zero.
 *
 * A handler ends by jumping to the next one with the machine state in registers: see interp.h.
 * One value may also travel from an instruction to the next in an accumulator instead of a
 * slot: `acc` for integers, `facc` for f64, `sacc` for f32. Most instructions exist in several
 * modes that say where operands come from and where the result goes.
 */
#ifndef WASM_CODE_H
#define WASM_CODE_H

#include "runtime.h"

typedef void wasm_handler(const union wasm_cell *ip, uint64_t *fp, uint8_t *mem,
                          struct wasm_exec *x, uint64_t acc, int64_t ticks, double facc,
                          float sacc);

/* h: 16-bit slots; w: 32-bit immediates; w[1] shares its place with h[2] and h[3]. */
union wasm_cell {
    wasm_handler *fn;
    uint16_t h[4];
    uint32_t w[2];
    uint64_t q;
    int64_t i;
    void *p;
};
_Static_assert(sizeof(union wasm_cell) == 8, "an operand cell is 64 bits");

/* Where the two operands of an instruction are: slot, accumulator, constant. A unary
 * instruction uses WASM_SS (slot) and WASM_AS (accumulator). */
enum wasm_mode { WASM_SS, WASM_SK, WASM_AS, WASM_SA, WASM_AK, WASM_MODES };
/* Where the result goes. */
enum wasm_target { WASM_TO_SLOT, WASM_TO_ACC, WASM_TARGETS };
/* Which accumulator an instruction's result can go to. */
enum wasm_acc { WASM_ACC_NONE, WASM_ACC_INT, WASM_ACC_F32, WASM_ACC_F64 };

/* The handlers of one instruction. Cell 1: h[0] result slot, h[1] first operand, h[2] second
 * one or w[1] a 32-bit constant; a 64-bit constant is cell 2. */
struct wasm_op {
    wasm_handler *fn[WASM_MODES][WASM_TARGETS];
};

/* By opcode; rows of other opcodes are NULL. */
extern const struct wasm_op wasm_integer_ops[256]; /* ops_integer.c */
extern const struct wasm_op wasm_float_ops[256];   /* ops_float.c */
extern const struct wasm_op wasm_convert_ops[256]; /* ops_convert.c */
extern const struct wasm_op wasm_saturating_ops[8];

/* An f64.mul, modes WASM_SS and WASM_SA, and then with c, in slot h[3]: product + c,
 * product - c, c - product. */
extern const struct wasm_op wasm_mul_add_ops[3]; /* ops_float.c */

/* Loads and stores, by opcode. Cell 1: h[0] the result of a load or the value of a store,
 * h[1] address, w[1] offset; cell 2: a store's constant value. A load has modes WASM_SS and
 * WASM_AS; a store's first operand is the address, the second the value. */
extern const struct wasm_op wasm_access_ops[64]; /* ops_memory.c */
/* The same where w[1] is the address, offset included; WASM_AS for a value in the
 * accumulator. */
extern const struct wasm_op wasm_access_fixed_ops[64];
/* The same where the address is an i32.add of this mode, whose cell 1 becomes cell 2; the
 * value of a store is in a slot. */
extern const struct wasm_op wasm_access_sum_ops[64];
/* The same where the address is a base, in a slot (WASM_SS) or constant (WASM_SK), plus a
 * shifted index. Cell 1: h[1] index; cell 2: h[0] shift, then h[1] or w[1] the base. */
extern const struct wasm_op wasm_access_index_ops[64];

/* Compare two integers and branch, by opcode of the comparison; [mode][backward]. Cell 1: as
 * a binary instruction, a constant being 32 bits, sign-extended; cell 2: the distance to the
 * target, in cells, from the cell that holds it, as always. */
extern const struct wasm_op wasm_branch_ops[256]; /* ops_branch.c */

/* The turn of a counting loop, by opcode of the comparison: adds the 32-bit constant in cell 2
 * to slot h[1], compares and branches back. Cells 1 and 3: as 1 and 2 above; modes WASM_SS and
 * WASM_SK, column WASM_TO_SLOT. */
extern const struct wasm_op wasm_step_ops[256];

/* Single handlers; cells behind the handler in order. Names ending in _a take their operand,
 * or leave their result, in the accumulator. */
wasm_handler wasm_op_copy;       /* h: to, from */
wasm_handler wasm_op_copy2;      /* h: to, from, to, from: in this order */
wasm_handler wasm_op_copy_many;  /* h: to, from, count */
wasm_handler wasm_op_constant;   /* h[0]: to; w[1]: 32-bit value */
wasm_handler wasm_op_constant64; /* h[0]: to; q */
wasm_handler wasm_op_set_memory; /* p: base that memory instructions use from here on */
extern const struct wasm_op wasm_op_global_get; /* h[0]: to; p: struct wasm_global */
extern const struct wasm_op wasm_op_global_set; /* h[1]: from; p */
/* h: to, if true, if false, condition; the condition in a slot or, mode WASM_AS, in acc */
extern const struct wasm_op wasm_op_select;
wasm_handler wasm_op_unreachable;

wasm_handler wasm_op_br;       /* i: distance */
wasm_handler wasm_op_br_back;  /* i: distance; charges a tick */
wasm_handler wasm_op_br_table; /* h[1]: index, w[1]: labels; then a distance for each and for
                                  the default */
wasm_handler wasm_op_br_table_a;

wasm_handler wasm_op_call;          /* p: function; h[0]: first argument's slot */
wasm_handler wasm_op_call_host;     /* p; h[0]; p: calling instance */
wasm_handler wasm_op_call_indirect; /* p: table; h: first argument's slot, index; p: type;
                                       p: calling instance */
wasm_handler wasm_op_call_indirect_a;
wasm_handler wasm_op_return_call;          /* p: function; h: first argument, saved;
                                              p: calling instance */
wasm_handler wasm_op_return_call_indirect; /* p: table; h: first argument, saved, index;
                                              p: type; p: calling instance */
wasm_handler wasm_op_return;               /* h[0]: saved */
wasm_handler wasm_op_return_s;             /* h: saved, result */
wasm_handler wasm_op_return_a;
wasm_handler wasm_op_return_fa;
wasm_handler wasm_op_return_sa;
wasm_handler wasm_op_return_many;               /* h: saved, first result, count */
extern const union wasm_cell wasm_exit_code[1]; /* where the outermost frame returns to */

wasm_handler wasm_op_memory_size; /* h[0]: to; p: struct wasm_memory */
wasm_handler wasm_op_memory_grow; /* h: to, pages; p: struct wasm_memory */
wasm_handler wasm_op_memory_fill; /* h: -, to, byte, length; p: memory */
wasm_handler wasm_op_memory_copy; /* h: -, to, from, length; p: memory; p: memory */
wasm_handler wasm_op_memory_init; /* h: -, to, from, length; p: instance; w: memory, segment */
wasm_handler wasm_op_data_drop;   /* p: instance; w[0]: segment */
wasm_handler wasm_op_table_get;   /* h: to, index; p: table */
wasm_handler wasm_op_table_set;   /* h: -, index, value; p */
wasm_handler wasm_op_table_size;  /* h: to; p */
wasm_handler wasm_op_table_grow;  /* h: to, value, count; p */
wasm_handler wasm_op_table_fill;  /* h: -, to, value, length; p */
wasm_handler wasm_op_table_copy;  /* h: -, to, from, length; p; p */
wasm_handler wasm_op_table_init;  /* h: -, to, from, length; p: instance; w: table, segment */
wasm_handler wasm_op_elem_drop;   /* p: instance; w[0]: segment */

/* translate.c: sets the function's entry, cells and frame; false without memory. */
bool wasm_translate(struct wasm_func *function);
/* The module offset of the instruction whose translation holds cell `cell` of `function`. */
uint32_t wasm_translate_offset(struct wasm_func *function, size_t cell);

#endif
