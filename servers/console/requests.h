// What requests.c offers to main.c besides the handlers of the generated dispatch.
#pragma once

/// Ctrl-C was typed: tell who asked for it with on_interrupt.
void requests_interrupt(void);
/// After a restart: check what is there.
void requests_resume(void);
