#include <string.h>
#include <sys/uio.h>

#include "rig.h"
#include "task.h"

/* The check of the invariants is itself checked: whatever is broken, it says so. */

static void
expect_broken(const char *want)
{
    char why[128] = "";

    ck_assert_msg(!server_check(server, why, sizeof(why)), "not seen: %s", want);
    ck_assert_str_eq(why, want);
}

static void
expect_whole(void)
{
    char why[128] = "";

    ck_assert_msg(server_check(server, why, sizeof(why)), "%s", why);
}

/* Another buffer than its own, in SLOT; what was there comes back at the end. */
static struct buf other;

static void
setup(void)
{
    rig_start();
    buf_init(&other);
    dial(0);
    iterate(2);
}

START_TEST(states)
{
    struct conn *c = conn_at(0);

    c->state = CONN_RUNNING;
    expect_broken("a connection runs between two iterations");
    c->state = CONN_DEAD;
    expect_broken("a dead connection was not reaped");
    c->state = CONN_WAITING;
    expect_broken("a connection waits for a buffer and is watched");
    c->state = CONN_STALLED;
    expect_broken("the number of stalled connections is wrong");
    server->stats.conn_stalled++;
    expect_broken("a stalled connection holds nothing");
    server->stats.conn_stalled--;
    c->state = CONN_READY;
    expect_broken("the number of ready connections is wrong");
    server->stats.conn_ready++;
    expect_broken("a list and its state disagree");
    c->keeps_replies = true;
    expect_broken("replies are held while a buffer may have to be waited for");
    c->keeps_replies = false;
    server->stats.conn_ready--;
    c->state = CONN_IDLE;
    list_push_back(&server->ready, &c->link.node);
    expect_broken("a list and its state disagree");
    list_remove(&c->link.node);
    c->watch.wanted = WATCH_OUT;
    expect_broken("an idle connection is not watched for input");
    c->watch.wanted = WATCH_IN;
    expect_whole();
}
END_TEST

START_TEST(who_waits)
{
    struct conn *c = conn_at(0);

    c->state = CONN_WAITING;
    c->watch.wanted = 0;
    expect_broken("the queues of the pool and the waiting connections disagree");
    c->wbuf = &other;
    expect_broken("a connection waits for a buffer and holds an empty one");
    c->wbuf = NULL;
    c->state = CONN_IDLE;
    c->watch.wanted = WATCH_IN;
    expect_whole();
}
END_TEST

/* What is queued and does not lie in the buffer itself. */
static const void *
first_pinned(const struct buf *buf)
{
    struct iovec iov[4];
    int count = buf_iovecs(buf, iov, ARRAY_LEN(iov), SIZE_MAX);

    for (int i = 0; i < count; i++) {
        const unsigned char *at = iov[i].iov_base;

        if (at < buf->data || at >= buf->data + BUF_BYTES)
            return at;
    }
    ck_abort_msg("nothing is queued by reference");
}

/* Two that really stall, with what they hold. */
START_TEST(what_is_stalled_in_truth)
{
    const void *pinned;
    struct conn *first;
    struct conn *second;

    dial(1);
    dial(2);
    store_value(0, "v", 300000);
    stall_on(1, "v");
    stall_on(2, "v");
    first = conn_at(1);
    second = conn_at(2);
    ck_assert_ptr_ne(first, second);
    list_remove(&first->link.node);
    expect_broken("a list and its state disagree");
    stall_put(&server->stalled[STALL_BLOCKED][0], &first->link.node, server->attended_ms, 0);
    pinned = first_pinned(first->wbuf);
    cmd_unpin(server->cmd, pinned);
    expect_broken("a pin has no owner, or was released too early");
    cmd_pin(server->cmd, pinned);
    server->stats.stash_bytes++;
    expect_broken("stashes are counted wrongly, or above their limit");
    server->stats.stash_bytes--;
    server->config.buffer_bytes = 0;
    if (server->stats.stash_bytes > 0)
        expect_broken("stashes are counted wrongly, or above their limit");
    server->config.buffer_bytes = SERVER_BUFFER_BYTES_MIN;
    expect_whole();
}
END_TEST

START_TEST(what_an_idle_one_holds)
{
    struct conn *c = conn_at(0);
    struct task task;

    c->rbuf = &other;
    expect_broken("an idle connection holds a buffer or a task");
    c->rbuf = NULL;
    c->wbuf = &other;
    expect_broken("an idle connection holds a buffer or a task");
    c->wbuf = NULL;
    c->task = &task;
    expect_broken("an idle connection holds a buffer or a task");
    c->task = NULL;
    server->config.keep_buffers = true;
    c->rbuf = &other;
    expect_broken("the ledger and the connections disagree about what is lent");
    c->state = CONN_STALLED;
    expect_broken("the ledger and the connections disagree about what is lent");
    c->state = CONN_IDLE;
    c->rbuf = NULL;
    server->config.keep_buffers = false;
    expect_whole();
}
END_TEST

START_TEST(what_a_stalled_one_holds)
{
    struct conn *c = conn_at(0);

    c->state = CONN_STALLED;
    c->rbuf = &other;
    expect_broken("a stalled connection holds an empty buffer");
    c->rbuf = NULL;
    c->wbuf = &other;
    expect_broken("a stalled connection holds an empty buffer");
    other.write_off = 1;
    c->blocked = true;
    expect_broken("a blocked connection is not watched for output alone");
    c->blocked = false;
    expect_broken("the ledger and the connections disagree about what is lent");
    c->wbuf = NULL;
    c->rbuf = &other;
    c->stash = (struct stash *)(void *)&other; /* only its being there is looked at */
    expect_broken("a connection has a stash and a read buffer");
    c->stash = NULL;
    c->rbuf = NULL;
    c->state = CONN_IDLE;
    expect_whole();
}
END_TEST

START_TEST(totals)
{
    struct borrower stray = {.node = {NULL, NULL}};
    struct buf *buf = NULL;
    struct buf *stale;

    server->table.conns++;
    expect_broken("the number of connections is wrong");
    server->table.conns--;
    server->role_conns[ROLE_CLIENT]++;
    expect_broken("the number of connections is wrong");
    server->role_conns[ROLE_CLIENT]--;
    server->stats.conn_stalled++;
    expect_broken("the number of stalled connections is wrong");
    server->stats.conn_stalled--;
    list_init(&stray.node);
    list_push_back(&server->dead, &stray.node);
    expect_broken("a dead connection is left in the list");
    list_remove(&stray.node);
    ck_assert_int_eq(pool_loan(server->pool, &stray, LOAN_FOR_OUTPUT, &buf), LOAN_ALLOCATED);
    expect_broken("the ledger and the connections disagree about what is lent");
    stale = buf;
    pool_return(server->pool, LOAN_FOR_OUTPUT, &buf);
    stale->write_off = 1;
    expect_broken("the freelist or its ledger is wrong");
    stale->write_off = 0;
    expect_whole();
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("check");

    tcase_add_checked_fixture(tc, setup, rig_stop);
    tcase_add_test(tc, states);
    tcase_add_test(tc, who_waits);
    tcase_add_test(tc, what_is_stalled_in_truth);
    tcase_add_test(tc, what_an_idle_one_holds);
    tcase_add_test(tc, what_a_stalled_one_holds);
    tcase_add_test(tc, totals);
    return leak_run(tc, "conn/check");
}
