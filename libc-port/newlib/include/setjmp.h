/* newlib's <setjmp.h>, and the jumps that restore the signal mask. */
#include_next <setjmp.h>

#ifndef _PITH_SETJMP_H
#define _PITH_SETJMP_H

#if __POSIX_VISIBLE
#include <signal.h>

typedef struct {
    jmp_buf __registers;
    int __mask_saved;
    sigset_t __mask;
} sigjmp_buf[1];

#ifdef __cplusplus
extern "C" {
#endif
void __pith_sigjmp_save(sigjmp_buf environment, int save_mask);
void siglongjmp(sigjmp_buf environment, int value) __attribute__((__noreturn__));
#ifdef __cplusplus
}
#endif

/* setjmp must be called from the caller's own frame. */
#define sigsetjmp(environment, save_mask)                                                      \
    (__pith_sigjmp_save(environment, save_mask), setjmp((environment)->__registers))

#define _setjmp(environment)         setjmp(environment)
#define _longjmp(environment, value) longjmp(environment, value)
#endif

#endif
