/*
 * include/lombard/proto/text.h - the text protocol: classic and meta commands.
 *
 * Source: memcached's doc/protocol.txt, and memcached 1.6.45 itself where that
 * is silent. A parser is a pure function of its state and a slice: however the
 * stream is cut, the sequence of requests is the same. The exception is a line of
 * more than LINE_BYTES_MAX bytes that is no multiget: as in memcached it is taken
 * when it is shown with its end, and the connection closed when it is shown
 * without.
 */
#pragma once

#include "lombard/base/attr.h"
#include "lombard/proto/reply.h"
#include "lombard/proto/request.h"

/* Zeroed for a new connection, and all zero again between any two lines. */
struct text_state {
    int32_t exptime;      /* of gat, gats */
    uint32_t scanned_off; /* a hint: so many bytes were looked through for a newline */
    uint32_t gat_bytes;   /* of a gat line that were taken before */
    uint8_t get_word;     /* 0, or which of the get family is being taken apart */
    bool has_exptime;     /* gat, gats: it was seen */
    bool bad_exptime;     /* and was none */
    bool any_key;         /* one key of the line was seen */
    bool skip_line;       /* drop everything up to the next newline */
};

/*
 * Take the next request from the front of IN. PARSE_COMPLETE: *REQ is filled
 * and the first *USED bytes are its head. PARSE_PARTIAL: the head is not all
 * there; *USED bytes (blanks between keys, a line being skipped) may be dropped.
 * Lines end in "\r\n" or "\n".
 */
enum parse_result text_parse(struct text_state *state, struct slice in, struct request *req,
                             size_t *used) MUST_USE;

/* Whether the two bytes after a value end it. */
bool text_value_ends(const char tail[REQUEST_TAIL_BYTES]);

/* A reply's head takes at most this: longest key and return flags included. */
enum { TEXT_HEAD_BYTES_MAX = 1024 };

/* Write the head at DST (room for TEXT_HEAD_BYTES_MAX); how many bytes. */
size_t text_reply_head(const struct request *req, const struct reply *reply, char *dst);
/* Whether the item's value goes between head and tail. */
bool text_reply_has_value(const struct request *req, const struct reply *reply);
/* What comes last: constant bytes, perhaps none. */
struct slice text_reply_tail(const struct request *req, const struct reply *reply);

/* One line of a STREAM_STATS at DST (room for STREAM_LINE_BYTES); how many bytes. */
size_t text_stat_line(const char *name, const char *value, char *dst);
/* What ends a stream. */
struct slice text_stream_end(const struct request *req);
