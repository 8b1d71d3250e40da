/*
 * tools/bench/data/trace.h - requests recorded elsewhere, read one by one.
 *
 * Formats: text lines "key [size [ttl [op [seconds]]]]" (op: get, set, delete; '#' starts
 * a comment), Twitter's and Meta's (data/trace_csv.h), and libCacheSim's oracleGeneral, records of 24 bytes, little-endian:
 *
 *     | time u32 | object id u64 | size u32 | next access i64 |
 *
 * and those of the cache2k benchmarks (.trc.bin, unpacked): nothing but the keys of
 * its accesses, of 4 bytes each or, in some traces, of 8. In which order a key's
 * bytes are does not matter, as nothing is asked of it but to differ from others.
 *
 * Whatever keys are in the trace, here they are numbered in order of appearance.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "data/key_ids.h"
#include "data/query.h"
#include "lombard/base/attr.h"

/* One access to one key, from a trace or made up. */
struct access {
    uint32_t key;
    uint32_t value_bytes; /* SIZE_OF_KEY: what the key's hash says */
    uint32_t ttl_s;
    enum query_kind kind; /* GET, SET or DELETE; in Twitter's traces any but TOUCH and NOOP */
    uint8_t key_bytes;    /* 255: that or more; 0: not known */
    uint64_t at_ns;       /* since some moment; 0 where the trace has no times */
};

#define SIZE_OF_KEY UINT32_MAX

enum trace_format {
    TRACE_TEXT,
    TRACE_ORACLE,
    TRACE_CACHE2K,
    TRACE_CACHE2K_LONG,
    TRACE_TWITTER,
    TRACE_META,
};

/* What is known of the columns of Meta's traces. */
enum trace_column {
    TRACE_COLUMN_KEY,
    TRACE_COLUMN_OP,
    TRACE_COLUMN_SIZE,
    TRACE_COLUMN_COUNT_OF,
    TRACE_COLUMN_KEY_SIZE,
    TRACE_COLUMN_TTL,
    TRACE_COLUMN_TIME,
};
enum { TRACE_COLUMN_COUNT = TRACE_COLUMN_TIME + 1 };

struct trace {
    FILE *file;
    enum trace_format format;
    struct key_ids ids;
    uint64_t line;        /* of the last access, from 1; of the binary formats: its record */
    const char *why;      /* TRACE_MALFORMED: what is wrong with it, */
    const char *column;   /* in which column; NULL: with all of it */
    uint32_t repeats;     /* how often the last access comes once more */
    struct access access; /* that one */
    uint8_t columns[TRACE_COLUMN_COUNT]; /* META: where they are, from 1; 0: not there */
};

enum trace_result {
    TRACE_ACCESS,
    TRACE_END,
    TRACE_MALFORMED,
    TRACE_UNREADABLE, /* errno is set */
    TRACE_NO_MEMORY,
};

enum { TRACE_WORDS_BYTES = 160 }; /* room for trace_describe() */

/* False with errno. */
bool trace_open(struct trace *t, const char *path, enum trace_format format) MUST_USE;
void trace_close(struct trace *t);
enum trace_result trace_next(struct trace *t, struct access *out) MUST_USE;
/* Whether the accesses of a second all have the same time. */
bool trace_has_whole_seconds(enum trace_format format);
/* Why a trace ended with RESULT, which is neither of the first two: NUL-terminated, into DST. */
void trace_describe(const struct trace *t, enum trace_result result, char *dst);
