// ls: names, in columns on a terminal; -l with type, permissions, links, size and time.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools.h"

#define ALL  1u // -a
#define LONG 2u // -l
#define ONE  4u // -1

struct item {
    char *name;
    struct stat info;
    char target[256]; // of a symbolic link
};

struct items {
    struct item *all;
    size_t count;
};

static bool coloured;
static size_t terminal_columns; // 0: no columns

static bool add(struct items *items, const char *directory, const char *name)
{
    char *path = directory ? join_path(directory, name) : strdup(name);
    struct item *longer = realloc(items->all, (items->count + 1) * sizeof *longer);
    if (longer)
        items->all = longer;
    struct item *item = longer ? longer + items->count : NULL;
    bool found = path && item && lstat(path, &item->info) == 0 && (item->name = strdup(name));
    if (found) {
        ssize_t bytes = S_ISLNK(item->info.st_mode)
                            ? readlink(path, item->target, sizeof item->target - 1)
                            : 0;
        item->target[bytes > 0 ? bytes : 0] = 0;
        items->count++;
    } else {
        fail(name);
    }
    free(path);
    return found;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static const char *colour_of(mode_t mode)
{
    return !coloured                        ? ""
           : S_ISDIR(mode)                  ? "\033[1;34m"
           : S_ISLNK(mode)                  ? "\033[1;36m"
           : S_ISCHR(mode)                  ? "\033[1;33m"
           : S_ISREG(mode) && (mode & 0111) ? "\033[1;32m"
                                            : "";
}

static void print_name(const struct item *item, size_t width)
{
    const char *colour = colour_of(item->info.st_mode);
    size_t bytes = strlen(item->name);
    printf("%s%s%s", colour, item->name, *colour ? "\033[0m" : "");
    if (width > bytes)
        printf("%*s", (int)(width - bytes), "");
}

static char type_of(mode_t mode)
{
    return S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : S_ISCHR(mode) ? 'c' : '-';
}

static void print_long(const struct item *item)
{
    char permissions[10], when[32];
    struct tm *time = gmtime(&item->info.st_mtime);
    for (int i = 0; i < 9; i++)
        permissions[i] = item->info.st_mode >> (8 - i) & 1 ? "rwx"[i % 3] : '-';
    permissions[9] = 0;
    if (!time || !strftime(when, sizeof when, "%Y-%m-%d %H:%M", time))
        strcpy(when, "?");
    printf("%c%s %3lu %10lld %s ", type_of(item->info.st_mode), permissions,
           (unsigned long)item->info.st_nlink, (long long)item->info.st_size, when);
    print_name(item, 0);
    printf("%s%s\n", item->target[0] ? " -> " : "", item->target);
}

static void print_columns(const struct items *items)
{
    size_t width = 0;
    for (size_t i = 0; i < items->count; i++)
        if (strlen(items->all[i].name) + 2 > width)
            width = strlen(items->all[i].name) + 2;
    size_t columns = width < terminal_columns ? terminal_columns / width : 1;
    size_t rows = (items->count + columns - 1) / columns;
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = row; i < items->count; i += rows)
            print_name(&items->all[i], i + rows < items->count ? width : 0);
        putchar('\n');
    }
}

static void print_items(struct items *items, unsigned options)
{
    if (items->count == 0)
        return;
    qsort(items->all, items->count, sizeof *items->all, compare);
    if (terminal_columns && !(options & (LONG | ONE)))
        print_columns(items);
    else
        for (size_t i = 0; i < items->count; i++)
            if (options & LONG) {
                print_long(&items->all[i]);
            } else {
                print_name(&items->all[i], 0);
                putchar('\n');
            }
    for (size_t i = 0; i < items->count; i++)
        free(items->all[i].name);
    free(items->all);
    *items = (struct items){0};
}

static int list_directory(const char *path, unsigned options)
{
    struct items items = {0};
    int status = 0;
    DIR *directory = opendir(path);
    struct dirent *entry;
    if (!directory)
        return fail(path);
    while ((entry = readdir(directory)))
        if ((entry->d_name[0] != '.' || (options & ALL)) && !add(&items, path, entry->d_name))
            status = 1;
    closedir(directory);
    print_items(&items, options);
    return status;
}

// Whether an argument is a directory to list; with -l a link to one shows itself, as in POSIX.
static bool is_listed(const char *path, unsigned options)
{
    struct stat info;
    bool itself = (options & LONG) && path[0] && path[strlen(path) - 1] != '/';
    return (itself ? lstat(path, &info) : stat(path, &info)) == 0 && S_ISDIR(info.st_mode);
}

int tool_ls(int argc, char **argv)
{
    unsigned options;
    int first, status = 0;
    struct winsize size;
    if (!take_options(argc, argv, "al1", &options, &first))
        return usage("[-a] [-l] [-1] [FILE...]");
    coloured = isatty(STDOUT_FILENO);
    if (coloured)
        terminal_columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 80;
    if (first == argc)
        return list_directory(".", options);
    struct items files = {0};
    for (int i = first; i < argc; i++)
        if (!is_listed(argv[i], options))
            status |= !add(&files, NULL, argv[i]);
    bool any = files.count > 0;
    print_items(&files, options);
    for (int i = first; i < argc; i++) {
        if (!is_listed(argv[i], options))
            continue;
        if (argc - first > 1)
            printf("%s%s:\n", any ? "\n" : "", argv[i]);
        any = true;
        status |= list_directory(argv[i], options);
    }
    return status;
}
