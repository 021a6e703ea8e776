// The boot manifest (iso/manifest describes it) and the archive that it comes in.
#include <lib/text.h>
#include <proto/startup.h>
#include "init.h"

// ---------------------------------------------------------------- ustar

enum {
    BLOCK = 512,
    NAME_AT = 0, // 100 bytes
    NAME_BYTES = 100,
    SIZE_AT = 124, // 12 bytes, octal
    SIZE_BYTES = 12,
    TYPE_AT = 156,
    TYPE_FILE = '0',
};

static bool octal(const uint8_t *digits, uint32_t count, uint64_t *value)
{
    *value = 0;
    for (uint32_t i = 0; i < count && digits[i] && digits[i] != ' '; i++) {
        if (digits[i] < '0' || digits[i] > '7')
            return false;
        *value = *value << 3 | (uint64_t)(digits[i] - '0');
    }
    return true;
}

bool initrd_find(const struct blob *archive, const char *path, struct blob *file)
{
    size_t length = strlen(path);
    for (uint64_t at = 0; archive->size - at >= BLOCK;) {
        const uint8_t *header = archive->bytes + at;
        uint64_t size;
        if (header[NAME_AT] == 0 || !octal(header + SIZE_AT, SIZE_BYTES, &size) ||
            size > archive->size - at - BLOCK)
            return false;
        if (header[TYPE_AT] == TYPE_FILE && length < NAME_BYTES &&
            memcmp(header + NAME_AT, path, length + 1) == 0) {
            *file = (struct blob){header + BLOCK, size};
            return true;
        }
        at += BLOCK + ((size + BLOCK - 1) & ~(uint64_t)(BLOCK - 1));
        if (at > archive->size)
            return false;
    }
    return false;
}

// ---------------------------------------------------------------- words and numbers

/// A part of the text.
struct word {
    const char *start;
    uint32_t length;
};

struct reader {
    const char *at, *end;
};

/// The next word of the line; length 0: the line ends.
static struct word next_word(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
        reader->at++;
    struct word word = {reader->at, 0};
    while (reader->at < reader->end && *reader->at != ' ' && *reader->at != '\t' &&
           *reader->at != '\n')
        reader->at++;
    word.length = (uint32_t)(reader->at - word.start);
    return word;
}

static bool word_is(struct word word, const char *text)
{
    return strlen(text) == word.length && memcmp(text, word.start, word.length) == 0;
}

/// Splits at the first `mark`; false: there is none.
static bool split(struct word word, char mark, struct word *before, struct word *after)
{
    for (uint32_t i = 0; i < word.length; i++) {
        if (word.start[i] != mark)
            continue;
        *before = (struct word){word.start, i};
        *after = (struct word){word.start + i + 1, word.length - i - 1};
        return true;
    }
    return false;
}

/// Decimal, or hexadecimal behind 0x.
static bool number(struct word word, uint64_t *value)
{
    uint32_t base = 10, at = 0;
    if (word.length > 2 && word.start[0] == '0' && word.start[1] == 'x') {
        base = 16;
        at = 2;
    }
    *value = 0;
    for (; at < word.length; at++) {
        uint32_t digit = (uint32_t)(uint8_t)word.start[at] - '0';
        if (digit > 9)
            digit = ((uint32_t)(uint8_t)word.start[at] | 32) - 'a' + 10;
        if (digit >= base || *value > UINT64_MAX / base - 1)
            return false;
        *value = *value * base + digit;
    }
    return word.length > 0;
}

static bool copy_word(char *to, uint32_t max, struct word word)
{
    if (word.length == 0 || word.length >= max)
        return false;
    memcpy(to, word.start, word.length);
    to[word.length] = 0;
    return true;
}

// ---------------------------------------------------------------- lines

uint32_t session_slot(const char *name)
{
    static const struct {
        const char *name;
        uint32_t slot;
    } slots[] = {{"memory", STARTUP_SLOT_MEMORY}, {"process", STARTUP_SLOT_PROCESS},
                 {"files", STARTUP_SLOT_FILES},   {"console", STARTUP_SLOT_CONSOLE},
                 {"timer", STARTUP_SLOT_TIMER},   {"init", STARTUP_SLOT_INIT}};
    for (uint32_t i = 0; i < sizeof slots / sizeof *slots; i++)
        if (text_equal(slots[i].name, name))
            return slots[i].slot;
    return 0;
}

