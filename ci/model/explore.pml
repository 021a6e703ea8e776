/* Every order of events that THREADS threads on CPUS CPUs can bring about with ENDPOINTS
 * endpoints and REPLIES Replies (kernel.pml), and what must hold between any two steps. */

#ifndef CPUS
#define CPUS 2
#endif
#ifndef THREADS
#define THREADS 3
#endif
#ifndef ENDPOINTS
#define ENDPOINTS 1
#endif
#ifndef REPLIES
#define REPLIES 2
#endif

#include "kernel.pml"

/* ---- what must hold whenever the lock is free */

hidden byte sends, receives, at_rest;

/* How often t is in q. */
inline count(q, t, sum) {
    i = 0;
    do
    :: i < q.n -> sum = sum + (q.at[i] == t); i++
    :: else -> break
    od
}

inline check_thread(t) {
    sends = 0;
    receives = 0;
    j = 0;
    do
    :: j < ENDPOINTS ->
        count(senders[j], t, sends);
        count(receivers[j], t, receives);
        count(waiters[j], t, receives);
        j++
    :: else -> break
    od;
    assert(sends == (state[t] == SENDING) && receives == (state[t] == RECEIVING));
    assert(!sends && !receives || thread_life[t] != GONE); /* no queue holds a dead thread */
    assert(owed[t] == (state[t] >= SENDING)); /* a result is owed to those who wait, only */
    if
    :: state[t] == CALLING -> /* no received caller is forgotten */
        assert(reply_of[t] != NONE && answers[reply_of[t]] == t);
        assert(reply_life[reply_of[t]] != GONE)
    :: else
    fi;
    assert(state[t] != RUNNING || running[home[t]] == t);
    /* No wake-up is lost: a CPU that sleeps, or is about to, has nobody to run, or is called. */
    assert(!CAN_RUN(home[t], t) || place[home[t]] < IDLING || ipi[home[t]])
}

inline check_endpoint(e) {
    assert(!senders[e].n || !receivers[e].n); /* who could meet has met */
    assert(!pending[e] || (!receivers[e].n && !waiters[e].n)); /* no signal is slept through */
    assert(endpoint_life[e] != GONE || !(senders[e].n + receivers[e].n + waiters[e].n))
}

inline check_reply(r) {
    if
    :: answers[r] != NONE ->
        assert(reply_of[answers[r]] == r && reply_life[r] != GONE);
        assert(state[answers[r]] == RECEIVING || state[answers[r]] == CALLING)
    :: else
    fi
}

inline check_cpu(c) {
    if
    :: running[c] != NONE -> /* and nobody dead runs */
        assert(state[running[c]] == RUNNING && home[running[c]] == c);
        assert(thread_life[running[c]] != GONE && place[c] < IDLING)
    :: else
    fi;
    at_rest = at_rest && place[c] >= IDLING && !ipi[c] && !ticking[c]
}

inline check() {
    to = 0;
    do
    :: to < THREADS -> check_thread(to); to++
    :: else -> break
    od;
    to = 0;
    do
    :: to < ENDPOINTS -> check_endpoint(to); to++
    :: else -> break
    od;
    to = 0;
    do
    :: to < REPLIES -> check_reply(to); to++
    :: else -> break
    od;
    at_rest = true;
    to = 0;
    do
    :: to < CPUS -> check_cpu(to); to++
    :: else -> break
    od;
    assert(!at_rest || !corpses); /* nobody dies for ever */
    to = 0
}

/* ---- choices: one that lives, or NONE */

inline any_thread(t) {
    if
    :: thread_life[0] == ALIVE -> t = 0
#if THREADS > 1
    :: thread_life[1] == ALIVE -> t = 1
#endif
#if THREADS > 2
    :: thread_life[2] == ALIVE -> t = 2
#endif
#if THREADS > 3
    :: thread_life[3] == ALIVE -> t = 3
#endif
    :: else -> t = NONE
    fi
}

inline any_endpoint(e) {
    if
    :: endpoint_life[0] == ALIVE -> e = 0
#if ENDPOINTS > 1
    :: endpoint_life[1] == ALIVE -> e = 1
#endif
    :: else -> e = NONE
    fi
}

inline any_reply(r) {
    if
    :: reply_life[0] == ALIVE -> r = 0
#if REPLIES > 1
    :: reply_life[1] == ALIVE -> r = 1
#endif
#if REPLIES > 2
    :: reply_life[2] == ALIVE -> r = 2
#endif
    :: else -> r = NONE
    fi
}

