/* The smallest guest that is of use: prints its arguments, one on each line, and greets where
 * there are none. `--status N` first makes it end with status N. Every ISO has it as
 * /bin/hello.wasm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    int status = 0, first = 1;
    if (argc > 2 && strcmp(argv[1], "--status") == 0) {
        status = atoi(argv[2]);
        first = 3;
    }
    if (first == argc) {
        puts("Hello from WebAssembly.");
    }
    for (int i = first; i < argc; i++) {
        puts(argv[i]);
    }
    return status;
}
