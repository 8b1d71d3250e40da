/* Accesses wait for their key, in their order, and none is forgotten. */
#include "load/holds.h"

#include <string.h>

#include "data/rng.h"
#include "leak.h"
#include "lombard/base/attr.h"

static struct holds h;

static void
setup(void)
{
    ck_assert(holds_init(&h, 100));
}

static void
teardown(void)
{
    holds_fini(&h);
}

/* A second and a third access to KEY wait; they are told apart by their size. */
static void
wait_for(uint32_t key, uint32_t bytes)
{
    struct access a = {.key = key, .value_bytes = bytes, .kind = QUERY_GET};

    ck_assert_int_eq(holds_enter(&h, key, false), HOLDS_WAIT);
    ck_assert(holds_has_room(&h));
    holds_wait(&h, &a, 1000 + bytes);
}

static void
expect_ready(uint32_t key, uint32_t bytes, enum holds_entry want)
{
    struct access a;
    uint64_t due;

    ck_assert(holds_has_ready(&h));
    ck_assert_int_eq(holds_take(&h, &a, &due), want);
    ck_assert_uint_eq(a.key, key);
    ck_assert_uint_eq(a.value_bytes, bytes);
    ck_assert_uint_eq(due, 1000 + bytes);
}

/* It was missed, then stored: all accesses that wait become ready together. */
START_TEST(those_that_wait_find_what_was_stored)
{
    ck_assert_int_eq(holds_enter(&h, 7, false), HOLDS_CLAIMED);
    wait_for(7, 1);
    wait_for(7, 2);
    ck_assert_int_eq(holds_enter(&h, 8, false), HOLDS_CLAIMED);
    ck_assert(!holds_has_ready(&h));
    holds_know(&h, 7, true);
    holds_leave(&h, 7);
    expect_ready(7, 1, HOLDS_FREE);
    expect_ready(7, 2, HOLDS_FREE);
    ck_assert(!holds_has_ready(&h));
    ck_assert_int_eq(holds_enter(&h, 7, false), HOLDS_FREE);
    ck_assert_uint_eq(h.claimed, 1);
    ck_assert_uint_eq(h.waiting, 0);
}
END_TEST

/* The store failed: the next one has the claim, and tries. */
START_TEST(one_after_the_other_if_it_is_not_stored)
{
    ck_assert_int_eq(holds_enter(&h, 7, false), HOLDS_CLAIMED);
    wait_for(7, 1);
    wait_for(7, 2);
    holds_leave(&h, 7);
    expect_ready(7, 1, HOLDS_CLAIMED);
    ck_assert(!holds_has_ready(&h));
    wait_for(7, 3);
    holds_leave(&h, 7);
    expect_ready(7, 2, HOLDS_CLAIMED);
    holds_leave(&h, 7);
    expect_ready(7, 3, HOLDS_CLAIMED);
    holds_leave(&h, 7);
    ck_assert_uint_eq(h.claimed, 0);
}
END_TEST

/* What is deleted has to be claimed again. */
START_TEST(a_delete_ends_what_is_known)
{
    holds_know(&h, 70000, true);
    ck_assert_int_eq(holds_enter(&h, 70000, false), HOLDS_FREE);
    ck_assert_int_eq(holds_enter(&h, 70000, true), HOLDS_CLAIMED);
    ck_assert_int_eq(holds_enter(&h, 70000, false), HOLDS_WAIT);
    holds_reset(&h);
    ck_assert_int_eq(holds_enter(&h, 70000, false), HOLDS_CLAIMED);
    ck_assert_int_eq(holds_enter(&h, 69999, false), HOLDS_CLAIMED);
}
END_TEST

/* Any order of claims and ends, against a plain array: no key is lost in the table. */
START_TEST(keys_are_found_whatever_left_before)
{
    enum { KEYS = 200, STEPS = 200000 };
    static bool claimed[KEYS];
    struct rng rng;
    uint32_t count = 0;

    memset(claimed, 0, sizeof(claimed));
    rng_init(&rng, 1);
    for (int i = 0; i < STEPS; i++) {
        uint32_t key = (uint32_t)rng_below(&rng, KEYS);

        if (claimed[key]) {
            if (holds_enter(&h, key * 4099, false) != HOLDS_WAIT)
                ck_abort_msg("step %d: a claim is lost", i);
            holds_leave(&h, key * 4099);
        } else if (count == 100 || holds_enter(&h, key * 4099, false) == HOLDS_CLAIMED) {
            if (count == 100)
                continue;
        } else {
            ck_abort_msg("step %d: claimed by no access", i);
        }
        claimed[key] = !claimed[key];
        count += claimed[key] ? 1 : UINT32_MAX;
        if (h.claimed != count)
            ck_abort_msg("step %d: %u claims instead of %u", i, h.claimed, count);
    }
}
END_TEST

START_TEST(only_so_many_wait)
{
    struct access a = {.key = 1};
    uint64_t due;

    ck_assert_int_eq(holds_enter(&h, 1, false), HOLDS_CLAIMED);
    for (int i = 0; i < HOLDS_WAITING_MAX; i++) {
        ck_assert(holds_has_room(&h));
        holds_wait(&h, &a, 0);
    }
    ck_assert(!holds_has_room(&h));
    holds_know(&h, 1, true);
    holds_leave(&h, 1);
    ck_assert_int_eq(holds_take(&h, &a, &due), HOLDS_FREE);
    ck_assert(holds_has_room(&h));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("holds");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, those_that_wait_find_what_was_stored);
    tcase_add_test(tc, one_after_the_other_if_it_is_not_stored);
    tcase_add_test(tc, a_delete_ends_what_is_known);
    tcase_add_test(tc, keys_are_found_whatever_left_before);
    tcase_add_test(tc, only_so_many_wait);
    return leak_run(tc, "holds");
}
