// The staging area: where a request's data is copied before it is looked at, so that the client
// cannot change it between check and use. One request at a time is served, so one area serves.
// In an object of its own: servers without data<> parameters do not link it.
#include <lib/server.h>
#include <lib/log.h>

enum {
    ITEMS_MAX = 64, // each item costs a NUL and padding beyond its own bytes
};

static char area[WINDOW_BYTES + 8 * ITEMS_MAX];

uint32_t request_stage(struct request *r, uint32_t at, struct data *data)
{
    uint32_t size = data->size;
    CHECK(r->staged + size < sizeof area);
    char *copy = area + r->staged;
    __builtin_memcpy(copy, r->client->window + at, size);
    copy[size] = 0;
    data->bytes = copy;
    r->staged += (size + 8) & ~7u;
    return at + ((size + 7) & ~7u);
}
