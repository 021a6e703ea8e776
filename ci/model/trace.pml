/* Accepts what the kernel's code did, or says where the model cannot follow.
 *
 * $TRACE names a file that trace.c wrote: for each entry to the kernel a line with what was
 * asked for and the state that it left. Here kernel.pml does the same, with the choices that it
 * leaves open (how much is buried; who is next), and must reach that state.
 * Ends with `accepted N events`, or `refused: event N`. */

#ifndef CPUS
#define CPUS 2
#endif
#define THREADS   40
#define ENDPOINTS 2
#define REPLIES   6

#define TRACE
#include "kernel.pml"

c_decl {
\#include <stdio.h>
\#include <stdlib.h>
\#include <unistd.h>
    enum { CPUS_ = CPUS, THREADS_ = THREADS, ENDPOINTS_ = ENDPOINTS, REPLIES_ = REPLIES, 
           DYING_ = DYING, GONE_ = GONE, READY_ = READY, NONE_ = NONE };
}

int at, length; /* the event that is next; how many there are */
bool fits;
byte op, on, by, ep, rep, who, next;

c_code {
    enum { ASKED = 6, SEEN_MAX = 1024 };
    struct event { unsigned char asked[ASKED], seen[SEEN_MAX]; };
    static struct event *events;
    static int count, furthest;

    /* Nothing was accepted. */
    static void refuse(void)
    {
        printf("refused: event %d\n", furthest + 1);
    }

    static void read_events(void)
    {
        FILE *file = fopen(getenv("TRACE"), "r");
        char line[8192];
        if (!file) {
            printf("refused: no trace\n");
            exit(2);
        }
        while (fgets(line, sizeof(line), file)) {
            char *from = line, *to;
            events = realloc(events, (count + 1) * sizeof(*events));
            struct event *event = &events[count++];
            for (int i = 0; i < ASKED + SEEN_MAX; i++, from = to) {
                long number = strtol(from, &to, 10);
                if (to == from)
                    break;
                *(i < ASKED ? &event->asked[i] : &event->seen[i - ASKED]) = number;
            }
        }
        fclose(file);
        atexit(refuse);
    }

    static const unsigned char *seen_threads(void)
    {
        return events[now.at].seen + 2 * CPUS_;
    }

    static int seen_thread_gone(int i)
    {
        return seen_threads()[5 * i] == GONE_;
    }

    static int seen_reply_gone(int i)
    {
        return seen_threads()[5 * THREADS_ + 2 * i] == GONE_;
    }

    static int same_queue(const struct fifo *queue, const unsigned char **seen)
    {
        int same = queue->n == *(*seen)++;
        for (int i = 0; same && i < queue->n; i++)
            same = queue->at[i] == *(*seen)++;
        return same;
    }

    /* The state to begin with. */
    static void begin(void)
    {
        const unsigned char *seen = events[0].seen;
        for (int i = 0; i < CPUS_; i++)
            now.running[i] = seen[i];
        for (int i = 0; i < THREADS_; i++) {
            now.state[i] = seen[2 * CPUS_ + 5 * i + 1];
            now.home[i] = seen[2 * CPUS_ + 5 * i + 2];
        }
    }

    /* Whether the model's state is what was seen after the event. */
    static int same_state(void)
    {
        const unsigned char *seen = events[now.at].seen, *called = seen + CPUS_;
        int same = 1;
        for (int i = 0; i < CPUS_; i++)
            same = same && now.running[i] == *seen++;
        for (int i = 0; i < THREADS_; i++) /* no wake-up is lost */
            same = same && (now.state[i] != READY_ || now.running[now.home[i]] != NONE_ ||
                            called[now.home[i]]);
        seen += CPUS_;
        for (int i = 0; i < THREADS_; i++, seen += 5)
            same = same && now.thread_life[i] == seen[0] &&
                   (seen[0] == GONE_ ||
                    (now.state[i] == seen[1] && now.home[i] == seen[2] &&
                     now.reply_of[i] == seen[3] && now.ended[i] == seen[4]));
        for (int i = 0; i < REPLIES_; i++, seen += 2)
            same = same && now.reply_life[i] == seen[0] && now.answers[i] == seen[1];
        for (int i = 0; same && i < ENDPOINTS_; i++) {
            same = now.endpoint_life[i] == seen[0] && now.pending[i] == seen[1];
            seen += 2;
            same = same && same_queue(&now.senders[i], &seen) &&
                   same_queue(&now.receivers[i], &seen) && same_queue(&now.waiters[i], &seen);
        }
        return same;
    }
};

