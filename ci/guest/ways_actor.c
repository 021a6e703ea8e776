/// The actors of ways.c: random messages, signals and what goes with them, with random contents
/// in every register; all that comes back goes into the common hash.
///
/// This code runs in several spaces, so it refers to nothing outside FAR and the shared pages.

#include "ways.h"

/// Makes the call whose registers are in `state`, and stores what they are afterwards.
__asm__(".pushsection .far, \"ax\"\n"
        "ways_issue:\n"
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdi\n"
        "    mov (%rdi), %rax; mov 16(%rdi), %rsi; mov 24(%rdi), %rdx; mov 32(%rdi), %r8\n"
        "    mov 40(%rdi), %r9; mov 48(%rdi), %r10; mov 56(%rdi), %r12; mov 64(%rdi), %r13\n"
        "    mov 72(%rdi), %rbx; mov 80(%rdi), %rbp; mov 88(%rdi), %r14; mov 96(%rdi), %r15\n"
        "    mov 8(%rdi), %rdi\n"
        "    syscall\n"
        "    xchg %rdi, (%rsp)\n"
        "    mov %rax, (%rdi); mov %rsi, 16(%rdi); mov %rdx, 24(%rdi); mov %r8, 32(%rdi)\n"
        "    mov %r9, 40(%rdi); mov %r10, 48(%rdi); mov %r12, 56(%rdi); mov %r13, 64(%rdi)\n"
        "    mov %rbx, 72(%rdi); mov %rbp, 80(%rdi); mov %r14, 88(%rdi); mov %r15, 96(%rdi)\n"
        "    mov %rcx, 104(%rdi); mov %r11, 112(%rdi); pop %rax; mov %rax, 8(%rdi)\n"
        "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "    ret\n"
        ".popsection\n");
void ways_issue(struct user_state *state);

FAR static uint64_t draw(struct actor *a)
{
    return random_draw(&a->random);
}

/// One of `count` handles; now and then one that will not do.
FAR static uint64_t pick(struct actor *a, const uint32_t *handles, uint32_t count)
{
    uint64_t d = draw(a);
    return d % 24 ? handles[(d >> 8) % count] : a->names->oddities[(d >> 8) % ODDITIES];
}

/// Mostly short messages, as the fast path takes them; the words that do not fit into registers
/// are in the buffer.
FAR static uint64_t tag(struct actor *a)
{
    uint64_t d = draw(a), words = d % 8 ? (d >> 3) % (REGISTER_WORDS + 1) : (d >> 3) % 12;
    uint64_t caps = (d >> 8) % 12 ? 0 : 1 + (d >> 12) % MESSAGE_CAPS, odd = 0;
    if ((d >> 16) % 64 == 0)
        odd = 1ul << (d >> 24) % 32;
    if ((d >> 16) % 64 == 1)
        words = MESSAGE_WORDS - 1 + (d >> 24) % 4;
    for (uint64_t i = REGISTER_WORDS; i < words && i < MESSAGE_WORDS; i++)
        a->buffer->words[i] = d + i;
    for (uint32_t i = 0; i < MESSAGE_CAPS; i++) {
        a->buffer->caps[i] = (uint32_t)pick(a, a->names->callers, CALLERS);
        a->buffer->slots[i] = (d >> 40) % 4 ? a->spare[i] : 0;
    }
    return (draw(a) & 0xffffffff) << TAG_LABEL_SHIFT | caps << TAG_CAPS_SHIFT | words | odd;
}

/// Less frequent calls, about the same objects.
FAR static uint64_t other(struct actor *a, struct shared *s, struct user_state *u)
{
    uint64_t d = draw(a);
    u->rdi = 0;
    switch (d % 8) {
    case 0: // its own priority counts, and that of whom it may meet
    case 1:
        u->rdi = d & 64 ? 0 : s->actors[(d >> 8) % ACTORS].thread;
        u->rsi = THREAD_OP_PRIORITY;
        u->rdx = 20 + (d >> 16) % 4;
        return SYSCALL_THREAD_CONTROL;
    case 2:
        u->rdi = s->actors[(d >> 8) % ACTORS].thread;
        u->rsi = THREAD_OP_CANCEL;
        return SYSCALL_THREAD_CONTROL;
    case 3: // room for the next capability
    case 4:
        u->rsi = a->spare[(d >> 8) % MESSAGE_CAPS];
        return SYSCALL_CAP_DELETE;
    case 5:
        u->rdi = pick(a, a->names->callers, CALLERS);
        u->rsi = a->names->receivers[(d >> 8) % RECEIVERS];
        return SYSCALL_CAP_IDENTIFY;
    case 6:
        return SYSCALL_YIELD | ((d >> 8) % 4 ? 0 : d & 0xff00);
    default:
        return (d >> 8) % 8 ? SYSCALL_YIELD : SYSCALL_COUNT + (d >> 16) % 8;
    }
}

/// Its own Reply, or one that others use too.
FAR static uint64_t some_reply(struct actor *a)
{
    uint64_t other = pick(a, a->names->replies, REPLIES);
    return (draw(a) % 16 ? a->reply : other) << 32;
}

FAR static uint64_t receive(struct actor *a, struct user_state *u, bool reply)
{
    uint64_t d = draw(a);
    u->rdi = pick(a, a->names->receivers, RECEIVERS);
    if (reply)
        u->rdi |= some_reply(a);
    return SYSCALL_RECV | (uint64_t)(d % 4 == 0) << 8;
}

FAR static uint64_t answer(struct actor *a, struct user_state *u)
{
    u->rdi = pick(a, a->names->receivers, RECEIVERS);
    u->rdi |= some_reply(a);
    return SYSCALL_REPLY_RECV | (uint64_t)(draw(a) % 16 == 0) << 8;
}

