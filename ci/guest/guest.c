/// See guest.h.

#include "guest.h"
#include <stdarg.h>

enum { STACK_BYTES = 16384 };

char guest_stack[STACK_BYTES] __attribute__((aligned(16)));
extern char far_start[], far_end[]; // guest.ld

// The kernel promises a first thread no stack.
__asm__(".globl _start\n_start:\n    lea guest_stack + 16384(%rip), %rsp\n    call guest_main\n"
        "1:  jmp 1b\n");

// ---------------------------------------------------------------- words

void *memset(void *to, int value, size_t bytes);
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);

void *memset(void *to, int value, size_t bytes)
{
    for (volatile char *at = to; bytes; bytes--)
        *at++ = (char)value;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    const char *source = from;
    for (volatile char *at = to; bytes; bytes--)
        *at++ = *source++;
    return to;
}

static char line[400];
static uint32_t line_bytes;

static void put(char c)
{
    if (line_bytes < sizeof line)
        line[line_bytes++] = c;
}

static void put_number(uint64_t value, unsigned base)
{
    char digits[20];
    unsigned n = 0;
    do
        digits[n++] = "0123456789abcdef"[value % base];
    while (value /= base);
    while (n)
        put(digits[--n]);
}

void print(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    line_bytes = 0;
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        bool wide = *++format == 'l';
        format += wide;
        if (*format == 's')
            for (const char *s = va_arg(list, const char *); *s; s++)
                put(*s);
        else
            put_number(wide ? va_arg(list, uint64_t) : va_arg(list, unsigned),
                       *format == 'x' ? 16 : 10);
    }
    va_end(list);
    memcpy(buffer()->words, line, line_bytes);
    uint64_t at = 0, y, z;
    while (sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_LOG, line_bytes, at, &at, &y, &z) == E_MORE)
        ;
}

_Noreturn void die(const char *what, const char *file, unsigned line_number)
{
    print("guest: %s:%u: %s\nguest end\n", file, line_number, what);
    for (;;)
        ;
}

// ---------------------------------------------------------------- objects

static const struct boot_untyped *memory; ///< what objects are made of
static uint32_t next_slot;
static uint64_t next_address = 0x10000000000;

/// The largest untyped that comes behind `last` when they are ordered by size, then by place.
static const struct boot_untyped *next_memory(const struct boot_untyped *last)
{
    const struct boot_untyped *best = 0;
    for (uint32_t i = 0; i < boot()->untyped_count; i++) {
        const struct boot_untyped *u = &boot()->untypeds[i];
        bool left = !last || u->bits < last->bits || (u->bits == last->bits && u > last);
        if (!u->device && left && (!best || u->bits > best->bits))
            best = u;
    }
    MUST(best);
    return best;
}

/// Makes one object; where `memory` has no room for it, of the next untyped.
static enum status retype(enum kind kind, uint32_t bits, uint32_t slot)
{
    for (;;) {
        enum status status = sys_retype(memory->slot, kind, bits, 1, BOOT_SLOT_CSPACE, slot);
        if (status == E_NOMEM)
            memory = next_memory(memory);
        else if (status != E_MORE)
            return status;
    }
}

uint32_t memory_slot(void)
{
    return memory->slot;
}

uint32_t slots_take(uint32_t count)
{
    if (!memory) {
        memory = next_memory(0);
        next_slot = boot()->free_slot;
    }
    // The first slot of a page holds the page itself.
    if (next_slot % SLOTS_PER_PAGE == 0 || next_slot % SLOTS_PER_PAGE + count > SLOTS_PER_PAGE)
        next_slot = (next_slot + SLOTS_PER_PAGE - 1) / SLOTS_PER_PAGE * SLOTS_PER_PAGE + 1;
    enum status status = retype(KIND_SLOTS, 0, next_slot / SLOTS_PER_PAGE);
    MUST(status == OK || status == E_EXIST);
    next_slot += count;
    return next_slot - count;
}

