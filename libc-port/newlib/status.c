/* What is known about files: stat and its family, access, times, permissions, file systems.
 * Everybody is user 0: ownership is fixed, and access asks only whether the file is there and,
 * for execution, whether any execute bit is set. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include <proto/files.h>

#include "glue.h"

enum {
    FILE_BLOCK = 16384, /* what stdio reads at once: an exchange of messages costs more than
                           bytes */
    DEVICE_BLOCK = 1024,
};

static struct session *files(void)
{
    return session_to(STARTUP_SLOT_FILES);
}

static struct timespec timespec_from(uint64_t nanoseconds)
{
    return (struct timespec){.tv_sec = (time_t)(nanoseconds / 1000000000),
                             .tv_nsec = (long)(nanoseconds % 1000000000)};
}

static void stat_from(const struct file_status *file, struct stat *info)
{
    static const mode_t types[] = {0, S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFCHR};
    memset(info, 0, sizeof *info);
    info->st_dev = (dev_t)file->device;
    info->st_ino = (ino_t)file->inode;
    info->st_mode =
        (file->type <= FILE_TYPE_CHARACTER ? types[file->type] : 0) | (file->mode & 07777);
    info->st_nlink = (nlink_t)file->links;
    info->st_size = (off_t)file->size;
    info->st_blocks = (blkcnt_t)file->blocks;
    info->st_blksize = file->type == FILE_TYPE_CHARACTER ? DEVICE_BLOCK : FILE_BLOCK;
    info->st_atim = timespec_from(file->accessed);
    info->st_mtim = timespec_from(file->modified);
    info->st_ctim = timespec_from(file->changed);
}

int fstat(int fd, struct stat *info)
{
    struct descriptor *d = descriptor_get(fd);
    if (!d) {
        return -1;
    }
    struct file_status file;
    libc_enter();
    if (libc_leave(io_status(descriptor_session(d), d->handle, &file))) {
        return -1;
    }
    stat_from(&file, info);
    return 0;
}

static int status_at(int directory_fd, const char *path, uint32_t at, struct file_status *file)
{
    int size = path_size(path);
    uint32_t directory;
    if (size < 0 || !path_directory(directory_fd, &directory)) {
        return -1;
    }
    libc_enter();
    return libc_leave(files_status_at(files(), directory, at, path, (uint32_t)size, file));
}

/* The flags as `files` knows them, or -1 with EINVAL. */
static int at_flags(int flags)
{
    if (flags & ~AT_SYMLINK_NOFOLLOW) {
        errno = EINVAL;
        return -1;
    }
    return flags & AT_SYMLINK_NOFOLLOW ? AT_FLAG_NOFOLLOW : 0;
}

int fstatat(int directory_fd, const char *path, struct stat *info, int flags)
{
    int at = at_flags(flags);
    struct file_status file;
    if (at < 0 || status_at(directory_fd, path, (uint32_t)at, &file) < 0) {
        return -1;
    }
    stat_from(&file, info);
    return 0;
}

int stat(const char *path, struct stat *info)
{
    return fstatat(AT_FDCWD, path, info, 0);
}

int lstat(const char *path, struct stat *info)
{
    return fstatat(AT_FDCWD, path, info, AT_SYMLINK_NOFOLLOW);
}

int faccessat(int directory_fd, const char *path, int mode, int flags)
{
    struct file_status file;
    if ((mode & ~(R_OK | W_OK | X_OK)) || (flags & ~AT_EACCESS)) {
        errno = EINVAL;
        return -1;
    }
    if (status_at(directory_fd, path, 0, &file) < 0) {
        return -1;
    }
    if ((mode & X_OK) && file.type != FILE_TYPE_DIRECTORY && !(file.mode & 0111)) {
        errno = EACCES;
        return -1;
    }
    return 0;
}

int access(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, 0);
}

int fchmodat(int directory_fd, const char *path, mode_t mode, int flags)
{
    int size = path_size(path), at = at_flags(flags);
    uint32_t directory;
    if (size < 0 || at < 0 || !path_directory(directory_fd, &directory)) {
        return -1;
    }
    libc_enter();
    return libc_leave(files_set_mode_at(files(), directory, (uint32_t)at, mode & 07777, path,
                                        (uint32_t)size));
}

int chmod(const char *path, mode_t mode)
{
    return fchmodat(AT_FDCWD, path, mode, 0);
}

int fchmod(int fd, mode_t mode)
{
    struct descriptor *d = descriptor_get(fd);
    if (!d) {
        return -1;
    }
    if (d->service != IO_SERVICE_FILES) {
        errno = EINVAL;
        return -1;
    }
    libc_enter();
    return libc_leave(files_set_mode(files(), d->handle, mode & 07777));
}

