/*
 * tests/sim/client_priv.h - one client, as its own files see it.
 *
 *     client.c                   its connection, and what it does with it
 *     client_command.c           what was asked and not yet answered; values
 *     text_dialect.c             lines: which command each of them answers
 *       classic_ask.c  meta_ask.c          commands to bytes
 *       classic_read.c meta_read.c         a line to an answer
 *       meta_quiet.c                       how quiet ones went, about which nothing came
 *     binary_ask.c binary_read.c likewise, packets
 *     judge.c  judge_*.c         whether an answer can be, whatever protocol it came in
 *     client_base.c judge_item.c text_lines.c   what several of these use
 *
 * A reader makes an outcome of bytes, and what was told besides; it compares
 * every byte that does not depend on the items. The judge compares what does.
 */
#pragma once

#include "client.h"

enum {
    KEYS = 12,
    PLAIN_KEYS = 9, /* the others have bytes that no line can hold */
    KEY_BYTES = 250,
    PIECE_BYTES = 2048, /* of a reply, but for values */
    TOKENS_BYTES = 192,
    NUMBER_BYTES_MAX = 300,
    TOO_LARGE_BELOW_BYTES = 300000, /* no value that is too large has more than about this */
    ITEM_SLACK_BYTES = 512,         /* of an item: its key and header, generously */
};

/* What a client asks for. */
enum verb {
    DO_GET, /* and touch, where with_touch */
    DO_STORE,
    DO_DELETE,
    DO_ARITH,
    DO_TOUCH,
    DO_DEBUG,    /* me */
    DO_NOOP,     /* mn; binary noop */
    DO_CONSTANT, /* whatever has one constant reply */
    DO_STATS,
    DO_DUMP,
    DO_FLUSH,
    DO_QUIT, /* whatever has no reply and an end */
};

enum store_mode { MODE_SET, MODE_ADD, MODE_REPLACE, MODE_APPEND, MODE_PREPEND, MODE_CAS };

enum quiet {
    LOUD,
    QUIET,   /* the expected answer, and only that, is left out */
    NOREPLY, /* classic: no answer, whatever happens */
};

enum dump { DUMP_META, DUMP_MG, DUMP_CACHE };

struct client_command {
    struct client_command *next;
    enum wire wire;
    enum verb verb;
    enum store_mode mode;
    enum quiet quiet;
    enum dump dump;
    bool with_cas;   /* gets */
    bool with_touch; /* exptime */
    bool with_value; /* a hit carries it; ma: so does the number */
    bool no_bump;    /* mg u */
    bool decr;
    bool vivify;     /* initial, vivify_s */
    bool recache;    /* recache_s */
    bool compare;    /* compare_cas */
    bool invalidate; /* I */
    bool empty;      /* md x */
    bool too_large;
    bool ttl_first; /* of meta flags: which came first */
    bool ttl_before_vivify;
    bool recache_first;
    int64_t exptime;
    int64_t vivify_s;
    int64_t recache_s;
    uint64_t delta;
    uint64_t initial;
    uint64_t compare_cas;
    uint64_t new_cas; /* 0: the next one */
    struct model_value value;
    uint32_t opaque; /* 0: none */
    uint8_t opcode;
    uint16_t status;           /* binary DO_CONSTANT */
    bool begun;                /* DO_DUMP: it said OK */
    uint32_t seen;             /* DO_DUMP: bit I for own key I */
    char tokens[TOKENS_BYTES]; /* meta: flags as they were sent, each with a blank before it */
    const char *want;          /* DO_CONSTANT */
    struct moment when;
    uint16_t key_count;
    uint16_t key_next; /* DO_GET: those before it are done */
    uint8_t keys[];    /* numbers below KEYS are its own, those above are shared */
};

/* How a command went. */
enum outcome {
    CAME_HIT,
    CAME_MISS,
    CAME_STORED,
    CAME_NOT_STORED,
    CAME_EXISTS,
    CAME_NOT_FOUND,
    CAME_DELETED,
    CAME_TOUCHED,
    CAME_NUMBER,
    CAME_NO_MEMORY,
    CAME_TOO_LARGE,
    CAME_NON_NUMERIC,
};

