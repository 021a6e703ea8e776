/* A test program that runs in the booted system: each file has one function of checks. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

extern int checks_passed, checks_failed;

/* Counts and, where it fails, says where and with which errno. */
#define CHECK(condition)                                                                       \
    do {                                                                                       \
        errno = 0;                                                                             \
        if (condition) {                                                                       \
            checks_passed++;                                                                   \
        } else {                                                                               \
            checks_failed++;                                                                   \
            printf("%s:%d: %s (errno %d)\n", __FILE_NAME__, __LINE__, #condition, errno);      \
        }                                                                                      \
    } while (0)

/* The call fails with exactly this errno. */
#define CHECK_ERROR(call, expected)                                                            \
    do {                                                                                       \
        errno = 0;                                                                             \
        bool failed = (long)(call) == -1 && errno == (expected);                               \
        if (failed) {                                                                          \
            checks_passed++;                                                                   \
        } else {                                                                               \
            checks_failed++;                                                                   \
            printf("%s:%d: %s: errno %d instead of %s\n", __FILE_NAME__, __LINE__, #call,      \
                   errno, #expected);                                                          \
        }                                                                                      \
    } while (0)

/* How this program was called, to spawn itself. */
extern const char *self;

void test_stdio(void);
void test_files(void);
void test_directories(void);
void test_descriptors(void);
void test_memory(void);
void test_signals(void);
void test_processes(void);
void test_time(void);
void test_rest(void);

/* 0 if a child gets this lock, else its errno. */
int lock_in_child(const char *path, int type, long start, long length);

/* What a spawned copy does; its exit status. */
int child_main(int argc, char **argv);
