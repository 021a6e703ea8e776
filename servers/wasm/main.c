/* The WASM runner: loads one module, gives it what the command line says, runs it, and ends as
 * it ended. Called by the shell for every .wasm, and by people; on a host it is `pith-wasm`.
 *
 * Exit status: the guest's own & 255; 134 a trap; 126 malformed, invalid, unlinkable, too big
 * or without _start; 127 no such file; 2 usage. Messages go to stderr as "name: what, where".
 * An interrupt or any other signal ends the process as it would end a native program.
 */
#include "wasi/wasi.h"
#include "wasm/wasm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127, EXIT_TRAP = 134 };
enum {
    FIRST_READ = 65536,
    MODULE_MOST = 512 << 20, /* a pipe may have no end, and a file be all hole */
    DESCRIPTION_BYTES = 8192
};

static const char usage[] =
    "usage: wasm [--dir DIR[::GUESTDIR]]... [--env KEY=VALUE]... [--interpret] [--fuel N]\n"
    "            [--memory-limit BYTES] FILE [ARG]...\n"
    "Runs FILE, a WebAssembly module, with WASI preview 1.\n"
    "  --dir DIR::GUESTDIR   lets it use DIR, under the name GUESTDIR (DIR if left out)\n"
    "  --env KEY=VALUE       sets one variable of its environment, which is empty otherwise\n"
    "  --interpret           runs it in the interpreter instead of compiling it\n"
    "  --fuel N              traps it after N function calls and turns of loops\n"
    "  --memory-limit BYTES  refuses it more linear memory than this\n";

/* The command line, taken apart. Strings are borrowed from argv. */
struct command {
    const char **dirs; /* as given: DIR::GUESTDIR */
    size_t dir_count;
    const char **env;
    size_t env_count;
    struct wasm_limits limits;
    bool interpret;
    const char *file;
    const char *const *args; /* the file's name first */
    size_t arg_count;
};

/* Everything that lives while the guest does. */
struct run {
    struct wasm_module *module;
    struct wasm_store *store;
    struct wasi *wasi;
};

static int complain_usage(const char *what, const char *where)
{
    fprintf(stderr, "wasm: %s, %s\n%s", what, where, usage);
    return EXIT_USAGE;
}

static bool parse_number(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || text[0] < '0' || text[0] > '9') {
        return false;
    }
    *number = value;
    return true;
}

/* Takes in KEY=VALUE; what KEY was before is forgotten. 0 or an exit status. */
static int parse_variable(struct command *command, const char *variable)
{
    size_t key = strcspn(variable, "=") + 1, at = 0;
    if (key == 1 || !variable[key - 1]) {
        return complain_usage("--env wants KEY=VALUE", variable);
    }
    while (at < command->env_count && strncmp(command->env[at], variable, key) != 0) {
        at++;
    }
    command->env[at] = variable;
    command->env_count += at == command->env_count;
    return 0;
}

/* Takes in one option with its value. 0 or an exit status. */
static int parse_option(struct command *command, const char *option, const char *value)
{
    uint64_t *number = NULL;
    if (strcmp(option, "--dir") == 0) {
        command->dirs[command->dir_count++] = value;
    } else if (strcmp(option, "--env") == 0) {
        return parse_variable(command, value);
    } else if (strcmp(option, "--fuel") == 0) {
        number = &command->limits.fuel;
    } else {
        number = &command->limits.memory_bytes;
    }
    if (number && !parse_number(value, number)) {
        char what[64];
        snprintf(what, sizeof what, "%s wants a whole number below 2^64", option);
        return complain_usage(what, value);
    }
    return 0;
}

/* 0 or an exit status. */
static int parse(struct command *command, int argc, char **argv)
{
    static const char *const with_value[] = {"--dir", "--env", "--fuel", "--memory-limit"};
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        const char *option = argv[i];
        if (strcmp(option, "--") == 0) {
            i++;
            break;
        }
        if (strcmp(option, "--interpret") == 0) {
            command->interpret = true;
            continue;
        }
        size_t known = 0, count = sizeof with_value / sizeof with_value[0];
        while (known < count && strcmp(option, with_value[known]) != 0) {
            known++;
        }
        if (known == count) {
            return complain_usage("unknown option", option);
        }
        if (++i == argc) {
            return complain_usage("option without its value", option);
        }
        int status = parse_option(command, option, argv[i]);
        if (status) {
            return status;
        }
    }
    if (i == argc) {
        return complain_usage("no file to run", "after the options");
    }
    command->file = argv[i];
    command->args = (const char *const *)argv + i;
    command->arg_count = (size_t)(argc - i);
    return 0;
}

