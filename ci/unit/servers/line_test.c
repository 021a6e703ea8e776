// The line discipline, with its echo on the screen.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "line.h"
#include "screen.h"

static int start_screen(void **state)
{
    (void)state;
    screen_init();
    return 0;
}

static void out(const char *text)
{
    screen_write(text, strlen(text));
}

static void check_row(uint32_t row, const char *text)
{
    char shown[SCREEN_COLUMNS + 1];
    for (uint32_t i = 0; i < SCREEN_COLUMNS; i++)
        shown[i] = (char)screen_row(row)[i];
    shown[SCREEN_COLUMNS] = 0;
    for (size_t i = SCREEN_COLUMNS; i > 0 && shown[i - 1] == ' '; i--)
        shown[i - 1] = 0;
    assert_string_equal(shown, text);
}

static int interrupts;

static void on_interrupt(void)
{
    interrupts++;
}

static void echo_to_screen(const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (((const char *)bytes)[i] == '\n')
            out("\r\n");
        else
            screen_write((const char *)bytes + i, 1);
}

static int start_line(void **state)
{
    static const struct line_hooks hooks = {echo_to_screen, on_interrupt, screen_column};
    line_init(&hooks);
    interrupts = 0;
    return start_screen(state);
}

static void type(const char *text)
{
    while (*text)
        line_input((uint8_t)*text++);
}

static void check_read(size_t length, const char *expected)
{
    char buffer[8192];
    size_t bytes;
    uint32_t entries;
    assert_int_equal(line_peek(buffer, length, &bytes, &entries), OK);
    line_take(entries);
    assert_int_equal(bytes, strlen(expected));
    assert_memory_equal(buffer, expected, bytes);
}

static void check_nothing(void)
{
    char byte;
    size_t bytes;
    uint32_t entries;
    assert_false(line_readable());
    assert_int_equal(line_peek(&byte, 1, &bytes, &entries), E_AGAIN);
}

static void test_canonical(void **state)
{
    (void)state;
    type("one");
    check_nothing();
    type("\rtwo\n");
    check_read(100, "one\n");
    check_read(2, "tw");
    check_read(100, "o\n");
    check_nothing();
    check_row(0, "one");
    check_row(1, "two");
}

static void test_line_editing(void **state)
{
    (void)state;
    type("abc\177\177x");
    check_row(0, "ax");
    type("\025");
    check_row(0, "");
    type("one two  \027three");
    check_row(0, "one three");
    type("\tx\177\177\001\177!\n");
    check_read(100, "one three!\n");
    check_row(0, "one three!");
    type("\177\177h\xc3\xa9\177\n"); // nothing to erase; then a character of two bytes
    check_read(100, "h\n");
    check_row(1, "h");
}

static void test_end_of_file(void **state)
{
    (void)state;
    type("\004");
    check_read(100, "");
    check_nothing();
    type("ab\004");
    check_read(2, "ab"); // fits exactly: no end of file behind it
    check_nothing();
    type("ab\004cd\004");
    check_read(100, "ab");
    check_read(100, "cd");
    check_nothing();
}

static void test_interrupt(void **state)
{
    (void)state;
    type("first\nabc\003");
    assert_int_equal(interrupts, 1);
    check_nothing(); // what was typed before is gone
    check_row(1, "abc^C");
    line_set_mode(0);
    type("\003");
    assert_int_equal(interrupts, 1);
    check_read(100, "\003");
}

static void test_raw(void **state)
{
    (void)state;
    type("ab");
    line_set_mode(0);
    check_read(100, "ab"); // what was being typed is readable at once
    type("x\r\004\177");
    check_read(100, "x\r\004\177");
    check_row(0, "ab"); // no echo
    type("yz\n");
    check_read(1, "y");
    line_set_mode(TERMINAL_MODE_CANONICAL);
    assert_int_equal(line_mode(), TERMINAL_MODE_CANONICAL);
    check_read(100, "z\n");
    type("q\n");
    line_flush();
    check_nothing();
}

static void test_interrupt_typed_ahead(void **state)
{
    (void)state;
    line_set_mode(0);
    type("command\rabc\003def");
    char buffer[8];
    size_t bytes;
    uint32_t entries;
    assert_int_equal(line_peek(buffer, 8, &bytes, &entries), OK);
    line_take(entries); // the command's line; the rest was meant for the command
    line_set_mode(TERMINAL_MODE_CANONICAL | TERMINAL_MODE_SIGNALS);
    assert_int_equal(interrupts, 1);
    check_nothing();
}

static void test_line_full(void **state)
{
    (void)state;
    line_set_mode(TERMINAL_MODE_CANONICAL | TERMINAL_MODE_NEWLINE);
    for (int i = 0; i < 10000; i++)
        type("x");
    type("\n");
    static char buffer[2 * LINE_BYTES];
    size_t bytes;
    uint32_t entries;
    assert_int_equal(line_peek(buffer, sizeof buffer, &bytes, &entries), OK);
    assert_int_equal(bytes, LINE_BYTES);
    assert_int_equal(buffer[bytes - 1], '\n');
    for (int i = 0; i < 100; i++)
        type("more\n\004");
    line_take(entries);
    check_nothing();
    type("again\n");
    check_read(100, "again\n");
    line_set_mode(0);
    for (int i = 0; i < 10000; i++)
        type("y");
    assert_int_equal(line_peek(buffer, sizeof buffer, &bytes, &entries), OK);
    assert_int_equal(bytes, LINE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_canonical, start_line),
        cmocka_unit_test_setup(test_line_editing, start_line),
        cmocka_unit_test_setup(test_end_of_file, start_line),
        cmocka_unit_test_setup(test_interrupt, start_line),
        cmocka_unit_test_setup(test_raw, start_line),
        cmocka_unit_test_setup(test_interrupt_typed_ahead, start_line),
        cmocka_unit_test_setup(test_line_full, start_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
