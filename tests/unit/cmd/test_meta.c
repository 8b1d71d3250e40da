#include <string.h>

#include "leak.h"
#include "rig.h"

static struct rig rig;

static void
setup(void)
{
    rig_create(&rig);
}

static void
teardown(void)
{
    rig_destroy(&rig);
}

/* A meta command with these flag letters; their arguments are filled by the caller. */
static struct request
meta(enum request_op op, const char *key, const char *letters)
{
    struct request req = rig_request(op, key);

    req.delta = 1;
    rig_ask(&req, letters);
    return req;
}

static enum reply_status
mg(const char *letters)
{
    struct request req = meta(OP_META_GET, "a", letters);

    return rig_run(&rig, &req);
}

static enum reply_status
ms(enum request_op op, const char *letters, uint64_t cas, const char *value)
{
    struct request req = meta(op, "a", letters);

    req.cas = cas;
    req.value = slice_make(value, strlen(value));
    req.value_bytes = req.value.len;
    return rig_run(&rig, &req);
}

static enum reply_status
md(const char *letters)
{
    struct request req = meta(OP_META_DELETE, "a", letters);

    return rig_run(&rig, &req);
}

/* --- mg --- */

START_TEST(get_knows_whether_it_was_hit)
{
    ck_assert_int_eq(mg("v"), REPLY_MISS);
    rig_store_until(&rig, "a", "x", 100);
    rig_sleep(&rig, 3);
    ck_assert_int_eq(mg("h"), REPLY_HIT);
    ck_assert(!rig.reply.item.was_hit);
    ck_assert_uint_eq(rig.reply.item.idle_s, 3);
    ck_assert_int_eq(rig.reply.item.ttl_s, 97);
    rig_sleep(&rig, 2);
    mg("h");
    ck_assert(rig.reply.item.was_hit);
    ck_assert_uint_eq(rig.reply.item.idle_s, 2);
}
END_TEST

START_TEST(get_without_a_trace)
{
    rig_store(&rig, OP_SET, "a", "x");
    rig_sleep(&rig, 3);
    mg("u");
    mg("uh");
    ck_assert(!rig.reply.item.was_hit);
    ck_assert_uint_eq(rig.reply.item.idle_s, 3);
}
END_TEST

START_TEST(get_touches)
{
    struct request req = meta(OP_META_GET, "a", "Tt");

    rig_store(&rig, OP_SET, "a", "x");
    mg("t");
    ck_assert_int_eq(rig.reply.item.ttl_s, -1);
    req.exptime = 10;
    rig_run(&rig, &req);
    ck_assert_int_eq(rig.reply.item.ttl_s, 10);
    req.exptime = 20;
    req.meta.ttl_first = true;
    rig_run(&rig, &req);
    ck_assert_int_eq(rig.reply.item.ttl_s, 10);
    rig_sleep(&rig, 19);
    rig_expect(&rig, "a", "x");
    rig_sleep(&rig, 1);
    rig_expect(&rig, "a", NULL);
}
END_TEST

START_TEST(get_that_touches_shows_the_access_before)
{
    struct request req = meta(OP_META_GET, "a", "Tlh");

    rig_store(&rig, OP_SET, "a", "x");
    rig_sleep(&rig, 3);
    req.exptime = 10;
    rig_run(&rig, &req);
    ck_assert_uint_eq(rig.reply.item.idle_s, 3);
    ck_assert(!rig.reply.item.was_hit);
}
END_TEST

START_TEST(get_vivifies_a_miss)
{
    struct request req = meta(OP_META_GET, "a", "Nv");

    req.meta.vivify_ttl = 30;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_HIT);
    ck_assert(rig.reply.item.won);
    ck_assert(!rig.reply.item.already_won);
    ck_assert_uint_eq(rig.reply.item.value_bytes, 0);
    ck_assert_int_eq(rig.reply.item.ttl_s, 30);
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_HIT);
    ck_assert(!rig.reply.item.won);
    ck_assert(rig.reply.item.already_won);
    rig_expect(&rig, "a", "");
    ck_assert_int_eq(ms(OP_SET, "", 0, "new"), REPLY_STORED);
    rig_run(&rig, &req);
    ck_assert(!rig.reply.item.already_won);
    rig_expect(&rig, "a", "new");
}
END_TEST

