/// What must not be seen: old memory, translations that are gone, registers of the kernel and
/// of other threads; and instructions that tell of the kernel or change it.

#include "test.h"

#define CODE(name, instruction)                                                                \
    static void name(uint64_t a, uint64_t b, uint64_t c)                                       \
    {                                                                                          \
        (void)a, (void)b, (void)c;                                                             \
        __asm__ volatile("subq $64, %%rsp; " instruction ::: "rax", "rcx", "rdx", "memory");   \
        for (;;)                                                                               \
            status_ignore(sys_yield());                                                        \
    }

/// The fault of a thread that runs `run`. The thread stays faulted.
static struct message fault_of(void (*run)(uint64_t, uint64_t, uint64_t))
{
    struct message m = {0}, stay = {.tag = tag_make(0, 1, 0), .words = {FAULT_ACTION_PASS}};
    struct guest_thread t = thread_make(&(struct thread_plan){
        .entry = run, .fault = caller_make(test_endpoint, 77), .priority = 10});
    thread_start(&t);
    EXPECT(sys_recv(test_endpoint, test_reply, &m, 0) == OK);
    EXPECT(sys_reply(test_reply, &stay) == OK);
    return m;
}

// ---------------------------------------------------------------- registers

struct user_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
};

/// Makes a system call with all registers as given, and shows what they are afterwards.
void call_with(struct user_registers *registers);
__asm__(".pushsection .text\n"
        "call_with:\n"
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdi\n"
        "    mov %rdi, %rax\n"
        "    mov 8(%rax), %rbx; mov 16(%rax), %rcx; mov 24(%rax), %rdx; mov 32(%rax), %rsi\n"
        "    mov 40(%rax), %rdi; mov 48(%rax), %rbp; mov 56(%rax), %r8; mov 64(%rax), %r9\n"
        "    mov 72(%rax), %r10; mov 80(%rax), %r11; mov 88(%rax), %r12; mov 96(%rax), %r13\n"
        "    mov 104(%rax), %r14; mov 112(%rax), %r15; mov (%rax), %rax\n"
        "    syscall\n"
        "    push %rax; mov 8(%rsp), %rax\n"
        "    mov %rbx, 8(%rax); mov %rcx, 16(%rax); mov %rdx, 24(%rax); mov %rsi, 32(%rax)\n"
        "    mov %rdi, 40(%rax); mov %rbp, 48(%rax); mov %r8, 56(%rax); mov %r9, 64(%rax)\n"
        "    mov %r10, 72(%rax); mov %r11, 80(%rax); mov %r12, 88(%rax); mov %r13, 96(%rax)\n"
        "    mov %r14, 104(%rax); mov %r15, 112(%rax); pop %rcx; mov %rcx, (%rax)\n"
        "    pop %rdi; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "    ret\n"
        ".popsection");

enum { REGISTERS = sizeof(struct user_registers) / 8, NONSENSE = 0x5a5a0000 };

static volatile uint32_t bad_registers; ///< what the threads below found

static void check_registers(uint64_t number, const uint64_t *before, const uint64_t *after,
                            bool ok)
{
    enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15 };
    bool message = (number & 255) <= SYSCALL_REPLY_RECV;
    uint32_t bad = bad_registers;
    bad_registers += after[RAX] > E_FAULT;
    bad_registers += after[RCX] < 0x400000 || after[RCX] > 0x800000; // where it returned to
    bad_registers += after[R11] > 0x3fffff;                          // its flags
    for (uint32_t i = 0; i < REGISTERS; i++) {
        if (i == RAX || i == RCX || i == R11)
            continue;
        bool result = i == RDI || i == RSI || i == RDX;
        bool words = message && ok && (result || (i >= R8 && i <= R13));
        if (!words && !(result && !message))
            bad_registers += after[i] != before[i];
        bad_registers += after[i] >> 47 != 0; // the kernel's half
    }
    if (bad_registers != bad)
        for (uint32_t i = 0; i < REGISTERS; i++)
            print("  call %lx: register %u was %lx, is %lx\n", number, i, before[i], after[i]);
}

