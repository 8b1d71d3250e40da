/*
 * tools/bench/data/trace.h - requests recorded elsewhere, read one by one.
 *
 * Formats: text lines "key [size [ttl [op]]]" (op: get, set, delete; '#' starts
 * a comment), and libCacheSim's oracleGeneral, records of 24 bytes, little-endian:
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

#include "data/query.h"
#include "lombard/base/attr.h"

/* One access to one key, from a trace or made up. */
struct access {
    uint32_t key;
    uint32_t value_bytes; /* SIZE_OF_KEY: what the key's hash says */
    uint32_t ttl_s;
    enum query_kind kind; /* GET, SET or DELETE */
};

#define SIZE_OF_KEY UINT32_MAX

enum trace_format { TRACE_TEXT, TRACE_ORACLE, TRACE_CACHE2K, TRACE_CACHE2K_LONG };

/* Numbers for keys: an open hash table from a 64-bit hash. Two keys in 2^64 may meet. */
struct key_ids {
    uint64_t *hashes; /* 0: free */
    uint32_t *ids;
    size_t size; /* a power of two */
    uint32_t count;
};

struct trace {
    FILE *file;
    enum trace_format format;
    struct key_ids ids;
    uint64_t line;   /* of the last access, from 1; of the binary formats: its record */
    const char *why; /* TRACE_MALFORMED: what is wrong with it */
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
/* Why a trace ended with RESULT, which is neither of the first two: NUL-terminated, into DST. */
void trace_describe(const struct trace *t, enum trace_result result, char *dst);
