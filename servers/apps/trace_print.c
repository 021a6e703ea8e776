// See trace_print.h. A request and its answer belong together by the thread that sent it, which
// the kernel puts into both events.
#include "trace_print.h"

#include <stdbool.h>
#include <pith/names.h>
#include <proto/names.h>
#include <proto/startup.h>

enum {
    DEPTH_MAX = 8,
};

static bool is_badge_of(uint64_t badge, uint32_t pid)
{
    return (badge & ~BADGE_MANAGER) == pid;
}

static bool is_call(const struct trace_event *e)
{
    return e->event == TRACE_MESSAGE && (e->a >> TAG_KIND_SHIFT & 15) != MESSAGE_SIGNAL;
}

/// The answer to the request `at`, or null: none in the ring (yet).
static const struct trace_event *find_answer(const struct trace_event *events, size_t count,
                                             size_t at)
{
    for (size_t i = at + 1; i < count; i++) {
        if (events[i].thread != events[at].thread)
            continue;
        if (events[i].event == TRACE_REPLY)
            return &events[i];
        if (is_call(&events[i]))
            break;
    }
    return NULL;
}

static void print_name(const struct trace_event *e, FILE *out)
{
    uint32_t label = (uint32_t)(e->a >> TAG_LABEL_SHIFT);
    bool fault = (e->a >> TAG_KIND_SHIFT & 15) == MESSAGE_FAULT;
    const char *name = fault ? fault_kind_name(label) : label_name(label);
    if (name)
        fprintf(out, fault ? "fault: %s" : "%s", name);
    else
        fprintf(out, "request %#x", label);
}

static void print_answer(const struct trace_event *request, const struct trace_event *answer,
                         uint64_t tsc_hz, FILE *out)
{
    if (!answer) {
        fprintf(out, "  no answer\n");
        return;
    }
    uint64_t status = answer->b == OK ? answer->a >> TAG_LABEL_SHIFT : answer->b;
    uint64_t us = (answer->time - request->time) * 1000000 / tsc_hz;
    const char *name = status_name(status);
    fprintf(out, "  %s  %llu us\n", name ? name : "?", (unsigned long long)us);
}

static void print_request(const struct trace_view *view, const struct trace_event *events,
                          size_t count, size_t at, unsigned depth, FILE *out)
{
    const struct trace_event *e = &events[at];
    uint64_t us = (e->time - events[0].time) * 1000000 / view->tsc_hz;
    fprintf(out, "%8llu us  %*s%s: ", (unsigned long long)us, (int)depth * 4, "",
            view->process_name((uint32_t)e->b));
    print_name(e, out);
    print_answer(e, find_answer(events, count, at), view->tsc_hz, out);
}

void trace_print(const struct trace_view *view, const struct trace_event *events, size_t count,
                 FILE *out)
{
    uint32_t open[DEPTH_MAX]; // threads whose requests are being served, the child's first
    unsigned depth = 0;
    for (size_t i = 0; i < count; i++) {
        const struct trace_event *e = &events[i];
        if (e->event == TRACE_REPLY) {
            for (unsigned k = 0; k < depth; k++) {
                if (open[k] == e->thread)
                    depth = k;
            }
        }
        bool own = is_badge_of(e->b, view->child);
        if (!is_call(e) || is_badge_of(e->b, view->self) || (!own && depth == 0))
            continue;
        if (own)
            depth = 0;
        print_request(view, events, count, i, depth, out);
        if (depth < DEPTH_MAX)
            open[depth++] = e->thread;
    }
}
