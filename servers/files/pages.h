// The pages that files are made of: an arena of addresses, reserved once, of which chunks of
// 64 KiB are committed when their first page is taken and given back when their last is freed.
// So an empty file system costs what it did at first, and memory that the arena does not use
// is everybody's.
//
// Pages hold file contents (pages_take) or the objects of objects.h. The last RESERVE pages are
// kept from file contents and names, so that in a full file system files can still be opened
// and removed, and commands joined by pipes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/abi.h>

#define PAGE_BYTES      4096u
#define CHUNK_PAGES     16u
#define CHUNK_BYTES     (CHUNK_PAGES * PAGE_BYTES)
#define CHUNK_NONE      UINT32_MAX
#define CHUNK_TABLE(n)  ((n) * sizeof(struct chunk)) // bytes of the table for n chunks
#define RESERVE_DIVISOR 32u                          // one part in 32 is the reserve

/// Where pages come from. `commit` may fail; both get whole chunks.
struct page_source {
    enum status (*commit)(void *address, size_t bytes);
    void (*decommit)(void *address, size_t bytes);
};

struct chunk {
    uint16_t used;  ///< bit n: page n is taken
    uint16_t dirty; ///< bit n: page n was taken since the chunk was committed
    uint32_t next;  ///< in the list of partly used, or of empty chunks
    uint32_t previous;
};

/// For whom a page is. CONTENTS leaves the reserve alone, PIPE its last quarter.
enum page_use { PAGE_CONTENTS, PAGE_PIPE, PAGE_SERVER };

/// `base`: reserved addresses, aligned to CHUNK_BYTES, for `chunks` chunks. `table`: committed,
/// zeroed memory of CHUNK_TABLE(chunks) bytes.
void pages_init(const struct page_source *source, void *base, uint32_t chunks,
                struct chunk *table);
/// A page, zeroed where `zero` says so; null: none left, or `source` had none.
void *pages_take(enum page_use use, bool zero);
void pages_give(void *page);
/// Chunks are empty that `source` has not got back: an unfinished request that gave them up may
/// be undone. pages_settle gives them back; it commits (lib/kept.h).
bool pages_unsettled(void);
void pages_settle(void);
/// After a restart: goes on with what was kept. False: it is damaged, or was elsewhere.
bool pages_resume(const struct page_source *source, void *base, struct chunk *table);
/// Whether `bytes` at `address` are in one page that was taken.
bool pages_holds(const void *address, size_t bytes);
/// Pages in all, and how many of them file contents can still take.
uint64_t pages_total(void);
uint64_t pages_free(enum page_use use);
