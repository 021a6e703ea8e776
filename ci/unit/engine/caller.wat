;; Its memory 0 is its own; it calls an instance that has another.
(module
  (import "calls" "peek" (func $peek (param i32) (result i32)))
  (memory 1)
  (table 1 funcref)
  (elem (i32.const 0) $peek)
  (func (export "put") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "both") (param i32) (result i32)
    (i32.add (i32.mul (call $peek (local.get 0)) (i32.const 100)) (i32.load (local.get 0))))
  (func (export "both_indirect") (param i32) (result i32)
    (i32.add
      (i32.mul (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)) (i32.const 100))
      (i32.load (local.get 0))))
  (func $tail (param i32) (result i32)
    (return_call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))
  (func (export "both_tail") (param i32) (result i32)
    (i32.add (i32.mul (call $tail (local.get 0)) (i32.const 100)) (i32.load (local.get 0)))))
