/* Names of keys, and which versions a read may bring. */
#include "data/keys.h"
#include "data/rng.h"
#include "leak.h"
#include "lombard/base/attr.h"

#include <stdio.h>
#include <string.h>

static struct keys keys;

static void
setup(void)
{
    struct sizes sizes;

    ck_assert(sizes_parse("16", KEY_TEXT_MAX, &sizes));
    ck_assert(keys_init(&keys, 1000, &sizes, 1));
    keys.writer = 11;
}

static void
teardown(void)
{
    keys_fini(&keys);
}

static enum keys_verdict
judge(uint64_t key, uint32_t version, uint32_t oldest)
{
    struct value_id id = {.key = key, .version = version, .writer = 11, .bytes = 32};

    return keys_judge(&keys, &id, oldest);
}

START_TEST(names)
{
    static const uint64_t ids[] = {0, 1, 9, 10, 15, 16, 0xabcdef, 0x12345678, 0xffffffff};
    char name[KEY_TEXT_MAX];
    char want[32];

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        (void)snprintf(want, sizeof(want), "kkkkkkkk%08llx", (unsigned long long)ids[i]);
        ck_assert_uint_eq(keys_name(&keys, ids[i], name), 16);
        ck_assert_mem_eq(name, want, 16);
    }
}
END_TEST

START_TEST(short_and_long_names)
{
    char name[KEY_TEXT_MAX];
    char want[KEY_TEXT_MAX + 1];

    for (uint32_t len = 3; len <= KEY_TEXT_MAX; len++) {
        keys.sizes.min = len;
        keys.sizes.max = len;
        ck_assert_uint_eq(keys_name(&keys, 0x1a7, name), len);
        memset(want, 'k', sizeof(want));
        (void)snprintf(want + (len > 8 ? len - 8 : 0), 9, "%0*x", len > 8 ? 8 : (int)len,
                       0x1a7U);
        ck_assert_mem_eq(name, want, len);
    }
}
END_TEST

/* A name matches itself, whatever follows it, and no name with one byte changed. */
START_TEST(names_match_byte_by_byte)
{
    char name[KEY_TEXT_MAX + 8];

    for (uint32_t len = 3; len <= KEY_TEXT_MAX; len++) {
        keys.sizes.min = len;
        keys.sizes.max = len;
        memset(name, ' ', sizeof(name));
        (void)keys_name(&keys, 0x1a7, name);
        ck_assert_uint_eq(keys_match(&keys, 0x1a7, name, len), len);
        ck_assert_uint_eq(keys_match(&keys, 0x1a7, name, sizeof(name)), len);
        ck_assert_uint_eq(keys_match(&keys, 0x1a7, name, len - 1), 0);
        for (uint32_t i = 0; i < len; i++) {
            name[i] ^= 1;
            ck_assert_uint_eq(keys_match(&keys, 0x1a7, name, len), 0);
            name[i] ^= 1;
        }
    }
}
END_TEST

START_TEST(digits)
{
    ck_assert_uint_eq(keys_digits(1), 1);
    ck_assert_uint_eq(keys_digits(16), 1);
    ck_assert_uint_eq(keys_digits(17), 2);
    ck_assert_uint_eq(keys_digits(1000000), 5);
    ck_assert_uint_eq(keys_digits(UINT64_C(1) << 32), 8);
}
END_TEST

START_TEST(one_store_after_the_other)
{
    uint32_t base;
    uint32_t v = keys_issue(&keys, 7, &base);

    ck_assert_uint_eq(v, 1);
    ck_assert_uint_eq(base, 1);
    ck_assert_int_eq(judge(7, 1, keys_oldest(&keys, 7)), KEYS_GOOD);
    ck_assert_int_eq(judge(7, 2, keys_oldest(&keys, 7)), KEYS_NEVER_WRITTEN);
    keys_acknowledge(&keys, 7, v, base);
    ck_assert_uint_eq(keys_oldest(&keys, 7), 1);
    v = keys_issue(&keys, 7, &base);
    ck_assert_uint_eq(base, 2);
    keys_acknowledge(&keys, 7, v, base);
    ck_assert_int_eq(judge(7, 1, keys_oldest(&keys, 7)), KEYS_STALE);
    ck_assert_int_eq(judge(7, 1, 1),
                     KEYS_GOOD); /* a read sent before the second store was done */
    ck_assert_int_eq(judge(7, 0, 0), KEYS_NEVER_WRITTEN);
}
END_TEST

/* Of two stores in flight either may come last. */
START_TEST(stores_side_by_side)
{
    uint32_t first_base;
    uint32_t second_base;
    uint32_t first = keys_issue(&keys, 7, &first_base);
    uint32_t second = keys_issue(&keys, 7, &second_base);

    keys_acknowledge(&keys, 7, second, second_base);
    keys_acknowledge(&keys, 7, first, first_base);
    ck_assert_int_eq(judge(7, first, keys_oldest(&keys, 7)), KEYS_GOOD);
    ck_assert_int_eq(judge(7, second, keys_oldest(&keys, 7)), KEYS_GOOD);
}
END_TEST

