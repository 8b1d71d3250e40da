/* The command line: what is accepted, what is refused, and defaults that depend on each other. */
#include "leak.h"
#include "lombard/base/attr.h"
#include "options/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 8, WORD_BYTES = 64 };

/* Options point into their words. */
static char copies[WORDS_MAX + 1][WORD_BYTES] = {"lombard-bench"};

/* What is said on standard error, in SAID. */
static enum options_result
parse_words(const char *const *words, struct options *o, char *said, size_t bytes)
{
    char *argv[WORDS_MAX + 1] = {copies[0]};
    int argc = 1;
    int pipe_fds[2];
    int saved = dup(2);
    enum options_result result;
    ssize_t n;

    for (; words[argc - 1] != NULL; argc++) {
        (void)snprintf(copies[argc], WORD_BYTES, "%s", words[argc - 1]);
        argv[argc] = copies[argc];
    }
    ck_assert_int_eq(pipe(pipe_fds), 0);
    (void)dup2(pipe_fds[1], 2);
    (void)close(pipe_fds[1]);
    result = options_parse(argc, argv, o);
    (void)dup2(saved, 2);
    (void)close(saved);
    n = read(pipe_fds[0], said, bytes - 1);
    said[n > 0 ? n : 0] = '\0';
    (void)close(pipe_fds[0]);
    return result;
}

START_TEST(defaults)
{
    static const char *const none[] = {NULL};
    struct options o;
    char said[256];

    ck_assert_int_eq(parse_words(none, &o, said, sizeof(said)), OPTIONS_OK);
    ck_assert_str_eq(o.server, "127.0.0.1:11211");
    ck_assert_uint_eq(o.connections, 50);
    ck_assert_uint_eq(o.duration_ns, UINT64_C(10000000000));
    ck_assert_uint_eq(o.keys, 1000000);
    ck_assert_uint_eq(o.key_size.max, 16);
    ck_assert_uint_eq(o.value_size.max, 32);
    ck_assert_double_eq(o.weights[QUERY_GET], 10);
    ck_assert_double_eq(o.weights[QUERY_SET], 1);
}
END_TEST

/* As many rounds in one order as in the other. */
START_TEST(comparing_takes_even_rounds)
{
    static const char *const few[] = {"--compare=x", NULL};
    static const char *const odd[] = {"--compare=x", "--rounds=3", NULL};
    static const char *const one[] = {"--compare=x", "--rounds=1", NULL};
    static const char *const alone[] = {"--rounds=3", NULL};
    struct options o;
    char said[256];

    ck_assert_int_eq(parse_words(few, &o, said, sizeof(said)), OPTIONS_OK);
    ck_assert_uint_eq(o.rounds, 6);
    ck_assert_int_eq(parse_words(odd, &o, said, sizeof(said)), OPTIONS_OK);
    ck_assert_uint_eq(o.rounds, 4);
    ck_assert_int_eq(parse_words(one, &o, said, sizeof(said)), OPTIONS_OK);
    ck_assert_uint_eq(o.rounds, 1);
    ck_assert_int_eq(parse_words(alone, &o, said, sizeof(said)), OPTIONS_OK);
    ck_assert_uint_eq(o.rounds, 3);
}
END_TEST

/* What an open loop may have in flight on a connection. */
START_TEST(open_loops_have_more_in_flight)
{
    static const struct {
        const char *words[4];
        uint64_t closed, open;
    } cases[] = {{{"--rate=5"}, 1, OPTIONS_OPEN_PIPELINE},
                 {{"--rate=5", "--pipeline=1"}, 1, 1},
                 {{"--rate=5", "-P4"}, 4, 4},
                 {{"--database=1ms"}, 1, 1},
                 {{"hitratio", "--rate=5"}, 32, 32}};
    struct options o;
    char said[256];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(parse_words(cases[i].words, &o, said, sizeof(said)), OPTIONS_OK);
        ck_assert_uint_eq(o.pipeline, cases[i].closed);
        ck_assert_uint_eq(options_open_pipeline(&o), cases[i].open);
    }
}
END_TEST

START_TEST(all_forms)
{
    static const char *const words[] = {"--connections=7", "-k", "500", "-d2s",
                                        "--fill",          "-r", "3:2", NULL};
    struct options o;
    char said[256];

    ck_assert_int_eq(parse_words(words, &o, said, sizeof(said)), OPTIONS_OK);
    ck_assert_uint_eq(o.connections, 7);
    ck_assert_uint_eq(o.keys, 500);
    ck_assert_uint_eq(o.duration_ns, UINT64_C(2000000000));
    ck_assert(o.fill);
    ck_assert_double_eq(o.weights[QUERY_GET], 3);
    ck_assert_double_eq(o.weights[QUERY_SET], 2);
}
END_TEST

