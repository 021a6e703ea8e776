/* Which options of POSIX Pith has, on top of newlib's own feature macros. Only what
 * docs/reference/posix.md calls complete or partial is announced here. */
#include_next <sys/features.h>

#ifndef _PITH_FEATURES
#define _PITH_FEATURES

#define _POSIX_VERSION  200809L
#define _POSIX2_VERSION 200809L

#define _POSIX_CLOCK_SELECTION   200809L
#define _POSIX_CPUTIME           200809L
#define _POSIX_FSYNC             200809L
#define _POSIX_JOB_CONTROL       (-1)
#define _POSIX_MAPPED_FILES      (-1)
#define _POSIX_MEMORY_PROTECTION 200809L
#define _POSIX_MONOTONIC_CLOCK   200809L
#define _POSIX_NO_TRUNC          1
#define _POSIX_REGEXP            1
#define _POSIX_SPAWN             200809L
#define _POSIX_THREAD_CPUTIME    200809L
#define _POSIX_TIMERS            200809L
#define _POSIX_VDISABLE          '\0'

#endif
