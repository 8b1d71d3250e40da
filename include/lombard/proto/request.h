/*
 * include/lombard/proto/request.h - one command, whatever protocol it came in.
 *
 * A parser fills it from the bytes of a read buffer; its slices point into those
 * bytes and die with them. A multiget becomes one request a key, so that it may
 * be of any length: the last one carries REQ_LAST.
 *
 * A command that carries a value is complete when its head (line, or binary
 * header, extras and key) is: body_bytes says what follows. The connection attaches
 * the value, or discards it where the operation stores none (OP_REFUSED among them).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/place.h"
#include "lombard/base/slice.h"
#include "lombard/proto/op.h"

enum {
    KEY_BYTES_MAX = 250,    /* memcached's limit, in every protocol */
    LINE_BYTES_MAX = 2048,  /* of a line whose end has not come, unless it is a multiget */
    LINE_BLANKS_MAX = 100,  /* that a multiget of more bytes may have in front */
    AUTH_BYTES_MAX = 1024,  /* of the value of AUTH and SASL_*: longer ones are discarded */
    REQUEST_TAIL_BYTES = 2, /* "\r\n" after a value in the text protocols */
};

/* Bits of request.flags. */
enum {
    REQ_QUIET = 1U << 0,    /* noreply; binary ...q; meta q */
    REQ_WITH_CAS = 1U << 1, /* gets, gats, binary get: the reply carries the CAS */
    REQ_LAST = 1U << 2,     /* text get family: END follows this key's reply */
    REQ_WITH_KEY = 1U << 3, /* binary getk family: the reply carries the key */
    REQ_CLOSE = 1U << 4,    /* after the reply, close: the stream has no next command */
    REQ_VIVIFY = 1U << 5,   /* create what is absent: incr, decr: with `initial`; meta N */
    REQ_META = 1U << 6,     /* a meta command: request.meta is set, the reply is of that form */
    REQ_OVERWRITE = 1U << 7,  /* when refused for size or memory, the old value is dropped */
    REQ_INVALIDATE = 1U << 8, /* meta I: what is there, or an older cas, makes it stale */
    REQ_ENDS = 1U << 9,       /* after the reply, close: the client asks for no more */
};

/* What OP_WATCH asks for: bits of delta. */
enum watch_topic {
    TOPIC_FETCHERS = 1U << 0,
    TOPIC_MUTATIONS = 1U << 1,
    TOPIC_DELETIONS = 1U << 2,
    TOPIC_CONNEVENTS = 1U << 3,
    TOPIC_EVICTIONS = 1U << 4,
    TOPIC_RAWCMDS = 1U << 5,
    TOPIC_SYSEVENTS = 1U << 6, /* what `stats events` keeps */
    TOPIC_SILENT = 1U << 7,    /* what does not happen here: proxies */
};

/* What the meta commands ask for beyond the classic ones (protocol.txt, "Meta Commands"). */
struct request_meta {
    int32_t vivify_ttl;     /* with REQ_VIVIFY: the exptime of what is created */
    int32_t recache_ttl;    /* with `recaches` */
    bool touches;           /* the item gets exptime */
    bool recaches;          /* when less than recache_ttl is left, this client shall recache */
    bool unnoticed;         /* it does not count as an access */
    bool compares;          /* with cas, even where that is 0 */
    bool renews_cas;        /* new_cas was given */
    bool empties;           /* md: only the value is deleted */
    bool decr;              /* ma */
    bool ttl_first;         /* the TTL is shown as it was before exptime was set */
    bool ttl_before_vivify; /* likewise, before vivify_ttl was set */
    bool vivify_last;       /* vivify_ttl is set after exptime, and stays */
    bool recache_first;     /* the TTL before exptime was set decides on recaching */
};

/* What a protocol wants to find again when it formats the reply. Not for others. */
union request_echo {
    struct echo_binary {
        uint32_t opaque;
        uint16_t refusal_status; /* of an OP_REFUSED */
        uint8_t opcode;
    } binary;
    struct echo_meta {      /* with REQ_META */
        struct slice flags; /* the flag tokens as sent */
        bool value;         /* v is one of them */
        bool base64;        /* b is: the key is sent back as it came */
    } meta;
    struct echo_http {
        uint16_t status;  /* of an OP_REFUSED */
        uint8_t form;     /* enum http_form */
        bool head;        /* the method is HEAD: no body */
        bool chunked;     /* the client understands chunks */
        bool openmetrics; /* of metrics, it prefers that form */
    } http;
};

/* A key of KEY_BYTES_MAX base64 characters decodes to no more than this. */
enum { KEY_DECODED_BYTES_MAX = 188 };

/* Not to be copied: key may point at key_decoded. */
struct request {
    enum request_op op;
    uint32_t flags;     /* REQ_* */
    struct slice key;   /* 1 to KEY_BYTES_MAX bytes where the op takes one; base64 is decoded */
    uint64_t hash;      /* of the key; filled by cmd_prepare() */
    struct slice value; /* attached by the connection when it has all of it; else empty */
    uint64_t value_bytes; /* of a store command, as announced */
    uint64_t body_bytes;  /* that follow the head in the stream: the value and its tail */
    uint32_t client_flags;
    int64_t exptime;  /* relative seconds, absolute above 30 days, negative: expired */
    uint64_t cas;     /* 0: do not compare */
    uint64_t new_cas; /* of what is stored or changed; 0: the next one */
    uint64_t delta;
    uint64_t initial;
    union {
        /*
         * OP_REFUSED: text: lines with "\r\n", or none; binary: the message. FLUSH and dumps: what
         * is wrong with it, answered where they are allowed at all.
         */
        struct slice refusal;
        struct slice credentials; /* EXPORT: "<user>:<password>", or empty */
    };
    struct place place;                      /* of the key; by cmd_prepare(), cmd_prefetch() */
    union request_echo echo;                 /* set by protocols that have one */
    struct request_meta meta;                /* set with REQ_META */
    char key_decoded[KEY_DECODED_BYTES_MAX]; /* where a base64 key is decoded */
};