/* N and T count in the order in which they come, and t shows what was set before it. */
START_TEST(get_vivifies_flag_by_flag)
{
    static const struct {
        bool ttl_before_vivify, ttl_first, vivify_last;
        int64_t shown, left;
    } orders[] = {
        {false, false, false, 50, 50}, /* N T t */
        {false, false, true, 30, 30},  /* T N t */
        {false, true, false, 30, 50},  /* N t T */
        {true, false, true, 50, 30},   /* T t N */
        {true, true, false, -1, 50},   /* t N T */
        {true, true, true, -1, 30},    /* t T N */
    };
    struct request req = meta(OP_META_GET, "a", "NTtu");

    req.meta.vivify_ttl = 30;
    req.exptime = 50;
    req.meta.ttl_before_vivify = orders[_i].ttl_before_vivify;
    req.meta.ttl_first = orders[_i].ttl_first;
    req.meta.vivify_last = orders[_i].vivify_last;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_HIT);
    ck_assert(rig.reply.item.won);
    ck_assert_int_eq(rig.reply.item.ttl_s, orders[_i].shown);
    mg("th");
    ck_assert_int_eq(rig.reply.item.ttl_s, orders[_i].left);
    ck_assert(!rig.reply.item.was_hit); /* because of u */
}
END_TEST

/* One client wins, when less than R seconds are left. */
START_TEST(get_hands_out_one_win)
{
    struct request req = meta(OP_META_GET, "a", "R");

    rig_store_until(&rig, "a", "x", 100);
    req.meta.recache_ttl = 100;
    rig_run(&rig, &req);
    ck_assert(!rig.reply.item.won && !rig.reply.item.already_won);
    rig_sleep(&rig, 1);
    rig_run(&rig, &req);
    ck_assert(rig.reply.item.won && !rig.reply.item.already_won);
    rig_run(&rig, &req);
    ck_assert(!rig.reply.item.won && rig.reply.item.already_won);
    mg("");
    ck_assert(rig.reply.item.already_won);
    rig_store(&rig, OP_SET, "a", "x");
    rig_run(&rig, &req); /* no end, no win */
    ck_assert(!rig.reply.item.won && !rig.reply.item.already_won);
}
END_TEST

START_TEST(recache_looks_at_the_ttl_where_it_stands)
{
    struct request req = meta(OP_META_GET, "a", "RT");

    rig_store_until(&rig, "a", "x", 100);
    req.meta.recache_ttl = 200;
    req.exptime = 300;
    rig_run(&rig, &req);
    ck_assert(!rig.reply.item.won);
    rig_store_until(&rig, "a", "x", 100);
    req.meta.recache_first = true;
    rig_run(&rig, &req);
    ck_assert(rig.reply.item.won);
}
END_TEST

/* R is a time like others: negative, or of a day that is past, it is none. */
START_TEST(recache_may_be_a_time_of_day)
{
    static const int32_t past[] = {-1, INT32_MIN, 30 * 24 * 60 * 60 + 1,
                                   (int32_t)RIG_START_UNIX_S};
    struct request req = meta(OP_META_GET, "a", "R");

    rig_store_until(&rig, "a", "x", 100);
    for (size_t i = 0; i < ARRAY_LEN(past); i++) {
        req.meta.recache_ttl = past[i];
        rig_run(&rig, &req);
        ck_assert(!rig.reply.item.won && !rig.reply.item.already_won);
    }
    req.meta.recache_ttl = INT32_MAX;
    rig_run(&rig, &req);
    ck_assert(rig.reply.item.won);
}
END_TEST

