// Drives the kernel on the host with random calls of many threads on two CPUs and writes what
// happened, for trace.pml: a line for each entry to the kernel with
//     op cpu thread endpoint reply victim
// and the state that it left (see seen()). Numbers are places in the tables below; 255 is none.
//   trace SEED LENGTH >FILE
#include "world.h"
#include <string.h>

enum { CPUS = 2, THREADS = 40, ENDPOINTS = 2, REPLIES = 6, NONE = 255 }; // as in trace.pml
enum { ALIVE, DYING, GONE };
enum {
    OTHER,
    CALL,
    SEND,
    RECV,
    REPLY,
    REPLY_RECV,
    SIGNAL,
    CANCEL,
    SUSPEND,
    START,
    MOVE,
    END_THREAD,
    END_ENDPOINT,
    END_REPLY,
    REVOKE,
    REVOKED, // the last step of it
};

static struct actor actors[THREADS];
static struct {
    uint32_t handle, signal;
    struct endpoint *endpoint;
} endpoints[ENDPOINTS];
static struct {
    uint32_t handle;
    struct reply *reply;
} replies[REPLIES];
static uint8_t before[THREADS], ended[THREADS];
static uint64_t seed;

static uint32_t dice(uint32_t sides)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (uint32_t)(seed >> 33) % sides;
}

// ---------------------------------------------------------------- what is seen

static int life(const struct slot *node)
{
    return node->kind == KIND_NONE ? GONE : node->flags & SLOT_DYING ? DYING : ALIVE;
}

static int thread_index(const struct thread *thread)
{
    for (int i = 0; i < THREADS; i++)
        if (actors[i].thread == thread)
            return i;
    return NONE;
}

static int reply_index(const struct reply *reply)
{
    for (int i = 0; i < REPLIES; i++)
        if (replies[i].reply == reply)
            return i;
    return NONE;
}

/// How many wait, and who, first come first.
static void show_queue(const struct link *queue)
{
    int count = 0;
    for (const struct link *at = queue->next; at != queue && count < THREADS; at = at->next)
        count++;
    printf(" %d", count);
    for (const struct link *at = queue->next; count; at = at->next, count--)
        printf(" %d", thread_index(container_of(at, struct thread, link)));
}

static void show_thread(int i)
{
    const struct thread *thread = actors[i].thread;
    uint8_t state = (uint8_t)thread_state(thread);
    bool waits = state >= THREAD_STATE_SENDING;
    if (before[i] >= THREAD_STATE_SENDING && !waits)
        ended[i] = thread->frame.rax == OK       ? 0
                   : thread->frame.rax == E_INTR ? 1
                   : thread->frame.rax == E_DEAD ? 2
                                                 : 3;
    before[i] = state;
    bool replies_to = state == THREAD_STATE_RECEIVING || state == THREAD_STATE_CALLING;
    printf(" %d %d %u %d %d", life(&thread->node), state, thread->cpu->arch.number,
           replies_to ? reply_index(thread->reply) : NONE, ended[i]);
}

/// CPUs: who runs; whether it was called by another. Threads: life, state, CPU, Reply, how the
/// last wait ended. Replies: life, whose. Endpoints: life, pending, senders, receivers,
/// waiters.
static void show(int op, uint32_t cpu, int thread, int endpoint, int reply, int victim)
{
    printf("%d %u %d %d %d %d", op, cpu, thread, endpoint, reply, victim);
    for (int i = 0; i < CPUS; i++)
        printf(" %d", thread_index(cpu_thread(&kern_cpus[i])));
    for (int i = 0; i < CPUS; i++)
        printf(" %d", mock_called[i]);
    for (int i = 0; i < THREADS; i++)
        show_thread(i);
    for (int i = 0; i < REPLIES; i++)
        printf(" %d %d", life(&replies[i].reply->node), thread_index(replies[i].reply->thread));
    for (int i = 0; i < ENDPOINTS; i++) {
        const struct endpoint *endpoint_ = endpoints[i].endpoint;
        printf(" %d %d", life(&endpoint_->node), endpoint_->pending != 0);
        show_queue(&endpoint_->senders);
        show_queue(&endpoint_->receivers);
        show_queue(&endpoint_->waiters);
    }
    putchar('\n');
}

// ---------------------------------------------------------------- what is done

static void prepare(void)
{
    world_add_cpus(CPUS);
    world_untyped = make(KIND_UNTYPED, 20);
    for (int i = 0; i < ENDPOINTS; i++) {
        endpoints[i].handle = make(KIND_ENDPOINT, 0);
        endpoints[i].endpoint = slot_of(endpoints[i].handle)->object;
        endpoints[i].signal = mint_signal(endpoints[i].handle, 1);
        expect_ok(kernel(SYSCALL_IRQ_CONTROL, BOOT_SLOT_IRQ, IRQ_OP_BIND, (uint64_t)i,
                         endpoints[i].signal, 0, 0, 0));
    }
    for (int i = 0; i < REPLIES; i++) {
        replies[i].handle = make(KIND_REPLY, 0);
        replies[i].reply = slot_of(replies[i].handle)->object;
    }
    // The first never waits and is never harmed: it goes on when nobody else does.
    for (int i = 0; i < THREADS; i++) {
        actors[i] = actor_new(i ? 2 + dice(3) : 1, 0, 0, 0);
        if (i && dice(2))
            expect_ok(k_control(actors[i].handle, THREAD_OP_CPU, 1, 0));
    }
    expect_equal(k_control(HANDLE_NULL, THREAD_OP_SUSPEND, 0, 0), BLOCKED);
    world_calls();
}

