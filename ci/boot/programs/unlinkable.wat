(module
  (import "env" "no_such_import" (func))
  (memory (export "memory") 1)
  (func (export "_start")))
