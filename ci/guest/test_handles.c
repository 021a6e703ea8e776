/// What a hostile holder of capabilities may try: handles, rights, badges, replies, other
/// people's slots, other people's turns.

#include "test.h"

// ---------------------------------------------------------------- handles

/// One argument of one call is `handle`, the others name nothing.
static enum status call_with_handle(uint32_t number, uint32_t handle)
{
    uint64_t x, y, z;
    struct message m = {0};
    switch (number) {
    case SYSCALL_CALL:
        return sys_call(handle, &m);
    case SYSCALL_SEND:
        return sys_send(handle, &m, IPC_NONBLOCK);
    case SYSCALL_RECV:
        return sys_recv(handle, 0, &m, IPC_NONBLOCK);
    case SYSCALL_REPLY:
        return sys_reply(handle, &m);
    case SYSCALL_REPLY_RECV:
        return sys_reply_recv(test_endpoint, handle, &m);
    case SYSCALL_SIGNAL:
        return sys_signal(handle);
    case SYSCALL_RETYPE:
        return sys_retype(handle, KIND_ENDPOINT, 0, 1, BOOT_SLOT_CSPACE, 1);
    case SYSCALL_CAP_COPY:
        return sys_cap_copy(handle ? handle : 64, 1, 1, DERIVE_COPY, RIGHT_ALL, 0);
    case SYSCALL_CAP_MOVE:
        return sys_cap_move(handle ? handle : 64, 1, 1);
    case SYSCALL_CAP_DELETE:
        return sys_cap_delete(BOOT_SLOT_CSPACE, handle);
    case SYSCALL_CAP_REVOKE:
        return sys_cap_revoke(BOOT_SLOT_CSPACE, handle);
    case SYSCALL_CAP_IDENTIFY:
        return sys_cap_identify(handle, 0, &x, &y, &z);
    case SYSCALL_MAP:
        return sys_map(handle, BOOT_SLOT_VSPACE, 0x1000, MAP_READ, &x);
    case SYSCALL_UNMAP:
        return sys_unmap(handle);
    case SYSCALL_THREAD_CONFIGURE:
        return sys_thread_configure(handle, 0, 0, 0, 0, 0, 0);
    case SYSCALL_THREAD_REGISTERS:
        return sys_thread_registers(handle, 0);
    case SYSCALL_THREAD_CONTROL: // 0 is the caller
        return thread_do(handle ? handle : 64, THREAD_OP_SUSPEND, 0, 0);
    case SYSCALL_IRQ_CONTROL:
        return sys_irq_control(handle, IRQ_OP_ACK, 0, 0, 0);
    case SYSCALL_IOPORT:
        return sys_ioport(handle, IO_BYTE, 0x80, 0, &x);
    case SYSCALL_DEBUG:
        return sys_debug(handle, DEBUG_OP_LOG, 0, 0, &x, &y, &z);
    default:
        return E_HANDLE; // yield has no handle
    }
}

/// Numbers that were never handles, and one that was.
static void test_forged(void)
{
    uint32_t stale = make(KIND_ENDPOINT, 0), reused = make(KIND_ENDPOINT, 0);
    EXPECT(sys_cap_delete(BOOT_SLOT_CSPACE, stale) == OK);
    EXPECT(sys_cap_delete(BOOT_SLOT_CSPACE, reused) == OK);
    const uint32_t forged[] = {
        0,          64,         128, BOOT_SLOTS - 1, BOOT_SLOTS, BOOT_SLOTS + 1,
        0x7fffffff, 0x80000000, ~0u, stale};
    for (uint32_t number = 0; number < SYSCALL_COUNT; number++)
        for (uint32_t i = 0; i < sizeof forged / sizeof *forged; i++) {
            enum status status = call_with_handle(number, forged[i]);
            if (status != E_HANDLE)
                print("  call %u, handle %x: status %u\n", number, forged[i], status);
            EXPECT(status == E_HANDLE);
        }
    // What was an endpoint is a Reply now: the number says nothing about what it was.
    EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, reused, BOOT_SLOT_IRQ, DERIVE_COPY, RIGHT_ALL, 0) ==
           OK);
    EXPECT(sys_signal(reused) == E_KIND);
    EXPECT(sys_unmap(reused) == E_KIND);
}

