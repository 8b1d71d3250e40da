#include <stdint.h>
#include <string.h>

#include "lombard/base/attr.h"
#include "../../../src/proto/token_priv.h"
#include "leak.h"

static struct slice
word(const char *text)
{
    return slice_make(text, strlen(text));
}

static const struct {
    const char *text;
    bool good;
    uint32_t want;
} u32_rows[] = {
    {"0", true, 0},
    {"255", true, 255},
    {"2147483648", true, 2147483648},
    {"4294967295", true, UINT32_MAX},
    {"4294967296", false, 0},
    {"18446744073709551617", false, 0},
    {"00000000001", true, 1},
    {"000000000001", false, 0},
    {"-1", false, 0},
    {"-", false, 0},
    {"+1", false, 0},
    {"1x", false, 0},
    {" 1", false, 0},
    {"", false, 0},
};

static const struct {
    const char *text;
    bool good;
    int32_t want;
} i32_rows[] = {
    {"0", true, 0},
    {"2147483647", true, INT32_MAX},
    {"2147483648", false, 0},
    {"-2147483648", true, INT32_MIN},
    {"-2147483649", false, 0},
    {"4294967295", false, 0},
    {"4294967296", false, 0},
    {"-0", true, 0},
    {"-", true, 0},
    {"--1", false, 0},
    {"+1", false, 0},
    {"00000000001", true, 1},
    {"-0000000001", true, -1},
    {"000000000001", false, 0},
    {"1x", false, 0},
    {"", false, 0},
};

static const struct {
    const char *text;
    bool good;
    uint64_t want;
} u64_rows[] = {
    {"0", true, 0},
    {"4294967296", true, UINT64_C(4294967296)},
    {"9223372036854775808", true, UINT64_C(9223372036854775808)},
    {"18446744073709551615", true, UINT64_MAX},
    {"18446744073709551616", false, 0},
    {"18446744073709551620", false, 0},
    {"36893488147419103232", false, 0},
    {"0018446744073709551615", true, UINT64_MAX},
    {"00018446744073709551615", false, 0},
    {"-1", false, 0},
    {"+1", false, 0},
    {"1.", false, 0},
    {"", false, 0},
};

static const struct {
    const char *text;
    bool good;
    uint32_t want;
} low_u32_rows[] = {
    {"0", true, 0},
    {"4294967295", true, UINT32_MAX},
    {"4294967296", true, 0},
    {"4294967301", true, 5},
    {"9223372036854775808", true, 0},
    {"18446744073709551615", true, UINT32_MAX},
    {"18446744073709551616", false, 0},
    {"-0", true, 0},
    {"-1", false, 0},
    {"-9223372036854775808", false, 0},
    {"-9223372036854775809", true, UINT32_MAX},
    {"-18446744073709551615", true, 1},
    {"-18446744073709551616", false, 0},
    {"+5", true, 5},
    {"\t5", true, 5},
    {"5\vx", true, 5},
    {"5x", false, 0},
    {"0x5", false, 0},
    {"-", false, 0},
    {"+-5", false, 0},
    {"\t", false, 0},
    {"", false, 0},
};

static const struct {
    const char *text;
    bool good;
    int32_t want;
} low_i32_rows[] = {
    {"0", true, 0},
    {"2147483647", true, INT32_MAX},
    {"2147483648", true, INT32_MIN},
    {"4294967295", true, -1},
    {"4294967296", true, 0},
    {"4294967297", true, 1},
    {"99999999999", true, 1215752191},
    {"9223372036854775807", true, -1},
    {"9223372036854775808", false, 0},
    {"-1", true, -1},
    {"-2147483649", true, INT32_MAX},
    {"-4294967296", true, 0},
    {"-9223372036854775808", true, 0},
    {"-9223372036854775809", false, 0},
    {"+5", true, 5},
    {"5\t", true, 5},
    {"1.5", false, 0},
    {"", false, 0},
};

/* What is refused changes nothing. */
#define ROWS_TEST(name, type, rows, function)                                                  \
    START_TEST(name)                                                                           \
    {                                                                                          \
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {                                         \
            type got = 77;                                                                     \
                                                                                               \
            ck_assert_msg(function(word((rows)[i].text), &got) == (rows)[i].good, "'%s'",      \
                          (rows)[i].text);                                                     \
            ck_assert_msg(got == ((rows)[i].good ? (rows)[i].want : 77), "'%s'",               \
                          (rows)[i].text);                                                     \
        }                                                                                      \
    }                                                                                          \
    END_TEST

ROWS_TEST(takes_unsigned_numbers_of_32_bits, uint32_t, u32_rows, token_u32)
ROWS_TEST(takes_signed_numbers_of_32_bits, int32_t, i32_rows, token_i32)
ROWS_TEST(takes_unsigned_numbers_of_64_bits, uint64_t, u64_rows, token_u64)
ROWS_TEST(keeps_the_low_bits_of_client_flags, uint32_t, low_u32_rows, token_low_u32)
ROWS_TEST(keeps_the_low_bits_of_an_expiry, int32_t, low_i32_rows, token_low_i32)

START_TEST(ends_at_a_null_byte)
{
    uint32_t got;

    ck_assert(token_low_u32(slice_make("5\0x", 3), &got));
    ck_assert_uint_eq(got, 5);
    ck_assert(!token_u32(slice_make("5\0", 2), &got));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("token");

    tcase_add_test(tc, takes_unsigned_numbers_of_32_bits);
    tcase_add_test(tc, takes_signed_numbers_of_32_bits);
    tcase_add_test(tc, takes_unsigned_numbers_of_64_bits);
    tcase_add_test(tc, keeps_the_low_bits_of_client_flags);
    tcase_add_test(tc, keeps_the_low_bits_of_an_expiry);
    tcase_add_test(tc, ends_at_a_null_byte);
    return leak_run(tc, "proto/token");
}
