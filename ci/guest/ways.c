/// Two ways, one kernel: the same random calls, booted once with the kernel as it is and once
/// with one that never takes the fast path (kernel_general), must show user code the same:
/// registers, messages, badges, results, FPU contents, and the order in which threads go on.
///
///     -fw_cfg name=opt/pith.ways,string='SEED EPISODES SHOW'
///
/// Six actors (ways_actor.c) in three spaces and two CSpaces fold all that they see into one
/// hash. An episode ends when none of them can go on, or has done its share: then the machine
/// is idle until the PIT wakes this director, which sets the stage anew. So the two runs meet
/// again and again although they take different time; and no slice ends within an episode,
/// which lasts less than four ticks. In every eighth episode two actors on two CPUs talk, in
/// turn.
///
/// Prints `ways: episode N, C calls, hash H` and at the end `ways: took N ns`, which
/// alone may differ. SHOW is the number of an episode of which every record is printed, and the
/// last one.

#include "options.h"
#include "ways.h"

enum {
    LINES_EVERY = 16,
    SHARE = 160, ///< calls of an actor in an episode, at most half as many more
    PIT_LINE = 0,
    PIT_COUNT = 35796, ///< 30 ms
    EPISODE_MS = 7,    ///< four ticks are 8
    PRIORITY = 20,
    B_PAGES = 12, ///< of slots
};

static uint64_t seed = 1, episodes = 64, show = ~0ul;
static struct shared *shared;
static uint32_t shared_frames[SHARED_PAGES];
static uint32_t endpoints[RECEIVERS], cspace_b, done;
static struct guest_thread threads[ACTORS];
static uint64_t random, took;

static uint64_t draw(void)
{
    return random_draw(&random);
}

// ---------------------------------------------------------------- the stage

static void derive(uint32_t cspace, uint32_t slot, uint32_t source, enum derive how, uint64_t a,
                   uint64_t b)
{
    MUST(sys_cap_copy(cspace, slot, source, how, a, b) == OK);
}

/// A badge of any bits but the kernel's.
static uint64_t badge(void)
{
    return ((draw() << 20 ^ draw()) & ~(1ul << 63)) | 1;
}

static void make_callers(uint32_t cspace, struct names *n, uint32_t i)
{
    // With the right to send capabilities, without, to the other endpoint, and unbadged.
    derive(cspace, n->callers[i], endpoints[i == 2], i == 3 ? DERIVE_COPY : DERIVE_CALL,
           i == 3 ? RIGHT_CALL | RIGHT_GRANT : badge(), i == 0);
}

static void make_signallers(uint32_t cspace, struct names *n, uint32_t i)
{
    derive(cspace, n->signallers[i], endpoints[i == 1], i == 3 ? DERIVE_COPY : DERIVE_SIGNAL,
           i == 3 ? RIGHT_ALL : badge(), 0);
}

/// The handles of one CSpace: the same numbers in both, with badges and Replies of its own.
static void make_names(uint32_t which, uint32_t cspace, uint32_t first)
{
    struct names *n = &shared->names[which];
    uint32_t at = first;
    for (uint32_t i = 0; i < CALLERS; i++) {
        n->callers[i] = at++;
        make_callers(cspace, n, i);
    }
    for (uint32_t i = 0; i < SIGNALLERS; i++) {
        n->signallers[i] = at++;
        make_signallers(cspace, n, i);
    }
    for (uint32_t i = 0; i < RECEIVERS; i++) {
        n->receivers[i] = at++;
        derive(cspace, n->receivers[i], endpoints[i], DERIVE_COPY, RIGHT_ALL, 0);
    }
    for (uint32_t i = 0; i < REPLIES; i++) {
        n->replies[i] = at++;
        MUST(sys_cap_move(cspace, n->replies[i], make(KIND_REPLY, 0)) == OK);
    }
    n->park = at++;
    derive(cspace, n->park, make(KIND_ENDPOINT, 0), DERIVE_COPY, RIGHT_ALL, 0);
    uint32_t weak = at++, deaf = at++, frame = at++, empty = at++;
    derive(cspace, weak, endpoints[0], DERIVE_COPY, RIGHT_ALL & ~(RIGHT_CALL | RIGHT_SIGNAL),
           0);
    derive(cspace, deaf, endpoints[0], DERIVE_COPY, RIGHT_ALL & ~RIGHT_RECEIVE, 0);
    derive(cspace, frame, shared_frames[0], DERIVE_COPY, RIGHT_ALL, 0);
    const uint32_t odd[ODDITIES] = {weak, deaf,         frame,    empty, frame,         0,
                                    64,   B_PAGES * 64, 1u << 20, ~0u,   n->callers[0], deaf};
    for (uint32_t i = 0; i < ODDITIES; i++)
        n->oddities[i] = odd[i];
}

