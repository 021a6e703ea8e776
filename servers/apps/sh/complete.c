// Completion of names: of commands for the first word of a command, of files elsewhere. Called
// by edit.c.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sh.h"

// Where the word that ends the line begins, and whether it is a command's name.
static size_t word_start(const char *line, size_t bytes, bool *is_command)
{
    size_t start = bytes;
    while (start > 0 && !strchr(" ;|&<>'\"=", line[start - 1]))
        start--;
    size_t before = start;
    while (before > 0 && line[before - 1] == ' ')
        before--;
    *is_command = before == 0 || strchr(";|&", line[before - 1]);
    return start;
}

static bool known(const struct strings *candidates, const char *name)
{
    for (size_t i = 0; i < candidates->count; i++)
        if (strcmp(candidates->items[i], name) == 0)
            return true;
    return false;
}

// Adds the names of a directory that start with `stem`; directories get a slash.
static void add_names(const char *directory, const char *stem, struct strings *to)
{
    DIR *stream = opendir(directory);
    struct dirent *entry;
    while (stream && (entry = readdir(stream))) {
        const char *name = entry->d_name;
        if (strncmp(name, stem, strlen(stem)) != 0 || (name[0] == '.' && stem[0] != '.'))
            continue;
        struct stat info;
        char *path = must_alloc(NULL, strlen(directory) + strlen(name) + 2);
        sprintf(path, "%s/%s", directory, name);
        bool is_directory = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
        sprintf(path, "%s%s", name, is_directory ? "/" : "");
        if (known(to, path))
            free(path);
        else
            strings_add(to, path);
    }
    if (stream)
        closedir(stream);
}

static void add_commands(const char *stem, struct strings *to)
{
    const char *name, *search = variable_get("PATH");
    for (size_t i = 0; (name = builtin_name(i)); i++)
        if (strncmp(name, stem, strlen(stem)) == 0)
            strings_add(to, must_copy(name, strlen(name)));
    for (const char *at = search ? search : "/bin:."; at;) {
        size_t bytes = strcspn(at, ":");
        char *directory = bytes ? must_copy(at, bytes) : must_copy(".", 1);
        add_names(directory, stem, to);
        free(directory);
        at = at[bytes] ? at + bytes + 1 : NULL;
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t common_length(const struct strings *candidates)
{
    size_t length = strlen(candidates->items[0]);
    for (size_t i = 1; i < candidates->count; i++)
        for (size_t at = 0; at < length; at++)
            if (candidates->items[i][at] != candidates->items[0][at])
                length = at;
    return length;
}

char *complete(const char *line, size_t bytes, struct strings *candidates)
{
    bool is_command;
    size_t start = word_start(line, bytes, &is_command);
    char *word = must_copy(line + start, bytes - start);
    char *slash = strrchr(word, '/');
    const char *stem = slash ? slash + 1 : word;
    if (slash) {
        char *directory = must_copy(word, (size_t)(slash - word) + 1);
        add_names(directory, stem, candidates);
        free(directory);
    } else if (is_command) {
        add_commands(stem, candidates);
    } else {
        add_names(".", stem, candidates);
    }
    char *more = NULL;
    if (candidates->count) {
        qsort(candidates->items, candidates->count, sizeof *candidates->items, compare);
        size_t have = strlen(stem), common = common_length(candidates);
        const char *first = candidates->items[0];
        more = must_alloc(NULL, common - have + 2);
        memcpy(more, first + have, common - have);
        bool whole = candidates->count == 1 && first[common - 1] != '/';
        strcpy(more + common - have, whole ? " " : "");
    }
    free(word);
    return more;
}
