/* posix-test: checks newlib's glue against the running servers. Without arguments it runs
 * everything; with names, those parts. Ends with "N passed, N failed"; the exit status is 1 if
 * a check failed. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

int checks_passed, checks_failed;
const char *self;

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {
    {"stdio", test_stdio},
    {"files", test_files},
    {"directories", test_directories},
    {"descriptors", test_descriptors},
    {"memory", test_memory},
    {"signals", test_signals},
    {"processes", test_processes},
    {"time", test_time},
    {"rest", test_rest},
};

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return argc < 2;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--child") == 0) {
        return child_main(argc - 2, argv + 2);
    }
    self = realpath(argv[0], NULL);
    if (!self) {
        self = argv[0];
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    char folder[] = "/tmp/posix-test-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) < 0) {
        perror("posix-test: /tmp");
        return 1;
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (wanted(parts[i].name, argc, argv)) {
            int failed = checks_failed;
            parts[i].run();
            printf("%s: %s\n", parts[i].name, checks_failed == failed ? "ok" : "FAILED");
        }
    }
    CHECK(chdir("/") == 0);
    CHECK(rmdir(folder) == 0); /* every part cleans up */
    printf("%d passed, %d failed\n", checks_passed, checks_failed);
    return checks_failed != 0;
}
