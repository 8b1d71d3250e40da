/* The freelist of buffers when the kernel refuses memory. */
#include <errno.h>

#include "lombard/loan/pool.h"

#include "leak.h"
#include "sim_sys.h"

static void
on_grant(struct borrower *borrower, enum loan_purpose purpose, struct buf *buf)
{
    (void)borrower;
    (void)purpose;
    (void)buf;
    ck_abort_msg("no borrower waits");
}

/* A refusal is counted as one, for its purpose, and nothing else changes. */
START_TEST(a_refused_loan_is_counted_as_failed)
{
    const struct pool_config config = {.limit_bytes = 16 * BUF_TOTAL_BYTES};
    enum loan_purpose purpose = _i == 0 ? LOAN_FOR_INPUT : LOAN_FOR_OUTPUT;
    struct pool_counts want = {.failed = 1};
    struct borrower borrower;
    struct pool_ledger ledger;
    struct buf *buf = NULL;
    struct pool *pool;

    sim_begin(1);
    pool = pool_create(&config, on_grant);
    list_init(&borrower.node);
    sim_fail_nth(SIM_MAP, 1, ENOMEM);
    ck_assert_int_eq(pool_loan(pool, &borrower, purpose, &buf), LOAN_FAILED);
    ck_assert_ptr_null(buf);
    ck_assert_mem_eq(pool_counts(pool, purpose), &want, sizeof(want));
    pool_ledger(pool, &ledger);
    ck_assert_uint_eq(ledger.made + ledger.free + ledger.lent + ledger.waiters, 0);
    /* The next one is served. */
    ck_assert_int_eq(pool_loan(pool, &borrower, purpose, &buf), LOAN_ALLOCATED);
    ck_assert_int_eq(pool_loan(pool, &borrower, purpose, &buf), LOAN_EXISTING);
    want.allocated = want.existing = 1;
    ck_assert_mem_eq(pool_counts(pool, purpose), &want, sizeof(want));
    pool_return(pool, purpose, &buf);
    pool_destroy(pool);
    sim_end();
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("pool_refused");

    tcase_add_loop_test(tc, a_refused_loan_is_counted_as_failed, 0, 2);
    return leak_run(tc, "pool_refused");
}
