/// What each file of tests includes and offers.
#pragma once

#include "world.h"
#include <kern/create.h>
#include <kern/delete.h>
#include <string.h>
// cmocka wants these first.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// clang-format off
#include <cmocka.h>
// clang-format on

/// Where the machine's init module lies.
#define MODULE_ADDRESS 0x200000

#define TESTS(subject)                                                                         \
    extern const struct CMUnitTest subject##_tests[];                                          \
    extern const size_t subject##_count

TESTS(caps);
TESTS(map);
TESTS(ipc);
TESTS(thread);
TESTS(fault);
TESTS(device);
TESTS(start);
TESTS(invariants);
TESTS(random);
TESTS(fast);
TESTS(cpus);
TESTS(elsewhere);
TESTS(lock);
