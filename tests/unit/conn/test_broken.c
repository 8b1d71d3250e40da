#include <string.h>

#include "conn.h"
#include "lombard/base/invariant.h"
#include "receive.h"
#include "rig.h"
#include "task.h"

/*
 * An invariant that does not hold, as in a release build: it is counted, the one connection is
 * closed, and its neighbour is served on.
 */

/* --- What is broken of connection 0, while the loop does not run --- */

static void
append_too_much(struct conn *c)
{
    static char bytes[BUF_BYTES];

    buf_append(c->wbuf, slice_make(bytes, sizeof(bytes)));
}

static void
swap_offsets(struct conn *c)
{
    c->wbuf->read_off = c->wbuf->write_off + 1;
}

static void
overlap_references(struct conn *c)
{
    c->wbuf->write_off = BUF_BYTES;
}

static void
be_ready_in_no_state(struct conn *c)
{
    conn_leave_list(c);
    c->state = CONN_IDLE;
    list_push_back(&server->ready, &c->link.node);
}

static void
lose_the_head(struct conn *c)
{
    ck_assert_ptr_nonnull(c->task);
    memset(c->task->head, ' ', c->task->head_bytes);
}

static const struct breach {
    const char *name;
    const char *value_of; /* connection 0 stalls on this value; NULL: it uploads one */
    void (*break_it)(struct conn *c);
} breaches[] = {
    {"more is appended than fits", "v", append_too_much},
    {"more is sent than was formatted", "v", swap_offsets},
    {"bytes and references overlap", "v", overlap_references},
    {"a connection is in the list of another state", "v", be_ready_in_no_state},
    {"the head of an upload is lost", NULL, lose_the_head},
};

static void
begin(const struct breach *b)
{
    dial(1);
    dial(0);
    iterate(2);
    if (b->value_of == NULL) {
        say(0, "set up 0 0 100000\r\nabc");
        return;
    }
    store_value(1, "v", 300000);
    stall_on(0, b->value_of);
}

/* Connection 0 goes on: its peer reads, or sends the rest. */
static void
go_on(const struct breach *b)
{
    static char rest[100000];

    if (b->value_of != NULL) {
        (void)hear(0);
        return;
    }
    memset(rest, 'r', sizeof(rest));
    say_bytes(0, rest, sizeof(rest));
    iterate(3);
}

START_TEST(one_connection_is_closed)
{
    const struct breach *b = &breaches[_i];
    uint64_t before = invariants()->broken;

    begin(b);
    invariants_survive(true);
    b->break_it(conn_at(1));
    ck_assert(loop_iterate(server_loop(server), 0)); /* without an event of it */
    go_on(b);
    ck_assert_msg(server->closes[CLOSE_INTERNAL] == 1, "%s: not closed", b->name);
    ck_assert_msg(invariants()->broken > before, "%s: not counted", b->name);
    ck_assert_msg(is_closed(0), "%s: not closed for its peer", b->name);
    say(1, "mn\r\n");
    expect(1, "MN\r\n");
    hang_up(1);
    iterate(5);
    invariants_survive(false);
}
END_TEST

/* --- A buffer that comes back, or goes out, with something in it --- */

START_TEST(what_is_lent_is_empty)
{
    struct borrower lender;
    struct buf *buf = NULL;
    struct buf *stale;

    list_init(&lender.node);
    dial(0);
    iterate(2);
    ck_assert_int_eq(pool_loan(server->pool, &lender, LOAN_FOR_INPUT, &buf), LOAN_ALLOCATED);
    pool_return(server->pool, LOAN_FOR_INPUT, &buf);
    invariants_survive(true);
    whisper(0, "version\r\n");
    /* The freelist is a stack: this is the next one that is lent. */
    ck_assert_int_eq(pool_loan(server->pool, &lender, LOAN_FOR_INPUT, &buf), LOAN_LOANED);
    stale = buf;
    pool_return(server->pool, LOAN_FOR_INPUT, &buf);
    buf_append(stale, SLICE("of another client"));
    ck_assert(loop_iterate(server_loop(server), 0));
    ck_assert_uint_eq(server->closes[CLOSE_INTERNAL], 1);
    ck_assert_uint_eq(server->table.conns, 0);
    invariants_survive(false);
}
END_TEST

/* A parser that never refuses would fill the buffer: that one connection is closed. */
START_TEST(a_full_read_buffer_closes)
{
    struct budget budget = {.bytes = 1, .requests = 1};
    struct conn *c;

    dial(0);
    iterate(1);
    c = conn_at(0);
    ck_assert_int_eq(pool_loan(server->pool, &c->link, LOAN_FOR_INPUT, &c->rbuf),
                     LOAN_ALLOCATED);
    buf_produced(c->rbuf, buf_room(c->rbuf));
    invariants_survive(true);
    ck_assert_int_eq(conn_receive(c, &budget), RECEIVED_END);
    invariants_survive(false);
    conn_release(c);
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_INTERNAL], 1);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("broken");

    rig_breaks_invariants = true;
    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_loop_test(tc, one_connection_is_closed, 0, ARRAY_LEN(breaches));
    tcase_add_test(tc, what_is_lent_is_empty);
    tcase_add_test(tc, a_full_read_buffer_closes);
    return leak_run(tc, "conn/broken");
}
