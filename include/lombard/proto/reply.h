/*
 * include/lombard/proto/reply.h - what a command answers, before it is bytes.
 *
 * A command fills it; a protocol makes bytes of it (struct proto_ops). Slices point into the store,
 * and die with the next call into the store unless pinned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/slice.h"

enum reply_status {
    REPLY_NOTHING, /* no answer is due (quit) */
    REPLY_HIT,     /* item is set */
    REPLY_MISS,
    REPLY_STORED,
    REPLY_NOT_STORED,
    REPLY_EXISTS,    /* the CAS did not match */
    REPLY_NOT_FOUND, /* of a command that is no get */
    REPLY_DELETED,
    REPLY_TOUCHED,
    REPLY_NUMBER, /* number: the new value of incr and decr */
    REPLY_OK,
    REPLY_RESET, /* stats reset */
    REPLY_TEXT,  /* text: of the command itself, such as version */
    REPLY_NOOP,  /* mn; binary noop */
    REPLY_DEBUG, /* me: item is set */
    /* From here on what comes seldom: REPLY_SELDOM. */
    REPLY_NON_NUMERIC,   /* incr and decr of what is no number */
    REPLY_TOO_LARGE,     /* object too large for cache */
    REPLY_BAD_CHUNK,     /* the value did not end where it was said to */
    REPLY_OUT_OF_MEMORY, /* nothing could be evicted, or -M */
    REPLY_BAD_MODE,      /* shutdown with an argument that is none */
    REPLY_NO_STATS,      /* stats of a group that there is not */
    REPLY_BAD_ARGUMENT,  /* stats of one that there is, with a number that is none */
    REPLY_SHUTDOWN_OFF,  /* shutdown without -A */
    REPLY_STREAM,        /* stats and dumps: lines are pulled from `stream` */
    REPLY_REFUSED,       /* what the parser said: request.refusal */
    REPLY_FLUSH_OFF,     /* flush_all with -F */
    REPLY_LIMIT_OFF, /* cache_memlimit out of bounds: reply->number is the one that it is beyond, in MB */
    REPLY_DUMP_OFF, /* a dump with -X */
    REPLY_DENIED,   /* the session is not authenticated */
    REPLY_ADMIN_ONLY, /* it came not through the listener that is for this; number 1: there is none */
    REPLY_AUTHENTICATED,
    REPLY_AUTH_FAILED,
    REPLY_AUTH_MALFORMED, /* what was sent cannot be a user and a password */
    REPLY_AUTH_CONTINUE,  /* SASL: its message is awaited */
    REPLY_STOPPING,       /* the server is shutting down */
    REPLY_AUTH_OFF,       /* no client has to authenticate, and so none can */
    REPLY_INTERNAL, /* a mistake of this program: a value for an operation that stores none */
    REPLY_JOIN,     /* no answer yet: an append that is made by cmd_join_step(), part by part */
    REPLY_CONN,     /* no answer yet: that is the layer conn's */
    REPLY_BAD_NAME, /* of a client: too long, or none */
    REPLY_TOO_MANY_NAMES,    /* of clients: --client-names */
    REPLY_TOO_MANY_WATCHERS, /* or no memory for one more */
    REPLY_BAD_QUERY,         /* there is no such choice of connections */
};

#define REPLY_SELDOM REPLY_NON_NUMERIC

/* An item as the store shows it. Dies with the next call into the store, unless pinned. */
struct reply_item {
    const void *handle; /* names the item: for cmd_pin() and cmd_value_at() */
    struct slice key;
    struct slice value;   /* its first bytes: all of it when value.len == value_bytes */
    uint64_t value_bytes; /* in all */
    uint64_t cas;         /* of OP_GET: only with REQ_WITH_CAS */
    uint32_t client_flags;
    int64_t ttl_s;    /* seconds left; -1: never expires */
    uint32_t idle_s;  /* since the last access before this one */
    bool was_hit;     /* it had been fetched before */
    bool won;         /* meta W: this client has to recache */
    bool stale;       /* meta X */
    bool already_won; /* meta Z: another client has to */
};

/* REPLY_STREAM: what is pulled while there is room for one more, and formatted by the protocol. */
enum stream_kind {
    STREAM_STATS,    /* name and value */
    STREAM_ITEMS,    /* struct dump_item */
    STREAM_REGISTRY, /* all statistics, which the protocol takes from the registry itself */
    STREAM_PREFIXES, /* struct prefix_line */
};

/* `stats detail dump`: how often keys with a prefix were asked for. Dies with the next command. */
struct prefix_line {
    struct slice name; /* without the delimiter; perhaps empty */
    uint64_t gets, hits, sets, deletes;
};

/* An item as a dump shows it. Dies with the next call into the store. */
struct dump_item {
    struct slice key;
    uint64_t value_bytes;
    uint64_t cas;
    uint32_t client_flags;
    int64_t expires_unix_s; /* -1: never */
    int64_t accessed_unix_s;
    bool was_hit; /* it had been fetched */
};

/* Of a reply of its own; what is longer is a stream. */
enum { REPLY_TEXT_BYTES = 256 };

struct reply {
    enum reply_status status;
    enum stream_kind stream; /* STREAM */
    struct reply_item item;  /* HIT, DEBUG; meta replies: what is known of the item */
    uint64_t number;         /* NUMBER */
    uint64_t cas;            /* of what was stored or changed; 0 where there is none */
    /* From here on only set for TEXT. */
    uint16_t text_bytes;
    char text[REPLY_TEXT_BYTES];
};
