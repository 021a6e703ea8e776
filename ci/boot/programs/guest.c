// guest NAME: works until /tmp/guests.stop is there, then ends with status 0; with 1, and a
// line that says so, if anything is not as it left it. Built for WASI and for Pith itself, for
// ci/boot/programs/guests.c. Takes memory, computes in it, writes files and its own output.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES = 60000, LINE = 7000 };

static uint32_t mixed(uint32_t at, uint32_t round)
{
    return (at + 1) * 2654435761u ^ round * 40503u;
}

static int wrong(const char *what)
{
    perror(what);
    return 1;
}

// Writes what `words` holds, moves it, reads it again, removes it. 0: all as it should be.
static int through_file(const char *name, const uint32_t *words, uint32_t *again)
{
    char path[64], moved[64];
    snprintf(path, sizeof path, "/tmp/%s", name);
    snprintf(moved, sizeof moved, "/tmp/%s.moved", name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(words, BYTES, 1, file) != 1 || fclose(file) != 0)
        return wrong(path);
    if (rename(path, moved) != 0 || !(file = fopen(moved, "rb")))
        return wrong(moved);
    memset(again, 0, BYTES);
    if (fread(again, BYTES, 1, file) != 1 || fclose(file) != 0 || unlink(moved) != 0)
        return wrong(moved);
    return memcmp(words, again, BYTES) == 0 ? 0
                                            : wrong("what was written is not what was read");
}

int main(int argc, char **argv)
{
    struct stat status;
    char line[LINE];
    memset(line, '.', sizeof line);
    for (uint32_t round = 0; argc > 1 && stat("/tmp/guests.stop", &status) != 0; round++) {
        uint32_t *words = malloc(BYTES), *again = malloc(BYTES);
        if (!words || !again)
            return wrong("malloc");
        for (uint32_t i = 0; i < BYTES / 4; i++)
            words[i] = mixed(i, round);
        if (write(1, line, sizeof line) != sizeof line ||
            through_file(argv[1], words, again) != 0)
            return 1;
        for (uint32_t i = 0; i < BYTES / 4; i++)
            if (words[i] != mixed(i, round) || again[i] != words[i])
                return wrong("memory");
        free(words);
        free(again);
    }
    return argc > 1 ? 0 : 2;
}
