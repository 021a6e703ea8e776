/* Runs converted scripts of the specification suite against the engine, on the host and in the
 * booted system.
 *
 *   wasm_spec_runner [--interpret] BUNDLE < SCRIPT
 *
 * The compiler runs everything, or with --interpret the interpreter; a script that the compiler
 * leaves to the interpreter ends the run.
 *
 * BUNDLE holds the bytes of all modules; a PLACE in it is OFFSET:SIZE. convert.py turns the
 * JSON of wast2json into the lines of SCRIPT; words are separated by blanks, names and texts
 * are in hexadecimal ("-" when empty), values are TYPE:BITS, or v128:LANETYPE:BITS,... with all
 * lanes.
 *
 *   NAME script PLACE FEATURE...        begins a script, in a new store; PLACE: the host module
 *                                       spectest. Features on top of the core's, or
 *                                       no-reference-types
 *   LINE module NAME PLACE              instantiate; NAME may be -
 *   LINE refuse STATUS TEXT PLACE       must end with malformed, invalid, unlinkable or trap
 *   LINE register AS NAME
 *   LINE invoke NAME FIELD COUNT VALUE...    remembers how the call ended
 *   LINE get NAME FIELD                 likewise, for a global
 *   LINE return COUNT VALUE...          the last action returned these; a float or
 *                                       lane may be nan:canonical or nan:arithmetic
 *   LINE trap TEXT                      the last action trapped so
 *
 * Answers on standard output, one line for each that checks something: "ok NAME:LINE" or
 * "FAIL NAME:LINE WHY", and "script NAME" when it begins one. A module that is to be refused as
 * malformed or invalid must be refused as one of the two; which one depends on the order of
 * decoding and validation where it is both, so the other one is "ok" with a "note NAME:LINE
 * WHY" before it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wasm/wasm.h"

enum { VALUES_MAX = 64, INSTANCES_MAX = 4096 };

static FILE *bundle;
static bool interpret;
static char script[64];
static uint32_t features;
static struct wasm_store *store;
static struct named {
    char name[64];
    struct wasm_instance *instance;
} instances[INSTANCES_MAX];
static size_t instance_count;
static struct wasm_instance *current;
static struct wasm_module *modules[INSTANCES_MAX];
static size_t module_count;

static struct {
    enum wasm_status status;
    uint8_t types[VALUES_MAX];
    uint64_t words[VALUES_MAX]; /* two for a v128 */
    uint32_t count;             /* of values */
    struct wasm_trap trap;
} last;

static void check(const char *line, bool good, const char *why)
{
    if (good)
        printf("ok %s:%s\n", script, line);
    else
        printf("FAIL %s:%s %s\n", script, line, why);
}

/* The next word of the line being taken apart. */
static char *word(void)
{
    static char nothing[] = "-";
    char *w = strtok(NULL, " \n");
    return w ? w : nothing;
}

/* Decodes a hexadecimal name into `buffer`, which the result borrows. */
static struct wasm_name hex(const char *text, char *buffer, size_t size)
{
    size_t n = 0;
    unsigned byte;
    while (n + 1 < size && sscanf(text + 2 * n, "%2x", &byte) == 1 && text[2 * n])
        buffer[n++] = (char)byte;
    buffer[n] = 0;
    return (struct wasm_name){buffer, n};
}

static struct wasm_instance *find(const char *name)
{
    if (strcmp(name, "-") == 0)
        return current;
    for (size_t i = instance_count; i-- > 0;)
        if (strcmp(instances[i].name, name) == 0)
            return instances[i].instance;
    return NULL;
}

static enum wasm_status load(const char *place, struct wasm_module **module,
                             struct wasm_error *error)
{
    const char *colon = strchr(place, ':');
    long offset = strtol(place, NULL, 10);
    size_t size = colon ? strtoul(colon + 1, NULL, 10) : 0;
    char *bytes = malloc(size + 1);
    if (!colon || !bytes || fseek(bundle, offset, SEEK_SET) != 0 ||
        fread(bytes, 1, size, bundle) != size) {
        fprintf(stderr, "%s: cannot read %s of the bundle\n", script, place);
        exit(2);
    }
    enum wasm_status status = wasm_module_load(bytes, size, features, module, error);
    free(bytes);
    if (status == WASM_OK && module_count < INSTANCES_MAX)
        modules[module_count++] = *module;
    return status;
}

