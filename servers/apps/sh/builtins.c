// What runs in the shell itself, because it changes the shell. Called by run.c.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

#define PATH_BYTES 4096

static int usage(const char *text)
{
    fprintf(stderr, "usage: %s\n", text);
    return STATUS_USAGE;
}

static int do_cd(int argc, char **argv)
{
    const char *home = variable_get("HOME");
    const char *target = argc > 1 ? argv[1] : home ? home : "/";
    char old[PATH_BYTES], path[PATH_BYTES];
    if (argc > 2)
        return usage("cd [DIRECTORY | -]");
    if (strcmp(target, "-") == 0) {
        target = variable_get("OLDPWD");
        if (!target) {
            complain("cd: no previous directory");
            return 1;
        }
        puts(target);
    }
    if (!getcwd(old, sizeof old))
        old[0] = 0;
    if (chdir(target) < 0) {
        complain("cd: %s: %s", target, strerror(errno));
        return 1;
    }
    variable_set("OLDPWD", old);
    variable_set("PWD", getcwd(path, sizeof path) ? path : target);
    variable_export("PWD");
    return 0;
}

static int do_exit(int argc, char **argv)
{
    char *end;
    long status = argc > 1 ? strtol(argv[1], &end, 10) : last_status;
    if (argc > 2 || (argc > 1 && (*end || end == argv[1])))
        return usage("exit [STATUS]");
    fflush(stdout);
    exit((int)(status & 255));
}

static int do_export(int argc, char **argv)
{
    int status = 0;
    if (argc == 1)
        variables_print();
    for (int i = 1; i < argc; i++) {
        size_t name = variable_name_length(argv[i]);
        if (!name || (argv[i][name] && argv[i][name] != '=')) {
            complain("export: %s: not a name", argv[i]);
            status = 1;
            continue;
        }
        bool has_value = argv[i][name] == '=';
        argv[i][name] = 0;
        if (has_value)
            variable_set(argv[i], argv[i] + name + 1);
        variable_export(argv[i]);
    }
    return status;
}

static int do_unset(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        variable_unset(argv[i]);
    return 0;
}

static int do_history(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return usage("history");
    const char *line;
    for (size_t i = 0; (line = edit_history(i)); i++)
        printf("%4zu  %s\n", i + 1, line);
    return 0;
}

static int do_help(int argc, char **argv)
{
    (void)argc, (void)argv;
    fputs("Files      ls cat head wc cmp sha256sum cp mv rm mkdir ln touch\n"
          "Shell      cd pwd echo export unset history exit help true false env sh\n"
          "System     ps kill mem cpus trace date sleep clear reboot shutdown\n"
          "WebAssembly  a .wasm runs by its name; wasm runs it with options\n"
          "\n"
          "A command without arguments that needs some says how it is used.\n"
          "Lines      a; b   a && b   a || b   a | b   # comment\n"
          "Files      < in   > out   >> append   2> errors   2>&1\n"
          "Words      'as is'   \"with $NAME\"   \\x   $? status   $$ pid   * ? [a-z] names\n"
          "Keys       arrows, Home, End, ^A ^E ^K ^U ^W ^L, Tab, ^C cancel, ^D leave,\n"
          "           Shift-PgUp and Shift-PgDn look back\n",
          stdout);
    return 0;
}

static const struct {
    const char *name;
    builtin *run;
} builtins[] = {
    {"cd", do_cd},     {"exit", do_exit},       {"export", do_export},
    {"help", do_help}, {"history", do_history}, {"unset", do_unset},
};

builtin *builtin_find(const char *name)
{
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
        if (strcmp(builtins[i].name, name) == 0)
            return builtins[i].run;
    return NULL;
}

const char *builtin_name(size_t index)
{
    return index < sizeof builtins / sizeof *builtins ? builtins[index].name : NULL;
}
