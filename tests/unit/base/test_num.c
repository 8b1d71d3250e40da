#include <inttypes.h>
#include <stdio.h>

#include "lombard/base/attr.h"
#include "lombard/base/num.h"
#include "leak.h"

static struct slice
text(const char *s)
{
    return slice_make(s, strlen(s));
}

static const struct {
    const char *input;
    bool good;
    uint64_t want;
} u64_cases[] = {
    {"0", true, 0},
    {"7", true, 7},
    {"10", true, 10},
    {"0000000000000000000000000000000000001", true, 1},
    {"00", true, 0},
    {"4294967295", true, UINT32_MAX},
    {"4294967296", true, UINT64_C(4294967296)},
    {"9223372036854775807", true, INT64_MAX},
    {"9223372036854775808", true, UINT64_C(9223372036854775808)},
    {"18446744073709551614", true, UINT64_MAX - 1},
    {"18446744073709551615", true, UINT64_MAX},
    {"00018446744073709551615", true, UINT64_MAX},
    {"18446744073709551616", false, 0},
    {"18446744073709551620", false, 0},
    {"18446744073709551700", false, 0},
    {"28446744073709551615", false, 0},
    {"99999999999999999999", false, 0},
    {"184467440737095516150", false, 0},
    {"", false, 0},
    {"-1", false, 0},
    {"-0", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"1\n", false, 0},
    {"0x10", false, 0},
    {"1.5", false, 0},
    {"1e3", false, 0},
    {"a", false, 0},
    {"1a", false, 0},
    {"/", false, 0},
    {":", false, 0},
    {"\x80", false, 0},
    {"\xb1", false, 0}, /* '1' with the top bit set */
};

START_TEST(parses_u64)
{
    uint64_t v = 0xdead;
    bool good = num_parse_u64(text(u64_cases[_i].input), &v);

    ck_assert_msg(good == u64_cases[_i].good, "'%s'", u64_cases[_i].input);
    ck_assert_uint_eq(v, good ? u64_cases[_i].want : 0xdead);
}
END_TEST

START_TEST(parses_u32)
{
    bool fits = u64_cases[_i].good && u64_cases[_i].want <= UINT32_MAX;
    uint32_t v = 0xdead;
    bool good = num_parse_u32(text(u64_cases[_i].input), &v);

    ck_assert_msg(good == fits, "'%s'", u64_cases[_i].input);
    ck_assert_uint_eq(v, fits ? u64_cases[_i].want : 0xdead);
}
END_TEST

