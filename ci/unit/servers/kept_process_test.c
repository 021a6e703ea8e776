// What `process` checks of its processes before it believes them. Includes the file it tests.
#include "kept_host.h"

#include "table.c"

static struct server server;
static struct startup startup;
static struct process *parent, *child, *zombie, *ending;

static void begin_again(void)
{
    if (server_resume(&server))
        table_resume(&startup);
}

#define BAD(lvalue, value) DAMAGE(begin_again, lvalue, value)

static struct process *process_with(struct process *of, enum process_state state)
{
    struct process *process = process_new("test", state);
    assert_non_null(process);
    if (state == PROCESS_STATE_RUNNING)
        process->image = (struct loader_process){
            .thread = slot_alloc(), .vspace = slot_alloc(), .cspace = slot_alloc()};
    if (of)
        process_adopt(of, process);
    return process;
}

static int begin(void **state)
{
    (void)state;
    host_begin();
    list_start(&server_loop()->replies);
    table_start(&startup);
    parent = process_with(NULL, PROCESS_STATE_RUNNING);
    child = process_with(parent, PROCESS_STATE_RUNNING);
    zombie = process_with(parent, PROCESS_STATE_ZOMBIE);
    ending = process_with(parent, PROCESS_STATE_RUNNING);
    list_append(&table()->ends, &ending->ends);
    ending->image = (struct loader_process){0}; // all of it is taken already
    parent->child_end = slot_alloc();
    for (int i = 0; i < 2; i++) {
        struct thread *thread = heap_alloc(sizeof *thread);
        struct waiter *waiter = heap_alloc(sizeof *waiter);
        thread->slot = slot_alloc();
        list_append(&parent->threads, &thread->link);
        list_append(&parent->waiters, &waiter->link);
        parent->thread_count++;
    }
    kept_begin();
    return 0;
}

static void test_processes(void **state)
{
    (void)state;
    struct map *map = &table()->by_pid;
    struct process *stranger = heap_alloc(sizeof *stranger); // of no list
    kept_commit();
    assert_true(host_believes(begin_again));
    BAD(table()->processes.prev, &table()->processes);
    BAD(table()->ends.prev, &table()->ends);
    BAD(map->count, map->count + 1);
    BAD(map->buckets, NOWHERE);
    BAD(child->node.next, &child->node);
    BAD(child->pid, parent->pid);
    BAD(ending->pid, ending->pid + 100);
    BAD(child->state, PROCESS_STATE_RUNNING - 1);
    BAD(child->state, PROCESS_STATE_SERVER + 1);
    BAD(parent->parent, NOWHERE);
    BAD(parent->parent, stranger);
    BAD(zombie->state, PROCESS_STATE_RUNNING); // without capabilities
    BAD(child->image.thread, 0);
    BAD(child->image.vspace, SLOT_LIMIT - 1);
    BAD(child->image.cspace, SLOT_LIMIT - 1);
    BAD(parent->child_end, SLOT_LIMIT - 1);
    assert_true(host_believes(begin_again));
}

static void test_family(void **state)
{
    (void)state;
    struct thread *thread = LIST_OBJECT(parent->threads.next, struct thread, link);
    BAD(parent->children.prev, &parent->children);
    BAD(parent->threads.prev, &parent->threads);
    BAD(parent->waiters.prev, &parent->waiters);
    BAD(child->parent, zombie);
    BAD(parent->child_count, parent->child_count + 1);
    BAD(parent->thread_count, parent->thread_count + 1);
    BAD(thread->slot, SLOT_LIMIT - 1);
    assert_true(host_believes(begin_again));
}

// A process that the map has and the list has not.
static void lose_process(void)
{
    list_remove(&zombie->link);
    begin_again();
}

// Two that are not in the order of their ids.
static void swap_processes(void)
{
    list_remove(&child->link);
    list_append(&table()->processes, &child->link);
    begin_again();
}

static void test_order(void **state)
{
    (void)state;
    assert_false(host_believes(lose_process));
    assert_false(host_believes(swap_processes));
}

// Who waited comes again. Who is to be told by a signal is told again: the former instance may
// have ended between the child's end and the signal.
static void remembers(void)
{
    host_signalled = 0;
    begin_again();
    CHECK(list_empty(&parent->waiters) && parent->thread_count == 2);
    CHECK(host_signalled == parent->child_end);
}

static void test_what_stays(void **state)
{
    (void)state;
    assert_true(host_believes(remembers));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processes),
        cmocka_unit_test(test_family),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_what_stays),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
