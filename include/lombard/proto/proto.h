/*
 * include/lombard/proto/proto.h - a protocol is a table of functions.
 *
 * The listener that a connection came through and its first byte say which one it speaks, for
 * good (proto.def). The functions are pure: nothing is kept but struct proto_state; whatever the stream is cut into, the sequence
 * of requests is the same.
 *
 *     bytes -> parse() -> struct request -> cmd -> struct reply -> reply() -> bytes
 *
 * Another protocol is another file with such a table, and a line of proto.def.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/slice.h"
#include "lombard/base/stats.h"
#include "lombard/proto/reply.h"
#include "lombard/proto/request.h"
#include "lombard/proto/session.h"

/*
 * What a parser remembers between two requests, by protocol. Embedded in every connection, zeroed
 * for a new one; copied before each request, so that it can be parsed again: keep it small.
 */
struct proto_state {
    union {
        struct text_state {       /* all zero between any two lines */
            int32_t exptime;      /* of gat, gats */
            uint32_t gat_bytes;   /* of a gat line that were taken before */
            uint16_t scanned_off; /* a hint: bytes that were searched for a newline */
            uint8_t
                get_word; /* 0, or which of the get family is being taken apart: 1 to TEXT_GET_WORDS */
            bool has_exptime; /* gat, gats: it was seen */
            bool bad_exptime; /* and was none */
            bool any_key;     /* one key of the line was seen */
            bool skip_line;   /* drop everything up to the next newline */
        } text;
        struct http_state {       /* all zero between any two requests */
            uint32_t scanned_off; /* a hint: where the last line that has no end yet begins */
        } http;
    };
};

/* Of these, those from TEXT_GAT_WORD on have an exptime. */
enum { TEXT_GAT_WORD = 3, TEXT_GET_WORDS = 4 };

_Static_assert(sizeof(struct proto_state) == 16, "it is copied before each request");

/* Whether what is parsed next is a further key of a line that has begun. */
static inline bool
proto_state_continues(const struct proto_state *state)
{
    return state->text.get_word != 0;
}

/* One request of those that are parsed ahead, and what is needed to rewind to it. */
struct batch_entry {
    struct proto_state before; /* the protocol's state before its head */
    uint32_t start_off;        /* of its head, in the input */
    uint32_t head_bytes;
    uint8_t care; /* the connection's, which sets it after parse(): see enum entry_care */
    struct request
        req; /* last: its end is seldom looked at, and so few lines of the caches are */
};

/* What a parser says of the bytes it was shown. */
enum parse_result {
    PARSE_COMPLETE, /* *req and *used are set */
    PARSE_PARTIAL,  /* more bytes are needed; *used of them may be dropped all the same */
};

enum { PROTO_TAIL_BYTES_MAX = 8 };

/*
 * What a reply consists of, in the order in which it is sent. All zero: nothing is sent. All of it is two
 * registers, the second one is the tail.
 */
struct reply_parts {
    uint32_t head_bytes; /* formatted */
    bool has_value;      /* then the item's value, from where it lies, */
    uint8_t tail_bytes;  /* and of these bytes so many; none without a value */
    _Alignas(8) char tail[PROTO_TAIL_BYTES_MAX];
};

_Static_assert(sizeof(struct reply_parts) == 16, "it is returned in registers");

enum {
    PROTO_HEAD_BYTES_MAX = 1024, /* of a reply's head */
    PROTO_LINE_BYTES_MAX = 1024, /* of what the other functions format */
};

struct proto_ops {
    const char *name; /* in `stats conns` */
    /* REPLY_DENIED ends the connection: a client that pipelines would go on without an end. */
    bool denial_closes;
    /*
     * Take the next request from the front of IN, which is not empty. PARSE_COMPLETE: *REQ is
     * filled, the first *USED bytes are its head, body_bytes follow them. PARSE_PARTIAL: the
     * head is not all there; *USED bytes may be dropped all the same, the others have to be
     * shown again, with more behind them.
     *
     * *REQ points into IN and, where the key was sent in base64, into itself: it is not to be
     * copied. To have it again later, parse the same bytes again, with a copy of the state made
     * before the first time.
     */
    enum parse_result (*parse)(struct proto_state *state, const struct session *session,
                               struct slice in, struct request *req, size_t *used);
    /*
     * Behind a get there are mostly more. LAST is an OP_GET that parse() has just taken from IN: take those behind
     * it, as parse() would one by one, into LAST[1], LAST[2], ..., at most COUNT; how many. Fewer, or
     * none, are no error: parse() goes on. Their `care` is 0. NULL: the protocol has no such function.
     */
    uint32_t (*parse_gets)(struct proto_state *state, struct slice in, struct batch_entry *last,
                           uint32_t count);
    /* Whether TAIL, the last body_bytes - value_bytes bytes of a body, ends the value. */
    bool (*value_ends)(const char *tail);
    /* Format the head at DST (room for PROTO_HEAD_BYTES_MAX), and say what follows. */
    struct reply_parts (*reply)(const struct request *req, const struct reply *reply,
                                char *dst);
    /*
     * To an OP_GET that found ITEM, all of whose value lies in one piece, and is short: what reply() would say, with
     * the value, at DST; how many bytes. Up to PROTO_TAIL_BYTES_MAX behind them may be written as well. NULL
     * where the protocol has no such function.
     */
    size_t (*short_hit)(const struct request *req, const struct reply_item *item, char *dst);
    /*
     * REPLY_STREAM, each at DST (room for PROTO_LINE_BYTES_MAX); how many bytes. What comes
     * before the lines and after them is asked for in pieces, 0, 1, ..., until one has no bytes.
     */
    size_t (*stream_begin)(const struct request *req, uint32_t piece, char *dst);
    size_t (*stat_line)(const struct request *req, const char *name, const char *value,
                        char *dst);
    size_t (*dump_line)(const struct request *req, const struct dump_item *item, char *dst);
    size_t (*prefix_line)(const struct request *req, const struct prefix_line *line, char *dst);
    /*
     * STREAM_REGISTRY: the next piece of a rendering of REGISTRY, at DST; *LEN may be 0.
     * STAT_SEARCHING: nothing yet. NULL where the protocol has no such request.
     */
    enum stat_step (*registry_piece)(const struct request *req,
                                     const struct stat_registry *registry,
                                     struct stat_walk *walk, char *dst, size_t *len);
    /*
     * Likewise: what two requests of one kind ask for is the same, piece by piece. 0: REQ asks for
     * what no other one does.
     */
    uint32_t (*registry_kind)(const struct request *req);
    size_t (*stream_end)(const struct request *req, uint32_t piece, char *dst);
};

#define PROTO(name, roles, first, last) extern const struct proto_ops proto_##name;
#include "lombard/proto/proto.def"
#undef PROTO

/* The protocol of a connection of ROLE whose first byte is FIRST. */
const struct proto_ops *proto_detect(enum session_role role, unsigned char first);
/* What a connection is told by HTTP that there is no place for. */
struct slice proto_http_rejection(void);
/* What `stats conns` calls it; NULL: no byte has come yet. */
const char *proto_name(const struct proto_ops *proto);
