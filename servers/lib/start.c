// What the kernel-side contract (docs/startup.md) hands to a process, kept for everyone.
#include <lib/start.h>
#include <lib/text.h>

const struct startup *startup_block;

const struct startup_grant *startup_grant(const char *name)
{
    if (!startup_block)
        return 0;
    const struct startup_grant *grants = (const struct startup_grant *)startup_block->grants;
    for (uint32_t i = 0; i < startup_block->grant_count; i++) {
        if (text_equal(grants[i].name, name))
            return &grants[i];
    }
    return 0;
}
