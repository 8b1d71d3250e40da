/*
 * tests/unit/bench/wire/replies.h - requests formatted and replies read, for any protocol.
 */
#pragma once

#include "leak.h"
#include "lombard/base/attr.h"
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

static struct keys keys;
static struct out out;
static struct query query;
static struct query_key query_keys[4];

static inline void
setup(void)
{
    struct sizes sizes;

    ck_assert(sizes_parse("10", KEY_TEXT_MAX, &sizes));
    ck_assert(keys_init(&keys, 100, &sizes, 1));
    ck_assert(out_init(&out, WIRE_HEAD_BYTES_MAX, 1 << 20));
    keys.writer = 11;
    memset(&query, 0, sizeof(query));
    query.keys = query_keys;
    query.key_count = 1;
    for (uint32_t i = 0; i < ARRAY_LEN(query_keys); i++)
        query_keys[i] = (struct query_key){.id = i + 1};
}

static inline void
teardown(void)
{
    out_fini(&out);
    keys_fini(&keys);
}

/* All bytes of the batch in one place. */
static inline size_t
flatten(char *dst)
{
    size_t used = 0;

    for (size_t i = 0; i < out.iov_count; i++) {
        memcpy(dst + used, out.iov[i].iov_base, out.iov[i].iov_len);
        used += out.iov[i].iov_len;
    }
    ck_assert_uint_eq(used, out.total);
    return used;
}

/* What one stream of bytes turned out to be. */
struct seen {
    enum read_result last;
    enum outcome outcome;
    uint32_t values;
    uint32_t last_index;
    size_t used;
};

/* Read STREAM as if it came in two pieces. */
static inline struct seen
read_split(const struct wire *wire, const char *stream, size_t len, size_t split)
{
    struct reader r = {.keys = &keys};
    struct seen seen = {.last = READ_MORE};
    const unsigned char *start = (const unsigned char *)stream;
    const unsigned char *p = start;

    for (int piece = 0; piece < 2; piece++) {
        const unsigned char *end = start + (piece == 0 ? split : len);

        do {
            seen.last = wire->read(&r, &query, &p, end);
            if (seen.last == READ_VALUE || seen.last == READ_LAST_VALUE) {
                ck_assert_int_eq(r.check.verdict, VALUE_SHORT_GOOD);
                seen.values++;
                seen.last_index = r.key_index;
            }
        } while (seen.last == READ_VALUE);
        if (seen.last != READ_MORE)
            break;
    }
    seen.outcome = r.outcome;
    seen.used = (size_t)(p - start);
    return seen;
}

/* %s in STREAM stands for the value of the next of `keys_in_order`, of 4 bytes each. */
struct reply_case {
    enum query_kind kind;
    uint32_t key_count;
    uint32_t keys_in_order[3]; /* 0 ends them */
    const char *stream;
    enum read_result want;
    enum outcome outcome;
    uint32_t values;
};

/* Replace each %s by the next value. */
static inline size_t
expand(char *dst, const char *stream, const uint32_t *ids)
{
    char *p = dst;

    while (*stream != '\0') {
        if (*stream == '%') {
            struct value_id id = {.key = *ids++, .bytes = 4};

            value_write((unsigned char *)p, &id);
            p += 4;
            stream += 2;
        } else {
            *p++ = *stream++;
        }
    }
    return (size_t)(p - dst);
}

/* The stream that a reply is, cut at every byte, is read as it should be. */
static inline void
check_stream(const struct wire *wire, const char *stream, size_t len, enum read_result want,
             enum outcome outcome, uint32_t values)
{
    for (size_t split = 0; split <= len; split++) {
        struct seen seen = read_split(wire, stream, len, split);

        /* Whether the end comes with the last value depends on the cut. */
        if (want == READ_DONE && seen.last == READ_LAST_VALUE)
            seen.last = READ_DONE;
        ck_assert_int_eq(seen.last, want);
        if (seen.last != READ_DONE && seen.last != READ_LAST_VALUE)
            continue;
        ck_assert_int_eq(seen.outcome, outcome);
        ck_assert_uint_eq(seen.values, values);
        ck_assert_uint_eq(seen.used, len);
    }
}

static inline void
check_reply(const struct wire *wire, const struct reply_case *r)
{
    char stream[256];
    size_t len = expand(stream, r->stream, r->keys_in_order);

    query.kind = (uint8_t)r->kind;
    query.key_count = r->key_count;
    check_stream(wire, stream, len, r->want, r->outcome, r->values);
}
