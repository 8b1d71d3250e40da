#include <string.h>
#include <sys/socket.h>

#include "conn.h"
#include "group.h"
#include "rig.h"

/* --- Buffers that the test itself holds --- */

enum {
    BUFFERS = SERVER_BUFFER_BYTES_MIN / BUF_TOTAL_BYTES,
    INPUT_BUFFERS = BUFFERS - SERVER_BUFFER_BYTES_MIN / 4 / BUF_TOTAL_BYTES,
};

static struct borrower holder;
static struct buf *held[BUFFERS];
static enum loan_purpose held_for[BUFFERS];
static int held_count;

/* Borrow until LENT are lent in all. */
static void
hold_until(uint64_t all, enum loan_purpose purpose)
{
    list_init(&holder.node);
    while (lent() < all) {
        enum loan_result result;

        held[held_count] = NULL;
        held_for[held_count] = purpose;
        result = pool_loan(server->pool, &holder, purpose, &held[held_count]);
        ck_assert(result == LOAN_LOANED || result == LOAN_ALLOCATED);
        held_count++;
    }
}

/* Return the newest COUNT of them. */
static void
let_go(int count)
{
    for (; count > 0; count--) {
        held_count--;
        pool_return(server->pool, held_for[held_count], &held[held_count]);
    }
}

/* Turns without server_check(), which knows nothing of this holder. */
static void
iterate_unchecked(int count)
{
    for (int i = 0; i < count; i++)
        ck_assert(loop_iterate(server_loop(server), 0));
}

static void
send_bytes(int i, struct slice bytes)
{
    ck_assert_int_eq((int)send(clients[i], bytes.ptr, bytes.len, MSG_NOSIGNAL), (int)bytes.len);
}

/* --- Partial commands of neighbours in one group, while there is no buffer for output --- */

#define BYTES(literal)                                                                         \
    {                                                                                          \
        (literal), sizeof(literal) - 1                                                         \
    }
#define NOOP       "\x80\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\x4d\0\0\0\0\0\0\0\0"
#define NOOP_REPLY "\x81\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\x4d\0\0\0\0\0\0\0\0"

static const struct rewind {
    const char *name;
    struct slice neighbour_before; /* makes its protocol known */
    struct slice neighbour_now;
    struct slice first; /* of the victim, in the same group */
    struct slice rest;
    struct slice want;
} rewinds[] = {
    {"text, neighbour binary", BYTES(NOOP), BYTES("\x80\x0a\0\0"), BYTES("get no"),
     BYTES("key\r\n"), BYTES("END\r\n")},
    {"text, neighbour in the keys of a get", BYTES("get aaa "), BYTES("bb"), BYTES("set k 0 0"),
     BYTES(" 3\r\nabc\r\n"), BYTES("STORED\r\n")},
    {"binary, neighbour text", BYTES("mn\r\n"), BYTES("m"), BYTES("\x80\x0a\0\0\0"),
     BYTES("\0\0\0\0\0\0\0\0\0\0\x4d\0\0\0\0\0\0\0\0"), BYTES(NOOP_REPLY)},
    {"in the keys of a get, neighbour text", BYTES("mn\r\n"), BYTES("set k 0 0"),
     BYTES("get aaa b"), BYTES("b\r\n"), BYTES("END\r\n")},
    {"a value that is not all there, neighbour binary", BYTES(NOOP), BYTES("\x80"),
     BYTES("set k 0 0 5\r\nab"), BYTES("cde\r\n"), BYTES("STORED\r\n")},
};

/*
 * Both wait for input; then both get it in one iteration, and no buffer for output is
 * left: what was parsed ahead of them is rewound.
 */
