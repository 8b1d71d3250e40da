#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "lombard/base/checksum.h"

enum { BYTES = 200 };

static unsigned char memory[BYTES];

static void
setup(void)
{
    for (int i = 0; i < BYTES; i++)
        memory[i] = (unsigned char)(i * 7);
}

/* Whichever bit of however many bytes. */
START_TEST(test_each_bit_counts)
{
    for (size_t bytes = 0; bytes <= BYTES; bytes += bytes < 70 ? 1 : 13) {
        uint64_t sum = checksum_add(1, memory, bytes);

        for (size_t bit = 0; bit < bytes * 8; bit++) {
            memory[bit / 8] ^= (unsigned char)(1U << bit % 8);
            if (checksum_add(1, memory, bytes) == sum)
                ck_abort_msg("bit %zu of %zu bytes", bit, bytes);
            memory[bit / 8] ^= (unsigned char)(1U << bit % 8);
        }
        ck_assert_uint_eq(checksum_add(1, memory, bytes), sum);
    }
}
END_TEST

START_TEST(test_length_order_and_beginning_count)
{
    static const char zeros[64];
    char swapped[BYTES];

    ck_assert_uint_ne(checksum_add(0, zeros, 31), checksum_add(0, zeros, 32));
    ck_assert_uint_ne(checksum_add(0, zeros, 0), checksum_add(0, zeros, 8));
    ck_assert_uint_ne(checksum_add(0, zeros, 8), checksum_add(1, zeros, 8));
    memcpy(swapped, memory + 32, 32);
    memcpy(swapped + 32, memory, 32);
    ck_assert_uint_ne(checksum_add(0, memory, 64), checksum_add(0, swapped, 64));
    memcpy(swapped, memory + 8, 8);
    memcpy(swapped + 8, memory, 8);
    ck_assert_uint_ne(checksum_add(0, memory, 16), checksum_add(0, swapped, 16));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("checksum");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_each_bit_counts);
    tcase_add_test(tc, test_length_order_and_beginning_count);
    return leak_run(tc, "checksum");
}
