/// What the tests of kept state share: the places that a server's linker script provides, a
/// `memory` that gives all it is asked for, and instances that end. Built as servers are, with
/// kept variables and the log at the addresses of lib/kept.h.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <lib/kept.h>
#include <lib/server.h>

enum {
    LOG_WORDS = 32768,
    HOST_HEAP_BYTES = 1 << 20, // as much of the heap as tests use
    FIRST_SLOT = 130,          // slots [FIRST_SLOT, SLOT_LIMIT) are free at the start
    SLOT_LIMIT = 190,
};

/// The first instance starts.
void host_begin(void);

/// Runs `part`. False: it ended the server.
bool host_lives(void (*part)(void));

/// The next instance starts, and looks at what is kept with `look`. False: it does not believe
/// it. What is kept is then as before.
bool host_believes(void (*look)(void));

/// One word of kept state is not what it should be: the next instance must notice.
#define DAMAGE(look, lvalue, value)                                                            \
    do {                                                                                       \
        __typeof__(lvalue) before_ = (lvalue);                                                 \
        (lvalue) = (__typeof__(lvalue))(value);                                                \
        if (host_believes(look))                                                               \
            fail_msg("not noticed: %s = %s", #lvalue, #value);                                 \
        (lvalue) = before_;                                                                    \
    } while (0)

/// Where the kept variables end.
uint64_t host_section_end(void);

/// The region that `memory` says there is; length 0: none.
extern uint64_t host_region, host_region_bytes;

/// Whether `memory` was asked to take that region back.
extern bool host_released;

/// The slot that was signalled last.
extern uint32_t host_signalled;

/// Slots with a capability in them, of which the test wants to know when it is deleted.
extern bool host_full[SLOT_LIMIT];

/// A kept pointer to nowhere.
#define NOWHERE 4096
