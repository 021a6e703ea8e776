/// Frames and FPU states that did not come from the CPU: made, shown, and checked when user
/// space supplies them.

#include "cpu/string.h"
#include <arch/address.h>
#include <arch/fpu.h>
#include <arch/frame.h>
#include <pith/abi.h>

#define FLAGS_FIXED 0x202ul    ///< IF, and the bit that is always 1
#define FLAGS_USER  0x250dd5ul ///< CF PF AF ZF SF TF DF OF RF AC ID; not IF IOPL NT VM VIF VIP

void arch_frame_init(struct arch_frame *f)
{
    arch_zero(f, sizeof *f);
    f->rflags = FLAGS_FIXED;
    f->trapped = 1;
}

bool arch_frame_load(struct arch_frame *f, const struct registers *from)
{
    struct registers copy, *r = &copy; // other threads may be writing there: read it once
    arch_copy(r, from, sizeof *r);
    if (!arch_user_valid(user(r->rip), 1) || !arch_user_valid(user(r->fs_base), 1))
        return false;
    *f = (struct arch_frame){
        .rax = r->rax,
        .rbx = r->rbx,
        .rcx = r->rcx,
        .rdx = r->rdx,
        .rsi = r->rsi,
        .rdi = r->rdi,
        .rbp = r->rbp,
        .rsp = r->rsp,
        .r8 = r->r8,
        .r9 = r->r9,
        .r10 = r->r10,
        .r11 = r->r11,
        .r12 = r->r12,
        .r13 = r->r13,
        .r14 = r->r14,
        .r15 = r->r15,
        .rip = r->rip,
        .rflags = (r->rflags & FLAGS_USER) | FLAGS_FIXED,
        .fs_base = r->fs_base,
        .trapped = 1,
    };
    return true;
}

void arch_frame_store(const struct arch_frame *f, struct registers *r)
{
    *r = (struct registers){
        .rax = f->rax,
        .rbx = f->rbx,
        .rcx = f->trapped ? f->rcx : f->rip, // as SYSCALL left them
        .rdx = f->rdx,
        .rsi = f->rsi,
        .rdi = f->rdi,
        .rbp = f->rbp,
        .rsp = f->rsp,
        .r8 = f->r8,
        .r9 = f->r9,
        .r10 = f->r10,
        .r11 = f->trapped ? f->r11 : f->rflags,
        .r12 = f->r12,
        .r13 = f->r13,
        .r14 = f->r14,
        .r15 = f->r15,
        .rip = f->rip,
        .rflags = f->rflags,
        .fs_base = f->fs_base,
    };
}

bool arch_frame_divert(struct arch_frame *f, uint64_t ip, uint64_t sp)
{
    if (!arch_user_valid(user(ip), 1))
        return false;
    f->rip = ip;
    f->rsp = sp;
    f->rflags = FLAGS_FIXED;
    f->trapped = 1;
    return true;
}

void arch_fpu_init(struct arch_fpu *fpu)
{
    const uint16_t x87_control = 0x37f;
    const uint32_t mxcsr = 0x1f80;
    arch_zero(fpu, sizeof *fpu);
    memcpy(fpu->image, &x87_control, sizeof x87_control); // SDM volume 1, table 10-2
    memcpy(fpu->image + 24, &mxcsr, sizeof mxcsr);
}