/* --- md --- */

START_TEST(delete_compares_even_zero)
{
    struct request req = meta(OP_META_DELETE, "a", "C");

    ck_assert_int_eq(md(""), REPLY_NOT_FOUND);
    rig_store(&rig, OP_SET, "a", "x");
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_EXISTS);
    rig_do(&rig, OP_GET, "a");
    req.cas = rig.reply.item.cas;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_DELETED);
    rig_expect(&rig, "a", NULL);
}
END_TEST

START_TEST(invalidate_serves_stale_and_one_wins)
{
    uint64_t cas;

    rig_store_until(&rig, "a", "x", 100);
    cas = rig.reply.cas;
    ck_assert_int_eq(md("I"), REPLY_DELETED);
    rig_expect(&rig, "a", "x");
    mg("c");
    ck_assert_uint_gt(rig.reply.item.cas, cas);
    ck_assert(rig.reply.item.stale && rig.reply.item.won && !rig.reply.item.already_won);
    ck_assert_int_eq(rig.reply.item.ttl_s, 100);
    mg("");
    ck_assert(rig.reply.item.stale && !rig.reply.item.won && rig.reply.item.already_won);
    md("I"); /* again: the next one wins */
    mg("");
    ck_assert(rig.reply.item.stale && rig.reply.item.won && !rig.reply.item.already_won);
    rig_store(&rig, OP_SET, "a", "y");
    mg("");
    ck_assert(!rig.reply.item.stale && !rig.reply.item.won && !rig.reply.item.already_won);
}
END_TEST

START_TEST(invalidate_sets_the_expiry)
{
    struct request req = meta(OP_META_DELETE, "a", "IT");

    rig_store(&rig, OP_SET, "a", "x");
    req.exptime = 30;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_DELETED);
    mg("t");
    ck_assert_int_eq(rig.reply.item.ttl_s, 30);
    req.flags = REQ_META; /* without I, it is a delete */
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_DELETED);
    rig_expect(&rig, "a", NULL);
}
END_TEST

START_TEST(delete_only_the_value)
{
    struct request req = rig_request(OP_SET, "a");
    uint64_t cas;

    req.client_flags = 5;
    req.exptime = 100;
    req.value = SLICE("xyz");
    req.value_bytes = 3;
    rig_run(&rig, &req);
    cas = rig.reply.cas;
    ck_assert_int_eq(md("x"), REPLY_DELETED);
    rig_expect(&rig, "a", "");
    mg("");
    ck_assert_uint_eq(rig.reply.item.client_flags, 0);
    ck_assert_int_eq(rig.reply.item.ttl_s, -1);
    ck_assert_uint_eq(rig.reply.item.cas, cas);
    ck_assert(!rig.reply.item.stale);
    req = meta(OP_META_DELETE, "a", "xFTE");
    req.client_flags = 7;
    req.exptime = 30;
    req.new_cas = 4711;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_DELETED);
    mg("");
    ck_assert_uint_eq(rig.reply.item.client_flags, 7);
    ck_assert_int_eq(rig.reply.item.ttl_s, 30);
    ck_assert_uint_eq(rig.reply.item.cas, 4711);
    ck_assert_int_eq(md("xI"), REPLY_DELETED);
    mg("");
    ck_assert(rig.reply.item.stale && rig.reply.item.won);
}
END_TEST

/* --- ms --- */

START_TEST(set_says_the_size)
{
    ck_assert_int_eq(ms(OP_SET, "s", 0, "abc"), REPLY_STORED);
    ck_assert_uint_eq(rig.reply.item.value_bytes, 3);
    ck_assert_int_eq(ms(OP_APPEND, "s", 0, "de"), REPLY_STORED);
    ck_assert_uint_eq(rig.reply.item.value_bytes, 5);
}
END_TEST

