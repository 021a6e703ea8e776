/* newlib's <sched.h>, and the one call that needs no scheduling policy. */
#include_next <sched.h>

#ifndef _PITH_SCHED_H
#define _PITH_SCHED_H
#ifdef __cplusplus
extern "C" {
#endif
int sched_yield(void);
#ifdef __cplusplus
}
#endif
#endif