/* Loads and instantiates; `text` receives why not. */
static enum wasm_status instantiate(const char *place, struct wasm_instance **instance,
                                    char text[WASM_ERROR_TEXT])
{
    struct wasm_error error;
    struct wasm_trap trap;
    struct wasm_module *module;
    enum wasm_status status = load(place, &module, &error);
    text[0] = 0;
    if (status == WASM_OK)
        status = wasm_instantiate(store, module, instance, &error, &trap);
    if (status == WASM_TRAPPED)
        strcpy(text, trap.text);
    else if (status != WASM_OK)
        strcpy(text, error.text);
    return status;
}

static void do_module(const char *line)
{
    char text[WASM_ERROR_TEXT];
    const char *name = word();
    struct wasm_instance *instance;
    if (instantiate(word(), &instance, text) != WASM_OK) {
        current = NULL;
        check(line, false, text);
        return;
    }
    current = instance;
    if (strcmp(name, "-") != 0 && instance_count < INSTANCES_MAX) {
        snprintf(instances[instance_count].name, sizeof instances[0].name, "%s", name);
        instances[instance_count++].instance = instance;
    }
}

/* Whether the engine's text and the suite's agree: one begins with the other. */
static bool texts_agree(const char *a, const char *b)
{
    size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    return n > 0 && strncmp(a, b, n) == 0;
}

static void do_refuse(const char *line)
{
    char wanted_text[256], text[WASM_ERROR_TEXT], why[WASM_ERROR_TEXT + 80];
    const char *wanted = word();
    hex(word(), wanted_text, sizeof wanted_text);
    struct wasm_instance *instance;
    enum wasm_status status = instantiate(word(), &instance, text);
    bool malformed = strcmp(wanted, "malformed") == 0, invalid = strcmp(wanted, "invalid") == 0;
    bool exact = (malformed && status == WASM_MALFORMED) || (invalid && status == WASM_INVALID);
    bool other = (malformed && status == WASM_INVALID) || (invalid && status == WASM_MALFORMED);
    bool good = exact || other ||
                (strcmp(wanted, "unlinkable") == 0 && status == WASM_UNLINKABLE &&
                 texts_agree(text, wanted_text)) ||
                (strcmp(wanted, "trap") == 0 && status == WASM_TRAPPED &&
                 texts_agree(text, wanted_text));
    snprintf(why, sizeof why, "wanted %s, got status %d: %s", wanted, (int)status, text);
    if (other)
        printf("note %s:%s %s\n", script, line, why);
    check(line, good, why);
}

static uint8_t type_of(const char *text)
{
    static const struct {
        const char *name;
        uint8_t type;
    } TYPES[] = {{"i32:", WASM_I32},         {"i64:", WASM_I64},
                 {"f32:", WASM_F32},         {"f64:", WASM_F64},
                 {"funcref:", WASM_FUNCREF}, {"externref:", WASM_EXTERNREF},
                 {"v128:", WASM_V128}};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (strncmp(text, TYPES[i].name, strlen(TYPES[i].name)) == 0)
            return TYPES[i].type;
    return 0;
}

/* A reference's null is 0 in the engine, so the suite's external reference n is n + 1. */
static uint64_t bits_of(const char *text)
{
    uint8_t type = type_of(text);
    const char *bits = strchr(text, ':') + 1;
    if (strcmp(bits, "null") == 0)
        return 0;
    return strtoull(bits, NULL, 10) + (type == WASM_EXTERNREF);
}

/* One lane of a vector: its width in bits, 0 if `text`, behind "v128:", names no lane type. */
static unsigned lane_bits(const char *text)
{
    return (text[0] == 'i' || text[0] == 'f') ? (unsigned)strtoul(text + 1, NULL, 10) : 0;
}

/* The lanes of "v128:TYPE:A,B,..." put together. */
static void vector_of(const char *text, uint64_t words[2])
{
    const char *type = strchr(text, ':') + 1;
    unsigned bits = lane_bits(type);
    const char *lane = strchr(type, ':');
    words[0] = words[1] = 0;
    for (unsigned at = 0; lane && at < 128; at += bits, lane = strchr(lane + 1, ',')) {
        uint64_t value = strtoull(lane + 1, NULL, 10);
        if (bits < 64)
            value &= ((uint64_t)1 << bits) - 1;
        words[at / 64] |= value << at % 64;
    }
}