START_TEST(what_is_rewound_is_its_own)
{
    const struct rewind *r = &rewinds[_i];
    size_t len;

    dial(0);
    dial(1);
    iterate(2);
    send_bytes(1, r->neighbour_before);
    (void)hear(1);
    hold_until(INPUT_BUFFERS, LOAN_FOR_INPUT);
    send_bytes(0, r->first);
    send_bytes(1, r->neighbour_now);
    iterate_unchecked(1);
    ck_assert_int_eq(conn_at(0)->state, CONN_WAITING);
    ck_assert_int_eq(conn_at(1)->state, CONN_WAITING);
    let_go(2);
    hold_until(BUFFERS, LOAN_FOR_OUTPUT);
    ck_assert_int_eq(conn_at(0)->state, CONN_READY);
    ck_assert_int_eq(conn_at(1)->state, CONN_READY);
    iterate_unchecked(1);
    /* Each has had to wait, and then its own buffer came back to it, for output. */
    ck_assert_uint_eq(pool_counts(server->pool, LOAN_FOR_OUTPUT)->waiting, 2);
    let_go(held_count);
    iterate(3);
    send_bytes(0, r->rest);
    len = hear(0);
    ck_assert_msg(len == r->want.len && memcmp(out, r->want.ptr, len) == 0, "%s: %zu bytes: %s",
                  r->name, len, out);
    ck_assert_uint_eq(server->closes[CLOSE_PROTOCOL], 0);
}
END_TEST

/*
 * One of a group waits for a buffer that another one of it returns, before it is over itself: it has the
 * buffer then, and goes on.
 */
START_TEST(one_waits_for_a_buffer_of_its_group)
{
    enum { WAITS = BUFFERS - INPUT_BUFFERS }; /* this many before it get one for output */
    const uint64_t minute_ns = UINT64_C(60) * 1000 * 1000 * 1000;
    const struct conn *c;

    _Static_assert((int)WAITS < (int)GROUP_CONNS, "not all of them do");
    for (int i = 0; i < GROUP_CONNS; i++)
        dial(i);
    iterate(3);
    hold_until(INPUT_BUFFERS - GROUP_CONNS, LOAN_FOR_INPUT);
    for (int i = 0; i < GROUP_CONNS; i++) {
        send_bytes(i, SLICE("mn\r\n"));
        conn_at(i)->more_input = true;
        conn_make_ready(conn_at(i), &server->arrived);
    }
    conn_serve_group(server, &server->arrived, SLICE_FIRST);
    ck_assert_uint_eq(pool_counts(server->pool, LOAN_FOR_OUTPUT)->waiting, 1);
    for (int i = 0; i < GROUP_CONNS; i++)
        ck_assert_int_eq(conn_at(i)->state, i == WAITS ? CONN_READY : CONN_IDLE);
    c = conn_at(WAITS);
    ck_assert_ptr_nonnull(c->wbuf);
    ck_assert_uint_lt(latency_unpack(c->queued_at, server->latency.last_ns) + minute_ns -
                          server->latency.last_ns,
                      2 * minute_ns);
    let_go(held_count);
    iterate(3);
    for (int i = 0; i < GROUP_CONNS; i++)
        expect(i, "MN\r\n");
}
END_TEST

/* --- A slice --- */

/* It takes longer than the time between two looks for events, on any machine. */
START_TEST(a_slice_is_interrupted_to_look_for_events)
{
    enum { GETS = 2000 };
    static char gets[7 * GETS];

    dial(0);
    iterate(2);
    for (int i = 0; i < GETS; i++)
        memcpy(gets + 7 * i, "get a\r\n", 7);
    send_bytes(0, slice_make(gets, sizeof(gets)));
    server->looks_in_vain = 0;
    do
        iterate(1);
    while (server->stats.conn_ready > 0);
    ck_assert_uint_eq(hear(0), GETS * strlen("END\r\n"));
    ck_assert_uint_gt(server->stats.conn_pauses, 0);
}
END_TEST

