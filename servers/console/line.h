// The line discipline: what is typed becomes what is read. POSIX.1-2017 chapter 11, with the
// usual fixed control characters: ^C ^D ^H/DEL ^U ^W.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/abi.h>
#include <proto/console.h>

#define LINE_BYTES 4096u // that can wait to be read, the line being typed included

/// Who shows the echo, and who learns of ^C.
struct line_hooks {
    void (*echo)(const void *bytes, size_t length); ///< as a program's output
    void (*interrupt)(void);
    uint32_t (*column)(void); ///< where the echo will go
};

void line_init(const struct line_hooks *hooks);
/// Goes on with what was kept. False: it is damaged.
bool line_resume(const struct line_hooks *hooks);
/// flags terminal_mode
uint32_t line_mode(void);
void line_set_mode(uint32_t mode);
/// One byte was typed.
void line_input(uint8_t byte);
/// Up to `length` bytes: of one line, or what there is. E_AGAIN: nothing yet. `*entries` is
/// what line_take needs to take them.
enum status line_peek(void *to, size_t length, size_t *bytes, uint32_t *entries);
void line_take(uint32_t entries);
/// A read would not wait.
bool line_readable(void);
/// Forget what was typed and not read.
void line_flush(void);
