/* wasi-libc has no setjmp. Lua's one use of it is behind the macros of lua-wasi.h. */
