/* Host errno to WASI errno. Called wherever a POSIX call failed. */
#include "internal.h"

#include <errno.h>

/* A list, not an array by number: some systems give two names one number. */
static const struct {
    int host;
    enum wasi_errno wasi;
} pairs[] = {
    {E2BIG, WASI_2BIG},
    {EACCES, WASI_ACCES},
    {EAGAIN, WASI_AGAIN},
    {EBADF, WASI_BADF},
    {EBUSY, WASI_BUSY},
    {ECANCELED, WASI_CANCELED},
    {ECONNABORTED, WASI_CONNABORTED},
    {ECONNREFUSED, WASI_CONNREFUSED},
    {ECONNRESET, WASI_CONNRESET},
    {EDEADLK, WASI_DEADLK},
    {EDQUOT, WASI_DQUOT},
    {EEXIST, WASI_EXIST},
    {EFAULT, WASI_FAULT},
    {EFBIG, WASI_FBIG},
    {EILSEQ, WASI_ILSEQ},
    {EINTR, WASI_INTR},
    {EINVAL, WASI_INVAL},
    {EIO, WASI_IO},
    {EISDIR, WASI_ISDIR},
    {ELOOP, WASI_LOOP},
    {EMFILE, WASI_MFILE},
    {EMLINK, WASI_MLINK},
    {ENAMETOOLONG, WASI_NAMETOOLONG},
    {ENFILE, WASI_NFILE},
    {ENOBUFS, WASI_NOBUFS},
    {ENODEV, WASI_NODEV},
    {ENOENT, WASI_NOENT},
    {ENOEXEC, WASI_NOEXEC},
    {ENOLCK, WASI_NOLCK},
    {ENOMEM, WASI_NOMEM},
    {ENOSPC, WASI_NOSPC},
    {ENOSYS, WASI_NOSYS},
    {ENOTCONN, WASI_NOTCONN},
    {ENOTDIR, WASI_NOTDIR},
    {ENOTEMPTY, WASI_NOTEMPTY},
    {ENOTSOCK, WASI_NOTSOCK},
    {ENOTSUP, WASI_NOTSUP},
    {EOPNOTSUPP, WASI_NOTSUP},
    {ENOTTY, WASI_NOTTY},
    {ENXIO, WASI_NXIO},
    {EOVERFLOW, WASI_OVERFLOW},
    {EPERM, WASI_PERM},
    {EPIPE, WASI_PIPE},
    {ERANGE, WASI_RANGE},
    {EROFS, WASI_ROFS},
    {ESPIPE, WASI_SPIPE},
    {ESRCH, WASI_SRCH},
    {ESTALE, WASI_STALE},
    {ETIMEDOUT, WASI_TIMEDOUT},
    {ETXTBSY, WASI_TXTBSY},
    {EXDEV, WASI_XDEV},
};

enum wasi_errno wasi_errno_of(int host_errno)
{
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i].host == host_errno) {
            return pairs[i].wasi;
        }
    }
    return WASI_IO;
}

enum wasi_errno wasi_errno_beneath(int host_errno)
{
    return host_errno == EXDEV ? WASI_NOTCAPABLE : wasi_errno_of(host_errno);
}

enum wasi_errno wasi_errno_if(int result)
{
    return result == 0 ? WASI_SUCCESS : wasi_errno_of(errno);
}
