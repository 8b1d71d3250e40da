/*
 * tools/bench/wire/wire.h - requests to bytes and bytes to replies, for each protocol.
 *
 * A reader is pulled: as long as it finds something complete at the front of
 * the bytes it says what, and moves on. It never blocks and keeps no bytes; a
 * piece of a line that is not complete stays where it is, to be shown again
 * with more behind it. Values are checked as they pass, in whatever pieces.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/keys.h"
#include "data/query.h"
#include "data/value.h"
#include "wire/out.h"

enum {
    WIRE_LINE_MAX = 1024,    /* a reply line, or binary head and key, is never longer */
    WIRE_COUNTER_BYTES = 10, /* of what a counter begins with, */
    WIRE_COUNTER_START = 1000000000,
    WIRE_LEASE_TTL_S =
        30, /* how long a client that has won may take, and a stale value stays */
    WIRE_HEAD_BYTES_MAX = 400, /* of a request with one key: all but its value */
};

enum read_result {
    READ_MORE,        /* nothing complete at the front */
    READ_LAST_VALUE,  /* likewise, and with it the request is answered */
    READ_STRAY_ERROR, /* an earlier quiet request failed: reader.error has its words */
    READ_VALUE,       /* a value has been checked: reader.check and reader.key_index are set */
    READ_DONE,        /* the request is answered: reader.outcome is set */
    READ_GARBLED,     /* no reply to this request could look like that: the stream is lost */
};

enum reader_state { READER_LINE, READER_VALUE, READER_VALUE_END };

/* Of one connection. Zeroed when it is opened. */
/* What a server says of who is to fill a key. */
enum {
    LEASE_WON = 1U << 0,   /* the client that asked */
    LEASE_WAIT = 1U << 1,  /* another one */
    LEASE_STALE = 1U << 2, /* the value was marked as stale */
};

struct reader {
    const struct keys *keys;
    struct value_check check;
    const char *why;   /* READ_GARBLED: what was wrong */
    const char *error; /* OUTCOME_ERROR: the line, error_len bytes; dies with the input */
    uint64_t number;   /* OUTCOME_NUMBER */
    uint64_t cas;      /* of the value just read, where asked for */
    uint32_t error_len;
    uint32_t flags;      /* of the value; meta: 0 where they were not asked for */
    uint32_t value_left; /* bytes of the value still to come, terminator not included */
    uint32_t key_index;  /* READ_VALUE: which of the request's keys */
    uint32_t next_key;   /* where to look first for the next value's key */
    uint8_t lease;       /* LEASE_*, of the last get */
    enum reader_state state;
    enum outcome outcome;
};

struct wire {
    const char *name;
    bool
        quiet_errors; /* quiet requests that fail are answered, like those that are not quiet */
    /* Append the request, for which OUT has room; sets query->wire_bytes. */
    void (*write)(struct out *out, const struct keys *keys, struct query *query);
    /* Take the next thing from [*P, END), which is about QUERY. */
    enum read_result (*read)(struct reader *r, const struct query *query,
                             const unsigned char **p, const unsigned char *end);
};

extern const struct wire wire_text;
extern const struct wire wire_meta;
extern const struct wire wire_binary;

/* By its name; NULL when there is none. */
const struct wire *wire_find(const char *name);
