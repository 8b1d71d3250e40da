#include <stdlib.h>
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

/* --- Getting and storing --- */

START_TEST(get_misses_and_hits)
{
    rig_expect(&rig, "a", NULL);
    ck_assert_int_eq(rig_store(&rig, OP_SET, "a", "one"), REPLY_STORED);
    rig_expect(&rig, "a", "one");
    ck_assert_int_eq(rig_store(&rig, OP_SET, "a", ""), REPLY_STORED);
    rig_expect(&rig, "a", "");
    ck_assert_uint_eq(rig_stat(&rig, "", "cmd_get"), 3);
    ck_assert_uint_eq(rig_stat(&rig, "", "get_hits"), 2);
    ck_assert_uint_eq(rig_stat(&rig, "", "get_misses"), 1);
    ck_assert_uint_eq(rig_stat(&rig, "", "cmd_set"), 2);
}
END_TEST

START_TEST(client_flags_come_back)
{
    struct request req = rig_request(OP_SET, "a");

    req.client_flags = 0xfedcba98;
    req.value = SLICE("x");
    req.value_bytes = 1;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_STORED);
    ck_assert_int_eq(rig_do(&rig, OP_GET, "a"), REPLY_HIT);
    ck_assert_uint_eq(rig.reply.item.client_flags, 0xfedcba98);
}
END_TEST

START_TEST(add_only_what_is_absent)
{
    ck_assert_int_eq(rig_store(&rig, OP_ADD, "a", "one"), REPLY_STORED);
    ck_assert_int_eq(rig_store(&rig, OP_ADD, "a", "two"), REPLY_NOT_STORED);
    rig_expect(&rig, "a", "one");
}
END_TEST

START_TEST(replace_only_what_is_present)
{
    ck_assert_int_eq(rig_store(&rig, OP_REPLACE, "a", "one"), REPLY_NOT_STORED);
    rig_expect(&rig, "a", NULL);
    ck_assert_int_eq(rig_store(&rig, OP_SET, "a", "one"), REPLY_STORED);
    ck_assert_int_eq(rig_store(&rig, OP_REPLACE, "a", "two"), REPLY_STORED);
    rig_expect(&rig, "a", "two");
}
END_TEST

/* --- CAS --- */

static enum reply_status
cas(enum request_op op, const char *key, const char *value, uint64_t cas)
{
    struct request req = rig_request(op, key);

    req.cas = cas;
    req.value = slice_make(value, strlen(value));
    req.value_bytes = req.value.len;
    return rig_run(&rig, &req);
}

START_TEST(cas_matches_or_not)
{
    uint64_t unique;

    ck_assert_int_eq(cas(OP_CAS, "a", "x", 1), REPLY_NOT_FOUND);
    rig_store(&rig, OP_SET, "a", "one");
    unique = rig.reply.cas;
    ck_assert_uint_ne(unique, 0);
    rig_do(&rig, OP_GET, "a");
    ck_assert_uint_eq(rig.reply.item.cas, unique);
    ck_assert_int_eq(cas(OP_CAS, "a", "x", unique + 1), REPLY_EXISTS);
    ck_assert_int_eq(cas(OP_CAS, "a", "x", 0), REPLY_EXISTS);
    rig_expect(&rig, "a", "one");
    ck_assert_int_eq(cas(OP_CAS, "a", "two", unique), REPLY_STORED);
    ck_assert_uint_ne(rig.reply.cas, unique);
    rig_expect(&rig, "a", "two");
    ck_assert_uint_eq(rig_stat(&rig, "", "cas_misses"), 1);
    ck_assert_uint_eq(rig_stat(&rig, "", "cas_badval"), 2);
    ck_assert_uint_eq(rig_stat(&rig, "", "cas_hits"), 1);
}
END_TEST

START_TEST(others_compare_a_cas_that_is_not_zero)
{
    struct request req = rig_request(OP_DELETE, "n");

    rig_store(&rig, OP_SET, "n", "5");
    req.cas = rig.reply.cas + 1;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_EXISTS);
    req.op = OP_INCR;
    req.delta = 1;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_EXISTS);
    ck_assert_int_eq(cas(OP_APPEND, "n", "5", req.cas), REPLY_EXISTS);
    rig_expect(&rig, "n", "5");
    ck_assert_int_eq(cas(OP_APPEND, "n", "5", req.cas - 1), REPLY_STORED);
    rig_expect(&rig, "n", "55");
}
END_TEST

