/* What programs for POSIX expect and wasi-libc does not have, included before their sources
 * (cc -include), which stay as they are.
 *
 * WASI's files have no mode and no owner: there is nothing that setting them could change.
 * There are no locks either: asking for one is EINVAL, wasi-libc's answer to every fcntl
 * command that it does not know.
 */
#ifndef ABSENT_H
#define ABSENT_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef F_SETLK
#define F_GETLK  5
#define F_SETLK  6
#define F_SETLKW 7
#endif
#ifndef F_RDLCK
#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#endif

static inline int fchmod(int fd, mode_t mode)
{
    (void)mode;
    return lseek(fd, 0, SEEK_CUR) < 0 ? -1 : 0; /* an open file, at least */
}

static inline int chmod(const char *path, mode_t mode)
{
    (void)mode;
    return access(path, F_OK);
}

static inline int fchown(int fd, uid_t owner, gid_t group)
{
    (void)owner, (void)group;
    return lseek(fd, 0, SEEK_CUR) < 0 ? -1 : 0;
}

/* Anyone but the superuser. */
static inline uid_t geteuid(void)
{
    return 1;
}

static inline uid_t getuid(void)
{
    return 1;
}

#endif