START_TEST(set_with_its_own_cas)
{
    struct request req = meta(OP_SET, "a", "E");

    req.new_cas = 4711;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_STORED);
    ck_assert_uint_eq(rig.reply.cas, 4711);
    mg("c");
    ck_assert_uint_eq(rig.reply.item.cas, 4711);
}
END_TEST

/* An older CAS with I: taken, but stale, with the expiry and the winner of the old one. */
START_TEST(set_with_an_older_cas)
{
    rig_store(&rig, OP_SET, "b", "a CAS of 0 would be none");
    rig_store_until(&rig, "a", "x", 100);
    ck_assert_int_eq(ms(OP_CAS, "IC", rig.reply.cas + 1, "y"), REPLY_EXISTS);
    mg("c");
    ck_assert_int_eq(ms(OP_CAS, "C", rig.reply.item.cas - 1, "y"), REPLY_EXISTS);
    mg("c");
    ck_assert_int_eq(ms(OP_CAS, "IC", rig.reply.item.cas - 1, "y"), REPLY_STORED);
    mg("t");
    ck_assert(rig.reply.item.stale && rig.reply.item.won);
    ck_assert_int_eq(rig.reply.item.ttl_s, 100);
    mg("c");
    ck_assert_int_eq(ms(OP_CAS, "IC", rig.reply.item.cas - 1, "z"), REPLY_STORED);
    mg("");
    ck_assert(rig.reply.item.stale && !rig.reply.item.won && rig.reply.item.already_won);
    rig_expect(&rig, "a", "z");
}
END_TEST

START_TEST(append_vivifies)
{
    struct request req = meta(OP_APPEND, "a", "N");

    ck_assert_int_eq(ms(OP_APPEND, "", 0, "x"), REPLY_NOT_STORED);
    req.meta.vivify_ttl = 30;
    req.client_flags = 9;
    req.value = SLICE("x");
    req.value_bytes = 1;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_STORED);
    req.op = OP_PREPEND;
    req.value = SLICE("y");
    req.meta.vivify_ttl = 60;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_STORED);
    rig_expect(&rig, "a", "yx");
    ck_assert_uint_eq(rig.reply.item.client_flags, 9);
    mg("t");
    ck_assert_int_eq(rig.reply.item.ttl_s, 30);
}
END_TEST

/* --- ma --- */

START_TEST(arith_counts_and_creates)
{
    struct request req = meta(OP_META_ARITH, "a", "");

    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NOT_FOUND);
    req = meta(OP_META_ARITH, "a", "NJt");
    req.flags |= REQ_VIVIFY;
    req.meta.vivify_ttl = 30;
    req.initial = 13;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NUMBER);
    ck_assert_uint_eq(rig.reply.number, 13);
    ck_assert_int_eq(rig.reply.item.ttl_s, 30);
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NUMBER);
    ck_assert_uint_eq(rig.reply.number, 14);
    req.meta.decr = true;
    req.delta = 100;
    rig_run(&rig, &req);
    ck_assert_uint_eq(rig.reply.number, 0);
    rig_expect(&rig, "a", "0 ");
}
END_TEST

START_TEST(arith_touches_and_compares)
{
    struct request req = meta(OP_META_ARITH, "a", "Tt");

    rig_store(&rig, OP_SET, "a", "9");
    req.exptime = 30;
    req.cas = rig.reply.cas + 1;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_EXISTS);
    req.cas--;
    req.new_cas = 4711;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NUMBER);
    ck_assert_uint_eq(rig.reply.cas, 4711);
    ck_assert_int_eq(rig.reply.item.ttl_s, 30);
    rig_store(&rig, OP_SET, "a", "x");
    req.cas = 0;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NON_NUMERIC);
}
END_TEST

/* A number that fits where the old one lay leaves the item what it is: stale, too. */
START_TEST(arith_keeps_the_marks)
{
    struct request req = meta(OP_META_ARITH, "a", "");

    rig_store(&rig, OP_SET, "a", "12                                         of long ago");
    md("I");
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NUMBER);
    mg("");
    ck_assert(rig.reply.item.stale && rig.reply.item.won);
}
END_TEST

