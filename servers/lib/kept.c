// The log of what kept state was before the request in progress: see lib/kept.h. Not compiled
// to announce its own stores.
//
//      entry, entry, ... one for each word (8 bytes) that changed, the first change only
//      armed: 0 --> 1 --system call--> 2 --> 0      (kept_reply and its kin)
//
// The three steps of `armed` are one piece of assembly, so that the place where a thread was
// stopped says whether the system call was carried out: only if it is past the label.
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/session.h>
#include <proto/memory.h>
#include <proto/startup.h>

#define KEPT_MAGIC 0x31305450454b5450ul // "PTKEPT01"

enum {
    SEEN = 256,
    TURN_SHIFT = 44, // above a word's number
};

struct entry {
    uint64_t *word;
    uint64_t old;
};

static KEPT struct {
    uint64_t magic, bytes;
    uint32_t count;
    uint32_t armed;
    uint32_t always; // the armed system call commits whatever its status
    uint32_t status;
} log;

extern struct entry kept_section_end[]; // server.ld: behind all KEPT variables

#define ENTRIES kept_section_end

__attribute__((weak)) uint32_t kept_words_max = 2048;

// The words that this turn (from one commit to the next) has noted last, each with its turn.
static uint64_t seen[SEEN];
static uint64_t turn = 1;

static bool former;
static bool noting; // from kept_begin on, or from the start where there was a former
static bool begun;  // kept_begin was

// ---------------------------------------------------------------- notes

static bool in_section(uint64_t address)
{
    return address - KEPT_AT < KEPT_END - KEPT_AT;
}

static void note_word(uint64_t *word)
{
    uint64_t number = (uint64_t)word >> 3, tagged = number | turn << TURN_SHIFT;
    if (seen[number % SEEN] == tagged)
        return;
    CHECK(log.count < kept_words_max);
    ENTRIES[log.count] = (struct entry){word, *word};
    __asm__ volatile("" : : : "memory"); // the entry counts when it is there
    log.count++;
    seen[number % SEEN] = tagged;
}

void kept_note(const void *start, size_t bytes)
{
    uint64_t address = (uint64_t)start;
    if (!noting || (!in_section(address) && address < KEPT_PAGES))
        return;
    for (uint64_t at = address & ~7ul; at < address + bytes; at += 8)
        note_word((uint64_t *)at);
}

// What the compiler calls before a store (gcc, -fsanitize=kernel-address).
void __asan_store1_noabort(uint64_t address);
void __asan_store2_noabort(uint64_t address);
void __asan_store4_noabort(uint64_t address);
void __asan_store8_noabort(uint64_t address);
void __asan_store16_noabort(uint64_t address);
void __asan_storeN_noabort(uint64_t address, size_t bytes);
void __asan_handle_no_return(void);

void __asan_store1_noabort(uint64_t address)
{
    kept_note((void *)address, 1);
}

void __asan_store2_noabort(uint64_t address)
{
    kept_note((void *)address, 2);
}

void __asan_store4_noabort(uint64_t address)
{
    kept_note((void *)address, 4);
}

void __asan_store8_noabort(uint64_t address)
{
    kept_note((void *)address, 8);
}

void __asan_store16_noabort(uint64_t address)
{
    kept_note((void *)address, 16);
}

void __asan_storeN_noabort(uint64_t address, size_t bytes)
{
    kept_note((void *)address, bytes);
}

void __asan_handle_no_return(void) {}

void kept_copy(void *to, const void *from, size_t bytes)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

// ---------------------------------------------------------------- commit and undo

static void end_turn(void)
{
    *(volatile uint32_t *)&log.count = 0;
    if (++turn >> (64 - TURN_SHIFT)) {
        __builtin_memset(seen, 0, sizeof seen);
        turn = 1;
    }
}

uint32_t kept_room(void)
{
    return kept_words_max - log.count;
}

void kept_commit(void)
{
    __asm__ volatile("" : : : "memory");
    if (log.count)
        end_turn();
}

void kept_undo(void)
{
    for (uint32_t i = log.count; i-- > 0;)
        *(volatile uint64_t *)ENTRIES[i].word = ENTRIES[i].old;
    end_turn();
}

extern const char kept_call[] __asm__("__pith_kept_call");