uint32_t make(enum kind kind, uint32_t bits)
{
    uint32_t slot = slots_take(1);
    enum status status = retype(kind, bits, slot);
    if (status != OK)
        print("guest: retype of kind %u into slot %u: status %u\n", kind, slot, status);
    MUST(status == OK);
    return slot;
}

enum status map_at(uint32_t frame, uint32_t vspace, uint64_t address, uint32_t flags)
{
    uint64_t missing;
    for (;;) {
        enum status status = sys_map(frame, vspace, address, flags, &missing);
        if (status != E_TABLE)
            return status;
        MUST(sys_map(make(KIND_PAGE_TABLE, 0), vspace, address, 0, &missing) == OK);
    }
}

uint64_t address_take(uint64_t bytes)
{
    uint64_t at = next_address;
    next_address += (bytes + 2 * PAGE - 1) & ~(uint64_t)(PAGE - 1); // and one free page
    return at;
}

/// A new page, mapped in the program's own space, and a capability of it to map elsewhere.
static uint64_t page_make(uint32_t *other)
{
    uint32_t frame = make(KIND_FRAME, PAGE_BITS);
    uint64_t at = address_take(PAGE);
    MUST(map_at(frame, BOOT_SLOT_VSPACE, at, MAP_READ | MAP_WRITE) == OK);
    *other = slots_take(1);
    MUST(sys_cap_copy(BOOT_SLOT_CSPACE, *other, frame, DERIVE_COPY, RIGHT_ALL, 0) == OK);
    return at;
}

uint32_t space_make(void)
{
    uint32_t vspace = make(KIND_VSPACE, 0);
    for (char *at = far_start; at < far_end; at += PAGE) {
        uint32_t frame;
        memcpy((void *)page_make(&frame), at, PAGE);
        MUST(map_at(frame, vspace, (uint64_t)at, MAP_READ | MAP_EXECUTE) == OK);
    }
    return vspace;
}

struct guest_thread thread_make(const struct thread_plan *plan)
{
    struct guest_thread t = {.thread = make(KIND_THREAD, 0)};
    uint32_t vspace = plan->vspace ? plan->vspace : BOOT_SLOT_VSPACE;
    uint32_t stack_frame;
    uint64_t stack = page_make(&stack_frame);
    t.buffer = (struct ipc_buffer *)page_make(&t.buffer_frame);
    t.stack = stack + FAR_STACK_BYTES - 8;
    if (plan->vspace) {
        const uint32_t flags = MAP_READ | MAP_WRITE;
        MUST(map_at(stack_frame, vspace, stack, flags) == OK);
        MUST(map_at(t.buffer_frame, vspace, (uint64_t)t.buffer, flags) == OK);
    }
    MUST(sys_thread_configure(t.thread, plan->cspace ? plan->cspace : BOOT_SLOT_CSPACE, vspace,
                              t.buffer_frame, plan->fault, 0,
                              plan->fpu ? THREAD_OPTION_FPU : 0) == OK);
    struct registers *r = (struct registers *)buffer()->registers;
    *r = (struct registers){.rip = (uint64_t)plan->entry,
                            .rsp = t.stack,
                            .rdi = plan->arguments[0],
                            .rsi = plan->arguments[1],
                            .rdx = plan->arguments[2],
                            .fs_base = plan->fs_base};
    MUST(sys_thread_registers(t.thread, 1) == OK);
    MUST(thread_do(t.thread, THREAD_OP_PRIORITY, plan->priority, 0) == OK);
    return t;
}

enum status thread_do(uint32_t thread, enum thread_op op, uint64_t a, uint64_t b)
{
    uint64_t x, y, z;
    return sys_thread_control(thread, op, a, b, &x, &y, &z);
}

void thread_start(const struct guest_thread *thread)
{
    MUST(thread_do(thread->thread, THREAD_OP_START, 0, 0) == OK);
}

uint32_t caller_make(uint32_t endpoint, uint64_t badge)
{
    uint32_t slot = slots_take(1);
    MUST(sys_cap_copy(BOOT_SLOT_CSPACE, slot, endpoint, DERIVE_CALL, badge, 1) == OK);
    return slot;
}