/* --- append, prepend --- */

START_TEST(append_and_prepend_keep_flags_and_expiry)
{
    struct request req = rig_request(OP_SET, "a");

    ck_assert_int_eq(rig_store(&rig, OP_APPEND, "a", "x"), REPLY_NOT_STORED);
    ck_assert_int_eq(rig_store(&rig, OP_PREPEND, "a", "x"), REPLY_NOT_STORED);
    req.client_flags = 7;
    req.exptime = 10;
    req.value = SLICE("-");
    req.value_bytes = 1;
    rig_run(&rig, &req);
    ck_assert_int_eq(rig_store(&rig, OP_APPEND, "a", "after"), REPLY_STORED);
    ck_assert_int_eq(rig_store(&rig, OP_PREPEND, "a", "before"), REPLY_STORED);
    ck_assert_int_eq(rig_store(&rig, OP_APPEND, "a", ""), REPLY_STORED);
    rig_expect(&rig, "a", "before-after");
    ck_assert_uint_eq(rig.reply.item.client_flags, 7);
    rig_sleep(&rig, 10);
    rig_expect(&rig, "a", NULL);
}
END_TEST

START_TEST(append_of_too_much_keeps_what_is_there)
{
    char *big = malloc(600001);

    ck_assert_ptr_nonnull(big);
    memset(big, 'x', 600000);
    big[600000] = '\0';
    ck_assert_int_eq(rig_store(&rig, OP_SET, "a", big), REPLY_STORED);
    ck_assert_int_eq(rig_store(&rig, OP_APPEND, "a", big), REPLY_NOT_STORED);
    ck_assert_int_eq(rig_do(&rig, OP_GET, "a"), REPLY_HIT);
    ck_assert_uint_eq(rig.reply.item.value_bytes, 600000);
    free(big);
}
END_TEST

START_TEST(append_to_a_value_of_several_parts)
{
    enum { BYTES = 400000 };
    char *big = malloc(BYTES + 1);
    uint64_t off = 0;

    ck_assert_ptr_nonnull(big);
    for (size_t i = 0; i < BYTES; i++)
        big[i] = (char)('a' + i % 23);
    big[BYTES] = '\0';
    rig_store(&rig, OP_SET, "a", big);
    ck_assert_int_eq(rig_store(&rig, OP_APPEND, "a", big), REPLY_STORED);
    ck_assert_int_eq(rig_do(&rig, OP_GET, "a"), REPLY_HIT);
    ck_assert_uint_eq(rig.reply.item.value_bytes, 2 * BYTES);
    while (off < 2 * BYTES) {
        struct slice part = cmd_value_at(rig.cmd, rig.reply.item.handle, off);

        for (size_t i = 0; i < part.len; i++)
            if (part.ptr[i] != big[(off + i) % BYTES])
                ck_abort_msg("byte %zu is wrong", (size_t)off + i);
        off += part.len;
    }
    free(big);
}
END_TEST

/* --- Too large --- */

START_TEST(too_large_a_set_drops_the_old_value)
{
    char *big = malloc((1 << 20) + 1);

    ck_assert_ptr_nonnull(big);
    memset(big, 'x', 1 << 20);
    big[1 << 20] = '\0';
    rig_store(&rig, OP_SET, "a", "old");
    ck_assert_int_eq(rig_store(&rig, OP_ADD, "a", big), REPLY_TOO_LARGE);
    ck_assert_int_eq(rig_store(&rig, OP_APPEND, "a", big), REPLY_TOO_LARGE);
    ck_assert_int_eq(rig_store(&rig, OP_APPEND, "b", big), REPLY_TOO_LARGE);
    rig_expect(&rig, "a", "old");
    ck_assert_int_eq(rig_store(&rig, OP_SET, "a", big), REPLY_TOO_LARGE);
    rig_expect(&rig, "a", NULL);
    ck_assert_uint_eq(rig_stat(&rig, "", "store_too_large"), 4);
    free(big);
}
END_TEST

START_TEST(a_bad_end_changes_nothing)
{
    struct request req = rig_request(OP_SET, "a");

    rig_store(&rig, OP_SET, "a", "old");
    cmd_refuse_value(rig.cmd, &req, &rig.reply);
    ck_assert_int_eq(rig.reply.status, REPLY_BAD_CHUNK);
    rig_expect(&rig, "a", "old");
}
END_TEST

/* --- incr, decr --- */

