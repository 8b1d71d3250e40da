/* Requests and their answers, without a server. */
#include "run/channel.h"

#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"

static struct options options;
static struct load load;
static struct channel channels[2];

static void
setup(void)
{
    memset(&options, 0, sizeof(options));
    options.keys = 1000;
    options.multiget = 3;
    options.pipeline = 1;
    options.weights[QUERY_GET] = 1;
    ck_assert(sizes_parse("16", KEY_TEXT_MAX, &options.key_size));
    ck_assert(sizes_parse("32", OPTIONS_VALUE_MAX_BYTES, &options.value_size));
    ck_assert_int_eq(load_init(&load, &options, "nowhere"), LOAD_OK);
    load_begin(&load, LOAD_MIX, UINT64_MAX, UINT64_MAX);
    for (int i = 0; i < 2; i++)
        ck_assert(channel_init(&channels[i], 1, 3));
}

static void
teardown(void)
{
    for (int i = 0; i < 2; i++)
        channel_fini(&channels[i]);
    load_fini(&load);
}

/* The value of key number I of QUERY has come, written by another run. */
static void
bring(struct channel *c, struct query *query, uint32_t i)
{
    c->caller.reader.key_index = i;
    value_check_init(&c->caller.reader.check, query->keys[i].id, 32);
    c->caller.reader.check.id.key = query->keys[i].id;
    load_value(&load, &c->caller, query);
}

static void
end(struct channel *c, struct query *query)
{
    c->caller.reader.outcome = OUTCOME_GET_END;
    load_done(&load, &c->caller, query);
}

/* Answers of several connections come in pieces; each counts its own values. */
START_TEST(hits_belong_to_their_connection)
{
    struct query *a = channel_slot(&channels[0]);
    struct query *b = channel_slot(&channels[1]);

    ck_assert(load_next(&load, &channels[0].caller, a));
    ck_assert(load_next(&load, &channels[1].caller, b));
    bring(&channels[0], a, 1);
    for (uint32_t i = 0; i < 3; i++)
        bring(&channels[1], b, i);
    end(&channels[1], b);
    ck_assert_uint_eq(load.tally.hits, 3);
    ck_assert_uint_eq(load.tally.misses, 0);
    end(&channels[0], a);
    ck_assert_uint_eq(load.tally.hits, 4);
    ck_assert_uint_eq(load.tally.misses, 2);
    ck_assert_uint_eq(load.tally.mismatches, 0);
}
END_TEST

/* What a lost connection had begun to answer does not count for its next request. */
START_TEST(a_lost_connection_begins_anew)
{
    struct query *query = channel_slot(&channels[0]);

    ck_assert(load_next(&load, &channels[0].caller, query));
    bring(&channels[0], query, 0);
    load_lost(&load, &channels[0].caller, query, true);
    ck_assert(load_next(&load, &channels[0].caller, query));
    end(&channels[0], query);
    ck_assert_uint_eq(load.tally.hits, 0);
    ck_assert_uint_eq(load.tally.misses, 3);
    ck_assert_uint_eq(load.tally.lost_requests, 1);
}
END_TEST

START_TEST(the_same_value_twice_is_wrong)
{
    struct query *query = channel_slot(&channels[0]);

    options.silent = true;
    ck_assert(load_next(&load, &channels[0].caller, query));
    bring(&channels[0], query, 2);
    bring(&channels[0], query, 2);
    ck_assert_uint_eq(load.tally.mismatches, 1);
}
END_TEST

/* Everything is stored with flags of 0; another run may have had others. */
START_TEST(other_flags_are_wrong)
{
    struct query *query = channel_slot(&channels[0]);
    struct value_id *id = &channels[0].caller.reader.check.id;
    uint32_t base;

    options.silent = true;
    ck_assert(load_next(&load, &channels[0].caller, query));
    bring(&channels[0], query, 0);
    ck_assert_uint_eq(load.tally.mismatches, 0);
    channels[0].caller.reader.flags = 1;
    bring(&channels[0], query, 1);
    ck_assert_uint_eq(load.tally.mismatches, 0);
    ck_assert_uint_eq(load.tally.foreign, 2);
    id->writer = load.keys.writer;
    id->version = keys_issue(&load.keys, query->keys[2].id, &base);
    bring(&channels[0], query, 2);
    ck_assert_uint_eq(load.tally.mismatches, 1);
    channels[0].caller.reader.flags = 0;
}
END_TEST

#define MS UINT64_C(1000000)

/* The clock is this test's. */
static void
begin(uint64_t rate, uint64_t requests, uint64_t duration_ns)
{
    load.rate = rate;
    load_begin(&load, LOAD_MIX, requests, duration_ns);
}

static void
set_clock(uint64_t ms)
{
    load.now_ns = load.tally.start_ns + ms * MS;
}

static uint64_t
length_ns(void)
{
    return load.tally.end_ns - load.tally.start_ns;
}

/* How many are due by now; each is answered immediately. */
static uint64_t
take_due(uint64_t most)
{
    struct query *query = channel_slot(&channels[0]);
    uint64_t n = 0;

    for (; n < most && load_next(&load, &channels[0].caller, query); n++)
        end(&channels[0], query);
    return n;
}

