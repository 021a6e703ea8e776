// The screen and the keyboard.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glyphs.h"
#include "keyboard.h"
#include "screen.h"

// ---------------------------------------------------------------- screen

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

static void check_cursor(uint32_t column, uint32_t row)
{
    uint32_t x, y;
    assert_true(screen_cursor(&x, &y));
    assert_int_equal(x, column);
    assert_int_equal(y, row);
}

static uint8_t attribute(uint32_t row, uint32_t column)
{
    return (uint8_t)(screen_row(row)[column] >> 8);
}

static void test_text(void **state)
{
    (void)state;
    out("one\r\ntwo\ttab\bB\r\n");
    check_row(0, "one");
    check_row(1, "two     taB");
    check_cursor(0, 2);
    for (int i = 0; i < 80; i++)
        out("x");
    check_cursor(79, 2); // the wrap waits for the next character
    out("\b!");
    out("\r\nnext");
    check_row(3, "next");
    out("\033[3;80Hyz"); // fills the last column, then wraps
    check_cursor(1, 3);
    check_row(3, "zext");
}

static void test_scroll_and_history(void **state)
{
    (void)state;
    char text[32];
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "line %d\r\n", i);
        out(text);
    }
    check_row(23, "line 1999");
    check_row(0, "line 1976");
    screen_look_back(1);
    check_row(0, "line 1975");
    check_row(24, "line 1999");
    screen_look_back(100000);
    check_row(0, "line 977"); // 1024 lines in all, the last one empty
    uint32_t x, y;
    assert_false(screen_cursor(&x, &y));
    screen_look_back(-100000);
    check_row(0, "line 1976");
    screen_look_back(5);
    out("x"); // output ends looking back
    check_row(24, "x");
    out("\033[3J");
    screen_look_back(10);
    check_row(0, "line 1976");
}

static void test_cursor(void **state)
{
    (void)state;
    out("\033[5;10H");
    check_cursor(9, 4);
    out("\033[2A\033[3C\033[B\033[D");
    check_cursor(11, 3);
    out("\033[99A\033[99D");
    check_cursor(0, 0);
    out("\033[99;99H");
    check_cursor(79, 24);
    out("\033[s\033[H\033[u");
    check_cursor(79, 24);
    out("\033[7G\033[3d");
    check_cursor(6, 2);
    out("\0337\033[H\0338\033[2E");
    check_cursor(0, 4);
    out("\033[F");
    check_cursor(0, 3);
    out("\033[?25l");
    uint32_t x, y;
    assert_false(screen_cursor(&x, &y));
    out("\033[?25h");
    check_cursor(0, 3);
    out("\033[H\033M"); // reverse line feed at the top scrolls
    check_cursor(0, 0);
}

static void test_erase(void **state)
{
    (void)state;
    out("aaaaa\r\nbbbbb\r\nccccc\033[2;3H");
    out("\033[K");
    check_row(1, "bb");
    out("\033[1K");
    check_row(1, "");
    out("\033[1J");
    check_row(0, "");
    check_row(2, "ccccc");
    out("\033[J");
    check_row(2, "");
    out("\033[Habcdef\033[1;3H\033[2@");
    check_row(0, "ab  cdef");
    out("\033[3P");
    check_row(0, "abdef");
    out("\033[2X");
    check_row(0, "ab  f");
    out("\033[99P");
    check_row(0, "ab");
    out("\033[2J");
    check_row(0, "");
}

static void test_region(void **state)
{
    (void)state;
    for (int i = 1; i <= 25; i++) {
        char text[32];
        snprintf(text, sizeof text, "\033[%d;1H%d", i, i);
        out(text);
    }
    out("\033[3;5r");
    check_cursor(0, 0);
    out("\033[5;1H\nx");
    check_row(1, "2");
    check_row(2, "4");
    check_row(4, "x");
    check_row(5, "6");
    out("\033[3;1H\033M");
    check_row(2, "");
    check_row(3, "4");
    out("\033[L");
    check_row(4, "4");
    out("\033[2M");
    check_row(2, "4");
    check_row(5, "6");
    out("\033[S\033[99T\033[99S\033[99L\033[99M");
    check_row(5, "6");
    out("\033[r\033[25;1H\n");
    check_row(0, "2");
}

static void test_colours(void **state)
{
    (void)state;
    out("a\033[31mb\033[1mc\033[7md\033[0me\033[44;93mf\033[39;49mg\033[38;5;2mh\033[48;2;255;"
        "0;0mi");
    assert_int_equal(attribute(0, 0), 0x07);
    assert_int_equal(attribute(0, 1), 0x04); // red is 4 on VGA
    assert_int_equal(attribute(0, 2), 0x0c);
    assert_int_equal(attribute(0, 3), 0x40); // inverse
    assert_int_equal(attribute(0, 4), 0x07);
    assert_int_equal(attribute(0, 5), 0x1e);
    assert_int_equal(attribute(0, 6), 0x07);
    assert_int_equal(attribute(0, 7), 0x02);
    assert_int_equal(attribute(0, 8), 0xc2);
    out("\033[m\033[7m \033[K");
    assert_int_equal(attribute(0, 40), 0x70);
}

static void test_utf8(void **state)
{
    (void)state;
    out("\xc3\xa9\xe2\x94\x80\xe2\x82\xac\xf0\x9f\x98\x80|\xc3|\xff|\xc0\x80|\xe0\x80\x80|");
    // e acute, a line, Euro and a smiley (unknown), then damaged ones
    check_row(0, "\x82\xc4??|?|?|??|?|");
    assert_int_equal(glyph_of(0x2588), 0xdb);
    assert_int_equal(glyph_of(0x2014), '-');
    assert_int_equal(glyph_of(0x263a), 1);
}