START_TEST(mixes_and_presets)
{
    static const char *const words[] = {"--preset", "meta-usr", "--mix", "get=9,cas=1", NULL};
    static const char *const ratio[] = {"hitratio", "--one-hit", "30%", NULL};
    static const char *const search[] = {"--find-max=p99.9<500us", NULL};
    struct options o;
    char said[256];

    ck_assert_int_eq(parse_words(words, &o, said, sizeof(said)), OPTIONS_OK);
    ck_assert_uint_eq(o.value_size.max, 2);
    ck_assert_double_eq(o.weights[QUERY_GET], 9);
    ck_assert_double_eq(o.weights[QUERY_SET], 0);
    ck_assert_double_eq(o.weights[QUERY_CAS], 1);
    ck_assert_int_eq(parse_words(ratio, &o, said, sizeof(said)), OPTIONS_OK);
    ck_assert(o.hitratio && o.refill);
    ck_assert_double_eq_tol(o.one_hit_share, 0.3, 1e-9);
    ck_assert_int_eq(parse_words(search, &o, said, sizeof(said)), OPTIONS_OK);
    ck_assert_double_eq_tol(o.find_max_quantile, 0.999, 1e-9);
    ck_assert_uint_eq(o.find_max_ns, 500000);
}
END_TEST

