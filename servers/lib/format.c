// text_format: the part of printf that servers need. See lib/log.h.
#include <lib/log.h>
#include <stdbool.h>
#include <stdint.h>

struct output {
    char *text;
    size_t max;
    size_t size;
};

struct conversion {
    bool zero;
    unsigned width;
    size_t precision; // SIZE_MAX: none
    bool wide;
};

static void put(struct output *out, char c)
{
    if (out->size + 1 < out->max)
        out->text[out->size++] = c;
}

static void put_number(struct output *out, uint64_t value, bool negative, unsigned base,
                       const struct conversion *how)
{
    char digits[24];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (negative && !how->zero)
        digits[count++] = '-';
    else if (negative)
        put(out, '-');
    for (unsigned i = count + (negative && how->zero); i < how->width; i++)
        put(out, how->zero ? '0' : ' ');
    while (count)
        put(out, digits[--count]);
}

static void put_text(struct output *out, const char *text, const struct conversion *how)
{
    size_t size = 0;
    while (size < how->precision && text[size])
        put(out, text[size++]);
    for (; size < how->width; size++)
        put(out, ' ');
}

static unsigned parse_number(const char **at)
{
    unsigned value = 0;
    for (; **at >= '0' && **at <= '9'; ++*at)
        value = value * 10 + (unsigned)(**at - '0');
    return value;
}

static void convert(struct output *out, const char **at, va_list *list)
{
    struct conversion how = {.precision = SIZE_MAX};
    how.zero = **at == '0';
    how.width = parse_number(at);
    if (**at == '.') {
        ++*at;
        if (**at == '*') {
            ++*at;
            how.precision = (size_t)va_arg(*list, int);
        } else {
            how.precision = parse_number(at);
        }
    }
    for (; **at == 'l' || **at == 'z'; ++*at)
        how.wide = true;
    char letter = **at;
    if (letter)
        ++*at;
    if (letter == 's') {
        const char *text = va_arg(*list, const char *);
        put_text(out, text ? text : "(null)", &how);
    } else if (letter == 'c') {
        put(out, (char)va_arg(*list, int));
    } else if (letter == 'd') {
        int64_t value = how.wide ? va_arg(*list, int64_t) : va_arg(*list, int);
        put_number(out, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, 10, &how);
    } else if (letter == 'u' || letter == 'x') {
        uint64_t value = how.wide ? va_arg(*list, uint64_t) : va_arg(*list, unsigned);
        put_number(out, value, false, letter == 'u' ? 10 : 16, &how);
    } else if (letter == 'p') {
        put_text(out, "0x", &(struct conversion){.precision = SIZE_MAX});
        put_number(out, (uintptr_t)va_arg(*list, void *), false, 16, &how);
    } else if (letter) {
        put(out, letter);
    }
}

size_t text_format_list(char *text, size_t max, const char *format, va_list list)
{
    struct output out = {text, max, 0};
    va_list rest;
    va_copy(rest, list);
    while (*format) {
        char c = *format++;
        if (c == '%')
            convert(&out, &format, &rest);
        else
            put(&out, c);
    }
    va_end(rest);
    if (max)
        text[out.size] = 0;
    return out.size;
}

size_t text_format(char *text, size_t max, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    size_t size = text_format_list(text, max, format, list);
    va_end(list);
    return size;
}
