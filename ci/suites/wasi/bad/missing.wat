(module
  (import "elsewhere" "no_such_function" (func))
  (func (export "_start")))
