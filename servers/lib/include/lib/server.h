/// A server's receive loop, its clients, and replies that come later.
///
///      recv --> who? (badge -> struct client) --> dispatch (generated) --> handler -->
///      reply_recv
///                                                                           |
///                              reply_take(), return LATER ------------------+
///                              ... NAME_reply(reply, status, &out)
///
/// A handler gets checked, typed input. It returns OK with `out` filled, another status
/// (nothing else travels), or LATER. Capabilities that came belong to the handler once it
/// returns OK or LATER, else they are deleted. Capabilities in `out` are given away: the
/// server's own copy is deleted after the reply, unless the handler set r->keep_caps.
#pragma once

#include <lib/list.h>
#include <lib/log.h>
#include <lib/map.h>
#include <lib/session.h>

/// What a handler returns after reply_take(). No status has this number.
#define LATER ((enum status)0x10000)

/// Bytes that came from a client.
struct data {
    const char *bytes;
    uint32_t size;
};

/// Room for bytes that go to a client.
struct space {
    void *bytes;
    uint32_t max;
    uint32_t size; ///< set by the handler, at most max
};

/// One session, seen from the server. A server that keeps more starts its own struct with this.
struct client {
    struct map_node node; ///< key: the badge without BADGE_MANAGER, which is the process's id
    uint8_t *window;      ///< WINDOW_BYTES shared with the client, null: not attached
};

/// A caller that waits for its answer.
struct reply {
    uint32_t handle;
    uint32_t id;           ///< of the Reply object, for object_destroy
    struct client *client; ///< as in the request
    struct server *server;
    struct reply *next; ///< while taken: for the handler's own lists
    struct list all;    ///< of the loop's `replies`
};

struct request {
    struct message message;
    struct server *server;
    struct client *client;
    uint64_t badge;
    uint32_t caps[MESSAGE_CAPS]; ///< slots of the capabilities that came, 0: none
    uint32_t staged;             ///< bytes of the staging area in use
    bool keep_caps;              ///< set by the handler, see above
    uint64_t more[MESSAGE_WORDS - REGISTER_WORDS]; ///< words from 6 on
};

/// Filled by the server's main; the rest is zero.
struct server {
    uint32_t endpoint;
    enum status (*dispatch)(struct request *r); ///< NAME_dispatch
    void (*signals)(uint64_t bits);             ///< null: none expected
    /// A thread whose fault endpoint is ours: OK and *action, or LATER. Null: none expected.
    enum status (*fault)(struct request *r, const struct fault *fault,
                         enum fault_action *action);
    size_t client_bytes; ///< size of the server's struct around struct client, 0: no more than
                         ///< that
    bool welcome; ///< sessions begin with any request; else E_STALE until attach or a manager
                  ///< made them

    // For servers below `memory` only; null: ask it.
    enum status (*reply_create)(uint32_t *id, uint32_t *handle);
    enum status (*window_map)(uint32_t share, void **address, uint64_t *length);
    void (*window_unmap)(void *address, uint64_t length);

    /// Runs after an answer and before the next message while `unsettled`: for what concerns
    /// others than the caller. Each step commits for itself (lib/kept.h).
    void (*settle)(void);
    bool unsettled;
};

/// What the loop knows; where state is kept, the next instance takes it over.
struct server_loop {
    struct map clients;
    struct list replies;            ///< all there are
    struct reply *current;          ///< what the loop receives with
    struct reply *spare;            ///< a free Reply for the next reply_take
    uint32_t receive[MESSAGE_CAPS]; ///< empty slots declared to the kernel
    uint32_t given[MESSAGE_CAPS];   ///< slots to delete after the reply
    uint32_t given_count;
    uint64_t signals; ///< received and not yet dealt with
};

struct server_loop *server_loop(void);

/// For a server that keeps its state, before it looks at any: false: there is none, it begins.
/// True: an instance before this one left some; heap and clients are in order, and nobody waits
/// for an answer any more (all replies that were taken are gone). Ends the server where they
/// are not in order: it is then started with empty hands.
bool server_resume(struct server *server);

/// A shared region that the server mapped itself and will use: others, which an unfinished
/// request left, are given back when the loop starts.
void server_claim(const void *address);

/// Whether all objects of a list are of this size, their link at this offset, and linked as
/// they should be.
bool server_list_valid(const struct list *head, size_t offset, size_t bytes);

/// Whether all objects of a map, their node first, are of this size, and are where map_find
/// looks for them.
bool server_map_valid(const struct map *map, size_t bytes);

/// For the look through kept state: what is not true of it ends the server.
#define KEPT_CHECK(condition)                                                                  \
    do {                                                                                       \
        if (!(condition))                                                                      \
            log_die("kept state is damaged: " #condition, __FILE__, __LINE__);                 \
    } while (0)

/// Serves for ever.
_Noreturn void server_run(struct server *server);

/// The two halves of server_run, for tests. First: slots to receive with and Replies; false: no
/// memory.
bool server_start(struct server *server);

/// One received message: serves it. True: r->message is the answer to send.
bool server_serve(struct server *server, struct request *r);

/// The client with this id (badge), null: unknown. `create` makes it; null then: no memory.
struct client *server_client(struct server *server, uint64_t id, bool create);

/// Unmaps the window and frees the record. Its taken replies must be gone before.
void server_client_end(struct server *server, struct client *client);

/// Takes the caller over: it waits until reply_send (through the generated NAME_reply) or
/// reply_drop. Null: no memory for a further Reply; answer E_NOMEM.
__attribute__((warn_unused_result)) struct reply *reply_take(struct request *r);

/// Sends the message and frees the Reply. E_DEAD: the caller was cancelled or died,
/// so it did not get what the message carries. Where state is kept, what was changed since the
/// last commit is committed by it, or undone with E_DEAD: in `settle` or a handler of signals,
/// never in that of a request.
__attribute__((warn_unused_result)) enum status reply_send(struct reply *reply,
                                                           struct message *m);

/// Answers a fault that was taken over.
__attribute__((warn_unused_result)) enum status reply_fault(struct reply *reply,
                                                            enum fault_action action);

/// Answers with a status alone; nobody may be there any more. Commits nothing.
void reply_drop(struct reply *reply, enum status status);

// ---------------------------------------------------------------- for generated code

/// Sender, exact number of words, number of capabilities, window where needed (E_STALE).
__attribute__((warn_unused_result)) enum status
request_check(struct request *r, uint32_t words, uint32_t caps, bool manager, bool window);

static inline uint64_t request_word(const struct request *r, uint32_t index)
{
    return index < REGISTER_WORDS ? r->message.words[index] : r->more[index - REGISTER_WORDS];
}

/// Request 255: the client's window comes as a capability; without one only the session begins.
__attribute__((warn_unused_result)) enum status request_attach(struct request *r);

/// Copies a struct from the window. These three return the place of the next item.
uint32_t request_get(struct request *r, uint32_t at, void *to, uint32_t size);

/// Copies data->size bytes from the window to the staging area, with a NUL behind. Valid until
/// the handler returns.
uint32_t request_stage(struct request *r, uint32_t at, struct data *data);

/// Leaves the bytes in the window.
uint32_t request_bulk(struct request *r, uint32_t at, struct data *data);

/// Copies a result into the window.
void client_put(struct client *client, uint32_t at, const void *from, uint32_t size);
