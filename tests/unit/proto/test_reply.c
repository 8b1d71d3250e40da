#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lombard/base/attr.h"
#include "lombard/proto/proto.h"
#include "leak.h"
#include "parse.h"

/* The item that hits show. Its value is "hello". */
static const struct reply_item item = {
    .key = {"foo", 3},
    .value = {"hello", 5},
    .value_bytes = 5,
    .cas = 42,
    .client_flags = 7,
    .ttl_s = 90,
    .idle_s = 12,
    .was_hit = true,
};

struct reply_case {
    const char *input; /* a command line, parsed first */
    enum reply_status status;
    const char *want; /* all that is sent */
};

static const struct reply_case text_cases[] = {
    {"get foo\r\n", REPLY_HIT, "VALUE foo 7 5\r\nhello\r\nEND\r\n"},
    {"gets foo\r\n", REPLY_HIT, "VALUE foo 7 5 42\r\nhello\r\nEND\r\n"},
    {"get foo bar\r\n", REPLY_HIT, "VALUE foo 7 5\r\nhello\r\n"},
    {"gat 1 foo\r\n", REPLY_HIT, "VALUE foo 7 5\r\nhello\r\nEND\r\n"},
    {"get foo\r\n", REPLY_MISS, "END\r\n"},
    {"get foo bar\r\n", REPLY_MISS, ""},
    {"gat 1\r\n", REPLY_REFUSED, "CLIENT_ERROR bad command line format\r\n"},
    {"gat 1 foo\r\n", REPLY_OUT_OF_MEMORY, "END\r\n"},
    {"gat 1 foo bar\r\n", REPLY_OUT_OF_MEMORY, ""},
    {"set foo 0 0 5\r\n", REPLY_STORED, "STORED\r\n"},
    {"set foo 0 0 5\r\n", REPLY_NOT_STORED, "NOT_STORED\r\n"},
    {"set foo 0 0 5\r\n", REPLY_EXISTS, "EXISTS\r\n"},
    {"set foo 0 0 5\r\n", REPLY_NOT_FOUND, "NOT_FOUND\r\n"},
    {"set foo 0 0 5\r\n", REPLY_TOO_LARGE, "SERVER_ERROR object too large for cache\r\n"},
    {"set foo 0 0 5\r\n", REPLY_OUT_OF_MEMORY, "SERVER_ERROR out of memory storing object\r\n"},
    {"set foo 0 0 5\r\n", REPLY_BAD_CHUNK, "CLIENT_ERROR bad data chunk\r\n"},
    {"set foo 0 0 5 noreply\r\n", REPLY_STORED, ""},
    {"set foo 0 0 5 noreply\r\n", REPLY_NOT_STORED, ""},
    {"set foo 0 0 5 noreply\r\n", REPLY_TOO_LARGE, ""},
    {"set foo 0 0 5 noreply\r\n", REPLY_BAD_CHUNK, ""},
    {"delete foo\r\n", REPLY_DELETED, "DELETED\r\n"},
    {"delete foo noreply\r\n", REPLY_DELETED, ""},
    {"delete foo noreply\r\n", REPLY_NOT_FOUND, ""},
    {"touch foo 1\r\n", REPLY_TOUCHED, "TOUCHED\r\n"},
    {"incr foo 1\r\n", REPLY_NUMBER, "18446744073709551615\r\n"},
    {"incr foo 1 noreply\r\n", REPLY_NUMBER, ""},
    {"incr foo 1\r\n", REPLY_NON_NUMERIC,
     "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"},
    {"incr foo 1 noreply\r\n", REPLY_NON_NUMERIC, ""},
    {"flush_all\r\n", REPLY_OK, "OK\r\n"},
    {"flush_all noreply\r\n", REPLY_OK, ""},
    {"flush_all\r\n", REPLY_FLUSH_OFF, "CLIENT_ERROR flush_all not allowed\r\n"},
    {"cache_memlimit 8\r\n", REPLY_OK, "OK\r\n"},
    {"cache_memlimit 8 noreply\r\n", REPLY_OK, ""},
    {"cache_memlimit 8\r\n", REPLY_LIMIT_OFF,
     "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust: at least "
     "18446744073709551615m\r\n"},
    {"version\r\n", REPLY_TEXT, "VERSION 1.2.3\r\n"},
    {"verbosity 1\r\n", REPLY_OK, "OK\r\n"},
    {"quit\r\n", REPLY_OK, ""},
    {"stats reset\r\n", REPLY_RESET, "RESET\r\n"},
    {"stats foo\r\n", REPLY_NO_STATS, "ERROR\r\n"},
    {"stats events x\r\n", REPLY_BAD_ARGUMENT, "CLIENT_ERROR bad command line format\r\n"},
    {"stats hotkeys\r\n", REPLY_DUMP_OFF, "CLIENT_ERROR statistics of keys not allowed\r\n"},
    {"stats cachedump 1 1\r\n", REPLY_DUMP_OFF, "CLIENT_ERROR stats cachedump not allowed\r\n"},
    {"lru_crawler metadump all\r\n", REPLY_DUMP_OFF, "ERROR metadump not allowed\r\n"},
    {"lru_crawler mgdump all\r\n", REPLY_DUMP_OFF, "ERROR key dump not allowed\r\n"},
    {"shutdown\r\n", REPLY_SHUTDOWN_OFF, "SERVER_ERROR: shutdown not enabled\r\n"},
    {"shutdown x\r\n", REPLY_BAD_MODE, "CLIENT_ERROR invalid shutdown mode\r\n"},
    {"foo\r\n", REPLY_REFUSED, "ERROR\r\n"},
    {"set foo 0 0 5\r\n", REPLY_INTERNAL, "SERVER_ERROR internal error\r\n"},
    {"stats\r\n", REPLY_TEXT, "1.2.3\r\n"},
    {"GET / HTTP/1.1\r\n", REPLY_REFUSED, ""},
};

