/* newlib's <sys/stat.h>, and what it declares for some systems only. */
#include_next <sys/stat.h>

#ifndef _PITH_STAT_H
#define _PITH_STAT_H

/* st_blocks counts in this unit. */
#undef S_BLKSIZE
#define S_BLKSIZE 512

/* tv_nsec of futimens() and utimensat(). */
#define UTIME_NOW  (-2L)
#define UTIME_OMIT (-1L)

#ifdef __cplusplus
extern "C" {
#endif
int lstat(const char *__restrict path, struct stat *__restrict buffer);
int mknod(const char *path, mode_t mode, dev_t device);
#ifdef __cplusplus
}
#endif

#endif