/* What a reply says besides. */
enum {
    TOLD_FLAGS = 1U << 0,
    TOLD_BYTES = 1U << 1,
    TOLD_CAS = 1U << 2,
    TOLD_TTL = 1U << 3,
    TOLD_HIT = 1U << 4,
    TOLD_IDLE = 1U << 5,
    TOLD_MARKS = 1U << 6,
    TOLD_NUMBER = 1U << 7,
};

struct told {
    unsigned what; /* TOLD_* */
    uint64_t client_flags;
    uint64_t bytes;
    uint64_t cas;
    uint64_t idle_s;
    uint64_t number;
    int64_t ttl_s;
    bool hit;
    bool won;
    bool stale;
    bool already_won;
};

/* A value that is being read. */
struct body {
    bool reading;
    const char *want; /* NULL: not to be compared */
    size_t len, off;
    const char *tail; /* what follows it */
    char *own;        /* to be freed */
};

/* How it behaves on the wire. */
struct manner {
    uint32_t depth;        /* commands in flight that will be answered */
    uint32_t piece_bytes;  /* in one send; 0: all */
    uint32_t read_bytes;   /* in one read; 0: all */
    uint32_t idle_one_in;  /* does nothing this iteration */
    uint32_t stall_one_in; /* begins to read nothing */
    uint32_t stall_iterations;
    uint32_t leave_one_in; /* goes, when nothing is in flight, and comes back */
    uint32_t meta_in_ten;  /* of text commands */
};

/* How a connection speaks. */
struct dialect {
    const char *name;
    /* Think of a command. */
    void (*ask)(struct client *c);
    /* One that is answered when all before it have been executed. */
    void (*ask_for_all)(struct client *c);
    /* Some of these bytes came: how many were taken. Never 0. */
    size_t (*feed)(struct client *c, const char *src, size_t bytes);
    /* All that was sent was executed, and no more will come. */
    void (*ended)(struct client *c);
};

extern const struct dialect text_dialect, binary_dialect;

struct client {
    struct client_world *world;
    struct sim_link *link;
    const struct dialect *dialect;
    struct manner manner;
    uint32_t identity;
    uint32_t stalled_iterations; /* left */
    bool settling;
    bool finished_sending;
    bool said_quit;
    bool was_served;
    bool was_rejected;
    struct model_item items[KEYS + SHARED_KEYS]; /* of shared ones nothing is known */
    uint64_t cas_floor;                          /* highest CAS that the server drew so far */
    char names[KEYS][KEY_BYTES + 1];
    uint8_t name_len[KEYS];
    uint32_t last_opaque;
    bool quiet_open;    /* text: a quiet meta command is not yet followed by mn */
    uint32_t strays[3]; /* text: errors that name no command, CAME_NO_MEMORY + I */
    /* to be sent */
    char *tx;
    size_t tx_head, tx_tail, tx_cap;
    /* waiting for replies */
    struct client_command *first;
    struct client_command **last;
    uint32_t in_flight;
    uint32_t loud_in_flight;
    /* reply being read */
    char piece[PIECE_BYTES];
    size_t piece_len;
    struct body body;
    bool number_next; /* meta: ma's number is in the next line */
    struct told number_told;
};

/* --- client_base.c --- */

/* MEM, which must not be NULL. */
void *client_checked(void *mem);
/* True N times in 16. */
bool in_16(uint32_t n);
void client_wrong(const struct client *client, const char *why) NORETURN;

/* --- client_command.c --- */

/* Not NUL-terminated: client_key_len() bytes, of which any may be anything. */
const char *client_key_name(const struct client *client, unsigned key);
size_t client_key_len(const struct client *client, unsigned key);
/* Keys to ask for: PLAIN ones go into a line. */
uint8_t any_key(const struct client_world *world, bool plain);
uint8_t own_key(bool plain);

/* BYTES that follow from SEED; any byte may occur. */
char *make_value(uint64_t seed, size_t bytes);
/* A number in NUMERIC cases of four. */
struct model_value random_value(const struct client_world *world);
int64_t random_exptime(const struct client_world *world);
/* Shared keys: version and key say how long the value is, and every byte of it. */
size_t shared_bytes(const struct client_world *world, unsigned key, uint32_t version);
char *shared_value(const struct client_world *world, unsigned key, uint32_t version);
/* The next version of shared key KEY (KEYS or more). */
struct model_value next_shared_value(struct client_world *world, unsigned key);
struct model_value too_large_value(const struct client_world *world);
/* The CAS that KEY seems to have, mostly. */
uint64_t likely_cas(const struct client *client, unsigned key);

