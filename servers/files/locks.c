// See locks.h. Called by io_requests.c. The locks of a file are a list without order; locks of
// one owner do not overlap each other.
#include "locks.h"

#include <proto/files.h>

#include "objects.h"

static bool overlaps(const struct record_lock *lock, uint64_t start, uint64_t end)
{
    return lock->start < end && start < lock->end;
}

const struct record_lock *locks_conflict(const struct inode *file, uint64_t owner,
                                         uint32_t kind, uint64_t start, uint64_t end)
{
    for (const struct record_lock *lock = file->file.locks; lock; lock = lock->next) {
        bool strict = kind == LOCK_KIND_EXCLUSIVE || lock->kind == LOCK_KIND_EXCLUSIVE;
        if (lock->owner != owner && strict && overlaps(lock, start, end))
            return lock;
    }
    return NULL;
}

static void insert(struct inode *file, struct record_lock *lock, struct record_lock value)
{
    value.next = file->file.locks;
    *lock = value;
    file->file.locks = lock;
}

// Cuts [start, end) out of the owner's locks. `*spare` becomes the second half of a lock that
// is cut in its middle, which happens to one lock at most.
static void carve(struct inode *file, uint64_t owner, uint64_t start, uint64_t end,
                  struct record_lock **spare)
{
    struct record_lock **link = &file->file.locks;
    while (*link) {
        struct record_lock *lock = *link;
        if (lock->owner != owner || !overlaps(lock, start, end)) {
            link = &lock->next;
        } else if (lock->start < start && lock->end > end) {
            struct record_lock behind = *lock;
            behind.start = end;
            lock->end = start;
            insert(file, *spare, behind);
            *spare = NULL;
            return;
        } else if (lock->start < start) {
            lock->end = start;
            link = &lock->next;
        } else if (lock->end > end) {
            lock->start = end;
            link = &lock->next;
        } else {
            *link = lock->next;
            object_free(lock);
        }
    }
}

static uint32_t count(const struct inode *file)
{
    uint32_t locks = 0;
    for (const struct record_lock *lock = file->file.locks; lock; lock = lock->next)
        locks++;
    return locks;
}

enum status locks_set(struct inode *file, uint64_t owner, uint32_t kind, uint64_t start,
                      uint64_t end)
{
    bool takes = kind != LOCK_KIND_NONE;
    if (takes && locks_conflict(file, owner, kind, start, end))
        return E_AGAIN;
    if (count(file) + 2 > LOCKS_MAX && takes)
        return E_NOMEM;
    struct record_lock *lock = takes ? object_new(PAGE_SERVER, sizeof *lock) : NULL;
    struct record_lock *spare = object_new(PAGE_SERVER, sizeof *spare);
    if (!spare || (takes && !lock)) {
        object_free(lock);
        object_free(spare);
        return E_NOMEM;
    }
    // Past this line it cannot fail.
    carve(file, owner, start, end, &spare);
    object_free(spare);
    if (takes)
        insert(file, lock,
               (struct record_lock){.owner = owner, .start = start, .end = end, .kind = kind});
    return OK;
}

void locks_drop(struct inode *file, uint64_t owner)
{
    struct record_lock *unused = NULL; // nothing is cut in two
    if (file->type == FILE_TYPE_REGULAR && file->file.locks)
        carve(file, owner, 0, UINT64_MAX, &unused);
}
