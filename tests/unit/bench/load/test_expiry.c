/* When an item has to be gone, or to be there, and when nobody can know. */
#include "load/expiry.h"

#include "leak.h"

#define S UINT64_C(1000000000)

static struct expiry e;

static void
begin_all(void)
{
    ck_assert(expiry_reserve(&e, 4));
}

/* A request alone, for key 1, sent at SENT seconds and answered one later. */
static void
alone(enum expiry_outcome outcome, uint64_t sent, uint32_t ttl_s)
{
    expiry_begin(&e, 1);
    expiry_end(&e, 1, outcome, sent * S, (sent + 1) * S, ttl_s);
}

/* A read of key 1 that is sent at SENT and answered a second later. */
static enum expiry_verdict
read_at(bool there, uint64_t sent)
{
    return expiry_judge(&e, 1, there, sent * S, (sent + 1) * S);
}

START_TEST(between_both_ends)
{
    begin_all();
    ck_assert_int_eq(read_at(true, 1000), EXPIRY_FINE); /* nothing is known */
    alone(EXPIRY_SET, 100, 50);
    ck_assert_int_eq(read_at(true, 120), EXPIRY_FINE);
    ck_assert_int_eq(read_at(true, 153), EXPIRY_FINE);
    ck_assert_int_eq(read_at(true, 154), EXPIRY_TOO_LATE);
    ck_assert_int_eq(read_at(false, 154), EXPIRY_FINE);
    ck_assert_int_eq(read_at(false, 101), EXPIRY_FINE); /* it may have come before the store */
    ck_assert_int_eq(read_at(false, 102), EXPIRY_TOO_EARLY);
    ck_assert_int_eq(read_at(false, 146), EXPIRY_TOO_EARLY);
    ck_assert_int_eq(read_at(false, 147), EXPIRY_FINE);
    alone(EXPIRY_SAME, 150, 500); /* refused */
    ck_assert_int_eq(read_at(true, 154), EXPIRY_TOO_LATE);
    alone(EXPIRY_SET, 152, 50); /* touched */
    ck_assert_int_eq(read_at(true, 154), EXPIRY_FINE);
    ck_assert_int_eq(read_at(true, 206), EXPIRY_TOO_LATE);
    expiry_fini(&e);
}
END_TEST

START_TEST(what_is_not_known)
{
    begin_all();
    alone(EXPIRY_SET, 100, 0); /* for ever */
    ck_assert_int_eq(read_at(true, 1000), EXPIRY_FINE);
    alone(EXPIRY_SET, 100, 5);
    alone(EXPIRY_REMOVED, 102, 0);
    ck_assert_int_eq(read_at(false, 104), EXPIRY_FINE);
    expiry_begin(&e, 1); /* two at a time: either may be the last one */
    expiry_begin(&e, 1);
    expiry_end(&e, 1, EXPIRY_SET, 200 * S, 201 * S, 5);
    ck_assert_int_eq(read_at(true, 300), EXPIRY_FINE);
    expiry_end(&e, 1, EXPIRY_SET, 200 * S, 201 * S, 500);
    ck_assert_int_eq(read_at(true, 900), EXPIRY_FINE);
    alone(EXPIRY_SET, 900, 5);
    ck_assert_int_eq(read_at(true, 1000), EXPIRY_TOO_LATE);
    expiry_begin(&e, 1); /* in flight */
    ck_assert_int_eq(read_at(true, 1000), EXPIRY_FINE);
    expiry_end(&e, 1, EXPIRY_LOST, 1000 * S, 1001 * S, 5);
    alone(EXPIRY_SET, 1100, 5);
    ck_assert_int_eq(read_at(true, 2000), EXPIRY_FINE); /* it may still be carried out */
    ck_assert(expiry_reserve(&e, 100));
    ck_assert_uint_eq(e.list[99].from_ns, 0);
    expiry_fini(&e);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("expiry");

    tcase_add_test(tc, between_both_ends);
    tcase_add_test(tc, what_is_not_known);
    return leak_run(tc, "expiry");
}
