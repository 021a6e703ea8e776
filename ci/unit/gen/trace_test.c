// What `trace` prints for a given ring.
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <proto/files.h>
#include <proto/memory.h>
#include "../../../servers/apps/trace_print.h"

enum {
    CHILD = 9,
    SELF = 8,
    FILES = 3,
    CHILD_THREAD = 90,
    FILES_THREAD = 30,
    OTHER_THREAD = 70,
};

static const char *name(uint32_t pid)
{
    return pid == CHILD ? "cat" : pid == FILES ? "files" : "other";
}

static struct trace_event request(uint64_t time, uint32_t thread, uint64_t badge,
                                  uint32_t label, uint32_t kind)
{
    return (struct trace_event){.time = time,
                                .thread = thread,
                                .event = TRACE_MESSAGE,
                                .a = (uint64_t)label << TAG_LABEL_SHIFT | kind
                                                                              << TAG_KIND_SHIFT,
                                .b = badge};
}

static struct trace_event answer(uint64_t time, uint32_t thread, enum status label,
                                 enum status status)
{
    return (struct trace_event){.time = time,
                                .thread = thread,
                                .event = TRACE_REPLY,
                                .a = (uint64_t)label << TAG_LABEL_SHIFT,
                                .b = status};
}

static void shows(const struct trace_event *events, size_t count, const char *want)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct trace_view view = {CHILD, SELF, 1000000, name};
    trace_print(&view, events, count, out);
    fclose(out);
    assert_string_equal(text, want);
    free(text);
}

static void nested_requests(void **state)
{
    (void)state;
    const struct trace_event events[] = {
        request(100, 1, SELF, 0x201, MESSAGE_CALL),         // the tracer's own
        request(110, OTHER_THREAD, 7, 0x501, MESSAGE_CALL), // nobody's business
        request(200, CHILD_THREAD, CHILD, LABEL_FILES_OPEN, MESSAGE_CALL),
        request(210, FILES_THREAD, FILES, LABEL_MEMORY_COMMIT, MESSAGE_CALL),
        answer(230, FILES_THREAD, OK, OK),
        answer(250, CHILD_THREAD, E_NOENT, OK),
        request(300, FILES_THREAD, FILES, LABEL_MEMORY_COMMIT,
                MESSAGE_CALL), // not for the child
        answer(310, FILES_THREAD, OK, OK),
        request(400, CHILD_THREAD, CHILD, FAULT_PAGE, MESSAGE_FAULT),
        answer(450, CHILD_THREAD, OK, OK),
        request(500, CHILD_THREAD, CHILD | 1ul << 62, 0x20003, MESSAGE_CALL),
        answer(501, CHILD_THREAD, OK, E_DEAD),
        request(600, CHILD_THREAD, CHILD, LABEL_IO_READ, MESSAGE_CALL),
    };
    shows(events, sizeof events / sizeof *events,
          "     100 us  cat: files.open  E_NOENT  50 us\n"
          "     110 us      files: memory.commit  OK  20 us\n"
          "     300 us  cat: fault: page  OK  50 us\n"
          "     400 us  cat: request 0x20003  E_DEAD  1 us\n"
          "     500 us  cat: io.read  no answer\n");
}

static void nothing(void **state)
{
    (void)state;
    shows(NULL, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nested_requests),
                                       cmocka_unit_test(nothing)};
    return cmocka_run_group_tests(tests, 0, 0);
}
