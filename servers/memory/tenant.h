/// Address spaces and their accounts. One tenant is one session of this server: one VSpace, one
/// CSpace, what is mapped, and how much of it all is charged to whom.
///
/// The rule that keeps promises: the sum of what is charged never exceeds what there is, so
/// whoever was charged for a page finds a block for it later. What this server needs for its
/// own records lies in a 14th of memory that is set aside from the start.
#pragma once

#include "blocks.h"

/// Regions of one space, and pieces and objects in records of this server, are bounded.
enum { REGIONS_MAX = 8192 };

enum region_state {
    REGION_RESERVED,  ///< addresses only
    REGION_COMMITTED, ///< charged; pages come at first touch
    REGION_LAZY,      ///< charged when pages come
    REGION_SHARED,    ///< pages of a share, all mapped
};

/// A range of addresses with one state and protection. Regions of a space do not overlap.
struct region {
    struct node node; ///< key: first address
    uint64_t end;
    uint64_t low, high,
        gap; ///< of the subtree: first address, last end, largest free range between
    struct tenant *tenant;
    struct share *share; ///< REGION_SHARED: which, from which byte on
    uint64_t offset;
    struct region *next_sharer, *prev_sharer;
    uint8_t state;
    uint8_t protection;
    uint8_t allowed; ///< REGION_SHARED: protections that it can get
    uint8_t fixed;   ///< an IPC buffer: goes with its thread only
    uint8_t sealed;  ///< has been executable: not writable again while its pages last
};

enum { FRAME_BITS_MAX = 21 }; ///< a device's Frames are no larger

/// Memory that several spaces map.
struct share {
    struct node node;   ///< key: id, which is never used again
    struct tree frames; ///< struct cap by offset
    uint64_t length;
    struct tenant *payer; ///< charged for `length`; null: nobody (device memory)
    struct region *sharers;
    uint32_t flags; ///< enum map: UNCACHED, COMBINE
    bool device;    ///< never dies
    uint64_t
        skew; ///< a device's: at an address that ends in these bits it takes the fewest pieces
};

struct tenant {
    struct node node;   ///< key: session
    uint64_t creator;   ///< session whose end ends this one too
    bool serves;        ///< a server: made by init
    uint64_t low, high; ///< addresses that may be handed out
    struct tree regions, frames, tables;
    uint64_t used, limit,
        objects;    ///< bytes; `objects` is the part for kernel objects and records
    uint32_t block; ///< VSpace, CSpace and its first slots are made from it; 0: adopted
    uint32_t vspace, cspace; ///< slots
    uint32_t first_object;   ///< list of CAP_OBJECT blocks
    uint32_t slot_pages;
    uint32_t region_count;
    uint64_t extras; ///< bytes of records of this server for it
};

// ---------------------------------------------------------------- tenants.c

/// All RAM, the part set aside, what nobody is charged for.
struct totals {
    uint64_t all, reserve, free;
    uint64_t restarts; ///< of `free`: not for programs, so that a server can start again
};
extern struct totals totals;

/// Null: no such session.
struct tenant *tenant_find(uint64_t session);

/// The first one from session `from` on that `creator` created; null: none.
struct tenant *tenant_created_by(uint64_t creator, uint64_t from);

enum status tenant_create(uint64_t session, uint64_t creator, uint64_t limit);

/// The space that a manager runs in: it has tables of its own outside [low, high).
enum status tenant_adopt(uint64_t session, uint64_t low, uint64_t high, uint32_t slots,
                         uint32_t vspace, uint32_t cspace);

/// All that it had comes back: threads first, then the space, then memory.
void tenant_destroy(struct tenant *tenant);

/// Its kernel objects and its regions below `end` come back; the rest is for who runs in the
/// space next.
void tenant_renew(struct tenant *tenant, uint64_t end);

/// E_NOMEM: beyond the account's limit or what there is. The second form for kernel objects.
enum status tenant_charge(struct tenant *tenant, uint64_t bytes);
enum status tenant_charge_object(struct tenant *tenant, uint64_t bytes);
void tenant_refund(struct tenant *tenant, uint64_t bytes);
void tenant_refund_object(struct tenant *tenant, uint64_t bytes);

/// A kernel object; *slot is a capability to give away (deleted with the next object made).
enum status object_create(struct tenant *tenant, uint32_t kind, uint32_t bits, uint32_t *id,
                          uint32_t *slot);
/// A thread with the page of its IPC buffer, at *address or, if that is 0, where there is room.
enum status thread_create(struct tenant *tenant, uint32_t *id, uint64_t *address,
                          uint32_t *thread, uint32_t *buffer);
