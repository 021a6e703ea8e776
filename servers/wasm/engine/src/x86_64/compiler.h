/* Inside the compiler: from a validated body to machine code in one pass.
 *
 * It walks the body once with an abstract operand stack (values.c). A value on it is a
 * constant, a local not yet read, a register, a slot of the frame, or the flags of the compare
 * just made. Code appears when an instruction consumes values.
 *
 * Registers:
 *   rsp        guest stack          r14  base of memory 0       r15  fuel at hand
 *   rax rcx rdx r9                  temporaries
 *   rdi rsi r8                      temporaries, or locals that calls save and reload
 *   rbx rbp r10 r11 r12 r13         locals; a function saves those that it uses
 *   xmm0-5, xmm15                   temporaries; xmm15 is never allocated: free inside one
 *                                   instruction's code
 *   xmm6-14                         temporaries, or locals that calls save and reload
 * An i32 in a register has its high half zero. Which locals get registers is decided before
 * the first instruction and for the whole function, so where control flow joins nothing has to
 * be moved: there every value below a label's results is a constant or in its slot, and a
 * single result is in rax or xmm0, several are in their slots.
 *
 * Frame, from rsp up: locals without register, then the slots of the operand stack (value at
 * height h has slot h), saved registers, return address, arguments that no register took.
 * The callee removes those.
 */
#ifndef WASM_X64_COMPILER_H
#define WASM_X64_COMPILER_H

#include "../opcodes.h"
#include "asm.h"
#include "native.h"

enum x64_kind { X64_CONST, X64_LOCAL, X64_REG, X64_SLOT, X64_FLAGS };

struct x64_value {
    uint8_t kind;
    uint8_t type; /* enum wasm_type */
    uint8_t
        reg; /* X64_REG: a temporary, or the local's register that the next local.set names */
    uint8_t cc; /* X64_FLAGS */
    uint32_t local;
    uint64_t bits; /* X64_CONST; never a v128 */
};

struct x64_local {
    uint8_t type;
    uint8_t reg;     /* or X64_NONE: in its slot */
    uint8_t arrives; /* the register in which a parameter arrives, or X64_NONE */
    uint8_t refs;    /* values on the stack that name it; saturates */
    int32_t slot;    /* from rsp */
};

struct x64_block {
    uint8_t opcode;  /* OP_BLOCK, OP_LOOP, OP_IF, OP_ELSE */
    bool reached;    /* by a branch to its end */
    uint32_t height; /* of the operands below its parameters */
    struct wasm_func_type type;
    uint32_t head;    /* of a loop: code offset */
    uint32_t fixups;  /* jumps to its end: newest distance's place; each holds the next older */
    uint32_t tables;  /* entries of jump tables, likewise: index + 1 in c->entries */
    uint32_t to_else; /* of an if: the place of the jump over it; 0 if none */
};

/* Code out of line, behind the function: `from` jumps there. */
struct x64_exit {
    uint32_t from;       /* place of a distance */
    uint32_t offset;     /* of the instruction, in the module */
    uint32_t back;       /* where to go on; UINT32_MAX: nowhere */
    const uint8_t *stub; /* what it calls */
};

/* An entry of a jump table: distance from `base` to a label. */
struct x64_entry {
    uint32_t at, base, next;
};

enum { X64_KEPT = 16 };

struct x64 {
    struct x64_asm code;
    const uint8_t *at; /* next byte of the body */
    uint32_t offset;   /* of this instruction in the module */
    uint8_t *room;     /* code may be written below it */
    struct x64_value *values;
    uint32_t count;   /* of values */
    uint32_t settled; /* values below are constants or in their slots */
    uint32_t cool[2]; /* values below are not in temporaries: general ones, vectors */
    uint32_t free;    /* temporaries that no value owns, by register number */
    uint32_t pinned;  /* used by this instruction: not to be allocated or moved */
    uint32_t temps;   /* all temporaries of this function */
    bool unreachable;
    uint32_t dead;  /* blocks opened since */
    uint8_t unit;   /* log2 of a slot's bytes: 3, or 4 in a function with v128 */
    int32_t slots;  /* of the operand stack, from rsp */
    uint32_t frame; /* bytes */
    int32_t pushed; /* bytes that rsp is below the frame: arguments of a call in the making */
    uint32_t saved; /* callee-saved registers to restore */
    uint32_t kept_count;
    uint32_t kept[X64_KEPT]; /* locals whose registers a call destroys */
    struct wasm_native *native;
    struct wasm_instance *instance;
    const struct wasm_module *module;
    struct wasm_func *function;
    struct wasm_failure failure;
    WASM_ARRAY(struct x64_local) locals;
    WASM_ARRAY(struct x64_block) blocks;
    WASM_ARRAY(struct x64_exit) exits;
    WASM_ARRAY(struct x64_entry) entries;
    WASM_ARRAY(struct x64_constant) constants;
    size_t values_capacity;
    uint32_t *calls;     /* by own function: calls that wait for its place */
    uint8_t *code_start; /* of the instance */
    uint64_t probe;      /* stop when this byte of the function exists; UINT64_MAX: never */
    uint32_t found;      /* the instruction that made it */
};

