// The contents of regular files: a tree of pages, sparse, over the bytes of the initrd that the
// file came with. Called by description.c and names.c.
//
//      height 0        height 1               height 2
//      root: page      root: node of 512      root: node of 512 nodes
//                       |  |  (null: hole)     |        |
//                      page page              node     node ...
//
// What always holds: where a page is missing, the contents are the initrd's up to base_bytes
// and zeroes behind; bytes of pages behind `size` are zero. A node without children is left
// only by a write that found no space, and goes with the next cut.
#include "inode.h"

#include <lib/kept.h>
#include <lib/text.h>

#include "locks.h"
#include "objects.h"
#include "pages.h"

#define FANOUT_BITS 9u
#define FANOUT      (1u << FANOUT_BITS)
#define HEIGHT_MAX  3u    // what FILE_BYTES_MAX needs
#define ROOM        4096u // words of kept state that one page may change, and then some

static uint64_t minimum(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

// How many pages a tree of this height spans.
static uint64_t tree_span(uint32_t height)
{
    return (uint64_t)1 << (height * FANOUT_BITS);
}

static void *tree_find(const struct inode *inode, uint64_t index)
{
    if (index >= tree_span(inode->file.height))
        return NULL;
    void *node = inode->file.root;
    for (uint32_t level = inode->file.height; node && level > 0; level--)
        node = ((void **)node)[index >> ((level - 1) * FANOUT_BITS) & (FANOUT - 1)];
    return node;
}

// Frees what lies at page `keep` of the subtree and behind it. True: nothing is left of it.
// `clears`: what refers to it stays, and is to say so.
static bool tree_cut(struct inode *inode, void **place, uint32_t level, uint64_t keep,
                     bool clears)
{
    if (!*place)
        return true;
    if (keep >= tree_span(level))
        return false;
    bool empty = true;
    void **children = *place;
    for (uint32_t i = 0; level > 0 && i < FANOUT; i++) {
        uint64_t start = i * tree_span(level - 1);
        empty &=
            tree_cut(inode, &children[i], level - 1, keep > start ? keep - start : 0, keep > 0);
    }
    if (empty) {
        pages_give(*place);
        inode->file.pages--;
        if (clears)
            *place = NULL;
    }
    return empty;
}

// A page for the tree itself: zeroed.
static void *node_new(struct inode *inode)
{
    void *node = pages_take(PAGE_CONTENTS, true);
    if (node)
        inode->file.pages++;
    return node;
}

// Makes the tree high enough for page `index`.
static bool tree_raise(struct inode *inode, uint64_t index)
{
    while (index >= tree_span(inode->file.height)) {
        if (inode->file.root) {
            void **node = node_new(inode);
            if (!node)
                return false;
            node[0] = inode->file.root;
            inode->file.root = node;
        }
        inode->file.height++;
    }
    return true;
}

static const uint8_t zeroes[PAGE_BYTES];

// Fills a new page with what the file holds there without it.
static void page_fill(const struct inode *inode, uint64_t index, uint8_t *page)
{
    uint64_t start = index * PAGE_BYTES, base = inode->file.base_bytes;
    size_t valid = start < base ? (size_t)minimum(base - start, PAGE_BYTES) : 0;
    if (valid)
        kept_copy(page, inode->file.base + start, valid);
    kept_copy(page + valid, zeroes, PAGE_BYTES - valid);
}

// The file's own page `index`, made if it is missing; null: no space, and the contents as they
// were.
static uint8_t *tree_make(struct inode *inode, uint64_t index)
{
    uint8_t *page = tree_find(inode, index);
    if (page)
        return page;
    if (!tree_raise(inode, index) || !(page = pages_take(PAGE_CONTENTS, false)))
        return NULL;
    void **place = &inode->file.root;
    for (uint32_t level = inode->file.height; level > 0; level--) {
        if (!*place && !(*place = node_new(inode))) {
            pages_give(page);
            return NULL;
        }
        place = &((void **)*place)[index >> ((level - 1) * FANOUT_BITS) & (FANOUT - 1)];
    }
    page_fill(inode, index, page);
    inode->file.pages++;
    *place = page;
    return page;
}

size_t contents_read(const struct inode *inode, uint64_t offset, void *to, size_t length)
{
    if (offset >= inode->size)
        return 0;
    length = (size_t)minimum(length, inode->size - offset);
    for (size_t done = 0; done < length;) {
        uint64_t at = offset + done;
        size_t within = (size_t)(at % PAGE_BYTES);
        size_t step = (size_t)minimum(PAGE_BYTES - within, length - done);
        uint8_t *target = (uint8_t *)to + done;
        const uint8_t *page = tree_find(inode, at / PAGE_BYTES);
        size_t valid = step;
        if (page)
            memcpy(target, page + within, step);
        else {
            uint64_t base = inode->file.base_bytes;
            valid = at < base ? (size_t)minimum(base - at, step) : 0;
            if (valid)
                memcpy(target, inode->file.base + at, valid);
            memset(target + valid, 0, step - valid);
        }
        done += step;
    }
    return length;
}

enum status contents_write(struct inode *inode, uint64_t offset, const void *from,
                           size_t length, size_t *written)
{
    *written = 0;
    if (length == 0)
        return OK;
    if (offset >= FILE_BYTES_MAX)
        return E_FBIG;
    length = (size_t)minimum(length, FILE_BYTES_MAX - offset);
    while (*written < length) {
        uint64_t at = offset + *written;
        size_t within = (size_t)(at % PAGE_BYTES);
        size_t step = (size_t)minimum(PAGE_BYTES - within, length - *written);
        uint8_t *page = tree_make(inode, at / PAGE_BYTES);
        if (!page)
            break;
        // What lies behind the end is zero: should this be undone, it is so again.
        if (at + step > inode->size && inode->size / PAGE_BYTES == at / PAGE_BYTES)
            kept_note(page + within, step);
        kept_copy(page + within, (const uint8_t *)from + *written, step);
        *written += step;
    }
    if (*written == 0)
        return E_NOSPACE;
    if (offset + *written > inode->size)
        inode->size = offset + *written;
    inode_touch(inode);
    return OK;
}

// Hands a large tree to an inode that is about to go. False: no space for it.
static bool give_away(struct inode *inode)
{
    struct inode *remains = inode_new(FILE_TYPE_REGULAR, 0);
    if (!remains)
        return false;
    remains->file = inode->file;
    remains->file.locks = NULL;
    remains->file.base_bytes = 0;
    remains->size = inode->size;
    inode->file.root = NULL;
    inode->file.pages = 0;
    inode_release(remains);
    return true;
}

// At most CONTENTS_STEP pages of contents, and what the tree has above them, lie behind `size`.
static void cut(struct inode *inode, uint64_t size)
{
    if (size < inode->size) {
        uint8_t *last = size % PAGE_BYTES ? tree_find(inode, size / PAGE_BYTES) : NULL;
        if (last)
            memset(last + size % PAGE_BYTES, 0, PAGE_BYTES - size % PAGE_BYTES);
        tree_cut(inode, &inode->file.root, inode->file.height,
                 (size + PAGE_BYTES - 1) / PAGE_BYTES, true);
        inode->file.base_bytes = minimum(inode->file.base_bytes, size);
        if (!inode->file.root)
            inode->file.height = 0;
    }
    inode->size = size;
    inode_touch(inode);
}

void contents_shrink(struct inode *inode, uint64_t size)
{
    const uint64_t step = (uint64_t)CONTENTS_STEP * PAGE_BYTES;
    while (inode->size > size && inode->file.pages > CONTENTS_STEP) {
        uint64_t last = (inode->size - 1) / step * step;
        cut(inode, last > size ? last : size);
        kept_commit();
    }
    cut(inode, size);
}

enum status contents_truncate(struct inode *inode, uint64_t size)
{
    if (size > FILE_BYTES_MAX)
        return E_FBIG;
    if (size == 0 && inode->file.pages > CONTENTS_STEP && !give_away(inode))
        contents_shrink(inode, 0);
    cut(inode, size);
    return OK;
}

enum status contents_allocate(struct inode *inode, uint64_t offset, uint64_t length)
{
    if (length == 0 || offset > FILE_BYTES_MAX || length > FILE_BYTES_MAX - offset)
        return length == 0 ? E_INVAL : E_FBIG;
    uint64_t first = offset / PAGE_BYTES, end = (offset + length + PAGE_BYTES - 1) / PAGE_BYTES;
    if (end - first > pages_free(PAGE_CONTENTS) + inode->file.pages)
        return E_NOSPACE; // at once, instead of after taking all there is
    uint64_t before = inode->size;
    for (uint64_t index = first; index < end; index++) {
        if (kept_room() < ROOM && index * PAGE_BYTES > inode->size) { // as far as it got
            inode->size = index * PAGE_BYTES;
            kept_commit();
        }
        if (tree_make(inode, index))
            continue;
        if (first * PAGE_BYTES >= before) { // nothing but new pages: give them back
            inode->size = index * PAGE_BYTES;
            contents_shrink(inode, before);
        }
        return E_NOSPACE;
    }
    if (offset + length > inode->size)
        inode->size = offset + length;
    inode_touch(inode);
    return OK;
}

// Counts the pages of a subtree; false: there is one that is none.
static bool tree_valid(void *const *node, uint32_t level, uint64_t *pages)
{
    if (!node)
        return true;
    if (!pages_holds(node, PAGE_BYTES))
        return false;
    ++*pages;
    for (uint32_t i = 0; level > 0 && i < FANOUT; i++)
        if (!tree_valid(node[i], level - 1, pages))
            return false;
    return true;
}

bool contents_valid(const struct inode *inode)
{
    uint64_t pages = 0, base = (uint64_t)inode->file.base, limit = inodes()->initrd_bytes;
    uint32_t locks = 0;
    for (const struct record_lock *lock = inode->file.locks; lock; lock = lock->next)
        if (!object_valid(lock, sizeof *lock) || ++locks > LOCKS_MAX)
            return false;
    return inode->size <= FILE_BYTES_MAX && inode->file.height <= HEIGHT_MAX &&
           (inode->file.base_bytes == 0 ||
            (base - inodes()->initrd <= limit &&
             inode->file.base_bytes <= limit - (base - inodes()->initrd))) &&
           tree_valid(inode->file.root, inode->file.height, &pages) &&
           pages == inode->file.pages;
}
