#include <string.h>

#include "lombard/loan/pool.h"
#include "leak.h"

enum { LIMIT = 8, RESERVE = 2, BORROWERS = 12 };

/* --- Borrowers of one pool --- */

struct client {
    struct borrower borrower;
    struct buf *held;
    enum loan_purpose purpose;
    unsigned granted_as; /* 1 for the first grant of the test, 2 for the next, ... */
};

static struct pool *pool;
static struct client clients[BORROWERS];
static unsigned grants;

static void
on_grant(struct borrower *borrower, enum loan_purpose purpose, struct buf *buf)
{
    struct client *client = CONTAINER_OF(borrower, struct client, borrower);

    ck_assert_ptr_null(client->held);
    ck_assert_int_eq(purpose, client->purpose);
    client->held = buf;
    client->granted_as = ++grants;
}

static void
setup(void)
{
    struct pool_config config = {
        .limit_bytes = (size_t)LIMIT * BUF_TOTAL_BYTES,
        .reserve_bytes = (size_t)RESERVE * BUF_TOTAL_BYTES,
        .keep_bytes = BUF_TOTAL_BYTES,
    };

    pool = pool_create(&config, on_grant);
    ck_assert_ptr_nonnull(pool);
    grants = 0;
    memset(clients, 0, sizeof(clients));
    for (int i = 0; i < BORROWERS; i++)
        list_init(&clients[i].borrower.node);
}

static enum loan_result
borrow(int i, enum loan_purpose purpose)
{
    clients[i].purpose = purpose;
    return pool_loan(pool, &clients[i].borrower, purpose, &clients[i].held);
}

static void
give_back(int i)
{
    pool_return(pool, clients[i].purpose, &clients[i].held);
}

/* Every loan is paid back, the ledger balances, and nothing is left. */
static void
teardown(void)
{
    struct pool_ledger ledger;

    for (int i = 0; i < BORROWERS; i++)
        if (list_is_linked(&clients[i].borrower.node))
            pool_forget(pool, &clients[i].borrower);
    for (int i = 0; i < BORROWERS; i++) {
        if (clients[i].held != NULL) {
            buf_clear(clients[i].held, NULL);
            give_back(i);
        }
    }
    ck_assert(pool_check(pool));
    pool_ledger(pool, &ledger);
    ck_assert_uint_eq(ledger.lent, 0);
    ck_assert_uint_eq(ledger.waiters, 0);
    ck_assert_uint_eq(ledger.made, ledger.free);
    pool_destroy(pool);
}

static struct pool_ledger
ledger(void)
{
    struct pool_ledger now;

    ck_assert(pool_check(pool));
    pool_ledger(pool, &now);
    return now;
}

/* --- Tests --- */

START_TEST(each_result_once)
{
    const struct pool_counts *in = pool_counts(pool, LOAN_FOR_INPUT);

    ck_assert_int_eq(borrow(0, LOAN_FOR_INPUT), LOAN_ALLOCATED);
    ck_assert_int_eq(borrow(0, LOAN_FOR_INPUT), LOAN_EXISTING);
    give_back(0);
    ck_assert_ptr_null(clients[0].held);
    ck_assert_int_eq(borrow(1, LOAN_FOR_INPUT), LOAN_LOANED);
    for (int i = 2; i < 7; i++)
        ck_assert_int_eq(borrow(i, LOAN_FOR_INPUT), LOAN_ALLOCATED);
    ck_assert_int_eq(borrow(7, LOAN_FOR_INPUT), LOAN_WAITING);
    ck_assert_uint_eq(in->existing, 1);
    ck_assert_uint_eq(in->loaned, 1);
    ck_assert_uint_eq(in->allocated, 6);
    ck_assert_uint_eq(in->waiting, 1);
    ck_assert_uint_eq(in->failed, 0);
    ck_assert_uint_eq(ledger().lent, 6);
}
END_TEST

/* The buffer lent next is the one that came back last: it is still in the cache. */
START_TEST(last_returned_is_lent_first)
{
    struct buf *last;

    (void)!borrow(0, LOAN_FOR_INPUT);
    (void)!borrow(1, LOAN_FOR_INPUT);
    last = clients[0].held;
    give_back(1);
    give_back(0);
    (void)!borrow(2, LOAN_FOR_OUTPUT);
    ck_assert_ptr_eq(clients[2].held, last);
}
END_TEST

START_TEST(reserve_is_for_output_only)
{
    for (int i = 0; i < LIMIT - RESERVE; i++)
        ck_assert_int_eq(borrow(i, LOAN_FOR_INPUT), LOAN_ALLOCATED);
    ck_assert_int_eq(borrow(6, LOAN_FOR_INPUT), LOAN_WAITING);
    ck_assert_int_eq(borrow(7, LOAN_FOR_OUTPUT), LOAN_ALLOCATED);
    ck_assert_int_eq(borrow(8, LOAN_FOR_OUTPUT), LOAN_ALLOCATED);
    ck_assert_int_eq(borrow(9, LOAN_FOR_OUTPUT), LOAN_WAITING);
    ck_assert_uint_eq(ledger().made, LIMIT);
    ck_assert_uint_eq(ledger().waiters, 2);
}
END_TEST

