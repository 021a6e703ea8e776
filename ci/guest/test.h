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
void test_handles(void);
void test_rights(void);
void test_badges(void);
void test_replies(void);
void test_confused_deputy(void);
void test_starvation(void);
void test_slices(void);
void test_registers(void);
void test_fpu_leaks(void);
void test_zeroed(void);
void test_translations(void);
void test_instructions(void);
