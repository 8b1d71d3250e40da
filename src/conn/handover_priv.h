/*
 * src/conn/handover_priv.h - what both sides of a handover have to agree on.
 *
 *     handover.c        the old process: connections are described
 *     handed.c          the new one: connections are made of that,
 *     handed_conn.c     each of them
 *     handover_names.c  what is numbered otherwise in another version
 *     conn_image.c      one connection as bytes
 */
#pragma once

#include "lombard/conn/handover.h"
#include "server_state.h"

/* Of the list of a server. Types keep their meaning for ever: base/image.h. */
enum {
    ENTRY_ATTENDED_MS = 1,
    ENTRY_LAST_ID = 2,
    ENTRY_WATCH_GID = 3,
    ENTRY_OPS = 4,          /* names, as they are numbered; a NUL ends each */
    ENTRY_REASONS = 5,      /* likewise, of reasons to close */
    ENTRY_REGISTRY = 6,     /* what the cursors of streams of statistics are valid for */
    ENTRY_PEER_TIMEOUT = 7, /* seconds, plus 1: what the kernel was told of all sockets */
    ENTRY_CONN = 16,        /* one each; with it goes a descriptor */
    ENTRY_LINGERER = 17,    /* a rejected peer; likewise */
};

struct slice handover_op_names(void);
struct slice handover_reason_names(void);

/* Numbers here, by the numbers of another version. */
struct handover_numbers {
    uint8_t op[UINT8_MAX + 1];
    uint8_t reason[UINT8_MAX + 1];
};

/* What is not known here is a GET, or a shutdown. */
void handover_numbers_init(struct handover_numbers *numbers);
/* THEIRS are the names of the writer. NULL, or what is wrong. */
const char *handover_learn_ops(struct slice theirs, struct handover_numbers *numbers) MUST_USE;
const char *handover_learn_reasons(struct slice theirs,
                                   struct handover_numbers *numbers) MUST_USE;
/* Of all that a cursor into the statistics may name. */
uint64_t handover_registry_sum(const struct server *server);

/* What is being read. */
struct arrival {
    struct server *server;
    struct handed *in;
    struct handover_numbers numbers;
    uint64_t registry;           /* of the writer */
    uint64_t cursor;             /* up to where what was expected has come */
    bool expects;                /* any */
    bool has_scan;               /* a task whose numbers of connections are to be translated */
    struct handed_place *places; /* of connections, as they come */
    uint64_t place_count, place_max;
};

/* Where a connection is in the table; and from where on those are that were behind it in the other process. */
struct handed_place {
    uint64_t at;
    uint64_t behind;
};

/* The next connection that is expected, if it has the number ID; those before it have gone. NULL: there is none. */
struct conn *handover_meet(struct arrival *arrival, uint32_t id);

/*
 * A connection of what BYTES, an entry ENTRY_CONN, say of it; its descriptor is expected, or the next one.
 * NULL: it is in the server's table, and server_go_on() has it served. Else why not.
 */
const char *handover_take_conn(struct arrival *arrival, struct slice bytes) MUST_USE;
