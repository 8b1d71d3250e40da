/*
 * src/proto/http_priv.h - what the files of HTTP share.
 *
 * HTTP/1.1, and 1.0 without persistent connections; source: RFC 9110 and 9112. Only what is asked
 * of a listener of its own, and only to look at: GET and HEAD of four targets.
 *
 *     http.c             the table; where a request ends
 *     http_head.c            its line and its fields
 *     http_target.c              what is asked for
 *     http_fields.c              the fields
 *     http_words.c                   words, lists and lines
 *     http_reply.c       heads of answers, whole answers, pieces of streams
 *     http_metrics.c         /metrics: names in http_metrics.def
 *     http_buckets.c             histograms
 *     http_sample.c              their lines
 *     http_json.c            /stats.json
 *     http_page.c            /: http_page.html
 *     http_lines.c               groups and lines, for the last two
 *     http_put.c                 bytes that may be anything, escaped
 */
#pragma once

#include "lombard/base/put.h"
#include "lombard/proto/proto.h"

enum {
    HTTP_LINE_BYTES_MAX = 2048, /* of a request's first line, its end included */
    HTTP_HEAD_BYTES_MAX = 8192, /* of all its lines */
    HTTP_KEY_BYTES_MAX = 64,    /* of a group of statistics with its arguments */
    HTTP_CHUNK_HEAD_BYTES = 5,  /* "3ff\r\n" */
    HTTP_CHUNK_BYTES =          /* of what a chunk contains */
    PROTO_LINE_BYTES_MAX - HTTP_CHUNK_HEAD_BYTES - 2,
    HTTP_TEXT_BYTES = HTTP_CHUNK_BYTES - 128, /* then no text begins: for the rest of a line */
    HTTP_PIECE_BYTES = 960,                   /* of constant text that is cut */
};

_Static_assert(HTTP_CHUNK_BYTES <= 0xfff, "its size has three digits");
_Static_assert((int)HTTP_PIECE_BYTES <= (int)HTTP_CHUNK_BYTES, "a piece fits into a chunk");

/* What an answer consists of. */
enum http_form {
    FORM_STATUS, /* a line of text */
    FORM_METRICS,
    FORM_JSON,
    FORM_PAGE,
};

/* The status of an answer that has nothing else to say. */
enum http_status {
    HTTP_OK = 200,
    HTTP_BAD_REQUEST = 400,
    HTTP_UNAUTHORIZED = 401,
    HTTP_NOT_FOUND = 404,
    HTTP_METHOD_NOT_ALLOWED = 405,
    HTTP_CONTENT_TOO_LARGE = 413,
    HTTP_URI_TOO_LONG = 414,
    HTTP_FIELDS_TOO_LARGE = 431,
    HTTP_INTERNAL = 500,
    HTTP_UNAVAILABLE = 503,
    HTTP_VERSION_NOT_SUPPORTED = 505,
};

/* --- http_head.c --- */

/* HEAD is all lines of a request, the empty last one included. REQ is always filled. */
void http_head_parse(struct slice head, struct request *req);
/* Answer STATUS, and close where CLOSES. */
void http_refuse(struct request *req, enum http_status status, bool closes);

/* --- http_target.c --- */

/* What TARGET asks for; HTTP_OK: REQ says it. A group is decoded to req->key_decoded, from OFF on. */
enum http_status http_take_target(struct slice target, size_t off,
                                  struct request *req) MUST_USE;

/* --- http_reply.c: as struct proto_ops --- */

struct reply_parts http_reply(const struct request *req, const struct reply *reply, char *dst);
size_t http_stat_line(const struct request *req, const char *name, const char *value,
                      char *dst);
size_t http_stream_begin(const struct request *req, uint32_t piece, char *dst);
enum stat_step http_registry_piece(const struct request *req,
                                   const struct stat_registry *registry, struct stat_walk *walk,
                                   char *dst, size_t *len);
uint32_t http_registry_kind(const struct request *req);
size_t http_stream_end(const struct request *req, uint32_t piece, char *dst);

/* --- The forms: the next piece at DST, which has room for HTTP_CHUNK_BYTES --- */

typedef enum stat_step http_piece_fn(const struct request *req,
                                     const struct stat_registry *registry,
                                     struct stat_walk *walk, char *dst, size_t *len);
http_piece_fn http_metrics_piece, http_json_piece, http_page_piece;

/* Of the page what comes before and after the numbers; empty: that was all. */
struct slice http_page_begin(uint32_t piece);
struct slice http_page_end(uint32_t piece);
/* --- http_lines.c --- */

enum http_line {
    LINE_GROUP_BEGIN,
    LINE_STAT,
    LINE_GROUP_END,
    LINE_ALL, /* that was the last group */
    LINE_NONE_YET,
};

/* Where a walk over groups and their lines has come to. */
struct http_line_event {
    const char *group; /* as one calls it: "stats" for the one without a name */
    bool first;        /* of the groups, or of the lines of its group */
    struct stat_line line;
};

/* All groups that are no lists; or, where REQ has a key, the one that it names. */
enum http_line http_next_line(const struct request *req, const struct stat_registry *registry,
                              struct stat_walk *walk, struct http_line_event *event) MUST_USE;

/* --- http_put.c: P, up to END at most; what does not fit is left out --- */

/* "name":value, on a line of its own; a number as one. */
char *http_put_member(char *p, const char *end, const char *name, const char *value);
/* A slice of constant text, or none of it. */
char *http_put(char *p, const char *end, struct slice s);
char *http_put_text(char *p, const char *end, const char *text);
/* Whatever bytes TEXT has: within quotes of JSON, of a label of Prometheus, or in HTML. */
char *http_put_json(char *p, const char *end, const char *text);
char *http_put_label(char *p, const char *end, const char *text);
/* Behind "# HELP <name> ". */
char *http_put_help(char *p, const char *end, const char *text, bool openmetrics);
char *http_put_html(char *p, const char *end, const char *text);
