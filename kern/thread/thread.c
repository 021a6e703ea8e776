/// Threads as objects: creation, and what their inner capabilities mean.
///
/// Always: the pointers that IPC uses (cspace, top, buffer) agree with the inner slots, and a
/// thread that is not INACTIVE has all three.
#include <kern/cpu.h>
#include <kern/object.h>

static uint32_t threads_made;

struct thread *thread_create(void *memory)
{
    struct thread *thread = memory;
    object_init(&thread->node, KIND_THREAD, thread);
    arch_frame_init(&thread->frame);
    arch_fpu_init(&thread->fpu_image);
    thread->cspace = &cspace_none;
    thread->cpu = arch_cpu();
    thread->number = ++threads_made;
    thread_set_priority(thread, 0);
    for (unsigned i = 0; i < INNER_COUNT; i++)
        thread->inner[i].inner = (uint8_t)i;
    return thread;
}

void thread_set_priority(struct thread *thread, unsigned priority)
{
    thread->priority = (uint8_t)priority;
    thread->above = priority == PRIORITIES - 1 ? 0 : ~0ul << (priority + 1);
}

void thread_inner_gained(struct thread *thread, enum thread_inner inner)
{
    const struct slot *slot = &thread->inner[inner];
    if (inner == INNER_CSPACE)
        thread->cspace = slot->object;
    else if (inner == INNER_VSPACE)
        thread->top = phys(slot->address);
    else if (inner == INNER_BUFFER)
        thread->buffer = arch_pointer(phys(slot->address));
}

void thread_inner_lost(struct thread *thread, enum thread_inner inner)
{
    ASSERT(inner_halted, thread->state == THREAD_STATE_INACTIVE);
    if (inner == INNER_CSPACE)
        thread->cspace = &cspace_none;
    else if (inner == INNER_VSPACE)
        thread->top = phys(0);
    else if (inner == INNER_BUFFER)
        thread->buffer = NULL;
}
