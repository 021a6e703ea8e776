;; Uses the guest's exports: calls between instances must switch memories and come back.
(module
  (import "guest" "load" (func $load (param i32) (result i32)))
  (import "guest" "table" (table 4 funcref))
  (import "guest" "memory" (memory $theirs 1))
  (memory $mine 1)
  (elem (i32.const 2) $mine_at)
  (func $mine_at (param i32 i32) (result i32)
    (i32.load $mine (i32.add (local.get 0) (local.get 1))))
  (func (export "both") (param i32) (result i32)
    (i32.store $mine (local.get 0) (i32.const 1))
    (i32.store $theirs (local.get 0) (i32.const 20))
    (i32.add
      (i32.add (call $load (local.get 0)) (i32.load $mine (local.get 0)))
      (i32.mul (i32.const 100) (i32.load $theirs (local.get 0)))))
  (func (export "put") (param i32 i32) (i32.store $mine (local.get 0) (local.get 1))))