/// A page of slots that was taken back: its handles name nothing, for good.
static void test_taken_slots(void)
{
    enum { PAGE_INDEX = 1 };
    uint32_t untyped = make(KIND_UNTYPED, 14), cspace = make(KIND_CSPACE, PAGE_BITS);
    uint32_t slot = PAGE_INDEX * SLOTS_PER_PAGE + 3;
    EXPECT(sys_retype(untyped, KIND_SLOTS, 0, 1, cspace, 0) == OK);
    EXPECT(sys_retype(untyped, KIND_SLOTS, 0, 1, cspace, PAGE_INDEX) == OK);
    EXPECT(sys_cap_copy(cspace, slot, test_endpoint, DERIVE_COPY, RIGHT_ALL, 0) == OK);
    EXPECT(sys_cap_revoke(cspace, slot) == OK);
    while (sys_cap_revoke(BOOT_SLOT_CSPACE, untyped) == E_MORE)
        ;
    EXPECT(sys_cap_revoke(cspace, slot) == E_HANDLE);
    EXPECT(sys_cap_copy(cspace, slot, test_endpoint, DERIVE_COPY, RIGHT_ALL, 0) == E_INVAL);
}

void test_handles(void)
{
    test_forged();
    test_taken_slots();
}

// ---------------------------------------------------------------- rights

static void copy_with(uint32_t slot, uint32_t source, uint32_t rights)
{
    EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, slot, source, DERIVE_COPY, rights, 0) == OK);
}

/// A copy with fewer rights, and a copy of that with all: it can what the first one could.
static void frame_rights(uint32_t frame, uint32_t rights, uint64_t at)
{
    uint32_t less = slots_take(2), more = less + 1, part = slots_take(1);
    copy_with(less, frame, rights);
    copy_with(more, less, RIGHT_ALL);
    EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, part, less, DERIVE_RANGE, 0, PAGE_BITS) == OK);
    const uint32_t derived[] = {less, more, part};
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t flags = MAP_READ; flags <= MAP_EXECUTE + MAP_READ; flags++) {
            bool both = (flags & MAP_WRITE) && (flags & MAP_EXECUTE);
            bool may = ((flags | MAP_READ) & ~rights) == 0;
            enum status status = map_at(derived[i], BOOT_SLOT_VSPACE, at, flags);
            EXPECT(status == (both ? E_INVAL : may ? OK : E_RIGHTS));
            EXPECT(sys_unmap(derived[i]) == OK);
        }
    for (uint32_t i = 3; i-- > 0;)
        EXPECT(sys_cap_delete(BOOT_SLOT_CSPACE, derived[i]) == OK);
}

static void endpoint_rights(uint32_t endpoint, uint32_t rights)
{
    uint32_t less = slots_take(3), more = less + 1, minted = less + 2;
    struct message m = {0};
    copy_with(less, endpoint, rights);
    copy_with(more, less, RIGHT_ALL);
    EXPECT(sys_send(more, &m, IPC_NONBLOCK) == (rights & RIGHT_CALL ? E_AGAIN : E_RIGHTS));
    EXPECT(sys_recv(more, 0, &m, IPC_NONBLOCK) ==
           (rights & RIGHT_RECEIVE ? E_AGAIN : E_RIGHTS));
    enum status status = sys_cap_copy(BOOT_SLOT_CSPACE, minted, more, DERIVE_CALL, 5,
                                      rights & RIGHT_GRANT ? 0 : 1);
    bool may = rights & RIGHT_CALL && rights & RIGHT_GRANT;
    EXPECT(status == (may ? OK : E_RIGHTS));
    if (status == OK)
        EXPECT(sys_cap_delete(BOOT_SLOT_CSPACE, minted) == OK);
    status = sys_cap_copy(BOOT_SLOT_CSPACE, minted, more, DERIVE_SIGNAL, 5, 0);
    EXPECT(status == (rights & RIGHT_SIGNAL ? OK : E_RIGHTS));
    for (uint32_t slot = minted; slot >= less; slot--)
        status_ignore(sys_cap_delete(BOOT_SLOT_CSPACE, slot));
}

