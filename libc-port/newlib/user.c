/* Who and where: one user on one machine; and random bytes. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

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

/* The _r forms: the strings are constants, so `buffer` stays unused. */
int getpwuid_r(uid_t id, struct passwd *user, char *buffer, size_t size, struct passwd **result)
{
    (void)buffer, (void)size;
    struct passwd *found = getpwuid(id);
    *result = NULL;
    if (found) {
        *user = *found;
        *result = user;
    }
    return 0;
}

int getpwnam_r(const char *name, struct passwd *user, char *buffer, size_t size,
               struct passwd **result)
{
    *result = NULL;
    return strcmp(name, user_name) ? 0 : getpwuid_r(0, user, buffer, size, result);
}

static bool users_listed;

void setpwent(void)
{
    users_listed = false;
}

void endpwent(void)
{
    users_listed = false;
}

struct passwd *getpwent(void)
{
    bool first = !users_listed;
    users_listed = true;
    return first ? getpwuid(0) : NULL;
}

int getgroups(int max, gid_t *groups)
{
    (void)max, (void)groups; /* none beside the effective one */
    return 0;
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

int sched_yield(void)
{
    return timer_sleep(session_to(STARTUP_SLOT_TIMER), 0) == OK ? 0 : -1;
}
