/* Limits and use: sysconf, pathconf, getrlimit, getrusage. */
#include <errno.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <proto/memory.h>

#include "glue.h"

int getpagesize(void)
{
    return 1 << PAGE_BITS;
}

int getdtablesize(void)
{
    return DESCRIPTORS;
}

/* Pages of memory: all there is, or what nobody has. */
static long memory_pages(bool free_only)
{
    uint64_t total, available, used, limit, objects;
    libc_enter();
    if (libc_leave(memory_info(session_to(STARTUP_SLOT_MEMORY), &total, &available, &used,
                               &limit, &objects))) {
        return -1;
    }
    return (long)((free_only ? available : total) >> PAGE_BITS);
}

long sysconf(int name)
{
    switch (name) {
    case _SC_ARG_MAX:
        return 32768;
    case _SC_CHILD_MAX:
        return 256; /* CHILDREN_MAX of the process server */
    case _SC_CLK_TCK:
        return CLOCKS_PER_SEC;
    case _SC_OPEN_MAX:
    case _SC_STREAM_MAX:
        return DESCRIPTORS;
    case _SC_PAGESIZE:
        return 1 << PAGE_BITS;
    case _SC_NPROCESSORS_CONF:
        return (long)startup_block->cpu_count;
    case _SC_NPROCESSORS_ONLN:
        return 1;
    case _SC_PHYS_PAGES:
        return memory_pages(false);
    case _SC_AVPHYS_PAGES:
        return memory_pages(true);
    case _SC_IOV_MAX:
        return 1024;
    case _SC_LINE_MAX:
        return 2048;
    case _SC_HOST_NAME_MAX:
        return 31;
    case _SC_SYMLOOP_MAX:
        return 40;
    case _SC_VERSION:
    case _SC_TIMERS:
    case _SC_MONOTONIC_CLOCK:
    case _SC_SPAWN:
    case _SC_FSYNC:
    case _SC_MEMORY_PROTECTION:
        return 200809L;
    case _SC_REGEXP:
    case _SC_SHELL:
        return 1;
    case _SC_THREADS:
    case _SC_JOB_CONTROL:
    case _SC_SAVED_IDS:
        return -1;
    default:
        errno = EINVAL;
        return -1;
    }
}

long pathconf(const char *path, int name)
{
    if (access(path, F_OK) < 0) {
        return -1;
    }
    switch (name) {
    case _PC_LINK_MAX:
        return 32767;
    case _PC_NAME_MAX:
        return 255;
    case _PC_PATH_MAX:
        return 4096;
    case _PC_PIPE_BUF:
        return 4096;
    case _PC_MAX_CANON:
    case _PC_MAX_INPUT:
        return 255;
    case _PC_NO_TRUNC:
    case _PC_CHOWN_RESTRICTED:
    case _PC_2_SYMLINKS:
        return 1;
    case _PC_VDISABLE:
        return 0;
    case _PC_FILESIZEBITS:
        return 64;
    default:
        errno = EINVAL;
        return -1;
    }
}

long fpathconf(int fd, int name)
{
    return descriptor_get(fd) ? pathconf("/", name) : -1;
}

/* What is bounded by a fixed number; the rest is not limited by itself. No limit can be set. */
int getrlimit(int resource, struct rlimit *limit)
{
    rlim_t value = RLIM_INFINITY;
    switch (resource) {
    case RLIMIT_NOFILE:
        value = DESCRIPTORS;
        break;
    case RLIMIT_STACK:
        value = startup_block->stack_bytes;
        break;
    case RLIMIT_CORE:
        value = 0;
        break;
    case RLIMIT_CPU:
    case RLIMIT_FSIZE:
    case RLIMIT_DATA:
    case RLIMIT_AS:
        break;
    default:
        errno = EINVAL;
        return -1;
    }
    *limit = (struct rlimit){value, value};
    return 0;
}

int setrlimit(int resource, const struct rlimit *limit)
{
    struct rlimit now;
    if (getrlimit(resource, &now) < 0) {
        return -1;
    }
    if (limit->rlim_cur != now.rlim_cur) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

int getrusage(int who, struct rusage *usage)
{
    if (who != RUSAGE_SELF) {
        errno = who == RUSAGE_CHILDREN ? ENOTSUP : EINVAL;
        return -1;
    }
    uint64_t total, available, used = 0, limit, objects;
    libc_enter();
    if (libc_leave(memory_info(session_to(STARTUP_SLOT_MEMORY), &total, &available, &used,
                               &limit, &objects))) {
        return -1;
    }
    uint64_t ns = clock_process();
    *usage = (struct rusage){
        .ru_utime = {(time_t)(ns / 1000000000), (suseconds_t)(ns % 1000000000 / 1000)},
        .ru_maxrss = (long)(used >> 10), /* what is in use now */
    };
    return 0;
}
