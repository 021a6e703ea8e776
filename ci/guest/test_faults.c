/// Faults as messages, and what a hostile thread can do to the entry and exit code.

#include "test.h"

/// A faulting instruction, and what its fault message must say.
struct fault_case {
    const char *name;
    void (*run)(uint64_t, uint64_t, uint64_t);
    uint64_t argument;
    enum fault_kind kind;
    uint64_t address;
    uint64_t code;
};

#define FAULT_CODE(name, instruction)                                                          \
    static void name(uint64_t a, uint64_t b, uint64_t c)                                       \
    {                                                                                          \
        (void)b, (void)c;                                                                      \
        __asm__ volatile(instruction ::"a"(a) : "rcx", "rdx", "memory");                       \
        for (;;)                                                                               \
            status_ignore(sys_yield());                                                        \
    }

FAULT_CODE(do_read, "movq (%%rax), %%rcx")
FAULT_CODE(do_write, "movq %%rcx, (%%rax)")
FAULT_CODE(do_jump, "jmp *%%rax")
FAULT_CODE(do_divide, "xorl %%edx, %%edx; xorl %%ecx, %%ecx; divl %%ecx")
FAULT_CODE(do_int3, "int3")
FAULT_CODE(do_ud2, "ud2")
FAULT_CODE(do_fpu, "fldz")
FAULT_CODE(do_int80, "int $0x80")
FAULT_CODE(do_cli, "cli")
FAULT_CODE(do_hlt, "hlt")
FAULT_CODE(do_in, "inb $0x60, %%al")
FAULT_CODE(do_cr, "movq %%cr3, %%rcx")
FAULT_CODE(do_dr, "movq %%dr7, %%rcx")
FAULT_CODE(do_lgdt, "lgdt -16(%%rsp)")
FAULT_CODE(do_rdmsr, "movl $0xc0000082, %%ecx; rdmsr")
FAULT_CODE(do_wrfsbase, "wrfsbase %%rax")
FAULT_CODE(do_swapgs, "swapgs")
FAULT_CODE(do_sysret, "sysretq")
FAULT_CODE(do_kernel_ss, "movl $0x10, %%ecx; movl %%ecx, %%ss")
FAULT_CODE(do_popf_iopl, "pushq $0x3202; popfq; inb $0x60, %%al")
FAULT_CODE(do_noncanonical_sp, "movq %%rax, %%rsp; pushq $0")
FAULT_CODE(do_step, "pushfq; orq $0x100, (%%rsp); popfq; nop")
FAULT_CODE(do_step_syscall, "pushfq; orq $0x100, (%%rsp); movl $200, %%eax; popfq; syscall")

enum { CODE_PRESENT = 1, CODE_WRITE = 2, CODE_USER = 4, CODE_FETCH = 16 };

#define ANY         ~0ul ///< what the emulator says is not what a CPU says
#define KERNEL_HALF 0xffff800000000000

static const struct fault_case cases[] = {
    {"null read", do_read, 8, FAULT_PAGE, 8, CODE_USER},
    {"null write", do_write, 8, FAULT_PAGE, 8, CODE_USER | CODE_WRITE},
    {"direct map", do_read, KERNEL_HALF, FAULT_PAGE, KERNEL_HALF, CODE_USER | CODE_PRESENT},
    {"boot info is read-only", do_write, BOOT_INFO_ADDRESS, FAULT_PAGE, BOOT_INFO_ADDRESS,
     CODE_USER | CODE_PRESENT | CODE_WRITE},
    {"data is not code", do_jump, BOOT_INFO_ADDRESS, FAULT_PAGE, BOOT_INFO_ADDRESS,
     CODE_USER | CODE_PRESENT | CODE_FETCH},
    {"jump to null", do_jump, 0, FAULT_PAGE, 0, CODE_USER | CODE_FETCH},
    {"non-canonical jump", do_jump, 0x8000000000000000, FAULT_PROTECTION, ANY, 0},
    {"non-canonical read", do_read, 0x8000000000000000, FAULT_PROTECTION, 0, 0},
    {"non-canonical stack", do_noncanonical_sp, 0x8000000000000000, FAULT_PROTECTION, 0, 0},
    {"divide", do_divide, 0, FAULT_DIVIDE, 0, 0},
    {"int3", do_int3, 0, FAULT_BREAKPOINT, 0, 0},
    {"ud2", do_ud2, 0, FAULT_OPCODE, 0, 0},
    {"FPU without FPU", do_fpu, 0, FAULT_NO_FPU, 0, 0},
    {"int 0x80", do_int80, 0, FAULT_PROTECTION, 0, ANY},
    {"cli", do_cli, 0, FAULT_PROTECTION, 0, 0},
    {"hlt", do_hlt, 0, FAULT_PROTECTION, 0, 0},
    {"in", do_in, 0, FAULT_PROTECTION, 0, 0},
    {"popf IOPL, in", do_popf_iopl, 0, FAULT_PROTECTION, 0, 0},
    {"mov cr3", do_cr, 0, FAULT_PROTECTION, 0, 0},
    {"mov dr7", do_dr, 0, FAULT_PROTECTION, 0, 0},
    {"lgdt", do_lgdt, 0, FAULT_PROTECTION, 0, 0},
    {"rdmsr", do_rdmsr, 0, FAULT_PROTECTION, 0, 0},
    {"wrfsbase", do_wrfsbase, 0, FAULT_OPCODE, 0, 0},
    {"swapgs", do_swapgs, 0, FAULT_PROTECTION, 0, 0},
    {"sysret", do_sysret, 0, FAULT_PROTECTION, 0, 0},
    {"kernel's stack selector", do_kernel_ss, 0, FAULT_PROTECTION, 0, 0x10},
    {"single step over SYSCALL", do_step_syscall, 0, FAULT_DEBUG, 0, 0xffff4ff0},
    {"single step", do_step, 0, FAULT_DEBUG, 0, 0xffff4ff0},
};