#define X64_BIT(reg) ((uint32_t)1 << (reg))

/* Where arguments are, in order; results are in the first vector register or rax. */
enum { X64_INTEGER_ARGS = 6, X64_VECTOR_ARGS = 8 };
extern const uint8_t x64_arguments[X64_INTEGER_ARGS];

static inline bool x64_is_vector(uint8_t type)
{
    return type == WASM_F32 || type == WASM_F64 || type == WASM_V128;
}

/* W64 where values of `type` need all of a general register. */
static inline uint32_t x64_width(uint8_t type)
{
    return type == WASM_I32 || type == WASM_F32 ? 0 : W64;
}

/* ---- The body's bytes (already validated) ---- */

uint32_t x64_u32_long(struct x64 *c);
static inline uint32_t x64_u32(struct x64 *c)
{
    return *c->at < 0x80 ? *c->at++ : x64_u32_long(c);
}
int64_t x64_s64(struct x64 *c);
uint64_t x64_fixed(struct x64 *c, unsigned bytes);

/* ---- compile.c ---- */

/* Sees to it that `bytes` of code can be written; each instruction has X64_ROOM before it
 * begins. */
enum { X64_ROOM = 2048 };
void x64_more_room(struct x64 *c, size_t bytes);
static inline void x64_room(struct x64 *c, size_t bytes)
{
    if ((size_t)(c->room - c->code.at) < bytes)
        x64_more_room(c, bytes);
}
/* Refuses the module for the compiler's own reasons. */
_Noreturn void x64_give_up(struct x64 *c, const char *why);

/* ---- values.c ---- */

/* A free temporary, pinned. */
unsigned x64_alloc_gp(struct x64 *c);
unsigned x64_alloc_xmm(struct x64 *c);
/* Makes temporary `reg` free and pins it: a value that owns it moves. */
void x64_claim(struct x64 *c, unsigned reg);

void x64_push_const(struct x64 *c, uint8_t type, uint64_t bits);
void x64_push_local(struct x64 *c, uint32_t local);
void x64_push_reg(struct x64 *c, uint8_t type, unsigned reg);
void x64_push_slot(struct x64 *c, uint8_t type);
void x64_push_flags(struct x64 *c, enum x64_cc cc);

static inline struct x64_value *x64_top(struct x64 *c)
{
    return &c->values[c->count - 1];
}
/* Pops the top value into a register of its kind, which it pins. The plain form may give a
 * local's register, not to be written; the _tmp form a temporary; the _into form `reg`, which
 * is claimed or belongs to the value. */
unsigned x64_pop_gp(struct x64 *c);
unsigned x64_pop_gp_tmp(struct x64 *c);
unsigned x64_pop_xmm(struct x64 *c);
unsigned x64_pop_xmm_tmp(struct x64 *c);
void x64_pop_into(struct x64 *c, unsigned reg);
void x64_drop(struct x64 *c);

/* Pops as an instruction may take it. */
struct x64_operand {
    enum { X64_IN_REG, X64_IN_MEM, X64_IMM } kind;
    unsigned reg;
    struct x64_mem mem;
    int32_t imm;
};
/* An integer: X64_IMM where it is a constant that sign-extends from 32 bits. */
struct x64_operand x64_pop_operand(struct x64 *c);
/* A vector: register or memory (constants become memory). */
struct x64_operand x64_pop_xmm_operand(struct x64 *c);

/* Where a result may go: the register of the local that the next instruction assigns, if any
 * of its kind; else `a` if it is a temporary; else a new one. `a` may be X64_NONE. Operands
 * have been popped; the result may be the register of any of them that is a local's. */
unsigned x64_dest_gp(struct x64 *c, unsigned a);
unsigned x64_dest_xmm(struct x64 *c, unsigned a);
static inline bool x64_is_temp(const struct x64 *c, unsigned reg)
{
    return reg < 32 && (c->temps & X64_BIT(reg));
}

/* Turns flags on top into 0 or 1. */
void x64_settle_flags(struct x64 *c);
/* Settles what is deep: only so many values on top are looked through one by one, so that no
 * instruction's work grows with the stack. Before an instruction; keeps flags. */