/* One user owns everything: giving it to that user succeeds, to another does not. */
static int change_owner(uid_t owner, gid_t group)
{
    if ((owner != 0 && owner != (uid_t)-1) || (group != 0 && group != (gid_t)-1)) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

int fchownat(int directory_fd, const char *path, uid_t owner, gid_t group, int flags)
{
    struct stat info;
    return fstatat(directory_fd, path, &info, flags) < 0 ? -1 : change_owner(owner, group);
}

int chown(const char *path, uid_t owner, gid_t group)
{
    return fchownat(AT_FDCWD, path, owner, group, 0);
}

int lchown(const char *path, uid_t owner, gid_t group)
{
    return fchownat(AT_FDCWD, path, owner, group, AT_SYMLINK_NOFOLLOW);
}

int fchown(int fd, uid_t owner, gid_t group)
{
    return descriptor_get(fd) ? change_owner(owner, group) : -1;
}

/* times[0]: accessed, times[1]: modified; null: both now. The result goes to set and value. */
static bool times_from(const struct timespec *times, uint32_t *set, uint64_t value[2])
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *set = 0;
    for (int i = 0; i < 2; i++) {
        struct timespec t = times ? times[i] : now;
        if (t.tv_nsec == UTIME_NOW) {
            t = now;
        }
        if (t.tv_nsec == UTIME_OMIT) {
            value[i] = 0;
            continue;
        }
        if (t.tv_nsec < 0 || t.tv_nsec > 999999999 || t.tv_sec < 0) {
            errno = EINVAL;
            return false;
        }
        *set |= 1u << i;
        value[i] = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
    }
    return true;
}

int utimensat(int directory_fd, const char *path, const struct timespec *times, int flags)
{
    int size = path_size(path), at = at_flags(flags);
    uint32_t directory, set;
    uint64_t value[2];
    if (size < 0 || at < 0 || !path_directory(directory_fd, &directory) ||
        !times_from(times, &set, value)) {
        return -1;
    }
    libc_enter();
    return libc_leave(files_set_times_at(files(), directory, (uint32_t)at, set, value[0],
                                         value[1], path, (uint32_t)size));
}

int futimens(int fd, const struct timespec *times)
{
    struct descriptor *d = descriptor_get(fd);
    uint32_t set;
    uint64_t value[2];
    if (!d || !times_from(times, &set, value)) {
        return -1;
    }
    if (d->service != IO_SERVICE_FILES) {
        errno = ENOTSUP;
        return -1;
    }
    libc_enter();
    return libc_leave(files_set_times(files(), d->handle, set, value[0], value[1]));
}

int utimes(const char *path, const struct timeval *times)
{
    if (!times) {
        return utimensat(AT_FDCWD, path, NULL, 0);
    }
    struct timespec precise[2] = {{times[0].tv_sec, times[0].tv_usec * 1000},
                                  {times[1].tv_sec, times[1].tv_usec * 1000}};
    return utimensat(AT_FDCWD, path, precise, 0);
}

int futimes(int fd, const struct timeval *times)
{
    if (!times) {
        return futimens(fd, NULL);
    }
    struct timespec precise[2] = {{times[0].tv_sec, times[0].tv_usec * 1000},
                                  {times[1].tv_sec, times[1].tv_usec * 1000}};
    return futimens(fd, precise);
}

int utime(const char *path, const struct utimbuf *times)
{
    if (!times) {
        return utimensat(AT_FDCWD, path, NULL, 0);
    }
    struct timespec precise[2] = {{times->actime, 0}, {times->modtime, 0}};
    return utimensat(AT_FDCWD, path, precise, 0);
}

int fstatvfs(int fd, struct statvfs *info)
{
    if (!descriptor_get(fd)) {
        return -1;
    }
    struct file_system_status system;
    libc_enter();
    if (libc_leave(files_file_system(files(), &system))) {
        return -1;
    }
    memset(info, 0, sizeof *info);
    info->f_bsize = info->f_frsize = system.block_bytes;
    info->f_blocks = (fsblkcnt_t)(system.bytes_total / system.block_bytes);
    info->f_bfree = info->f_bavail = (fsblkcnt_t)(system.bytes_free / system.block_bytes);
    info->f_files = (fsfilcnt_t)system.files;
    info->f_namemax = system.name_max;
    return 0;
}

int statvfs(const char *path, struct statvfs *info)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        return -1;
    }
    int result = fstatvfs(fd, info);
    close(fd);
    return result;
}

/* No special files but those that the servers bring. */
int mknod(const char *path, mode_t mode, dev_t device)
{
    (void)path, (void)mode, (void)device;
    errno = ENOTSUP;
    return -1;
}

int mkfifo(const char *path, mode_t mode)
{
    return mknod(path, S_IFIFO | mode, 0);
}
