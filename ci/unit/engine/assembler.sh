#!/bin/bash
# The compiler's assembler against objdump: assembler.sh ASSEMBLER-TEST
set -eu
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
"$1" "$scratch/code" >"$scratch/wanted"
objdump -D -b binary -m i386:x86-64 -M intel --no-show-raw-insn "$scratch/code" |
    sed -n 's/^ *[0-9a-f]*:\t//p' |
    sed 's/ *#.*//; s/  */ /g; s/ $//; s/+0x0\]/]/; /^\(data16 \|cs \)*nop/d; /^xchg ax,ax/d' >"$scratch/found"
diff "$scratch/wanted" "$scratch/found" | head -n 20
cmp "$scratch/wanted" "$scratch/found"
lines=$(wc -l <"$scratch/found")
echo "$lines instructions"
[ "$lines" -gt 10000 ]