static const struct {
    const char *value;
    enum request_op op;
    uint64_t delta;
    enum reply_status status;
    uint64_t number;
    const char *want; /* the value afterwards */
} numbers[] = {
    {"5", OP_INCR, 1, REPLY_NUMBER, 6, "6"},
    {"9", OP_INCR, 1, REPLY_NUMBER, 10, "10"},
    {"10", OP_DECR, 1, REPLY_NUMBER, 9, "9 "},
    {"10", OP_DECR, 100, REPLY_NUMBER, 0, "0 "},
    {"0", OP_DECR, 1, REPLY_NUMBER, 0, "0"},
    {"18446744073709551615", OP_INCR, 1, REPLY_NUMBER, 0, "0                   "},
    {"18446744073709551615", OP_INCR, UINT64_MAX, REPLY_NUMBER, UINT64_MAX - 1,
     "18446744073709551614"},
    {"0", OP_INCR, UINT64_MAX, REPLY_NUMBER, UINT64_MAX, "18446744073709551615"},
    {"1", OP_INCR, 0, REPLY_NUMBER, 1, "1"},
    {"007", OP_INCR, 1, REPLY_NUMBER, 8, "8  "},
    {" 12", OP_INCR, 1, REPLY_NUMBER, 13, "13 "},
    {"12 ", OP_INCR, 1, REPLY_NUMBER, 13, "13 "},
    {"+1", OP_INCR, 1, REPLY_NUMBER, 2, "2 "},
    {"1 2", OP_INCR, 1, REPLY_NUMBER, 2, "2  "},
    {"0000000000000000000000000000000000000000012", OP_INCR, 1, REPLY_NUMBER, 13,
     "13                                         "},
    {"", OP_INCR, 1, REPLY_NON_NUMERIC, 0, ""},
    {" ", OP_INCR, 1, REPLY_NON_NUMERIC, 0, " "},
    {"+", OP_INCR, 1, REPLY_NON_NUMERIC, 0, "+"},
    {"-1", OP_INCR, 1, REPLY_NON_NUMERIC, 0, "-1"},
    {"abc", OP_INCR, 1, REPLY_NON_NUMERIC, 0, "abc"},
    {"1x", OP_DECR, 1, REPLY_NON_NUMERIC, 0, "1x"},
    {"0x10", OP_INCR, 1, REPLY_NON_NUMERIC, 0, "0x10"},
    {"18446744073709551616", OP_INCR, 1, REPLY_NON_NUMERIC, 0, "18446744073709551616"},
    {"118446744073709551615", OP_INCR, 1, REPLY_NON_NUMERIC, 0, "118446744073709551615"},
};

START_TEST(incr_and_decr)
{
    rig_store(&rig, OP_SET, "n", numbers[_i].value);
    ck_assert_int_eq(rig_arith(&rig, numbers[_i].op, "n", numbers[_i].delta),
                     numbers[_i].status);
    if (numbers[_i].status == REPLY_NUMBER)
        ck_assert_uint_eq(rig.reply.number, numbers[_i].number);
    rig_expect(&rig, "n", numbers[_i].want);
}
END_TEST

START_TEST(incr_changes_the_cas_and_keeps_the_rest)
{
    struct request req = rig_request(OP_SET, "n");
    uint64_t before;

    req.client_flags = 3;
    req.exptime = 10;
    req.value = SLICE("9");
    req.value_bytes = 1;
    rig_run(&rig, &req);
    before = rig.reply.cas;
    rig_arith(&rig, OP_INCR, "n", 1);
    ck_assert_uint_ne(rig.reply.cas, before);
    before = rig.reply.cas;
    rig_arith(&rig, OP_INCR, "n", 1);
    ck_assert_uint_ne(rig.reply.cas, before);
    before = rig.reply.cas;
    rig_expect(&rig, "n", "11");
    ck_assert_uint_eq(rig.reply.item.client_flags, 3);
    ck_assert_uint_eq(rig.reply.item.cas, before);
    rig_sleep(&rig, 10);
    rig_expect(&rig, "n", NULL);
}
END_TEST

