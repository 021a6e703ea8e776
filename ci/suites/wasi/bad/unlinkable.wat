(module
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32) (result i32))) ;; of another type
  (memory (export "memory") 1)
  (func (export "_start")))