/* One unit of work in the graveyard, whichever comes first. */
inline bury(c) {
    if
    :: thread_life[0] == DYING -> d_step { bury_thread(c, 0) }
#if THREADS > 1
    :: thread_life[1] == DYING -> d_step { bury_thread(c, 1) }
#endif
#if THREADS > 2
    :: thread_life[2] == DYING -> d_step { bury_thread(c, 2) }
#endif
#if THREADS > 3
    :: thread_life[3] == DYING -> d_step { bury_thread(c, 3) }
#endif
    :: endpoint_life[0] == DYING -> d_step { bury_endpoint(c, 0) }
#if ENDPOINTS > 1
    :: endpoint_life[1] == DYING -> d_step { bury_endpoint(c, 1) }
#endif
    :: reply_life[0] == DYING -> d_step { bury_reply(c, 0) }
#if REPLIES > 1
    :: reply_life[1] == DYING -> d_step { bury_reply(c, 1) }
#endif
#if REPLIES > 2
    :: reply_life[2] == DYING -> d_step { bury_reply(c, 2) }
#endif
    :: else
    fi
}

inline pick(c) {
    if
    :: CAN_RUN(c, 0) -> runs(c, 0)
#if THREADS > 1
    :: CAN_RUN(c, 1) -> runs(c, 1)
#endif
#if THREADS > 2
    :: CAN_RUN(c, 2) -> runs(c, 2)
#endif
#if THREADS > 3
    :: CAN_RUN(c, 3) -> runs(c, 3)
#endif
    :: else -> idles(c)
    fi
}

/* sched_resume(): the end of every step. */
inline leave(c) {
    if
    :: running[c] != NONE && state[running[c]] == RUNNING -> place[c] = USER
    :: running[c] != NONE && state[running[c]] == RUNNING -> /* another's turn */
        state[running[c]] = READY;
        pick(c)
    :: else -> pick(c)
    fi;
    d_step { check() }
}

/* ---- who acts */

/* COARSE: a system call and the wait for the lock are one step. */
#ifdef COARSE
#define LOCKABLE USER
#else
#define LOCKABLE TRAPPED
#endif

#define me running[c]
#define IF(condition, call)  if :: condition -> d_step { call } :: else fi

/* User mode on CPU c: any system call at any time. */
proctype user(byte c) {
    byte e, r, v;
    do
#ifndef COARSE
    :: atomic { place[c] == USER -> place[c] = TRAPPED }
#endif
    :: atomic {
        place[c] == LOCKABLE ->
        if
        :: true -> any_endpoint(e); IF(e != NONE, sys_send(c, me, e, true))
        :: true -> any_endpoint(e); IF(e != NONE, sys_send(c, me, e, false))
        :: true -> any_endpoint(e); IF(e != NONE, sys_recv(c, me, e, NONE))
        :: true -> any_endpoint(e); any_reply(r); IF(e != NONE && r != NONE, sys_recv(c, me, e, r))
        :: true -> any_reply(r); IF(r != NONE, sys_reply(c, r))
        :: true -> any_endpoint(e); any_reply(r);
           IF(e != NONE && r != NONE, sys_reply_recv(c, me, e, r))
        :: true -> any_endpoint(e); IF(e != NONE, sys_signal(c, e, 1))
        :: true -> any_thread(v); IF(v != NONE, sys_cancel(c, v))
        :: true -> any_thread(v); IF(v != NONE, sys_suspend(c, v))
        :: true -> any_thread(v); IF(v != NONE, sys_start(c, v))
#ifdef MOVES
        :: true -> any_thread(v); IF(v != NONE, sys_move(c, v, 0))
        :: true -> any_thread(v); IF(v != NONE, sys_move(c, v, CPUS - 1))
#endif
        :: true -> any_endpoint(e); IF(e != NONE, revoke(c, e))
        :: true -> any_thread(v); IF(v != NONE, die(thread_life[v]))
        :: true -> any_endpoint(e); IF(e != NONE, die(endpoint_life[e]))
        :: true -> any_reply(r); IF(r != NONE, die(reply_life[r]))
        :: corpses -> bury(c)
        fi;
        e = 0; r = 0; v = 0;
        leave(c)
      }
    od
}

/* The rest of CPU c: interrupts, from other CPUs and the timer, and sleep. */
proctype machine(byte c) {
    do
    :: atomic { ipi[c] && (place[c] == USER || place[c] == HALTED) ->
        ipi[c] = false;
        place[c] = STOPPED
      }
    :: atomic { place[c] == STOPPED -> leave(c) }
    :: atomic { ticking[c] && (place[c] == USER || place[c] == HALTED) -> bury(c); leave(c) }
    :: atomic { place[c] == IDLING -> place[c] = HALTED }
    od
}

/* A device whose line signals endpoint 0, at CPU 0. */
proctype device() {
    do
    :: atomic {
        endpoint_life[0] != GONE && (place[0] == USER || place[0] == HALTED) ->
        d_step { sys_signal(0, 0, 1) };
        leave(0)
      }
    od
}

init {
    atomic {
        byte t;
        for (t : 0 .. THREADS - 1) {
            home[t] = t % CPUS;
            state[t] = READY
        }
        byte c;
        for (c : 0 .. CPUS - 1) {
            place[c] = STOPPED;
            run user(c);
            run machine(c)
        }
        run device()
    }
}
