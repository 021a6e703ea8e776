;; One trap of each kind: the first letter of standard input says which.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table $table 4 funcref)
  (elem (i32.const 0) $other_type)
  (type $nothing (func))
  (data (i32.const 0) "\10\00\00\00\01\00\00\00")   ;; one buffer: 1 byte at 16
  (func $other_type (param i64))
  (func $recurse (param i32) (result i32)
    (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (local.get 0)))
  (func $divide (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
  (func $overflow (param i32) (result i32)
    (i32.div_s (i32.const 0x80000000) (i32.sub (local.get 0) (i32.const 1))))
  (func $convert (param f32) (result i32) (i32.trunc_f32_s (local.get 0)))
  (func $load (param i32) (result i32) (i32.load offset=65535 (local.get 0)))
  (func $fill (memory.fill (i32.const 65000) (i32.const 0) (i32.const 1000)))
  (func $deeper (param i32) (call $choose (local.get 0)))
  (func $choose (param $letter i32)
    (if (i32.eq (local.get $letter) (i32.const 0x61)) (then unreachable))                         ;; a
    (if (i32.eq (local.get $letter) (i32.const 0x62)) (then (drop (call $divide (i32.const 0))))) ;; b
    (if (i32.eq (local.get $letter) (i32.const 0x63)) (then (drop (call $overflow (i32.const 0))))) ;; c
    (if (i32.eq (local.get $letter) (i32.const 0x64)) (then (drop (call $convert (f32.const nan))))) ;; d
    (if (i32.eq (local.get $letter) (i32.const 0x65)) (then (drop (call $load (i32.const -1)))))  ;; e
    (if (i32.eq (local.get $letter) (i32.const 0x66)) (then (call $fill)))                        ;; f
    (if (i32.eq (local.get $letter) (i32.const 0x67))
      (then (call_indirect (type $nothing) (i32.const 9))))                                       ;; g
    (if (i32.eq (local.get $letter) (i32.const 0x68))
      (then (call_indirect (type $nothing) (i32.const 1))))                                       ;; h
    (if (i32.eq (local.get $letter) (i32.const 0x69))
      (then (call_indirect (type $nothing) (i32.const 0))))                                       ;; i
    (if (i32.eq (local.get $letter) (i32.const 0x6a)) (then (drop (call $recurse (i32.const 0))))) ;; j
    (if (i32.eq (local.get $letter) (i32.const 0x6b)) (then (drop (table.get $table (i32.const 4)))))) ;; k
  (func (export "_start")
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $deeper (i32.load8_u (i32.const 16)))))
