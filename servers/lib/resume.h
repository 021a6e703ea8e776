/// The start of an instance that takes over kept state, between server.c and resume.c.
#pragma once

#include <lib/kept.h>

#ifdef PITH_KEPT

/// When the server has taken over what it keeps: gives back what an unfinished request left.
void resume_finish(void);

#else

static inline void resume_finish(void) {}

#endif