/// Starts a thread on `run` and receives its fault. The thread stays faulted.
static struct fault receive_fault(void (*run)(uint64_t, uint64_t, uint64_t), uint64_t argument,
                                  struct message *m)
{
    struct guest_thread t = thread_make(&(struct thread_plan){
        .entry = run, .arguments = {argument}, .fault = caller_make(test_endpoint, 77)});
    thread_start(&t);
    EXPECT(sys_recv(test_endpoint, test_reply, m, 0) == OK);
    struct message answer = {.tag = tag_make(0, 1, 0), .words = {FAULT_ACTION_PASS}};
    EXPECT(sys_reply(test_reply, &answer) == OK); // without a supervisor it stays faulted
    return (struct fault){m->words[0], m->words[1], m->words[2], m->words[3], m->words[4]};
}

void test_faults(void)
{
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fault_case *c = &cases[i];
        struct message m = {0};
        struct fault f = receive_fault(c->run, c->argument, &m);
        bool right = f.kind == c->kind && (f.address == c->address || c->address == ANY) &&
                     (f.code == c->code || c->code == ANY) && m.badge == 77 &&
                     tag_kind(m.tag) == MESSAGE_FAULT;
        if (!right)
            print("  %s: kind %lu address %lx code %lx ip %lx badge %lu tag %lx\n", c->name,
                  f.kind, f.address, f.code, f.ip, m.badge, m.tag);
        EXPECT(right);
    }
}

enum { TF = 0x100, DF = 0x400, NT = 0x4000, AC = 0x40000, ID = 0x200000 };

static volatile uint64_t spins;

static void spin(uint64_t a, uint64_t b, uint64_t c)
{
    (void)a, (void)b, (void)c;
    for (;;)
        spins++;
}

/// A system call with NT set that leaves by IRET, which faults if the kernel's NT is set: to a
/// thread that was preempted.
static void yield_with_flags(void)
{
    struct guest_thread t = thread_make(&(struct thread_plan){.entry = spin, .priority = 63});
    thread_start(&t);
    while (spins == 0)
        ;
    uint64_t status;
    __asm__ volatile("pushfq; orq %1, (%%rsp); popfq; syscall; pushq $2; popfq"
                     : "=a"(status)
                     : "i"(DF | NT | AC), "a"(SYSCALL_YIELD)
                     : "rcx", "r11", "memory");
    EXPECT(status == OK);
    EXPECT(thread_do(t.thread, THREAD_OP_SUSPEND, 0, 0) == OK);
}

