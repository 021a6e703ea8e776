// The entry of a server: docs/startup.md says what it finds.
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/start.h>

_Noreturn void _start(const struct startup *startup);

_Noreturn void _start(const struct startup *startup)
{
    startup_block = startup;
    log_name = startup->name;
    slots_start(startup->first_free_slot, startup->slot_limit);
    server_main(startup);
    log_die("server_main returned", __FILE__, __LINE__);
}
