// See kernel.h.
#define _GNU_SOURCE
#include "kernel.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct cap {
    enum kind kind;
    uint32_t bits;
    uint64_t address; // physical
    uint32_t parent;  // 0: a root
    uint64_t used;    // Untyped: watermark
    uint64_t id;      // VSpace, CSpace: never the same twice
    uint64_t space, mapped;
    uint32_t flags;
    bool device;
    uint32_t level; // PageTable: where installed
};

static struct cap caps[KERNEL_SLOTS];
static uint32_t own_limit;
static uint64_t last_id;
static int ram = -1;
uint64_t kernel_calls;

#define RAM_BYTES ((1ul << KERNEL_RAM_BITS) + (1ul << KERNEL_META_BITS))

/// Where in the file; devices are not there.
static off_t file_offset(uint64_t physical)
{
    if (physical >= KERNEL_META)
        return (off_t)(physical - KERNEL_META + (1ul << KERNEL_RAM_BITS));
    return (off_t)(physical - KERNEL_RAM);
}

static uint8_t *view;

void kernel_start(void)
{
    if (ram < 0) {
        ram = memfd_create("ram", 0);
        assert(ram >= 0 && ftruncate(ram, (off_t)RAM_BYTES) == 0);
        view = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ram, 0);
        assert(view != MAP_FAILED);
    }
    memset(view, 0xa5, RAM_BYTES); // nobody may rely on fresh memory
    memset(caps, 0, sizeof caps);
    own_limit = SLOT_LIMIT;
    caps[FIRST_UNTYPED] =
        (struct cap){.kind = KIND_UNTYPED, .bits = KERNEL_RAM_BITS, .address = KERNEL_RAM};
    caps[META_UNTYPED] =
        (struct cap){.kind = KIND_UNTYPED, .bits = KERNEL_META_BITS, .address = KERNEL_META};
    caps[DEVICE_UNTYPED] = (struct cap){.kind = KIND_UNTYPED,
                                        .bits = KERNEL_DEVICE_BITS,
                                        .address = KERNEL_DEVICE,
                                        .device = true};
    caps[OWN_VSPACE] = (struct cap){.kind = KIND_VSPACE, .id = ++last_id};
    caps[OWN_ENDPOINT] = (struct cap){.kind = KIND_ENDPOINT};
}

static bool usable(uint32_t slot)
{
    return slot % SLOTS_PER_PAGE != 0 && slot < own_limit;
}

static bool has_children(uint32_t slot)
{
    for (uint32_t i = 1; i < own_limit; i++)
        if (caps[i].kind && caps[i].parent == slot)
            return true;
    return false;
}

static uint64_t align_up(uint64_t value, uint64_t size)
{
    return (value + size - 1) & ~(size - 1);
}

enum status sys_retype(uint32_t untyped, uint32_t kind, uint32_t bits, uint32_t count,
                       uint32_t cspace, uint32_t slot)
{
    kernel_calls++;
    struct cap *from = &caps[untyped];
    if (!usable(untyped) || from->kind != KIND_UNTYPED)
        return E_KIND;
    bool sized = kind == KIND_UNTYPED || kind == KIND_FRAME || kind == KIND_CSPACE;
    if (count == 0 || count > 32 || (sized ? bits < PAGE_BITS : bits != 0))
        return E_INVAL;
    if (from->device && kind != KIND_UNTYPED && kind != KIND_FRAME)
        return E_KIND;
    if (from->used && !has_children(untyped))
        from->used = 0;
    uint64_t bytes = kind == KIND_VSPACE ? 8192
                     : kind == KIND_THREAD || kind == KIND_ENDPOINT || kind == KIND_REPLY
                         ? 2048
                         : 1ul << (sized ? bits : PAGE_BITS);
    uint64_t start = align_up(from->used, sized ? bytes : 64);
    if (start + bytes * count > 1ul << from->bits)
        return E_NOMEM;
    if (kind == KIND_SLOTS) {
        if (cspace == HANDLE_NULL) {
            if (slot != own_limit / SLOTS_PER_PAGE || own_limit >= KERNEL_SLOTS)
                return E_INVAL;
            own_limit += SLOTS_PER_PAGE;
        }
        // A page of slots keeps its untyped busy: stands in the tree as a child in no slot.
        for (uint32_t i = KERNEL_SLOTS - 1; i > own_limit; i--)
            if (!caps[i].kind) {
                caps[i] = (struct cap){.kind = KIND_SLOTS, .parent = untyped};
                break;
            }
        from->used = start + bytes;
        return OK;
    }
    assert(cspace == HANDLE_NULL);
    for (uint32_t i = 0; i < count; i++)
        if (!usable(slot + i) || caps[slot + i].kind)
            return usable(slot + i) ? E_EXIST : E_INVAL;
    for (uint32_t i = 0; i < count; i++) {
        struct cap *made = &caps[slot + i];
        *made = (struct cap){.kind = kind,
                             .bits = bits,
                             .address = from->address + start + i * bytes,
                             .parent = untyped,
                             .id = ++last_id,
                             .device = from->device};
        if (kind != KIND_UNTYPED && !from->device)
            memset(view + file_offset(made->address), 0, bytes);
    }
    from->used = start + bytes * count;
    return OK;
}

