/// What the bench's threads and spaces are made with: the kernel alone, no servers.
#pragma once

#include <pith/syscall.h>

/// A thread with what it needs.
struct guest {
    uint32_t thread;
    uint32_t vspace;
    uint32_t cspace;
};

/// Remembers what the kernel gave; the first call.
void guest_start(const struct boot_info *info);

/// An empty slot.
uint32_t slot_new(void);
/// `count` empty slots in a row, fewer than a page has.
uint32_t slots_new(uint32_t count);
/// One object from the largest untyped. Stops with a word if that fails.
uint32_t object_new(enum kind kind, uint32_t bits);
/// Maps a frame, with the tables it needs.
void frame_map(uint32_t frame, uint32_t vspace, uint64_t address, uint32_t flags);

/// A second address space: copies of the pages of this program, at the same addresses.
/// Variables have from then on two lives.
uint32_t space_clone(void);

/// An inactive thread in `vspace` with its own CSpace (empty) or init's, buffer and stack, that
/// will run `entry`, never returning. `fault`: its fault endpoint or 0.
struct guest thread_new(uint32_t vspace, uint32_t cspace, void (*entry)(void),
                        uint32_t priority, uint32_t fault, uint32_t options);
void thread_start(uint32_t thread);

/// Stops the bench with a word if `status` is not OK.
void must(enum status status, const char *what);
/// `bench NAME VALUE UNIT` on the serial line.
void report(const char *name, uint64_t value, const char *unit);
void say(const char *text);
