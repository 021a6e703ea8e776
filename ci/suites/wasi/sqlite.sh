#!/bin/bash
# Makes SQLite's amalgamation (sqlite3.c, sqlite3.h, shell.c) in FOLDER/sqlite3-build from
# Debian's source package in FOLDER/sqlite3 (fetch.sh), by that package's own scripts. They need
# tclsh. Called by build.sh and ci/bench/wasm/build.sh.
#
# usage: sqlite.sh FOLDER
set -eu
folder=$(cd "$1" && pwd)
exec 8>"$folder/sqlite.lock" && flock 8
[ "$folder/sqlite3-build/shell.c" -nt "$folder/sqlite3/.unpacked" ] && exit 0
mkdir -p "$folder/sqlite3-build" && cd "$folder/sqlite3-build"
{ "$folder/sqlite3/configure" --disable-shared --disable-tcl && make sqlite3.c shell.c; } >log 2>&1 ||
    { tail -n 20 log >&2 && exit 1; }
