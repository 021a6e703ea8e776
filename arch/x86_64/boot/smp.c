/// Starting the other CPUs (Intel SDM volume 3, section 9.4): INIT, then the page where each
/// begins, one after the other. Called once by arch_main(); ap_main() is where they come out.
///
/// Always: CPUs that run have the numbers 0 to cpu_count - 1; a CPU that did not answer in time
/// never gets further than boot/ap.asm's first instructions.

#include "boot/boot.h"
#include "cpu/cpu.h"
#include "cpu/string.h"
#include "mm/map.h"
#include <arch/kern.h>
#include <arch/page.h>

enum { INIT_WAIT = 10000, START_WAIT = 100, ANSWER_ROUNDS = 5000, XAPIC_IDS = 255 };

_Noreturn void ap_main(uint32_t number);

extern const char ap_start[], ap_end[]; // boot/ap.asm

void ap_main(uint32_t number)
{
    cpu_init(number);
    features_enable();
    apic_enable(number, false);
    kern_cpu_main();
}

static uint32_t *parameter(uint32_t offset)
{
    return arch_pointer(phys(AP_PAGE + offset));
}

/// Whether CPU `number` has come as far as kern_cpu_main(), by and by.
static bool answers(uint32_t number, uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++) {
        if (__atomic_load_n(&kern_cpu(number)->frame, __ATOMIC_ACQUIRE))
            return true;
        clock_wait(START_WAIT);
    }
    return false;
}

/// Starts one CPU as `number`. False: it must stay out. `go` then says whether it is on its
/// way.
static bool start(uint32_t apic_id, uint32_t number)
{
    uint64_t stack = cpu_stack_top(number);
    *parameter(AP_NUMBER) = number;
    memcpy(parameter(AP_STACK), &stack, sizeof stack);
    __atomic_store_n(parameter(AP_GO), 1, __ATOMIC_RELEASE);
    apic_send_start(apic_id, AP_PAGE);
    if (answers(number, 2))
        return true;
    apic_send_start(apic_id, AP_PAGE); // a CPU that runs takes no notice of the second
    if (answers(number, ANSWER_ROUNDS))
        return true;
    bool taken = !__atomic_exchange_n(parameter(AP_GO), 0, __ATOMIC_ACQ_REL);
    if (taken && answers(number, ANSWER_ROUNDS))
        return true;
    kern_log("CPU with APIC id %u does not answer: it is left out\n", apic_id);
    apic_send_init(apic_id);
    return false;
}

static bool listed(uint32_t id, const uint32_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/// Those of the MADT that can be started; how many. Some firmware lists a CPU twice, as APIC
/// and as x2APIC.
static uint32_t candidates(const struct acpi_madt *madt, uint32_t ids[MADT_CPUS])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < madt->cpu_count; i++) {
        uint32_t id = madt->apic_ids[i];
        if (id >= XAPIC_IDS)
            kern_log("CPU with APIC id %u is left out: it needs x2APIC\n", id);
        else if (id != kern_cpu(0)->apic_id && !listed(id, ids, count))
            ids[count++] = id;
    }
    return count;
}

static void start_all(const uint32_t *ids, uint32_t count, struct arch_boot *boot)
{
    memcpy(parameter(0), ap_start, (uint64_t)(ap_end - ap_start));
    *parameter(AP_TABLES) = (uint32_t)arch_space_kernel().at;
    map_start_page(true);
    for (uint32_t i = 0; i < count; i++)
        apic_send_init(ids[i]);
    clock_wait(INIT_WAIT);
    for (uint32_t i = 0; i < count; i++)
        if (start(ids[i], boot->cpu_count))
            boot->apic_ids[boot->cpu_count++] = ids[i];
    map_start_page(false);
}

void smp_start(const struct acpi_madt *madt, struct arch_boot *boot)
{
    uint32_t ids[MADT_CPUS], count = candidates(madt, ids);
    boot->cpu_count = 1;
    boot->apic_ids[0] = kern_cpu(0)->apic_id;
    if (count > 0 && !boot->low_ram) {
        kern_log("%u CPUs are left out: there is no memory at %x to start them\n", count,
                 AP_PAGE);
        return;
    }
    if (count > ARCH_CPUS_MAX - 1) {
        kern_log("%u CPUs are left out: there is room for %d\n", count - (ARCH_CPUS_MAX - 1),
                 ARCH_CPUS_MAX);
        count = ARCH_CPUS_MAX - 1;
    }
    if (count > 0)
        start_all(ids, count, boot);
}
