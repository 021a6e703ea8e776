/* Memory: the heap that malloc grows and shrinks, and mmap over regions of `memory`.
 *
 *      | committed, charged          | addresses only                          |
 *      heap_base          heap_end   heap_committed                  + HEAP_RESERVE
 *
 * mmap hands out regions of their own. PROT_NONE or MAP_NORESERVE: addresses only, which cost
 * nothing; mprotect then charges and commits what it makes accessible. */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <proto/memory.h>

#include "glue.h"

enum { PAGE = 4096 };

/* Not a power of two: what is reserved after it differs from the heap in the bits that pick a
 * TLB entry, so that the first pages of both, which are the busy ones, do not push each other
 * out. */
#define HEAP_RESERVE ((64ul << 30) + (32ul << 12))
#define HEAP_STEP    (128ul << 10) /* what is committed at once */

#define HEAP_SMALL (1ul << 20) /* up to here a heap keeps no headroom */
#define HEADROOM   (256ul << 10)

static uint64_t heap_base, heap_end, heap_committed;

/* Charged, but not used: a large heap that meets the end of memory gives it back, so that the
 * program still has stack and windows enough to say so. It never becomes heap. */
static uint64_t headroom;
static bool headroom_held;

static struct session *memory(void)
{
    return session_to(STARTUP_SLOT_MEMORY);
}

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

static bool headroom_take(void)
{
    if (!headroom && memory_reserve(memory(), HEADROOM, 12, &headroom) != OK) {
        return false;
    }
    headroom_held = headroom_held || memory_commit(memory(), headroom, HEADROOM,
                                                   PROTECTION_READ | PROTECTION_WRITE) == OK;
    return headroom_held;
}

static void headroom_give(void)
{
    if (headroom_held) {
        headroom_held = memory_decommit(memory(), headroom, HEADROOM) != OK;
    }
}

/* Commits the heap up to `end`, by a whole step if there is that much memory. */
static bool commit_to(uint64_t end)
{
    uint64_t roomy = round_up(end - heap_base, HEAP_STEP) + heap_base;
    const uint64_t ends[2] = {roomy, end};
    for (int i = 0; i < 2; i++) {
        if (memory_commit(memory(), heap_committed, ends[i] - heap_committed,
                          PROTECTION_READ | PROTECTION_WRITE) == OK) {
            heap_committed = ends[i];
            return true;
        }
    }
    return false;
}

void *heap_grow(ptrdiff_t bytes)
{
    if (!heap_base) {
        if (memory_reserve(memory(), HEAP_RESERVE, 12, &heap_base) != OK) {
            return NULL;
        }
        heap_end = heap_committed = heap_base;
    }
    uint64_t before = heap_end, after = heap_end + (uint64_t)bytes;
    if (after < heap_base || after > heap_base + HEAP_RESERVE) {
        return NULL;
    }
    uint64_t needed = round_up(after, PAGE);
    if (needed > heap_committed) {
        bool small = needed - heap_base <= HEAP_SMALL;
        if (!(small || headroom_take()) || !commit_to(needed)) {
            headroom_give();
            return NULL;
        }
    } else if (heap_committed - needed >= 2 * HEAP_STEP) {
        uint64_t kept = round_up(needed - heap_base, HEAP_STEP) + heap_base;
        if (memory_decommit(memory(), kept, heap_committed - kept) == OK) {
            heap_committed = kept;
        }
    }
    heap_end = after;
    return (void *)before;
}

void *sbrk(ptrdiff_t bytes)
{
    libc_enter();
    void *before = heap_grow(bytes);
    libc_leave(OK);
    if (!before) {
        errno = ENOMEM;
        return (void *)-1;
    }
    return before;
}

/* newlib's own multiplies without a look at the result. */
void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return _calloc_r(_REENT, 1, bytes);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1))) {
        return EINVAL;
    }
    int before = errno;
    void *block = memalign(alignment, size); /* aligned_alloc is made of this function */
    errno = before;
    if (!block) {
        return ENOMEM;
    }
    *result = block;
    return 0;
}

static uint32_t protection_from(int protection)
{
    return (protection & PROT_READ ? PROTECTION_READ : 0) |
           (protection & PROT_WRITE ? PROTECTION_WRITE | PROTECTION_READ : 0) |
           (protection & PROT_EXEC ? PROTECTION_EXECUTE | PROTECTION_READ : 0);
}

