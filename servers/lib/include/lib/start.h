/// A server's first steps.
#pragma once

#include <proto/startup.h>

/// Written by each server; called by crt0 when slots, log and session records are ready. A
/// server does not return from it.
void server_main(const struct startup *startup);

/// Set by crt0 (or libc's start-up).
extern const struct startup *startup_block __asm__("__pith_startup_block");

/// The grant with this name, null: the boot manifest gives none.
const struct startup_grant *startup_grant(const char *name);
