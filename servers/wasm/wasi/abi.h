/* The numbers and layouts of WASI preview 1, as guests see them.
 *
 * Source: typenames.witx of WASI snapshot_preview1. Only the WASI layer includes this. All
 * structures are little-endian, as guest memory is; they are copied in and out of guest memory
 * byte for byte, so that a guest's alignment never matters.
 */
#ifndef WASI_ABI_H
#define WASI_ABI_H

#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "structures are copied to guest memory as they are: a little-endian host is needed"
#endif

/* $errno */
enum wasi_errno {
    WASI_SUCCESS = 0,
    WASI_2BIG,
    WASI_ACCES,
    WASI_ADDRINUSE,
    WASI_ADDRNOTAVAIL,
    WASI_AFNOSUPPORT,
    WASI_AGAIN,
    WASI_ALREADY,
    WASI_BADF,
    WASI_BADMSG,
    WASI_BUSY,
    WASI_CANCELED,
    WASI_CHILD,
    WASI_CONNABORTED,
    WASI_CONNREFUSED,
    WASI_CONNRESET,
    WASI_DEADLK,
    WASI_DESTADDRREQ,
    WASI_DOM,
    WASI_DQUOT,
    WASI_EXIST,
    WASI_FAULT,
    WASI_FBIG,
    WASI_HOSTUNREACH,
    WASI_IDRM,
    WASI_ILSEQ,
    WASI_INPROGRESS,
    WASI_INTR,
    WASI_INVAL,
    WASI_IO,
    WASI_ISCONN,
    WASI_ISDIR,
    WASI_LOOP,
    WASI_MFILE,
    WASI_MLINK,
    WASI_MSGSIZE,
    WASI_MULTIHOP,
    WASI_NAMETOOLONG,
    WASI_NETDOWN,
    WASI_NETRESET,
    WASI_NETUNREACH,
    WASI_NFILE,
    WASI_NOBUFS,
    WASI_NODEV,
    WASI_NOENT,
    WASI_NOEXEC,
    WASI_NOLCK,
    WASI_NOLINK,
    WASI_NOMEM,
    WASI_NOMSG,
    WASI_NOPROTOOPT,
    WASI_NOSPC,
    WASI_NOSYS,
    WASI_NOTCONN,
    WASI_NOTDIR,
    WASI_NOTEMPTY,
    WASI_NOTRECOVERABLE,
    WASI_NOTSOCK,
    WASI_NOTSUP,
    WASI_NOTTY,
    WASI_NXIO,
    WASI_OVERFLOW,
    WASI_OWNERDEAD,
    WASI_PERM,
    WASI_PIPE,
    WASI_PROTO,
    WASI_PROTONOSUPPORT,
    WASI_PROTOTYPE,
    WASI_RANGE,
    WASI_ROFS,
    WASI_SPIPE,
    WASI_SRCH,
    WASI_STALE,
    WASI_TIMEDOUT,
    WASI_TXTBSY,
    WASI_XDEV,
    WASI_NOTCAPABLE = 76
};

/* $rights: one bit each. */
enum {
    WASI_RIGHT_FD_DATASYNC = 1 << 0,
    WASI_RIGHT_FD_READ = 1 << 1,
    WASI_RIGHT_FD_SEEK = 1 << 2,
    WASI_RIGHT_FD_FDSTAT_SET_FLAGS = 1 << 3,
    WASI_RIGHT_FD_SYNC = 1 << 4,
    WASI_RIGHT_FD_TELL = 1 << 5,
    WASI_RIGHT_FD_WRITE = 1 << 6,
    WASI_RIGHT_FD_ADVISE = 1 << 7,
    WASI_RIGHT_FD_ALLOCATE = 1 << 8,
    WASI_RIGHT_PATH_CREATE_DIRECTORY = 1 << 9,
    WASI_RIGHT_PATH_CREATE_FILE = 1 << 10,
    WASI_RIGHT_PATH_LINK_SOURCE = 1 << 11,
    WASI_RIGHT_PATH_LINK_TARGET = 1 << 12,
    WASI_RIGHT_PATH_OPEN = 1 << 13,
    WASI_RIGHT_FD_READDIR = 1 << 14,
    WASI_RIGHT_PATH_READLINK = 1 << 15,
    WASI_RIGHT_PATH_RENAME_SOURCE = 1 << 16,
    WASI_RIGHT_PATH_RENAME_TARGET = 1 << 17,
    WASI_RIGHT_PATH_FILESTAT_GET = 1 << 18,
    WASI_RIGHT_PATH_FILESTAT_SET_SIZE = 1 << 19,
    WASI_RIGHT_PATH_FILESTAT_SET_TIMES = 1 << 20,
    WASI_RIGHT_FD_FILESTAT_GET = 1 << 21,
    WASI_RIGHT_FD_FILESTAT_SET_SIZE = 1 << 22,
    WASI_RIGHT_FD_FILESTAT_SET_TIMES = 1 << 23,
    WASI_RIGHT_PATH_SYMLINK = 1 << 24,
    WASI_RIGHT_PATH_REMOVE_DIRECTORY = 1 << 25,
    WASI_RIGHT_PATH_UNLINK_FILE = 1 << 26,
    WASI_RIGHT_POLL_FD_READWRITE = 1 << 27,
    WASI_RIGHT_SOCK_SHUTDOWN = 1 << 28,
    WASI_RIGHT_SOCK_ACCEPT = 1 << 29,
    WASI_RIGHTS_ALL = (1 << 30) - 1
};

