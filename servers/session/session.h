/// The first program's parts: what the host asks for (firmware.c), the serial link to it
/// (link.c), one command line on that link (run.c) and the shell at the console (main.c).
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <pith/abi.h>

/// Signals at the session's endpoint.
enum {
    WAKE_LINK = 1,   ///< the serial port interrupts
    WAKE_CHILD = 2,  ///< a child ended
    WAKE_OUTPUT = 4, ///< standard output can be read
    WAKE_ERROR = 8,  ///< standard error can be read
    WAKE_INPUT = 16, ///< standard input can be written
};

/// A capability that signals `bit` at the session's endpoint. Dies with log_die where there is
/// no memory for it: this is start-up.
uint32_t wake_capability(uint64_t bit);

/// Waits until one of `bits` is there to be taken.
void wake_wait(uint64_t bits);

/// Whether `bit` was signalled since it was last taken; takes it.
bool wake_take(uint64_t bit);

/// What qemu.sh asked for. All strings stay in place.
struct plan {
    const char *run;               ///< the command line; null: be interactive
    const char *pairs, *pairs_end; ///< all that was asked, as toolchain/boot.py draws it
    bool input_ended;              ///< what firmware_input gives is all
    char add_failed[256];          ///< why a file of --add is not whole; else empty
};

/// Reads the plan from fw_cfg and puts the files of --add in place. Without QEMU, or with
/// nothing asked, the plan is empty. A file that cannot be made is said on the console too.
void firmware_plan(struct plan *plan);

/// The value after `*at` whose key is `key`, and `*at` moved behind it; null: no more. Begin
/// with the plan's `pairs`.
const char *plan_next(const struct plan *plan, const char *key, const char **at);

/// Standard input that was there before the machine started: up to `max` further bytes. Nothing
/// else may use fw_cfg any more.
uint32_t firmware_input(void *to, uint32_t max);

/// Starts the shell. `arguments` are NUL-terminated, `bytes` in all. `service` and `handles`:
/// the descriptors 0 to 2.
__attribute__((warn_unused_result)) enum status
shell_spawn(const char *arguments, uint32_t bytes, uint32_t flags, uint32_t service,
            const uint32_t handles[3], uint32_t *pid);

/// The exit status as a shell shows it (128 + signal), once the child has ended; false: it
/// runs.
bool child_ended(uint32_t pid, uint32_t *status);

/// Runs the plan's line with pipes as its descriptors, tells the host everything, and stays.
_Noreturn void run_line(const struct plan *plan);

// ---------------------------------------------------------------- the link

enum { FRAME_BYTES = 65536 };

struct frame {
    uint8_t kind;
    uint32_t bytes;
    uint8_t payload[FRAME_BYTES];
};

void link_start(void);

/// Sends one frame. The machine stands still while the host does not take it.
void link_send(char kind, const void *payload, uint32_t bytes);

/// Takes what has arrived. True: `frame` is whole; the next call begins the next one.
bool link_receive(struct frame *frame);
