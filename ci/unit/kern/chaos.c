#include "chaos.h"

uint64_t chaos_random(struct chaos *chaos)
{
    // xorshift64*
    chaos->seed ^= chaos->seed >> 12;
    chaos->seed ^= chaos->seed << 25;
    chaos->seed ^= chaos->seed >> 27;
    return chaos->seed * 0x2545f4914f6cdd1dul >> 16;
}

void chaos_prepare(struct chaos *chaos, uint64_t seed)
{
    chaos->seed = seed * 0x9e3779b97f4a7c15ul + 1;
    chaos->untyped = make(KIND_UNTYPED, 17);
    world_untyped = chaos->untyped;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t endpoint = make(KIND_ENDPOINT, 0);
        chaos->endpoints[3 * i] = endpoint;
        chaos->endpoints[3 * i + 1] = mint(endpoint, 10 + i, chaos_random(chaos) & 1);
        chaos->endpoints[3 * i + 2] = mint_signal(endpoint, 1 + i);
    }
    for (unsigned i = 0; i < 4; i++)
        chaos->replies[i] = make(KIND_REPLY, 0);
    for (unsigned i = 0; i < CHAOS_THREADS; i++) {
        uint64_t dice = chaos_random(chaos);
        chaos->actors[i] =
            actor_new(60 + (uint32_t)dice % 4, dice & 8 ? chaos->endpoints[1] : 0,
                      dice & 16 ? chaos->endpoints[4] : 0, dice >> 5 & 1);
        chaos->actors[i].thread->buffer->slots[0] = fresh();
    }
}

bool chaos_revive(struct chaos *chaos)
{
    struct cpu *cpu = arch_cpu();
    for (unsigned i = 0; i < 50 && !running(); i++) {
        struct slot *slot = slot_of(chaos->actors[chaos_random(chaos) % CHAOS_THREADS].handle);
        struct thread *thread = slot->object;
        if (slot->kind == KIND_THREAD && thread_complete(thread)) {
            wait_end(cpu, thread, E_INTR);
            sched_ready(cpu, thread);
        }
        tick();
    }
    return running();
}

uint64_t chaos_message(struct chaos *chaos, uint64_t *target, uint64_t *tag, uint64_t words[6])
{
    static const uint8_t numbers[] = {SYSCALL_CALL, SYSCALL_CALL,       SYSCALL_REPLY_RECV,
                                      SYSCALL_SEND, SYSCALL_REPLY_RECV, SYSCALL_RECV,
                                      SYSCALL_RECV, SYSCALL_REPLY,      SYSCALL_SIGNAL};
    static const uint8_t tags[] = {0, 0, 1, 4, 6, 6, 7, 20, 64, 65};
    uint64_t dice = chaos_random(chaos);
    *target = chaos->endpoints[dice % 6] | (uint64_t)chaos->replies[dice >> 8 & 3] << 32;
    if ((dice >> 12 & 15) == 0)
        *target &= 0xffffffff;
    *tag = (dice >> 16 & 7) << 32 | tags[(dice >> 20) % sizeof(tags)];
    if ((dice >> 24 & 7) == 0)
        *tag |= 1 << TAG_CAPS_SHIFT;
    for (unsigned i = 0; i < 6; i++)
        words[i] = chaos_random(chaos) % 4;
    uint64_t number = numbers[(dice >> 28) % sizeof(numbers)];
    if ((number == SYSCALL_SEND || number == SYSCALL_RECV) && (dice >> 32 & 3) == 0)
        number |= IPC_NONBLOCK << 8;
    return number;
}
