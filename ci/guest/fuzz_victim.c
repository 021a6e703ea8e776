/// The fuzzer's victims: random system calls, mostly with arguments of the right kinds, for
/// ever.
///
/// This code runs in a space of its own, so it refers to nothing outside FAR. It may be entered
/// anywhere: victims set each other's registers.

#include "fuzz.h"

/// One piece with victim_run(): to the emulator each return is a search.
#define INLINE static inline __attribute__((always_inline))

struct call {
    uint64_t rax, a[8];
};

INLINE uint64_t draw(struct victim *v)
{
    v->random += !v->random; // it lies where any victim can write
    v->random ^= v->random << 13;
    v->random ^= v->random >> 7;
    v->random ^= v->random << 17;
    return v->random >> 11;
}

/// Boundaries and noise.
INLINE uint64_t odd_number(struct victim *v)
{
    uint64_t d = draw(v);
    if (d % 4 == 0)
        return (1ul << (d >> 8) % 64) + (d >> 16) % 3 - 1;
    if (d % 4 == 1)
        return d << 11 ^ draw(v);
    if (d % 4 == 2)
        return -(d >> 8) % 4;
    return (d >> 8) % 256;
}

/// A handle of this kind, probably.
INLINE uint64_t handle(struct victim *v, uint32_t kind)
{
    uint64_t d = draw(v);
    if (d % 32 == 0)
        return (d >> 8) % (VICTIM_PAGES * SLOTS_PER_PAGE + 8);
    return home_of(kind) + (d >> 8) % (d % 4 ? 4 : HOME_SLOTS);
}

/// Where a new capability of this kind goes, or one is deleted: not what there is little of.
INLINE uint64_t spare(struct victim *v, uint32_t kind)
{
    uint64_t d = draw(v);
    return home_of(kind) + (d % 1024 ? 4 + (d >> 10) % (HOME_SLOTS - 4) : (d >> 10) % 4);
}

INLINE uint32_t any_kind(struct victim *v)
{
    return KIND_UNTYPED + (uint32_t)(draw(v) % (KIND_IOPORT - KIND_UNTYPED + 1));
}

INLINE uint64_t address(struct victim *v)
{
    uint64_t d = draw(v);
    uint64_t at = VICTIM_ADDRESS + (d >> 8) % 64 * PAGE;
    if (d % 8 == 0)
        return at & ~0x1ffffful;
    return d % 8 == 1 ? at + ((d >> 16) % 4 << 30) : at;
}

INLINE uint64_t tag(struct victim *v)
{
    uint64_t d = draw(v);
    uint64_t words = d % 4 ? d % 8 : d % 66;
    return (d >> 8) % 8 << TAG_LABEL_SHIFT | (d % 5 ? 0 : (d >> 16) % 4) << TAG_CAPS_SHIFT |
           words;
}

INLINE void message(struct victim *v, struct call *c)
{
    const uint32_t flag = IPC_NONBLOCK << 8;
    uint64_t d = draw(v);
    bool receives = d % 8 == 3 || d % 8 == 5 || d % 8 == 6;
    c->a[0] = handle(v, KIND_ENDPOINT);
    if ((d >> 16) % 4) // fuzz.c: the first of its kind can all, then one to call, one to signal
        c->a[0] = home_of(KIND_ENDPOINT) + (receives ? 0 : d % 8 == 7 ? 2 : (d >> 18) % 2);
    c->a[1] = tag(v);
    if (d % 8 < 2) {
        c->rax = SYSCALL_CALL;
    } else if (d % 8 == 2) {
        c->rax = SYSCALL_SEND | (d & 64 ? flag : 0);
    } else if (d % 8 == 3) {
        c->rax = SYSCALL_RECV | (d & 64 ? flag : 0);
        if (d & 128)
            c->a[0] |= handle(v, KIND_REPLY) << 32;
    } else if (d % 8 == 4) {
        c->rax = SYSCALL_REPLY;
        c->a[0] = handle(v, KIND_REPLY) << 32;
    } else if (d % 8 < 7) {
        c->rax = SYSCALL_REPLY_RECV;
        c->a[0] |= handle(v, KIND_REPLY) << 32;
    } else {
        c->rax = d & 64 ? SYSCALL_SIGNAL : SYSCALL_YIELD;
    }
}