static void share_pages(uint32_t vspace)
{
    for (uint32_t i = 0; i < SHARED_PAGES; i++) {
        uint32_t copy = slots_take(1);
        derive(BOOT_SLOT_CSPACE, copy, shared_frames[i], DERIVE_COPY, RIGHT_ALL, 0);
        MUST(map_at(copy, vspace, (uint64_t)shared + i * PAGE, MAP_READ | MAP_WRITE) == OK);
    }
}

static void make_shared(void)
{
    shared = (struct shared *)address_take(SHARED_PAGES * PAGE);
    for (uint32_t i = 0; i < SHARED_PAGES; i++)
        shared_frames[i] = make(KIND_FRAME, PAGE_BITS);
    share_pages(BOOT_SLOT_VSPACE);
}

static void make_cspace(void)
{
    cspace_b = make(KIND_CSPACE, PAGE_BITS);
    for (uint32_t page = 0; page < B_PAGES; page++) {
        enum status status;
        do
            status = sys_retype(memory_slot(), KIND_SLOTS, 0, 1, cspace_b, page);
        while (status == E_MORE);
        MUST(status == OK);
    }
}

static uint32_t cspace_of(uint32_t actor)
{
    return actor & 1 && actor > 1 ? cspace_b : BOOT_SLOT_CSPACE;
}

static void reset_registers(uint32_t i)
{
    *(struct registers *)buffer()->registers =
        (struct registers){.rip = (uint64_t)actor_run,
                           .rsp = threads[i].stack,
                           .rdi = (uint64_t)shared,
                           .rsi = i,
                           .rflags = 0x202,
                           .fs_base = (uint64_t)&shared->actors[i]};
    MUST(sys_thread_registers(threads[i].thread, 1) == OK);
}

static void make_actor(uint32_t i, uint32_t vspace, uint32_t fault)
{
    struct actor *a = &shared->actors[i];
    bool b = cspace_of(i) == cspace_b;
    threads[i] = thread_make(&(struct thread_plan){.vspace = vspace,
                                                   .cspace = b ? cspace_b : 0,
                                                   .entry = actor_run,
                                                   .fault = fault,
                                                   .priority = PRIORITY,
                                                   .fpu = i % 2 == 0});
    *a = (struct actor){.random = draw() | 1,
                        .buffer = threads[i].buffer,
                        .names = &shared->names[b],
                        .thread = b ? 0 : threads[i].thread,
                        .reply = shared->names[b].replies[b        ? i / 2
                                                          : i == 4 ? 3
                                                                   : i],
                        .fpu = i % 2 == 0};
    uint32_t spare = slots_take(MESSAGE_CAPS);
    MUST(spare + MESSAGE_CAPS <= B_PAGES * SLOTS_PER_PAGE);
    for (uint32_t n = 0; n < MESSAGE_CAPS; n++)
        a->spare[n] = spare + n;
    reset_registers(i);
}