START_TEST(waiters_are_served_in_order_output_first)
{
    for (int i = 0; i < LIMIT; i++)
        (void)!borrow(i, LOAN_FOR_OUTPUT);
    ck_assert_int_eq(borrow(8, LOAN_FOR_INPUT), LOAN_WAITING);
    ck_assert_int_eq(borrow(9, LOAN_FOR_OUTPUT), LOAN_WAITING);
    ck_assert_int_eq(borrow(10, LOAN_FOR_OUTPUT), LOAN_WAITING);
    give_back(0);
    ck_assert_uint_eq(clients[9].granted_as, 1);
    give_back(1);
    ck_assert_uint_eq(clients[10].granted_as, 2);
    give_back(2);
    give_back(3);
    ck_assert_uint_eq(clients[8].granted_as, 0); /* only the reserve is free yet */
    give_back(4);
    ck_assert_uint_eq(clients[8].granted_as, 3);
    ck_assert_uint_eq(ledger().waiters, 0);
}
END_TEST

START_TEST(forgotten_waiter_gets_nothing)
{
    for (int i = 0; i < LIMIT; i++)
        (void)!borrow(i, LOAN_FOR_OUTPUT);
    (void)!borrow(8, LOAN_FOR_OUTPUT);
    (void)!borrow(9, LOAN_FOR_OUTPUT);
    pool_forget(pool, &clients[8].borrower);
    give_back(0);
    ck_assert_ptr_null(clients[8].held);
    ck_assert_ptr_nonnull(clients[9].held);
}
END_TEST

START_TEST(trimming_gives_back_what_lay_idle)
{
    for (int i = 0; i < LIMIT; i++)
        (void)!borrow(i, LOAN_FOR_OUTPUT);
    for (int i = 0; i < LIMIT; i++)
        give_back(i);
    pool_trim(pool); /* they were in use within this second */
    ck_assert_uint_eq(ledger().made, LIMIT);
    for (int i = 0; i < 10; i++)
        pool_trim(pool);
    ck_assert_uint_eq(ledger().made, 1); /* keep_bytes */
    ck_assert_uint_eq(ledger().trimmed, LIMIT - 1);
    ck_assert_uint_eq(ledger().peak, LIMIT);
}
END_TEST

START_TEST(the_peak_stays_when_fewer_are_made_again)
{
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < (round == 0 ? LIMIT : 2); i++)
            ck_assert_int_eq(borrow(i, LOAN_FOR_OUTPUT),
                             round == 0 || i > 0 ? LOAN_ALLOCATED : LOAN_LOANED);
        for (int i = 0; i < LIMIT; i++)
            if (clients[i].held != NULL)
                give_back(i);
        for (int i = 0; i < 10; i++)
            pool_trim(pool);
    }
    ck_assert_uint_eq(ledger().peak, LIMIT);
}
END_TEST

/* --- The check itself --- */

static const struct {
    struct pool_ledger ledger;
    bool adds_up;
} ledgers[] = {
    {{.made = 0, .limit = 4}, true},
    {{.made = 4, .free = 1, .lent = 3, .lent_for = {1, 2}, .limit = 4}, true},
    {{.made = 4, .free = 1, .lent = 2, .lent_for = {1, 1}, .limit = 4},
     false}, /* one is lost */
    {{.made = 3, .free = 1, .lent = 3, .lent_for = {1, 2}, .limit = 4}, false}, /* lent twice */
    {{.made = 4, .free = 1, .lent = 3, .lent_for = {1, 1}, .limit = 4}, false},
    {{.made = 5, .free = 1, .lent = 4, .lent_for = {2, 2}, .limit = 4}, false},
};

START_TEST(a_ledger_that_is_wrong_is_seen)
{
    ck_assert_int_eq(pool_ledger_adds_up(&ledgers[_i].ledger), ledgers[_i].adds_up);
}
END_TEST

START_TEST(a_full_buffer_in_the_freelist_is_seen)
{
    struct buf *buf;

    (void)!borrow(0, LOAN_FOR_OUTPUT);
    buf = clients[0].held;
    give_back(0);
    ck_assert(pool_check(pool));
    buf->write_off = 1;
    ck_assert(!pool_check(pool));
    buf->write_off = 0;
}
END_TEST

START_TEST(reset_keeps_the_ledger)
{
    (void)!borrow(0, LOAN_FOR_INPUT);
    pool_reset_counts(pool);
    ck_assert_uint_eq(pool_counts(pool, LOAN_FOR_INPUT)->allocated, 0);
    ck_assert_uint_eq(ledger().lent_for[LOAN_FOR_INPUT], 1);
}
END_TEST