/* Stores that always overlap: what is older than those in flight is known to be gone. */
START_TEST(the_floor_follows_stores_that_overlap)
{
    uint32_t bases[3];
    uint32_t versions[3];

    for (uint32_t i = 0; i < 3; i++)
        versions[i] = keys_issue(&keys, 7, &bases[i]);
    for (uint32_t n = 0; n < 100; n++) {
        uint32_t i = (n / 2 + n % 2 * 2) % 3; /* not in their order */

        keys_acknowledge(&keys, 7, versions[i], bases[i]);
        versions[i] = keys_issue(&keys, 7, &bases[i]);
    }
    ck_assert_uint_ge(keys_oldest(&keys, 7), 90);
    ck_assert_uint_le(keys_oldest(&keys, 7), 98);
    ck_assert_int_eq(judge(7, 89, keys_oldest(&keys, 7)), KEYS_STALE);
}
END_TEST

/*
 * Against a register that takes stores at any moment between their sending and their answer:
 * what a read brings is never called stale, and with few stores in flight the oldest is near.
 */
START_TEST(no_right_read_is_stale)
{
    enum { STEPS = 100000, FLIGHT = 40 };
    struct {
        uint32_t version, base;
        bool applied;
    } flight[FLIGHT];
    uint32_t in_flight = 0;
    uint32_t most = _i == 0 ? 3 : FLIGHT;
    uint32_t current = 0;
    uint32_t oldest = 0;
    struct rng rng;

    rng_init(&rng, (uint64_t)_i);
    for (uint32_t n = 0; n < STEPS; n++) {
        uint32_t i = (uint32_t)rng_below(&rng, in_flight + 1);

        if (i == in_flight && in_flight < most) {
            flight[i].version = keys_issue(&keys, 7, &flight[i].base);
            flight[i].applied = false;
            in_flight++;
        } else if (i < in_flight && !flight[i].applied) {
            flight[i].applied = true;
            current = flight[i].version;
        } else if (i < in_flight) {
            keys_acknowledge(&keys, 7, flight[i].version, flight[i].base);
            flight[i] = flight[--in_flight];
        }
        if (current > 0 && judge(7, current, keys_oldest(&keys, 7)) != KEYS_GOOD)
            ck_abort_msg("step %u: version %u, oldest %u", n, current, keys_oldest(&keys, 7));
        ck_assert_uint_ge(keys_oldest(&keys, 7), oldest);
        oldest = keys_oldest(&keys, 7);
    }
    if (_i == 0)
        ck_assert_uint_ge(oldest, keys.states[7].issued - 1000);
}
END_TEST

/* A store whose outcome is not known may still happen, for ever; the others are judged. */
START_TEST(a_lost_store_may_come_late)
{
    uint32_t base;
    uint32_t lost = keys_issue(&keys, 7, &base);
    uint32_t next;

    keys_lose(&keys, 7, lost);
    for (int i = 0; i < 3; i++) {
        next = keys_issue(&keys, 7, &base);
        keys_acknowledge(&keys, 7, next, base);
    }
    ck_assert_uint_eq(keys_oldest(&keys, 7), next);
    ck_assert_int_eq(judge(7, lost, next), KEYS_GOOD);
    ck_assert_int_eq(judge(7, lost + 1, next), KEYS_STALE);
    ck_assert_int_eq(judge(8, lost, 0), KEYS_NEVER_WRITTEN);
}
END_TEST

/* More of them than are remembered: their keys are not judged. */
START_TEST(too_many_lost_stores)
{
    uint32_t base;
    uint32_t lost;
    uint32_t next;

    for (int i = 0; i < KEYS_LOST_MAX; i++)
        keys_lose(&keys, 9, keys_issue(&keys, 9, &base));
    lost = keys_issue(&keys, 7, &base);
    keys_lose(&keys, 7, lost);
    next = keys_issue(&keys, 7, &base);
    keys_acknowledge(&keys, 7, next, base);
    ck_assert_int_eq(judge(7, lost, keys_oldest(&keys, 7)), KEYS_GOOD);
}
END_TEST

START_TEST(values_of_another_run)
{
    struct value_id id = {.key = 7, .version = 500, .writer = 12, .bytes = 32};
    uint32_t base;
    uint32_t v;

    ck_assert_int_eq(keys_judge(&keys, &id, keys_oldest(&keys, 7)), KEYS_FOREIGN);
    v = keys_issue(&keys, 7, &base);
    keys_acknowledge(&keys, 7, v, base);
    ck_assert_int_eq(keys_judge(&keys, &id, keys_oldest(&keys, 7)), KEYS_STALE);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("keys");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, names);
    tcase_add_test(tc, short_and_long_names);
    tcase_add_test(tc, names_match_byte_by_byte);
    tcase_add_test(tc, digits);
    tcase_add_test(tc, one_store_after_the_other);
    tcase_add_test(tc, stores_side_by_side);
    tcase_add_test(tc, the_floor_follows_stores_that_overlap);
    tcase_add_loop_test(tc, no_right_read_is_stale, 0, 2);
    tcase_add_test(tc, a_lost_store_may_come_late);
    tcase_add_test(tc, too_many_lost_stores);
    tcase_add_test(tc, values_of_another_run);
    return leak_run(tc, "keys");
}
