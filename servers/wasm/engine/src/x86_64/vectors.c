#include "compiler.h"
bool x64_compile_simd(struct x64 *c, uint32_t opcode)
{
    (void)c, (void)opcode;
    return false;
}
bool x64_compile_atomic(struct x64 *c, uint32_t opcode)
{
    (void)c, (void)opcode;
    return false;
}
