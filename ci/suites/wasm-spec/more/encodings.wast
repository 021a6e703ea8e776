;; Numbers that take more bytes than they need (5.2.2): the number of select's types.
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
