;; Its memory 0 is its own; it calls an instance that has another.
(module
  (import "calls" "peek" (func $peek (param i32) (result i32)))
  (import "calls" "ping" (func $ping (param i32 i32 i64 i64 i64 i64 i64 i64 i64) (result i32)))
  (import "calls" "hop" (table $hop 1 funcref))
  (memory 1)
  (table $own 1 funcref)
  (elem (table $own) (i32.const 0) func $peek)
  (elem (table $hop) (i32.const 0) func $pong)
  (func (export "put") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "both") (param i32) (result i32)
    (i32.add (i32.mul (call $peek (local.get 0)) (i32.const 100)) (i32.load (local.get 0))))
  (func (export "both_indirect") (param i32) (result i32)
    (i32.add
      (i32.mul (call_indirect $own (param i32) (result i32) (local.get 0) (i32.const 0)) (i32.const 100))
      (i32.load (local.get 0))))
  (func $tail (param i32) (result i32)
    (return_call_indirect $own (param i32) (result i32) (local.get 0) (i32.const 0)))
  (func (export "both_tail") (param i32) (result i32)
    (i32.add (i32.mul (call $tail (local.get 0)) (i32.const 100)) (i32.load (local.get 0))))

  ;; $n tail calls to and fro; then the own memory counts again.
  (func $pong (param $n i32) (param $sum i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.add (local.get $sum) (i32.load (i32.const 64))))))
    (return_call $ping (i32.sub (local.get $n) (i32.const 1)) (i32.add (local.get $sum) (i32.const 1))
      (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7)))
  (func (export "hops") (param $n i32) (result i32)
    (i32.sub (call $pong (local.get $n) (i32.const 0)) (i32.load (i32.const 64)))))
