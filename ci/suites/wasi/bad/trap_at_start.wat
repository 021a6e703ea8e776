;; Traps while it is instantiated: its data does not fit.
(module
  (memory (export "memory") 1)
  (data (i32.const 65535) "xx")
  (func (export "_start")))
