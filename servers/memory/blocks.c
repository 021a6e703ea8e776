// Physical memory in blocks (blocks.h). Called by whoever needs memory for an object.
//
// Always: a CAP_FREE block is in the list of its size and has no children in the kernel; a
// CAP_SPLIT block has exactly eight, in the eight slots of one group, and `busy` of them are
// not free. `spare` names, for each size, one parent whose children are all free but which was
// left split, so that taking and giving the same block again and again splits and joins
// nothing.
#include "blocks.h"

enum { LEVELS = 12 };

static struct {
    uint32_t head[LEVELS];  // free blocks of 2^(12 + 3 * level) bytes
    uint32_t spare[LEVELS]; // parent of eight free blocks of that size
} pool;

uint32_t blocks_idle;

static uint32_t level_of(uint32_t bits)
{
    return (bits - PAGE_BITS + 2) / 3;
}

static void list_push(uint32_t block)
{
    struct cap *cap = cap_at(block);
    uint32_t *head = &pool.head[level_of(cap->bits)];
    cap->state = CAP_FREE;
    blocks_idle++;
    cap->prev = 0;
    cap->next = *head;
    if (*head)
        cap_at(*head)->prev = block;
    *head = block;
}

static void list_remove(uint32_t block)
{
    struct cap *cap = cap_at(block);
    if (cap->prev)
        cap_at(cap->prev)->next = cap->next;
    else
        pool.head[level_of(cap->bits)] = cap->next;
    if (cap->next)
        cap_at(cap->next)->prev = cap->prev;
    cap->next = cap->prev = 0;
    blocks_idle--;
}

/// Splits `block` into `count` children of 2^bits bytes in a new group.
static bool split(uint32_t block, uint32_t bits, uint32_t count, uint32_t parent)
{
    uint32_t first = group_take();
    if (!first)
        return false;
    if (sys_retype(block, KIND_UNTYPED, bits, count, HANDLE_NULL, first) != OK) {
        group_give(first);
        return false;
    }
    cap_at(block)->state = CAP_SPLIT;
    blocks_idle++;
    cap_at(block)->busy = 0;
    for (uint32_t i = count; i-- > 0;) { // the lowest address is handed out first
        *cap_at(first + i) = (struct cap){.bits = (uint8_t)bits, .parent = parent};
        list_push(first + i);
    }
    return true;
}

bool blocks_add(uint32_t slot, uint32_t bits)
{
    uint32_t odd = (bits - PAGE_BITS) % 3;
    *cap_at(slot) = (struct cap){.bits = (uint8_t)bits};
    if (odd) // not a size of ours: two or four that never join again
        return split(slot, bits - odd, 1u << odd, 0);
    list_push(slot);
    return true;
}

/// All children of `parent` are free: makes it one block again.
static void join_children(uint32_t parent)
{
    uint32_t child_level = level_of(cap_at(parent)->bits) - 1;
    uint32_t first = cap_at(parent)->next; // kept there while split
    for (uint32_t i = 0; i < GROUP_SLOTS; i++) {
        list_remove(first + i);
        *cap_at(first + i) = (struct cap){0};
    }
    if (pool.spare[child_level] == parent)
        pool.spare[child_level] = 0;
    revoke(parent);
    group_give(first);
    cap_at(parent)->state = CAP_USED;
    blocks_idle--;
    block_give(parent);
}

static uint32_t take(uint32_t level)
{
    if (level >= LEVELS)
        return 0;
    for (uint32_t below = 0; !pool.head[level] && below < level; below++)
        if (pool.spare[below])
            join_children(pool.spare[below]);
    if (!pool.head[level]) {
        uint32_t larger = take(level + 1);
        if (!larger)
            return 0;
        if (!split(larger, cap_at(larger)->bits - 3u, GROUP_SLOTS, larger)) {
            block_give(larger);
            return 0;
        }
        cap_at(larger)->next = pool.head[level]; // the lowest is the first of the group
    }
    uint32_t block = pool.head[level];
    list_remove(block);
    struct cap *cap = cap_at(block);
    cap->state = CAP_USED;
    if (cap->parent) {
        cap_at(cap->parent)->busy++;
        if (pool.spare[level] == cap->parent)
            pool.spare[level] = 0;
    }
    return block;
}

uint32_t block_take(uint32_t bits)
{
    return take(level_of(bits));
}

void block_give(uint32_t block)
{
    struct cap *cap = cap_at(block);
    uint32_t level = level_of(cap->bits);
    revoke(block);
    *cap = (struct cap){.bits = cap->bits, .parent = cap->parent};
    list_push(block);
    if (!cap->parent || --cap_at(cap->parent)->busy > 0)
        return;
    if (!pool.spare[level])
        pool.spare[level] = cap->parent;
    else
        join_children(cap->parent);
}