static void try_call(uint64_t number, uint64_t rdi, uint64_t rsi, uint64_t rdx, uint64_t r8)
{
    uint64_t before[REGISTERS], after[REGISTERS];
    for (uint32_t i = 0; i < REGISTERS; i++)
        before[i] = NONSENSE + i * 0x111;
    before[0] = number, before[5] = rdi, before[4] = rsi, before[3] = rdx, before[7] = r8;
    for (uint32_t i = 0; i < REGISTERS; i++)
        after[i] = before[i];
    call_with((struct user_registers *)after);
    check_registers(number, before, after, after[0] == OK);
}

/// Every number, known or not, with handles that name nothing; then calls that succeed.
static void try_calls(uint64_t signal, uint64_t endpoint, uint64_t done)
{
    for (uint64_t number = 0; number < SYSCALL_COUNT + 4; number++)
        for (uint64_t flags = 0; flags < 3; flags++)
            try_call(number | flags << 8, NONSENSE, tag_make(1, 3, 0), 3, 4);
    try_call(255, 0, 0, 0, 0);
    try_call(~0ul >> 17, 0, 0, 0, 0);
    try_call(SYSCALL_YIELD, 1, 2, 3, 4);
    try_call(SYSCALL_SIGNAL, signal, 2, 3, 4);
    try_call(SYSCALL_RECV, endpoint, 0, 0, 0); // the bits of that signal
    try_call(SYSCALL_RECV | IPC_NONBLOCK << 8, endpoint, 0, 0, 0);
    try_call(SYSCALL_SEND | IPC_NONBLOCK << 8, endpoint, tag_make(1, 6, 0), 3, 4);
    try_call(SYSCALL_THREAD_CONTROL, 0, THREAD_OP_INFO, 0, 0);
    try_call(SYSCALL_CAP_IDENTIFY, BOOT_SLOT_IRQ, 0, 0, 0);
    try_call(SYSCALL_CAP_IDENTIFY, endpoint, endpoint, 0, 0);
    try_call(SYSCALL_DEBUG, BOOT_SLOT_DEBUG, DEBUG_OP_SLOTS, 0, 0);
    try_call(SYSCALL_DEBUG, BOOT_SLOT_DEBUG, DEBUG_OP_CHECK, 0, 0);
    try_call(SYSCALL_IOPORT, BOOT_SLOT_IOPORT, IO_BYTE, 0x80, 0);
    try_call(SYSCALL_MAP, NONSENSE, BOOT_SLOT_VSPACE, 0x1000, MAP_READ);
    *(volatile bool *)done = true;
    for (;;)
        status_ignore(sys_yield());
}

void test_registers(void)
{
    volatile bool done = false;
    uint32_t endpoint = make(KIND_ENDPOINT, 0), signal = slots_take(1);
    EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, signal, endpoint, DERIVE_SIGNAL, 3, 0) == OK);
    bad_registers = 0;
    struct guest_thread t = thread_make(&(struct thread_plan){
        .entry = try_calls, .arguments = {signal, endpoint, (uint64_t)&done}, .priority = 10});
    thread_start(&t);
    while (!done)
        status_ignore(sys_yield());
    EXPECT(bad_registers == 0);
    EXPECT(thread_do(t.thread, THREAD_OP_SUSPEND, 0, 0) == OK);
}

// ---------------------------------------------------------------- FPU

struct fpu_image {
    uint8_t bytes[512];
} __attribute__((aligned(16)));

enum { FCW = 0, MXCSR = 24, ST0 = 32, XMM0 = 160, IMAGE_END = 416 };

static volatile uint32_t bad_fpu, fpu_done;

