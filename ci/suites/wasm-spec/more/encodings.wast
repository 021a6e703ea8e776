;; Numbers that take more bytes than they need (5.2.2): the number of select's types, and an instruction's
;; behind its prefix.
(module binary
  "\00asm" "\01\00\00\00"
  "\01\05\01\60\00\01\7e"                 ;; type: [] -> [i64]
  "\03\02\01\00"                          ;; function
  "\07\05\01\01f\00\00"                   ;; export "f"
  "\0a\16\01\14\00"                       ;; code: a body of 20 bytes
  "\42\e4\00"                             ;; i64.const 100
  "\42\07"                                ;; i64.const 7
  "\41\01"                                ;; i32.const 1
  "\1c\81\00\7e"                          ;; select (result i64)
  "\0f"                                   ;; return
  "\1c\81\80\00\7e"                       ;; select (result i64), not reached
  "\1a"                                   ;; drop
  "\0b")
(assert_return (invoke "f") (i64.const 100))

(module binary
  "\00asm" "\01\00\00\00"
  "\01\05\01\60\00\01\7e"                 ;; type: [] -> [i64]
  "\03\02\01\00"                          ;; function
  "\05\03\01\00\01"                       ;; memory
  "\07\05\01\01f\00\00"                   ;; export "f"
  "\0a\2a\01\28\00"                       ;; code: a body of 40 bytes
  "\43\00\00\28\42"                       ;; f32.const 42
  "\fc\84\80\00"                          ;; i64.trunc_sat_f32_s
  "\41\08\41\ff\01"                       ;; i32.const 8, i32.const 255
  "\41\01"                                ;; i32.const 1
  "\fc\8b\00\00"                          ;; memory.fill
  "\41\08"                                ;; i32.const 8
  "\29\83\00\80\80\00"                    ;; i64.load
  "\7c\0f"                                ;; i64.add, return
  "\fc\8b\80\00\00"                       ;; memory.fill, not reached
  "\fc\87\00"                             ;; i64.trunc_sat_f64_u
  "\0b")
(assert_return (invoke "f") (i64.const 297))
