/* The platform layer by its interface: code is written, sealed and run, and every fault comes
 * back as what it is. CTest runs it on the host, ci/boot/test_engine.py in the booted system.
 * Prints what fails; exit status 0: nothing did. */
#include "wasm/platform.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static int failures;
#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            printf("platform_test.c:%d: %s\n", __LINE__, #condition);                          \
            failures++;                                                                        \
        }                                                                                      \
    } while (0)

enum { PAGE = WASM_PLATFORM_PAGE, REGION = 16 * PAGE, COUNTER = 0x1234 };

static unsigned char *region; /* page 0: code; page 1: stays writable; the last: a guard */
static struct wasm_platform_fault seen;

/* A guest: runs code at `offset` of the region with rax = `value`, r15 = COUNTER and, if asked,
 * on a stack that ends at the start of the region's page 1. */
struct guest {
    size_t offset;
    uint64_t value;
    bool own_stack;
    bool returned;
    bool disowned; /* its faults are somebody else's */
};

static void enter(void *argument)
{
    struct guest *g = argument;
    uint64_t value = g->value;
    void *code = region + g->offset, *stack = region + 2 * PAGE;
    /* Below the red zone, which the compiler may use here. */
    __asm__ volatile("mov %3, %%r15; mov %%rsp, %%rbx; lea -128(%%rsp), %%rsp;"
                     "test %%rcx, %%rcx; cmovnz %%rcx, %%rsp;"
                     "call *%2; mov %%rbx, %%rsp"
                     : "+a"(value)
                     : "c"(g->own_stack ? stack : NULL), "r"(code), "i"(COUNTER)
                     : "rbx", "rdx", "r15", "memory", "cc");
    g->returned = true;
    g->value = value;
}

static bool owns(void *argument, const struct wasm_platform_fault *fault)
{
    struct guest *g = argument;
    seen = *fault;
    return !g->disowned;
}

static void put(size_t offset, const char *bytes, size_t count)
{
    memcpy(region + offset, bytes, count);
}

static void prepare(void)
{
    region = wasm_platform_reserve(REGION);
    CHECK(region && wasm_platform_commit(region, 2 * PAGE));
    memset(region, 0xc3, PAGE);
    put(0, "\xff\xc0\xc3", 3);          /* inc eax; ret */
    put(16, "\x0f\x0b", 2);             /* ud2 */
    put(32, "\x31\xd2\x48\xf7\xf2", 5); /* xor edx, edx; div rdx */
    put(48, "\x48\x8b\x00\xc3", 4);     /* mov rax, [rax]; ret */
    put(64, "\x48\x89\x00\xc3", 4);     /* mov [rax], rax; ret */
    put(80, "\x50\xeb\xfd", 3);         /* push rax; jmp back: until the stack is used up */
    CHECK(wasm_platform_seal(region, PAGE));
}

/* Runs the code at `offset`; true if it returned. */
static bool runs(size_t offset, uint64_t value, uint64_t *result)
{
    struct guest g = {.offset = offset, .value = value};
    memset(&seen, 0, sizeof seen);
    bool ended = wasm_platform_run(enter, &g, owns);
    CHECK(ended == g.returned);
    if (result)
        *result = g.value;
    return ended;
}

static bool saw(enum wasm_platform_fault_kind kind, size_t offset, const void *address)
{
    return seen.kind == kind && seen.ip == (uintptr_t)region + offset && seen.r15 == COUNTER &&
           seen.sp && seen.address == address;
}

static void test_code(void)
{
    uint64_t result;
    CHECK(runs(0, 41, &result) && result == 42);
    CHECK(!runs(64, (uint64_t)region, NULL)); /* sealed: no write */
    CHECK(saw(WASM_FAULT_MEMORY, 64, region) && region[0] == 0xff);
    CHECK(runs(64, (uint64_t)region + PAGE, NULL)); /* the next page is not */
    memcpy(region + PAGE, "\xc3", 1);
    CHECK(!runs(PAGE, 0, NULL)); /* and does not run */
    CHECK(saw(WASM_FAULT_MEMORY, PAGE, region + PAGE));
}

static void test_faults(void)
{
    for (int i = 0; i < 3; i++) { /* each time anew */
        CHECK(!runs(16, 0, NULL) && saw(WASM_FAULT_OPCODE, 16, region + 16));
        CHECK(!runs(34, 0, NULL) && saw(WASM_FAULT_ARITHMETIC, 34, region + 34));
        CHECK(!runs(48, (uint64_t)region + REGION - PAGE, NULL));
        CHECK(saw(WASM_FAULT_MEMORY, 48, region + REGION - PAGE));
    }
}

/* A stack that is used up can only be told on another one. */
static void test_stack(void)
{
    struct guest g = {.offset = 80, .own_stack = true};
    CHECK(!wasm_platform_run(enter, &g, owns) && !g.returned);
    CHECK(seen.kind == WASM_FAULT_MEMORY && seen.sp == (uintptr_t)region + PAGE);
    uint64_t result;
    CHECK(runs(0, 1, &result) && result == 2);
}

/* A run inside a run: who owns the fault, ends. */
static bool inner_ended;
static void nested(void *argument)
{
    struct guest inner = {.offset = 16, .disowned = true};
    (void)argument;
    inner_ended = wasm_platform_run(enter, &inner, owns);
    inner_ended = true;
}

static void test_nesting(void)
{
    struct guest outer = {0};
    CHECK(!wasm_platform_run(nested, &outer, owns) && !inner_ended);
    CHECK(seen.kind == WASM_FAULT_OPCODE);
}

/* A signal that somebody sends is no fault: it finds the action that was there before. */
static volatile sig_atomic_t received;
static void count(int number)
{
    (void)number;
    received++;
}

static void send(void *argument)
{
    (void)argument;
    CHECK(raise(SIGFPE) == 0);
}

static void test_sent(void)
{
    struct guest g = {0};
    signal(SIGFPE, count);
    CHECK(wasm_platform_run(send, &g, owns) && received == 1);
    CHECK(!runs(34, 0, NULL) && saw(WASM_FAULT_ARITHMETIC, 34, region + 34) && received == 1);
}

int main(void)
{
    prepare();
    test_code();
    test_faults();
    test_stack();
    test_nesting();
    test_sent();
    wasm_platform_release(region, REGION);
    puts(failures ? "platform: FAILED" : "platform: ok");
    return failures != 0;
}
