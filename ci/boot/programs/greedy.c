// Allocates and touches memory until there is none; a failing malloc must say ENOMEM.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    for (;;) {
        char *block = malloc(1 << 20);
        if (block == NULL)
            return errno == ENOMEM ? 3 : 4;
        memset(block, 0x5a, 1 << 20);
    }
}
