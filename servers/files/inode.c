// Inodes: made, held, released. See inode.h. Called by names.c, description.c and directory.c.
#include "inode.h"

#include <lib/kept.h>
#include <lib/text.h>

#include "objects.h"

#define BLOCK_BYTES 512u // the unit of file_status.blocks

uint64_t (*inode_clock)(void);
KEPT struct inode_state kept_inodes;

uint64_t inode_count(void)
{
    return inodes()->count;
}

struct inode *inode_new(enum file_type type, uint32_t mode)
{
    struct inode *inode = object_new(PAGE_CONTENTS, sizeof *inode);
    if (!inode)
        return NULL;
    inode->number = ++inodes()->next_number;
    inode->type = (uint32_t)type;
    inode->mode = mode & MODE_BITS;
    inode->opens = 1;
    inode->accessed = inode->modified = inode->changed = inode_clock();
    if (type == FILE_TYPE_DIRECTORY) {
        inode->links = 1;                 // its `.`
        inode->directory.next_cookie = 2; // 0 and 1 stand for `.` and `..`
    }
    inodes()->count++;
    return inode;
}

struct inode *inode_new_symlink(const char *target, size_t bytes)
{
    struct inode *inode = inode_new(FILE_TYPE_SYMLINK, 0777);
    if (!inode)
        return NULL;
    inode->target = bytes > OBJECT_BYTES_MAX ? pages_take(PAGE_CONTENTS, false)
                                             : object_new(PAGE_CONTENTS, bytes);
    if (!inode->target) {
        inode_release(inode);
        return NULL;
    }
    memcpy(inode->target, target, bytes);
    inode->size = bytes;
    return inode;
}

static void target_free(struct inode *inode)
{
    if (inode->size > OBJECT_BYTES_MAX)
        pages_give(inode->target);
    else
        object_free(inode->target);
}

void inode_hold(struct inode *inode)
{
    inode->opens++;
}

static bool inode_is_linked(const struct inode *inode)
{
    if (inode->type == FILE_TYPE_DIRECTORY)
        return inode->directory.self || inode == inodes()->root;
    return inode->links > 0;
}

void inode_release(struct inode *inode)
{
    if (--inode->opens > 0 || inode_is_linked(inode))
        return;
    if (inode->type == FILE_TYPE_REGULAR && inode->file.pages > CONTENTS_STEP) {
        inode->opens = 1; // later, and step by step
        inode->next_dying = inodes()->dying;
        inodes()->dying = inode;
        return;
    }
    if (inode->type == FILE_TYPE_REGULAR)
        (void)contents_truncate(inode, 0);
    if (inode->type == FILE_TYPE_SYMLINK)
        target_free(inode);
    object_free(inode);
    inodes()->count--;
}

bool inodes_unsettled(void)
{
    return inodes()->dying;
}

void inodes_settle(void)
{
    struct inode *inode;
    while ((inode = inodes()->dying)) {
        contents_shrink(inode, 0);
        inodes()->dying = inode->next_dying;
        inode_release(inode);
        kept_commit();
    }
}

enum status inode_init(void)
{
    memset(inodes(), 0, sizeof *inodes());
    directory_init();
    inodes()->root = inode_new(FILE_TYPE_DIRECTORY, 0755);
    if (!inodes()->root)
        return E_NOSPACE;
    inodes()->root->links = 2;
    return OK;
}

void inode_status(const struct inode *inode, struct file_status *status)
{
    memset(status, 0, sizeof *status);
    status->device = 1;
    status->inode = inode->number;
    status->size = inode->size;
    status->type = inode->type;
    status->mode = inode->mode;
    status->links = inode->links;
    status->accessed = inode->accessed;
    status->modified = inode->modified;
    status->changed = inode->changed;
    if (inode->type == FILE_TYPE_REGULAR)
        status->blocks = inode->file.pages * (PAGE_BYTES / BLOCK_BYTES) +
                         (inode->file.base_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

void inode_touch(struct inode *inode)
{
    inode->modified = inode->changed = inode_clock();
}

void inode_set_mode(struct inode *inode, uint32_t mode)
{
    inode->mode = mode & MODE_BITS;
    inode->changed = inode_clock();
}

void inode_set_times(struct inode *inode, uint32_t set, uint64_t accessed, uint64_t modified)
{
    if (set & 1)
        inode->accessed = accessed;
    if (set & 2)
        inode->modified = modified;
    inode->changed = inode_clock();
}