static const struct reply_case meta_cases[] = {
    {"mg foo\r\n", REPLY_HIT, "HD\r\n"},
    {"mg foo v\r\n", REPLY_HIT, "VA 5\r\nhello\r\n"},
    {"mg foo s v c t f\r\n", REPLY_HIT, "VA 5 s5 c42 t90 f7\r\nhello\r\n"},
    {"mg foo h l k O12\r\n", REPLY_HIT, "HD h1 l12 kfoo O12\r\n"},
    {"mg foo  v   k \r\n", REPLY_HIT, "VA 5 kfoo\r\nhello\r\n"},
    {"mg Zm9v k b v\r\n", REPLY_HIT, "VA 5 kZm9v b\r\nhello\r\n"},
    {"mg Zm9v b\r\n", REPLY_HIT, "HD\r\n"},
    {"mg foo q v\r\n", REPLY_HIT, "VA 5\r\nhello\r\n"},
    {"mg foo\r\n", REPLY_MISS, "EN\r\n"},
    {"mg foo v t k O1 s\r\n", REPLY_MISS, "EN kfoo O1\r\n"},
    {"mg Zm9v b O1 k\r\n", REPLY_MISS, "EN O1 kZm9v b\r\n"},
    {"mg foo q k O1\r\n", REPLY_MISS, ""},
    {"mg foo\r\n", REPLY_OUT_OF_MEMORY, "SERVER_ERROR out of memory storing object\r\n"},
    {"ms foo 5\r\n", REPLY_STORED, "HD\r\n"},
    {"ms foo 5 c k O1 s b\r\n", REPLY_REFUSED, "CLIENT_ERROR error decoding key\r\n"},
    {"ms foo 5 c k O1 s t f v\r\n", REPLY_STORED, "HD c43 kfoo O1 s5\r\n"},
    {"ms foo 5 q c k\r\n", REPLY_STORED, ""},
    {"ms foo 5 q k c\r\n", REPLY_NOT_STORED, "NS kfoo c0\r\n"},
    {"ms foo 5 q\r\n", REPLY_EXISTS, "EX\r\n"},
    {"ms foo 5 q O9\r\n", REPLY_NOT_FOUND, "NF O9\r\n"},
    {"ms foo 5 q\r\n", REPLY_BAD_CHUNK, "CLIENT_ERROR bad data chunk\r\n"},
    {"ms foo 5 q\r\n", REPLY_TOO_LARGE, "SERVER_ERROR object too large for cache\r\n"},
    {"md foo k O3\r\n", REPLY_DELETED, "HD kfoo O3\r\n"},
    {"md foo q k\r\n", REPLY_DELETED, ""},
    {"md foo k\r\n", REPLY_NOT_FOUND, "NF kfoo\r\n"},
    {"md foo q\r\n", REPLY_NOT_FOUND, "NF\r\n"},
    {"md foo q\r\n", REPLY_EXISTS, "EX\r\n"},
    {"ma foo\r\n", REPLY_NUMBER, "HD\r\n"},
    {"ma foo v\r\n", REPLY_NUMBER, "VA 20\r\n18446744073709551615\r\n"},
    {"ma foo v t c k O1 s f\r\n", REPLY_NUMBER,
     "VA 20 t90 c43 kfoo O1\r\n18446744073709551615\r\n"},
    {"ma foo q v\r\n", REPLY_NUMBER, ""},
    {"ma foo q\r\n", REPLY_NOT_FOUND, "NF\r\n"},
    {"ma foo q\r\n", REPLY_NON_NUMERIC,
     "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"},
    {"me foo\r\n", REPLY_DEBUG, "ME foo exp=90 la=12 cas=42 fetch=yes cls=1 size=8\r\n"},
    {"me Zm9v b\r\n", REPLY_DEBUG, "ME Zm9v exp=90 la=12 cas=42 fetch=yes cls=1 size=8\r\n"},
    {"me foo\r\n", REPLY_MISS, "EN\r\n"},
    {"mn\r\n", REPLY_NOOP, "MN\r\n"},
};