static const struct {
    const char *input;
    bool good;
    int64_t want;
} i64_cases[] = {
    {"0", true, 0},
    {"-0", true, 0},
    {"+0", true, 0},
    {"-1", true, -1},
    {"+1", true, 1},
    {"42", true, 42},
    {"-000042", true, -42},
    {"2147483648", true, INT64_C(2147483648)},
    {"9223372036854775806", true, INT64_MAX - 1},
    {"9223372036854775807", true, INT64_MAX},
    {"+9223372036854775807", true, INT64_MAX},
    {"-9223372036854775807", true, -INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"9223372036854775808", false, 0},
    {"+9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"18446744073709551615", false, 0},
    {"-18446744073709551615", false, 0},
    {"-99999999999999999999", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"+", false, 0},
    {"--1", false, 0},
    {"+-1", false, 0},
    {"-+1", false, 0},
    {"- 1", false, 0},
    {"1-", false, 0},
    {" -1", false, 0},
};

START_TEST(parses_i64)
{
    int64_t v = 0xdead;
    bool good = num_parse_i64(text(i64_cases[_i].input), &v);

    ck_assert_msg(good == i64_cases[_i].good, "'%s'", i64_cases[_i].input);
    ck_assert_int_eq(v, good ? i64_cases[_i].want : 0xdead);
}
END_TEST

START_TEST(a_nul_byte_is_no_digit)
{
    uint64_t u;
    int64_t i;

    ck_assert(!num_parse_u64(slice_make("1\0", 2), &u));
    ck_assert(!num_parse_u64(slice_make("\0001", 2), &u));
    ck_assert(!num_parse_i64(slice_make("-1\0", 3), &i));
    ck_assert(!num_parse_u64(slice_make(NULL, 0), &u));
    ck_assert(!num_parse_i64(slice_make(NULL, 0), &i));
}
END_TEST

/* A slice is taken to its end and not further. */
START_TEST(reads_only_the_slice)
{
    uint64_t v;

    ck_assert(num_parse_u64(slice_make("12345", 3), &v));
    ck_assert_uint_eq(v, 123);
}
END_TEST

static void
expect_u64(uint64_t v)
{
    char want[32];
    char got[NUM_U64_DIGITS_MAX + 1];
    int len = snprintf(want, sizeof(want), "%" PRIu64, v);

    memset(got, '#', sizeof(got));
    ck_assert_uint_eq(num_format_u64(got, v), (size_t)len);
    ck_assert_mem_eq(got, want, (size_t)len);
    ck_assert_int_eq(got[len], '#');
}

static void
expect_i64(int64_t v)
{
    char want[32];
    char got[NUM_I64_CHARS_MAX + 1];
    int len = snprintf(want, sizeof(want), "%" PRId64, v);

    memset(got, '#', sizeof(got));
    ck_assert_uint_eq(num_format_i64(got, v), (size_t)len);
    ck_assert_mem_eq(got, want, (size_t)len);
    ck_assert_int_eq(got[len], '#');
}

START_TEST(formats_every_small_number)
{
    for (uint64_t v = 0; v < 1100; v++) {
        expect_u64(v);
        expect_i64((int64_t)v);
        expect_i64(-(int64_t)v);
    }
}
END_TEST

/* Around every power of ten and of two. */
START_TEST(formats_edges)
{
    uint64_t power = 1;

    for (int i = 0; i < 20; i++, power *= 10) {
        expect_u64(power - 1);
        expect_u64(power);
        expect_u64(power + 1);
    }
    for (int i = 0; i < 64; i++) {
        uint64_t v = UINT64_C(1) << i;

        expect_u64(v - 1);
        expect_u64(v);
        expect_i64((int64_t)(v - 1));
        expect_i64((int64_t)v);
        expect_i64((int64_t)(0 - v));
    }
    expect_u64(UINT64_MAX);
    expect_i64(INT64_MAX);
    expect_i64(INT64_MIN);
}
END_TEST

START_TEST(what_is_formatted_parses_back)
{
    uint64_t v = 1;

    for (int i = 0; i < 1000; i++) {
        char digits[NUM_I64_CHARS_MAX];
        uint64_t u = 0;
        int64_t s = 0;

        v = v * UINT64_C(6364136223846793005) + 1442695040888963407;
        ck_assert(num_parse_u64(slice_make(digits, num_format_u64(digits, v >> (i % 64))), &u));
        ck_assert_uint_eq(u, v >> (i % 64));
        ck_assert(num_parse_i64(slice_make(digits, num_format_i64(digits, (int64_t)v)), &s));
        ck_assert_int_eq(s, (int64_t)v);
    }
}
END_TEST

/* As strtol(3) and strtoul(3). */
START_TEST(scans)
{
    static const struct {
        struct slice text;
        bool ok, negative;
        uint64_t magnitude;
    } cases[] = {
        {{"12", 2}, true, false, 12},
        {{" \t12", 4}, true, false, 12},
        {{"+12", 3}, true, false, 12},
        {{"-12", 3}, true, true, 12},
        {{"12 and more", 11}, true, false, 12},
        {{"12\0more", 7}, true, false, 12},
        {{"18446744073709551615", 20}, true, false, UINT64_MAX},
        {{"18446744073709551616", 20}, false, false, 0},
        {{"12x", 3}, false, false, 0},
        {{"", 0}, false, false, 0},
        {{" ", 1}, false, false, 0},
        {{"-", 1}, false, false, 0},
        {{"--1", 3}, false, false, 0},
        {{"- 1", 3}, false, false, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t magnitude = 0;
        bool negative = false;

        ck_assert_msg(num_scan(cases[i].text, &negative, &magnitude) == cases[i].ok, "case %zu",
                      i);
        if (!cases[i].ok)
            continue;
        ck_assert_uint_eq(magnitude, cases[i].magnitude);
        ck_assert_int_eq(negative, cases[i].negative);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("num");

    tcase_add_loop_test(tc, parses_u64, 0, (int)ARRAY_LEN(u64_cases));
    tcase_add_loop_test(tc, parses_u32, 0, (int)ARRAY_LEN(u64_cases));
    tcase_add_loop_test(tc, parses_i64, 0, (int)ARRAY_LEN(i64_cases));
    tcase_add_test(tc, a_nul_byte_is_no_digit);
    tcase_add_test(tc, reads_only_the_slice);
    tcase_add_test(tc, formats_every_small_number);
    tcase_add_test(tc, formats_edges);
    tcase_add_test(tc, what_is_formatted_parses_back);
    tcase_add_test(tc, scans);
    return leak_run(tc, "num");
}
