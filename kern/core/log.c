/// The kernel's own voice: its log and its last words.
#include <arch/console.h>
#include <kern/start.h>
#include <stdarg.h>

static bool panicking;

static void put(const char *text, size_t bytes)
{
    arch_console_serial(text, bytes);
    arch_console_screen(text, bytes);
}

static size_t length(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

/// Prints `value`, filled up to `width` with `fill`.
static void put_number(uint64_t value, unsigned base, bool negative, unsigned width, char fill)
{
    char digits[24];
    unsigned at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (negative)
        digits[--at] = '-';
    for (unsigned i = (unsigned)sizeof(digits) - at; i < width; i++)
        put(&fill, 1);
    put(digits + at, sizeof(digits) - at);
}

/// One conversion behind the '%'; returns what follows it.
static const char *put_conversion(const char *format, va_list *arguments)
{
    char fill = *format == '0' ? '0' : ' ';
    unsigned width = 0;
    while (*format >= '0' && *format <= '9')
        width = width * 10 + (unsigned)(*format++ - '0');
    bool is_long = *format == 'l';
    format += is_long;
    if (*format == 's') {
        const char *text = va_arg(*arguments, const char *);
        put(text, length(text));
    } else if (*format == 'c') {
        char c = (char)va_arg(*arguments, int);
        put(&c, 1);
    } else if (*format == 'd') {
        int64_t value = is_long ? va_arg(*arguments, long) : va_arg(*arguments, int);
        put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0, width, fill);
    } else {
        uint64_t value =
            is_long ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned);
        put_number(value, *format == 'x' ? 16 : 10, false, width, fill);
    }
    return format + 1;
}

static void put_format(const char *format, va_list *arguments)
{
    while (*format) {
        size_t plain = 0;
        while (format[plain] && format[plain] != '%')
            plain++;
        put(format, plain);
        format += plain;
        if (*format)
            format = put_conversion(format + 1, arguments);
    }
}

void kern_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_format(format, &arguments);
    va_end(arguments);
}

_Noreturn void kern_panic(const char *format, ...)
{
    va_list arguments;
    if (__atomic_exchange_n(&panicking, true, __ATOMIC_ACQ_REL))
        arch_halt(); // another CPU was first, or it comes of the panic itself
    arch_stop_others();
    arch_console_take();
    kern_log("\nPith panic: ");
    va_start(arguments, format);
    put_format(format, &arguments);
    va_end(arguments);
    kern_log("\nThis is a bug in the kernel. build %s\n",
             start_boot ? start_boot->build_id : "unknown");
    arch_backtrace();
    arch_halt();
}