/* Parse INPUT, and format the reply with STATUS into OUT. */
static size_t
answer(struct slice input, const struct reply *reply, char *out)
{
    struct reply_parts parts;
    struct request req;
    size_t used;
    size_t n;

    ck_assert_int_eq(parse_first(input, &req, &used), PARSE_COMPLETE);
    parts = proto_text.reply(&req, reply, out);
    n = parts.head_bytes;
    ck_assert_uint_le(n, PROTO_HEAD_BYTES_MAX);
    if (!parts.has_value)
        return n;
    if (reply->item.value.len > 0)
        memcpy(out + n, reply->item.value.ptr, reply->item.value.len);
    n += reply->item.value.len;
    memcpy(out + n, parts.tail, parts.tail_bytes);
    return n + parts.tail_bytes;
}

static void
check(const struct reply_case *row)
{
    struct reply reply = {
        .status = row->status,
        .item = item,
        .number = UINT64_MAX,
        .cas = 43,
        .text_bytes = 5,
        .text = "1.2.3",
    };
    char out[2 * PROTO_HEAD_BYTES_MAX];
    size_t n = answer(slice_make(row->input, strlen(row->input)), &reply, out);

    ck_assert_msg(n == strlen(row->want) && memcmp(out, row->want, n) == 0,
                  "%s with status %d: got\n%.*s", row->input, (int)row->status, (int)n, out);
}

START_TEST(text_replies)
{
    check(&text_cases[_i]);
}
END_TEST