/* --- me --- */

START_TEST(debug_leaves_no_trace)
{
    ck_assert_int_eq(rig_do(&rig, OP_META_DEBUG, "a"), REPLY_MISS);
    rig_store_until(&rig, "a", "xyz", 100);
    rig_sleep(&rig, 4);
    ck_assert_int_eq(rig_do(&rig, OP_META_DEBUG, "a"), REPLY_DEBUG);
    ck_assert_int_eq(rig_do(&rig, OP_META_DEBUG, "a"), REPLY_DEBUG);
    ck_assert(!rig.reply.item.was_hit);
    ck_assert_uint_eq(rig.reply.item.idle_s, 4);
    ck_assert_int_eq(rig.reply.item.ttl_s, 96);
    ck_assert_uint_eq(rig.reply.item.value_bytes, 3);
}
END_TEST

/* --- Counting, as memcached counts --- */

START_TEST(commands_are_counted_as_in_memcached)
{
    static const struct {
        const char *name;
        uint64_t want;
    } counters[] = {
        {"cmd_get", 3},       {"get_hits", 2},     {"get_misses", 1}, {"cmd_touch", 1},
        {"touch_hits", 1},    {"touch_misses", 0}, {"cmd_meta", 1},   {"delete_hits", 1},
        {"delete_misses", 2}, {"incr_misses", 0},
    };
    struct request req;

    ck_assert_int_eq(mg("T"), REPLY_MISS); /* a miss of a get */
    ck_assert_int_eq(mg("N"), REPLY_HIT);  /* found, since it was made */
    ck_assert_int_eq(mg("v"), REPLY_HIT);
    ck_assert_int_eq(mg("T"), REPLY_HIT); /* a touch */
    ck_assert_int_eq(rig_do(&rig, OP_META_DEBUG, "none"), REPLY_MISS);
    ck_assert_int_eq(md("C"), REPLY_EXISTS);  /* a miss */
    ck_assert_int_eq(md("I"), REPLY_DELETED); /* nothing: it is still there */
    ck_assert_int_eq(md(""), REPLY_DELETED);
    ck_assert_int_eq(md(""), REPLY_NOT_FOUND);
    req = meta(OP_META_ARITH, "n", "N");
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NUMBER);
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        ck_assert_msg(rig_stat(&rig, "", counters[i].name) == counters[i].want, "%s",
                      counters[i].name);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("meta");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, get_knows_whether_it_was_hit);
    tcase_add_test(tc, get_without_a_trace);
    tcase_add_test(tc, get_touches);
    tcase_add_test(tc, get_that_touches_shows_the_access_before);
    tcase_add_test(tc, get_vivifies_a_miss);
    tcase_add_loop_test(tc, get_vivifies_flag_by_flag, 0, 6);
    tcase_add_test(tc, get_hands_out_one_win);
    tcase_add_test(tc, recache_looks_at_the_ttl_where_it_stands);
    tcase_add_test(tc, recache_may_be_a_time_of_day);
    tcase_add_test(tc, delete_compares_even_zero);
    tcase_add_test(tc, invalidate_serves_stale_and_one_wins);
    tcase_add_test(tc, invalidate_sets_the_expiry);
    tcase_add_test(tc, delete_only_the_value);
    tcase_add_test(tc, set_says_the_size);
    tcase_add_test(tc, set_with_its_own_cas);
    tcase_add_test(tc, set_with_an_older_cas);
    tcase_add_test(tc, append_vivifies);
    tcase_add_test(tc, arith_counts_and_creates);
    tcase_add_test(tc, arith_touches_and_compares);
    tcase_add_test(tc, arith_keeps_the_marks);
    tcase_add_test(tc, debug_leaves_no_trace);
    tcase_add_test(tc, commands_are_counted_as_in_memcached);
    return leak_run(tc, "cmd/meta");
}