/* Whether what begins with these bytes may be a module: the first four are the same in all. */
static bool may_be_module(const uint8_t *bytes, size_t size)
{
    return memcmp(bytes, "\0asm", size < 4 ? size : 4) == 0;
}

static uint8_t *give_up(uint8_t *bytes, int error)
{
    free(bytes);
    errno = error;
    return NULL;
}

/* Reads all of a descriptor, or what shows that it is no module: the rest of a device or a pipe
 * may have no end. Returns the bytes, to be freed, or NULL with errno. */
static uint8_t *read_all(int fd, size_t *size)
{
    size_t room = FIRST_READ, used = 0;
    uint8_t *bytes = malloc(room);
    while (bytes) {
        ssize_t got = read(fd, bytes + used, room - used);
        if (got < 0 && errno != EINTR) {
            return give_up(bytes, errno);
        }
        used += got > 0 ? (size_t)got : 0;
        if (got == 0 || !may_be_module(bytes, used)) {
            *size = used;
            return bytes;
        }
        if (used == room) {
            if (room >= MODULE_MOST) {
                return give_up(bytes, EFBIG);
            }
            uint8_t *larger = realloc(bytes, room *= 2);
            if (!larger) {
                return give_up(bytes, ENOMEM);
            }
            bytes = larger;
        }
    }
    errno = ENOMEM;
    return NULL;
}

static const char *what_failed(enum wasm_status status)
{
    switch (status) {
    case WASM_MALFORMED:
        return "malformed module";
    case WASM_INVALID:
        return "invalid module";
    case WASM_UNLINKABLE:
        return "cannot be linked";
    default:
        return "not enough memory";
    }
}

/* 0 or an exit status, after a message. */
static int load(const struct command *command, struct run *run)
{
    size_t size = 0;
    int fd = open(command->file, O_RDONLY | O_CLOEXEC);
    uint8_t *bytes = fd < 0 ? NULL : read_all(fd, &size);
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (!bytes) {
        fprintf(stderr, "wasm: %s, %s\n", strerror(error), command->file);
        return error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
    }
    struct wasm_error why;
    enum wasm_status status =
        wasm_module_load(bytes, size, WASM_FEATURES_ALL, &run->module, &why);
    free(bytes);
    if (status != WASM_OK) {
        fprintf(stderr, "%s: %s, %s\n", command->file, what_failed(status), why.text);
        return EXIT_CANNOT_RUN;
    }
    return 0;
}

/* Opens the directories of the command line for the guest. 0 or an exit status. */
static int preopen(const struct command *command, struct wasi *wasi)
{
    for (size_t i = 0; i < command->dir_count; i++) {
        const char *host = command->dirs[i];
        const char *split = strstr(host, "::");
        size_t length = split ? (size_t)(split - host) : strlen(host);
        char *path = strndup(host, length);
        int error = path ? wasi_preopen(wasi, path, split ? split + 2 : path) : ENOMEM;
        if (error) {
            fprintf(stderr, "wasm: %s, --dir %.*s\n", strerror(error), (int)length, host);
        }
        free(path);
        if (error) {
            return EXIT_USAGE;
        }
    }
    return 0;
}

/* Makes the store and all that the guest may import. 0 or an exit status. */
static int prepare(const struct command *command, struct run *run)
{
    struct wasi_options options = {.args = command->args,
                                   .arg_count = command->arg_count,
                                   .env = command->env,
                                   .env_count = command->env_count};
    run->wasi = wasi_new(options);
    run->store = wasm_store_new(command->limits);
    if (!run->wasi || !run->store || wasi_link(run->wasi, run->store) != WASM_OK) {
        fprintf(stderr, "wasm: %s, before starting %s\n", strerror(ENOMEM), command->file);
        return EXIT_CANNOT_RUN;
    }
    if (command->interpret) {
        wasm_store_interpret(run->store);
    }
    return preopen(command, run->wasi);
}

/* "FILE: TRAP, in FUNCTION at offset 0x1f3" and the backtrace. */
static void report_trap(const char *file, const struct wasm_trap *trap)
{
    char text[DESCRIPTION_BYTES];
    wasm_trap_describe(trap, text, sizeof text);
    const char *rest = strchr(text, '\n');
    if (trap->frame_count) {
        const struct wasm_frame *frame = &trap->frames[0];
        fprintf(stderr, "%s: trap: %s, in function %u%s%s%s at offset 0x%x\n", file, trap->text,
                (unsigned)frame->function, frame->name[0] ? " (" : "", frame->name,
                frame->name[0] ? ")" : "", (unsigned)frame->offset);
    } else {
        fprintf(stderr, "%s: trap: %s, before any function ran\n", file, trap->text);
    }
    if (rest && rest[1]) {
        fprintf(stderr, "%s%s", rest + 1, rest[strlen(rest) - 1] == '\n' ? "" : "\n");
    }
}

