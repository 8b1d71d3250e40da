#include "lombard/base/topkeys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "lombard/base/num.h"

enum { ZIPF_KEYS = 1000000, SHOWN = 32, KEY_BYTES = 24 };

static struct topkeys top;
static uint64_t state = 1;
static double *below; /* of each rank: the share of all ranks up to it */

static uint64_t
draw(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static void
empty(void)
{
    topkeys_reset(&top, 0);
}

static uint64_t
hash_of(uint64_t number)
{
    return (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void
add(uint64_t number, uint64_t weight)
{
    char key[KEY_BYTES];
    int len = snprintf(key, sizeof(key), "%llu", (unsigned long long)number);

    topkeys_add(&top, slice_make(key, (size_t)len), hash_of(number), weight, draw());
}

static uint64_t
number_of(const struct topkey *key)
{
    uint64_t number;

    ck_assert(num_parse_u64(key->key, &number));
    return number;
}

/* The rank of NUMBER among what is shown; SHOWN when it is not. */
static uint32_t
rank_of(uint64_t number, uint64_t now_ms)
{
    uint32_t rank = 0;
    struct topkey key;

    (void)topkeys_sort(&top);
    while (rank < SHOWN && topkeys_at(&top, rank, now_ms, &key) && number_of(&key) != number)
        rank++;
    return rank;
}

/* i ^ -0.99, without a library. */
static double
power(double i)
{
    double log = 0, e = 1, x = i;

    while (x > 1.0001) {
        x /= 2.718281828459045;
        log += 1;
    }
    log += x - 1 - (x - 1) * (x - 1) / 2 + (x - 1) * (x - 1) * (x - 1) / 3;
    log *= 0.01;
    for (int k = 20; k > 0; k--)
        e = 1 + log / k * e;
    return e / i;
}

static void
make_zipf(void)
{
    below = malloc(ZIPF_KEYS * sizeof(*below));
    ck_assert_ptr_nonnull(below);
    for (uint32_t i = 0; i < ZIPF_KEYS; i++)
        below[i] = (i > 0 ? below[i - 1] : 0) + power(i + 1);
    for (uint32_t i = 0; i < ZIPF_KEYS; i++)
        below[i] /= below[ZIPF_KEYS - 1];
}

static uint32_t
draw_zipf(void)
{
    double u = (double)(draw() >> 11) / 9007199254740992.0;
    uint32_t low = 0, high = ZIPF_KEYS - 1;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (below[middle] < u)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
free_zipf(void)
{
    free(below);
}

/* A_SECOND samples: what is left of 40 times as many requests. */
static const uint32_t samples_a_second[] = {1000, 3000, 30000};

START_TEST(the_top_twenty_are_shown_within_ten_seconds)
{
    uint32_t found = 0;

    make_zipf();
    for (uint64_t ms = 0; ms < 10000; ms += 10) {
        topkeys_age(&top, ms);
        for (uint32_t i = 0; i < samples_a_second[_i] / 100; i++)
            add(draw_zipf(), 1);
    }
    for (uint64_t number = 0; number < 20; number++)
        found += rank_of(number, 10000) < SHOWN;
    ck_assert_uint_ge(found, 19);
    free_zipf();
}
END_TEST

/* 5 % of all, after a minute without it. */
START_TEST(what_is_suddenly_hot_is_shown_within_a_second)
{
    enum { SUDDEN = 77777777 };

    make_zipf();
    for (uint64_t ms = 0; ms < 61000; ms += 10) {
        topkeys_age(&top, ms);
        for (uint32_t i = 0; i < samples_a_second[_i] / 100; i++)
            add(ms >= 60000 && draw() % 20 == 0 ? SUDDEN : draw_zipf(), 1);
    }
    ck_assert_uint_lt(rank_of(SUDDEN, 61000), SHOWN);
    free_zipf();
}
END_TEST

START_TEST(shares_are_within_their_errors)
{
    struct topkey key;
    uint32_t outside = 0;

    make_zipf();
    for (uint64_t ms = 0; ms < 20000; ms += 10) {
        topkeys_age(&top, ms);
        for (uint32_t i = 0; i < 100; i++)
            add(draw_zipf(), 1);
    }
    (void)topkeys_sort(&top);
    for (uint32_t rank = 0; rank < 20; rank++) {
        uint64_t number;
        double share;

        ck_assert(topkeys_at(&top, rank, 20000, &key));
        number = number_of(&key);
        share = below[number] - (number > 0 ? below[number - 1] : 0);
        outside += key.share - key.error > share || key.share + key.error < share;
        ck_assert(key.per_second > key.share * 9000 && key.per_second < key.share * 11000);
    }
    ck_assert_uint_le(outside, 3); /* 5 % of 20, with some room */
    free_zipf();
}
END_TEST

START_TEST(weights_count)
{
    struct topkey key;

    add(1, 1000000);
    add(2, 10);
    add(2, 10);
    ck_assert_uint_eq(topkeys_sort(&top), 2);
    ck_assert(topkeys_at(&top, 0, 1000, &key));
    ck_assert_uint_eq(number_of(&key), 1);
    ck_assert(key.share > 0.99);
    ck_assert(key.per_second > 900000 && key.per_second < 1100000);
    ck_assert(topkeys_at(&top, 1, 1000, &key));
    ck_assert(!topkeys_at(&top, 2, 1000, &key));
    ck_assert(!topkeys_at(&top, TOPKEYS, 1000, &key));
}
END_TEST

START_TEST(what_was_hot_goes)
{
    add(1, 1);
    topkeys_age(&top, TOPKEYS_HALF_LIFE_MS - 1);
    ck_assert_uint_eq(rank_of(1, TOPKEYS_HALF_LIFE_MS), 0);
    ck_assert_uint_eq(topkeys_sort(&top), 1);
    topkeys_age(&top, UINT64_C(5) * TOPKEYS_HALF_LIFE_MS);
    ck_assert_uint_eq(topkeys_sort(&top), 0);
    topkeys_age(&top, UINT64_C(1) << 50);
    add(1, 1);
    ck_assert_uint_eq(topkeys_sort(&top), 1);
    topkeys_age(&top, (UINT64_C(1) << 50) + TOPKEYS_HALF_LIFE_MS - 1);
    ck_assert_uint_eq(topkeys_sort(&top), 1);
}
END_TEST

/* All of the table is used, and a key of any length and any hash is kept. */
START_TEST(keys_of_all_kinds)
{
    char longest[TOPKEYS_KEY_BYTES];
    struct topkey key;

    memset(longest, 'k', sizeof(longest));
    for (uint64_t i = 0; i < 100000; i++)
        add(i, 1);
    ck_assert_uint_eq(topkeys_sort(&top), TOPKEYS);
    topkeys_reset(&top, 0);
    topkeys_add(&top, slice_make(longest, sizeof(longest)), 0, 1, draw());
    topkeys_add(&top, slice_make(longest, sizeof(longest)), 0, 1, draw());
    ck_assert_uint_eq(topkeys_sort(&top), 1);
    ck_assert(topkeys_at(&top, 0, 0, &key));
    ck_assert_uint_eq(key.key.len, sizeof(longest));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("topkeys");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, empty, NULL);
    tcase_add_loop_test(tc, the_top_twenty_are_shown_within_ten_seconds, 0,
                        ARRAY_LEN(samples_a_second));
    tcase_add_loop_test(tc, what_is_suddenly_hot_is_shown_within_a_second, 0,
                        ARRAY_LEN(samples_a_second) - 1);
    tcase_add_test(tc, shares_are_within_their_errors);
    tcase_add_test(tc, weights_count);
    tcase_add_test(tc, what_was_hot_goes);
    tcase_add_test(tc, keys_of_all_kinds);
    return leak_run(tc, "base/topkeys");
}
