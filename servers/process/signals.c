// Signals: what is sent to a process, and Ctrl-C. Called by requests.c and main.c.
//
// A signal that the process catches diverts its first thread into libc's handler. A thread that
// is inside that handler cannot be diverted again: the signal stays pending and is tried again
// soon, which the timer tells.
#include <lib/clock.h>
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/start.h>
#include <proto/console.h>
#include <proto/init.h>
#include <proto/timer.h>
#include "process.h"

enum {
    RETRY_NANOSECONDS = 2000000,
    END_NANOSECONDS = 5000000, // so that who ends this server has its answer before
    RETRY_ALARM = 1,
    SIGNALS = 32,
};

static bool diverts = true; // some signal may be pending

static uint64_t bit(uint32_t signal)
{
    return 1ul << signal;
}

static void retry_later(void)
{
    status_ignore(timer_alarm(session_to(STARTUP_SLOT_TIMER),
                              clock_now(startup_block->tsc_hz) + RETRY_NANOSECONDS, RETRY_ALARM,
                              table()->retry_wake));
}

/// Delivers one pending signal: the thread is in its handler in the instant in which the signal
/// is pending no more.
static void divert(struct process *process)
{
    uint64_t signal = (uint64_t)__builtin_ctzl(process->pending);
    kept_commit();
    process->pending &= ~bit((uint32_t)signal);
    enum status status = kept_thread_control(process->image.thread, THREAD_OP_DIVERT, signal);
    if (status == E_BUSY)
        retry_later();
    else if (status != OK) // undone: it can have none
        process->pending &= ~bit((uint32_t)signal);
    kept_commit();
}

void signals_settle(void)
{
    if (!diverts)
        return;
    diverts = false;
    LIST_EACH(link, &table()->processes)
    {
        struct process *process = LIST_OBJECT(link, struct process, link);
        if (process->pending && process->state == PROCESS_STATE_RUNNING &&
            !process_ends(process))
            divert(process);
    }
}

enum status signal_send(struct server *server, struct process *process, uint32_t signal)
{
    if (process->state == PROCESS_STATE_SERVER && signal == SIGNAL_KILL) {
        enum status status =
            init_end_server(session_to(STARTUP_SLOT_INIT), process->pid, END_NANOSECONDS, 0);
        return status == E_AGAIN ? OK : status; // it ends
    }
    if (process->state == PROCESS_STATE_SERVER)
        return signal ? E_RIGHTS : OK;
    if (signal >= SIGNALS)
        return E_INVAL;
    if (signal == 0 || process->state == PROCESS_STATE_ZOMBIE)
        return OK;
    if (signal != SIGNAL_KILL && process->caught & bit(signal)) {
        process->pending |= bit(signal);
        diverts = server->unsettled = true;
    } else if (signal == SIGNAL_KILL ||
               (signal != SIGNAL_CHLD && !(process->ignored & bit(signal))))
        process_end(server, process, SIGNALED + signal);
    return OK;
}

enum status signal_group(struct server *server, uint32_t group, uint32_t signal)
{
    enum status status = E_SRCH;
    // Each end may take other records away, but never makes new ones: look again from the last
    // id.
    for (uint32_t from = 0;;) {
        struct process *process = process_from(from);
        if (!process)
            return status;
        from = process->pid + 1;
        if (process->group == group && process->state == PROCESS_STATE_RUNNING)
            status = signal_send(server, process, signal);
        if (from == 0)
            return status;
    }
}

void signal_foreground(uint32_t group)
{
    table()->foreground = group;
}

void signals_arrived(struct server *server, uint64_t bits)
{
    if (bits & INTERRUPT_SIGNAL && table()->foreground)
        (void)signal_group(server, table()->foreground, SIGNAL_INT);
    if (bits & RETRY_SIGNAL)
        diverts = server->unsettled = true;
}

static void fault_again(uint32_t thread)
{
    uint64_t none[3]; // E_BUSY: it is well, or its fault is still to be received
    status_ignore(sys_thread_control(thread, THREAD_OP_FAULT, FAULT_ACTION_RETRY, 0, &none[0],
                                     &none[1], &none[2]));
}

void signals_resume(void)
{
    LIST_EACH(link, &table()->processes)
    {
        struct process *process = LIST_OBJECT(link, struct process, link);
        if (process->state != PROCESS_STATE_RUNNING || process_ends(process))
            continue;
        fault_again(process->image.thread);
        LIST_EACH(further, &process->threads)
        {
            fault_again(LIST_OBJECT(further, struct thread, link)->slot);
        }
    }
}

static uint32_t wake_slot(uint32_t endpoint, uint64_t bits)
{
    uint32_t slot = slot_alloc();
    CHECK(slot && sys_cap_copy(HANDLE_NULL, slot, endpoint, DERIVE_SIGNAL, bits, 0) == OK);
    return slot;
}

void signals_start(uint32_t endpoint)
{
    if (!table()->retry_wake)
        table()->retry_wake = wake_slot(endpoint, RETRY_SIGNAL);
    uint32_t interrupt = wake_slot(endpoint, INTERRUPT_SIGNAL);
    enum status status = console_on_interrupt(session_to(STARTUP_SLOT_CONSOLE), interrupt);
    if (status != OK)
        log_line("no Ctrl-C: console answered status %u", status);
    slot_delete(interrupt);
}
