// The VGA text screen, 80 x 25.
#pragma once

#include <stdbool.h>

/// Take over the screen: with what is on it, or to show on it what was kept.
void vga_start(bool resume);
/// Show screen.c's rows and cursor.
void vga_show(void);
