/* newlib's <sys/wait.h>, and the rest of POSIX's macros. */
#include_next <sys/wait.h>

#ifndef _PITH_WAIT_H
#define _PITH_WAIT_H

#define WCONTINUED 8

#define WCOREDUMP(status)    ((status)&0x80)
#define WIFCONTINUED(status) ((status) == 0xffff)

/* newlib's own macro takes an exit code of 0 with a signal for an exit. */
#undef WIFEXITED
#define WIFEXITED(status) (((status)&0x7f) == 0)

#endif
