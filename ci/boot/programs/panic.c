// panic: tries to stop the machine with the capability that tools trace with. Ends with 3 if
// the kernel refuses for want of a right.
#include <stdint.h>
#include <stdio.h>

#include <lib/session.h>
#include <pith/syscall.h>
#include <proto/process.h>

int main(void)
{
    uint32_t debug;
    uint64_t x, y, z;
    if (process_service(session_to(STARTUP_SLOT_PROCESS), "debug", 5, &debug) != OK)
        return 1;
    if (sys_debug(debug, DEBUG_OP_CHECK, 0, 0, &x, &y, &z) != E_RIGHTS)
        return 2;
    return sys_debug(debug, DEBUG_OP_PANIC, 0, 0, &x, &y, &z) == E_RIGHTS ? 3 : 4;
}
