// Objects, spaces and threads for the bench; and its voice, the kernel's log.
#include "guest.h"

enum {
    STACK_PAGES = 4,
    IMAGE = 0x400000, // where server.ld puts programs
};
#define STACKS  0x10000000ul // of threads made here, 64 KiB apart, buffer below
#define SCRATCH 0x20000000ul // where pages are filled

static const struct boot_info *boot;
static uint32_t next_slot, untyped;
static uint64_t next_stack = STACKS;

void say(const char *text)
{
    struct ipc_buffer *buffer = (struct ipc_buffer *)BOOT_BUFFER_ADDRESS;
    uint64_t n = 0, at = 0, y, z;
    for (char *to = (char *)buffer->words; text[n]; n++)
        to[n] = text[n];
    while (sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_LOG, n, at, &at, &y, &z) == E_MORE)
        ;
}

static void say_number(uint64_t value)
{
    char digits[24];
    char *at = digits + sizeof(digits) - 1;
    *at = 0;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    say(at);
}

void report(const char *name, uint64_t value, const char *unit)
{
    say("bench ");
    say(name);
    say(" ");
    say_number(value);
    say(" ");
    say(unit);
    say("\n");
}

void must(enum status status, const char *what)
{
    if (status == OK)
        return;
    say("bench: ");
    say(what);
    say(" failed with status ");
    say_number(status);
    say("\nbench end\n");
    for (;;)
        status_ignore(sys_yield());
}

void guest_start(const struct boot_info *info)
{
    boot = info;
    next_slot = info->free_slot;
    unsigned best = 0;
    for (uint32_t i = 0; i < info->untyped_count; i++) {
        const struct boot_untyped *u = &info->untypeds[i];
        if (!u->device && u->bits > best) {
            best = u->bits;
            untyped = u->slot;
        }
    }
}

uint32_t slot_new(void)
{
    if (next_slot % SLOTS_PER_PAGE == 0)
        next_slot++;
    return next_slot++;
}

uint32_t slots_new(uint32_t count)
{
    if (next_slot % SLOTS_PER_PAGE + count > SLOTS_PER_PAGE)
        next_slot += SLOTS_PER_PAGE - next_slot % SLOTS_PER_PAGE;
    uint32_t first = slot_new();
    next_slot = first + count;
    return first;
}

uint32_t object_new(enum kind kind, uint32_t bits)
{
    uint32_t slot = slot_new();
    enum status status;
    do
        status = sys_retype(untyped, kind, bits, 1, HANDLE_NULL, slot);
    while (status == E_MORE);
    must(status, "retype");
    return slot;
}

void frame_map(uint32_t frame, uint32_t vspace, uint64_t address, uint32_t flags)
{
    uint64_t missing, unused;
    enum status status;
    while ((status = sys_map(frame, vspace, address, flags, &missing)) == E_TABLE)
        must(sys_map(object_new(KIND_PAGE_TABLE, 0), vspace, address, 0, &unused), "map table");
    must(status, "map");
}

uint32_t space_clone(void)
{
    extern const char code_end[], constants_end[]; // bench.ld
    uint32_t vspace = object_new(KIND_VSPACE, 0);
    for (uint64_t at = IMAGE; at < boot->image_end; at += 4096) {
        uint32_t frame = object_new(KIND_FRAME, PAGE_BITS), mapped = slot_new();
        frame_map(frame, BOOT_SLOT_VSPACE, SCRATCH, MAP_READ | MAP_WRITE);
        for (uint64_t i = 0; i < 4096; i += 8)
            *(uint64_t *)(SCRATCH + i) = *(const uint64_t *)(at + i);
        must(sys_unmap(frame), "unmap");
        must(sys_cap_copy(HANDLE_NULL, mapped, frame, DERIVE_COPY, RIGHT_ALL, 0), "copy");
        uint32_t flags = at < (uint64_t)code_end        ? MAP_READ | MAP_EXECUTE
                         : at < (uint64_t)constants_end ? MAP_READ
                                                        : MAP_READ | MAP_WRITE;
        frame_map(mapped, vspace, at, flags);
    }
    return vspace;
}

struct guest thread_new(uint32_t vspace, uint32_t cspace, void (*entry)(void),
                        uint32_t priority, uint32_t fault, uint32_t options)
{
    struct guest guest = {object_new(KIND_THREAD, 0), vspace, cspace};
    struct ipc_buffer *mine = (struct ipc_buffer *)BOOT_BUFFER_ADDRESS;
    struct registers *registers = (struct registers *)mine->registers;
    uint64_t x, y, z;
    uint32_t buffer = object_new(KIND_FRAME, PAGE_BITS);
    frame_map(buffer, vspace, next_stack, MAP_READ | MAP_WRITE);
    for (unsigned i = 0; i < STACK_PAGES; i++)
        frame_map(object_new(KIND_FRAME, PAGE_BITS), vspace, next_stack + 4096 * (i + 1),
                  MAP_READ | MAP_WRITE);
    must(sys_thread_configure(guest.thread, cspace, vspace, buffer, fault, 0, options),
         "configure");
    *registers = (struct registers){.rip = (uint64_t)entry,
                                    .rsp = next_stack + 4096 * (STACK_PAGES + 1) - 8};
    must(sys_thread_registers(guest.thread, 1), "registers");
    must(sys_thread_control(guest.thread, THREAD_OP_PRIORITY, priority, 0, &x, &y, &z),
         "priority");
    next_stack += 0x10000;
    return guest;
}

void thread_start(uint32_t thread)
{
    uint64_t x, y, z;
    must(sys_thread_control(thread, THREAD_OP_START, 0, 0, &x, &y, &z), "start");
}
