// servers/lib/text.c under other names, so that it can be compared with the host's.
#include <stddef.h>

void *pith_memcpy(void *restrict, const void *restrict, size_t);
void *pith_memmove(void *, const void *, size_t);
void *pith_memset(void *, int, size_t);
int pith_memcmp(const void *, const void *, size_t);
size_t pith_strlen(const char *);

#define memcpy  pith_memcpy
#define memmove pith_memmove
#define memset  pith_memset
#define memcmp  pith_memcmp
#define strlen  pith_strlen
#include "../../../servers/lib/text.c"
