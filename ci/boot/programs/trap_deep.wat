;; Recursion through frames with many locals, and back, then without end.
(module
  (func $down (param $n i32) (result i64) (local $a i64) (local $b i64) (local $v v128)
    (local.set $a (i64.extend_i32_u (local.get $n)))
    (local.set $v (i64x2.splat (local.get $a)))
    (if (i32.eqz (local.get $n)) (then (return (i64.const 1))))
    (local.set $b (call $down (i32.sub (local.get $n) (i32.const 1))))
    (i64.add (i64.add (local.get $b) (i64.sub (local.get $a) (i64x2.extract_lane 1 (local.get $v))))
             (i64.const 1)))
  (func (export "_start")
    (if (i64.ne (call $down (i32.const 20000)) (i64.const 20001)) (then (unreachable)))
    (drop (call $down (i32.const -1)))))