static void do_invoke(void)
{
    char buffer[4096];
    uint64_t args[VALUES_MAX + 1];
    struct wasm_instance *instance = find(word());
    struct wasm_name field = hex(word(), buffer, sizeof buffer);
    size_t count = strtoul(word(), NULL, 10);
    size_t words = 0;
    for (size_t i = 0; i < count && words < VALUES_MAX; i++) {
        const char *value = word();
        if (type_of(value) == WASM_V128) {
            vector_of(value, &args[words]);
            words += 2;
        } else {
            args[words++] = bits_of(value);
        }
    }
    struct wasm_func *f = instance ? wasm_export_func(instance, field) : NULL;
    last.status = WASM_MISUSED;
    last.count = 0;
    if (!f)
        return;
    struct wasm_func_type type = wasm_func_type(f);
    last.count = type.result_count;
    if (type.result_count)
        memcpy(last.types, type.results, type.result_count);
    last.status = wasm_call(f, args, words, last.words, &last.trap);
}

static void do_get(void)
{
    char buffer[4096];
    struct wasm_instance *instance = find(word());
    struct wasm_name field = hex(word(), buffer, sizeof buffer);
    enum wasm_type type = 0;
    bool found = instance && wasm_export_global(instance, field, &type, last.words);
    last.status = found ? WASM_OK : WASM_MISUSED;
    last.types[0] = (uint8_t)type;
    last.count = 1;
}

/* A canonical NaN has only the top bit of its payload; an arithmetic one at least that. */
static bool is_nan(uint64_t bits, bool wide, bool canonical)
{
    uint64_t quiet = wide ? 0x7ff8000000000000 : 0x7fc00000;
    uint64_t magnitude = bits & (wide ? 0x7fffffffffffffff : 0x7fffffff);
    return canonical ? magnitude == quiet : (magnitude & quiet) == quiet;
}

static bool value_matches(const char *wanted, uint8_t type, uint64_t bits)
{
    if (type_of(wanted) != type)
        return false;
    const char *text = strchr(wanted, ':') + 1;
    if (strncmp(text, "nan:", 4) == 0)
        return is_nan(bits, type == WASM_F64, strcmp(text, "nan:canonical") == 0);
    if (type == WASM_FUNCREF && strcmp(text, "null") != 0)
        return bits != 0;
    return bits == bits_of(wanted);
}

/* Lane by lane, since each float may be one of several NaNs. */
static bool vector_matches(const char *wanted, uint8_t type, const uint64_t words[2])
{
    if (type != WASM_V128 || type_of(wanted) != WASM_V128)
        return false;
    const char *lane_type = strchr(wanted, ':') + 1;
    unsigned bits = lane_bits(lane_type);
    const char *lane = strchr(lane_type, ':');
    for (unsigned at = 0; at < 128; at += bits, lane = strchr(lane + 1, ',')) {
        if (!bits || !lane)
            return false;
        uint64_t mask = bits < 64 ? ((uint64_t)1 << bits) - 1 : UINT64_MAX;
        uint64_t found = words[at / 64] >> at % 64 & mask;
        bool good = strncmp(lane + 1, "nan:", 4) == 0
                        ? is_nan(found, bits == 64, strncmp(lane + 5, "canonical", 9) == 0)
                        : found == (strtoull(lane + 1, NULL, 10) & mask);
        if (!good)
            return false;
    }
    return !lane; /* no lane too many */
}

static void do_return(const char *line)
{
    char why[256];
    size_t count = strtoul(word(), NULL, 10);
    bool good = last.status == WASM_OK && count == last.count;
    snprintf(why, sizeof why, "status %d, %u results, %.200s", (int)last.status,
             (unsigned)last.count, last.status == WASM_TRAPPED ? last.trap.text : "");
    const uint64_t *found = last.words;
    for (size_t i = 0; i < count && good; i++) {
        const char *wanted = word();
        bool vector = last.types[i] == WASM_V128;
        good = vector ? vector_matches(wanted, last.types[i], found)
                      : value_matches(wanted, last.types[i], *found);
        snprintf(why, sizeof why, "wanted %s, got 0x%llx%s%llx", wanted,
                 (unsigned long long)found[0], vector ? ", 0x" : " ",
                 vector ? (unsigned long long)found[1] : 0);
        found += vector ? 2 : 1;
    }
    check(line, good, why);
}

static void do_trap(const char *line)
{
    char wanted[256], why[512];
    hex(word(), wanted, sizeof wanted);
    bool good = last.status == WASM_TRAPPED && texts_agree(last.trap.text, wanted);
    snprintf(why, sizeof why, "wanted trap \"%s\", got status %d, \"%.200s\"", wanted,
             (int)last.status, last.status == WASM_TRAPPED ? last.trap.text : "");
    check(line, good, why);
}

static void do_register(const char *line)
{
    char as[256];
    struct wasm_name module = hex(word(), as, sizeof as);
    struct wasm_instance *instance = find(word());
    if (!instance || wasm_define_instance(store, module, instance) != WASM_OK)
        check(line, false, "cannot register");
}

