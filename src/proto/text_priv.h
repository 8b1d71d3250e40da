/*
 * src/proto/text_priv.h - what the files of the text protocol, classic and meta, share.
 *
 * Source: memcached's doc/protocol.txt, and memcached 1.6.45 itself where that is silent.
 *
 *     text.c             the table; lines, and what belongs to them
 *     text_get.c             the get family, taken apart key by key
 *     text_set.c             `set` as nearly all clients send it
 *     text_line.c            any other command line
 *     text_admin.c               of these, what operators and monitoring send
 *     text_auth.c            the lines of a client that is not authenticated
 *     meta.c                     of these, mg ms md ma me mn
 *     meta_reply.c           replies to these
 *     text_reply.c           replies to all others
 *     text_stream.c          lines of statistics and dumps
 */
#pragma once

#include <string.h>

#include "lombard/proto/proto.h"
#include "words_priv.h"

#define REFUSE_ERROR      SLICE("ERROR\r\n")
#define REFUSE_BAD_FORMAT SLICE("CLIENT_ERROR bad command line format\r\n")
#define REFUSE_EXPTIME    SLICE("CLIENT_ERROR invalid exptime argument\r\n")
#define REFUSE_TOO_LONG   SLICE("CLIENT_ERROR line too long\r\n")

/* A value and its "\r\n" have to be countable in 31 bits, as in memcached. */
#define VALUE_BYTES_MAX ((int64_t)INT32_MAX - REQUEST_TAIL_BYTES)

/* Between two lines nothing is remembered. */
static inline void
text_state_reset(struct text_state *state)
{
    memset(state, 0, sizeof(*state));
}

static inline const char *
text_skip_blanks(const char *p, const char *end)
{
    while (p < end && *p == ' ')
        p++;
    return p;
}

/* The end of the line at P; NULL: it has not come, and *STATE knows how far that was looked for. */
static inline const char *
text_find_newline(struct text_state *state, const char *p, const char *end)
{
    size_t len = (size_t)(end - p);
    size_t seen = state->scanned_off < len ? state->scanned_off : len;
    const char *newline = memchr(p + seen, '\n', len - seen);

    state->scanned_off = newline == NULL && len <= LINE_BYTES_MAX ? (uint16_t)len : 0;
    return newline;
}

/* --- text_get.c --- */

/*
 * The next key of a `get` line that begins at *POS, or whose keys are being taken apart: where it is
 * all there and of the usual form. False, and nothing has changed: it is for the functions below.
 */
bool text_get_quick(struct text_state *state, const char **pos, const char *end,
                    struct request *req) MUST_USE;

/* Of struct proto_ops: parse_gets(). */
uint32_t text_get_more(struct proto_state *proto_state, struct slice in,
                       struct batch_entry *last, uint32_t count) MUST_USE;

/* Whether a get line begins at *POS: then *POS is behind its command word. */
bool text_get_begins(struct text_state *state, const char **pos, const char *end);
/* The next key from *POS on, of the line that state->get_word began, here or before BEGIN. */
enum parse_result text_get_parse(struct text_state *state, const char *begin, const char **pos,
                                 const char *end, struct request *req) MUST_USE;
/* Answer REFUSAL, and pass over what is left of a line, unless it has ended. */
enum parse_result text_get_refuse(struct text_state *state, bool line_ended,
                                  struct slice refusal, struct request *req) MUST_USE;
/* More than LINE_BYTES_MAX bytes, and no end: nothing behind them can be told from them. */
enum parse_result text_refuse_too_long(struct text_state *state, struct request *req) MUST_USE;

/* --- text_auth.c --- */

/* The next line of a client that is not authenticated. *POS is behind it then. */
enum parse_result text_auth_parse(struct text_state *state, const char **pos, const char *end,
                                  struct request *req) MUST_USE;

/* --- text_set.c --- */

/*
 * A line "set <key> <flags> <exptime> <bytes>\r\n" at *POS, where it is all there, with one blank
 * between two words and no number of more than nine digits. False, and nothing has changed: it
 * is for text_line_parse().
 */
bool text_set_quick(const char **pos, const char *end, struct request *req) MUST_USE;

/* --- text_line.c, text_admin.c, meta.c --- */

/*
 * A command line without its end, that is no multiget. REQ is always filled, with
 * OP_REFUSED where the line makes no sense.
 */
void text_line_parse(struct slice line, struct request *req);

/* "stats", "slabs", "lru_crawler" and the like: args are at[1] to at[count - 1]. */
typedef void text_line_fn(const struct words *words, struct request *req);
text_line_fn admin_rest, admin_stats, admin_slabs, admin_lru, admin_lru_crawler,
    admin_cache_memlimit, admin_watch, admin_refresh_certs, admin_shutdown, admin_verbosity;

/*
 * A line, without its end, whose first word is of two letters, the first of which is 'm'. False
 * when there is no such command; else REQ is filled.
 *
 *     mg <key> <flag>*            ms <key> <bytes> <flag>*\r\n<value>
 *     md <key> <flag>*            ma <key> <flag>*
 *     me <key> [b]                mn
 *
 * A flag is one letter, with its argument right behind it (protocol.txt, "Meta Commands").
 */
bool meta_parse(struct slice line, struct request *req) MUST_USE;

/* --- text_reply.c, meta_reply.c, text_stream.c: as struct proto_ops --- */

size_t text_short_hit(const struct request *req, const struct reply_item *item, char *dst);
/* Of REPLY_HIT; of any other. */
struct reply_parts text_reply_hit(const struct request *req, const struct reply_item *item,
                                  char *dst);
struct reply_parts text_reply_other(const struct request *req, const struct reply *reply,
                                    char *dst);
/* To a request with REQ_META. */
struct reply_parts meta_reply(const struct request *req, const struct reply *reply, char *dst);
/* The line of a reply without a value, at P; returns its end. */
char *text_put_line(char *p, const struct request *req, const struct reply *reply);

size_t text_stream_begin(const struct request *req, uint32_t piece, char *dst);
size_t text_stat_line(const struct request *req, const char *name, const char *value,
                      char *dst);
size_t text_dump_line(const struct request *req, const struct dump_item *item, char *dst);
size_t text_prefix_line(const struct request *req, const struct prefix_line *line, char *dst);
size_t text_stream_end(const struct request *req, uint32_t piece, char *dst);