/// A message or signal system call, as in pith/syscall.h, that commits.
static __attribute__((noinline, noclone)) enum status armed_call(uint64_t number, uint64_t rdi,
                                                                 struct message *m, bool always)
{
    uint64_t rax = number, rsi = m->tag, rdx = m->words[0];
    register uint64_t r8 __asm__("r8") = m->words[1];
    register uint64_t r9 __asm__("r9") = m->words[2];
    register uint64_t r10 __asm__("r10") = m->words[3];
    register uint64_t r12 __asm__("r12") = m->words[4];
    register uint64_t r13 __asm__("r13") = m->words[5];
    CHECK(begun);
    log.always = always;
    __asm__ volatile("movl $1, %[armed]\n"
                     ".globl __pith_kept_call\n"
                     "__pith_kept_call: syscall\n"
                     "movl %%eax, %[status]\n"
                     "movl $2, %[armed]\n"
                     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9),
                       "+r"(r10), "+r"(r12),
                       "+r"(r13), [armed] "+m"(log.armed), [status] "=m"(log.status)
                     :
                     : "rcx", "r11", "memory");
    if (always || rax == OK)
        kept_commit();
    else
        kept_undo();
    *(volatile uint32_t *)&log.armed = 0;
    m->badge = rdi;
    m->tag = rsi;
    m->words[0] = rdx;
    m->words[1] = r8;
    m->words[2] = r9;
    m->words[3] = r10;
    m->words[4] = r12;
    m->words[5] = r13;
    return (enum status)rax;
}

enum status kept_reply_recv(uint32_t endpoint, uint32_t reply, struct message *m)
{
    return armed_call(SYSCALL_REPLY_RECV, endpoint | (uint64_t)reply << 32, m, true);
}

enum status kept_answer(uint32_t reply, struct message *m)
{
    return armed_call(SYSCALL_REPLY, (uint64_t)reply << 32, m, true);
}

enum status kept_reply(uint32_t reply, struct message *m)
{
    return armed_call(SYSCALL_REPLY, (uint64_t)reply << 32, m, false);
}

enum status kept_signal(uint32_t handle)
{
    struct message none = {0};
    return armed_call(SYSCALL_SIGNAL, handle, &none, false);
}

enum status kept_ioport(uint32_t port, uint32_t flags, uint32_t number, uint32_t value)
{
    struct message m = {.tag = flags, .words = {number, value}}; // the same registers
    return armed_call(SYSCALL_IOPORT, port, &m, false);
}

enum status kept_thread_control(uint32_t thread, enum thread_op op, uint64_t a)
{
    struct message m = {.tag = op, .words = {a}};
    return armed_call(SYSCALL_THREAD_CONTROL, thread, &m, false);
}

// ---------------------------------------------------------------- the next instance

/// Whether the armed system call was carried out, and so committed.
static bool committed(const struct startup *startup)
{
    bool done = log.armed == 2 || (log.armed == 1 && startup->former_ip > (uint64_t)kept_call);
    uint64_t status = log.armed == 2 ? log.status : startup->former_status;
    return done && (log.always || status == OK);
}

/// Of the variables and the log.
static uint64_t section_bytes(void)
{
    return ((uint64_t)(ENTRIES + kept_words_max) - KEPT_AT + 4095) & ~4095ul;
}

static bool log_valid(void)
{
    if (log.magic != KEPT_MAGIC || log.bytes != section_bytes() || log.count > kept_words_max ||
        log.armed > 2)
        return false;
    for (uint32_t i = 0; i < log.count; i++) {
        uint64_t word = (uint64_t)ENTRIES[i].word;
        if (word % 8 || (!in_section(word) && word < KEPT_PAGES))
            return false;
    }
    return true;
}

static void make_ranges(uint64_t bytes)
{
    struct session memory = {.endpoint = STARTUP_SLOT_MEMORY};
    CHECK(memory_reserve_at(&memory, KEPT_AT, KEPT_END - KEPT_AT) == OK);
    CHECK(memory_commit(&memory, KEPT_AT, bytes, PROTECTION_READ | PROTECTION_WRITE) == OK);
}

void kept_begin(void)
{
    log.bytes = section_bytes();
    log.magic = KEPT_MAGIC;
    noting = begun = true;
}

void kept_start(const struct startup *startup)
{
    former = startup->former_ip != 0;
    if (!former) {
        make_ranges(section_bytes());
        return;
    }
    if (!log_valid())
        log_die("the log of kept state is damaged", __FILE__, __LINE__);
    if (committed(startup))
        end_turn();
    else
        kept_undo();
    log.armed = 0;
    noting = true;
}

bool kept_former(void)
{
    return former;
}