/* A hit as it is formatted at once: keys and values of any length, numbers of any number of digits. */
static void
check_short_hit(const char *key, size_t value_bytes, uint32_t client_flags, const char *command,
                const char *more)
{
    char line[1024], want[2 * PROTO_HEAD_BYTES_MAX], got[2 * PROTO_HEAD_BYTES_MAX];
    char value[PROTO_HEAD_BYTES_MAX];
    struct reply_item hit = {.value = {value, value_bytes},
                             .value_bytes = value_bytes,
                             .cas = UINT64_C(1234567890123),
                             .client_flags = client_flags};
    bool last = more[0] == '\0';
    struct request req;
    size_t used, bytes;
    int n, len;

    memset(value, 'v', sizeof(value));
    n = snprintf(line, sizeof(line), "%s %s%s\r\n", command, key, more);
    ck_assert_int_eq(parse_first(slice_make(line, (size_t)n), &req, &used), PARSE_COMPLETE);
    bytes = proto_text.short_hit(&req, &hit, got);
    len = snprintf(want, sizeof(want), "VALUE %s %" PRIu32 " %zu%s\r\n%.*s\r\n%s", key,
                   client_flags, value_bytes, command[3] == 's' ? " 1234567890123" : "",
                   (int)value_bytes, value, last ? "END\r\n" : "");
    ck_assert_uint_eq(bytes, (size_t)len);
    ck_assert_msg(memcmp(got, want, bytes) == 0, "%s: got\n%.*s", line, (int)bytes, got);
}

START_TEST(short_hits_say_the_same)
{
    static const size_t key_bytes[] = {1, 7, 8, 9, 15, 16, 17, 32, 33, 64, 65, 128, 129, 250};
    static const uint32_t flags[] = {0, 9, 10, 99, 100, 12345, UINT32_MAX};
    char key[KEY_BYTES_MAX + 1];

    memset(key, 'k', sizeof(key));
    key[key_bytes[_i]] = '\0';
    for (size_t bytes = 0; bytes <= 512; bytes++) {
        uint32_t client_flags = flags[bytes % ARRAY_LEN(flags)];

        check_short_hit(key, bytes, client_flags, "get", "");
        check_short_hit(key, bytes, client_flags, "get", " more");
        check_short_hit(key, bytes, client_flags, "gets", "");
    }
}
END_TEST

START_TEST(meta_replies)
{
    check(&meta_cases[_i]);
}
END_TEST

/* Who is to recache, in memcached's order. */
START_TEST(meta_says_who_recaches)
{
    static const struct {
        bool won, stale, already_won;
        const char *want;
    } cases[] = {
        {true, false, false, "HD t90 W\r\n"},  {true, true, false, "HD t90 X W\r\n"},
        {false, true, true, "HD t90 Z X\r\n"}, {false, false, true, "HD t90 Z\r\n"},
        {false, false, false, "HD t90\r\n"},
    };
    char out[2 * PROTO_HEAD_BYTES_MAX];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reply reply = {.status = REPLY_HIT, .item = item};
        size_t n;

        reply.item.won = cases[i].won;
        reply.item.stale = cases[i].stale;
        reply.item.already_won = cases[i].already_won;
        n = answer(SLICE("mg foo t\r\n"), &reply, out);
        out[n] = '\0';
        ck_assert_str_eq(out, cases[i].want);
    }
}
END_TEST

/* C: the client has this value already, and all that is shown is that it is the same. */
START_TEST(meta_shows_no_value_that_is_known)
{
    struct reply reply = {.status = REPLY_HIT, .item = item};
    char out[2 * PROTO_HEAD_BYTES_MAX];

    reply.item.cas = 42;
    out[answer(SLICE("mg foo v c C42\r\n"), &reply, out)] = '\0';
    ck_assert_str_eq(out, "HD c42\r\n");
    out[answer(SLICE("mg foo C41 v c\r\n"), &reply, out)] = '\0';
    ck_assert_str_eq(out, "VA 5 c42\r\nhello\r\n");
    out[answer(SLICE("mg foo v c C0\r\n"), &reply, out)] = '\0';
    ck_assert_str_eq(out, "VA 5 c42\r\nhello\r\n");
    reply.item.cas = 0; /* with -C there is none */
    out[answer(SLICE("mg foo v C0\r\n"), &reply, out)] = '\0';
    ck_assert_str_eq(out, "HD\r\n");
    out[answer(SLICE("mg foo v\r\n"), &reply, out)] = '\0';
    ck_assert_str_eq(out, "VA 5\r\nhello\r\n");
}
END_TEST

