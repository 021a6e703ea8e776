// The shell, an ordinary POSIX program. Subjects: parse.c (text to commands), expand.c (words
// to arguments), run.c (commands to processes), builtins.c, variables.c, edit.c (the line a
// person types), complete.c, main.c.
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#define STATUS_USAGE     2 // also: a syntax error
#define STATUS_NOT_RUN   126
#define STATUS_NOT_FOUND 127
#define STATUS_SIGNALLED 128 // + the signal
#define STATUS_INTERRUPT 130

// ---------------------------------------------------------------- parse.c

enum redirect_kind { REDIRECT_READ, REDIRECT_WRITE, REDIRECT_APPEND, REDIRECT_DUPLICATE };

/// fd< word, fd> word, fd>> word, fd>&from. Words are as typed, with their quotes.
struct redirect {
    struct redirect *next;
    enum redirect_kind kind;
    int fd;
    int from;
    char *word;
};

struct command {
    struct command *next; ///< in the pipeline
    char **words;         ///< null-terminated; the first `assignments` are NAME=value
    size_t count, assignments;
    struct redirect *redirects;
};

enum connector { CONNECT_ALWAYS, CONNECT_AND, CONNECT_OR };

struct pipeline {
    struct pipeline *next;
    enum connector connector; ///< to the pipeline before it
    struct command *commands;
};

/// What is being parsed, and where. `name` is for messages: the script's, or null.
struct source {
    const char *text;
    const char *name;
    size_t at;
    size_t line, line_start;
};

enum parsed { PARSED, PARSED_NOTHING, PARSED_END, PARSED_WRONG };

/// Parse up to the next newline. PARSED: `*list` is to be run. PARSED_NOTHING: an empty line.
/// PARSED_WRONG: a message told what and where. What the list consists of is freed by
/// parse_free.
enum parsed parse_line(struct source *source, struct pipeline **list);
void parse_free(void);

// ---------------------------------------------------------------- expand.c

/// Null-terminated strings that own themselves.
struct strings {
    char **items;
    size_t count;
};

void strings_add(struct strings *strings, char *item);
void strings_free(struct strings *strings);
/// Quotes, variables, fields, patterns: one word becomes none, one or more.
void expand_word(const char *word, struct strings *to);
/// Without fields and patterns: exactly one, to be freed.
char *expand_single(const char *word);

// ---------------------------------------------------------------- variables.c

void variables_import(char **environment);
/// Null: not set.
const char *variable_get(const char *name);
void variable_set(const char *name, const char *value);
void variable_export(const char *name);
void variable_unset(const char *name);
/// Bytes of the name that the text starts with; 0: none.
size_t variable_name_length(const char *text);
/// The exported ones, NAME=value, with `more` of that form in front. Free with strings_free.
void variables_environment(struct strings *to, char **more, size_t count);
/// Print all, exported ones marked.
void variables_print(void);

// ---------------------------------------------------------------- run.c

/// What `$?` shows.
extern int last_status;
/// $0 to $9 and $#.
extern char **positional;
extern int positional_count;
extern bool interactive;
/// Ctrl-C came while the shell itself had the terminal: before the job had it.
extern volatile sig_atomic_t interrupted;

void run_list(const struct pipeline *list);
/// Parse and run all of a text; the result is its status.
int run_text(const char *text, const char *name);
/// The path of a program, to be freed. Null: `*status` says why not (126, 127), a message what.
char *run_find(const char *name, int *status);

// ---------------------------------------------------------------- builtins.c

typedef int builtin(int argc, char **argv);
/// Null: it is none.
builtin *builtin_find(const char *name);
/// Name number `index`, null behind the last.
const char *builtin_name(size_t index);

// ---------------------------------------------------------------- edit.c, complete.c

/// A line typed by a person, to be freed; null: end of input. `*interrupted`: Ctrl-C.
char *edit_line(const char *prompt, size_t prompt_columns, bool *interrupted);
/// Line number `index` of the history, oldest first, null behind the last.
const char *edit_history(size_t index);
/// What can follow the first `bytes` of a line: what all candidates have in common, to be
/// freed; `*candidates` are their last components, if there are several.
char *complete(const char *line, size_t bytes, struct strings *candidates);

// ---------------------------------------------------------------- main.c

/// A message `sh: ...` on standard error.
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);
/// These end the shell with a message when there is no memory.
__attribute__((returns_nonnull)) void *must_alloc(void *old, size_t bytes);
__attribute__((returns_nonnull)) char *must_copy(const char *text, size_t bytes);
