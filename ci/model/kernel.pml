/* Waiting and waking in the kernel: call, send, recv, reply, reply_recv, signal, cancel, suspend,
 * start, delete and revoke of threads, endpoints and Replies, on several CPUs.
 *
 * Included by explore.pml, where every order of events happens, and by trace.pml, where the
 * kernel's own code says what happened. One inline for each function of kern/ that it stands
 * for, named in its comment. A step is what one holder of kern_lock does; what happens between
 * steps is in explore.pml.
 *
 * Left out: what messages carry, faults, priorities and slices (any ready thread of a CPU may
 * be next, and any running one may be put aside). Deleting the last capability, or revoking
 * what an object was made of, is one event here: the object begins to die.
 *
 * Sizes: CPUS, THREADS, ENDPOINTS, REPLIES, given by spin -D. */

#define NONE 255

/* Thread states, numbered as in kern/abi/pith.idl. */
#define INACTIVE  0
#define READY     1
#define RUNNING   2
#define SENDING   3
#define RECEIVING 4
#define CALLING   5

/* Objects: DYING is in the graveyard, GONE is buried. */
#define ALIVE 0
#define DYING 1
#define GONE  2

/* Where a CPU is. */
#define USER    0 /* user mode: interrupts come in */
#define TRAPPED 1 /* a system call waits for the lock */
#define STOPPED 2 /* an interrupt waits for the lock */
#define IDLING  3 /* released the lock, about to halt: interrupts off */
#define HALTED  4

/* How a wait ended. */
#define OK   0
#define INTR 1
#define DEAD 2

typedef fifo { byte n; byte at[THREADS] };

byte state[THREADS], home[THREADS];
byte reply_of[THREADS] = NONE; /* RECEIVING: the Reply it offers; CALLING: the one that holds it */
bool calls[THREADS];           /* SENDING: by call, not send */
byte thread_life[THREADS];

byte answers[REPLIES] = NONE; /* struct reply.thread */
byte reply_life[REPLIES];

fifo senders[ENDPOINTS], receivers[ENDPOINTS], waiters[ENDPOINTS];
byte pending[ENDPOINTS], endpoint_life[ENDPOINTS];

byte corpses; /* in the graveyard */

byte running[CPUS] = NONE, place[CPUS];
bool ipi[CPUS];     /* latched by the interrupt controller until the CPU lets interrupts in */
bool ticking[CPUS]; /* the timer is on */

/* Not the kernel's: whether a thread's system call is still owed its result. */
bool owed[THREADS];

hidden byte i, j, from, to; /* within one d_step */

#ifdef TRACE
byte ended[THREADS]; /* how its last wait ended */
#define ENDED(t, how) ended[t] = how
#else
#define ENDED(t, how) skip
#endif

/* ---- queues: kern/include/kern/link.h */

inline push(q, t) {
    q.at[q.n] = t;
    q.n++
}

/* Takes t out, wherever it is; nothing if it is not there. */
inline drop(q, t) {
    i = 0;
    do
    :: i < q.n && q.at[i] != t -> i++
    :: else -> break
    od;
    if
    :: i < q.n ->
        q.n--;
        do
        :: i < q.n -> q.at[i] = q.at[i + 1]; i++
        :: else -> break
        od;
        q.at[q.n] = 0
    :: else
    fi
}

inline pop(q, t) {
    t = q.at[0];
    drop(q, t)
}

inline unqueue(t) {
    j = 0;
    do
    :: j < ENDPOINTS ->
        drop(senders[j], t);
        drop(receivers[j], t);
        drop(waiters[j], t);
        j++
    :: else -> break
    od
}

/* ---- waiting */

/* The running thread's system call has no result yet. */
inline blocks(t, how) {
    state[t] = how;
    owed[t] = true
}

/* The one result of a system call that waited. */
inline ends(t, how) {
    assert(owed[t]); /* no call is answered twice */
    owed[t] = false;
    ENDED(t, how)
}

/* sched_ready(): on CPU c, for a thread of any CPU. */
inline ready(c, t) {
    state[t] = READY;
    reply_of[t] = NONE;
    if
    :: home[t] != c && running[home[t]] == NONE -> ipi[home[t]] = true
    :: else
    fi
}

/* wait_fetch(): a thread that runs elsewhere is off its CPU before its state changes. The other
 * CPU is made to enter the kernel, or waits for the lock already: then its system call is taken
 * back. */
inline wait_fetch(c, t) {
    if
    :: state[t] == RUNNING && home[t] != c ->
        running[home[t]] = NONE;
        place[home[t]] = STOPPED;
        state[t] = READY
    :: else
    fi
}

/* wait_end() */
inline wait_end(c, t, how) {
    wait_fetch(c, t);
    unqueue(t);
    if
    :: (state[t] == RECEIVING || state[t] == CALLING) && reply_of[t] != NONE ->
        answers[reply_of[t]] = NONE
    :: else
    fi;
    if
    :: state[t] >= SENDING -> ends(t, how)
    :: else
    fi;
    reply_of[t] = NONE;
    state[t] = INACTIVE
}

/* ipc_deliver(): from is in no queue, to offers a Reply and is in no queue. */
inline deliver(f, t) {
    if
    :: calls[f] ->
        answers[reply_of[t]] = f;
        reply_of[f] = reply_of[t];
        state[f] = CALLING
    :: else ->
        answers[reply_of[t]] = NONE
    fi;
    reply_of[t] = NONE
}

