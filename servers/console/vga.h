// The VGA text screen, 80 x 25.
#pragma once

/// Take over the screen with what is on it.
void vga_start(void);
/// Show screen.c's rows and cursor.
void vga_show(void);
