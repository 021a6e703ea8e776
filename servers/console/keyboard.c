// See keyboard.h. Called by ps2.c. Escape sequences as xterm sends them.
#include "keyboard.h"

#include <lib/text.h>

#define RELEASED     0x80u
#define EXTENDED     0xe0u
#define PAUSE        0xe1u
#define PAUSE_BYTES  5 // that follow 0xe1
#define CODE_CONTROL 0x1d
#define CODE_SHIFT_L 0x2a
#define CODE_SHIFT_R 0x36
#define CODE_ALT     0x38
#define CODE_CAPS    0x3a
#define CODE_NUM     0x45
#define CODE_KEYPAD  0x47 // 7 8 9 - 4 5 6 + 1 2 3 0 .
#define CODE_PAGE_UP 0x49
#define CODE_PAGE_DN 0x51

static struct {
    bool shift, control, alt;
    bool caps, num;
    bool extended;
    int skip;
} held;

// Codes 0x00 to 0x39.
static const char plain[] = "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./"
                            "\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?"
    "\0*\0 ";
static const char keypad[] = "789-456+1230.";

// The editing keys, by their codes from 0x47 on; null: none there.
static const char *const editing[] = {"\033[H",  "\033[A",  "\033[5~", NULL,     "\033[D",
                                      NULL,      "\033[C",  NULL,      "\033[F", "\033[B",
                                      "\033[6~", "\033[2~", "\033[3~"};
// F1 to F10 from 0x3b on, then F11 and F12 at 0x57.
static const char *const functions[] = {"\033OP",   "\033OQ",   "\033OR",   "\033OS",
                                        "\033[15~", "\033[17~", "\033[18~", "\033[19~",
                                        "\033[20~", "\033[21~", "\033[23~", "\033[24~"};

void keyboard_reset(void)
{
    memset(&held, 0, sizeof held);
}

static struct keys give_text(const char *text)
{
    struct keys keys = {0};
    while (text && text[keys.count]) {
        keys.bytes[keys.count] = text[keys.count];
        keys.count++;
    }
    return keys;
}

static struct keys give_character(char character)
{
    struct keys keys = {0};
    if (held.control) {
        if (character == ' ')
            character = '@';
        else if (character == '/' || character == '-')
            character = '_';
        else if (character == '\177')
            character = '\b';
        if (character >= '@' && character <= '~')
            character &= 0x1f;
    }
    if (held.alt)
        keys.bytes[keys.count++] = 27;
    keys.bytes[keys.count++] = character;
    return keys;
}

static bool is_letter(char character)
{
    return character >= 'a' && character <= 'z';
}

static struct keys press_editing(uint8_t code)
{
    if (held.shift && code == CODE_PAGE_UP)
        return (struct keys){.look_back = 1};
    if (held.shift && code == CODE_PAGE_DN)
        return (struct keys){.look_back = -1};
    return give_text(editing[code - CODE_KEYPAD]);
}

static struct keys press(uint8_t code, bool extended)
{
    size_t pad = (size_t)code - CODE_KEYPAD;
    if (code >= CODE_KEYPAD && pad < sizeof keypad - 1) {
        if (!extended && (held.num || keypad[pad] == '-' || keypad[pad] == '+'))
            return give_character(keypad[pad]);
        return press_editing(code);
    }
    if (code >= 0x3b && code <= 0x44)
        return give_text(functions[code - 0x3b]);
    if (code == 0x57 || code == 0x58)
        return give_text(functions[code - 0x57 + 10]);
    if (code == CODE_CAPS)
        held.caps = !held.caps;
    if (code == CODE_NUM)
        held.num = !held.num;
    if (code >= sizeof plain - 1 || !plain[code] || (extended && code != 0x1c && code != 0x35))
        return (struct keys){0}; // of the extended ones, Enter and / of the keypad are here
    if (code == 0x0f && held.shift)
        return give_text("\033[Z");
    bool upper = held.shift != (held.caps && is_letter(plain[code]));
    return give_character(upper && !extended ? shifted[code] : plain[code]);
}

// True: the code is that of a modifier.
static bool modifier(uint8_t code, bool extended, bool down)
{
    if (code == CODE_CONTROL)
        held.control = down;
    else if (code == CODE_ALT)
        held.alt = down;
    else if ((code == CODE_SHIFT_L || code == CODE_SHIFT_R) && !extended)
        held.shift = down; // extended ones are made up by the keyboard around other keys
    else
        return code == CODE_SHIFT_L || code == CODE_SHIFT_R;
    return true;
}

struct keys keyboard_scan(uint8_t code)
{
    bool extended = held.extended;
    held.extended = code == EXTENDED;
    if (held.skip > 0)
        held.skip--;
    else if (code == PAUSE)
        held.skip = PAUSE_BYTES;
    else if (code != EXTENDED &&
             !modifier(code & (uint8_t)~RELEASED, extended, !(code & RELEASED)) &&
             !(code & RELEASED))
        return press(code, extended);
    return (struct keys){0};
}
