// Text to commands. Grammar:
//
//      line     = pipeline { (";" | "&&" | "||") pipeline } newline
//      pipeline = command { "|" command }
//      command  = { NAME=word | word | [digit]("<" | ">" | ">>") word | [digit]">&"digit }
//
// Called by run.c. Everything allocated here hangs in one list, until parse_free.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sh.h"

struct block {
    struct block *next;
};

static struct block *blocks;
static bool failed;

static void *allocate(size_t bytes)
{
    struct block *block = must_alloc(NULL, sizeof *block + bytes);
    memset(block, 0, sizeof *block + bytes);
    block->next = blocks;
    blocks = block;
    return block + 1;
}

void parse_free(void)
{
    while (blocks) {
        struct block *next = blocks->next;
        free(blocks);
        blocks = next;
    }
}

static void fail(const struct source *s, size_t at, const char *what)
{
    size_t column = at - s->line_start + 1;
    if (!failed && (s->name || s->line > 1))
        complain("%s%sline %zu, column %zu: %s", s->name ? s->name : "", s->name ? ", " : "",
                 s->line, column, what);
    else if (!failed)
        complain("column %zu: %s", column, what);
    failed = true;
}

static void fail_at(const struct source *s, const char *before, const char *token)
{
    char what[80] = "";
    strcat(strcat(strncat(what, before, 40), " "), token);
    fail(s, s->at, what);
}

// Blanks, comments, and newlines that a backslash hides.
static void skip_blanks(struct source *s)
{
    for (;;) {
        char c = s->text[s->at];
        if (c == ' ' || c == '\t' || c == '\r') {
            s->at++;
        } else if (c == '\\' && s->text[s->at + 1] == '\n') {
            s->at += 2;
            s->line++;
            s->line_start = s->at;
        } else if (c == '#') {
            s->at += strcspn(s->text + s->at, "\n");
        } else {
            return;
        }
    }
}

static bool ends_word(char c)
{
    return !c || strchr(" \t\r\n;&|<>()", c);
}

// Skips a quoted part; at its end, or failed.
static void skip_quoted(struct source *s)
{
    char quote = s->text[s->at];
    size_t start = s->at++;
    size_t line = s->line, line_start = s->line_start;
    for (char c; (c = s->text[s->at]) && c != quote; s->at++) {
        if (quote == '"' && c == '\\' && s->text[s->at + 1])
            s->at++;
        if (s->text[s->at] == '\n') {
            s->line++;
            s->line_start = s->at + 1;
        }
    }
    if (s->text[s->at]) {
        s->at++;
        return;
    }
    s->line = line;
    s->line_start = line_start;
    fail(s, start, quote == '"' ? "missing closing quote \"" : "missing closing quote '");
}

// The word at `at`, as typed; null: there is none.
static char *take_word(struct source *s)
{
    size_t start = s->at;
    while (!failed && !ends_word(s->text[s->at])) {
        char c = s->text[s->at];
        if (c == '\'' || c == '"')
            skip_quoted(s);
        else if (c == '`' || (c == '$' && s->text[s->at + 1] == '('))
            fail(s, s->at, "command substitution is not supported");
        else
            s->at += c == '\\' && s->text[s->at + 1] ? 2 : 1;
    }
    if (s->at == start)
        return NULL;
    char *word = allocate(s->at - start + 1);
    memcpy(word, s->text + start, s->at - start);
    return word;
}

// What stands at `at`, for messages.
static const char *token_at(const struct source *s)
{
    static char token[4];
    const char *text = s->text + s->at;
    if (!*text || *text == '\n')
        return "the end of the line";
    size_t bytes = text[1] == text[0] && strchr("&|<>;", *text) ? 2 : 1;
    memcpy(token, text, bytes);
    token[bytes] = 0;
    return token;
}

static bool is_redirect(const struct source *s)
{
    const char *text = s->text + s->at;
    if (isdigit((unsigned char)*text))
        text++;
    return *text == '<' || *text == '>';
}

