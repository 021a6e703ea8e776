;; Gives a host function away as its own export, and something for it to call that traps.
(module
  (import "host" "cope" (func $cope (result i32)))
  (memory 1)
  (export "cope" (func $cope))
  (func (export "through") (result i32) (call $cope))
  (func (export "trap") (unreachable)))