/* ---- system calls of t, which runs on c. Arguments that the kernel refuses change nothing. */

/* ipc_send() */
inline sys_send(c, t, e, is_call) {
    calls[t] = is_call;
    if
    :: receivers[e].n ->
        pop(receivers[e], to);
        if
        :: is_call -> blocks(t, CALLING)
        :: else
        fi;
        deliver(t, to);
        ends(to, OK);
        ready(c, to)
    :: else ->
        blocks(t, SENDING);
        push(senders[e], t)
    fi
}

/* receive(): r may be NONE, for signals only. */
inline receive(c, t, e, r) {
    if
    :: pending[e] -> pending[e] = 0
    :: else ->
        if
        :: r != NONE && senders[e].n ->
            pop(senders[e], from);
            reply_of[t] = r;
            deliver(from, t);
            if
            :: !calls[from] -> ends(from, OK); ready(c, from)
            :: else
            fi
        :: else ->
            blocks(t, RECEIVING);
            reply_of[t] = r;
            if
            :: r != NONE -> answers[r] = t; push(receivers[e], t)
            :: else -> push(waiters[e], t)
            fi
        fi
    fi
}

/* ipc_recv(): a Reply that holds someone is refused (E_BUSY). */
inline sys_recv(c, t, e, r) {
    if
    :: r != NONE && answers[r] != NONE
    :: else -> receive(c, t, e, r)
    fi
}

/* answer(): nobody there is E_DEAD, and changes nothing. */
inline sys_reply(c, r) {
    to = answers[r];
    if
    :: to != NONE && state[to] == CALLING ->
        answers[r] = NONE;
        ends(to, OK);
        ready(c, to)
    :: else
    fi
}

/* ipc_reply_recv(): a Reply that another offers is refused. */
inline sys_reply_recv(c, t, e, r) {
    if
    :: answers[r] != NONE && state[answers[r]] == RECEIVING
    :: else ->
        sys_reply(c, r);
        receive(c, t, e, r)
    fi
}

/* endpoint_wake() */
inline wake(c, q) {
    pop(q, to);
    if
    :: reply_of[to] != NONE -> answers[reply_of[to]] = NONE
    :: else
    fi;
    ends(to, OK);
    ready(c, to)
}

/* endpoint_signal(): also what an interrupt line does. */
inline sys_signal(c, e, bits) {
    if
    :: waiters[e].n -> wake(c, waiters[e])
    :: else ->
        if
        :: receivers[e].n -> wake(c, receivers[e])
        :: else -> pending[e] = pending[e] | bits
        fi
    fi
}

/* thread_control CANCEL, SUSPEND, START */
inline sys_cancel(c, t) {
    if
    :: state[t] >= SENDING -> wait_end(c, t, INTR); ready(c, t)
    :: else
    fi
}

inline sys_suspend(c, t) {
    wait_end(c, t, INTR)
}

inline sys_start(c, t) {
    if
    :: state[t] == INACTIVE -> ready(c, t)
    :: else
    fi
}

/* thread_control CPU: sched_move() */
inline sys_move(c, t, other) {
    wait_fetch(c, t);
    if
    :: home[t] != other && (state[t] == READY || state[t] == RUNNING) ->
        if
        :: state[t] == RUNNING -> running[c] = NONE
        :: else
        fi;
        home[t] = other;
        ready(c, t)
    :: else -> home[t] = other
    fi
}

/* ---- the end of objects: object_die(), delete_bury(), one unit of work each */

inline die(life) {
    life = DYING;
    corpses++
}

inline buried(life) {
    life = GONE;
    corpses--
}

/* drain(): one of those who wait. */
inline drain(c, q) {
    to = q.at[0];
    wait_end(c, to, DEAD);
    ready(c, to)
}

inline bury_thread(c, t) {
    wait_end(c, t, DEAD);
    buried(thread_life[t])
}

/* reply_release() */
inline bury_reply(c, r) {
    to = answers[r];
    if
    :: to != NONE -> wait_end(c, to, DEAD); ready(c, to)
    :: else
    fi;
    buried(reply_life[r])
}

/* endpoint_drain() */
inline bury_endpoint(c, e) {
    if
    :: senders[e].n -> drain(c, senders[e])
    :: else ->
        if
        :: receivers[e].n -> drain(c, receivers[e])
        :: else ->
            if
            :: waiters[e].n -> drain(c, waiters[e])
            :: else -> buried(endpoint_life[e])
            fi
        fi
    fi
}

/* delete_revoke() of an endpoint's own capability: its senders, one each step. */
inline revoke(c, e) {
    if
    :: senders[e].n -> drain(c, senders[e])
    :: else
    fi
}

/* ---- leaving: sched_pick() */

#define CAN_RUN(c, t) (state[t] == READY && home[t] == c)

inline runs(c, t) {
    running[c] = t;
    state[t] = RUNNING;
    place[c] = USER;
    ticking[c] = true
}

/* Nobody is ready: releases the lock and sleeps. The timer stays on while something dies. */
inline idles(c) {
    running[c] = NONE;
    place[c] = IDLING;
    ticking[c] = corpses > 0
}
