/* Workloads: shares of the streams, traces in every format, windows of the hit ratio. */
#include "data/trace_keys.h"
#include "leak.h"
#include "load/windows.h"
#include "load/workload.h"
#include "lombard/base/attr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct options options;
static struct workload w;
static char path[32];

static void
setup(void)
{
    memset(&options, 0, sizeof(options));
    options.keys = 1000;
    options.seed = 1;
    options.dist = (struct dist_config){.kind = DIST_ZIPF, .alpha = 0.99};
    path[0] = '\0';
}

static void
teardown(void)
{
    workload_fini(&w);
    if (path[0] != '\0')
        (void)unlink(path);
}

static void
write_trace(const void *bytes, size_t len)
{
    FILE *f;

    (void)snprintf(path, sizeof(path), "/tmp/bench-trace-XXXXXX");
    f = fdopen(mkstemp(path), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    (void)fclose(f);
    options.trace_path = path;
}

/* Popular keys lie below, then those of the loop, then those that come once. */
START_TEST(shares_of_the_streams)
{
    enum { COUNT = 100000 };
    static unsigned char seen[2000 + COUNT];
    struct access a;
    uint32_t loop = 0;
    uint32_t once = 0;
    uint32_t next_loop = 1000;

    options.loop_keys = 500;
    options.loop_share = 0.2;
    options.one_hit_share = 0.3;
    ck_assert(workload_init(&w, &options));
    for (int i = 0; i < COUNT; i++) {
        bool ok = workload_next(&w, &a) && a.kind == QUERY_GET && a.value_bytes == SIZE_OF_KEY;

        if (a.key >= 1500) {
            ok = ok && seen[a.key]++ == 0;
            once++;
        } else if (a.key >= 1000) {
            ok = ok && a.key == next_loop;
            next_loop = next_loop == 1499 ? 1000 : next_loop + 1;
            loop++;
        }
        if (!ok)
            ck_abort_msg("access %d is wrong", i);
    }
    ck_assert_double_eq_tol(loop / (double)COUNT, 0.2, 0.01);
    ck_assert_double_eq_tol(once / (double)COUNT, 0.3, 0.01);
    ck_assert_uint_eq(w.ids_needed, 1500 + once);
}
END_TEST

static uint32_t
most_popular(int accesses)
{
    static uint32_t counts[1000];
    uint32_t best = 0;
    struct access a;

    memset(counts, 0, sizeof(counts));
    for (int i = 0; i < accesses; i++) {
        if (!workload_next(&w, &a))
            ck_abort_msg("the workload ended");
        counts[a.key]++;
    }
    for (uint32_t i = 0; i < 1000; i++) {
        if (counts[i] > counts[best])
            best = i;
    }
    return best;
}

START_TEST(popularity_moves_on)
{
    uint32_t before;

    options.shift_every = 10000;
    options.shift_by = 0.1;
    ck_assert(workload_init(&w, &options));
    before = most_popular(10000);
    ck_assert_uint_ne(most_popular(10000), before);
}
END_TEST

START_TEST(the_same_seed_again)
{
    struct access first[100];
    struct access a;

    options.one_hit_share = 0.5;
    ck_assert(workload_init(&w, &options));
    for (int i = 0; i < 100; i++)
        ck_assert(workload_next(&w, &first[i]));
    ck_assert(workload_init(&w, &options));
    for (int i = 0; i < 100; i++) {
        ck_assert(workload_next(&w, &a));
        ck_assert_uint_eq(a.key, first[i].key);
    }
}
END_TEST

START_TEST(text_trace)
{
    static const char text[] = "# a comment\n\nalpha 100 60 get\nbeta,200,0,set\nalpha\n"
                               "gamma 5\nbeta 1 2 delete\n";
    static const struct access want[] = {
        {0, 100, 60, QUERY_GET, 5, 0},        {1, 200, 0, QUERY_SET, 4, 0},
        {0, SIZE_OF_KEY, 0, QUERY_GET, 5, 0}, {2, 5, 0, QUERY_GET, 5, 0},
        {1, 1, 2, QUERY_DELETE, 4, 0},
    };
    struct access a;

    write_trace(text, sizeof(text) - 1);
    ck_assert(workload_init(&w, &options));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        ck_assert(workload_next(&w, &a));
        ck_assert_uint_eq(a.key, want[i].key);
        ck_assert_uint_eq(a.value_bytes, want[i].value_bytes);
        ck_assert_uint_eq(a.ttl_s, want[i].ttl_s);
        ck_assert_int_eq(a.kind, want[i].kind);
        ck_assert_uint_eq(a.key_bytes, want[i].key_bytes);
    }
    ck_assert(!workload_next(&w, &a));
    ck_assert_ptr_null(w.error);
    ck_assert(!workload_next(&w, &a));
}
END_TEST

