// Requests about record locks; the loop in main.c dispatches to them.
#include <proto/files_server.h>

#include "blocked.h"
#include "locks.h"
#include "requests.h"

// The regular file behind a handle, and the range as locks.c has it.
static enum status find_lockable(struct request *r, uint32_t handle, uint32_t kind,
                                 uint64_t start, uint64_t *end,
                                 struct description **description)
{
    enum status status = requests_handle(r, handle, description);
    if (status != OK)
        return status;
    const struct inode *inode = (*description)->inode;
    if (!inode || inode->type != FILE_TYPE_REGULAR)
        return E_NOTSUP;
    if (*end == 0)
        *end = UINT64_MAX;
    return kind < LOCK_KIND_SHARED || kind > LOCK_KIND_NONE || start >= *end ? E_INVAL : OK;
}

enum status files_on_lock(struct request *r, const struct files_lock_in *in,
                          struct files_lock_out *out)
{
    (void)out;
    struct description *description;
    uint64_t end = in->end;
    enum status status = find_lockable(r, in->handle, in->kind, in->start, &end, &description);
    if (status != OK)
        return status;
    uint32_t need = in->kind == LOCK_KIND_SHARED      ? OPEN_FLAG_READ
                    : in->kind == LOCK_KIND_EXCLUSIVE ? OPEN_FLAG_WRITE
                                                      : 0;
    if ((description->flags & need) != need)
        return E_BADF;
    return locks_set(description->inode, r->client->node.key, in->kind, in->start, end);
}

enum status files_on_lock_test(struct request *r, const struct files_lock_test_in *in,
                               struct files_lock_test_out *out)
{
    struct description *description;
    uint64_t end = in->end;
    enum status status = find_lockable(r, in->handle, in->kind, in->start, &end, &description);
    if (status != OK)
        return status;
    const struct record_lock *lock =
        locks_conflict(description->inode, r->client->node.key, in->kind, in->start, end);
    *out = (struct files_lock_test_out){.kind = LOCK_KIND_NONE};
    if (lock)
        *out = (struct files_lock_test_out){lock->kind, (uint32_t)lock->owner, lock->start,
                                            lock->end};
    return OK;
}
