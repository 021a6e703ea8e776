/// From the kernel's trace events to lines that a person reads.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <pith/abi.h>

struct trace_view {
    uint32_t child; ///< the process whose messages are shown
    uint32_t self;  ///< the tracer, whose own are not
    uint64_t tsc_hz;
    /// Name of a process; never null.
    const char *(*process_name)(uint32_t pid);
};

/// Prints a line for each request and fault of the child's, and for each that a server sends
/// while the child waits for an answer, indented by depth. Events are in order of time.
void trace_print(const struct trace_view *view, const struct trace_event *events, size_t count,
                 FILE *out);
