#include "keys.h"
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
judge(uint64_t key, uint32_t version, uint32_t floor)
{
    struct value_id id = {.key = key, .version = version, .writer = 11, .bytes = 32};

    return keys_judge(&keys, &id, floor);
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
    bool alone;
    uint32_t v = keys_issue(&keys, 7, &alone);

    ck_assert_uint_eq(v, 1);
    ck_assert(alone);
    ck_assert_int_eq(judge(7, 1, keys_floor(&keys, 7)), KEYS_GOOD);
    ck_assert_int_eq(judge(7, 2, keys_floor(&keys, 7)), KEYS_NEVER_WRITTEN);
    keys_acknowledge(&keys, 7, v, alone);
    ck_assert_uint_eq(keys_floor(&keys, 7), 1);
    v = keys_issue(&keys, 7, &alone);
    ck_assert(alone);
    keys_acknowledge(&keys, 7, v, alone);
    ck_assert_int_eq(judge(7, 1, keys_floor(&keys, 7)), KEYS_STALE);
    ck_assert_int_eq(judge(7, 1, 1),
                     KEYS_GOOD); /* a read sent before the second store was done */
    ck_assert_int_eq(judge(7, 0, 0), KEYS_NEVER_WRITTEN);
}
END_TEST

/* Of two stores in flight at once either may come last. */
START_TEST(stores_side_by_side)
{
    bool first_alone;
    bool second_alone;
    uint32_t first = keys_issue(&keys, 7, &first_alone);
    uint32_t second = keys_issue(&keys, 7, &second_alone);

    ck_assert(!second_alone);
    keys_acknowledge(&keys, 7, second, second_alone);
    keys_acknowledge(&keys, 7, first, first_alone);
    ck_assert_int_eq(judge(7, first, keys_floor(&keys, 7)), KEYS_GOOD);
    ck_assert_int_eq(judge(7, second, keys_floor(&keys, 7)), KEYS_GOOD);
}
END_TEST

/* A store whose outcome nobody knows may still happen, for ever. */
START_TEST(a_lost_store_keeps_the_floor_down)
{
    bool alone;
    uint32_t lost = keys_issue(&keys, 7, &alone);
    uint32_t next = keys_issue(&keys, 7, &alone);

    keys_acknowledge(&keys, 7, next, alone);
    next = keys_issue(&keys, 7, &alone);
    ck_assert(!alone);
    keys_acknowledge(&keys, 7, next, alone);
    ck_assert_int_eq(judge(7, lost, keys_floor(&keys, 7)), KEYS_GOOD);
}
END_TEST

START_TEST(values_of_another_run)
{
    struct value_id id = {.key = 7, .version = 500, .writer = 12, .bytes = 32};
    bool alone;
    uint32_t v;

    ck_assert_int_eq(keys_judge(&keys, &id, keys_floor(&keys, 7)), KEYS_FOREIGN);
    v = keys_issue(&keys, 7, &alone);
    keys_acknowledge(&keys, 7, v, alone);
    ck_assert_int_eq(keys_judge(&keys, &id, keys_floor(&keys, 7)), KEYS_STALE);
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
    tcase_add_test(tc, a_lost_store_keeps_the_floor_down);
    tcase_add_test(tc, values_of_another_run);
    return leak_run(tc, "keys");
}
