/*
 * src/proto/text_priv.h - what the files of the text protocol share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/slice.h"
#include "lombard/proto/reply.h"
#include "lombard/proto/request.h"

/* The words of a command line; as many as any classic command takes, and one more. */
enum { WORDS_MAX = 9 };

struct words {
    struct slice at[WORDS_MAX]; /* at[0] is the command */
    unsigned count;             /* WORDS_MAX: so many or more */
};

/* Everything but the meta part of REQ, for a command that takes nothing. */
void request_init(struct request *req, enum request_op op);
/* An answer of the parser's own: a whole line with its "\r\n", or nothing. */
void request_refuse(struct request *req, struct slice refusal);

/*
 * A command line without its end and without blanks before it, that is no
 * multiget. REQ is always filled, with OP_REFUSED where the line makes no sense.
 */
void text_line_parse(struct slice line, struct request *req);

/* The words of LINE, which spaces separate. */
void words_split(struct slice line, struct words *words);

/* "stats", "slabs", "lru_crawler" and the like: args are at[1] to at[count - 1]. */
void admin_stats(const struct words *words, struct request *req);
void admin_slabs(const struct words *words, struct request *req);
void admin_lru(const struct words *words, struct request *req);
void admin_lru_crawler(const struct words *words, struct request *req);
void admin_cache_memlimit(const struct words *words, struct request *req);
void admin_watch(const struct words *words, struct request *req);
void admin_refresh_certs(const struct words *words, struct request *req);
void admin_shutdown(const struct words *words, struct request *req);
void admin_verbosity(const struct words *words, struct request *req);

/* Write the answer that is one constant line, or none, for STATUS; how many bytes. */
size_t text_put_constant(char *dst, enum reply_status status);

/* The last word is "noreply". */
bool words_end_in_noreply(const struct words *words);

#define REFUSE_ERROR      SLICE("ERROR\r\n")
#define REFUSE_BAD_FORMAT SLICE("CLIENT_ERROR bad command line format\r\n")
#define REFUSE_EXPTIME    SLICE("CLIENT_ERROR invalid exptime argument\r\n")

/* A value and its "\r\n" have to be countable in 31 bits, as in memcached. */
#define VALUE_BYTES_MAX ((int64_t)INT32_MAX - REQUEST_TAIL_BYTES)
