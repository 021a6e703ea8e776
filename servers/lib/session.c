// Sessions and their windows: see lib/session.h.
#include <lib/session.h>
#include <lib/kept.h>
#include <lib/slots.h>
#include <proto/memory.h>

enum {
    DEATHS_MAX = 8,          // of the server, at once, under one request: it is the cause
    SUDDEN_TICKS = 1u << 29, // TSC; who had waited for longer was not
};

static KEPT struct session sessions[STARTUP_SLOT_ENDPOINT];

struct session *session_to(enum startup_slot slot)
{
    struct session *s = &KEPT_VIEW(sessions)[0][slot];
    s->endpoint = slot;
    return s;
}

/// Introduces the session, with its window if it has one.
static enum status attach(struct session *s, uint32_t interface)
{
    struct message m;
    enum status result;
    do {
        m = (struct message){.tag =
                                 tag_make(interface << 8 | REQUEST_ATTACH, 0, s->share != 0)};
        ipc_buffer()->caps[0] = s->share;
        result = session_call(s, &m);
    } while (result == SESSION_AGAIN);
    return result == OK && tag_unsent(m.tag) ? E_NOMEM : result;
}

enum status session_window(struct session *s, uint32_t interface)
{
    if (s->window)
        return OK;
    struct session *memory = session_to(STARTUP_SLOT_MEMORY);
    uint64_t address;
    uint32_t share;
    enum status result = memory_share(memory, WINDOW_BYTES, &address, &share);
    if (result != OK)
        return result;
    s->share = share;
    result = attach(s, interface);
    if (result != OK) {
        s->share = 0;
        slot_delete(share);
        status_ignore(memory_release(memory, address, WINDOW_BYTES));
        return result;
    }
    s->window = (uint8_t *)address;
    return OK;
}

void session_close(struct session *s)
{
    if (s->window) {
        slot_delete(s->share);
        struct session *memory = session_to(STARTUP_SLOT_MEMORY);
        status_ignore(memory_release(memory, (uint64_t)s->window, WINDOW_BYTES));
    }
    *s = (struct session){.endpoint = s->endpoint};
}

enum status session_call(struct session *s, struct message *m)
{
    uint64_t start = __builtin_ia32_rdtsc();
    enum status result = sys_call(s->endpoint, m);
    if (result == E_DEAD) {
        bool sudden = __builtin_ia32_rdtsc() - start < SUDDEN_TICKS;
        s->deaths = sudden ? s->deaths + 1 : 0;
        if (s->deaths < DEATHS_MAX)
            return SESSION_AGAIN;
    }
    s->deaths = 0;
    if (result != OK)
        return result;
    result = (enum status)tag_label(m->tag);
    if (result != E_STALE)
        s->known = true;
    return result;
}

bool session_renew(struct session *s, uint32_t interface)
{
    bool first = !s->known;
    if (attach(s, interface) != OK)
        return false;
    if (!first)
        s->lost++;
    return first;
}

uint32_t session_put(struct session *s, uint32_t at, const void *bytes, uint32_t size)
{
    if (size) // `bytes` may be null then
        __builtin_memcpy(s->window + at, bytes, size);
    return (at + size + 7) & ~7u;
}

void session_get(const struct session *s, uint32_t at, void *bytes, uint32_t size)
{
    __builtin_memcpy(bytes, s->window + at, size);
}