static enum wasm_host_result print(void *context, struct wasm_caller *caller, uint64_t *values)
{
    (void)context, (void)caller, (void)values;
    return WASM_HOST_OK;
}

/* The suite's host module: its functions from here, the rest from a compiled module. */
static void define_spectest(const char *place)
{
    static const uint8_t I32[] = {WASM_I32}, I64[] = {WASM_I64}, F32[] = {WASM_F32},
                         F64[] = {WASM_F64}, I32_F32[] = {WASM_I32, WASM_F32},
                         F64_F64[] = {WASM_F64, WASM_F64};
    static const struct {
        const char *name;
        struct wasm_func_type type;
    } FUNCTIONS[] = {
        {"print", {NULL, NULL, 0, 0}},           {"print_i32", {I32, NULL, 1, 0}},
        {"print_i64", {I64, NULL, 1, 0}},        {"print_f32", {F32, NULL, 1, 0}},
        {"print_f64", {F64, NULL, 1, 0}},        {"print_i32_f32", {I32_F32, NULL, 2, 0}},
        {"print_f64_f64", {F64_F64, NULL, 2, 0}}};
    char text[WASM_ERROR_TEXT];
    struct wasm_instance *instance;
    if (instantiate(place, &instance, text) != WASM_OK ||
        wasm_define_instance(store, wasm_name("spectest"), instance) != WASM_OK) {
        fprintf(stderr, "spectest: %s\n", text);
        exit(2);
    }
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
        wasm_define_func(store, wasm_name("spectest"), wasm_name(FUNCTIONS[i].name),
                         FUNCTIONS[i].type, print, NULL);
}

static void end_script(void)
{
    wasm_store_free(store);
    for (size_t i = 0; i < module_count; i++)
        wasm_module_free(modules[i]);
    module_count = instance_count = 0;
    current = NULL;
}

static uint32_t feature(const char *name)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } FEATURES[] = {{"multi-memory", WASM_MULTI_MEMORY},
                    {"tail-call", WASM_TAIL_CALL},
                    {"extended-const", WASM_EXTENDED_CONST},
                    {"threads", WASM_THREADS}};
    for (size_t i = 0; i < sizeof FEATURES / sizeof *FEATURES; i++)
        if (strcmp(name, FEATURES[i].name) == 0)
            return FEATURES[i].bit;
    return 0;
}

static void begin_script(const char *name)
{
    end_script();
    snprintf(script, sizeof script, "%s", name);
    printf("script %s\n", script);
    fflush(stdout);
    store = wasm_store_new(WASM_LIMITS_DEFAULT);
    if (!store)
        exit(2);
    if (interpret)
        wasm_store_interpret(store);
    features = WASM_FEATURES_ALL;
    define_spectest(word());
    if (!interpret && !wasm_store_compiles(store)) {
        fprintf(stderr, "%s: not compiled\n", script);
        exit(2);
    }
    features = WASM_FEATURES_CORE;
    for (const char *w = word(); strcmp(w, "-") != 0; w = word()) {
        if (strcmp(w, "no-reference-types") == 0)
            features &= ~(uint32_t)WASM_REFERENCE_TYPES;
        features |= feature(w);
    }
}

static void run_line(char *text)
{
    const char *line = strtok(text, " \n");
    if (!line)
        return;
    const char *command = word();
    if (strcmp(command, "script") == 0)
        begin_script(line);
    else if (strcmp(command, "module") == 0)
        do_module(line);
    else if (strcmp(command, "refuse") == 0)
        do_refuse(line);
    else if (strcmp(command, "register") == 0)
        do_register(line);
    else if (strcmp(command, "invoke") == 0)
        do_invoke();
    else if (strcmp(command, "get") == 0)
        do_get();
    else if (strcmp(command, "return") == 0)
        do_return(line);
    else if (strcmp(command, "trap") == 0)
        do_trap(line);
    else
        check(line, false, "unknown command");
}

int main(int argc, char **argv)
{
    static char text[1 << 20];
    interpret = argc == 3 && strcmp(argv[1], "--interpret") == 0;
    bundle = argc == 2 + interpret ? fopen(argv[argc - 1], "rb") : NULL;
    if (!bundle) {
        fprintf(stderr, "usage: %s [--interpret] BUNDLE < SCRIPT\n", argv[0]);
        return 2;
    }
    while (fgets(text, sizeof text, stdin))
        run_line(text);
    end_script();
    fclose(bundle);
    return 0;
}
