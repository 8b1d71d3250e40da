/* The binary protocol: requests as the protocol says, replies cut at every byte. */
#include "wire/replies.h"

/* A header as the protocol has it: what is not named is 0. */
struct frame {
    unsigned magic, opcode, key_bytes, extras_bytes, status, body_bytes, opaque, cas;
};

static size_t
put_frame(char *dst, const struct frame *f)
{
    unsigned char *p = (unsigned char *)dst;

    memset(p, 0, 24);
    p[0] = (unsigned char)f->magic;
    p[1] = (unsigned char)f->opcode;
    p[3] = (unsigned char)f->key_bytes;
    p[4] = (unsigned char)f->extras_bytes;
    p[7] = (unsigned char)f->status;
    p[10] = (unsigned char)(f->body_bytes >> 8);
    p[11] = (unsigned char)f->body_bytes;
    p[15] = (unsigned char)f->opaque;
    p[23] = (unsigned char)f->cas;
    return 24;
}

static const struct {
    struct query query;
    struct frame want;
} requests[] = {
    {{.kind = QUERY_GET, .key_count = 1}, {0x80, 0x00, 10, 0, 0, 10, 1, 0}},
    {{.kind = QUERY_GAT, .key_count = 1, .ttl_s = 9}, {0x80, 0x1d, 10, 4, 0, 14, 1, 0}},
    {{.kind = QUERY_TOUCH, .key_count = 1}, {0x80, 0x1c, 10, 4, 0, 14, 1, 0}},
    {{.kind = QUERY_CAS, .key_count = 1}, {0x80, 0x00, 10, 0, 0, 10, 1, 0}},
    {{.kind = QUERY_CAS, .key_count = 1, .cas = 7, .value_bytes = 30},
     {0x80, 0x01, 10, 8, 0, 48, 1, 7}},
    {{.kind = QUERY_SET, .key_count = 1, .value_bytes = 300},
     {0x80, 0x01, 10, 8, 0, 318, 1, 0}},
    {{.kind = QUERY_SET, .key_count = 1, .flags = QUERY_QUIET},
     {0x80, 0x11, 10, 8, 0, 18, 1, 0}},
    {{.kind = QUERY_ADD, .key_count = 1}, {0x80, 0x02, 10, 8, 0, 18, 1, 0}},
    {{.kind = QUERY_REPLACE, .key_count = 1}, {0x80, 0x03, 10, 8, 0, 18, 1, 0}},
    {{.kind = QUERY_APPEND, .key_count = 1, .value_bytes = 5},
     {0x80, 0x0e, 10, 0, 0, 15, 1, 0}},
    {{.kind = QUERY_PREPEND, .key_count = 1, .value_bytes = 5},
     {0x80, 0x0f, 10, 0, 0, 15, 1, 0}},
    {{.kind = QUERY_DELETE, .key_count = 1}, {0x80, 0x04, 10, 0, 0, 10, 1, 0}},
    {{.kind = QUERY_DELETE, .key_count = 1, .flags = QUERY_QUIET},
     {0x80, 0x14, 10, 0, 0, 10, 1, 0}},
    {{.kind = QUERY_INCR, .key_count = 1}, {0x80, 0x05, 10, 20, 0, 30, 1, 0}},
    {{.kind = QUERY_DECR, .key_count = 1}, {0x80, 0x06, 10, 20, 0, 30, 1, 0}},
    {{.kind = QUERY_NOOP}, {0x80, 0x0a, 0, 0, 0, 0, 0, 0}},
};

START_TEST(requests_are_as_the_protocol_says)
{
    char bytes[1024];
    char want[24];
    size_t len;

    query = requests[_i].query;
    query.keys = query_keys;
    wire_binary.write(&out, &keys, &query);
    len = flatten(bytes);
    (void)put_frame(want, &requests[_i].want);
    ck_assert_mem_eq(bytes, want, 24);
    ck_assert_uint_eq(len, 24 + requests[_i].want.body_bytes);
    ck_assert_uint_eq(query.wire_bytes, len);
}
END_TEST

START_TEST(a_batch_ends_with_noop)
{
    static const struct frame get = {0x80, 0x0d, 10, 0, 0, 10, 2, 0};
    static const struct frame noop = {0x80, 0x0a, 0, 0, 0, 0, 3, 0};
    char bytes[256];
    char want[24];

    query.kind = QUERY_GET;
    query.key_count = 3;
    wire_binary.write(&out, &keys, &query);
    ck_assert_uint_eq(flatten(bytes), 3 * 34 + 24);
    (void)put_frame(want, &get);
    ck_assert_mem_eq(bytes + 68, want, 24);
    ck_assert_mem_eq(bytes + 92, "kk00000003", 10);
    (void)put_frame(want, &noop);
    ck_assert_mem_eq(bytes + 102, want, 24);
}
END_TEST

/* Frames, each followed by its body: extras, key, and a value of 4 bytes of key `value_of`. */
struct reply_frame {
    struct frame frame;
    const char *key;
    uint32_t value_of; /* 0: no value */
};

