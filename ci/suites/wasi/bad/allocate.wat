;; Allocates for ever, then ends with the number of MiB that it got, as its status & 255.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (loop $again
      (if (i32.ne (memory.grow (i32.const 16)) (i32.const -1))
        (then
          ;; Touched, so that it is really there.
          (i32.store (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 4)) (i32.const 7))
          (br $again))))
    (call $proc_exit (i32.shr_u (memory.size) (i32.const 4)))))
