/*
 * tests/unit/bench/replies.h - requests formatted and replies read, for any protocol.
 */
#pragma once

#include "leak.h"
#include "lombard/base/attr.h"
#include "proto.h"

#include <stdio.h>
#include <string.h>

static struct keys keys;
static struct out out;
static struct op op;
static struct op_key op_keys[4];

static inline void
setup(void)
{
    struct sizes sizes;

    ck_assert(sizes_parse("10", KEY_TEXT_MAX, &sizes));
    ck_assert(keys_init(&keys, 100, &sizes, 1));
    ck_assert(out_init(&out, PROTO_HEAD_BYTES_MAX, 1 << 20));
    keys.writer = 11;
    memset(&op, 0, sizeof(op));
    op.keys = op_keys;
    op.key_count = 1;
    for (uint32_t i = 0; i < ARRAY_LEN(op_keys); i++)
        op_keys[i] = (struct op_key){.id = i + 1};
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
read_split(const struct proto *proto, const char *stream, size_t len, size_t split)
{
    struct reader r = {.keys = &keys};
    struct seen seen = {.last = READ_MORE};
    const unsigned char *start = (const unsigned char *)stream;
    const unsigned char *p = start;

    for (int piece = 0; piece < 2; piece++) {
        const unsigned char *end = start + (piece == 0 ? split : len);

        do {
            seen.last = proto->read(&r, &op, &p, end);
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