START_TEST(incr_of_what_is_absent)
{
    struct request req = rig_request(OP_INCR, "n");

    ck_assert_int_eq(rig_arith(&rig, OP_INCR, "n", 1), REPLY_NOT_FOUND);
    ck_assert_int_eq(rig_arith(&rig, OP_DECR, "n", 1), REPLY_NOT_FOUND);
    req.flags = REQ_VIVIFY;
    req.delta = 5;
    req.initial = 77;
    req.exptime = 10;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NUMBER);
    ck_assert_uint_eq(rig.reply.number, 77);
    rig_expect(&rig, "n", "77");
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NUMBER);
    ck_assert_uint_eq(rig.reply.number, 82);
    rig_sleep(&rig, 10);
    rig_expect(&rig, "n", NULL);
    /* One that was made is none. */
    ck_assert_uint_eq(rig_stat(&rig, "", "incr_misses"), 1);
    ck_assert_uint_eq(rig_stat(&rig, "", "decr_misses"), 1);
    ck_assert_uint_eq(rig_stat(&rig, "", "incr_hits"), 1);
}
END_TEST

/* --- Time --- */

static const struct {
    const char *name;
    int64_t exptime;
    uint32_t gone_after_s; /* 0: at once; UINT32_MAX: not within the test */
} times[] = {
    {"never", 0, UINT32_MAX},
    {"one second", 1, 1},
    {"ten seconds", 10, 10},
    {"thirty days", 60 * 60 * 24 * 30, UINT32_MAX},
    {"negative", -1, 0},
    {"very negative", INT64_MIN, 0},
    {"long ago", 60 * 60 * 24 * 30 + 1, 0},
    {"a second ago", RIG_START_UNIX_S - 1, 0},
    {"this second", RIG_START_UNIX_S, 0},
    {"the next second", RIG_START_UNIX_S + 1, 1},
    {"in ten seconds", RIG_START_UNIX_S + 10, 10},
    {"behind the horizon", RIG_START_UNIX_S + UINT32_MAX, UINT32_MAX},
    {"at the end of time", INT64_MAX, UINT32_MAX},
};

START_TEST(expiry_is_exact)
{
    const uint32_t gone = times[_i].gone_after_s;

    ck_assert_int_eq(rig_store_until(&rig, "a", "x", times[_i].exptime), REPLY_STORED);
    if (gone == 0) {
        rig_expect(&rig, "a", NULL);
    } else if (gone == UINT32_MAX) {
        rig_sleep(&rig, 100000);
        rig_expect(&rig, "a", "x");
    } else {
        rig_sleep(&rig, gone - 1);
        rig_expect(&rig, "a", "x");
        rig_sleep(&rig, 1);
        rig_expect(&rig, "a", NULL);
    }
}
END_TEST

START_TEST(touch_and_gat_set_the_expiry)
{
    struct request req = rig_request(OP_TOUCH, "a");

    req.exptime = 10;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NOT_FOUND);
    rig_store(&rig, OP_SET, "a", "x");
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_TOUCHED);
    rig_sleep(&rig, 9);
    req.op = OP_GAT;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_HIT);
    ck_assert_int_eq(rig.reply.item.ttl_s, 10);
    rig_sleep(&rig, 9);
    rig_expect(&rig, "a", "x");
    rig_sleep(&rig, 1);
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_MISS);
    ck_assert_uint_eq(rig_stat(&rig, "", "cmd_touch"), 4);
    ck_assert_uint_eq(rig_stat(&rig, "", "touch_hits"), 2);
    ck_assert_uint_eq(rig_stat(&rig, "", "touch_misses"), 2);
}
END_TEST

START_TEST(delete_is_counted)
{
    ck_assert_int_eq(rig_do(&rig, OP_DELETE, "a"), REPLY_NOT_FOUND);
    rig_store(&rig, OP_SET, "a", "x");
    ck_assert_int_eq(rig_do(&rig, OP_DELETE, "a"), REPLY_DELETED);
    rig_expect(&rig, "a", NULL);
    ck_assert_uint_eq(rig_stat(&rig, "", "delete_hits"), 1);
    ck_assert_uint_eq(rig_stat(&rig, "", "delete_misses"), 1);
}
END_TEST

START_TEST(flush_now_later_and_long_ago)
{
    struct request req = rig_request(OP_FLUSH, "");

    rig_store(&rig, OP_SET, "a", "x");
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_OK);
    rig_expect(&rig, "a", NULL);
    rig_store(&rig, OP_SET, "a", "x");
    rig_expect(&rig, "a", "x");
    req.exptime = 5;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_OK);
    rig_sleep(&rig, 3);
    rig_expect(&rig, "a", "x");
    rig_sleep(&rig, 1); /* the fifth second has begun */
    rig_expect(&rig, "a", NULL);
    rig_store(&rig, OP_SET, "a", "x");
    req.exptime = 1;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_OK);
    rig_expect(&rig, "a", NULL);
    rig_store(&rig, OP_SET, "a", "x");
    req.exptime = -1;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_OK);
    rig_expect(&rig, "a", NULL);
    ck_assert_uint_eq(rig_stat(&rig, "", "cmd_flush"), 4);
}
END_TEST

