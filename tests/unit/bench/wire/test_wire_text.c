/* The classic text protocol: requests as the protocol says, replies cut at every byte. */
#include "wire/replies.h"

static const struct {
    struct query query;
    const char *want;
} heads[] = {
    {{.kind = QUERY_GET, .key_count = 1}, "get kk00000001\r\n"},
    {{.kind = QUERY_GET, .key_count = 3}, "get kk00000001 kk00000002 kk00000003\r\n"},
    {{.kind = QUERY_GAT, .key_count = 1, .ttl_s = 90}, "gat 90 kk00000001\r\n"},
    {{.kind = QUERY_CAS, .key_count = 1}, "gets kk00000001\r\n"},
    {{.kind = QUERY_DELETE, .key_count = 1}, "delete kk00000001\r\n"},
    {{.kind = QUERY_DELETE, .key_count = 1, .flags = QUERY_QUIET},
     "delete kk00000001 noreply\r\n"},
    {{.kind = QUERY_TOUCH, .key_count = 1, .ttl_s = 5}, "touch kk00000001 5\r\n"},
    {{.kind = QUERY_INCR, .key_count = 1}, "incr nk00000001 1\r\n"},
    {{.kind = QUERY_DECR, .key_count = 1}, "decr nk00000001 1\r\n"},
    {{.kind = QUERY_NOOP}, "version\r\n"},
};

START_TEST(heads_are_as_the_protocol_says)
{
    char bytes[256];
    size_t len;

    query = heads[_i].query;
    query.keys = query_keys;
    wire_text.write(&out, &keys, &query);
    len = flatten(bytes);
    ck_assert_uint_eq(len, strlen(heads[_i].want));
    ck_assert_mem_eq(bytes, heads[_i].want, len);
    ck_assert_uint_eq(query.wire_bytes, len);
}
END_TEST

static const struct {
    enum query_kind kind;
    uint32_t bytes;
    uint8_t flags;
    uint64_t cas;
    const char *want;
} stores[] = {
    {QUERY_SET, 32, 0, 0, "set kk00000001 0 7 32\r\n"},
    {QUERY_SET, 0, 0, 0, "set kk00000001 0 7 0\r\n"},
    {QUERY_ADD, 5, QUERY_QUIET, 0, "add kk00000001 0 7 5 noreply\r\n"},
    {QUERY_CAS, 100, 0, 1234, "cas kk00000001 0 7 100 1234\r\n"},
    {QUERY_APPEND, OUT_COPY_MAX, 0, 0, "append ak00000001 0 7 4096\r\n"},
    {QUERY_REPLACE, 200000, 0, 0, "replace kk00000001 0 7 200000\r\n"},
};

/* The value that is sent is one that the check finds good, whether copied or referenced. */
START_TEST(stores_carry_their_value)
{
    static char bytes[300000];
    size_t head = strlen(stores[_i].want);
    struct value_check check;
    size_t len;

    query.kind = (uint8_t)stores[_i].kind;
    query.value_bytes = stores[_i].bytes;
    query.flags = stores[_i].flags;
    query.cas = stores[_i].cas;
    query.ttl_s = 7;
    query.version = 2;
    wire_text.write(&out, &keys, &query);
    len = flatten(bytes);
    ck_assert_uint_eq(len, head + stores[_i].bytes + 2);
    ck_assert_mem_eq(bytes, stores[_i].want, head);
    ck_assert_mem_eq(bytes + len - 2, "\r\n", 2);
    value_check_init(&check, 1, stores[_i].bytes);
    if (query_has_own_names(stores[_i].kind)) { /* a piece behind what is stored already */
        value_check_init_grown(&check, 1, 2 * stores[_i].bytes, stores[_i].bytes);
        check.seen = stores[_i].bytes;
        check.letter = VALUE_BASE;
    }
    value_check_feed(&check, (unsigned char *)bytes + head, stores[_i].bytes);
    ck_assert(check.verdict == VALUE_GOOD || check.verdict == VALUE_SHORT_GOOD);
}
END_TEST

