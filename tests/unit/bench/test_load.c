/* Requests and their answers, without a server. */
#include "load.h"

#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"

static struct options options;
static struct load load;
static struct conn conns[2];

static void
setup(void)
{
    memset(&options, 0, sizeof(options));
    options.keys = 1000;
    options.multiget = 3;
    options.pipeline = 1;
    options.weights[OP_GET] = 1;
    ck_assert(sizes_parse("16", KEY_TEXT_MAX, &options.key_size));
    ck_assert(sizes_parse("32", OPTIONS_VALUE_MAX_BYTES, &options.value_size));
    ck_assert_int_eq(load_init(&load, &options, "nowhere"), LOAD_OK);
    load_begin(&load, LOAD_MIX, UINT64_MAX, UINT64_MAX);
    for (int i = 0; i < 2; i++)
        ck_assert(conn_init(&conns[i], 1, 3));
}

static void
teardown(void)
{
    for (int i = 0; i < 2; i++)
        conn_fini(&conns[i]);
    load_fini(&load);
}

/* The value of key number I of OP has come, written by somebody else. */
static void
bring(struct conn *c, struct op *op, uint32_t i)
{
    c->reader.key_index = i;
    value_check_init(&c->reader.check, op->keys[i].id, 32);
    c->reader.check.id.key = op->keys[i].id;
    load_value(&load, c, op);
}

static void
end(struct conn *c, struct op *op)
{
    c->reader.outcome = OUTCOME_GET_END;
    load_done(&load, c, op);
}

/* Answers of several connections come in pieces; each counts its own values. */
START_TEST(hits_belong_to_their_connection)
{
    struct op *a = conn_slot(&conns[0]);
    struct op *b = conn_slot(&conns[1]);

    ck_assert(load_next(&load, &conns[0], a));
    ck_assert(load_next(&load, &conns[1], b));
    bring(&conns[0], a, 1);
    for (uint32_t i = 0; i < 3; i++)
        bring(&conns[1], b, i);
    end(&conns[1], b);
    ck_assert_uint_eq(load.tally.hits, 3);
    ck_assert_uint_eq(load.tally.misses, 0);
    end(&conns[0], a);
    ck_assert_uint_eq(load.tally.hits, 4);
    ck_assert_uint_eq(load.tally.misses, 2);
    ck_assert_uint_eq(load.tally.mismatches, 0);
}
END_TEST

/* What a lost connection had begun to answer does not count for its next request. */
START_TEST(a_lost_connection_begins_anew)
{
    struct op *op = conn_slot(&conns[0]);

    ck_assert(load_next(&load, &conns[0], op));
    bring(&conns[0], op, 0);
    load_lost(&load, &conns[0], op, true);
    ck_assert(load_next(&load, &conns[0], op));
    end(&conns[0], op);
    ck_assert_uint_eq(load.tally.hits, 0);
    ck_assert_uint_eq(load.tally.misses, 3);
    ck_assert_uint_eq(load.tally.lost_requests, 1);
}
END_TEST

START_TEST(the_same_value_twice_is_wrong)
{
    struct op *op = conn_slot(&conns[0]);

    options.silent = true;
    ck_assert(load_next(&load, &conns[0], op));
    bring(&conns[0], op, 2);
    bring(&conns[0], op, 2);
    ck_assert_uint_eq(load.tally.mismatches, 1);
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
    return leak_run(tc, "load");
}