enum status sys_cap_copy(uint32_t cspace, uint32_t slot, uint32_t source, uint32_t derive,
                         uint64_t a, uint64_t b)
{
    kernel_calls++;
    assert(cspace == HANDLE_NULL);
    const struct cap *from = &caps[source];
    if (!usable(source) || !from->kind)
        return E_HANDLE;
    if (!usable(slot) || caps[slot].kind)
        return E_EXIST;
    if (derive == DERIVE_COPY && (from->kind == KIND_UNTYPED || from->kind == KIND_PAGE_TABLE))
        return E_KIND;
    struct cap made = *from;
    made.space = made.mapped = made.flags = 0;
    if (derive == DERIVE_RANGE) {
        if (b < PAGE_BITS || b > from->bits || a & ((1ul << b) - 1) ||
            a + (1ul << b) > 1ul << from->bits)
            return E_INVAL;
        made.address += a;
        made.bits = (uint32_t)b;
        made.parent = source;
    } else if (derive != DERIVE_COPY) {
        made.parent = source;
    }
    caps[slot] = made;
    return OK;
}

enum status sys_unmap(uint32_t slot)
{
    kernel_calls++;
    struct cap *cap = &caps[slot];
    if (cap->space == caps[OWN_VSPACE].id && cap->kind == KIND_FRAME)
        munmap((void *)cap->mapped, 1ul << cap->bits);
    cap->space = cap->mapped = 0;
    return OK;
}

static void end(uint32_t slot)
{
    (void)sys_unmap(slot);
    caps[slot] = (struct cap){0};
}

enum status sys_cap_revoke(uint32_t cspace, uint32_t slot)
{
    kernel_calls++;
    assert(cspace == HANDLE_NULL);
    if (!usable(slot) || !caps[slot].kind)
        return E_HANDLE;
    for (uint32_t i = 1; i < KERNEL_SLOTS; i++)
        if (caps[i].kind && caps[i].parent == slot) {
            if (i < own_limit)
                (void)sys_cap_revoke(HANDLE_NULL, i);
            end(i);
        }
    return OK;
}

enum status sys_cap_delete(uint32_t cspace, uint32_t slot)
{
    kernel_calls++;
    assert(cspace == HANDLE_NULL);
    if (!usable(slot) || !caps[slot].kind)
        return E_HANDLE;
    if (has_children(slot))
        return E_BUSY;
    end(slot);
    return OK;
}

enum status sys_cap_identify(uint32_t cap, uint32_t authority, uint64_t *kind, uint64_t *value,
                             uint64_t *size)
{
    (void)cap, (void)authority, (void)kind, (void)value, (void)size;
    assert(!"not used here");
    return E_INVAL;
}

// ---------------------------------------------------------------- mappings

static bool covers(const struct cap *cap, uint64_t space, uint64_t address)
{
    uint64_t size =
        cap->kind == KIND_FRAME ? 1ul << cap->bits : 1ul << (PAGE_BITS + 9 * cap->level);
    return cap->space == space && address >= cap->mapped && address - cap->mapped < size;
}

/// The lowest level from which tables to `address` are installed down from the top: 1 is all.
static uint32_t installed(uint64_t space, uint64_t address)
{
    uint32_t level = 4;
    for (bool found = true; found && level > 1;) {
        found = false;
        for (uint32_t i = 1; i < own_limit && !found; i++)
            found = caps[i].kind == KIND_PAGE_TABLE && caps[i].level == level - 1 &&
                    covers(&caps[i], space, address);
        level -= found;
    }
    return level;
}

enum status sys_map(uint32_t cap, uint32_t vspace, uint64_t address, uint32_t flags,
                    uint64_t *missing)
{
    kernel_calls++;
    struct cap *frame = &caps[cap];
    const struct cap *space = &caps[vspace];
    if (!usable(cap) || !frame->kind || space->kind != KIND_VSPACE)
        return E_KIND;
    uint32_t level = installed(space->id, address);
    if (frame->kind == KIND_PAGE_TABLE) {
        if (frame->space || level == 1)
            return frame->space ? E_BUSY : E_EXIST;
        frame->level = level - 1;
        frame->space = space->id;
        frame->mapped = address & ~((1ul << (PAGE_BITS + 9 * frame->level)) - 1);
        return OK;
    }
    bool both = flags & MAP_WRITE && flags & MAP_EXECUTE;
    if (!(flags & MAP_READ) || both || address & ((1ul << frame->bits) - 1) ||
        address >= USER_END)
        return E_INVAL;
    bool again = frame->space == space->id && frame->mapped == address;
    if (frame->space && !again)
        return E_BUSY;
    uint32_t wanted = frame->bits >= 21 ? 2 : 1;
    *missing = level - wanted;
    if (level > wanted)
        return E_TABLE;
    if (level < wanted)
        return E_EXIST; // a table is where the large page should be
    for (uint32_t i = 1; i < own_limit && !again; i++)
        if (caps[i].kind == KIND_FRAME && i != cap &&
            (covers(&caps[i], space->id, address) ||
             (caps[i].space == space->id && caps[i].mapped >= address &&
              caps[i].mapped - address < 1ul << frame->bits)))
            return E_EXIST;
    frame->space = space->id;
    frame->mapped = address;
    frame->flags = flags;
    if (vspace == OWN_VSPACE)
        assert(mmap((void *)address, 1ul << frame->bits, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_FIXED, ram,
                    file_offset(frame->address)) == (void *)address);
    return OK;
}

struct kernel_page kernel_lookup(uint32_t vspace, uint64_t address)
{
    for (uint32_t i = 1; i < own_limit; i++) {
        const struct cap *cap = &caps[i];
        if (cap->kind == KIND_FRAME && covers(cap, caps[vspace].id, address))
            return (struct kernel_page){
                true, cap->flags,
                cap->device ? NULL
                            : view + file_offset(cap->address + (address - cap->mapped))};
    }
    return (struct kernel_page){0};
}

int kernel_count(enum kind kind)
{
    int count = 0;
    for (uint32_t i = 1; i < own_limit; i++)
        count += caps[i].kind == kind;
    return count;
}
