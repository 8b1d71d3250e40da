/*
 * include/lombard/proto/request.h - one command, whatever protocol it came in.
 *
 * A parser fills it from the bytes of a read buffer; its slices point into those
 * bytes and die with them. A multiget becomes one request a key, so that it may
 * be of any length: the last one carries REQ_LAST.
 *
 * A command that carries a value is complete when its head (line, or binary
 * header, extras and key) is: body_bytes says what follows. Who reads the bytes
 * attaches the value, or swallows it where the request turns out to be refused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/slice.h"
#include "lombard/proto/op.h"

enum {
    KEY_BYTES_MAX = 250,    /* memcached's limit, in every protocol */
    LINE_BYTES_MAX = 2048,  /* of a line whose end has not come, unless it is a multiget */
    LINE_BLANKS_MAX = 100,  /* that a multiget of more bytes may have in front */
    REQUEST_TAIL_BYTES = 2, /* "\r\n" after a value in the text protocols */
};

/* Bits of request.flags. */
enum {
    REQ_QUIET = 1U << 0,    /* noreply; binary ...q; meta q */
    REQ_WITH_CAS = 1U << 1, /* gets, gats: the reply carries the CAS */
    REQ_LAST = 1U << 2,     /* text get family: END follows this key's reply */
    REQ_WITH_KEY = 1U << 3, /* binary getk family: the reply carries the key */
    REQ_CLOSE = 1U << 4,    /* after the reply, close: the stream has no next command */
    REQ_VIVIFY = 1U << 5,   /* incr, decr: create with `initial` when absent */
    REQ_MGDUMP = 1U << 6,   /* OP_DUMP: "mg key" lines instead of metadump's */
    REQ_GRACEFUL = 1U << 7, /* OP_SHUTDOWN: let replies drain */
    REQ_META = 1U << 9,     /* a meta command: request.meta is set, the reply is of that form */
    REQ_SWALLOW = 1U << 8,  /* OP_REFUSED with a body: body_bytes follow, to be skipped */
    REQ_OVERWRITE = 1U << 10, /* when refused for size or memory, the old value is dropped */
};

/* What the meta commands ask for beyond the classic ones (protocol.txt, "Meta Commands"). */
struct request_meta {
    struct slice flags;     /* the flag tokens as sent, for the reply's return flags */
    uint64_t seen;          /* bit (letter - 'A') for each flag given */
    int32_t vivify_ttl;     /* N */
    int32_t recache_ttl;    /* R */
    bool ttl_first;         /* t came before T: the old one is asked for */
    bool ttl_before_vivify; /* t came before N: what N sets is not shown */
    bool vivify_last;       /* N came after T: N's time is the one that stays */
    bool recache_first;     /* R came before T: the old TTL counts */
    bool decr;              /* ma: MD */
};

#define META_BIT(letter) (UINT64_C(1) << ((letter) - 'A'))

/* A key of KEY_BYTES_MAX base64 characters decodes to no more than this. */
enum { KEY_ROOM_BYTES = 188 };

/* Not to be copied: key may point at key_room. */
struct request {
    enum request_op op;
    uint32_t flags;     /* REQ_* */
    struct slice key;   /* 1 to KEY_BYTES_MAX bytes where the op takes one; base64 is decoded */
    uint64_t hash;      /* of the key; filled by cmd_prepare() */
    struct slice value; /* attached by the reader when it has all of it; else empty */
    uint64_t value_bytes; /* of a store command, as announced */
    uint64_t body_bytes;  /* that follow the head in the stream: the value and its "\r\n" */
    uint32_t client_flags;
    int64_t exptime;  /* relative seconds, absolute above 30 days, negative: expired */
    uint64_t cas;     /* 0: do not compare */
    uint64_t new_cas; /* of what is stored or changed; 0: the next one */
    uint64_t delta;
    uint64_t initial;
    struct slice
        refusal;     /* OP_REFUSED: text: lines with "\r\n", or none; binary: the message */
    uint32_t opaque; /* binary: echoed as it came */
    uint16_t refusal_status; /* binary: the status of an OP_REFUSED */
    uint8_t opcode;          /* binary: echoed */
    /* From here on only set for the meta commands. */
    struct request_meta meta;
    char key_room[KEY_ROOM_BYTES]; /* where a base64 key is decoded */
};

/* What a parser says of the bytes it was shown. */
enum parse_result {
    PARSE_COMPLETE, /* *req and *used are set */
    PARSE_PARTIAL,  /* more bytes are needed; *used of them may be dropped all the same */
};