/* The addresses of a new mapping, without pages. MAP_FIXED replaces what is there. */
static enum status place(uint64_t *address, uint64_t length, int flags)
{
    if (!(flags & MAP_FIXED)) {
        return memory_reserve(memory(), length, 12, address);
    }
    enum status status = memory_reserve_at(memory(), *address, length);
    return status == E_EXIST ? memory_decommit(memory(), *address, length) : status;
}

/* Copies the file's part of a private mapping in; what lies behind its end stays zero. */
static int fill(uint64_t address, size_t length, int fd, off_t offset)
{
    size_t done = 0;
    while (done < length) {
        ssize_t got = pread(fd, (char *)address + done, length - done, offset + (off_t)done);
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    return 0;
}

/* The error of arguments that no mapping can have, or 0. */
static int refuse(uint64_t address, size_t length, int protection, int flags, off_t offset)
{
    int sharing = flags & (MAP_SHARED | MAP_PRIVATE);
    if (length == 0 || (sharing != MAP_SHARED && sharing != MAP_PRIVATE) ||
        (protection & ~(PROT_READ | PROT_WRITE | PROT_EXEC)) || offset % PAGE ||
        ((flags & MAP_FIXED) && address % PAGE)) {
        return EINVAL;
    }
    if ((protection & PROT_WRITE) && (protection & PROT_EXEC)) {
        return EACCES;
    }
    /* Nobody else can get at a shared anonymous mapping where there is no fork. */
    if (!(flags & MAP_ANONYMOUS) && sharing == MAP_SHARED && (protection & PROT_WRITE)) {
        return ENOTSUP;
    }
    return length > SIZE_MAX - PAGE ? ENOMEM : 0;
}

void *mmap(void *wish, size_t length, int protection, int flags, int fd, off_t offset)
{
    uint64_t address = (uint64_t)wish;
    int error = refuse(address, length, protection, flags, offset);
    if (error) {
        errno = error;
        return MAP_FAILED;
    }
    uint64_t size = round_up(length, PAGE);
    bool from_file = !(flags & MAP_ANONYMOUS);
    bool commit = from_file || (protection != PROT_NONE && !(flags & MAP_NORESERVE));
    libc_enter();
    enum status status = place(&address, size, flags);
    if (status == OK && commit) {
        status = memory_commit(memory(), address, size,
                               from_file ? PROTECTION_READ | PROTECTION_WRITE
                                         : protection_from(protection));
        if (status != OK && !(flags & MAP_FIXED)) {
            status_ignore(memory_release(memory(), address, size));
        }
    }
    if (libc_leave(status)) {
        return MAP_FAILED;
    }
    if (from_file && (fill(address, length, fd, offset) < 0 ||
                      mprotect((void *)address, size, protection) < 0)) {
        error = errno;
        munmap((void *)address, size);
        errno = error;
        return MAP_FAILED;
    }
    return (void *)address;
}

int munmap(void *address, size_t length)
{
    libc_enter();
    return libc_leave(
        length == 0 ? E_INVAL
                    : memory_release(memory(), (uint64_t)address, round_up(length, PAGE)));
}

/* Commit gives pages that have none a fresh one, sets the protection and leaves contents
 * alone. Shares and pages that are to become inaccessible are only protected. */
int mprotect(void *address, size_t length, int protection)
{
    if ((protection & PROT_WRITE) && (protection & PROT_EXEC)) {
        errno = EACCES;
        return -1;
    }
    enum status (*first)(struct session *, uint64_t, uint64_t, uint32_t) =
        protection == PROT_NONE ? memory_protect : memory_commit;
    enum status (*second)(struct session *, uint64_t, uint64_t, uint32_t) =
        protection == PROT_NONE ? memory_commit : memory_protect;
    uint64_t size = round_up(length, PAGE);
    uint32_t wanted = protection_from(protection);
    libc_enter();
    enum status status = first(memory(), (uint64_t)address, size, wanted);
    if (status != OK && status != E_NOMEM && status != E_RIGHTS) {
        status = second(memory(), (uint64_t)address, size, wanted);
    }
    int failed = libc_leave(status);
    if (status == E_RIGHTS) {
        errno = EACCES; /* sealed code, or more than a share allows */
    }
    return failed;
}

/* Private copies have nothing to write back. */
int msync(void *address, size_t length, int flags)
{
    (void)length;
    if ((uint64_t)address % PAGE || (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC)) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

/* Advice may be ignored; wrong arguments may not. */
int posix_madvise(void *address, size_t length, int advice)
{
    (void)length;
    return (uint64_t)address % PAGE || advice < POSIX_MADV_NORMAL ||
                   advice > POSIX_MADV_DONTNEED
               ? EINVAL
               : 0;
}