struct client_command *client_command_create(enum wire wire, enum verb verb,
                                             uint16_t key_count);
/* With a new opaque number. */
struct client_command *client_command_create_named(struct client *client, enum wire wire,
                                                   enum verb verb, uint16_t key_count);
void client_command_destroy(struct client_command *cmd);
/* Queue bytes to be sent, and the command that they were. */
void client_put(struct client *client, const void *src, size_t bytes);
void client_put_text(struct client *client, const char *format, ...) PRINTF_LIKE(2, 3);
void client_remember(struct client *client, struct client_command *cmd);
/* A text command that has one constant reply. */
void client_ask_constant(struct client *client, enum wire wire, const char *line,
                         const char *want);
/* The first in flight is answered, or executed silently. */
void client_done(struct client *client);

/* Read this value next, and TAIL behind it; OWN is freed then. */
void client_expect_body(struct client *client, const char *want, size_t bytes, const char *tail,
                        char *own);
size_t client_read_body(struct client *client, const char *src, size_t bytes);

/* --- judge_item.c --- */

enum presence presence_of(const struct client *client, const struct client_command *cmd,
                          unsigned key);
void must_be_there(struct client *client, struct client_command *cmd, unsigned key);
void must_be_gone(struct client *client, struct client_command *cmd, unsigned key);
bool memory_is_short(const struct client *client);
void wrong_item(const struct client *client, const struct client_command *cmd, unsigned key,
                const char *why) NORETURN;
/* The item was changed: its CAS is another one, which TOLD may say. */
void judge_new_cas(struct client *client, const struct client_command *cmd, unsigned key,
                   const struct told *told);
/* The CAS was compared and MATCHED, or not: may that be? */
void judge_compared(struct client *client, struct client_command *cmd, bool matched);

/* --- judge.c --- */

/* The key is there, and this is told of it. Sets up the body where the reply carries one. */
void judge_hit(struct client *client, struct client_command *cmd, unsigned key,
               const struct told *told);
void judge_miss(struct client *client, struct client_command *cmd, unsigned key);
/* Of a command with one key. */
void judge(struct client *client, struct client_command *cmd, enum outcome outcome,
           const struct told *told);
/* Of one that was quiet, and about which nothing came: it went as expected. */
void judge_silence(struct client *client, struct client_command *cmd);

/* --- judge_store.c --- */

void judge_store(struct client *client, struct client_command *cmd, enum outcome outcome,
                 const struct told *told);
/* No reply will tell how a NOREPLY command went. */
void judge_unheard(struct client *client, struct client_command *cmd);

/* --- judge_number.c --- */

void judge_arith(struct client *client, struct client_command *cmd, enum outcome outcome,
                 const struct told *told);
/* The value was NUMBER, and incr or decr changed it. */
void judge_new_number(struct client *client, struct client_command *cmd, uint64_t number,
                      const struct told *told);

/* --- text_lines.c --- */

bool line_is(const struct client *client, const char *want);
/* True, with the outcome, for lines that classic and meta have in common. */
bool line_is_error(const struct client *client, enum outcome *outcome);
/* Whether there was no memory for the value, before it was seen that it ends where it should not. */
bool is_refused_instead(const struct client *client, const struct client_command *cmd);
/* A number at *P, as it is printed; *P is then behind it. */
bool take_u64(const char **p, uint64_t *number);
/* KEY in base64, as the b flag has it; how many bytes. */
size_t meta_encode_key(char *dst, const char *key, size_t len);

/* --- classic_*.c, meta_*.c --- */

void classic_ask(struct client *client);
/* A line for the first command in flight, which is a classic one. */
void classic_line(struct client *client);
/* A line of a dump: true when it was the last. */
bool classic_dump_line(struct client *client, struct client_command *cmd);

void meta_ask(struct client *client);
void meta_ask_noop(struct client *client);
/* A line, while the first command in flight is a meta one. */
void meta_line(struct client *client);
/* Commands before TARGET, about which nothing came or only an error without a name. */
void meta_resolve_before(struct client *client, const struct client_command *target);
/* No more will come: whatever is quiet has been executed. */
void meta_ended(struct client *client);

/* --- binary_ask.c --- */

void binary_ask(struct client *client);
void binary_ask_for_all(struct client *client);