/// Finds a fresh FPU, fills it, makes system calls of each number between others who do the
/// same, and finds it as it was. a: what it fills with.
static void use_fpu(uint64_t seed, uint64_t b, uint64_t c)
{
    static struct fpu_image fresh[4], mine[4], found[4];
    struct fpu_image *f = &fresh[seed], *m = &mine[seed], *g = &found[seed];
    (void)b, (void)c;
    __asm__ volatile("fxsave %0" : "=m"(*f));
    for (uint32_t i = ST0; i < IMAGE_END; i++)
        bad_fpu += f->bytes[i] != 0;
    bad_fpu +=
        *(uint32_t *)(f->bytes + MXCSR) != 0x1f80; // what INIT gives (SDM volume 1, 11.6.4)
    bad_fpu += *(uint16_t *)(f->bytes + FCW) != 0x37f;
    *m = *f;
    for (uint32_t i = ST0; i < IMAGE_END; i++)
        if (i >= XMM0 || (i - ST0) % 16 < 8)
            m->bytes[i] = (uint8_t)(seed * 60 + i);
    __asm__ volatile("fxrstor %0" ::"m"(*m));
    for (uint64_t n = 0; n < SYSCALL_COUNT; n++) {
        uint64_t rax = n | (n == SYSCALL_RECV || n == SYSCALL_SEND ? IPC_NONBLOCK << 8 : 0);
        uint64_t rdi = NONSENSE, rsi = 0;
        __asm__ volatile("syscall"
                         : "+a"(rax), "+D"(rdi), "+S"(rsi)
                         :
                         : "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "memory");
        status_ignore(sys_yield());
    }
    __asm__ volatile("fxsave %0" : "=m"(*g));
    for (uint32_t i = ST0; i < IMAGE_END; i++)
        bad_fpu += g->bytes[i] != m->bytes[i];
    fpu_done++;
    for (;;)
        status_ignore(sys_yield());
}

CODE(do_read_xmm, "movq %%xmm0, %%rax")

void test_fpu_leaks(void)
{
    struct guest_thread t[4];
    bad_fpu = fpu_done = 0;
    for (uint64_t i = 0; i < 4; i++) {
        t[i] = thread_make(&(struct thread_plan){
            .entry = use_fpu, .arguments = {i}, .priority = 10, .fpu = true});
        thread_start(&t[i]);
    }
    uint64_t until = clock() + PATIENCE_SECONDS * boot()->tsc_hz;
    while (fpu_done < 4 && clock() < until)
        status_ignore(sys_yield());
    EXPECT(fpu_done == 4 && bad_fpu == 0);
    EXPECT(fault_of(do_read_xmm).words[0] == FAULT_NO_FPU); // which has none, between them
    for (int i = 0; i < 4; i++)
        EXPECT(thread_do(t[i].thread, THREAD_OP_SUSPEND, 0, 0) == OK);
}

// ---------------------------------------------------------------- memory

static void revoke(uint32_t slot)
{
    enum status status;
    while ((status = sys_cap_revoke(BOOT_SLOT_CSPACE, slot)) == E_MORE)
        ;
    EXPECT(status == OK);
}

static void retype_at(uint32_t slot, uint32_t untyped, enum kind kind, uint32_t bits)
{
    enum status status;
    while ((status = sys_retype(untyped, kind, bits, 1, BOOT_SLOT_CSPACE, slot)) == E_MORE)
        ;
    EXPECT(status == OK);
}

static uint64_t *map_new(uint32_t slot, uint64_t at)
{
    EXPECT(map_at(slot, BOOT_SLOT_VSPACE, at, MAP_READ | MAP_WRITE) == OK);
    return (uint64_t *)at;
}

/// Memory that was full of secrets, made into each kind of object again.
void test_zeroed(void)
{
    enum { BITS = 17, ALL = 1 << BITS };
    const uint64_t secret = 0xffff8000deadbeef;
    uint32_t untyped = make(KIND_UNTYPED, BITS), slot = slots_take(2);
    uint64_t at = (address_take(2 * ALL) + ALL - 1) & ~(uint64_t)(ALL - 1), missing;
    for (uint32_t bits = PAGE_BITS; bits <= BITS; bits++) {
        retype_at(slot, untyped, KIND_FRAME, BITS);
        uint64_t *words = map_new(slot, at);
        for (uint32_t i = 0; i < ALL / 8; i++)
            words[i] = secret;
        revoke(untyped);
        retype_at(slot, untyped, KIND_FRAME, bits);
        uint64_t found = 0;
        words = map_new(slot, at);
        for (uint32_t i = 0; i < (1u << bits) / 8; i++)
            found |= words[i];
        EXPECT(found == 0);
        for (uint32_t i = 0; i < (1u << bits) / 8; i++)
            words[i] = secret | 7; // as page-table entries they would lead to the kernel
        revoke(untyped);
    }
    // A page table from it leads nowhere; a CSpace and slots from it hold nothing.
    retype_at(slot, untyped, KIND_PAGE_TABLE, 0);
    uint64_t hole = 0x7f0000000000;
    EXPECT(sys_map(slot, BOOT_SLOT_VSPACE, hole, 0, &missing) == OK);
    retype_at(slot + 1, untyped, KIND_FRAME, PAGE_BITS);
    EXPECT(sys_map(slot + 1, BOOT_SLOT_VSPACE, hole, MAP_READ, &missing) == E_TABLE);
    revoke(untyped);
    retype_at(slot, untyped, KIND_CSPACE, PAGE_BITS);
    EXPECT(sys_cap_revoke(slot, 1) == E_HANDLE);
    EXPECT(sys_retype(untyped, KIND_SLOTS, 0, 1, slot, 0) == OK);
    for (uint32_t i = 0; i < SLOTS_PER_PAGE; i++)
        EXPECT(sys_cap_revoke(slot, i) == E_HANDLE);
    // A thread from it has no registers of anybody's.
    retype_at(slot + 1, untyped, KIND_THREAD, 0);
    EXPECT(sys_thread_registers(slot + 1, 0) == OK);
    const struct registers *r = (const struct registers *)buffer()->registers;
    EXPECT(r->rax == 0 && r->rsp == 0 && r->r15 == 0 && r->rip == 0 && r->fs_base == 0);
    revoke(untyped);
}

static volatile uint64_t reads[8];

/// Reads the same word for ever. a: where; b: its place in `reads`.
static void read_for_ever(uint64_t at, uint64_t number, uint64_t c)
{
    (void)c;
    for (;;) {
        (void)*(volatile uint64_t *)at;
        reads[number]++;
    }
}

/// Whether a fault of reader `number` comes: its translation is gone.
static bool faults(uint64_t at)
{
    uint64_t until = clock() + PATIENCE_SECONDS * boot()->tsc_hz;
    struct message m = {0}, stay = {.tag = tag_make(0, 1, 0), .words = {FAULT_ACTION_PASS}};
    while (clock() < until) {
        if (sys_recv(test_endpoint, test_reply, &m, IPC_NONBLOCK) == OK) {
            EXPECT(tag_kind(m.tag) == MESSAGE_FAULT && m.words[1] == at);
            EXPECT(sys_reply(test_reply, &stay) == OK);
            return true;
        }
        status_ignore(sys_yield());
    }
    return false;
}

/// What `take` takes away is out of reach at once: here and on every other CPU.
static void check_taken(void (*take)(uint32_t untyped, uint32_t frame), uint32_t bits)
{
    uint32_t untyped = make(KIND_UNTYPED, 22), frame = slots_take(1), cpus = boot()->cpu_count;
    uint64_t at = (address_take(4ul << bits) + (1ul << bits)) & ~((1ul << bits) - 1);
    struct guest_thread t[8];
    retype_at(frame, untyped, KIND_FRAME, bits);
    *map_new(frame, at) = 1;
    for (uint32_t i = 0; i < cpus; i++) {
        reads[i] = 0;
        t[i] = thread_make(&(struct thread_plan){.entry = read_for_ever,
                                                 .arguments = {at, i},
                                                 .fault = caller_make(test_endpoint, i + 1),
                                                 .priority = 10});
        EXPECT(thread_do(t[i].thread, THREAD_OP_CPU, i, 0) == OK);
        thread_start(&t[i]);
    }
    for (uint32_t i = 0; i < cpus; i++)
        while (reads[i] == 0)
            status_ignore(sys_yield());
    take(untyped, frame);
    for (uint32_t i = 0; i < cpus; i++)
        EXPECT(faults(at));
    for (uint32_t i = 0; i < cpus; i++)
        EXPECT(thread_do(t[i].thread, THREAD_OP_SUSPEND, 0, 0) == OK);
}

static void take_by_revoke(uint32_t untyped, uint32_t frame)
{
    (void)frame;
    revoke(untyped);
}

static void take_by_unmap(uint32_t untyped, uint32_t frame)
{
    (void)untyped;
    EXPECT(sys_unmap(frame) == OK);
}

static void take_by_delete(uint32_t untyped, uint32_t frame)
{
    (void)untyped;
    EXPECT(sys_cap_delete(BOOT_SLOT_CSPACE, frame) == OK);
}

void test_translations(void)
{
    EXPECT(thread_do(HANDLE_NULL, THREAD_OP_PRIORITY, 10, 0) == OK);
    check_taken(take_by_revoke, PAGE_BITS);
    check_taken(take_by_revoke, 16);
    check_taken(take_by_revoke, 21);
    check_taken(take_by_unmap, PAGE_BITS);
    check_taken(take_by_delete, PAGE_BITS);
}

// ---------------------------------------------------------------- instructions

static bool has_umip(void)
{
    uint32_t eax = 0, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if (eax < 7)
        return false;
    eax = 7, ecx = 0;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ecx >> 2 & 1;
}

CODE(do_sgdt, "sgdt (%%rsp)")
CODE(do_sidt, "sidt (%%rsp)")
CODE(do_sldt, "sldt (%%rsp)")
CODE(do_str, "str (%%rsp)")
CODE(do_smsw, "smsw (%%rsp)")
CODE(do_lidt, "lidt (%%rsp)")
CODE(do_lldt, "xorl %%eax, %%eax; lldt %%ax")
CODE(do_ltr, "movl $0x28, %%eax; ltr %%ax")
CODE(do_lmsw, "movl $1, %%eax; lmsw %%ax")
CODE(do_clts, "clts")
CODE(do_invlpg, "invlpg (%%rsp)")
CODE(do_wbinvd, "wbinvd")
CODE(do_sti, "sti")
CODE(do_out, "movl $0x1ff, %%edx; outb %%al, %%dx")
CODE(do_wrmsr, "movl $0xc0000101, %%ecx; wrmsr")
CODE(do_cr0, "movq %%rax, %%cr0")
CODE(do_cr4, "movq %%rax, %%cr4")
CODE(do_cr8, "movq %%rax, %%cr8")
CODE(do_dr0, "movq %%rax, %%dr0")
CODE(do_kernel_cs, "pushq $8; pushq $0; lretq")
CODE(do_kernel_iret, "pushq $0; pushq $0; pushq $2; pushq $8; pushq $0; iretq")
CODE(do_gate, "int $0x20")
CODE(do_sysenter, "sysenter")
CODE(do_read_gs, "xorl %%eax, %%eax; movl %%eax, %%gs; movq %%gs:0, %%rax")

static const struct {
    const char *name;
    void (*run)(uint64_t, uint64_t, uint64_t);
    bool umip; ///< only where the CPU has it
} instructions[] = {
    {"sgdt", do_sgdt, true},
    {"sidt", do_sidt, true},
    {"sldt", do_sldt, true},
    {"str", do_str, true},
    {"smsw", do_smsw, true},
    {"lidt", do_lidt, false},
    {"lldt", do_lldt, false},
    {"ltr", do_ltr, false},
    {"lmsw", do_lmsw, false},
    {"clts", do_clts, false},
    {"invlpg", do_invlpg, false},
    {"wbinvd", do_wbinvd, false},
    {"sti", do_sti, false},
    {"out", do_out, false},
    {"wrmsr", do_wrmsr, false},
    {"mov cr0", do_cr0, false},
    {"mov cr4", do_cr4, false},
    {"mov cr8", do_cr8, false},
    {"mov dr0", do_dr0, false},
    {"kernel's code selector", do_kernel_cs, false},
    {"iret to the kernel", do_kernel_iret, false},
    {"an interrupt's gate", do_gate, false},
};

void test_instructions(void)
{
    bool umip = has_umip();
    if (!umip)
        print("  this CPU has no UMIP: SGDT, SIDT, SLDT, STR and SMSW tell addresses\n");
    for (uint32_t i = 0; i < sizeof instructions / sizeof *instructions; i++) {
        if (instructions[i].umip && !umip)
            continue;
        struct message m = fault_of(instructions[i].run);
        // QEMU before 9 reads the stack of far returns as the kernel would: SMAP objects.
        bool stack =
            instructions[i].run == do_kernel_cs || instructions[i].run == do_kernel_iret;
        if (stack && m.words[0] == FAULT_PAGE)
            continue;
        if (m.words[0] != FAULT_PROTECTION)
            print("  %s: fault %lu at %lx, ip %lx\n", instructions[i].name, m.words[0],
                  m.words[1], m.words[2]);
        EXPECT(m.words[0] == FAULT_PROTECTION);
    }
    // AMD's CPUs do not know SYSENTER in long mode.
    struct message m = fault_of(do_sysenter);
    EXPECT(m.words[0] == FAULT_PROTECTION || m.words[0] == FAULT_OPCODE);
    // GS is the user's: its base is what the user makes it, never the kernel's.
    m = fault_of(do_read_gs);
    EXPECT(m.words[0] == FAULT_PAGE && m.words[1] == 0);
}
