// Which command? See tools.h.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools.h"

const char *tool_name = "tools";

static const struct {
    const char *name;
    tool *run;
} tools[] = {
    {"cat", tool_cat},
    {"clear", tool_clear},
    {"cmp", tool_cmp},
    {"cp", tool_cp},
    {"date", tool_date},
    {"echo", tool_echo},
    {"env", tool_env},
    {"false", tool_false},
    {"head", tool_head},
    {"kill", tool_kill},
    {"ln", tool_ln},
    {"ls", tool_ls},
    {"mkdir", tool_mkdir},
    {"mv", tool_mv},
    {"pwd", tool_pwd},
    {"rm", tool_rm},
    {"rmdir", tool_rmdir},
    {"sha256sum", tool_sha256sum},
    {"sleep", tool_sleep},
    {"touch", tool_touch},
    {"true", tool_true},
    {"wc", tool_wc},
#ifdef __pith__
    {"cpus", tool_cpus},
    {"mem", tool_mem},
    {"ps", tool_ps},
    {"reboot", tool_reboot},
    {"shutdown", tool_shutdown},
#endif
};

static bool help_wanted; // NAME --help: how it is used is the answer, not an error

int usage(const char *what)
{
    fprintf(help_wanted ? stdout : stderr, "usage: %s%s%s\n", tool_name, *what ? " " : "",
            what);
    return help_wanted ? 0 : STATUS_USAGE;
}

int fail(const char *subject)
{
    fflush(stdout);
    fprintf(stderr, "%s: %s: %s\n", tool_name, subject, strerror(errno));
    return 1;
}

bool take_options(int argc, char **argv, const char *letters, unsigned *set, int *first)
{
    *set = 0;
    for (*first = 1; *first < argc; ++*first) {
        const char *text = argv[*first];
        if (text[0] != '-' || !text[1])
            return true;
        if (strcmp(text, "--") == 0) {
            ++*first;
            return true;
        }
        while (*++text) {
            const char *letter = strchr(letters, *text);
            if (!letter)
                return false;
            *set |= 1u << (letter - letters);
        }
    }
    return true;
}

bool parse_number(const char *text, unsigned long long *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && errno == 0;
}

bool write_all(int fd, const void *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0)
            return false;
        bytes = (const char *)bytes + written;
        count -= (size_t)written;
    }
    return true;
}

int open_input(const char *path)
{
    if (strcmp(path, "-") == 0)
        return STDIN_FILENO;
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        fail(path);
    return fd;
}

void close_input(int fd)
{
    if (fd != STDIN_FILENO)
        close(fd);
}

char *join_path(const char *directory, const char *name)
{
    size_t bytes = strlen(directory);
    bool slash = bytes > 0 && directory[bytes - 1] != '/';
    char *path = malloc(bytes + strlen(name) + 2);
    if (!path)
        fail(name);
    else
        sprintf(path, "%s%s%s", directory, slash ? "/" : "", name);
    return path;
}

char *last_component(char *path)
{
    size_t bytes = strlen(path);
    while (bytes > 1 && path[bytes - 1] == '/')
        path[--bytes] = 0;
    char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

// What was printed must have arrived, or the command has failed.
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return fail("standard output");
}

int main(int argc, char **argv)
{
    if (argc > 0)
        tool_name = last_component(argv[0]);
    for (int called_by = 0; called_by < 2 && argc > 0; called_by++) {
        for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
            if (strcmp(tools[i].name, tool_name) == 0) {
                help_wanted = argc == 2 && strcmp(argv[1], "--help") == 0;
                return finish(tools[i].run(argc, argv));
            }
        argc--;
        argv++;
        if (argc > 0)
            tool_name = argv[0];
    }
    fputs("usage: tools NAME [ARGUMENT...]; names:", stderr);
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
        fprintf(stderr, " %s", tools[i].name);
    fputc('\n', stderr);
    return STATUS_USAGE;
}
