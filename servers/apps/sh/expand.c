// Words to arguments, in POSIX's order: variables, fields, patterns, quote removal. In the
// field under construction a backslash marks the next character as quoted, so that patterns and
// field separators that were quoted stay text. Called by run.c.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

struct field {
    char *text;
    size_t bytes, room;
    bool exists; // there was something, if only quotes
};

struct expansion {
    struct field field;
    struct strings *to; // null: no fields, no patterns
};

void strings_add(struct strings *strings, char *item)
{
    // Room, the terminating null counted, is always a power of two.
    size_t full = strings->count + 1;
    if ((full & (full - 1)) == 0)
        strings->items = must_alloc(strings->items, 2 * full * sizeof *strings->items);
    strings->items[strings->count++] = item;
    strings->items[strings->count] = NULL;
}

void strings_free(struct strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct strings){0};
}

static void put(struct field *field, char c)
{
    if (field->bytes + 1 >= field->room) {
        field->room = field->room ? 2 * field->room : 64;
        field->text = must_alloc(field->text, field->room);
    }
    field->text[field->bytes++] = c;
    field->text[field->bytes] = 0;
    field->exists = true;
}

static void put_quoted(struct field *field, char c)
{
    if (strchr("*?[]\\", c))
        put(field, '\\');
    put(field, c);
}

static void remove_quotes(char *text)
{
    char *to = text;
    for (; *text; text++) {
        if (*text == '\\' && text[1])
            text++;
        *to++ = *text;
    }
    *to = 0;
}

// ---------------------------------------------------------------- patterns

static bool has_pattern(const char *text)
{
    for (; *text; text++) {
        if (*text == '\\' && text[1])
            text++;
        else if (*text == '*' || *text == '?' || *text == '[')
            return true;
    }
    return false;
}

// One character against [set]; `*end` is behind it. A set that is not closed is text.
static bool matches_set(const char *pattern, char c, const char **end)
{
    const char *p = pattern + 1;
    bool negated = *p == '!' || *p == '^', found = false;
    p += negated;
    for (const char *first = p; *p && (*p != ']' || p == first); p++) {
        if (*p == '\\' && p[1])
            p++;
        char low = *p, high = low;
        if (p[1] == '-' && p[2] && p[2] != ']')
            high = *(p += 2);
        found |= c >= low && c <= high;
    }
    *end = *p ? p + 1 : pattern + 1;
    return *p ? found != negated : c == '[';
}

static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = NULL; // where to go on after the last `*`
    while (*name) {
        const char *next = pattern + 1;
        bool same;
        if (*pattern == '*') {
            star = ++pattern;
            retry = name;
            continue;
        }
        if (*pattern == '[') {
            same = matches_set(pattern, *name, &next);
        } else if (*pattern == '\\' && pattern[1]) {
            same = pattern[1] == *name;
            next++;
        } else {
            same = *pattern && (*pattern == '?' || *pattern == *name);
        }
        if (!same && !star)
            return false;
        pattern = same ? next : star;
        name = same ? name + 1 : ++retry;
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void glob(const char *prefix, const char *pattern, struct strings *to);

// All names of directory `prefix` that match one component; `rest` is behind it.
static void glob_component(const char *prefix, const char *component, const char *rest,
                           struct strings *to)
{
    DIR *directory = opendir(*prefix ? prefix : ".");
    struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        if ((entry->d_name[0] == '.' && component[0] != '.') ||
            !matches(component, entry->d_name))
            continue;
        char *path =
            must_alloc(NULL, strlen(prefix) + strlen(entry->d_name) + strlen(rest) + 2);
        sprintf(path, "%s%s%s", prefix, entry->d_name, *rest ? "/" : "");
        if (*rest)
            glob(path, rest + 1, to);
        else
            strings_add(to, must_copy(path, strlen(path)));
        free(path);
    }
    if (directory)
        closedir(directory);
}

