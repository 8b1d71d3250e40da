/* Copies and comparisons of every length around those that are made in another way. */
#include "lombard/base/slice.h"

#include "leak.h"
#include "lombard/base/put.h"

enum { AROUND = 16, LONGEST = 200 };

static char from[LONGEST];

static void
fill_from(void)
{
    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (char)(i * 7 + 1);
}

START_TEST(all_bytes_are_copied_and_no_others)
{
    for (size_t len = 0; len <= LONGEST; len++) {
        char to[AROUND + LONGEST + AROUND];

        memset(to, '!', sizeof(to));
        bytes_copy(to + AROUND, from, len);
        ck_assert_int_eq(memcmp(to + AROUND, from, len), 0);
        for (size_t i = 0; i < AROUND; i++) {
            ck_assert_int_eq(to[i], '!');
            ck_assert_int_eq(to[AROUND + len + i], '!');
        }
    }
}
END_TEST

START_TEST(every_byte_is_compared_and_no_other)
{
    char other[LONGEST + 1];

    for (size_t len = 0; len < LONGEST; len++) {
        memcpy(other, from, len);
        other[len] = (char)(from[len] + 1);
        ck_assert(bytes_equal(from, other, len));
        for (size_t i = 0; i < len; i++) {
            other[i] ^= 1;
            ck_assert_msg(!bytes_equal(from, other, len), "byte %zu of %zu", i, len);
            other[i] ^= 1;
        }
    }
}
END_TEST

START_TEST(short_numbers)
{
    char digits[NUM_U64_DIGITS_MAX + 1], want[NUM_U64_DIGITS_MAX + 1];

    for (uint64_t v = 0; v < 1200; v++) {
        *put_u64(digits, v) = '\0';
        (void)snprintf(want, sizeof(want), "%d", (int)v);
        ck_assert_str_eq(digits, want);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("slice");

    fill_from();
    tcase_add_test(tc, all_bytes_are_copied_and_no_others);
    tcase_add_test(tc, every_byte_is_compared_and_no_other);
    tcase_add_test(tc, short_numbers);
    return leak_run(tc, "slice");
}
