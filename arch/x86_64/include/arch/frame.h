/// A thread's user registers, as entry saves and exit restores them.
///
/// kern embeds one in each thread. While the thread runs in user mode its contents are stale;
/// entry fills it through the pointer in struct arch_cpu.
#pragma once

#include <arch/layout.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arch_frame {
    uint64_t rdx, r8, r9, r10, r12, r13, rdi, rsi; // a message: one cache line
    uint64_t rax, rbx, rbp, r14, r15, rsp, rip, rflags;
    uint64_t rcx, r11; // dead after SYSCALL
    uint64_t fs_base;
    /// 1: all registers count, so that the thread must leave by IRET. Set by trap entry and by
    /// arch_frame_init() and arch_frame_load(), cleared by the exit through IRET. 0: it came in
    /// by SYSCALL and rip and rflags are what SYSCALL saved.
    uint64_t trapped;
};

/// How the kernel is left; what kern's entry points return (rax:rdx); see kern.h.
struct arch_resume {
    struct arch_frame *frame;
    /// Leave by SYSRET with the six message words of this frame (after an IPC the sender's,
    /// which saves copying them), all else from `frame`, whose `trapped` is 0. Null: leave by
    /// IRET with everything from `frame`.
    const struct arch_frame *words;
};

/// Resumes a thread whatever way it came in.
static inline struct arch_resume arch_resume(struct arch_frame *frame)
{
    return (struct arch_resume){frame, frame->trapped ? NULL : frame};
}

#define FRAME_OFFSET(field, offset)                                                            \
    _Static_assert(offsetof(struct arch_frame, field) == (offset), "layout.h: " #field)
FRAME_OFFSET(rdx, FRAME_RDX);
FRAME_OFFSET(r8, FRAME_R8);
FRAME_OFFSET(r9, FRAME_R9);
FRAME_OFFSET(r10, FRAME_R10);
FRAME_OFFSET(r12, FRAME_R12);
FRAME_OFFSET(r13, FRAME_R13);
FRAME_OFFSET(rdi, FRAME_RDI);
FRAME_OFFSET(rsi, FRAME_RSI);
FRAME_OFFSET(rax, FRAME_RAX);
FRAME_OFFSET(rbx, FRAME_RBX);
FRAME_OFFSET(rbp, FRAME_RBP);
FRAME_OFFSET(r14, FRAME_R14);
FRAME_OFFSET(r15, FRAME_R15);
FRAME_OFFSET(rsp, FRAME_RSP);
FRAME_OFFSET(rip, FRAME_RIP);
FRAME_OFFSET(rflags, FRAME_RFLAGS);
FRAME_OFFSET(rcx, FRAME_RCX);
FRAME_OFFSET(r11, FRAME_R11);
FRAME_OFFSET(fs_base, FRAME_FS_BASE);
FRAME_OFFSET(trapped, FRAME_TRAPPED);
_Static_assert(sizeof(struct arch_frame) == FRAME_BYTES, "layout.h: FRAME_BYTES");
#undef FRAME_OFFSET

// The register convention of kern/abi/pith.idl. In: number, arguments. Out: status, results.

/// Number and flags of the system call (rax), as user space passed them.
static inline uint64_t arch_frame_number(const struct arch_frame *f)
{
    return f->rax;
}

static inline void arch_frame_set_status(struct arch_frame *f, uint64_t status)
{
    f->rax = status;
}

/// rdi: endpoint | reply << 32 in, badge or bits out.
static inline void arch_frame_set_badge(struct arch_frame *f, uint64_t badge)
{
    f->rdi = badge;
}

/// rsi: the message tag.
static inline void arch_frame_set_tag(struct arch_frame *f, uint64_t tag)
{
    f->rsi = tag;
}

/// Argument 0 to 7 of a system call that carries no message: rdi rsi rdx r8 r9 r10 r12 r13.
/// `n` is a constant in every use, so this costs one load.
static inline uint64_t arch_frame_argument(const struct arch_frame *f, unsigned n)
{
    switch (n) {
    case 0:
        return f->rdi;
    case 1:
        return f->rsi;
    case 2:
        return f->rdx;
    case 3:
        return f->r8;
    case 4:
        return f->r9;
    case 5:
        return f->r10;
    case 6:
        return f->r12;
    default:
        return f->r13;
    }
}

/// Result 0 to 2 of a system call: rdi rsi rdx.
static inline void arch_frame_set_result(struct arch_frame *f, unsigned n, uint64_t value)
{
    *(n == 0 ? &f->rdi : n == 1 ? &f->rsi : &f->rdx) = value;
}

/// Message word 0 to 5: rdx r8 r9 r10 r12 r13.
static inline uint64_t arch_frame_word(const struct arch_frame *f, unsigned n)
{
    return arch_frame_argument(f, n + 2);
}

static inline void arch_frame_set_word(struct arch_frame *f, unsigned n, uint64_t value)
{
    *(n == 0   ? &f->rdx
      : n == 1 ? &f->r8
      : n == 2 ? &f->r9
      : n == 3 ? &f->r10
      : n == 4 ? &f->r12
               : &f->r13) = value;
}

/// Takes back a system call that was not begun: the thread will make it again.
static inline void arch_frame_undo_call(struct arch_frame *f)
{
    f->rip -= 2; // of SYSCALL
}

/// All six message words.
static inline void arch_frame_copy_words(struct arch_frame *to, const struct arch_frame *from)
{
    to->rdx = from->rdx;
    to->r8 = from->r8;
    to->r9 = from->r9;
    to->r10 = from->r10;
    to->r12 = from->r12;
    to->r13 = from->r13;
}

/// Whether leaving with `f` is safe: IRET faults in the kernel on a rip that is not canonical,
/// and interrupts must be on.
static inline bool arch_frame_valid(const struct arch_frame *f)
{
    const uint64_t fixed = 0x202, forbidden = 0x1a3000; // IF; IOPL VM VIF VIP
    return f->rip >> 47 == 0 && (f->rflags & (fixed | forbidden)) == fixed;
}

/// Empties a new thread's frame: all registers zero, flags sane, returned to by IRET.
void arch_frame_init(struct arch_frame *f);

struct registers; // the ABI's

/// Takes over user-supplied registers (thread_registers, RETURN). Flags that are not the
/// user's to set are replaced. False, and nothing is changed, if rip or fs_base is outside the
/// user half: returning to it would fault in the kernel.
__attribute__((warn_unused_result)) bool arch_frame_load(struct arch_frame *f,
                                                         const struct registers *r);

/// The opposite: shows `f` as struct registers.
void arch_frame_store(const struct arch_frame *f, struct registers *r);

/// Makes `f` continue at `ip` with stack `sp`, the rest kept (DIVERT). False as above.
__attribute__((warn_unused_result)) bool arch_frame_divert(struct arch_frame *f, uint64_t ip,
                                                           uint64_t sp);