/// Without CONTROL nothing can be done to them.
static void control_rights(void)
{
    uint64_t x, y, z;
    uint32_t thread = slots_take(1), cspace = slots_take(1), vspace = slots_take(1);
    uint32_t debug = slots_take(1), port = slots_take(1);
    copy_with(thread, make(KIND_THREAD, 0), RIGHT_ALL & ~RIGHT_CONTROL);
    copy_with(cspace, BOOT_SLOT_CSPACE, RIGHT_ALL & ~RIGHT_CONTROL);
    copy_with(vspace, BOOT_SLOT_VSPACE, RIGHT_ALL & ~RIGHT_CONTROL);
    copy_with(debug, BOOT_SLOT_DEBUG, RIGHT_CONTROL);
    copy_with(port, BOOT_SLOT_IOPORT, RIGHT_ALL & ~RIGHT_CONTROL);
    EXPECT(thread_do(thread, THREAD_OP_INFO, 0, 0) == E_RIGHTS);
    EXPECT(sys_thread_registers(thread, 0) == E_RIGHTS);
    EXPECT(sys_cap_delete(cspace, 1) == E_RIGHTS);
    EXPECT(sys_map(make(KIND_FRAME, PAGE_BITS), vspace, 0x1000, MAP_READ, &x) == E_RIGHTS);
    EXPECT(sys_ioport(port, IO_BYTE, 0x80, 0, &x) == E_RIGHTS);
    EXPECT(sys_debug(debug, DEBUG_OP_CHECK, 0, 0, &x, &y, &z) == E_RIGHTS);
    EXPECT(sys_debug(debug, DEBUG_OP_PANIC, 0, 0, &x, &y, &z) == E_RIGHTS);
}

void test_rights(void)
{
    uint32_t frame = make(KIND_FRAME, 13), endpoint = make(KIND_ENDPOINT, 0);
    uint64_t at = address_take(2 * PAGE);
    at = (at + 2 * PAGE - 1) & ~(2ul * PAGE - 1);
    for (uint32_t rights = 0; rights < 8; rights++)
        frame_rights(frame, rights, at);
    for (uint32_t rights = 0; rights <= RIGHT_ALL; rights += RIGHT_CALL)
        endpoint_rights(endpoint, rights);
    control_rights();
}

// ---------------------------------------------------------------- badges

/// Sends one message with registers full of other numbers; a: endpoint capability.
static void send_once(uint64_t endpoint, uint64_t b, uint64_t c)
{
    struct message m = {.tag = tag_make(1, 6, 0), .badge = 666};
    (void)b, (void)c;
    for (uint32_t i = 0; i < REGISTER_WORDS; i++)
        m.words[i] = 666;
    status_ignore(sys_send((uint32_t)endpoint, &m, 0));
    for (;;)
        status_ignore(sys_yield());
}

