/// The two kinds of named check.
///
/// CHECK refuses bad input with a status. ASSERT states an invariant of the kernel and stays on
/// in release builds. Each has a name, unique in the kernel; compiling with -DMUTANT_name
/// removes that one, and `ci/mutants.sh` shows that a test then fails.
#pragma once

#include <arch/kern.h>

// MUTANT(name) is 1 when MUTANT_name is defined as 1, else 0: the pasted word expands to
// `0, 1` or stays an unknown identifier, and the second argument is picked.
#define MUTANT_DEFINED_1         0, 1
#define MUTANT_SECOND(a, b, ...) b
#define MUTANT_PICK(...)         MUTANT_SECOND(__VA_ARGS__, 0, 0)
#define MUTANT_PASTE(value)      MUTANT_PICK(MUTANT_DEFINED_##value)
#define MUTANT_EXPAND(value)     MUTANT_PASTE(value)
#define MUTANT(name)             MUTANT_EXPAND(MUTANT_##name)

/// In a function that returns enum status: leaves it with `status` unless `condition` holds.
#define CHECK(name, condition, status)                                                         \
    do {                                                                                       \
        if (!MUTANT(name) && __builtin_expect(!(condition), 0))                                \
            return (status);                                                                   \
    } while (0)

/// Panics unless `condition` holds.
#define ASSERT(name, condition)                                                                \
    do {                                                                                       \
        if (!MUTANT(name) && __builtin_expect(!(condition), 0))                                \
            kern_panic("assertion " #name ": " #condition " (%s)", __func__);                  \
    } while (0)

/// 1 in the debug build (target kernel_checked), which examines itself: invariants.h.
#ifndef KERN_CHECKED
#define KERN_CHECKED 0
#endif

/// 0 in the build that ci/guest/ways.c compares this one with (target kernel_general): every
/// system call goes the general way.
#ifndef KERN_FAST
#define KERN_FAST 1
#endif

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define must_use    __attribute__((warn_unused_result))