// The paths that begin with `prefix` (empty, or with a slash behind it) and match.
static void glob(const char *prefix, const char *pattern, struct strings *to)
{
    size_t bytes = strcspn(pattern, "/");
    char *component = must_copy(pattern, bytes);
    if (has_pattern(component)) {
        glob_component(prefix, component, pattern + bytes, to);
    } else {
        remove_quotes(component);
        char *path = must_alloc(NULL, strlen(prefix) + bytes + 2);
        sprintf(path, "%s%s%s", prefix, component, pattern[bytes] ? "/" : "");
        if (pattern[bytes])
            glob(path, pattern + bytes + 1, to);
        else if (access(path, F_OK) == 0)
            strings_add(to, must_copy(path, strlen(path)));
        free(path);
    }
    free(component);
}

static void end_field(struct expansion *e)
{
    if (!e->field.exists)
        return;
    char *text = e->field.text ? e->field.text : must_copy("", 0);
    size_t first = e->to->count;
    e->field = (struct field){0};
    if (has_pattern(text))
        glob("", text, e->to);
    if (e->to->count > first) {
        qsort(e->to->items + first, e->to->count - first, sizeof *e->to->items, compare);
        free(text);
        return;
    }
    remove_quotes(text); // no pattern, or nothing matches it
    strings_add(e->to, text);
}

// ---------------------------------------------------------------- variables

// The value of what follows a `$`, and how many bytes name it; null: not set, 0 bytes: no name.
static const char *parameter(const char *text, size_t *bytes)
{
    static char number[24];
    *bytes = 1;
    if (*text == '?')
        snprintf(number, sizeof number, "%d", last_status);
    else if (*text == '$')
        snprintf(number, sizeof number, "%ld", (long)getpid());
    else if (*text == '#')
        snprintf(number, sizeof number, "%d", positional_count > 0 ? positional_count - 1 : 0);
    else if (*text >= '0' && *text <= '9')
        return *text - '0' < positional_count ? positional[*text - '0'] : NULL;
    else {
        *bytes = variable_name_length(text);
        char *name = must_copy(text, *bytes);
        const char *value = *bytes ? variable_get(name) : NULL;
        free(name);
        return value;
    }
    return number;
}

static void put_value(struct expansion *e, const char *value, bool quoted)
{
    for (; value && *value; value++) {
        if (quoted || !e->to)
            put_quoted(&e->field, *value);
        else if (strchr(" \t\n", *value))
            end_field(e);
        else if (*value == '\\')
            put_quoted(&e->field, '\\');
        else
            put(&e->field, *value);
    }
}

// Behind the `$` at `text`: puts what it stands for; the result is how many bytes that takes.
static size_t expand_parameter(struct expansion *e, const char *text, bool quoted)
{
    size_t bytes, braces = *text == '{';
    const char *value = parameter(text + braces, &bytes);
    if (bytes == 0 || (braces && text[1 + bytes] != '}')) {
        put(&e->field, '$');
        return 0;
    }
    put_value(e, value, quoted);
    return bytes + 2 * braces;
}

static const char *expand_double_quotes(struct expansion *e, const char *word)
{
    e->field.exists = true;
    while (*word && *word != '"') {
        char c = *word++;
        if (c == '\\' && *word == '\n')
            word++;
        else if (c == '\\' && *word && strchr("$`\"\\", *word))
            put_quoted(&e->field, *word++);
        else if (c == '$')
            word += expand_parameter(e, word, true);
        else
            put_quoted(&e->field, c);
    }
    return *word ? word + 1 : word;
}

static void expand(struct expansion *e, const char *word)
{
    while (*word) {
        char c = *word++;
        if (c == '\'') {
            e->field.exists = true;
            for (; *word && *word != '\''; word++)
                put_quoted(&e->field, *word);
            word += *word == '\'';
        } else if (c == '"') {
            word = expand_double_quotes(e, word);
        } else if (c == '\\' && *word == '\n') {
            word++;
        } else if (c == '\\' && *word) {
            put_quoted(&e->field, *word++);
        } else if (c == '$') {
            word += expand_parameter(e, word, false);
        } else {
            put(&e->field, c);
        }
    }
}

void expand_word(const char *word, struct strings *to)
{
    struct expansion e = {.to = to};
    expand(&e, word);
    end_field(&e);
}

char *expand_single(const char *word)
{
    struct expansion e = {0};
    expand(&e, word);
    if (!e.field.text)
        return must_copy("", 0);
    remove_quotes(e.field.text);
    return e.field.text;
}
