/// The calling thread's IPC buffer, and how runtime symbols are named.
///
/// The runtime is linked into ordinary C programs too, which may define any name that libc
/// does not; so its external symbols start with `__pith_`, whatever they are called in C.
#pragma once

#include <pith/abi.h>

#define PITH_SYMBOL(name) __asm__("__pith_" #name)
#define PITH_CHECKED      __attribute__((warn_unused_result))

#ifdef PITH_MOCK
struct ipc_buffer *ipc_buffer(void);
#else
/// %fs:8 (docs/startup.md). Not a constant of the process: each thread has its own.
static inline struct ipc_buffer *ipc_buffer(void)
{
    struct ipc_buffer *buffer;
    __asm__("movq %%fs:8, %0" : "=r"(buffer));
    return buffer;
}
#endif
