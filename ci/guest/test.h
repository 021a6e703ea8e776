/// What the kernel's ring-3 tests share.
#pragma once

#include "guest.h"

/// Counts a failure and prints where.
void expect(bool condition, const char *what, const char *file, unsigned line);
#define EXPECT(condition) expect(condition, #condition, __FILE__, __LINE__)

/// For tests that need one endpoint and Reply at a time.
extern uint32_t test_endpoint, test_reply;

void test_faults(void);
void test_entry_flags(void);
void test_privileged(void);
void test_canonical_edge(void);
