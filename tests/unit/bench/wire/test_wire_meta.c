/* The meta commands: requests as the protocol says, replies cut at every byte. */
#include "wire/replies.h"

static const struct {
    struct query query;
    const char *want; /* the first line, or all of it where there is no value */
} requests[] = {
    {{.kind = QUERY_GET, .key_count = 1}, "mg kk00000001 v\r\n"},
    {{.kind = QUERY_GET, .key_count = 2},
     "mg kk00000001 v k q\r\nmg kk00000002 v k q\r\nmn\r\n"},
    {{.kind = QUERY_GET, .key_count = 1, .flags = QUERY_LEASE}, "mg kk00000001 v N30\r\n"},
    {{.kind = QUERY_GET, .key_count = 1, .flags = QUERY_LEASE, .recache_s = 5},
     "mg kk00000001 v N30 R5\r\n"},
    {{.kind = QUERY_DELETE, .key_count = 1, .flags = QUERY_LEASE}, "md kk00000001 I T30\r\n"},
    {{.kind = QUERY_GAT, .key_count = 1, .ttl_s = 90}, "mg kk00000001 v T90\r\n"},
    {{.kind = QUERY_TOUCH, .key_count = 1, .ttl_s = 90}, "mg kk00000001 T90\r\n"},
    {{.kind = QUERY_CAS, .key_count = 1}, "mg kk00000001 v c\r\n"},
    {{.kind = QUERY_CAS, .key_count = 1, .cas = 5, .value_bytes = 3}, "ms kk00000001 3 C5\r\n"},
    {{.kind = QUERY_SET, .key_count = 1, .value_bytes = 3}, "ms kk00000001 3\r\n"},
    {{.kind = QUERY_SET, .key_count = 1, .value_bytes = 3, .ttl_s = 7, .flags = QUERY_QUIET},
     "ms kk00000001 3 T7 q\r\n"},
    {{.kind = QUERY_ADD, .key_count = 1, .value_bytes = 3}, "ms kk00000001 3 ME\r\n"},
    {{.kind = QUERY_REPLACE, .key_count = 1, .value_bytes = 3}, "ms kk00000001 3 MR\r\n"},
    {{.kind = QUERY_APPEND, .key_count = 1, .value_bytes = 3}, "ms ak00000001 3 MA\r\n"},
    {{.kind = QUERY_PREPEND, .key_count = 1, .value_bytes = 3}, "ms ak00000001 3 MP\r\n"},
    {{.kind = QUERY_DELETE, .key_count = 1}, "md kk00000001\r\n"},
    {{.kind = QUERY_INCR, .key_count = 1}, "ma nk00000001 v\r\n"},
    {{.kind = QUERY_DECR, .key_count = 1}, "ma nk00000001 MD v\r\n"},
    {{.kind = QUERY_NOOP}, "mn\r\n"},
};

/* Items with flags of their own. */
START_TEST(flags)
{
    char bytes[256];
    char want[64];

    keys.flagged = true;
    query.kind = QUERY_GET;
    wire_meta.write(&out, &keys, &query);
    ck_assert_uint_eq(flatten(bytes), strlen("mg kk00000001 v f\r\n"));
    ck_assert_mem_eq(bytes, "mg kk00000001 v f\r\n", query.wire_bytes);
    out_reset(&out);
    query.kind = QUERY_SET;
    query.value_bytes = 3;
    wire_meta.write(&out, &keys, &query);
    (void)flatten(bytes);
    (void)snprintf(want, sizeof(want), "ms kk00000001 3 F%u\r\n", keys_flags(&keys, 1));
    ck_assert_uint_ne(keys_flags(&keys, 1), keys_flags(&keys, 2));
    ck_assert_mem_eq(bytes, want, strlen(want));
}
END_TEST

START_TEST(requests_are_as_the_protocol_says)
{
    const char *want = requests[_i].want;
    char bytes[256];
    size_t len;

    query = requests[_i].query;
    query.keys = query_keys;
    wire_meta.write(&out, &keys, &query);
    len = flatten(bytes);
    ck_assert_uint_eq(query.wire_bytes, len);
    ck_assert_uint_eq(len, strlen(want) + (query.value_bytes > 0 ? query.value_bytes + 2 : 0));
    ck_assert_mem_eq(bytes, want, strlen(want));
}
END_TEST

static const struct reply_case replies[] = {
    {QUERY_GET, 1, {0}, "EN\r\n", READ_DONE, OUTCOME_GET_END, 0},
    {QUERY_GET, 1, {1}, "VA 4\r\n%s\r\n", READ_LAST_VALUE, OUTCOME_GET_END, 1},
    {QUERY_GAT, 1, {1}, "VA 4\r\n%s\r\n", READ_LAST_VALUE, OUTCOME_GET_END, 1},
    {QUERY_CAS, 1, {1}, "VA 4 c77\r\n%s\r\n", READ_LAST_VALUE, OUTCOME_GET_END, 1},
    {QUERY_GET, 3, {0}, "MN\r\n", READ_DONE, OUTCOME_GET_END, 0},
    {QUERY_GET,
     3,
     {1, 3},
     "VA 4 kkk00000001\r\n%s\r\nVA 4 kkk00000003\r\n%s\r\nMN\r\n",
     READ_DONE,
     OUTCOME_GET_END,
     2},
    {QUERY_GET, 3, {0}, "VA 4\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 3, {0}, "VA 4 kkk00000009\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 3, {0}, "EN\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {0}, "VA x\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {0}, "VA 4 \r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {1}, "VA 4\r\n%sxx", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {0}, "HD\r\n", READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {0}, "SERVER_ERROR busy\r\n", READ_DONE, OUTCOME_ERROR, 0},
    {QUERY_SET, 1, {0}, "HD\r\n", READ_DONE, OUTCOME_STORED, 0},
    {QUERY_SET, 1, {0}, "NS\r\n", READ_DONE, OUTCOME_NOT_STORED, 0},
    {QUERY_CAS, 1, {0}, "EN\r\n", READ_DONE, OUTCOME_GET_END, 0},
    {QUERY_DELETE, 1, {0}, "NF\r\n", READ_DONE, OUTCOME_NOT_FOUND, 0},
    {QUERY_TOUCH, 1, {0}, "EN\r\n", READ_DONE, OUTCOME_NOT_FOUND, 0},
    {QUERY_TOUCH, 1, {0}, "HD\r\n", READ_DONE, OUTCOME_STORED, 0},
    {QUERY_INCR, 1, {0}, "VA 10\r\n1000000001\r\n", READ_DONE, OUTCOME_NUMBER, 0},
    {QUERY_INCR, 1, {0}, "VA 2\r\nxx\r\n", READ_GARBLED, 0, 0},
    {QUERY_INCR, 1, {0}, "NF\r\n", READ_DONE, OUTCOME_NOT_FOUND, 0},
    {QUERY_NOOP, 0, {0}, "MN\r\n", READ_DONE, OUTCOME_STORED, 0},
    {QUERY_SET, 1, {0}, "MN\r\n", READ_GARBLED, 0, 0},
};

START_TEST(replies_in_any_cut)
{
    check_reply(&wire_meta, &replies[_i]);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("meta");

    value_init();
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, flags);
    tcase_add_loop_test(tc, requests_are_as_the_protocol_says, 0, (int)ARRAY_LEN(requests));
    tcase_add_loop_test(tc, replies_in_any_cut, 0, (int)ARRAY_LEN(replies));
    return leak_run(tc, "meta");
}
