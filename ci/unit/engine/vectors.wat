;; Vectors wherever values go, among scalars, so that a slot too few or too many shows.
(module
  (import "host" "mix" (func $mix (param i32 v128 i64) (result i64 v128)))
  (memory (export "memory") 1)
  (table funcref (elem $mix $turn))
  (global $constant v128 (v128.const i64x2 5 6))
  (global $state (export "state") (mut v128) (v128.const i64x2 7 8))

  (func (export "host") (param i32 v128 i64) (result i64 v128)
    local.get 0
    local.get 1
    local.get 2
    call $mix)

  (func (export "host_indirect") (param i32 v128 i64) (result i64 v128)
    local.get 0
    local.get 1
    local.get 2
    i32.const 0
    call_indirect (param i32 v128 i64) (result i64 v128))

  (func (export "host_tail") (param i32 v128 i64) (result i64 v128)
    (local i64 v128)
    local.get 0
    local.get 1
    local.get 2
    return_call $mix)

  ;; A vector's words exchanged, behind a scalar.
  (func $turn (export "turn") (param i32 v128) (result i32 v128)
    (local i32 v128 i64)
    local.get 0
    local.get 1
    local.get 1
    i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7
    local.tee 3
    local.set 1
    local.get 1)

  (func (export "turn_tail") (param v128) (result i32 v128)
    i32.const 3
    local.get 0
    i32.const 1
    return_call_indirect (param i32 v128) (result i32 v128))

  ;; An operand that is a local keeps its value when the local changes.
  (func (export "old_local") (param v128) (result v128)
    local.get 0
    v128.const i64x2 100 200
    local.set 0
    local.get 0
    i64x2.sub)

  (func (export "globals") (param v128) (result v128)
    global.get $state
    local.get 0
    global.set $state
    global.get $constant
    i64x2.add
    global.get $state
    i64x2.add)

  ;; Branches that carry a vector with scalars above and below: which one comes out.
  (func (export "branch") (param i32 v128) (result v128 i32)
    i64.const 99
    block (result v128 i32)
      block (result v128 i32)
        f32.const 1.5
        local.get 1
        i32.const 10
        local.get 0
        br_table 0 1 2
      end
      drop
      v128.const i64x2 1 1
      i64x2.add
      i32.const 20
    end
    drop
    v128.const i64x2 2 2
    i64x2.add
    i32.const 30
    local.set 0
    local.set 1
    drop
    local.get 1
    local.get 0)

  (func (export "select") (param v128 v128 i32) (result v128)
    local.get 0
    local.get 1
    local.get 0
    drop
    local.get 2
    select)

  ;; The sum of count .. 1 in both lanes, in a loop whose parameter is the vector.
  (func (export "loop") (param $count i64) (result v128)
    v128.const i64x2 0 0
    loop (param v128) (result v128)
      local.get $count
      i64x2.splat
      i64x2.add
      local.get $count
      i64.const 1
      i64.sub
      local.tee $count
      i64.const 0
      i64.ne
      br_if 0
    end)

  (func (export "load") (param i32) (result v128) local.get 0 v128.load offset=1 align=1)
  (func (export "store") (param i32 v128) local.get 0 local.get 1 v128.store)
  (func (export "lanes") (param v128) (result v128)
    i32.const 8
    local.get 0
    v128.store16_lane 7
    i32.const 8
    local.get 0
    v128.load16_lane 0))