void x64_settle(struct x64 *c);
/* All values below `height` that are in registers or locals: to their slots. Leaves flags. */
void x64_flush(struct x64 *c, uint32_t height);
/* The same, and constants too, for the values [from, count). */
void x64_flush_all(struct x64 *c, uint32_t from);
/* Only those in temporaries: what a call would destroy. */
void x64_spill_temps(struct x64 *c, uint32_t height);
/* Values that name local `l` get their own copy, since it is about to change. */
void x64_release_local(struct x64 *c, uint32_t l);
struct x64_mem x64_slot(const struct x64 *c, uint32_t height);
struct x64_mem x64_local_mem(const struct x64 *c, uint32_t local);

/* ---- moves.c ---- */

/* Moves of values of `type`; registers of the type's kind. */
void x64_load_value(struct x64 *c, uint8_t type, unsigned reg, struct x64_mem m);
void x64_store_value(struct x64 *c, uint8_t type, unsigned reg, struct x64_mem m);
void x64_move(struct x64 *c, uint8_t type, unsigned to, unsigned from);
void x64_load_const(struct x64 *c, uint8_t type, unsigned reg, uint64_t bits);
/* reg = the flags' value, 0 or 1. */
void x64_flags_to_reg(struct x64 *c, enum x64_cc cc, unsigned reg);
/* Copies value `v` to register `reg` or memory, leaving it where it is. May use xmm15. */
void x64_value_to_reg(struct x64 *c, const struct x64_value *v, uint32_t height, unsigned reg);
void x64_value_to_mem(struct x64 *c, const struct x64_value *v, uint32_t height,
                      struct x64_mem m);

/* A constant of `size` bytes (8 or 16) in the function's pool. */
struct x64_mem x64_constant(struct x64 *c, uint64_t low, uint64_t high, uint32_t size);

/* ---- exits ---- */

/* Traps if the condition holds; traps. */
void x64_trap_if(struct x64 *c, enum x64_cc cc, enum wasm_trap_kind kind);
void x64_trap(struct x64 *c, enum wasm_trap_kind kind);
/* Calls `helper` on the host's stack with the top `count` operands as args[], which are popped.
 * It may set n->trapped. The result is pushed, unless `result` is 0. Temporaries are lost, also
 * those that the instruction has popped. */
void x64_runtime(struct x64 *c, wasm_x64_helper *helper, uint32_t count, uint8_t result,
                 uint32_t immediate0, uint32_t immediate1);

/* A jump out of line, whose distance is at `from`, that calls `stub` and goes on at `back`. */
void x64_exit(struct x64 *c, uint32_t from, const uint8_t *stub, uint32_t back);

/* Calls function `f` of the same instance, or jumps to it. */
void x64_call_own(struct x64 *c, struct wasm_func *f, bool call);

/* registers.c: which locals are in registers, and the frame. c->locals is complete. */
void x64_assign_registers(struct x64 *c, const struct wasm_hints *hints);

/* ---- groups of instructions; false: not one of theirs or not compiled ---- */

bool x64_compile_control(struct x64 *c, uint8_t opcode); /* control.c */
/* A jump on any condition, to be bound: the new head of list `fixups`. Its end, here. */
void x64_branch_forward(struct x64 *c, enum x64_cc cc, uint32_t *fixups);
void x64_bind(struct x64 *c, uint32_t fixups);
/* Pops a condition; the flags say it. */
enum x64_cc x64_pop_condition(struct x64 *c);
void x64_compile_call(struct x64 *c, uint8_t opcode); /* call.c */
void x64_charge_loop(struct x64 *c);
void x64_prologue(struct x64 *c, bool leaf);
void x64_epilogue(struct x64 *c);
bool x64_compile_integer(struct x64 *c, uint8_t opcode); /* integer.c */
bool x64_compile_float(struct x64 *c, uint8_t opcode);   /* float.c */
bool x64_compile_convert(struct x64 *c, uint8_t opcode); /* convert.c */
void x64_compile_saturating(struct x64 *c, uint32_t opcode);
void x64_compile_access(struct x64 *c, uint8_t opcode); /* memory.c */
bool x64_compile_misc(struct x64 *c, uint8_t opcode);   /* misc.c */
bool x64_compile_simd(struct x64 *c, uint32_t opcode);  /* simd.c; immediates are still ahead */
bool x64_compile_atomic(struct x64 *c, uint32_t opcode); /* atomic.c; likewise */

/* memory.c: reads alignment, memory index and offset; pops the address. `log2` checks nothing.
 * The address of a store's or load's bytes. */
struct x64_memarg {
    uint32_t memory;
    uint32_t offset;
};
struct x64_memarg x64_read_memarg(struct x64 *c);
struct x64_mem x64_pop_address(struct x64 *c, struct x64_memarg m);

#endif