FAR static uint64_t signal(struct actor *a, struct user_state *u)
{
    u->rdi = pick(a, a->names->signallers, SIGNALLERS);
    return SYSCALL_SIGNAL;
}

/// Nothing that waits.
FAR static uint64_t prompt(struct actor *a, struct shared *s, struct user_state *u)
{
    uint64_t d = draw(a);
    if (d % 4 == 0)
        return signal(a, u);
    if (d % 16 == 1) {
        u->rdi = pick(a, a->names->callers, CALLERS);
        return SYSCALL_SEND | IPC_NONBLOCK << 8;
    }
    if (d % 16 == 2)
        return other(a, s, u);
    u->rdi = s->actors[(d >> 8) % ACTORS].thread;
    u->rsi = THREAD_OP_CANCEL;
    return SYSCALL_THREAD_CONTROL;
}

/// Fills in the target; the number of the call.
FAR static uint64_t choose(struct actor *a, struct shared *s, struct user_state *u)
{
    uint64_t d = draw(a) % 32;
    if (a->role == STRICT_CLIENT || (a->role == CLIENT && d < 16)) {
        u->rdi = a->role == STRICT_CLIENT ? a->names->callers[0]
                                          : pick(a, a->names->callers, CALLERS);
        return SYSCALL_CALL;
    }
    if (a->role == STRICT_SERVER) {
        u->rdi = a->names->receivers[0] | (uint64_t)a->reply << 32;
        return a->calls ? SYSCALL_REPLY_RECV : SYSCALL_RECV;
    }
    if (a->role == PROMPTER)
        return prompt(a, s, u);
    if (a->role == SERVER && d < 22)
        return answer(a, u);
    if (d < 18 || (a->role == SERVER && d < 24))
        return receive(a, u, a->role == SERVER || d & 1);
    if (d < 26)
        return signal(a, u);
    if (d == 26) {
        u->rdi = some_reply(a);
        return SYSCALL_REPLY;
    }
    if (d == 27) {
        u->rdi = pick(a, a->names->callers, CALLERS);
        return SYSCALL_SEND | (draw(a) & 1) << 8;
    }
    return other(a, s, u);
}

/// A fault is a message, too: to one of the endpoints.
FAR static void fault(struct actor *a)
{
    uint64_t d = draw(a) % 512;
    if (d < 3)
        __asm__ volatile("int3");
    else if (d == 3 && !a->fpu)
        __asm__ volatile("fld1; fstp %st(0)"); // over and over, if the answer is RETRY
}

FAR static void load_fpu(const struct actor *a, const struct user_state *u)
{
    if (a->fpu)
        __asm__ volatile("movq %0, %%xmm9; fildll %1" ::"r"(u->xmm), "m"(u->x87));
}

FAR static void store_fpu(const struct actor *a, struct user_state *u)
{
    if (a->fpu)
        __asm__ volatile("movq %%xmm9, %0; fistpll %1" : "=r"(u->xmm), "=m"(u->x87));
}

/// Where it runs, as the CPU says.
FAR static uint64_t cpu_number(void)
{
    uint32_t eax = 1, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ebx >> 24;
}

FAR static void take_down(struct shared *s, uint64_t index, uint64_t number,
                          const struct user_state *u)
{
    const uint64_t *words = (const uint64_t *)u;
    const struct ipc_buffer *b = s->actors[index].buffer;
    uint64_t fs, cpu = cpu_number();
    __asm__ volatile("movq %%fs:0, %0" : "=r"(fs)); // its own random state
    hash_add(s, index << 32 | number);
    for (uint32_t i = 0; i < sizeof(*u) / 8; i++)
        hash_add(s, words[i]);
    for (uint64_t i = REGISTER_WORDS; i < 16; i++)
        hash_add(s, b->words[i]);
    hash_add(s, fs);
    hash_add(s, cpu);
    uint32_t call = number & 255 ? (uint32_t)(number & 255) : 0;
    s->results[call < SYSCALL_COUNT ? call : SYSCALL_COUNT][u->rax & 63]++;
    s->calls++;
    if (s->records < RECORDS)
        s->log[s->records] =
            (struct record){index << 32 | number, cpu << 32 | u->rax, u->rdi, u->rsi};
    s->records++;
}

FAR static void park(struct actor *a, struct user_state *u)
{
    a->parked = true;
    u->rax = SYSCALL_RECV;
    u->rdi = a->names->park;
    ways_issue(u);
    a->parked = false;
}

FAR void actor_run(uint64_t shared, uint64_t index, uint64_t unused)
{
    struct shared *s = (struct shared *)shared;
    struct actor *a = &s->actors[index];
    struct user_state u;
    uint64_t *words = (uint64_t *)&u;
    (void)unused;
    for (;;) {
        while (a->calls >= a->limit)
            park(a, &u);
        if (a->role < STRICT_CLIENT)
            fault(a);
        for (uint32_t i = 0; i < sizeof(u) / 8; i++)
            words[i] = draw(a);
        if (draw(a) % 2)
            u.rdx = 0; // the answer to a fault that lets it go on
        uint64_t number = choose(a, s, &u);
        u.rax = number;
        if (number == SYSCALL_THREAD_CONTROL || number == SYSCALL_CAP_DELETE ||
            number == SYSCALL_CAP_IDENTIFY)
            ;
        else
            u.rsi = tag(a);
        a->calls++;
        s->last = clock();
        load_fpu(a, &u);
        ways_issue(&u);
        store_fpu(a, &u);
        take_down(s, index, number, &u);
    }
}