INLINE void retype(struct victim *v, struct call *c)
{
    uint64_t d = draw(v);
    uint32_t kind = KIND_UNTYPED + (uint32_t)(d % (KIND_REPLY - KIND_UNTYPED + 1));
    c->rax = SYSCALL_RETYPE;
    c->a[0] = handle(v, KIND_UNTYPED);
    c->a[1] = kind;
    c->a[2] = kind == KIND_UNTYPED || kind == KIND_FRAME ? PAGE_BITS + (d >> 8) % 6
              : kind == KIND_CSPACE                      ? PAGE_BITS
                                                         : 0;
    c->a[3] = 1 + ((d >> 16) % 4 ? 0 : (d >> 18) % 4);
    c->a[4] = (d >> 24) % 4 ? 0 : handle(v, KIND_CSPACE);
    c->a[5] = kind == KIND_SLOTS ? (d >> 32) % 5 : spare(v, kind);
}

INLINE void derive(struct victim *v, struct call *c)
{
    uint64_t d = draw(v);
    uint32_t how = (uint32_t)(d % 4), kind = any_kind(v);
    if (how == DERIVE_CALL || how == DERIVE_SIGNAL)
        kind = KIND_ENDPOINT;
    else if (how == DERIVE_RANGE)
        kind = d & 16 ? KIND_FRAME : d & 32 ? KIND_IRQ : KIND_IOPORT;
    c->rax = SYSCALL_CAP_COPY;
    c->a[0] = (d >> 24) % 4 ? 0 : handle(v, KIND_CSPACE);
    c->a[1] = spare(v, kind);
    c->a[2] = handle(v, kind);
    c->a[3] = how;
    c->a[4] =
        how == DERIVE_COPY && (d & 64) ? RIGHT_ALL : (d >> 32) % 256 * (d & 16 ? PAGE : 1);
    c->a[5] = d & 16 ? PAGE_BITS + (d >> 40) % 5 : (d >> 40) % 3;
}

INLINE void capability(struct victim *v, struct call *c)
{
    uint64_t d = draw(v);
    uint32_t kind = any_kind(v);
    c->a[0] = (d >> 24) % 8 ? 0 : handle(v, KIND_CSPACE);
    c->a[1] = spare(v, kind);
    c->a[2] = spare(v, kind);
    if (d % 8 < 4) {
        c->rax = SYSCALL_CAP_DELETE;
    } else if (d % 8 == 4) {
        c->rax = SYSCALL_CAP_MOVE;
    } else if (d % 8 < 7) {
        c->rax = SYSCALL_CAP_REVOKE;
        if (d & 256)
            c->a[1] = handle(v, KIND_UNTYPED); // its memory is free again
    } else {
        c->rax = SYSCALL_CAP_IDENTIFY;
        c->a[0] = handle(v, kind);
        c->a[1] = handle(v, KIND_ENDPOINT);
    }
}

INLINE void mapping(struct victim *v, struct call *c)
{
    uint64_t d = draw(v);
    c->a[0] = handle(v, d % 4 ? KIND_FRAME : KIND_PAGE_TABLE);
    c->a[1] = handle(v, KIND_VSPACE);
    c->a[2] = address(v);
    c->a[3] = d & 16 ? MAP_READ | MAP_WRITE : (d >> 8) % 32;
    c->rax = (d >> 16) % 4 ? SYSCALL_MAP : SYSCALL_UNMAP;
}

INLINE void thread(struct victim *v, struct call *c)
{
    uint64_t d = draw(v);
    c->a[0] = (d >> 8) % 16 ? handle(v, KIND_THREAD) : 0;
    if (d % 8 == 0) {
        c->rax = SYSCALL_THREAD_REGISTERS;
        c->a[1] = d >> 16 & 1;
    } else if (d % 8 == 1) {
        c->rax = SYSCALL_THREAD_CONFIGURE;
        c->a[1] = d >> 16 & 1 ? handle(v, KIND_CSPACE) : 0;
        c->a[2] = d >> 17 & 1 ? handle(v, KIND_VSPACE) : 0;
        c->a[3] = d >> 18 & 1 ? handle(v, KIND_FRAME) : 0;
        c->a[4] = d >> 19 & 1 ? handle(v, KIND_ENDPOINT) : 0;
        c->a[5] = d >> 20 & 1 ? handle(v, KIND_ENDPOINT) : 0;
        c->a[6] = d >> 21 & 1;
    } else {
        c->rax = SYSCALL_THREAD_CONTROL;
        c->a[1] = (d >> 16) % 12;
        c->a[2] = c->a[1] == THREAD_OP_HANDLER ? (uint64_t)victim_handler : (d >> 24) % 16;
        if (c->a[1] == THREAD_OP_SUSPEND && (d >> 32) % 4)
            c->a[1] = THREAD_OP_START;
    }
}

