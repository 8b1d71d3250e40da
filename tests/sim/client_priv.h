/*
 * tests/sim/client_priv.h - one client, as its own files see it.
 *
 *     client.c   its connection, and what it does with it
 *     ask.c      what it asks for
 *     reply.c    what it makes of what comes back
 */
#pragma once

#include "client.h"

enum {
    KEYS = 12,
    KEY_BYTES = 250,
    LINE_BYTES = 2048,
    NUMBER_BYTES_MAX = 300,
    ITEM_SLACK_BYTES = 512, /* of an item: its key and header, generously */
};

/* What a client asks for. */
enum verb {
    DO_GET,
    DO_STORE,
    DO_DELETE,
    DO_ARITH,
    DO_TOUCH,
    DO_LINE, /* any line with one constant reply */
    DO_STATS,
    DO_FLUSH,
    DO_TOO_LARGE,
    DO_QUIT,
};

enum store_mode { MODE_SET, MODE_ADD, MODE_REPLACE, MODE_APPEND, MODE_PREPEND, MODE_CAS };

struct command {
    struct command *next;
    enum verb verb;
    enum store_mode mode;
    bool noreply;
    bool with_cas;
    bool with_touch; /* gat */
    bool decr;
    int64_t exptime;
    uint64_t number; /* delta, or the cas to compare */
    uint32_t client_flags;
    char *value;
    size_t bytes;
    const char *want; /* DO_LINE */
    struct moment when;
    uint16_t key_count;
    uint16_t key_next; /* DO_GET: those before it are done */
    uint8_t keys[];    /* numbers below KEYS are its own, those above are shared */
};

/* How it behaves on the wire. */
struct manner {
    uint32_t depth;        /* commands in flight */
    uint32_t piece_bytes;  /* sent at once; 0: all */
    uint32_t read_bytes;   /* read at once; 0: all */
    uint32_t idle_one_in;  /* does nothing this turn */
    uint32_t stall_one_in; /* begins to read nothing */
    uint32_t stall_turns;
};

struct client {
    struct arena *arena;
    struct sim_link *link;
    struct manner manner;
    uint32_t identity;
    uint32_t stalled_turns; /* left */
    bool settling;
    bool finished_sending;
    bool said_quit;
    struct model_item items[KEYS + SHARED_KEYS]; /* of shared ones nothing is known */
    char names[KEYS][KEY_BYTES + 1];
    /* to be sent */
    char *tx;
    size_t tx_head, tx_tail, tx_cap;
    /* waiting for replies */
    struct command *first;
    struct command **last;
    uint32_t in_flight;
    /* reply being read */
    char line[LINE_BYTES];
    size_t line_len;
    const char *body; /* of the value being read; NULL: not to be compared */
    size_t body_len, body_off;
    char *body_own; /* to be freed */
    bool in_body;
    bool in_stats;
};

/* --- ask.c --- */

const char *client_key_name(const struct client *client, unsigned key);
/* Shared keys: version and key say how long the value is, and every byte of it. */
size_t shared_bytes(const struct arena *arena, int key, uint32_t version);
char *shared_value(const struct arena *arena, int key, uint32_t version);

struct command *command_create(enum verb verb, uint16_t key_count);
void command_destroy(struct command *cmd);
/* Queue text to be sent, and the command that it was. */
void client_put_text(struct client *client, const char *format, ...) PRINTF_LIKE(2, 3);
void client_remember(struct client *client, struct command *cmd);
/* Think of a command. */
void client_ask(struct client *client);

/* --- reply.c --- */

/* These bytes came. */
void client_feed(struct client *client, const char *src, size_t bytes);
/* Commands without a reply at the front have been executed when a later one is answered. */
void client_skip_unheard(struct client *client);
void client_wrong(const struct client *client, const char *why) NORETURN;

/* --- client.c --- */

void *client_checked(void *mem);
