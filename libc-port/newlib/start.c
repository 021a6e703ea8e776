/* Start and end of a program over newlib: thread pointer, TLS, arguments, environment,
 * descriptors, constructors, main, exit. crt0.c calls libc_start with what docs/startup.md
 * promises.
 *
 *      heap:  [ TLS template copy | struct thread ] [ strings ] [ argv, environ ]
 *                                 ^ FS: word 0 points to itself, word 1 to the IPC buffer
 */
#include <errno.h>
#include <reent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <elf.h>
#include <lib/slots.h>
#include <pith/status.h>
#include <pith/syscall.h>
#include <proto/process.h>

#include "glue.h"

/* The x86-64 TLS ABI and docs/startup.md fix the first two words. */
struct thread {
    struct thread *self;
    struct ipc_buffer *ipc_buffer;
};

const struct startup *startup_block;
static _Thread_local struct _reent *thread_reent;

extern void __libc_init_array(void);
extern void __libc_fini_array(void);
void _init(void);
void _fini(void);
_Noreturn void libc_start(const struct startup *startup, int (*main)(int, char **, char **))
    GLUE(start);

/* newlib's constructor lists call these for the sake of old compilers. */
void _init(void) {}

void _fini(void) {}

/* newlib's per-thread state. The first thread uses the global one: exit() flushes that. */
struct _reent *__getreent(void)
{
    return thread_reent;
}

int libc_fail(enum status status)
{
    errno = status_errno(status);
    return -1;
}

/* Before there is a standard error to complain to. */
static _Noreturn void start_failed(void)
{
    status_ignore(process_exit(session_to(STARTUP_SLOT_PROCESS), 127));
    __builtin_trap();
}

static void *start_alloc(size_t bytes)
{
    void *block = heap_grow((ptrdiff_t)((bytes + 15) & ~15ul));
    if (!block) {
        start_failed();
    }
    return block;
}

static const Elf64_Phdr *tls_header(const struct startup *startup)
{
    const Elf64_Phdr *headers = (const Elf64_Phdr *)startup->program_headers;
    for (uint32_t i = 0; headers && i < startup->program_header_count; i++) {
        if (headers[i].p_type == PT_TLS) {
            return &headers[i];
        }
    }
    return NULL;
}

/* Builds the TLS block below the thread structure and moves FS there. */
static void start_tls(const struct startup *startup)
{
    const Elf64_Phdr *tls = tls_header(startup);
    size_t align = tls && tls->p_align > 16 ? tls->p_align : 16;
    size_t size = tls ? (tls->p_memsz + align - 1) & ~(align - 1) : 0;
    char *block = start_alloc(size + align + sizeof(struct thread));
    block = (char *)(((uintptr_t)block + align - 1) & ~(align - 1));
    struct thread *thread = (struct thread *)(block + size);
    if (tls) {
        memcpy(block + size - ((tls->p_memsz + align - 1) & ~(align - 1)), (void *)tls->p_vaddr,
               tls->p_filesz);
    }
    thread->self = thread;
    thread->ipc_buffer = (struct ipc_buffer *)startup->ipc_buffer;
    uint64_t x, y, z;
    if (sys_thread_control(HANDLE_NULL, THREAD_OP_FS_BASE, (uint64_t)thread, 0, &x, &y, &z) !=
        OK) {
        start_failed();
    }
    thread_reent = _GLOBAL_REENT;
}

/* Splits `count` strings that follow each other; the strings are copied, since programs may
 * write to them. */
static char **start_strings(const char *text, uint32_t count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytes += strlen(text + bytes) + 1;
    }
    char *copy = start_alloc(bytes);
    memcpy(copy, text, bytes);
    char **list = start_alloc((count + 1) * sizeof *list);
    for (uint32_t i = 0; i < count; i++) {
        list[i] = copy;
        copy += strlen(copy) + 1;
    }
    list[count] = NULL;
    return list;
}

_Noreturn void libc_start(const struct startup *startup, int (*main)(int, char **, char **))
{
    startup_block = startup;
    slots_start(startup->first_free_slot, startup->slot_limit);
    start_tls(startup);
    char **argv = start_strings((const char *)startup->arguments, startup->argument_count);
    environ = start_strings((const char *)startup->environment, startup->environment_count);
    descriptors_start(startup);
    atexit(__libc_fini_array);
    __libc_init_array();
    exit(main((int)startup->argument_count, argv, environ));
}

void _exit(int status)
{
    status_ignore(process_exit(session_to(STARTUP_SLOT_PROCESS), (uint32_t)status & 255));
    __builtin_trap(); /* the process server is gone and could not be told */
}