static struct redirect *take_redirect(struct source *s)
{
    struct redirect *redirect = allocate(sizeof *redirect);
    bool numbered = isdigit((unsigned char)s->text[s->at]);
    int number = numbered ? s->text[s->at++] - '0' : 0;
    char operator[3] = {s->text[s->at++]};
    redirect->kind = operator[0] == '<' ? REDIRECT_READ : REDIRECT_WRITE;
    redirect->fd = numbered ? number : redirect->kind == REDIRECT_WRITE;
    if (s->text[s->at] == '&') {
        operator[1] = s->text[s->at++];
        redirect->kind = REDIRECT_DUPLICATE;
        if (isdigit((unsigned char)s->text[s->at]) && ends_word(s->text[s->at + 1]))
            redirect->from = s->text[s->at++] - '0';
        else
            fail_at(s, "a descriptor number must follow", operator);
        return redirect;
    }
    if (operator[0] == '>' && s->text[s->at] == '>') {
        operator[1] = s->text[s->at++];
        redirect->kind = REDIRECT_APPEND;
    } else if (operator[0] == '<' && s->text[s->at] == '<') {
        fail(s, s->at - 1, "here-documents (<<) are not supported");
    }
    skip_blanks(s);
    redirect->word = take_word(s);
    if (!redirect->word)
        fail_at(s, "a file name must follow", operator);
    return redirect;
}

static void add_word(struct command *command, char *word)
{
    size_t name = variable_name_length(word);
    bool assignment = name && word[name] == '=' && command->assignments == command->count;
    // Room, the terminating null counted, is always a power of two; fresh memory is zero.
    size_t full = command->count + 1;
    if ((full & (full - 1)) == 0) {
        char **longer = allocate(2 * full * sizeof *longer);
        if (command->count)
            memcpy(longer, command->words, command->count * sizeof *longer);
        command->words = longer;
    }
    command->words[command->count++] = word;
    command->assignments += assignment;
}

static struct command *take_command(struct source *s)
{
    struct command *command = allocate(sizeof *command);
    struct redirect **last = &command->redirects;
    char *word = NULL;
    for (;;) {
        skip_blanks(s);
        if (is_redirect(s)) {
            *last = take_redirect(s);
            last = &(*last)->next;
        } else if ((word = take_word(s))) {
            add_word(command, word);
        } else {
            break;
        }
        if (failed)
            return command;
    }
    if (!command->words && !command->redirects)
        fail_at(s, "a command is missing before", token_at(s));
    else if (s->text[s->at] == '(' || s->text[s->at] == ')')
        fail(s, s->at, "( and ) are not supported; quote them to mean themselves");
    return command;
}

static struct pipeline *take_pipeline(struct source *s, enum connector connector)
{
    struct pipeline *pipeline = allocate(sizeof *pipeline);
    struct command **last = &pipeline->commands;
    pipeline->connector = connector;
    for (;;) {
        *last = take_command(s);
        last = &(*last)->next;
        if (failed || s->text[s->at] != '|' || s->text[s->at + 1] == '|')
            return pipeline;
        s->at++;
    }
}

// After a pipeline: true, and what connects it to the next, or false at the end of the line.
static bool take_connector(struct source *s, enum connector *connector)
{
    const char *text = s->text + s->at;
    *connector = CONNECT_ALWAYS;
    if (!*text || *text == '\n')
        return false;
    if (text[0] == ';' && text[1] != ';') {
        s->at++;
        skip_blanks(s);
        return s->text[s->at] && s->text[s->at] != '\n';
    }
    if ((text[0] == '&' && text[1] == '&') || (text[0] == '|' && text[1] == '|')) {
        *connector = text[0] == '&' ? CONNECT_AND : CONNECT_OR;
        s->at += 2;
        skip_blanks(s);
        if (s->text[s->at] && s->text[s->at] != '\n')
            return true;
        fail_at(s, "a command is missing after", *connector == CONNECT_AND ? "&&" : "||");
    } else if (text[0] == '&') {
        fail(s, s->at, "& (background jobs) is not supported");
    } else {
        fail_at(s, "unexpected", token_at(s));
    }
    return false;
}

enum parsed parse_line(struct source *s, struct pipeline **list)
{
    struct pipeline **last = list;
    enum connector connector = CONNECT_ALWAYS;
    *list = NULL;
    failed = false;
    skip_blanks(s);
    if (!s->text[s->at])
        return PARSED_END;
    bool more = s->text[s->at] != '\n';
    while (more && !failed) {
        *last = take_pipeline(s, connector);
        last = &(*last)->next;
        more = !failed && take_connector(s, &connector);
    }
    if (failed)
        return PARSED_WRONG;
    if (s->text[s->at] == '\n') {
        s->line_start = ++s->at;
        s->line++;
    }
    return *list ? PARSED : PARSED_NOTHING;
}