START_TEST(meta_quiet_hides_what_it_created)
{
    struct reply reply = {.status = REPLY_NUMBER, .number = 5, .item = item};
    char out[2 * PROTO_HEAD_BYTES_MAX];

    out[answer(SLICE("ma foo N0 q\r\n"), &reply, out)] = '\0';
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(unlimited_ttl_is_minus_one)
{
    struct reply reply = {.status = REPLY_HIT, .item = item};
    char out[2 * PROTO_HEAD_BYTES_MAX];

    reply.item.ttl_s = -1;
    out[answer(SLICE("mg foo t\r\n"), &reply, out)] = '\0';
    ck_assert_str_eq(out, "HD t-1\r\n");
    reply.status = REPLY_DEBUG;
    out[answer(SLICE("me foo\r\n"), &reply, out)] = '\0';
    ck_assert_str_eq(out, "ME foo exp=-1 la=12 cas=42 fetch=yes cls=1 size=8\r\n");
}
END_TEST

/* The longest heads there can be: all flags, the longest key, the largest numbers. */
START_TEST(longest_heads_fit)
{
    char line[1024];
    char out[2 * PROTO_HEAD_BYTES_MAX];
    char key[KEY_BYTES_MAX + 1];
    struct reply reply = {.status = REPLY_HIT,
                          .item = {.value_bytes = UINT64_MAX,
                                   .cas = UINT64_MAX,
                                   .client_flags = UINT32_MAX,
                                   .ttl_s = INT64_MAX,
                                   .idle_s = UINT32_MAX,
                                   .won = true,
                                   .stale = true,
                                   .already_won = true}};
    int n;

    memset(key, 'A', KEY_BYTES_MAX);
    key[KEY_BYTES_MAX] = '\0';
    n = snprintf(line, sizeof(line), "mg %s k v s t f c h l O%031d\r\n", key, 7);
    ck_assert_uint_gt(answer(slice_make(line, (size_t)n), &reply, out), 250 + 100);
    key[KEY_BYTES_MAX - 2] = '\0';
    n = snprintf(line, sizeof(line), "mg %s b k v s t f c h l O%031d\r\n", key, 7);
    ck_assert_uint_gt(answer(slice_make(line, (size_t)n), &reply, out), 248 + 100);
    n = snprintf(line, sizeof(line), "gets %s\r\n", key);
    ck_assert_uint_gt(answer(slice_make(line, (size_t)n), &reply, out), 248 + 50);
}
END_TEST

/* What FORMAT writes for OP. */
static const char *
line_of(size_t (*format)(const struct request *req, uint32_t piece, char *dst),
        enum request_op op)
{
    static char out[PROTO_LINE_BYTES_MAX + 1];
    struct request req = {.op = op};

    ck_assert_uint_eq(format(&req, 1, out), 0);
    out[format(&req, 0, out)] = '\0';
    return out;
}

START_TEST(streams_lines)
{
    struct request req = {.op = OP_STATS};
    char out[PROTO_LINE_BYTES_MAX];
    size_t n = proto_text.stat_line(&req, "name", "value", out);

    ck_assert_uint_eq(n, strlen("STAT name value\r\n"));
    ck_assert_mem_eq(out, "STAT name value\r\n", n);
    ck_assert_str_eq(line_of(proto_text.stream_begin, OP_STATS), "");
    ck_assert_str_eq(line_of(proto_text.stream_begin, OP_DUMP), "OK\r\n");
    ck_assert_str_eq(line_of(proto_text.stream_begin, OP_DUMP_KEYS), "OK\r\n");
    ck_assert_str_eq(line_of(proto_text.stream_begin, OP_DUMP_CLASS), "");
    ck_assert_str_eq(line_of(proto_text.stream_end, OP_STATS), "END\r\n");
    ck_assert_str_eq(line_of(proto_text.stream_end, OP_DUMP), "END\r\n");
    ck_assert_str_eq(line_of(proto_text.stream_end, OP_DUMP_KEYS), "EN\r\n");
    ck_assert_str_eq(line_of(proto_text.stream_end, OP_DUMP_CLASS), "END\r\n");
}
END_TEST

/* --- Dumps --- */

static const char *
dump(enum request_op op, const struct dump_item *shown)
{
    static char out[PROTO_LINE_BYTES_MAX + 1];
    struct request req = {.op = op};

    out[proto_text.dump_line(&req, shown, out)] = '\0';
    return out;
}

START_TEST(dumps_describe_items)
{
    struct dump_item shown = {
        .key = {"a b%\n", 5},
        .value_bytes = 3,
        .cas = 42,
        .expires_unix_s = 1700000105,
        .accessed_unix_s = 1700000005,
    };

    ck_assert_str_eq(dump(OP_DUMP, &shown),
                     "key=a%20b%25%0A exp=1700000105 la=1700000005 cas=42 fetch=no cls=1 "
                     "size=8 flags=0 \n");
    ck_assert_str_eq(dump(OP_DUMP_KEYS, &shown), "mg YSBiJQo= b\r\n");
    ck_assert_str_eq(dump(OP_DUMP_CLASS, &shown), "ITEM a%20b%25%0A [3 b; 1700000105 s]\r\n");
    shown.key = SLICE("plain");
    shown.expires_unix_s = -1;
    shown.client_flags = UINT32_MAX;
    shown.was_hit = true;
    ck_assert_str_eq(dump(OP_DUMP, &shown),
                     "key=plain exp=-1 la=1700000005 cas=42 fetch=yes cls=1 size=8 "
                     "flags=4294967295 \n");
    ck_assert_str_eq(dump(OP_DUMP_KEYS, &shown), "mg plain\r\n");
    ck_assert_str_eq(dump(OP_DUMP_CLASS, &shown), "ITEM plain [3 b; 0 s]\r\n");
}
END_TEST

START_TEST(longest_dump_lines_fit)
{
    char key[KEY_BYTES_MAX];
    struct dump_item shown = {
        .key = {key, sizeof(key)},
        .value_bytes = UINT64_MAX / 2,
        .cas = UINT64_MAX,
        .client_flags = UINT32_MAX,
        .expires_unix_s = INT64_MAX,
        .accessed_unix_s = INT64_MAX,
    };

    memset(key, '\x01', sizeof(key));
    ck_assert_uint_gt(strlen(dump(OP_DUMP, &shown)), 3 * KEY_BYTES_MAX);
    ck_assert_uint_eq(strlen(dump(OP_DUMP_KEYS, &shown)), strlen("mg  b\r\n") + 336);
    ck_assert_uint_gt(strlen(dump(OP_DUMP_CLASS, &shown)), 3 * KEY_BYTES_MAX);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("reply");

    tcase_add_loop_test(tc, text_replies, 0, ARRAY_LEN(text_cases));
    tcase_add_loop_test(tc, short_hits_say_the_same, 0, 14);
    tcase_add_loop_test(tc, meta_replies, 0, ARRAY_LEN(meta_cases));
    tcase_add_test(tc, meta_says_who_recaches);
    tcase_add_test(tc, meta_shows_no_value_that_is_known);
    tcase_add_test(tc, meta_quiet_hides_what_it_created);
    tcase_add_test(tc, unlimited_ttl_is_minus_one);
    tcase_add_test(tc, longest_heads_fit);
    tcase_add_test(tc, streams_lines);
    tcase_add_test(tc, dumps_describe_items);
    tcase_add_test(tc, longest_dump_lines_fit);
    return leak_run(tc, "proto/reply");
}