static const struct {
    enum query_kind kind;
    uint32_t key_count;
    struct reply_frame frames[3];
    enum read_result want;
    enum outcome outcome;
    uint32_t values;
} replies[] = {
    {QUERY_GET, 1, {{{0x81, 0, 0, 4, 0, 8, 1, 5}, "", 1}}, READ_LAST_VALUE, OUTCOME_GET_END, 1},
    {QUERY_GET, 1, {{{0x81, 0, 0, 0, 1, 0, 1, 0}, "", 0}}, READ_DONE, OUTCOME_GET_END, 0},
    {QUERY_GET, 1, {{{0x81, 0, 0, 0, 0x82, 0, 1, 0}, "", 0}}, READ_DONE, OUTCOME_ERROR, 0},
    {QUERY_GET, 1, {{{0x81, 0, 0, 4, 0, 8, 2, 5}, "", 1}}, READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {{{0x80, 0, 0, 4, 0, 8, 1, 5}, "", 1}}, READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {{{0x81, 0, 9, 4, 0, 8, 1, 5}, "", 1}}, READ_GARBLED, 0, 0},
    {QUERY_GET, 1, {{{0x81, 1, 0, 0, 0, 0, 1, 5}, "", 0}}, READ_GARBLED, 0, 0},
    {QUERY_GET, 3, {{{0x81, 0, 0, 4, 0, 8, 1, 5}, "", 1}}, READ_GARBLED, 0, 0},
    {QUERY_SET, 1, {{{0x81, 4, 0, 0, 0, 0, 1, 9}, "", 0}}, READ_GARBLED, 0, 0},
    {QUERY_GET, 3, {{{0x81, 0x0a, 0, 0, 0, 0, 3, 0}, "", 0}}, READ_DONE, OUTCOME_GET_END, 0},
    {QUERY_GET,
     3,
     {{{0x81, 0x0d, 10, 4, 0, 18, 0, 5}, "kk00000001", 1},
      {{0x81, 0x0d, 10, 4, 0, 18, 2, 5}, "kk00000003", 3},
      {{0x81, 0x0a, 0, 0, 0, 0, 3, 0}, "", 0}},
     READ_DONE,
     OUTCOME_GET_END,
     2},
    {QUERY_GET, 3, {{{0x81, 0x0d, 10, 4, 0, 18, 0, 5}, "kk00000002", 1}}, READ_GARBLED, 0, 0},
    {QUERY_GET, 3, {{{0x81, 0x0d, 10, 4, 0, 18, 7, 5}, "kk00000001", 1}}, READ_GARBLED, 0, 0},
    {QUERY_SET, 1, {{{0x81, 1, 0, 0, 0, 0, 1, 9}, "", 0}}, READ_DONE, OUTCOME_STORED, 0},
    {QUERY_ADD, 1, {{{0x81, 2, 0, 0, 2, 0, 1, 0}, "", 0}}, READ_DONE, OUTCOME_NOT_STORED, 0},
    {QUERY_DELETE, 1, {{{0x81, 4, 0, 0, 1, 0, 1, 0}, "", 0}}, READ_DONE, OUTCOME_NOT_FOUND, 0},
    {QUERY_INCR,
     1,
     {{{0x81, 5, 0, 0, 0, 8, 1, 0}, "12345678", 0}},
     READ_DONE,
     OUTCOME_NUMBER,
     0},
    {QUERY_INCR, 1, {{{0x81, 5, 0, 0, 0, 0, 1, 0}, "", 0}}, READ_GARBLED, 0, 0},
    {QUERY_NOOP, 0, {{{0x81, 0x0a, 0, 0, 0, 0, 0, 0}, "", 0}}, READ_DONE, OUTCOME_STORED, 0},
    {QUERY_GET, 1, {{{0x81, 0x11, 0, 0, 0x82, 0, 1, 0}, "", 0}}, READ_STRAY_ERROR, 0, 0},
};

static size_t
put_reply(char *dst, const struct reply_frame *r)
{
    struct value_id id = {.key = r->value_of, .bytes = 4};
    char *p = dst + put_frame(dst, &r->frame);

    memset(p, 0, r->frame.extras_bytes);
    p += r->frame.extras_bytes;
    memcpy(p, r->key, strlen(r->key));
    p += strlen(r->key);
    if (r->value_of != 0) {
        value_write((unsigned char *)p, &id);
        p += 4;
    }
    return (size_t)(p - dst);
}

START_TEST(replies_in_any_cut)
{
    char stream[512];
    size_t len = 0;

    for (int i = 0; i < 3 && replies[_i].frames[i].frame.magic != 0; i++)
        len += put_reply(stream + len, &replies[_i].frames[i]);
    query.kind = (uint8_t)replies[_i].kind;
    query.key_count = replies[_i].key_count;
    check_stream(&wire_binary, stream, len, replies[_i].want, replies[_i].outcome,
                 replies[_i].values);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("binary");

    value_init();
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, requests_are_as_the_protocol_says, 0, (int)ARRAY_LEN(requests));
    tcase_add_test(tc, a_batch_ends_with_noop);
    tcase_add_loop_test(tc, replies_in_any_cut, 0, (int)ARRAY_LEN(replies));
    return leak_run(tc, "binary");
}
