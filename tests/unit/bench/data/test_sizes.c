/* Lists of sizes: as text, from a file, and how often each is drawn. */
#include "data/rng.h"
#include "data/sizes.h"
#include "leak.h"
#include "lombard/base/attr.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *text;
    bool want;
    uint32_t min, max;
    double mean;
} parses[] = {
    {"0", true, 0, 0, 0},
    {"100", true, 100, 100, 100},
    {"4k", true, 4096, 4096, 4096},
    {"1m", true, 1 << 20, 1 << 20, 1 << 20},
    {"100-1000", true, 100, 1000, 550},
    {"100:1,200:3", true, 100, 200, 175},
    {"1k-4k:0.5,100:0.5", true, 100, 4096, 1330},
    {"", false, 0, 0, 0},
    {"-5", false, 0, 0, 0},
    {"1000-100", false, 0, 0, 0},
    {"100:", false, 0, 0, 0},
    {"100:0", false, 0, 0, 0},
    {"100:-1", false, 0, 0, 0},
    {"100,", false, 0, 0, 0},
    {"100x", false, 0, 0, 0},
    {"2m", false, 0, 0, 0},
    {"99999999999999999999", false, 0, 0, 0},
};

START_TEST(parse)
{
    struct sizes s;

    ck_assert_int_eq(sizes_parse(parses[_i].text, 1 << 20, &s), parses[_i].want);
    if (!parses[_i].want)
        return;
    ck_assert_uint_eq(s.min, parses[_i].min);
    ck_assert_uint_eq(s.max, parses[_i].max);
    ck_assert_double_eq_tol(sizes_mean(&s), parses[_i].mean, 0.01);
}
END_TEST

START_TEST(picks_follow_the_weights)
{
    struct sizes s;
    int small = 0;
    int large = 0;

    ck_assert(sizes_parse("10-19:80,1000-1999:20", 1 << 20, &s));
    for (uint64_t key = 0; key < 100000; key++) {
        uint32_t size = sizes_pick(&s, rng_mix(key));

        small += size >= 10 && size <= 19;
        large += size >= 1000 && size <= 1999;
    }
    ck_assert_int_eq(small + large, 100000);
    ck_assert_double_eq_tol(small / 1e5, 0.8, 0.01);
}
END_TEST

START_TEST(every_size_of_a_range_occurs)
{
    struct sizes s;
    bool seen[10] = {false};

    ck_assert(sizes_parse("0-9", 100, &s));
    for (uint64_t key = 0; key < 1000; key++)
        seen[sizes_pick(&s, rng_mix(key))] = true;
    for (int i = 0; i < 10; i++)
        ck_assert(seen[i]);
}
END_TEST

START_TEST(load_a_file)
{
    char path[] = "/tmp/bench-sizes-XXXXXX";
    int fd = mkstemp(path);
    struct sizes s;
    FILE *f = fdopen(fd, "w");

    ck_assert_ptr_nonnull(f);
    (void)fputs("# size weight\n\n 100 3\n200-300   1 # wide\n", f);
    (void)fclose(f);
    ck_assert(sizes_load(path, 1000, &s));
    ck_assert_uint_eq(s.count, 2);
    ck_assert_double_eq_tol(sizes_mean(&s), 137.5, 0.01);
    ck_assert(!sizes_load(path, 200, &s));
    (void)unlink(path);
    ck_assert(!sizes_load(path, 1000, &s));
}
END_TEST

START_TEST(names)
{
    struct sizes s;
    char name[64];

    ck_assert(sizes_parse("100-1000", 1 << 20, &s));
    sizes_name(&s, name, sizeof(name));
    ck_assert_str_eq(name, "100-1000");
    ck_assert(sizes_parse("10:1,20:1", 1 << 20, &s));
    sizes_name(&s, name, sizeof(name));
    ck_assert_str_eq(name, "10:50,20:50");
    sizes_name(&s, name, 5);
    ck_assert_str_eq(name, "10:5");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("sizes");

    tcase_add_loop_test(tc, parse, 0, (int)ARRAY_LEN(parses));
    tcase_add_test(tc, picks_follow_the_weights);
    tcase_add_test(tc, every_size_of_a_range_occurs);
    tcase_add_test(tc, load_a_file);
    tcase_add_test(tc, names);
    return leak_run(tc, "sizes");
}