/* The exit status of a guest whose call or instantiation ended with `status`. */
static int ended(const char *file, enum wasm_status status, const struct wasm_trap *trap)
{
    switch (status) {
    case WASM_OK:
        return 0;
    case WASM_EXITED:
        return (int)(trap->exit_code & 255);
    case WASM_TRAPPED:
        report_trap(file, trap);
        return EXIT_TRAP;
    default:
        fprintf(stderr, "%s: %s, calling _start\n", file, what_failed(status));
        return EXIT_CANNOT_RUN;
    }
}

static bool is_named(struct wasm_name name, const char *text)
{
    struct wasm_name wanted = wasm_name(text);
    return name.length == wanted.length && memcmp(name.bytes, text, name.length) == 0;
}

/* Whether the module exports a function `name` without parameters or results. */
static bool has_entry(const struct wasm_module *module, const char *name)
{
    for (uint32_t i = 0; i < wasm_module_export_count(module); i++) {
        struct wasm_extern found = wasm_module_export(module, i);
        if (found.kind == WASM_EXTERN_FUNC && is_named(found.name, name)) {
            return found.type.param_count == 0 && found.type.result_count == 0;
        }
    }
    return false;
}

/* What an import of another WASI than preview 1 asks for, or NULL. */
static const char *foreign_wasi(const struct wasm_extern *import)
{
    static const char components[] = "wasi:"; /* as in wasi:io/streams@0.2.0 */
    if (is_named(import->module, "wasi") && is_named(import->name, "thread-spawn")) {
        return "threads";
    }
    if (is_named(import->module, "wasi_unstable")) {
        return "WASI preview 0";
    }
    if (import->module.length >= strlen(components) &&
        memcmp(import->module.bytes, components, strlen(components)) == 0) {
        return "WASI preview 2, of components";
    }
    return NULL;
}

/* Whether the module is a program for this runner; else says why not. */
static bool is_program(const struct wasm_module *module, const char *file)
{
    for (uint32_t i = 0; i < wasm_module_import_count(module); i++) {
        struct wasm_extern import = wasm_module_import(module, i);
        const char *needs = foreign_wasi(&import);
        if (needs) {
            fprintf(stderr,
                    "%s: cannot be linked, it needs %s, and only WASI preview 1 is here\n",
                    file, needs);
            return false;
        }
    }
    if (has_entry(module, "_start")) {
        return true;
    }
    fprintf(stderr, "%s: no function _start to run, in its exports%s\n", file,
            has_entry(module, "_initialize") ? ": it is a library, with _initialize" : "");
    return false;
}

static int execute(const struct command *command, struct run *run)
{
    int status = load(command, run);
    if (status) {
        return status;
    }
    if (!is_program(run->module, command->file)) {
        return EXIT_CANNOT_RUN;
    }
    status = prepare(command, run);
    if (status) {
        return status;
    }
    struct wasm_instance *instance;
    struct wasm_error why;
    struct wasm_trap trap;
    enum wasm_status result = wasm_instantiate(run->store, run->module, &instance, &why, &trap);
    if (result == WASM_UNLINKABLE || result == WASM_NO_MEMORY) {
        fprintf(stderr, "%s: %s, %s\n", command->file, what_failed(result), why.text);
        return EXIT_CANNOT_RUN;
    }
    if (result == WASM_OK) {
        struct wasm_func *start = wasm_export_func(instance, wasm_name("_start"));
        result = wasm_call(start, NULL, 0, NULL, &trap);
    }
    return ended(command->file, result, &trap);
}

int main(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        if (fputs(usage, stdout) < 0 || fflush(stdout) != 0) {
            fprintf(stderr, "wasm: %s, writing the usage\n", strerror(errno));
            return EXIT_CANNOT_RUN;
        }
        return 0;
    }
    struct command command = {.limits = WASM_LIMITS_DEFAULT};
    /* No more of either than there are words on the command line. */
    command.dirs = calloc((size_t)argc + 1, sizeof *command.dirs);
    command.env = calloc((size_t)argc + 1, sizeof *command.env);
    if (!command.dirs || !command.env) {
        fprintf(stderr, "wasm: %s, reading the command line\n", strerror(ENOMEM));
        return EXIT_CANNOT_RUN;
    }
    signal(SIGPIPE, SIG_IGN); /* the guest is told by EPIPE, as WASI has it */
    struct run run = {0};
    int status = parse(&command, argc, argv);
    if (!status) {
        status = execute(&command, &run);
    }
    wasm_store_free(run.store);
    wasm_module_free(run.module);
    wasi_free(run.wasi);
    free(command.dirs);
    free(command.env);
    return status;
}