enum status object_destroy(struct tenant *tenant, uint32_t id);

/// One more page of 64 slots for its CSpace: *first is the first usable one.
enum status tenant_grow_slots(struct tenant *tenant, uint32_t *first);

/// Small objects of this server (regions, shares, tenants), zeroed; null: the records are full,
/// or the tenant they are for (null: nobody) has a quarter of all.
void *record_take(struct tenant *tenant, size_t bytes);
void record_give(struct tenant *tenant, void *record, size_t bytes);
/// Counts slots for pieces against the same bounds.
bool extras_take(struct tenant *tenant, uint64_t bytes);
void extras_give(struct tenant *tenant, uint64_t bytes);

// ---------------------------------------------------------------- regions.c

/// The region that contains `address`, or null.
struct region *region_at(const struct tenant *tenant, uint64_t address);

/// The first region that ends behind `address`, or null.
struct region *region_behind(const struct tenant *tenant, uint64_t address);

/// Whether [start, end) is whole pages inside the space.
bool range_valid(const struct tenant *tenant, uint64_t start, uint64_t length);

/// A free range of `length` bytes, aligned to 2^bits; 0: none.
uint64_t region_gap(const struct tenant *tenant, uint64_t length, uint32_t bits);

/// A new region over a free range. E_EXIST, E_NOMEM.
enum status region_add(struct tenant *tenant, uint64_t start, uint64_t length,
                       enum region_state state, uint32_t protection, struct region **region);

/// The region is gone; what it had mapped is not looked at.
void region_drop(struct region *region);

// The requests on ranges of the tenant's own space. All check their arguments.
enum status range_reserve(struct tenant *tenant, uint64_t start, uint64_t length);
enum status range_commit(struct tenant *tenant, uint64_t start, uint64_t length,
                         uint32_t protection);
enum status range_decommit(struct tenant *tenant, uint64_t start, uint64_t length);
enum status range_protect(struct tenant *tenant, uint64_t start, uint64_t length,
                          uint32_t protection);
enum status range_release(struct tenant *tenant, uint64_t start, uint64_t length);

/// A page fault at `address`. OK: run the instruction again; else the fault is the program's.
enum status tenant_fault(struct tenant *tenant, uint64_t address, uint64_t code);

// ---------------------------------------------------------------- tables.c

/// Page tables for the pages of [start, end), counted: held while pages may come, dropped
/// after.
enum status tables_hold(struct tenant *tenant, uint64_t start, uint64_t end);
void tables_drop(struct tenant *tenant, uint64_t start, uint64_t end);

/// Installs the highest table that the space does not have yet on the way to `address`.
/// E_TABLE: the page is not held.
enum status table_install(struct tenant *tenant, uint64_t address);

/// Whether the lowest table for `address` is installed: then no Frame of its size fits there.
bool table_installed(const struct tenant *tenant, uint64_t address);

// ---------------------------------------------------------------- frames.c

/// Maps the Frame in `slot`; its tables are held.
enum status frame_map(struct tenant *tenant, uint32_t slot, uint64_t address, uint32_t flags);

/// Fills in the page at `address` of the region, with as many around it as suits.
enum status frame_populate(struct region *region, uint64_t address);

/// The Frame that covers `address`, or null.
struct cap *frame_at(const struct tenant *tenant, uint64_t address);

/// Splits larger private Frames so that none lies across `start` or `end`. E_NOMEM.
enum status frames_isolate(struct tenant *tenant, uint64_t start, uint64_t end);

/// Takes all Frames of [start, end) away; returns the bytes that they were.
uint64_t frames_remove(struct tenant *tenant, uint64_t start, uint64_t end);

void frames_protect(struct tenant *tenant, uint64_t start, uint64_t end, uint32_t protection,
                    uint32_t flags);

// ---------------------------------------------------------------- shares.c

/// Null: there is none.
struct share *share_find(uint64_t id);

/// Mapped readable and writable at `*address`, which is chosen here.
enum status share_create(struct tenant *tenant, uint64_t length, uint64_t *address,
                         uint64_t *id);

/// Pages [offset, offset + length) of a share at `address`.
enum status share_attach(struct tenant *tenant, struct share *share, uint64_t address,
                         uint64_t offset, uint64_t length, uint32_t protection);

/// One of its regions goes; with the last, the share.
void share_leave(struct region *region);

/// Memory that is no RAM. E_NOENT: not all of the range is known as such.
enum status device_share(uint64_t address, uint64_t length, uint32_t flags, uint64_t *id);

/// Enters the device Untyped in `slot`. False: no meta memory.
bool device_add(uint32_t slot, uint64_t address, uint32_t bits);