/* A time of day before this process began is none; a flush to come is taken back. */
START_TEST(flush_at_a_time_long_ago_flushes_nothing)
{
    struct request req = rig_request(OP_FLUSH, "");

    rig_store(&rig, OP_SET, "a", "x");
    req.exptime = 5;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_OK);
    req.exptime = 30 * 24 * 60 * 60 + 1;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_OK);
    rig_expect(&rig, "a", "x");
    rig_sleep(&rig, 10);
    rig_expect(&rig, "a", "x");
}
END_TEST

START_TEST(what_is_empty_is_no_number_whatever_its_cas)
{
    struct request req = rig_request(OP_INCR, "a");

    req.cas = 4711;
    rig_store(&rig, OP_SET, "a", "");
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NON_NUMERIC);
    rig_store(&rig, OP_SET, "a", "x");
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_EXISTS);
    req.cas = 0;
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_NON_NUMERIC);
}
END_TEST

/* --- What the flags of the command line switch off --- */

/* In binary each store has a CAS: as in memcached, it is not looked at where items have none. */
START_TEST(without_cas_a_store_does_not_compare)
{
    static const struct {
        enum request_op op;
        const char *key;
        enum reply_status with, without;
    } rows[] = {
        {OP_SET, "a", REPLY_EXISTS, REPLY_STORED},
        {OP_SET, "b", REPLY_NOT_FOUND, REPLY_STORED},
        {OP_ADD, "c", REPLY_NOT_FOUND, REPLY_STORED},
        {OP_REPLACE, "a", REPLY_EXISTS, REPLY_STORED},
        {OP_APPEND, "a", REPLY_EXISTS, REPLY_STORED},
        {OP_CAS, "a", REPLY_EXISTS, REPLY_EXISTS},
    };
    struct rig_config config = rig_config();

    for (int with = 0; with < 2; with++) {
        struct rig other;

        config.store.with_cas = with;
        rig_create_with(&other, &config);
        rig_store(&other, OP_SET, "a", "x");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct request req = rig_request(rows[i].op, rows[i].key);

            req.value = SLICE("y");
            req.value_bytes = 1;
            req.cas = 99;
            ck_assert_int_eq(rig_run(&other, &req), with ? rows[i].with : rows[i].without);
        }
        rig_destroy(&other);
    }
}
END_TEST

START_TEST(switched_off)
{
    struct rig off;
    struct rig_config config = rig_config();

    config.cmd.flush_enabled = false;
    config.cmd.dump_enabled = false;
    config.store.with_cas = false;
    rig_create_with(&off, &config);
    rig_store(&off, OP_SET, "a", "x");
    ck_assert_uint_eq(off.reply.cas, 0);
    /* gets shows 0, which nobody may take for the right one: an update would be lost. */
    rig_store(&off, OP_CAS, "a", "y");
    ck_assert_int_eq(off.reply.status, REPLY_EXISTS);
    rig_store(&off, OP_CAS, "b", "y");
    ck_assert_int_eq(off.reply.status, REPLY_NOT_FOUND);
    ck_assert_int_eq(rig_do(&off, OP_FLUSH, ""), REPLY_FLUSH_OFF);
    rig_expect(&off, "a", "x");
    ck_assert_int_eq(rig_do(&off, OP_DUMP, ""), REPLY_DUMP_OFF);
    ck_assert_int_eq(rig_do(&off, OP_DUMP_CLASS, ""), REPLY_DUMP_OFF);
    ck_assert_int_eq(rig_do(&off, OP_STATS, "hotkeys"), REPLY_DUMP_OFF);
    ck_assert_int_eq(rig_do(&off, OP_STATS, "bigkeys"), REPLY_DUMP_OFF);
    ck_assert_int_eq(rig_do(&off, OP_STATS, "hotkey"), REPLY_NO_STATS);
    ck_assert_int_eq(rig_do(&off, OP_SHUTDOWN, ""), REPLY_SHUTDOWN_OFF);
    rig_destroy(&off);
}
END_TEST

