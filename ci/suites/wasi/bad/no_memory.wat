;; Calls WASI without a memory to point into: every address is bad. Ends with the errno.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (func (export "_start") (call $proc_exit (call $args_sizes_get (i32.const 0) (i32.const 4)))))