void test_badges(void)
{
    enum { BADGE = 42 };
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    uint32_t identity = caller_make(endpoint, BADGE), bits = slots_take(1),
             free = slots_take(1);
    EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, bits, endpoint, DERIVE_SIGNAL, 6, 0) == OK);
    // Only the unbadged one mints, and never the kernel's bit, and never nobody.
    for (uint32_t how = DERIVE_CALL; how <= DERIVE_SIGNAL; how++) {
        EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, free, identity, how, 7, 0) == E_RIGHTS);
        EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, free, bits, how, 7, 0) == E_RIGHTS);
        EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, free, endpoint, how, 0, 0) == E_INVAL);
        EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, free, endpoint, how, 1ul << 63 | 1, 0) ==
               E_INVAL);
    }
    // An identity is no signal, a signal no identity, neither receives; copies are the same.
    struct message m = {0};
    const uint32_t both[] = {identity, bits};
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT(sys_recv(both[i], 0, &m, IPC_NONBLOCK) == E_RIGHTS);
        EXPECT(sys_recv(both[i], reply, &m, IPC_NONBLOCK) == E_RIGHTS);
        copy_with(free, both[i], RIGHT_ALL);
        if (i == 0)
            EXPECT(sys_signal(free) == E_RIGHTS && sys_signal(identity) == E_RIGHTS);
        else
            EXPECT(sys_send(free, &m, IPC_NONBLOCK) == E_RIGHTS &&
                   sys_call(bits, &m) == E_RIGHTS);
        EXPECT(sys_cap_delete(BOOT_SLOT_CSPACE, free) == OK);
    }
    EXPECT(sys_recv(endpoint, 0, &m, IPC_NONBLOCK) == E_AGAIN); // no bit came through
    // What arrives is the capability's, whatever the sender had in its registers.
    struct guest_thread t = thread_make(
        &(struct thread_plan){.entry = send_once, .arguments = {identity}, .priority = 10});
    thread_start(&t);
    EXPECT(sys_recv(endpoint, reply, &m, 0) == OK && m.badge == BADGE);
    EXPECT(thread_do(t.thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    // Who may ask which badge a capability has: whoever holds the unbadged one.
    uint64_t kind, value, size;
    EXPECT(sys_cap_identify(identity, endpoint, &kind, &value, &size) == OK && value == BADGE);
    EXPECT(sys_cap_identify(identity, identity, &kind, &value, &size) == E_RIGHTS);
    EXPECT(sys_cap_identify(identity, test_endpoint, &kind, &value, &size) == E_RIGHTS);
}

// ---------------------------------------------------------------- replies

static volatile uint64_t answers; ///< that the caller below got

/// Calls for ever. a: endpoint capability.
static void call_for_ever(uint64_t endpoint, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    for (;;) {
        struct message m = {.tag = tag_make(1, 1, 0)};
        if (sys_call((uint32_t)endpoint, &m) == OK)
            answers++;
    }
}

void test_replies(void)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    uint32_t free = slots_take(1);
    struct guest_thread t = thread_make(&(struct thread_plan){
        .entry = call_for_ever, .arguments = {caller_make(endpoint, 1)}, .priority = 10});
    struct message m = {0}, answer = {.tag = tag_make(0, 1, 0)};
    answers = 0;
    thread_start(&t);
    EXPECT(sys_reply(reply, &answer) == E_DEAD); // it holds nobody yet
    EXPECT(sys_recv(endpoint, reply, &m, 0) == OK);
    EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, free, reply, DERIVE_COPY, RIGHT_ALL, 0) == E_KIND);
    EXPECT(sys_recv(endpoint, reply, &m, IPC_NONBLOCK) == E_BUSY); // nor two callers
    EXPECT(sys_reply(reply, &answer) == OK);
    EXPECT(sys_reply(reply, &answer) == E_DEAD);
    while (answers == 0)
        status_ignore(sys_yield());
    EXPECT(answers == 1);
    // Nor can it answer a caller that was taken away from it.
    EXPECT(sys_recv(endpoint, reply, &m, 0) == OK);
    EXPECT(thread_do(t.thread, THREAD_OP_CANCEL, 0, 0) == OK);
    EXPECT(sys_reply(reply, &answer) == E_DEAD);
    EXPECT(thread_do(t.thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    EXPECT(answers == 1);
}

// ---------------------------------------------------------------- other people's slots

/// Sends the capability at handle `c` of its own CSpace and names `c` as its slots, too.
/// b: its IPC buffer.
static void send_capability(uint64_t endpoint, uint64_t b, uint64_t c)
{
    struct ipc_buffer *own = (struct ipc_buffer *)b;
    struct message m = {.tag = tag_make(1, 6, 1)};
    for (uint32_t i = 0; i < MESSAGE_CAPS; i++)
        own->caps[i] = own->slots[i] = (uint32_t)c;
    for (uint32_t i = 0; i < REGISTER_WORDS; i++)
        m.words[i] = c;
    status_ignore(sys_send((uint32_t)endpoint, &m, 0));
    for (;;)
        status_ignore(sys_yield());
}

/// A client whose handle numbers are those of what the server values most.
static void receive_capability(uint32_t precious, uint32_t slot, bool occupied)
{
    enum { CLIENT_ENDPOINT = 1 };
    uint32_t untyped = make(KIND_UNTYPED, 17), cspace = make(KIND_CSPACE, PAGE_BITS);
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    uint32_t frame = make(KIND_FRAME, PAGE_BITS);
    for (uint32_t page = 0; page <= precious / SLOTS_PER_PAGE; page++)
        EXPECT(sys_retype(untyped, KIND_SLOTS, 0, 1, cspace, page) == OK);
    EXPECT(sys_cap_copy(cspace, CLIENT_ENDPOINT, endpoint, DERIVE_CALL, 3, 1) == OK);
    EXPECT(sys_cap_copy(cspace, precious, frame, DERIVE_COPY, RIGHT_READ, 0) == OK);
    struct guest_thread t =
        thread_make(&(struct thread_plan){.entry = send_capability, .priority = 10});
    EXPECT(sys_thread_configure(t.thread, cspace, 0, 0, 0, 0, 0) == OK);
    struct registers *r = (struct registers *)buffer()->registers;
    EXPECT(sys_thread_registers(t.thread, 0) == OK);
    r->rdi = CLIENT_ENDPOINT, r->rsi = (uint64_t)t.buffer, r->rdx = precious;
    EXPECT(sys_thread_registers(t.thread, 1) == OK);
    thread_start(&t);
    struct message m = {0};
    uint64_t kind, value, size;
    for (uint32_t i = 0; i < MESSAGE_CAPS; i++)
        buffer()->slots[i] = i ? 0 : slot;
    EXPECT(sys_recv(endpoint, reply, &m, 0) == OK && m.badge == 3);
    EXPECT(tag_skipped(m.tag) == (occupied ? 1 : 0));
    EXPECT(sys_cap_identify(precious, 0, &kind, &value, &size) == OK && kind == KIND_UNTYPED);
    EXPECT(sys_cap_identify(slot, 0, &kind, &value, &size) == OK);
    EXPECT(kind == (occupied ? KIND_UNTYPED : KIND_FRAME));
    buffer()->slots[0] = 0;
    EXPECT(thread_do(t.thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    if (!occupied) // with the rights that the client had
        EXPECT(map_at(slot, BOOT_SLOT_VSPACE, address_take(PAGE), MAP_WRITE) == E_RIGHTS);
}

void test_confused_deputy(void)
{
    uint32_t precious = make(KIND_UNTYPED, PAGE_BITS);
    receive_capability(precious, slots_take(1), false);
    receive_capability(precious, precious, true);
}

// ---------------------------------------------------------------- other people's turns

/// Clients of the same importance that never stop asking: each has its turn. Turns are counted,
/// not calls: how many fit into a slice depends on what else the host does.
void test_starvation(void)
{
    enum { CLIENTS = 4, TURNS = 80 };
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    uint32_t turns[CLIENTS + 1] = {0}, all = 0;
    struct guest_thread t[CLIENTS];
    for (uint32_t i = 0; i < CLIENTS; i++) {
        t[i] = thread_make(&(struct thread_plan){.entry = call_for_ever,
                                                 .arguments = {caller_make(endpoint, i + 1)},
                                                 .priority = 10});
        thread_start(&t[i]);
    }
    struct message m = {0};
    EXPECT(sys_recv(endpoint, reply, &m, 0) == OK);
    uint64_t last = 0, until = clock() + PATIENCE_SECONDS * boot()->tsc_hz;
    while (all < TURNS && clock() < until) { // a client's slice is some ms
        if (m.badge != last) {
            turns[m.badge <= CLIENTS ? m.badge : 0]++;
            all++;
        }
        last = m.badge;
        m.tag = tag_make(0, 1, 0);
        EXPECT(sys_reply_recv(endpoint, reply, &m) == OK);
    }
    EXPECT(all == TURNS);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        EXPECT(turns[i + 1] >= TURNS / CLIENTS / 4);
        EXPECT(thread_do(t[i].thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    }
    EXPECT(turns[0] == 0);
}

/// Serves each call for a while. a: endpoint, b: Reply, c: clock ticks.
static void serve_slowly(uint64_t endpoint, uint64_t reply, uint64_t ticks)
{
    struct message m = {0};
    enum status status = sys_recv((uint32_t)endpoint, (uint32_t)reply, &m, 0);
    while (status == OK) {
        for (uint64_t start = clock(); clock() - start < ticks;)
            ;
        m.tag = tag_make(0, 1, 0);
        status = sys_reply_recv((uint32_t)endpoint, (uint32_t)reply, &m);
    }
}

/// Computes until it has had the CPU for `ticks` of the clock, then tells.
static void compute_for(uint64_t ticks, uint64_t signal, uint64_t c)
{
    uint64_t state, time, x;
    (void)c;
    do
        for (uint64_t start = clock(); clock() - start < ticks / 100;)
            ;
    while (sys_thread_control(HANDLE_NULL, THREAD_OP_INFO, 0, 0, &state, &time, &x) == OK &&
           time < ticks);
    status_ignore(sys_signal((uint32_t)signal));
    for (;;)
        status_ignore(sys_yield());
}

/// A client whose server, more important than all clients, works for it nearly all the time:
/// its slice ends all the same, and another thread of its importance computes half of the time.
void test_slices(void)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    uint32_t done = make(KIND_ENDPOINT, 0), tell = slots_take(1);
    EXPECT(sys_cap_copy(HANDLE_NULL, tell, done, DERIVE_SIGNAL, 1, 0) == OK);
    uint64_t ms = boot()->tsc_hz / 1000, state, time, x;
    struct guest_thread t[] = {
        thread_make(&(struct thread_plan){
            .entry = serve_slowly, .arguments = {endpoint, reply, 3 * ms}, .priority = 9}),
        thread_make(&(struct thread_plan){
            .entry = call_for_ever, .arguments = {caller_make(endpoint, 1)}, .priority = 5}),
        thread_make(&(struct thread_plan){
            .entry = compute_for, .arguments = {200 * ms, tell}, .priority = 5})};
    for (uint32_t i = 0; i < 3; i++)
        thread_start(&t[i]);
    struct message m = {0};
    EXPECT(sys_recv(done, 0, &m, 0) == OK);
    uint64_t all = 0;
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT(sys_thread_control(t[i].thread, THREAD_OP_INFO, 0, 0, &state, &time, &x) == OK);
        all += time;
        EXPECT(thread_do(t[i].thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    }
    EXPECT(time >= all / 3);
}