START_TEST(flush_may_be_for_operators_only)
{
    struct rig apart;
    struct rig_config config = rig_config();

    config.cmd.admin_flush = true;
    rig_create_with(&apart, &config);
    rig_store(&apart, OP_SET, "a", "x");
    apart.session.no_admin = true;
    ck_assert_int_eq(rig_do(&apart, OP_FLUSH, ""), REPLY_ADMIN_ONLY);
    rig_expect(&apart, "a", "x");
    apart.session.no_admin = false;
    ck_assert_int_eq(rig_do(&apart, OP_FLUSH, ""), REPLY_OK);
    rig_destroy(&apart);
}
END_TEST

START_TEST(the_limit_on_memory)
{
    struct rig low;
    struct rig_config config = rig_config();
    struct request req = rig_request(OP_MEMLIMIT, "");

    config.store.limit_bytes_max = 32 << 20;
    rig_create_with(&low, &config);
    req.delta = 33;
    ck_assert_int_eq(rig_run(&low, &req), REPLY_LIMIT_OFF);
    req.delta = 32;
    ck_assert_int_eq(rig_run(&low, &req), REPLY_OK);
    ck_assert_uint_eq(rig_stat(&low, "", "limit_maxbytes"), 32 << 20);
    rig_destroy(&low);
}
END_TEST

START_TEST(shutdown_where_it_is_allowed)
{
    struct rig on;
    struct rig_config config = rig_config();

    config.cmd.shutdown_enabled = true;
    rig_create_with(&on, &config);
    ck_assert_int_eq(rig_do(&on, OP_SHUTDOWN, ""), REPLY_NOTHING);
    ck_assert_int_eq(rig_do(&on, OP_SHUTDOWN, "x"), REPLY_BAD_MODE);
    rig_destroy(&on);
}
END_TEST

START_TEST(without_an_item)
{
    ck_assert_int_eq(rig_do(&rig, OP_VERSION, ""), REPLY_TEXT);
    ck_assert_uint_eq(rig.reply.text_bytes, strlen(CMD_VERSION));
    ck_assert_mem_eq(rig.reply.text, CMD_VERSION, strlen(CMD_VERSION));
    ck_assert_int_eq(rig_do(&rig, OP_VERBOSITY, ""), REPLY_OK);
    ck_assert_int_eq(rig_do(&rig, OP_NOOP, ""), REPLY_NOOP);
    ck_assert_int_eq(rig_do(&rig, OP_QUIT, ""), REPLY_OK);
    ck_assert_int_eq(rig_do(&rig, OP_END, ""), REPLY_MISS);
    ck_assert_int_eq(rig_do(&rig, OP_REFUSED, ""), REPLY_REFUSED);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("cmd");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, get_misses_and_hits);
    tcase_add_test(tc, client_flags_come_back);
    tcase_add_test(tc, add_only_what_is_absent);
    tcase_add_test(tc, replace_only_what_is_present);
    tcase_add_test(tc, cas_matches_or_not);
    tcase_add_test(tc, others_compare_a_cas_that_is_not_zero);
    tcase_add_test(tc, append_and_prepend_keep_flags_and_expiry);
    tcase_add_test(tc, append_of_too_much_keeps_what_is_there);
    tcase_add_test(tc, append_to_a_value_of_several_parts);
    tcase_add_test(tc, too_large_a_set_drops_the_old_value);
    tcase_add_test(tc, a_bad_end_changes_nothing);
    tcase_add_loop_test(tc, incr_and_decr, 0, ARRAY_LEN(numbers));
    tcase_add_test(tc, incr_changes_the_cas_and_keeps_the_rest);
    tcase_add_test(tc, incr_of_what_is_absent);
    tcase_add_loop_test(tc, expiry_is_exact, 0, ARRAY_LEN(times));
    tcase_add_test(tc, touch_and_gat_set_the_expiry);
    tcase_add_test(tc, delete_is_counted);
    tcase_add_test(tc, flush_now_later_and_long_ago);
    tcase_add_test(tc, flush_at_a_time_long_ago_flushes_nothing);
    tcase_add_test(tc, what_is_empty_is_no_number_whatever_its_cas);
    tcase_add_test(tc, without_cas_a_store_does_not_compare);
    tcase_add_test(tc, switched_off);
    tcase_add_test(tc, flush_may_be_for_operators_only);
    tcase_add_test(tc, the_limit_on_memory);
    tcase_add_test(tc, shutdown_where_it_is_allowed);
    tcase_add_test(tc, without_an_item);
    return leak_run(tc, "cmd/cmd");
}