/* Buries what was seen to be gone, in this order: it makes no difference to what is compared.
 * Of an endpoint that is not gone yet, any part. */
inline bury_seen(c) {
    for (who : 0 .. THREADS - 1) {
        c_code { now.fits = now.thread_life[now.who] == DYING_ && seen_thread_gone(now.who); };
        if
        :: fits -> d_step { bury_thread(c, who) }
        :: else
        fi
    }
    for (who : 0 .. REPLIES - 1) {
        c_code { now.fits = now.reply_life[now.who] == DYING_ && seen_reply_gone(now.who); };
        if
        :: fits -> d_step { bury_reply(c, who) }
        :: else
        fi
    }
    for (who : 0 .. ENDPOINTS - 1) {
        do
        :: endpoint_life[who] == DYING -> d_step { bury_endpoint(c, who) }
        :: break
        od
    }
}

/* The CPU leaves the kernel with the thread that was seen there. */
inline leave_with(c, to_run) {
    if
    :: to_run == running[c] && to_run != NONE && state[to_run] == RUNNING
    :: else ->
        if
        :: running[c] != NONE && state[running[c]] == RUNNING -> state[running[c]] = READY
        :: else
        fi;
        if
        :: to_run != NONE && CAN_RUN(c, to_run) -> runs(c, to_run)
        :: to_run == NONE -> /* nobody must be able to */
            who = 0;
            do
            :: who < THREADS && !CAN_RUN(c, who) -> who++
            :: who == THREADS -> break
            od;
            idles(c)
        fi
    fi
}

active proctype follow() {
    c_code { read_events(); begin(); now.length = count; };
    do
    :: atomic { at == length -> c_code { printf("accepted %d events\n", count); fflush(stdout); _exit(0); } }
    :: else ->
        atomic {
            c_code {
                if (now.at > furthest)
                    furthest = now.at;
                unsigned char *asked = events[now.at].asked;
                now.op = asked[0]; now.on = asked[1]; now.by = asked[2];
                now.ep = asked[3]; now.rep = asked[4]; now.who = asked[5];
            };
            if
            :: op == 0 /* the state to begin with; a refused call; a tick; another CPU's call */
            :: op == 1 -> d_step { sys_send(on, by, ep, true) }
            :: op == 2 -> d_step { sys_send(on, by, ep, false) }
            :: op == 3 -> d_step { sys_recv(on, by, ep, rep) }
            :: op == 4 -> d_step { sys_reply(on, rep) }
            :: op == 5 -> d_step { sys_reply_recv(on, by, ep, rep) }
            :: op == 6 -> d_step { sys_signal(on, ep, 1) }
            :: op == 7 -> d_step { sys_cancel(on, who) }
            :: op == 8 -> d_step { sys_suspend(on, who) }
            :: op == 9 -> d_step { sys_start(on, who) }
            :: op == 10 -> d_step { sys_move(on, who, rep) }
            :: op == 11 -> d_step { die(thread_life[who]) }
            :: op == 12 -> d_step { die(endpoint_life[ep]) }
            :: op == 13 -> d_step { die(reply_life[rep]) }
            :: op == 14 -> /* E_MORE: some of the senders */
                do
                :: senders[ep].n -> d_step { revoke(on, ep) }
                :: break
                od
            :: op == 15 -> /* the last of them */
                do
                :: senders[ep].n -> d_step { revoke(on, ep) }
                :: else -> break
                od
            fi;
            bury_seen(on);
            c_code { now.next = events[now.at].seen[now.on]; };
            leave_with(on, next);
            who = 0;
            c_code { now.fits = same_state(); };
            fits;
            at++
        }
    od
}