/// The kernel zeroes new memory upwards although DF is set: what lies below stays.
static void retype_with_df(void)
{
    uint32_t untyped = make(KIND_UNTYPED, 16), slot = slots_take(2);
    uint64_t at = address_take(PAGE);
    EXPECT(sys_retype(untyped, KIND_FRAME, PAGE_BITS, 2, BOOT_SLOT_CSPACE, slot) == OK);
    EXPECT(sys_cap_revoke(BOOT_SLOT_CSPACE, untyped) == OK); // used memory, to be zeroed again
    EXPECT(sys_retype(untyped, KIND_FRAME, PAGE_BITS, 1, BOOT_SLOT_CSPACE, slot) == OK);
    EXPECT(map_at(slot, BOOT_SLOT_VSPACE, at, MAP_READ | MAP_WRITE) == OK);
    uint64_t *words = (uint64_t *)at;
    for (uint32_t i = 0; i < PAGE / 8; i++)
        words[i] = i + 1;
    register uint64_t r8 __asm__("r8") = 1;
    register uint64_t r9 __asm__("r9") = BOOT_SLOT_CSPACE;
    register uint64_t r10 __asm__("r10") = slot + 1;
    uint64_t rax = SYSCALL_RETYPE, rdi = untyped, rsi = KIND_FRAME, rdx = PAGE_BITS;
    __asm__ volatile("pushfq; orq %7, (%%rsp); popfq; syscall; pushq $2; popfq"
                     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9), "+r"(r10)
                     : "i"(DF)
                     : "rcx", "r11", "memory");
    EXPECT(rax == OK);
    for (uint32_t i = 0; i < PAGE / 8; i++)
        EXPECT(words[i] == i + 1);
}

/// Where the handler would be; it never runs.
static void handler(void) {}

static void fault_with_flags(uint64_t a, uint64_t b, uint64_t c)
{
    (void)a, (void)b, (void)c;
    for (;;)
        __asm__ volatile("movl $4711, %%ebx; pushfq; orq %0, (%%rsp); popfq; ud2"
                         :
                         : "i"(DF | NT | AC)
                         : "rbx", "memory");
}