static void test_odd_sequences(void **state)
{
    (void)state;
    out("\033]0;title\007a\033]0;title\033\\b\033(Bc\033[?2004hd\033[1;2;3;4;5;6;7;8;9;10;11;"
        "12;"
        "13;14;15;16;17;18me\033[99999999999Cf\033[1\030g\033[>ch\033[!pi");
    char expected[SCREEN_COLUMNS + 1];
    snprintf(expected, sizeof expected, "%-79s%c", "abcde", 'f');
    check_row(0, expected);
    check_row(1, "ghi");
}

// Anything may come: nothing outside the screen is touched (ASan), the cursor stays inside.
static void test_noise(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < 300000; i++) {
        static const char usual[] = "\033[;?0123456789ABCDEFGHJKLMPSTXdfhlmrsu@\n\r\t\b x78M";
        uint8_t byte = (uint8_t)rand();
        if (i % 4)
            byte = (uint8_t)usual[(size_t)rand() % (sizeof usual - 1)];
        screen_write(&byte, 1);
        uint32_t x, y;
        (void)screen_cursor(&x, &y);
        assert_true(x < SCREEN_COLUMNS && y < SCREEN_ROWS);
        if (i % 1000 == 0)
            screen_look_back(rand() % 2000 - 1000);
        (void)screen_row(24)[79];
    }
}

static void test_adopt(void **state)
{
    (void)state;
    static uint16_t cells[SCREEN_ROWS * SCREEN_COLUMNS];
    for (size_t i = 0; i < SCREEN_ROWS * SCREEN_COLUMNS; i++)
        cells[i] = (uint16_t)(0x0700 | ('a' + i / SCREEN_COLUMNS));
    screen_adopt(cells, 5, 24);
    check_cursor(5, 24);
    out("\r\n>");
    assert_int_equal((uint8_t)screen_row(0)[0], 'b');
    check_row(24, ">");
    screen_look_back(1);
    assert_int_equal((uint8_t)screen_row(0)[79], 'a');
}

// ---------------------------------------------------------------- keyboard

static char typed[256];
static int32_t looked;

static void scan(const char *codes)
{
    size_t count = 0;
    looked = 0;
    keyboard_reset();
    for (; *codes; codes++) {
        struct keys keys = keyboard_scan((uint8_t)*codes);
        memcpy(typed + count, keys.bytes, keys.count);
        count += keys.count;
        looked += keys.look_back;
    }
    typed[count] = 0;
}

static void check_keys(const char *codes, const char *expected)
{
    scan(codes);
    assert_string_equal(typed, expected);
}

static void test_keyboard(void **state)
{
    (void)state;
    check_keys("\x1e\x9e\x30\xb0", "ab");
    check_keys("\x2a\x1e\x9e\xaa\x1e", "Aa");                   // shift
    check_keys("\x36\x02\x82\xb6\x02", "!1");                   // right shift
    check_keys("\x3a\xba\x1e\x02\x2a\x1e\xaa\x3a\x1e", "A1aa"); // caps lock
    check_keys("\x1d\x2e\xae\x9d\x2e", "\003c");                // Ctrl-C
    check_keys("\x1d\x1a", "\033");                             // Ctrl-[
    check_keys("\x38\x1e\xb8", "\033a");                        // Alt
    check_keys("\x1c\x0e\x0f\x01\x39", "\r\177\t\033 ");
    check_keys("\xe0\x48\xe0\xc8\xe0\x50\xe0\x4b\xe0\x4d", "\033[A\033[B\033[D\033[C");
    check_keys("\xe0\x47\xe0\x4f\xe0\x53\xe0\x52\xe0\x49\xe0\x51",
               "\033[H\033[F\033[3~\033[2~\033[5~\033[6~");
    check_keys("\x3b\x44\x57\x58", "\033OP\033[21~\033[23~\033[24~");
    check_keys("\x47\x45\xc5\x47\x4a", "\033[H7-"); // keypad without and with Num Lock
    check_keys("\xe0\x1c\xe0\x35\x37", "\r/*");
    check_keys("\x2a\x0f", "\033[Z");
    check_keys("\xe1\x1d\x45\xe1\x9d\xc5\x1e", "a");        // Pause leaves nothing held
    check_keys("\xe0\x2a\xe0\x53\xe0\xaa\x1e", "\033[3~a"); // made-up shifts
    scan("\x2a\xe0\x49\xe0\x49\xe0\x51");
    assert_string_equal(typed, "");
    assert_int_equal(looked, 1);
    for (int code = 1; code < 256; code++) { // every code, alone and extended
        (void)keyboard_scan((uint8_t)code);
        (void)keyboard_scan(0xe0);
        (void)keyboard_scan((uint8_t)code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_text, start_screen),
        cmocka_unit_test_setup(test_scroll_and_history, start_screen),
        cmocka_unit_test_setup(test_cursor, start_screen),
        cmocka_unit_test_setup(test_erase, start_screen),
        cmocka_unit_test_setup(test_region, start_screen),
        cmocka_unit_test_setup(test_colours, start_screen),
        cmocka_unit_test_setup(test_utf8, start_screen),
        cmocka_unit_test_setup(test_odd_sequences, start_screen),
        cmocka_unit_test_setup(test_noise, start_screen),
        cmocka_unit_test_setup(test_adopt, start_screen),
        cmocka_unit_test(test_keyboard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
