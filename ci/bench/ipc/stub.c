// The round trip as servers and their clients make it: generated client stub, the receive loop
// of servers/lib, generated checks and dispatch, a handler that does nothing.
#include <lib/heap.h>
#include <lib/server.h>
#include <lib/slots.h>
#include <proto/bench_server.h>
#include "guest.h"
#include "stub.h"

enum {
    SLAB_BYTES = 1 << HEAP_SLAB_BITS,
    SLABS = 4,
    FREE_SLOTS = 8,
};

// Known to both spaces: set before the space is cloned.
static uint32_t endpoint, session_cap, replies[2], first_slot;
static struct session session;

/// docs/startup.md: FS points to its own address and that of the thread's IPC buffer.
static uint64_t control[2];

static void set_buffer(uint64_t buffer)
{
    uint64_t x, y, z;
    control[0] = (uint64_t)control;
    control[1] = buffer;
    must(sys_thread_control(HANDLE_NULL, THREAD_OP_FS_BASE, (uint64_t)control, 0, &x, &y, &z),
         "FS base");
}

/// There is no `memory` to ask.
static void *take(size_t bytes)
{
    static _Alignas(SLAB_BYTES) char slabs[SLABS][SLAB_BYTES];
    static unsigned taken;
    return bytes > SLAB_BYTES || taken == SLABS ? 0 : slabs[taken++];
}

static void give(void *address, size_t bytes)
{
    (void)address, (void)bytes;
}

const struct heap_source heap_source = {take, give};

static enum status reply_create(uint32_t *id, uint32_t *handle)
{
    static unsigned taken;
    *id = taken;
    *handle = taken < 2 ? replies[taken++] : 0;
    return *handle ? OK : E_NOMEM;
}

enum status bench_on_nothing(struct request *r, const struct bench_nothing_in *in,
                             struct bench_nothing_out *out)
{
    (void)r, (void)in, (void)out;
    return OK;
}

enum status bench_on_four(struct request *r, const struct bench_four_in *in,
                          struct bench_four_out *out)
{
    (void)r;
    *out = (struct bench_four_out){in->a, in->b, in->c, in->d};
    return OK;
}

void stub_server(void)
{
    static struct server server = {
        .dispatch = bench_dispatch, .reply_create = reply_create, .welcome = true};
    set_buffer((uint64_t)__builtin_frame_address(0) &
               ~0xfffful); // thread_new: buffer below the stack
    slots_start(first_slot, first_slot + FREE_SLOTS);
    server.endpoint = endpoint;
    server_run(&server);
}

void stub_prepare(void)
{
    endpoint = object_new(KIND_ENDPOINT, 0);
    replies[0] = object_new(KIND_REPLY, 0);
    replies[1] = object_new(KIND_REPLY, 0);
    session_cap = slot_new();
    must(sys_cap_copy(HANDLE_NULL, session_cap, endpoint, DERIVE_CALL, 7, 0), "mint");
    first_slot = slot_new();
    while (first_slot % SLOTS_PER_PAGE + FREE_SLOTS > SLOTS_PER_PAGE)
        first_slot = slot_new();
    for (unsigned i = 1; i < FREE_SLOTS; i++)
        status_ignore(slot_new() ? OK : E_NOMEM);
}

void stub_client(void)
{
    set_buffer(BOOT_BUFFER_ADDRESS);
    session.endpoint = session_cap;
    must(bench_nothing(&session), "bench.nothing");
    uint64_t a, b, c, d;
    must(bench_four(&session, 1, 2, 3, 4, &a, &b, &c, &d), "bench.four");
    must(a == 1 && b == 2 && c == 3 && d == 4 ? OK : E_IO, "bench.four's answer");
}

enum status stub_nothing(void)
{
    return bench_nothing(&session);
}

enum status stub_four(void)
{
    uint64_t a, b, c, d;
    return bench_four(&session, 1, 2, 3, 4, &a, &b, &c, &d);
}
