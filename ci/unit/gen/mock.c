// See mock.h.
#include "mock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <proto/memory.h>

struct mock mock;
const char *log_name = "test";

static struct ipc_buffer client_buffer, server_buffer;
static struct ipc_buffer *active = &client_buffer;

struct region {
    uint64_t address, bytes, share;
    bool used;
};
static struct region regions[256];
static uint64_t next_object;

struct ipc_buffer *ipc_buffer(void)
{
    return active;
}

void log_line(const char *format, ...)
{
    (void)format;
    mock.logged++;
}

_Noreturn void log_die(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

void mock_start(struct server *server)
{
    memset(&mock, 0, sizeof mock);
    mock.server = server;
    mock.badge = MOCK_BADGE;
    mock.memory_calls_left = -1;
    mock.caps[STARTUP_SLOT_MEMORY] = 1;
    mock.caps[MOCK_SERVER] = 2;
    next_object = 1000;
    *server_loop() = (struct server_loop){0};
    active = &client_buffer;
    memset(&client_buffer, 0, sizeof client_buffer);
    memset(&server_buffer, 0, sizeof server_buffer);
    static bool slots;
    if (!slots)
        slots_start(MOCK_FIRST_SLOT, MOCK_SLOT_LIMIT);
    slots = true;
}

uint32_t mock_cap(uint64_t object)
{
    uint32_t slot = slot_alloc();
    mock.caps[slot] = object;
    return slot;
}

int mock_caps(void)
{
    int count = 0;
    for (int i = MOCK_FIRST_SLOT; i < 65536; i++)
        count += mock.caps[i] != 0;
    return count;
}

// ---------------------------------------------------------------- memory

static struct region *region_at(uint64_t address)
{
    for (int i = 0; i < 256; i++) {
        if (regions[i].used && regions[i].address == address)
            return &regions[i];
    }
    return 0;
}

static uint64_t region_new(uint64_t bytes, uint64_t align, uint64_t share)
{
    int i = 0;
    while (regions[i].used)
        i++;
    void *memory = aligned_alloc(align, (bytes + align - 1) & ~(align - 1));
    memset(memory, 0, bytes);
    regions[i] = (struct region){(uint64_t)memory, bytes, share, true};
    mock.regions++;
    return (uint64_t)memory;
}

/// A share's memory goes with its last sharer.
static void region_release(struct region *region)
{
    uint64_t address = region->address;
    region->used = false;
    region->share = 0;
    mock.regions--;
    if (!region_at(address))
        free((void *)address);
}

/// Sets the reply's caps[0] for the client.
static void give(struct message *m, uint64_t object)
{
    uint32_t slot = active->slots[0];
    m->tag |= 1ul << TAG_CAPS_SHIFT;
    if (slot && !mock.caps[slot])
        mock.caps[slot] = object;
    else
        m->tag |= 1ul << TAG_SKIPPED_SHIFT;
}

static enum status serve_memory(struct message *m)
{
    uint64_t *w = m->words;
    uint64_t label = tag_label(m->tag);
    uint64_t share = tag_caps(m->tag) ? mock.caps[active->caps[0]] : 0;
    m->tag = 0;
    if (mock.memory_calls_left == 0 && label != LABEL_MEMORY_RELEASE &&
        label != LABEL_MEMORY_OBJECT_DESTROY)
        return E_NOMEM;
    mock.memory_calls_left -= mock.memory_calls_left > 0;
    struct region *region = region_at(w[0]);
    switch (label) {
    case LABEL_MEMORY_RESERVE:
        w[0] = region_new(w[0], 1ul << w[1], 0);
        return OK;
    case LABEL_MEMORY_COMMIT:
        return region && region->bytes == w[1] ? OK : E_INVAL;
    case LABEL_MEMORY_RELEASE:
        if (!region || region->bytes != w[1])
            return E_INVAL;
        region_release(region);
        return OK;
    case LABEL_MEMORY_SHARE:
        w[0] = region_new(w[0], 4096, next_object);
        give(m, next_object++);
        return OK;
    case LABEL_MEMORY_ATTACH_SHARE:
        for (int i = 0; i < 256; i++) {
            if (regions[i].share == share && share) {
                w[0] = regions[i].address;
                w[1] = regions[i].bytes;
                int free_one = 0;
                while (regions[free_one].used)
                    free_one++;
                regions[free_one] = regions[i];
                mock.regions++;
                return OK;
            }
        }
        return E_HANDLE;
    case LABEL_MEMORY_OBJECT_CREATE:
        w[0] = next_object;
        mock.objects++;
        give(m, next_object++);
        return OK;
    case LABEL_MEMORY_OBJECT_DESTROY:
        mock.objects--;
        return OK;
    default:
        return E_SYSCALL;
    }
}

// ---------------------------------------------------------------- calls

static void move_message(struct ipc_buffer *from, struct ipc_buffer *to, struct message *m)
{
    memcpy(to->words, from->words, sizeof to->words);
    for (uint32_t i = 0; i < tag_caps(m->tag); i++) {
        uint32_t slot = to->slots[i];
        uint64_t object = mock.caps[from->caps[i]];
        if (slot && !mock.caps[slot] && object)
            mock.caps[slot] = object;
        else
            m->tag |= 1ul << (TAG_SKIPPED_SHIFT + i);
    }
}

/// What the kernel lets user code put into a tag.
static void clean_tag(struct message *m, enum message_kind kind)
{
    m->tag &= 0xffffffff000001ff;
    m->tag |= (uint64_t)kind << TAG_KIND_SHIFT;
}

static enum status deliver(struct message *m, enum message_kind kind, uint64_t badge)
{
    static struct request r;
    memset(&r, 0x5a, sizeof r);
    clean_tag(m, kind);
    for (int i = 0; i < MESSAGE_CAPS; i++)
        server_buffer.slots[i] = server_loop()->receive[i];
    if (kind == MESSAGE_CALL)
        move_message(&client_buffer, &server_buffer, m);
    uint64_t unsent = tag_skipped(m->tag);
    r.message = *m;
    r.message.badge = badge;
    struct ipc_buffer *before = active;
    active = &server_buffer;
    bool answer = server_serve(mock.server, &r);
    mock.reply_came = answer;
    if (answer)
        mock.reply = r.message;
    else if (kind == MESSAGE_CALL && mock.deferred)
        mock.deferred();
    active = before;
    if (kind != MESSAGE_SIGNAL && mock.reply_came) {
        *m = mock.reply;
        clean_tag(m, 0);
        m->tag |= unsent << TAG_UNSENT_SHIFT;
        move_message(&server_buffer, &client_buffer, m);
    }
    while (server_loop()->given_count) // as the loop does after its reply
        slot_delete(server_loop()->given[--server_loop()->given_count]);
    return mock.reply_came ? OK : E_INTR;
}

enum status sys_call(uint32_t ep, struct message *m)
{
    if (ep == STARTUP_SLOT_MEMORY) {
        enum status result = serve_memory(m);
        m->tag |= (uint64_t)result << TAG_LABEL_SHIFT;
        return OK;
    }
    if (ep != MOCK_SERVER)
        return E_HANDLE;
    mock.calls++;
    return deliver(m, MESSAGE_CALL, mock.badge);
}

enum status sys_reply(uint32_t reply, struct message *m)
{
    (void)reply;
    if (mock.client_gone)
        return E_DEAD;
    mock.reply_came = true;
    mock.reply = *m;
    return OK;
}

enum status sys_cap_delete(uint32_t cspace, uint32_t slot)
{
    if (cspace)
        return E_INVAL;
    mock.caps[slot] = 0;
    return OK;
}

enum status sys_signal(uint32_t ep)
{
    return ep == STARTUP_SLOT_HEART ? OK : E_HANDLE;
}

enum status sys_cap_revoke(uint32_t cspace, uint32_t slot)
{
    (void)cspace, (void)slot;
    return OK;
}

enum status sys_recv(uint32_t ep, uint32_t reply, struct message *m, uint32_t flags)
{
    (void)ep, (void)reply, (void)m, (void)flags;
    return E_HANDLE;
}

enum status sys_reply_recv(uint32_t ep, uint32_t reply, struct message *m)
{
    (void)ep, (void)reply, (void)m;
    return E_HANDLE;
}

void mock_signal(uint64_t bits)
{
    struct message m = {0};
    status_ignore(deliver(&m, MESSAGE_SIGNAL, bits));
}

struct message mock_fault(uint64_t badge, const struct fault *fault)
{
    struct message m = {
        .tag = tag_make((uint32_t)fault->kind, 5, 0),
        .words = {fault->kind, fault->address, fault->ip, fault->code, fault->sp}};
    status_ignore(deliver(&m, MESSAGE_FAULT, badge));
    return m;
}

enum status mock_raw(struct message *m)
{
    enum status result = sys_call(MOCK_SERVER, m);
    return result == OK ? (enum status)tag_label(m->tag) : result;
}