#ifndef NDEBUG
/* The end of the bug this design once had: a buffer that is still needed goes back. */
START_TEST(bug_to_return_what_is_not_empty)
{
    (void)!borrow(0, LOAN_FOR_OUTPUT);
    buf_append(clients[0].held, SLICE("VALUE "));
    give_back(0);
}
END_TEST

/* And what the next borrower would have seen: nothing of the last one's bytes. */
START_TEST(returned_buffers_are_poisoned)
{
    struct buf *buf;

    (void)!borrow(0, LOAN_FOR_OUTPUT);
    buf = clients[0].held;
    buf_append(buf, SLICE("secret"));
    buf_consumed(buf, 6, NULL);
    give_back(0);
    ck_assert_int_eq(buf->data[0], 0xdb);
}
END_TEST
#else
/* Production keeps such a buffer with its borrower: no other client may see it. */
START_TEST(release_keeps_what_is_not_empty)
{
    (void)!borrow(0, LOAN_FOR_OUTPUT);
    buf_append(clients[0].held, SLICE("VALUE "));
    give_back(0);
    ck_assert_ptr_nonnull(clients[0].held);
}
END_TEST
#endif

/* --- Another limit --- */

static struct pool_ledger
ledger_now(void)
{
    struct pool_ledger ledger;

    ck_assert(pool_check(pool));
    pool_ledger(pool, &ledger);
    return ledger;
}

START_TEST(a_lower_limit)
{
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(borrow(i, LOAN_FOR_OUTPUT), LOAN_ALLOCATED);
    give_back(5);
    pool_set_limit(pool, 4 * BUF_TOTAL_BYTES, BUF_TOTAL_BYTES);
    ck_assert_uint_eq(ledger_now().made, 5); /* what was free has gone */
    ck_assert(ledger_now().lowered);
    ck_assert_int_eq(borrow(6, LOAN_FOR_OUTPUT), LOAN_WAITING);
    give_back(0); /* there are still 4 */
    ck_assert_ptr_null(clients[6].held);
    give_back(1);
    ck_assert_ptr_nonnull(clients[6].held);
    pool_trim(pool);
    ck_assert_uint_eq(ledger_now().made, 4);
    ck_assert(!ledger_now().lowered);
    for (int i = 2; i <= 6; i++)
        if (clients[i].held != NULL)
            give_back(i);
}
END_TEST

START_TEST(a_higher_limit)
{
    for (int i = 0; i < LIMIT; i++)
        ck_assert_int_eq(borrow(i, LOAN_FOR_OUTPUT), LOAN_ALLOCATED);
    ck_assert_int_eq(borrow(LIMIT, LOAN_FOR_INPUT), LOAN_WAITING);
    ck_assert_int_eq(borrow(LIMIT + 1, LOAN_FOR_OUTPUT), LOAN_WAITING);
    pool_set_limit(pool, (LIMIT + 2) * BUF_TOTAL_BYTES, BUF_TOTAL_BYTES);
    ck_assert_uint_eq(clients[LIMIT + 1].granted_as, 1);
    ck_assert_ptr_null(clients[LIMIT].held); /* one is kept for output */
    pool_set_limit(pool, (LIMIT + 3) * BUF_TOTAL_BYTES, BUF_TOTAL_BYTES);
    ck_assert_ptr_nonnull(clients[LIMIT].held);
    ck_assert_uint_eq(ledger_now().waiters, 0);
    for (int i = 0; i < LIMIT + 2; i++)
        give_back(i);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("pool");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_lower_limit);
    tcase_add_test(tc, a_higher_limit);
    tcase_add_test(tc, each_result_once);
    tcase_add_test(tc, last_returned_is_lent_first);
    tcase_add_test(tc, reserve_is_for_output_only);
    tcase_add_test(tc, waiters_are_served_in_order_output_first);
    tcase_add_test(tc, forgotten_waiter_gets_nothing);
    tcase_add_test(tc, trimming_gives_back_what_lay_idle);
    tcase_add_test(tc, the_peak_stays_when_fewer_are_made_again);
    tcase_add_loop_test(tc, a_ledger_that_is_wrong_is_seen, 0, ARRAY_LEN(ledgers));
    tcase_add_test(tc, a_full_buffer_in_the_freelist_is_seen);
    tcase_add_test(tc, reset_keeps_the_ledger);
#ifndef NDEBUG
    tcase_add_test_raise_signal(tc, bug_to_return_what_is_not_empty, 6);
    tcase_add_test(tc, returned_buffers_are_poisoned);
#else
    tcase_add_test(tc, release_keeps_what_is_not_empty);
#endif
    return leak_run(tc, "loan/pool");
}
