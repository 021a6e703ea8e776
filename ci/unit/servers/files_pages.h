// Memory for the file system under test: an arena that counts, and that can refuse.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "names.h"

/// A fresh, empty file system in an arena of `chunks` chunks.
void files_start(uint32_t chunks);
/// Bytes committed now.
size_t files_committed(void);
/// Let this many further commits succeed.
void files_allow(size_t commits);

// ---- short forms for tests; those without a status assert that it is OK

/// A test's set-up: an empty file system of 16 MiB.
int start(void **state);
struct path at(const char *text);
struct path below(const char *directory, const char *text);
enum status try_make(const char *path);
/// Null: nothing is there.
struct inode *find(const char *path);
enum status find_status(const char *path, uint32_t flags);
void make_directory(const char *path);
void make_symlink(const char *path, const char *target);
void write_text(const char *path, const char *text);
void check_text(const char *path, const char *text);
