#!/bin/bash
# A handler that ends by a call instead of a jump would use up the native stack.
# usage: tail_calls.sh LIBRARY      fails if an instruction handler calls a handler
objdump -dr --no-show-raw-insn "$1" | awk '
    /file format/ { handlers = /^ops_/; next }
    !handlers { next }
    /^[0-9a-f]+ </ { name = $2; count++ }
    /\tcall +\*/ || (called && /wasm_(op|slow)_/) { print "not a jump: " name $0; bad = 1 }
    { called = /\tcall / }
    END { if (count < 500) { print "only " count " handlers found"; bad = 1 } exit bad }'