INLINE void device(struct victim *v, struct call *c)
{
    uint64_t d = draw(v);
    if (d & 1) {
        c->rax = SYSCALL_IRQ_CONTROL;
        c->a[0] = handle(v, KIND_IRQ);
        c->a[1] = (d >> 8) % 4;
        c->a[2] = 3 + (d >> 16) % 4;
        c->a[3] = handle(v, KIND_ENDPOINT);
        c->a[4] = (d >> 24) % 4;
    } else if (d & 2) {
        c->rax = SYSCALL_IOPORT;
        c->a[0] = handle(v, KIND_IOPORT);
        c->a[1] = (d >> 8) % 32;
        c->a[2] = 0x80 + (d >> 16) % 3;
        c->a[3] = (d >> 24) % 300;
    } else {
        c->rax = SYSCALL_DEBUG;
        c->a[0] = handle(v, KIND_DEBUG);
        c->a[1] = (d >> 8) % 8;
    }
}

/// Handles to send, slots to receive in, registers to set.
INLINE void fill_buffer(struct victim *v, struct ipc_buffer *b)
{
    for (uint32_t i = 0; i < MESSAGE_CAPS; i++) {
        uint32_t kind = any_kind(v);
        b->caps[i] = (uint32_t)handle(v, kind);
        b->slots[i] = draw(v) % 4 ? (uint32_t)spare(v, kind) : 0;
    }
    uint64_t *registers = (uint64_t *)b->registers;
    for (uint32_t i = 0; i < sizeof(struct registers) / 8; i++)
        registers[i] = odd_number(v);
    struct registers *r = (struct registers *)registers;
    if (draw(v) % 4) {
        r->rip = (uint64_t)victim_run;
        r->rdi = (uint64_t)b;
        r->rsp = (uint64_t)(b + 1) - 8;
        r->fs_base = 0;
        r->rflags = 0x202;
    }
}

/// Not all that a program can do to the kernel is a call.
INLINE void fault(struct victim *v)
{
    uint64_t d = draw(v);
    if (d % 4)
        __asm__ volatile("int3");
    else if (d % 16 == 0)
        __asm__ volatile("movq (%0), %%rax" ::"r"(odd_number(v)) : "rax");
    else if (d % 16 == 4)
        __asm__ volatile("movq %0, %%xmm1" ::"r"(d));
    else if (d % 16 == 8)
        __asm__ volatile("pushq %0; popfq" ::"r"(d & 0x244fd5));
}

INLINE void choose(struct victim *v, struct call *c)
{
    uint64_t d = draw(v) % 64;
    if (d < 28)
        message(v, c);
    else if (d < 36)
        retype(v, c);
    else if (d < 44)
        derive(v, c);
    else if (d < 52)
        capability(v, c);
    else if (d < 57)
        mapping(v, c);
    else if (d < 62)
        thread(v, c);
    else if (d < 63)
        device(v, c);
    else
        c->rax = draw(v) % (SYSCALL_COUNT + 2) | draw(v) % 4 << 8;
}

INLINE void issue(struct call *c)
{
    register uint64_t r8 __asm__("r8") = c->a[3];
    register uint64_t r9 __asm__("r9") = c->a[4];
    register uint64_t r10 __asm__("r10") = c->a[5];
    register uint64_t r12 __asm__("r12") = c->a[6];
    register uint64_t r13 __asm__("r13") = c->a[7];
    uint64_t rdi = c->a[0], rsi = c->a[1], rdx = c->a[2];
    __asm__ volatile("syscall"
                     : "+a"(c->rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9),
                       "+r"(r10), "+r"(r12), "+r"(r13)
                     :
                     : "rcx", "r11", "memory");
}

FAR void victim_run(uint64_t buffer, uint64_t unused, uint64_t unused_too)
{
    struct ipc_buffer *b = (struct ipc_buffer *)buffer;
    struct victim *v = (struct victim *)b->user;
    struct call c;
    (void)unused, (void)unused_too;
    for (;;) {
        uint64_t d = draw(v);
        if (d % 8 == 0)
            fill_buffer(v, b);
        if (d % 256 == 1)
            fault(v);
        for (uint32_t i = 0; i < 8; i++)
            c.a[i] = d >> 8 & 15 ? 0 : odd_number(v);
        choose(v, &c);
        if ((d >> 16) % 16 == 0)
            c.a[(d >> 20) % 8] = odd_number(v);
        uint64_t number = c.rax & 255;
        v->calls++;
        issue(&c);
        if (c.rax == OK && number < SYSCALL_COUNT)
            v->succeeded[number]++;
    }
}

FAR void victim_handler(void)
{
    uint64_t sp;
    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
    victim_run(sp & ~(uint64_t)(PAGE - 1), 0, 0);
}