/// What a diverted thread finds is whole although DF was set when it faulted.
static void divert_with_flags(void)
{
    struct guest_thread t = thread_make(&(struct thread_plan){
        .entry = fault_with_flags, .fault = caller_make(test_endpoint, 78)});
    EXPECT(thread_do(t.thread, THREAD_OP_HANDLER, (uint64_t)handler, 0) == OK);
    thread_start(&t);
    struct message m = {0};
    EXPECT(sys_recv(test_endpoint, test_reply, &m, 0) == OK);
    EXPECT(m.words[0] == FAULT_OPCODE);
    const struct handler_frame *f = (const struct handler_frame *)t.buffer->registers;
    struct message answer = {.tag = tag_make(0, 1, 0), .words = {FAULT_ACTION_DIVERT}};
    EXPECT(sys_reply(test_reply, &answer) == OK);
    EXPECT(f->fault.kind == FAULT_OPCODE && f->fault.ip == m.words[2] &&
           f->saved.rip == f->fault.ip);
    EXPECT(f->saved.rbx == 4711 && (f->saved.rflags & (DF | NT | AC)) == (DF | NT | AC));
    EXPECT(thread_do(t.thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    EXPECT(sys_thread_registers(t.thread, 0) == OK);
    const struct registers *r = (const struct registers *)buffer()->registers;
    EXPECT(r->rip == (uint64_t)handler && r->rflags == 0x202);
}

/// Flags that a user may set must do nothing to the kernel and be there again afterwards.
void test_entry_flags(void)
{
    yield_with_flags();
    retype_with_df();
    divert_with_flags();
    uint64_t status, after;
    __asm__ volatile("pushfq; orq %2, (%%rsp); popfq; syscall; pushfq; popq %1; pushq $2; popfq"
                     : "=a"(status), "=&b"(after)
                     : "i"(DF | NT | AC | ID), "a"(200)
                     : "rcx", "r11", "rdi", "rsi", "rdx", "memory");
    EXPECT(status == E_SYSCALL);
    EXPECT((after & (DF | NT | AC | ID)) == (DF | NT | AC | ID));

    // The same through an interrupt: until the tick has come.
    uint64_t until = clock() + boot()->tsc_hz / 50;
    __asm__ volatile("pushfq; orq %1, (%%rsp); popfq\n"
                     "1: rdtsc; shlq $32, %%rdx; orq %%rdx, %%rax; cmpq %2, %%rax; jb 1b\n"
                     "pushfq; popq %0; pushq $2; popfq"
                     : "=&b"(after)
                     : "i"(DF | NT | AC | ID), "r"(until)
                     : "rax", "rdx", "memory");
    EXPECT((after & (DF | NT | AC | ID)) == (DF | NT | AC | ID));
}

/// Registers that are not results keep their values; none shows a kernel's.
void test_privileged(void)
{
    uint64_t in[6] = {0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666}, out[6], rcx, r11, here;
    register uint64_t r8 __asm__("r8") = in[0];
    register uint64_t r9 __asm__("r9") = in[1];
    register uint64_t r10 __asm__("r10") = in[2];
    register uint64_t r12 __asm__("r12") = in[3];
    register uint64_t r13 __asm__("r13") = in[4];
    register uint64_t r14 __asm__("r14") = in[5];
    uint64_t rax = 255;
    __asm__ volatile("syscall; 1: leaq 1b(%%rip), %%rbx; movq %%r11, %%r15; movq %%rcx, %%rdx"
                     : "+a"(rax), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r12), "+r"(r13),
                       "+r"(r14), "=&b"(here), "=&d"(rcx)
                     :
                     : "rcx", "r11", "r15", "rdi", "rsi", "memory");
    __asm__ volatile("movq %%r15, %0" : "=r"(r11));
    out[0] = r8, out[1] = r9, out[2] = r10, out[3] = r12, out[4] = r13, out[5] = r14;
    EXPECT(rax == E_SYSCALL);
    for (int i = 0; i < 6; i++)
        EXPECT(in[i] == out[i]);
    EXPECT(rcx == here && r11 < 0x400000);
}

/// A SYSCALL in the last bytes below USER_END: returning behind it must fault in user mode.
void test_canonical_edge(void)
{
    uint64_t missing, last = USER_END - PAGE;
    uint32_t frame = make(KIND_FRAME, PAGE_BITS), other = slots_take(1);
    EXPECT(sys_map(frame, BOOT_SLOT_VSPACE, USER_END, MAP_READ, &missing) == E_INVAL);
    EXPECT(sys_map(frame, BOOT_SLOT_VSPACE, 0x800000000000, MAP_READ, &missing) == E_INVAL);
    EXPECT(sys_map(frame, BOOT_SLOT_VSPACE, KERNEL_HALF, MAP_READ, &missing) == E_INVAL);
    EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, other, frame, DERIVE_COPY, RIGHT_ALL, 0) == OK);
    uint64_t at = address_take(PAGE);
    EXPECT(map_at(other, BOOT_SLOT_VSPACE, at, MAP_READ | MAP_WRITE) == OK);
    ((uint8_t *)at)[PAGE - 2] = 0x0f; // syscall
    ((uint8_t *)at)[PAGE - 1] = 0x05;
    EXPECT(map_at(frame, BOOT_SLOT_VSPACE, last, MAP_READ | MAP_EXECUTE) == OK);
    struct message m = {0};
    struct fault f =
        receive_fault((void (*)(uint64_t, uint64_t, uint64_t))(USER_END - 2), 0, &m);
    EXPECT(f.kind == FAULT_PAGE && f.address == USER_END && f.ip == USER_END);
    EXPECT(sys_unmap(frame) == OK);

    // Where a CPU lets the jump succeed, going back there must not fault in the kernel.
    struct guest_thread t = thread_make(&(struct thread_plan){
        .entry = do_jump, .arguments = {1ul << 63}, .fault = caller_make(test_endpoint, 77)});
    thread_start(&t);
    struct message answer = {.tag = tag_make(0, 1, 0), .words = {FAULT_ACTION_RETRY}};
    for (int i = 0; i < 3; i++) {
        EXPECT(sys_recv(test_endpoint, test_reply, &m, 0) == OK);
        EXPECT(tag_kind(m.tag) == MESSAGE_FAULT);
        EXPECT(sys_reply(test_reply, &answer) == OK);
    }
    EXPECT(thread_do(t.thread, THREAD_OP_SUSPEND, 0, 0) == OK);

    // Nor can registers be set to leave the user half.
    struct registers *r = (struct registers *)buffer()->registers;
    uint32_t thread = make(KIND_THREAD, 0);
    const uint64_t bad[] = {0x800000000000, USER_END, KERNEL_HALF, 0xffffffff80101000};
    for (uint32_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        *r = (struct registers){.rip = bad[i]};
        EXPECT(sys_thread_registers(thread, 1) == E_INVAL);
        *r = (struct registers){.rip = 0x400000, .fs_base = bad[i]};
        EXPECT(sys_thread_registers(thread, 1) == E_INVAL);
        EXPECT(thread_do(thread, THREAD_OP_FS_BASE, bad[i], 0) == E_INVAL);
    }
    *r = (struct registers){.rip = 0x400000, .rflags = ~0ul};
    EXPECT(sys_thread_registers(thread, 1) == OK);
    EXPECT(sys_thread_registers(thread, 0) == OK);
    EXPECT((r->rflags & 0x1a7000) == 0); // no IOPL, NT, VM, VIF, VIP
}