/* A number of requests at a rate: as many as were asked for, in the time that takes. */
START_TEST(a_count_with_a_rate)
{
    begin(1000, 5, _i == 0 ? UINT64_MAX : 1000 * MS);
    set_clock(2);
    ck_assert_uint_eq(take_due(100), 2); /* due at 0.5 and 1.5 ms */
    ck_assert(!load_is_over(&load));
    ck_assert_uint_eq(load_wait_ns(&load), MS / 2);
    set_clock(5);
    ck_assert_uint_eq(take_due(100), 3);
    ck_assert(load_is_over(&load));
    set_clock(50); /* of what would have come due by then nothing was asked for */
    load_end(&load, false);
    ck_assert_uint_eq(load.tally.requests, 5);
    ck_assert_uint_eq(load.tally.unbegun, 0);
    ck_assert_uint_eq(load.tally.response.count, 5);
    ck_assert_uint_eq(length_ns(), 5 * MS + MS / 2);
}
END_TEST

/* One request says nothing of a rate, but for the time that was given to it. */
START_TEST(few_requests_in_a_long_time)
{
    begin(_i == 0 ? 5 : 0, UINT64_MAX, 200 * MS);
    set_clock(101);
    ck_assert_uint_eq(take_due(1), 1);
    set_clock(199);
    ck_assert(_i == 1 || load_is_over(&load)); /* none is due any more */
    set_clock(200);
    ck_assert(load_is_over(&load));
    load_end(&load, false);
    ck_assert_uint_eq(length_ns(), 200 * MS);
    ck_assert_double_eq_tol(tally_rate(&load.tally), 5, 1e-9);
}
END_TEST

/* Given up before its time: what had not come due does not count, and nothing took that long. */
START_TEST(an_early_end)
{
    begin(1000, _i == 0 ? UINT64_MAX : 100, _i == 2 ? UINT64_MAX : 10000 * MS);
    set_clock(3);
    ck_assert_uint_eq(take_due(1), 1);
    load_end(&load, true);
    ck_assert_uint_eq(load.tally.unbegun, 2);
    ck_assert_uint_eq(load.tally.response.count, 3);
    ck_assert_uint_le(load.tally.response.max, 5 * MS / 2);
    ck_assert_uint_eq(length_ns(), 3 * MS);
}
END_TEST

/* A server that is too slow: all that was due in time counts, and no more. */
START_TEST(what_was_due_and_not_begun)
{
    begin(1000, UINT64_MAX, 10 * MS);
    set_clock(5);
    ck_assert_uint_eq(take_due(2), 2);
    set_clock(1011);
    ck_assert(load_is_over(&load)); /* patience has an end */
    load_end(&load, false);
    ck_assert_uint_eq(load.tally.unbegun, 8);
    ck_assert_uint_eq(load.tally.response.count, 10);
}
END_TEST

/* What is never answered took at least until it was given up. */
START_TEST(the_unanswered_count_with_their_age)
{
    struct query *query = channel_slot(&channels[0]);

    begin(0, UINT64_MAX, UINT64_MAX);
    ck_assert(load_next(&load, &channels[0].caller, query));
    set_clock(70);
    load_lost(&load, &channels[0].caller, query, true);
    ck_assert_uint_eq(load.tally.service[QUERY_GET].count, 1);
    ck_assert_uint_eq(load.tally.service[QUERY_GET].max, 70 * MS);
    ck_assert_uint_eq(load.tally.lost_requests, 1);
    ck_assert_uint_eq(load.tally.requests, 0);
    ck_assert(load_next(&load, &channels[0].caller, query));
    load_lost(&load, &channels[0].caller, query, false);
    ck_assert_uint_eq(load.tally.unsent, 1);
    ck_assert_uint_eq(load.tally.lost_requests, 1);
}
END_TEST

/* The popular ones of another seed are others, and so are sizes. */
START_TEST(the_seed_decides_sizes_and_popularity)
{
    struct load other;
    uint32_t same_sizes = 0;
    uint32_t same_keys = 0;

    load_fini(&load);
    options.dist = (struct dist_config){.kind = DIST_ZIPF, .alpha = 0.99};
    ck_assert(sizes_parse("1-1000000", OPTIONS_VALUE_MAX_BYTES, &options.value_size));
    ck_assert_int_eq(load_init(&load, &options, "nowhere"), LOAD_OK);
    options.seed++;
    ck_assert_int_eq(load_init(&other, &options, "nowhere"), LOAD_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        same_sizes += load_value_bytes(&load, i) == load_value_bytes(&other, i);
        same_keys += dist_spread(&load.dist, i) == dist_spread(&other.dist, i);
    }
    ck_assert_uint_lt(same_sizes, 10);
    ck_assert_uint_lt(same_keys, 10);
    load_fini(&other);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("load");

    value_init();
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, hits_belong_to_their_connection);
    tcase_add_test(tc, a_lost_connection_begins_anew);
    tcase_add_test(tc, the_same_value_twice_is_wrong);
    tcase_add_test(tc, other_flags_are_wrong);
    tcase_add_loop_test(tc, a_count_with_a_rate, 0, 2);
    tcase_add_loop_test(tc, few_requests_in_a_long_time, 0, 2);
    tcase_add_loop_test(tc, an_early_end, 0, 3);
    tcase_add_test(tc, what_was_due_and_not_begun);
    tcase_add_test(tc, the_unanswered_count_with_their_age);
    tcase_add_test(tc, the_seed_decides_sizes_and_popularity);
    return leak_run(tc, "load");
}