static const struct reply_case replies[] = {
    {QUERY_GET, 1, {0}, "END\r\n", READ_DONE, OUTCOME_GET_END, 0},
    {QUERY_GET, 1, {1}, "VALUE kk00000001 0 4\r\n%s\r\nEND\r\n", READ_DONE, OUTCOME_GET_END, 1},
    {QUERY_GET,
     3,
     {1, 3},
     "VALUE kk00000001 0 4\r\n%s\r\nVALUE kk00000003 0 4\r\n%s\r\nEND\r\n",
     READ_DONE,
     OUTCOME_GET_END,
     2},
    {QUERY_GET,
     3,
     {3, 1},
     "VALUE kk00000003 0 4\r\n%s\r\nVALUE kk00000001 0 4\r\n%s\r\nEND\r\n",
     READ_DONE,
     OUTCOME_GET_END,
     2},
    {QUERY_GET, 1, {0}, "SERVER_ERROR out of memory\r\n", READ_DONE, OUTCOME_ERROR, 0},
    {QUERY_GET, 1, {0}, "VALUE kk00000002 0 4\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {0}, "VALUE kk0000001 0 4\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {0}, "VALUE kk00000001 0 x\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {0}, "VALUE kk00000001 0 4 5 6\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {0}, "VALUE kk00000001\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {1}, "VALUE kk00000001 0 4\r\n%sx\r\nEND\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {1}, "VALUE kk00000001 0 4\r\n%sxyEND\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {0}, "END\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {0}, "STORED\r\n", READ_GARBLED, 0, 0},
    {QUERY_CAS,
     1,
     {1},
     "VALUE kk00000001 0 4 99\r\n%s\r\nEND\r\n",
     READ_DONE,
     OUTCOME_GET_END,
     1},
    {QUERY_CAS, 1, {0}, "VALUE kk00000001 0 4\r\n", READ_GARBLED, 0, 0},
    {QUERY_SET, 1, {0}, "STORED\r\n", READ_DONE, OUTCOME_STORED, 0},
    {QUERY_SET, 1, {0}, "CLIENT_ERROR bad data chunk\r\n", READ_DONE, OUTCOME_ERROR, 0},
    {QUERY_SET, 1, {0}, "ERROR\r\n", READ_DONE, OUTCOME_ERROR, 0},
    {QUERY_SET, 1, {0}, "STORE\r\n", READ_GARBLED, 0, 0},
    {QUERY_SET, 1, {0}, "5\r\n", READ_GARBLED, 0, 0},
    {QUERY_ADD, 1, {0}, "NOT_STORED\r\n", READ_DONE, OUTCOME_NOT_STORED, 0},
    {QUERY_DELETE, 1, {0}, "DELETED\r\n", READ_DONE, OUTCOME_STORED, 0},
    {QUERY_DELETE, 1, {0}, "STORED\r\n", READ_GARBLED, 0, 0},
    {QUERY_SET, 1, {0}, "DELETED\r\n", READ_GARBLED, 0, 0},
    {QUERY_INCR, 1, {0}, "STORED\r\n", READ_GARBLED, 0, 0},
    {QUERY_CAS, 1, {0}, "STORED\r\n", READ_GARBLED, 0, 0},
    {QUERY_SET, 1, {0}, "EXISTS\r\n", READ_GARBLED, 0, 0},
    {QUERY_DELETE, 1, {0}, "NOT_FOUND\r\n", READ_DONE, OUTCOME_NOT_FOUND, 0},
    {QUERY_TOUCH, 1, {0}, "TOUCHED\r\n", READ_DONE, OUTCOME_STORED, 0},
    {QUERY_INCR, 1, {0}, "18446744073709551615\r\n", READ_DONE, OUTCOME_NUMBER, 0},
    {QUERY_DECR, 1, {0}, "9 \r\n", READ_DONE, OUTCOME_NUMBER, 0},
    {QUERY_DECR, 1, {0}, "9x\r\n", READ_GARBLED, 0, 0},
    {QUERY_NOOP, 0, {0}, "VERSION 1.6.18\r\n", READ_DONE, OUTCOME_STORED, 0},
};

START_TEST(replies_in_any_cut)
{
    check_reply(&wire_text, &replies[_i]);
}
END_TEST

START_TEST(a_line_without_end_is_garbled)
{
    static char stream[WIRE_LINE_MAX + 1];
    struct seen seen;

    query.kind = QUERY_SET;
    memset(stream, 'S', sizeof(stream));
    seen = read_split(&wire_text, stream, WIRE_LINE_MAX - 1, 0);
    ck_assert_int_eq(seen.last, READ_MORE);
    seen = read_split(&wire_text, stream, WIRE_LINE_MAX, 0);
    ck_assert_int_eq(seen.last, READ_GARBLED);
}
END_TEST

/* A send that took only a part: the rest of the same bytes follows. */
START_TEST(skipping_what_was_sent)
{
    static char whole[210000];
    static char rest[210000];
    size_t len;

    query.kind = QUERY_SET;
    query.value_bytes = 200000;
    query.version = 1;
    wire_text.write(&out, &keys, &query);
    len = flatten(whole);
    for (size_t skip = 0; skip < len; skip += 977) {
        out_reset(&out);
        wire_text.write(&out, &keys, &query);
        out_skip(&out, skip);
        ck_assert_uint_eq(flatten(rest), len - skip);
        ck_assert_mem_eq(rest, whole + skip, len - skip);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("text");

    value_init();
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, heads_are_as_the_protocol_says, 0, (int)ARRAY_LEN(heads));
    tcase_add_loop_test(tc, stores_carry_their_value, 0, (int)ARRAY_LEN(stores));
    tcase_add_loop_test(tc, replies_in_any_cut, 0, (int)ARRAY_LEN(replies));
    tcase_add_test(tc, a_line_without_end_is_garbled);
    tcase_add_test(tc, skipping_what_was_sent);
    return leak_run(tc, "text");
}