/* $filetype */
enum {
    WASI_TYPE_UNKNOWN = 0, /* pipes too: WASI has no number for them */
    WASI_TYPE_BLOCK_DEVICE = 1,
    WASI_TYPE_CHARACTER_DEVICE = 2,
    WASI_TYPE_DIRECTORY = 3,
    WASI_TYPE_REGULAR_FILE = 4,
    WASI_TYPE_SOCKET_DGRAM = 5,
    WASI_TYPE_SOCKET_STREAM = 6,
    WASI_TYPE_SYMBOLIC_LINK = 7
};

/* $fdflags, $lookupflags, $oflags, $fstflags, $subclockflags, $eventrwflags */
enum {
    WASI_FD_APPEND = 1 << 0,
    WASI_FD_DSYNC = 1 << 1,
    WASI_FD_NONBLOCK = 1 << 2,
    WASI_FD_RSYNC = 1 << 3,
    WASI_FD_SYNC = 1 << 4,
    WASI_FD_FLAGS_ALL = (1 << 5) - 1,

    WASI_LOOKUP_SYMLINK_FOLLOW = 1 << 0,

    WASI_O_CREAT = 1 << 0,
    WASI_O_DIRECTORY = 1 << 1,
    WASI_O_EXCL = 1 << 2,
    WASI_O_TRUNC = 1 << 3,
    WASI_O_ALL = (1 << 4) - 1,

    WASI_FST_ATIM = 1 << 0,
    WASI_FST_ATIM_NOW = 1 << 1,
    WASI_FST_MTIM = 1 << 2,
    WASI_FST_MTIM_NOW = 1 << 3,
    WASI_FST_ALL = (1 << 4) - 1,

    WASI_CLOCK_ABSTIME = 1 << 0,
    WASI_EVENT_HANGUP = 1 << 0
};

/* $whence, $clockid, $eventtype, $preopentype */
enum {
    WASI_WHENCE_SET = 0,
    WASI_WHENCE_CUR = 1,
    WASI_WHENCE_END = 2,

    WASI_CLOCK_REALTIME = 0,
    WASI_CLOCK_MONOTONIC = 1,
    WASI_CLOCK_PROCESS_CPUTIME = 2,
    WASI_CLOCK_THREAD_CPUTIME = 3,

    WASI_EVENT_CLOCK = 0,
    WASI_EVENT_FD_READ = 1,
    WASI_EVENT_FD_WRITE = 2,

    WASI_PREOPEN_DIR = 0
};

/* $iovec and $ciovec */
struct wasi_iovec {
    uint32_t address;
    uint32_t length;
};

struct wasi_fdstat {
    uint8_t filetype;
    uint16_t flags;
    uint64_t rights_base;
    uint64_t rights_inheriting;
};

struct wasi_filestat {
    uint64_t dev;
    uint64_t ino;
    uint8_t filetype;
    uint64_t nlink;
    uint64_t size;
    uint64_t atim;
    uint64_t mtim;
    uint64_t ctim;
};

/* Followed in the buffer by `name_length` bytes of name. */
struct wasi_dirent {
    uint64_t next;
    uint64_t ino;
    uint32_t name_length;
    uint8_t type;
};

struct wasi_prestat {
    uint8_t type;
    uint32_t name_length;
};

struct wasi_subscription {
    uint64_t userdata;
    uint8_t type;
    union {
        struct {
            uint32_t id;
            uint64_t timeout;
            uint64_t precision;
            uint16_t flags;
        } clock;
        uint32_t fd;
    };
};

struct wasi_event {
    uint64_t userdata;
    uint16_t error;
    uint8_t type;
    uint64_t nbytes;
    uint16_t flags;
};

_Static_assert(sizeof(struct wasi_iovec) == 8, "witx");
_Static_assert(sizeof(struct wasi_fdstat) == 24, "witx");
_Static_assert(offsetof(struct wasi_fdstat, flags) == 2, "witx");
_Static_assert(offsetof(struct wasi_fdstat, rights_base) == 8, "witx");
_Static_assert(sizeof(struct wasi_filestat) == 64, "witx");
_Static_assert(offsetof(struct wasi_filestat, nlink) == 24, "witx");
_Static_assert(offsetof(struct wasi_filestat, ctim) == 56, "witx");
_Static_assert(sizeof(struct wasi_dirent) == 24, "witx");
_Static_assert(offsetof(struct wasi_dirent, name_length) == 16, "witx");
_Static_assert(offsetof(struct wasi_dirent, type) == 20, "witx");
_Static_assert(sizeof(struct wasi_prestat) == 8, "witx");
_Static_assert(sizeof(struct wasi_subscription) == 48, "witx");
_Static_assert(offsetof(struct wasi_subscription, clock.id) == 16, "witx");
_Static_assert(offsetof(struct wasi_subscription, clock.flags) == 40, "witx");
_Static_assert(offsetof(struct wasi_subscription, fd) == 16, "witx");
_Static_assert(sizeof(struct wasi_event) == 32, "witx");
_Static_assert(offsetof(struct wasi_event, type) == 10, "witx");
_Static_assert(offsetof(struct wasi_event, nbytes) == 16, "witx");
_Static_assert(offsetof(struct wasi_event, flags) == 24, "witx");

#endif
