/* A system without users: what SQLite's shell needs to look for a home directory and find none.
 */
#ifndef PWD_H
#define PWD_H

#include <stddef.h>
#include <sys/types.h>

struct passwd {
    char *pw_dir;
};

static inline struct passwd *getpwuid(uid_t user)
{
    (void)user;
    return NULL;
}

#endif