static const struct {
    const char *text;
    const char *want;
} malformed[] = {
    {"a x\n", "line 1: its size is no number below 2^32"},
    {"a -1\n", "line 1: its size is no number below 2^32"},
    {"#\n\n1 2 3y\n", "line 3: its TTL is no number below 2^32"},
    {"a 1 2 fetch\n", "line 1: its operation is none of get, set and delete"},
    {"a 99999999999\n", "line 1: its size is no number below 2^32"},
};

START_TEST(a_malformed_line_is_an_error)
{
    struct access a;

    struct trace_keys keys;

    write_trace(malformed[_i].text, strlen(malformed[_i].text));
    ck_assert(workload_init(&w, &options));
    ck_assert(!workload_next(&w, &a));
    ck_assert_ptr_nonnull(w.error);
    ck_assert_str_eq(w.error, malformed[_i].want);
    ck_assert_str_eq(trace_keys_load(&keys, path, TRACE_TEXT), malformed[_i].want);
}
END_TEST

/* A line that does not fit is not taken for two. */
START_TEST(a_line_that_is_too_long)
{
    char text[1200];
    struct access a;

    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\n';
    write_trace(text, sizeof(text));
    ck_assert(workload_init(&w, &options));
    ck_assert(!workload_next(&w, &a));
    ck_assert_str_eq(w.error, "line 1: it is too long");
}
END_TEST

/* It opens, but there is nothing to be read: that is no empty trace. */
START_TEST(a_trace_that_is_a_folder)
{
    struct access a;

    options.trace_path = "/tmp";
    ck_assert(workload_init(&w, &options));
    ck_assert(!workload_next(&w, &a));
    ck_assert_str_eq(w.error, "cannot be read: Is a directory");
}
END_TEST

START_TEST(keys_of_a_trace)
{
    static const char text[] = "a 5\nb\n# no key\na\nc 1 2 set\n";
    static const uint32_t want[] = {0, 1, 0, 2};
    struct trace_keys keys;

    write_trace(text, sizeof(text) - 1);
    ck_assert_ptr_null(trace_keys_load(&keys, path, TRACE_TEXT));
    ck_assert_uint_eq(keys.count, ARRAY_LEN(want));
    ck_assert_uint_eq(keys.distinct, 3);
    ck_assert_mem_eq(keys.ids, want, sizeof(want));
    trace_keys_free(&keys);
}
END_TEST

START_TEST(no_keys_of_a_trace)
{
    struct trace_keys keys;

    write_trace("", 0);
    ck_assert_str_eq(trace_keys_load(&keys, path, TRACE_TEXT), "it is empty");
    (void)unlink(path);
    write_trace("a 5 x\n", 6);
    ck_assert_str_eq(trace_keys_load(&keys, path, TRACE_TEXT),
                     "line 1: its TTL is no number below 2^32");
    ck_assert_ptr_nonnull(trace_keys_load(&keys, "/nonexistent", TRACE_TEXT));
    ck_assert_ptr_null(keys.ids);
}
END_TEST

START_TEST(oracle_trace)
{
    static const unsigned char records[24 * 3 + 5] = {
        [4] = 0x11,       [11] = 0x80,      [12] = 0x10,   [13] = 0x27, /* 10000 bytes */
        [24 + 4] = 0x12,  [24 + 11] = 0x80, [24 + 12] = 7, [48 + 4] = 0x11,
        [48 + 11] = 0x80, [48 + 12] = 9,
    };
    struct access a;

    write_trace(records, sizeof(records));
    options.trace_format = TRACE_ORACLE;
    ck_assert(workload_init(&w, &options));
    ck_assert(workload_next(&w, &a));
    ck_assert_uint_eq(a.key, 0);
    ck_assert_uint_eq(a.value_bytes, 10000);
    ck_assert(workload_next(&w, &a));
    ck_assert_uint_eq(a.key, 1);
    ck_assert(workload_next(&w, &a));
    ck_assert_uint_eq(a.key, 0);
    ck_assert_uint_eq(a.value_bytes, 9);
    /* Five bytes are no record. */
    ck_assert(!workload_next(&w, &a));
    ck_assert_ptr_nonnull(w.error);
}
END_TEST

