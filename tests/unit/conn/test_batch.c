#include "batch.h"

#include <string.h>

#include "rig.h"

/* --- What is parsed ahead --- */

static const struct ahead {
    const char *name;
    struct slice input;
    uint32_t count;   /* requests of the first batch */
    uint32_t end_off; /* of the input, behind them */
} aheads[] = {
    {"no barrier", {"get a\r\nversion\r\nget b\r\n", 23}, 3, 23},
    {"text quit", {"get a\r\nquit\r\nget b\r\n", 20}, 2, 13},
    {"text shutdown", {"shutdown\r\nget a\r\nget b\r\n", 24}, 1, 10},
    {"binary quit",
     {"\x80\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "\x80\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "\x80\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
      72},
     2,
     48},
};

/* What comes behind a barrier may have another meaning once that was executed. */
START_TEST(a_batch_ends_behind_a_barrier)
{
    const struct ahead *row = &aheads[_i];
    struct dispatch dispatch = {.budget = {.requests = 100}};
    struct conn *c;

    dial(0);
    iterate(2);
    c = conn_at(0);
    dispatch.batch.entries = server->batch;
    ck_assert_int_ne(pool_loan(server->pool, &c->link, LOAN_FOR_INPUT, &c->rbuf), LOAN_WAITING);
    buf_append(c->rbuf, row->input);
    conn_parse_ahead(c, &dispatch);
    ck_assert_msg(dispatch.batch.count == row->count, "%s", row->name);
    ck_assert_msg(dispatch.batch.end_off == row->end_off, "%s", row->name);
    conn_rewind(c, &dispatch);
    buf_clear(c->rbuf, NULL);
    pool_return(server->pool, LOAN_FOR_INPUT, &c->rbuf);
}
END_TEST

/* --- A value for an operation that stores none --- */

enum { ODD_BODY_BYTES = 100000 };

/* A protocol that a mistake is in: each byte is a get with a value. */
static enum parse_result
odd_parse(struct proto_state *state UNUSED, const struct session *session UNUSED,
          struct slice in UNUSED, struct request *req, size_t *used)
{
    memset(req, 0, sizeof(*req));
    req->op = OP_GET;
    req->flags = REQ_LAST;
    req->key = SLICE("a");
    req->value_bytes = ODD_BODY_BYTES;
    req->body_bytes = ODD_BODY_BYTES;
    *used = 1;
    return PARSE_COMPLETE;
}

START_TEST(what_nothing_stores_is_discarded)
{
    static char body[ODD_BODY_BYTES];
    struct proto_ops odd = proto_text;

    odd.parse = odd_parse;
    dial(0);
    iterate(2);
    conn_at(0)->proto = &odd;
    for (int i = 0; i < 3; i++) {
        say_bytes(0, "g", 1);
        say_bytes(0, body, sizeof(body));
        expect(0, "END\r\n");
        ck_assert_uint_eq(cmd_pin_count(server->cmd), 0);
    }
}
END_TEST

/* --- The first byte --- */

START_TEST(the_protocol_is_not_known_before_a_byte)
{
    dial(0);
    iterate(2);
    ck_assert_ptr_null(conn_at(0)->proto);
    say(0, "version\r\n");
    ck_assert_ptr_eq(conn_at(0)->proto, &proto_text);
    (void)hear(0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("batch");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_loop_test(tc, a_batch_ends_behind_a_barrier, 0, ARRAY_LEN(aheads));
    tcase_add_test(tc, what_nothing_stores_is_discarded);
    tcase_add_test(tc, the_protocol_is_not_known_before_a_byte);
    return leak_run(tc, "conn/batch");
}
