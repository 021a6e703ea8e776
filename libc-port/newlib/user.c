/* Who and where: one user, one machine, and the limits that sysconf tells. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <proto/memory.h>
#include <proto/timer.h>

#include "glue.h"

static char user_name[] = "root", home[] = "/", shell[] = "/bin/sh", empty[] = "";

uid_t getuid(void)
{
    return 0;
}

uid_t geteuid(void)
{
    return 0;
}

gid_t getgid(void)
{
    return 0;
}

gid_t getegid(void)
{
    return 0;
}

int issetugid(void);
int issetugid(void)
{
    return 0;
}

char *getlogin(void)
{
    return user_name;
}

struct passwd *getpwuid(uid_t id)
{
    static struct passwd user = {
        .pw_name = user_name,
        .pw_passwd = empty,
        .pw_comment = empty,
        .pw_gecos = empty,
        .pw_dir = home,
        .pw_shell = shell,
    };
    return id == 0 ? &user : NULL;
}

struct passwd *getpwnam(const char *name)
{
    return strcmp(name, user_name) == 0 ? getpwuid(0) : NULL;
}

struct group *getgrgid(gid_t id)
{
    static char *members[] = {NULL};
    static struct group group = {.gr_name = user_name, .gr_passwd = empty, .gr_mem = members};
    return id == 0 ? &group : NULL;
}

struct group *getgrnam(const char *name)
{
    return strcmp(name, user_name) == 0 ? getgrgid(0) : NULL;
}

int uname(struct utsname *name)
{
    *name = (struct utsname){
        .sysname = "Pith", .nodename = "pith", .release = "0.1", .machine = "x86_64"};
    snprintf(name->version, sizeof name->version, "ABI %d", STARTUP_VERSION);
    return 0;
}

int gethostname(char *name, size_t size)
{
    static const char own[] = "pith";
    if (size < sizeof own) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name, own, sizeof own);
    return 0;
}

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
        return -1; /* no limit but memory */
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

int getentropy(void *buffer, size_t size)
{
    uint64_t words[4];
    if (size > 256) {
        errno = EIO;
        return -1;
    }
    for (size_t done = 0; done < size; done += sizeof words) {
        libc_enter();
        if (libc_leave(timer_entropy(session_to(STARTUP_SLOT_TIMER), &words[0], &words[1],
                                     &words[2], &words[3]))) {
            return -1;
        }
        size_t piece = size - done < sizeof words ? size - done : sizeof words;
        memcpy((char *)buffer + done, words, piece);
    }
    return 0;
}

ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
    if (flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM)) {
        errno = EINVAL;
        return -1;
    }
    for (size_t done = 0; done < size; done += 256) {
        size_t piece = size - done < 256 ? size - done : 256;
        if (getentropy((char *)buffer + done, piece) < 0) {
            return done ? (ssize_t)done : -1;
        }
    }
    return (ssize_t)size;
}

int sched_yield(void);
int sched_yield(void)
{
    return timer_sleep(session_to(STARTUP_SLOT_TIMER), 0) == OK ? 0 : -1;
}