START_TEST(cache2k_trace)
{
    static const struct {
        enum trace_format format;
        uint32_t keys[5];
        uint32_t count;
    } cases[] = {
        {TRACE_CACHE2K, {0, 1, 0, 2, 1}, 5},
        {TRACE_CACHE2K_LONG, {0, 1}, 2},
    };
    static const unsigned char records[4 * 5] = {
        [0] = 1, [4] = 2, [8] = 1, [15] = 1, [16] = 2,
    };
    struct access a;

    write_trace(records, sizeof(records));
    options.trace_format = cases[_i].format;
    ck_assert(workload_init(&w, &options));
    for (uint32_t i = 0; i < cases[_i].count; i++) {
        ck_assert(workload_next(&w, &a));
        ck_assert_uint_eq(a.key, cases[_i].keys[i]);
        ck_assert_uint_eq(a.value_bytes, SIZE_OF_KEY);
        ck_assert_int_eq(a.kind, QUERY_GET);
    }
    /* Twenty bytes are five short keys, but two long ones and a half. */
    ck_assert(!workload_next(&w, &a));
    ck_assert((w.error != NULL) == (_i == 1));
}
END_TEST

/* More keys than the table of numbers begins with. */
START_TEST(many_keys_keep_their_numbers)
{
    enum { KEYS = 100000 };
    struct access a;
    FILE *f;

    write_trace("", 0);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < KEYS; i++)
            (void)fprintf(f, "key:%d\n", i);
    }
    (void)fclose(f);
    ck_assert(workload_init(&w, &options));
    for (uint32_t i = 0; i < 2 * KEYS; i++) {
        if (!workload_next(&w, &a) || a.key != i % KEYS)
            ck_abort_msg("key %u became %u", i, a.key);
    }
}
END_TEST

START_TEST(windows_sum_up)
{
    enum { HALF = 16384 };
    struct windows windows = {0};
    struct window all;
    struct window half;

    /* A multiple of what windows can be: the half is exact. */
    for (int i = 0; i < 2 * HALF; i++)
        windows_add(&windows, i >= HALF, i % 2 == 0 ? 10 : 30);
    ck_assert_uint_le(windows.count, WINDOWS_MAX);
    all = windows_sum(&windows, 0);
    half = windows_second_half(&windows);
    ck_assert_double_eq(window_hit_percent(&all), 50);
    ck_assert_double_eq(window_hit_percent(&half), 100);
    ck_assert_double_eq(window_byte_percent(&all), 50);
    ck_assert_uint_eq(half.hit_bytes, (uint64_t)HALF * 20);
    windows_fini(&windows);
}
END_TEST

/* However many reads there were, the second half is half of them. */
START_TEST(the_second_half_is_half)
{
    static const uint64_t counts[] = {1, 2, 3, 1001, 4097, 10001, 100003, 1000001};

    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct windows windows = {0};
        struct window half;

        for (uint64_t n = 0; n < counts[i]; n++)
            windows_add(&windows, true, 1);
        half = windows_second_half(&windows);
        ck_assert_double_eq_tol((double)half.hits, (double)counts[i] / 2,
                                1 + (double)counts[i] / (WINDOWS_MAX / 2));
        windows_fini(&windows);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("workload");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, shares_of_the_streams);
    tcase_add_test(tc, popularity_moves_on);
    tcase_add_test(tc, the_same_seed_again);
    tcase_add_test(tc, text_trace);
    tcase_add_loop_test(tc, a_malformed_line_is_an_error, 0, (int)ARRAY_LEN(malformed));
    tcase_add_test(tc, a_line_that_is_too_long);
    tcase_add_test(tc, a_trace_that_is_a_folder);
    tcase_add_test(tc, keys_of_a_trace);
    tcase_add_test(tc, no_keys_of_a_trace);
    tcase_add_test(tc, oracle_trace);
    tcase_add_loop_test(tc, cache2k_trace, 0, 2);
    tcase_add_test(tc, many_keys_keep_their_numbers);
    tcase_add_test(tc, windows_sum_up);
    tcase_add_test(tc, the_second_half_is_half);
    return leak_run(tc, "workload");
}
