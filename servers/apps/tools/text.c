// Commands that read files: cat, head, wc, cmp.
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools.h"

static char buffer[COPY_BYTES];

static int cat_one(const char *path)
{
    int fd = open_input(path), status = 0;
    ssize_t count;
    if (fd < 0)
        return 1;
    while ((count = read(fd, buffer, sizeof buffer)) > 0)
        if (!write_all(STDOUT_FILENO, buffer, (size_t)count)) {
            close_input(fd);
            return fail("standard output");
        }
    if (count < 0)
        status = fail(path);
    close_input(fd);
    return status;
}

int tool_cat(int argc, char **argv)
{
    unsigned options;
    int first, status = 0;
    if (!take_options(argc, argv, "", &options, &first))
        return usage("[FILE...]");
    if (first == argc)
        return cat_one("-");
    for (int i = first; i < argc; i++)
        status |= cat_one(argv[i]);
    return status;
}

// ---------------------------------------------------------------- head

static int head_one(const char *path, unsigned long long count, bool lines)
{
    int fd = open_input(path), status = 0;
    if (fd < 0)
        return 1;
    while (count > 0 && status == 0) {
        size_t room = !lines && count < sizeof buffer ? (size_t)count : sizeof buffer;
        ssize_t bytes = read(fd, buffer, room);
        if (bytes <= 0) {
            status = bytes < 0 ? fail(path) : 0;
            break;
        }
        size_t use = (size_t)bytes;
        if (lines)
            for (use = 0; use < (size_t)bytes && count > 0; use++)
                count -= buffer[use] == '\n';
        else
            count -= use;
        if (!write_all(STDOUT_FILENO, buffer, use))
            status = fail("standard output");
    }
    close_input(fd);
    return status;
}

int tool_head(int argc, char **argv)
{
    static const char how[] = "[-n LINES | -c BYTES] [FILE...]";
    unsigned long long count = 10;
    bool lines = true;
    int first = 1, status = 0;
    if (argc > 1 && argv[1][0] == '-' && argv[1][1]) {
        char option = argv[1][1];
        bool bare = isdigit((unsigned char)option);
        bool joined = bare || argv[1][2];
        const char *number = bare       ? argv[1] + 1
                             : joined   ? argv[1] + 2
                             : argc > 2 ? argv[2]
                                        : "";
        lines = option != 'c';
        if ((!bare && option != 'n' && option != 'c') || !parse_number(number, &count))
            return usage(how);
        first = joined ? 2 : 3;
    }
    if (first == argc)
        return head_one("-", count, lines);
    for (int i = first; i < argc; i++) {
        if (argc - first > 1) {
            printf("%s==> %s <==\n", i > first ? "\n" : "", argv[i]);
            fflush(stdout);
        }
        status |= head_one(argv[i], count, lines);
    }
    return status;
}

// ---------------------------------------------------------------- wc

struct counts {
    unsigned long long lines, words, bytes;
};

static int count_one(const char *path, struct counts *counts)
{
    int fd = open_input(path), status = 0;
    bool in_word = false;
    ssize_t bytes;
    if (fd < 0)
        return 1;
    while ((bytes = read(fd, buffer, sizeof buffer)) > 0) {
        counts->bytes += (size_t)bytes;
        for (ssize_t i = 0; i < bytes; i++) {
            bool blank = isspace((unsigned char)buffer[i]);
            counts->lines += buffer[i] == '\n';
            counts->words += !blank && !in_word;
            in_word = !blank;
        }
    }
    if (bytes < 0)
        status = fail(path);
    close_input(fd);
    return status;
}

static void print_counts(const struct counts *counts, unsigned options, const char *name)
{
    const unsigned long long values[] = {counts->lines, counts->words, counts->bytes};
    const char *separator = "";
    for (unsigned i = 0; i < 3; i++)
        if (!options || (options >> i & 1)) {
            printf("%s%llu", separator, values[i]);
            separator = " ";
        }
    printf("%s%s\n", name ? " " : "", name ? name : "");
}

int tool_wc(int argc, char **argv)
{
    struct counts total = {0};
    unsigned options;
    int first, status = 0;
    if (!take_options(argc, argv, "lwc", &options, &first))
        return usage("[-l] [-w] [-c] [FILE...]");
    if (first == argc) {
        status = count_one("-", &total);
        print_counts(&total, options, NULL);
        return status;
    }
    for (int i = first; i < argc; i++) {
        struct counts counts = {0};
        if (count_one(argv[i], &counts)) {
            status = 1;
            continue;
        }
        print_counts(&counts, options, argv[i]);
        total.lines += counts.lines;
        total.words += counts.words;
        total.bytes += counts.bytes;
    }
    if (argc - first > 1)
        print_counts(&total, options, "total");
    return status;
}

// ---------------------------------------------------------------- cmp

struct stream {
    const char *path;
    int fd;
    char bytes[COPY_BYTES / 2];
    ssize_t count, at;
};

// The next byte, or -1 at the end, or -2: a message told what failed.
static int next_byte(struct stream *stream)
{
    if (stream->at == stream->count) {
        stream->count = read(stream->fd, stream->bytes, sizeof stream->bytes);
        stream->at = 0;
        if (stream->count < 0) {
            fail(stream->path);
            stream->count = 0;
            return -2;
        }
        if (stream->count == 0)
            return -1;
    }
    return (unsigned char)stream->bytes[stream->at++];
}

static int compare(struct stream *a, struct stream *b, bool silent)
{
    unsigned long long byte = 1, line = 1;
    for (;; byte++) {
        int x = next_byte(a), y = next_byte(b);
        if (x == -2 || y == -2)
            return STATUS_USAGE;
        if (x == y && x == -1)
            return 0;
        if (x != y && !silent && (x == -1 || y == -1))
            fprintf(stderr, "cmp: EOF on %s after byte %llu\n", x == -1 ? a->path : b->path,
                    byte - 1);
        else if (x != y && !silent)
            printf("%s %s differ: byte %llu, line %llu\n", a->path, b->path, byte, line);
        if (x != y)
            return 1;
        line += x == '\n';
    }
}

int tool_cmp(int argc, char **argv)
{
    static struct stream a, b;
    unsigned options;
    int first;
    if (!take_options(argc, argv, "s", &options, &first) || argc - first != 2)
        return usage("[-s] FILE1 FILE2");
    a = (struct stream){.path = argv[first]};
    b = (struct stream){.path = argv[first + 1]};
    a.fd = open_input(a.path);
    b.fd = open_input(b.path);
    if (a.fd < 0 || b.fd < 0)
        return STATUS_USAGE;
    return compare(&a, &b, options & 1);
}