/* Meta's pools: the shares that were published. */
START_TEST(pools_are_as_published)
{
    static const struct {
        const char *name;
        double gets, sets, deletes;
        uint32_t value_max;
    } pools[] = {
        {"meta-app", 84, 4, 12, 500},
        {"meta-var", 18, 82, 0, 500},
        {"meta-sys", 67, 33, 0, 500},
        {"meta-usr", 998, 2, 0, 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(pools); i++) {
        const char *const words[] = {"--preset", pools[i].name, NULL};
        struct options o;
        char said[256];

        ck_assert_int_eq(parse_words(words, &o, said, sizeof(said)), OPTIONS_OK);
        ck_assert_double_eq(o.weights[QUERY_GET], pools[i].gets);
        ck_assert_double_eq(o.weights[QUERY_SET], pools[i].sets);
        ck_assert_double_eq(o.weights[QUERY_DELETE], pools[i].deletes);
        ck_assert_uint_eq(o.value_size.max, pools[i].value_max);
        ck_assert_str_eq(o.preset, pools[i].name);
    }
}
END_TEST

/* A bad option is named, and so is what was wrong with it. */
static const struct {
    const char *words[4];
    const char *want; /* part of what is said */
} bad[] = {
    {{"--nonsense"}, "'--nonsense'"},
    {{"-Z"}, "'-Z'"},
    {{"stray"}, "'stray'"},
    {{"--"}, "'--'"},
    {{"-"}, "'-'"},
    {{"--connections"}, "'--connections' needs an argument"},
    {{"--connections", "0"}, "'--connections' cannot be '0'"},
    {{"--connections", "-1"}, "'--connections' cannot be '-1'"},
    {{"--connections", "12x"}, "'--connections' cannot be '12x'"},
    {{"--connections", "99999999999999999999"}, "'--connections'"},
    {{"--jobs", "200"}, "'--jobs' cannot be '200': '--jobs' is a number from 1 to 64"},
    {{"-s", "host", "hitratio"}, "'hitratio' has to be the first word"},
    {{"-s", "a:1,b:1", "--think=1ms"}, "several servers together: no --think: use --rate"},
    {{"-s", "a:1,b:1", "--database=1ms"},
     "several servers together: no --database: use one server"},
    {{"-s", "a:1,b:1", "--stats"}, "--stats"},
    {{"--fill=yes"}, "'--fill' takes no argument"},
    {{"--ratio", "1"}, "'--ratio'"},
    {{"--ratio", "0:0"}, "'--ratio'"},
    {{"--duration", "5x"}, "'--duration'"},
    {{"--distribution", "bell"}, "'--distribution' cannot be 'bell'"},
    {{"--key-size", "251"}, "'--key-size'"},
    {{"--key-size", "3"}, "--key-size"},
    {{"--value-size", "2000m"}, "'--value-size'"},
    {{"--value-size", "@/nonexistent"}, "'--value-size'"},
    {{"--mix", "get=1,fly=2"}, "'--mix'"},
    {{"--mix", "get=0"}, "'--mix'"},
    {{"--mix", "get"}, "'--mix'"},
    {{"--protocol", "http"}, "'--protocol'"},
    {{"--preset", "none"}, "'--preset'"},
    {{"--arrivals", "never"}, "'--arrivals'"},
    {{"--find-max", "p99"}, "'--find-max'"},
    {{"--find-max", "p100<1ms"}, "'--find-max'"},
    {{"--one-hit", "1.5"}, "'--one-hit'"},
    {{"--one-hit", "0.5"}, "hitratio"},
    {{"hitratio", "--multiget=2"}, "multiget"},
    {{"hitratio", "--loop-share=10%"}, "--loop-keys"},
    {{"--rate", "0"}, "a number from 1 to 100000000"},
    {{"--duration", "0s"}, "'--duration' cannot be '0s'"},
    {{"-d", "0.0000000001"}, "'--duration'"},
    {{"--timeout", "0"}, "'--timeout'"},
    {{"--ttl", "2592001"}, "a number from 0 to 2592000"},
    {{"--noreply"}, "--noreply needs a --pipeline"},
    {{"hitratio", "--trace=-", "--compare=x"}, "standard input"},
    {{"hitratio", "--trace=x", "--multiget=2"}, "multiget"},
    {{"--preset", "twitter:5"}, "no preset 'twitter:5'; --preset list"},
    {{"--preset", "twitter:x"}, "'--preset'"},
    {{"--ttl", "5m"}, "with weights"},
    {{"--key-pattern=R:R"}, "there is no '--key-pattern': use --distribution"},
    {{"--tls"}, "there is no '--tls': there is no TLS"},
    {{"--think", "0"}, "'--think'"},
    {{"--think", "5ms-1ms"}, "'--think'"},
    {{"--database", "lognormal:5ms"}, "'--database'"},
    {{"--think=1ms", "--rate=5"}, "--think and --session-requests"},
    {{"--session-gap=1ms"}, "--session-gap needs"},
    {{"--database=1ms", "--pipeline=2"}, "one key at a time"},
    {{"--leases"}, "need a --database"},
    {{"--leases", "--database=1ms"}, "--protocol meta"},
    {{"--recache=5"}, "--recache needs"},
    {{"replay"}, "replay needs a --trace"},
    {{"replay", "--trace=x", "--speed=0"}, "'--speed'"},
    {{"--phase", "get=1"}, "'--phase' cannot be 'get=1'"},
    {{"--phase", "0s:get=1"}, "'--phase'"},
    {{"--phase", "1s:"}, "'--phase'"},
    {{"--phase", "1s:get=1,"}, "'--phase'"},
    {{"--phase", "1s:rate=0"}, "'--phase'"},
    {{"--phase", "1s:fly=1"}, "'--phase'"},
    {{"--phase", "1s", "-n5"}, "each --phase has its own time"},
    {{"--phase", "1s:rate=5", "--noreply"}, "--noreply"},
    {{"--trace=x", "--key-size=7"}, "--key-size"},
};

START_TEST(bad_options_name_themselves)
{
    struct options o;
    char said[256];

    ck_assert_int_eq(parse_words(bad[_i].words, &o, said, sizeof(said)), OPTIONS_BAD);
    ck_assert_msg(strstr(said, bad[_i].want) != NULL, "said: %s", said);
    ck_assert_msg(strchr(strchr(said, '\n') + 1, '\n') == NULL, "one line: %s", said);
}
END_TEST

static const struct {
    const char *text;
    bool want;
    uint64_t ns;
} durations[] = {
    {"1", true, 1000000000},
    {"1.5", true, 1500000000},
    {"10s", true, UINT64_C(10000000000)},
    {"250ms", true, 250000000},
    {"5us", true, 5000},
    {"2m", true, UINT64_C(120000000000)},
    {"1h", true, UINT64_C(3600000000000)},
    {"", false, 0},
    {"s", false, 0},
    {"-1s", false, 0},
    {"1 s", false, 0},
    {"1e300", false, 0},
    {"inf", false, 0},
    {"nan", false, 0},
};

START_TEST(durations_parse)
{
    uint64_t ns = 0;

    ck_assert_int_eq(options_duration(durations[_i].text, &ns), durations[_i].want);
    ck_assert_uint_eq(ns, durations[_i].ns);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("options");

    tcase_add_test(tc, defaults);
    tcase_add_test(tc, comparing_takes_even_rounds);
    tcase_add_test(tc, all_forms);
    tcase_add_test(tc, mixes_and_presets);
    tcase_add_test(tc, open_loops_have_more_in_flight);
    tcase_add_test(tc, pools_are_as_published);
    tcase_add_loop_test(tc, bad_options_name_themselves, 0, (int)ARRAY_LEN(bad));
    tcase_add_loop_test(tc, durations_parse, 0, (int)ARRAY_LEN(durations));
    return leak_run(tc, "options");
}