static void prepare(void)
{
    enum { NAMES = CALLERS + SIGNALLERS + RECEIVERS + REPLIES + 5 };
    make_shared();
    make_cspace();
    for (uint32_t i = 0; i < RECEIVERS; i++)
        endpoints[i] = make(KIND_ENDPOINT, 0);
    uint32_t first = slots_take(NAMES);
    make_names(0, BOOT_SLOT_CSPACE, first);
    make_names(1, cspace_b, first);
    uint32_t spaces[] = {0, space_make(), space_make()};
    share_pages(spaces[1]);
    share_pages(spaces[2]);
    for (uint32_t i = 0; i < ACTORS; i++)
        make_actor(i, spaces[i / 2], caller_make(endpoints[i & 1], 0xfa + i));
    uint32_t signal = slots_take(1);
    done = make(KIND_ENDPOINT, 0);
    derive(BOOT_SLOT_CSPACE, signal, done, DERIVE_SIGNAL, 1, 0);
    MUST(sys_irq_control(BOOT_SLOT_IRQ, IRQ_OP_BIND, PIT_LINE, signal, 0) == OK);
}

// ---------------------------------------------------------------- an episode

static void out(uint32_t port, uint32_t value)
{
    uint64_t x;
    MUST(sys_ioport(BOOT_SLOT_IOPORT, IO_OUT | IO_BYTE, port, value, &x) == OK);
}

/// Lets the others run until none can, and the PIT comes.
static void wait(void)
{
    struct message m = {0};
    out(0x43, 0x30);
    out(0x40, PIT_COUNT & 255);
    out(0x40, PIT_COUNT >> 8);
    uint64_t start = shared->last = clock();
    MUST(sys_recv(done, 0, &m, 0) == OK);
    took += shared->last - start;
    if (shared->last - start > boot()->tsc_hz / 1000 * EPISODE_MS)
        die("an episode took too long: slices may have ended in it", __FILE__, __LINE__);
    MUST(sys_irq_control(BOOT_SLOT_IRQ, IRQ_OP_ACK, PIT_LINE, 0, 0) == OK);
}

static uint64_t state_of(uint32_t i)
{
    uint64_t state, time, priority;
    MUST(sys_thread_control(threads[i].thread, THREAD_OP_INFO, 0, 0, &state, &time,
                            &priority) == OK);
    hash_add(shared, state << 32 | (uint32_t)priority);
    return state;
}