/// What is behind a grant's `=`.
static const char *grant_value(struct word value, struct grant *grant)
{
    struct word kind = value, rest = value, first, count = value;
    if (!split(value, ':', &kind, &rest))
        return "a grant is LABEL=irq:..., LABEL=port:..., LABEL=memory:... or LABEL=frame:...";
    grant->count = 1;
    first = rest;
    if (split(rest, '+', &first, &count) &&
        (!number(count, &grant->count) || grant->count == 0))
        return "behind + there must be a number";
    if (!number(first, &grant->first))
        return "behind : there must be a number";
    if (word_is(kind, "irq"))
        grant->kind = KIND_IRQ;
    else if (word_is(kind, "port"))
        grant->kind = KIND_IOPORT;
    else if (word_is(kind, "memory") || word_is(kind, "frame"))
        grant->kind = KIND_ENDPOINT;
    else
        return "a grant is an irq, a port, memory or frame";
    grant->flags = word_is(kind, "frame") ? MAP_COMBINE : MAP_UNCACHED;
    return 0;
}

/// One word behind the priority.
static const char *read_option(struct word word, struct server_plan *plan)
{
    struct word label = word, value = word;
    char name[32];
    bool has_value = split(word, '=', &label, &value);
    if (has_value && word_is(label, "manages")) {
        uint32_t slot = copy_word(name, sizeof name, value) ? session_slot(name) : 0;
        plan->manages |= 1u << slot;
        return slot ? 0 : "manages= names no server";
    }
    if (has_value && word_is(label, "cpu")) {
        uint64_t cpu;
        if (!number(value, &cpu) || cpu >= BOOT_CPUS)
            return "behind cpu= there must be a number, 0 to 7";
        plan->cpu = (uint32_t)cpu;
        return 0;
    }
    if (word_is(word, "kept")) {
        plan->kept = true;
        return 0;
    }
    if (plan->grant_count == GRANTS_MAX)
        return "too many grants";
    struct grant *grant = &plan->grants[plan->grant_count++];
    if (!copy_word(grant->name, sizeof grant->name, label))
        return "a label has 1 to 31 characters";
    if (has_value)
        return grant_value(value, grant);
    if (word_is(word, "debug"))
        grant->kind = KIND_DEBUG;
    else if (word_is(word, "initrd"))
        grant->kind = KIND_ENDPOINT; // its place is the boot information's
    else
        return "unknown word";
    return 0;
}

static const char *read_line(struct reader *reader, struct server_plan *plan)
{
    struct word word = next_word(reader);
    uint64_t priority;
    if (!copy_word(plan->name, sizeof plan->name, word))
        return "a name has 1 to 31 characters";
    if (!number(next_word(reader), &priority) || priority >= PRIORITY_INIT)
        return "behind the name there must be a priority, 0 to 59";
    plan->priority = (uint32_t)priority;
    while ((word = next_word(reader)).length > 0) {
        const char *error = read_option(word, plan);
        if (error)
            return error;
    }
    return 0;
}

bool manifest_read(const struct blob *text, struct manifest *manifest, const char **error,
                   uint32_t *line)
{
    struct reader reader = {(const char *)text->bytes, (const char *)text->bytes + text->size};
    *manifest = (struct manifest){0};
    for (*line = 1; reader.at < reader.end; ++*line) {
        struct reader start = reader;
        struct word word = next_word(&start);
        *error = 0;
        if (word.length > 0 && word.start[0] != '#') {
            if (manifest->count == SERVERS_MAX) {
                *error = "too many servers";
                return false;
            }
            struct server_plan *plan = &manifest->plans[manifest->count++];
            *error = read_line(&reader, plan);
            if (!*error && manifest->count > 1 && plan->priority > plan[-1].priority)
                *error = "its priority is higher than that of a server it calls";
        }
        if (*error)
            return false;
        while (reader.at < reader.end && *reader.at != '\n')
            reader.at++;
        reader.at += reader.at < reader.end;
    }
    *error = "there is no server in it";
    return manifest->count > 0;
}
