/* What Lua's sources expect and wasi-libc does not have, included before them (cc -include).
 * Without setjmp an error ends the program: the script raises none.
 */
#ifndef LUA_WASI_H
#define LUA_WASI_H

#include <stdio.h>
#include <stdlib.h>

#define LUAI_THROW(state, jump) abort()
#define LUAI_TRY(state, jump, act)                                                             \
    {                                                                                          \
        act                                                                                    \
    }
#define luai_jmpbuf              int
#define LUA_TMPNAMBUFSIZE        1
#define lua_tmpnam(name, failed) ((failed) = 1)
#define tmpfile                  absent_tmpfile
#define system                   absent_system

static inline FILE *absent_tmpfile(void)
{
    return NULL;
}

static inline int absent_system(const char *command)
{
    return command ? -1 : 0;
}

#endif