/// Brings an actor back on stage, whatever it waits for. Some go on waiting.
static void revive(uint32_t i)
{
    uint32_t thread = threads[i].thread;
    uint64_t state = state_of(i);
    if (state == THREAD_STATE_FAULTED || state == THREAD_STATE_SENDING)
        // It may wait for the answer to a fault, and do the same again.
        MUST(thread_do(thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    if (state == THREAD_STATE_FAULTED)
        reset_registers(i);
    if (state_of(i) == THREAD_STATE_INACTIVE)
        thread_start(&threads[i]);
    else if (shared->actors[i].parked || draw() % 4)
        status_ignore(thread_do(thread, THREAD_OP_CANCEL, 0, 0));
}

/// Lets a suspended actor begin anew: what it was about is not heard of.
static void begin(uint32_t i)
{
    shared->actors[i].parked = false;
    reset_registers(i);
    thread_start(&threads[i]);
}

static void set_actor(uint32_t i, enum role role, uint32_t cpu)
{
    uint64_t priority = role == PROMPTER ? PRIORITY - 1 : PRIORITY + draw() % 3;
    struct actor *a = &shared->actors[i];
    a->role = role;
    a->calls = 0;
    a->limit = SHARE / 2 + draw() % SHARE;
    MUST(thread_do(threads[i].thread, THREAD_OP_CPU, cpu, 0) == OK);
    MUST(thread_do(threads[i].thread, THREAD_OP_PRIORITY, priority, 0) == OK);
}

/// Other badges for one name of each CSpace.
static void change_names(void)
{
    for (uint32_t which = 0; which < 2; which++) {
        uint32_t cspace = which ? cspace_b : BOOT_SLOT_CSPACE, i = draw() % 3;
        struct names *n = &shared->names[which];
        MUST(sys_cap_delete(cspace, n->callers[i]) == OK);
        make_callers(cspace, n, i);
        MUST(sys_cap_delete(cspace, n->signallers[i]) == OK);
        make_signallers(cspace, n, i);
    }
}

static void set_trace(bool on)
{
    uint64_t x, y, z;
    MUST(sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_TRACE, on ? ~0u : 0, 0, &x, &y, &z) == OK);
}

/// All on this CPU, whatever comes.
static void play(void)
{
    set_trace(draw() % 16 == 0);
    change_names();
    uint32_t prompter = draw() % 3; // of those that share a CSpace
    for (uint32_t i = 0; i < ACTORS; i++) {
        set_actor(i, i == prompter ? PROMPTER : draw() % 2 ? CLIENT : SERVER, 0);
        revive(i);
    }
    wait();
}

/// Two actors, on the same CPU or not, one of which waits whenever the other does not.
static void play_far(uint32_t cpus)
{
    uint32_t client = draw() % ACTORS, server = (client + 1 + draw() % (ACTORS - 1)) % ACTORS;
    struct message m = {0};
    set_trace(false);
    for (uint32_t i = 0; i < ACTORS; i++)
        MUST(thread_do(threads[i].thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    status_ignore(sys_recv(endpoints[0], 0, &m, IPC_NONBLOCK)); // signals that are left
    set_actor(server, STRICT_SERVER, draw() % cpus);
    begin(server);
    set_actor(client, STRICT_CLIENT, draw() % cpus);
    begin(client);
    wait();
}

static void show_records(void)
{
    uint64_t count = shared->records < RECORDS ? shared->records : RECORDS;
    for (uint64_t i = 0; i < count; i++) {
        const struct record *r = &shared->log[i];
        print("ways: record %lu: actor %u call %x -> status %u on CPU %u, badge %lx, tag %lx\n",
              i, (uint32_t)(r->actor_call >> 32), (uint32_t)r->actor_call,
              (uint32_t)r->status_cpu, (uint32_t)(r->status_cpu >> 32), r->badge, r->tag);
    }
}

static void episode(uint64_t number)
{
    shared->records = 0;
    uint32_t cpus = boot()->cpu_count < 2 ? boot()->cpu_count : 2;
    if (number % 8 == 7)
        play_far(cpus);
    else
        play();
    for (uint32_t i = 0; i < ACTORS; i++)
        (void)state_of(i);
    hash_add(shared, shared->records);
    if (number == show)
        show_records();
    if (number % LINES_EVERY == LINES_EVERY - 1 || show != ~0ul || number + 1 == episodes)
        print("ways: episode %lu, %lu calls, hash %lx\n", number, shared->calls, shared->hash);
}

void guest_main(void)
{
    MUST(boot()->magic == BOOT_INFO_MAGIC && boot()->version == BOOT_INFO_VERSION);
    options_read("opt/pith.ways", (uint64_t *const[]){&seed, &episodes, &show}, 3);
    random = seed * 0x9e3779b97f4a7c15 | 1;
    prepare();
    print("ways: seed %lu, %lu episodes\n", seed, episodes);
    for (uint64_t i = 0; i < episodes && i <= show; i++)
        episode(i);
    for (uint32_t call = 0; call <= SYSCALL_COUNT; call++)
        for (uint32_t status = 0; status < 64; status++)
            if (shared->results[call][status])
                print("ways: call %u status %u: %lu times\n", call, status,
                      shared->results[call][status]);
    print("ways: %lu calls, hash %lx\nways: took %lu ns\nguest end\n", shared->calls,
          shared->hash, took);
    for (;;)
        status_ignore(sys_recv(HANDLE_NULL, 0, &(struct message){0}, 0));
}