/* While light clients come and go, the slices of those that have more to do are shorter. */
START_TEST(a_slice_is_short_while_there_are_light_clients)
{
    enum { MORE_THAN_A_SHORT_ONE = SHORT_SLICE_BYTES + BUF_BYTES };
    static const char bytes[MORE_THAN_A_SHORT_ONE];
    const int space = 4 * MORE_THAN_A_SHORT_ONE;
    struct conn *c;
    uint64_t before;

    dial(0);
    (void)setsockopt(clients[0], SOL_SOCKET, SO_SNDBUF, &space, sizeof(space));
    say(0, "set a 0 0 4000000 noreply\r\n"); /* refused, and discarded as it comes */
    c = conn_at(0);
    ck_assert_int_eq(c->state, CONN_IDLE);
    before = c->bytes_in;
    ck_assert_int_eq((int)send(clients[0], bytes, sizeof(bytes), MSG_NOSIGNAL),
                     (int)sizeof(bytes));
    c->more_input = true;
    conn_make_ready(c, &server->ready);
    server->looks_in_vain = 0;
    server->look_ns = UINT64_MAX;
    conn_serve_group(server, &server->ready, SLICE_MORE);
    ck_assert_uint_lt(c->bytes_in - before, sizeof(bytes));
    iterate(20);
}
END_TEST

/* As much as a reply of LONG_REPLY bytes needs, so that none of it waits for the client. */
static void
widen(int i)
{
    enum { LONG_REPLY = 700000 };
    const int space = 4 * LONG_REPLY;

    dial(i);
    store_value(i, "long", LONG_REPLY);
    (void)setsockopt(conn_at(i)->watch.fd, SOL_SOCKET, SO_SNDBUF, &space, sizeof(space));
    (void)setsockopt(clients[i], SOL_SOCKET, SO_RCVBUF, &space, sizeof(space));
    iterate(2);
}

/* Ask for it, and serve the first slice. */
static struct conn *
ask_for_a_long_reply(int i)
{
    struct conn *c = conn_at(i);

    send_bytes(i, slice_make("get long\r\n", 10));
    c->more_input = true;
    conn_make_ready(c, &server->arrived);
    conn_serve_group(server, &server->arrived, SLICE_FIRST);
    return c;
}

START_TEST(a_long_reply_leaves_in_one_piece_after_the_first_slice)
{
    struct conn *c;
    uint64_t before;

    widen(0);
    before = conn_at(0)->bytes_out;
    c = ask_for_a_long_reply(0);
    ck_assert_int_eq(c->state, CONN_READY);
    ck_assert_uint_eq(c->bytes_out, before);
    ck_assert_ptr_null(c->rbuf);
    server->looks_in_vain = LOOKS_IN_VAIN;
    conn_serve_group(server, &server->ready, SLICE_MORE);
    ck_assert_uint_gt(c->bytes_out - before, SLICE_BYTES);
    (void)hear(0);
}
END_TEST

START_TEST(a_long_reply_leaves_in_short_slices_while_there_are_light_clients)
{
    struct conn *c;
    uint64_t before;

    widen(0);
    before = conn_at(0)->bytes_out;
    c = ask_for_a_long_reply(0);
    server->looks_in_vain = 0;
    conn_serve_group(server, &server->ready, SLICE_MORE);
    ck_assert_uint_gt(c->bytes_out, before);
    ck_assert_uint_le(c->bytes_out - before, SHORT_SLICE_BYTES);
    (void)hear(0);
}
END_TEST

/* It is noted when it was sent, not when it was formatted. */
START_TEST(a_long_reply_is_timed_until_it_has_left)
{
    struct conn *c;

    widen(0);
    c = ask_for_a_long_reply(0);
    ck_assert(c->keeps_replies);
    ck_assert_uint_eq(latency_noted(&server->latency), 0);
    iterate(1);
    ck_assert(!c->keeps_replies);
    (void)hear(0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("dispatch");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_loop_test(tc, what_is_rewound_is_its_own, 0, ARRAY_LEN(rewinds));
    tcase_add_test(tc, one_waits_for_a_buffer_of_its_group);
    tcase_add_test(tc, a_slice_is_interrupted_to_look_for_events);
    tcase_add_test(tc, a_slice_is_short_while_there_are_light_clients);
    tcase_add_test(tc, a_long_reply_leaves_in_one_piece_after_the_first_slice);
    tcase_add_test(tc, a_long_reply_leaves_in_short_slices_while_there_are_light_clients);
    tcase_add_test(tc, a_long_reply_is_timed_until_it_has_left);
    return leak_run(tc, "conn/dispatch");
}
