// The commands of /bin in one program: the name it is called by chooses. Each is a function
// like main; what they share is here.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define STATUS_USAGE 2
#define COPY_BYTES   65536 // what one request to `files` moves at most

typedef int tool(int argc, char **argv);

tool tool_cat, tool_clear, tool_cmp, tool_cp, tool_date, tool_echo, tool_env, tool_false,
    tool_head, tool_kill, tool_ln, tool_ls, tool_mem, tool_cpus, tool_mkdir, tool_mv, tool_ps,
    tool_pwd, tool_reboot, tool_rm, tool_rmdir, tool_sha256sum, tool_shutdown, tool_sleep,
    tool_touch, tool_true, tool_wc;

/// The name that the program was called by.
extern const char *tool_name;

/// `usage: NAME WHAT` on standard error; the result is STATUS_USAGE.
int usage(const char *what);
/// `NAME: SUBJECT: ` and what errno says; the result is 1.
int fail(const char *subject);
/// Options of one letter: sets `*set` to a bit for each letter of `letters` that was given, and
/// `*first` to the first argument that is none. False: another letter.
bool take_options(int argc, char **argv, const char *letters, unsigned *set, int *first);
/// A decimal number without sign. False: it is none.
bool parse_number(const char *text, unsigned long long *number);
/// Writes all of it; false: errno says why not.
bool write_all(int fd, const void *bytes, size_t count);
/// A file for reading, `-` being standard input; negative: a message told why not.
int open_input(const char *path);
void close_input(int fd);
/// DIRECTORY/NAME, to be freed; null: a message told that there is no memory.
char *join_path(const char *directory, const char *name);
/// The part behind the last slash, slashes at the end ignored; in `path` itself.
char *last_component(char *path);