/// One that was not deleted yet, or NONE.
static int pick(int count, uint32_t (*handle)(int))
{
    for (int i = 0; i < 20; i++) {
        int chosen = (int)dice((uint32_t)count);
        if (slot_of(handle(chosen))->kind != KIND_NONE)
            return chosen;
    }
    return NONE;
}

static uint32_t thread_handle(int i)
{
    return actors[i].handle;
}

static uint32_t endpoint_handle(int i)
{
    return endpoints[i].handle;
}

static uint32_t reply_handle(int i)
{
    return replies[i].handle;
}

static int any_op(int self)
{
    static const uint8_t usual[] = {CALL,       CALL,       CALL,   CALL,   SEND,  RECV,
                                    RECV,       REPLY,      REPLY,  REPLY,  MOVE,  REPLY_RECV,
                                    REPLY_RECV, REPLY_RECV, SIGNAL, SIGNAL, CANCEL};
    static const uint8_t patient[] = {REPLY, REPLY, SIGNAL, CANCEL, CANCEL, START, MOVE};
    if (dice(40) == 0)
        return SUSPEND;
    if (dice(100) == 0)
        return REVOKE;
    if (dice(80) == 0)
        return dice(4) ? END_THREAD : dice(2) ? END_REPLY : END_ENDPOINT;
    return self ? usual[dice(sizeof(usual))] : patient[dice(sizeof(patient))];
}

static uint64_t carry_out(int op, int e, int r, int v)
{
    uint32_t endpoint = e == NONE ? 0 : endpoints[e].handle;
    uint32_t reply = r == NONE ? 0 : replies[r].handle, thread = actors[v].handle;
    switch (op) {
    case CALL:
        return k_call(endpoint, dice(8));
    case SEND:
        return k_send(endpoint, dice(8), dice(2));
    case RECV:
        return k_recv(endpoint, reply, dice(4));
    case REPLY:
        return k_reply(reply, dice(8));
    case REPLY_RECV:
        return k_reply_recv(endpoint, reply, dice(8));
    case SIGNAL:
        return k_signal(endpoints[e].signal);
    case CANCEL:
        return k_control(thread, THREAD_OP_CANCEL, 0, 0);
    case SUSPEND:
        return k_control(thread, THREAD_OP_SUSPEND, 0, 0);
    case START:
        return k_control(thread, THREAD_OP_START, 0, 0);
    case MOVE:
        return k_control(thread, THREAD_OP_CPU, (uint64_t)r, 0);
    case END_THREAD:
        return k_delete(thread);
    case END_ENDPOINT:
        return k_delete(endpoint);
    case END_REPLY:
        return k_delete(reply);
    default:
        return k_revoke(endpoint);
    }
}

/// A system call of the thread that runs on mock_cpu.
static void call(void)
{
    int self = thread_index(running()), op = any_op(self);
    int e = pick(dice(6) ? 1 : ENDPOINTS, endpoint_handle), r = pick(REPLIES, reply_handle);
    int v = pick(THREADS, thread_handle);
    uint32_t cpu = mock_cpu;
    if (op == MOVE)
        r = (int)dice(CPUS);
    if (op == RECV && dice(3) == 0)
        r = NONE;
    bool wants_endpoint = (op <= SIGNAL && op != REPLY) || op == REVOKE || op == END_ENDPOINT;
    bool wants_reply = op == REPLY || op == REPLY_RECV || op == END_REPLY;
    if ((wants_endpoint && e == NONE) || (wants_reply && r == NONE))
        op = CANCEL;
    if (v == NONE || v == 0) // the first is not to be harmed
        v = self;
    if (v == 0 && (op == SUSPEND || op == END_THREAD))
        op = OTHER;
    if (op == OTHER) {
        k_yield();
    } else {
        uint64_t status = carry_out(op, e, r, v);
        if (status != OK && status != E_MORE && status != BLOCKED)
            op = OTHER;
        else if (op == REVOKE && status == OK)
            op = REVOKED;
    }
    show(op, cpu, self, e, r, v);
}

static void step(void)
{
    mock_cpu = dice(CPUS);
    uint32_t cpu = mock_cpu;
    bool taken = cpu_thread(&kern_cpus[cpu]) == &kern_cpus[cpu].idle;
    if (mock_called[cpu] && dice(2)) {
        world_call();
        show(OTHER, cpu, NONE, NONE, NONE, NONE);
    } else if (taken && mock_called[cpu]) {
        return; // it is on its way in
    } else if (dice(12) == 0) {
        uint32_t line = dice(ENDPOINTS);
        interrupt(line);
        bool heard = slot_of(endpoints[line].signal)->kind != KIND_NONE;
        show(heard ? SIGNAL : OTHER, cpu, NONE, (int)line, NONE, NONE);
    } else if (taken || dice(12) == 0) {
        tick();
        show(OTHER, cpu, NONE, NONE, NONE, NONE);
    } else {
        call();
    }
}

int main(int count, char **arguments)
{
    expect(count == 3);
    seed = strtoull(arguments[1], NULL, 10) * 77777 + 1;
    unsigned long length = strtoul(arguments[2], NULL, 10);
    setvbuf(stdout, NULL, _IOLBF, 1 << 16); // what was done before a panic counts
    world_boot();
    prepare();
    show(OTHER, 0, NONE, NONE, NONE, NONE);
    for (unsigned long i = 0; i < length; i++)
        step();
    fflush(stdout);
    _Exit(0); // the kernel's memory is nobody's leak
}
