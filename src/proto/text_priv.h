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

/* The words of a command line; memcached does not look at more either. */
enum { WORDS_MAX = 23 };

struct words {
    struct slice at[WORDS_MAX]; /* at[0] is the command */
    unsigned count;             /* WORDS_MAX: so many or more */
};

/*
 * A word as a number; false where it is none, or out of range. These take digits
 * only (and a minus sign), at most 11 characters for 32 bits and 22 for 64; a
 * minus sign alone is 0.
 */
bool token_u64(struct slice s, uint64_t *out);
bool token_u32(struct slice s, uint32_t *out);
bool token_i32(struct slice s, int32_t *out);
/*
 * The same for the client flags and the expiry of the classic store commands, which
 * memcached reads with strtoul(3) and strtol(3): any number that fits 64 bits counts,
 * and its low 32 bits are what it means.
 */
bool token_low_u32(struct slice s, uint32_t *out);
bool token_low_i32(struct slice s, int32_t *out);

/* Everything but the meta part of REQ, for a command that takes nothing. */
void request_init(struct request *req, enum request_op op);
/* An answer of the parser's own: a whole line with its "\r\n", or nothing. */
void request_refuse(struct request *req, struct slice refusal);

/* The same for a store command of which value_bytes and body_bytes are known: they are skipped. */
void request_refuse_value(struct request *req, struct slice refusal);

/*
 * A command line without its end, that is no multiget. REQ is always filled, with
 * OP_REFUSED where the line makes no sense.
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
