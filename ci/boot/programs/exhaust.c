// exhaust: takes all memory in small blocks before it has said a word, then says what happened,
// as any program would: that takes stack, stream buffers and a window to `files`.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *block;
    while ((block = malloc(4000)))
        memset(block, 1, 4000);
    fprintf(stderr, "exhaust: %s\n", strerror(errno));
    printf("%.2f still prints\n", 1.5);
    return fflush(stdout) ? 1 : 3;
}
