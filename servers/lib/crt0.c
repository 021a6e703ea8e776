// The entry of a server: docs/startup.md says what it finds.
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/start.h>
#include <pith/syscall.h>

_Noreturn void _start(const struct startup *startup);

_Noreturn void _start(const struct startup *startup)
{
    startup_block = startup;
    log_name = startup->name;
    kept_start(startup);
    if (kept_former())
        slots_resume(startup->slot_limit);
    else
        slots_start(startup->first_free_slot, startup->slot_limit);
    kept_commit();
    if (kept_former())
        status_ignore(sys_signal(STARTUP_SLOT_HEART)); // what it was told of its former is used
    server_main(startup);
    log_die("server_main returned", __FILE__, __LINE__);
}
