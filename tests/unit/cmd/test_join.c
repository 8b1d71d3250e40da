#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "rig.h"

/* append and prepend to a value so long that it is copied part by part. */

enum { OLD_BYTES = 700000, STEP_BYTES = 100000, STEPS = OLD_BYTES / STEP_BYTES + 1 };

static struct rig rig;
static struct request req;
static struct cmd_join join;
static char value[OLD_BYTES + 1];

static void
setup(void)
{
    for (size_t i = 0; i < OLD_BYTES; i++)
        value[i] = (char)('a' + i % 23);
    rig_create(&rig);
    memset(&join, 0, sizeof(join));
    ck_assert_int_eq(rig_store(&rig, OP_SET, "a", value), REPLY_STORED);
}

static void
teardown(void)
{
    ck_assert_uint_eq(cmd_pin_count(rig.cmd), 0);
    ck_assert(cmd_check(rig.cmd));
    rig_destroy(&rig);
}

/* OP adds "+" to "a"; nothing has happened yet. */
static void
begin(enum request_op op)
{
    req = rig_request(op, "a");
    req.value = slice_make("+", 1);
    req.value_bytes = 1;
    cmd_prepare(rig.cmd, &req);
    memset(&rig.reply, 0, sizeof(rig.reply));
    cmd_execute(rig.cmd, &rig.session, &req, &rig.reply);
    ck_assert_int_eq(rig.reply.status, REPLY_JOIN);
    ck_assert_uint_eq(cmd_pin_count(rig.cmd), 0);
}

/* One step, which copies no more than it may. */
static enum join_result
step(void)
{
    uint64_t before = join.off;
    enum join_result result;

    join.budget_bytes = STEP_BYTES;
    result = cmd_join_step(rig.cmd, &rig.session, &req, &join, &rig.reply);
    ck_assert_uint_le(join.budget_bytes, STEP_BYTES);
    ck_assert_uint_le(join.off, before + STEP_BYTES);
    return result;
}

/* Go on to the end; how many steps that took. */
static int
finish(enum reply_status status)
{
    int steps = 1;

    while (step() == JOIN_ON)
        ck_assert_int_lt(steps++, 100 * STEPS);
    ck_assert_int_eq(rig.reply.status, status);
    ck_assert_uint_eq(cmd_pin_count(rig.cmd), 0);
    return steps;
}

/* "a" is BEFORE, the long value, AFTER. */
static void
expect_long(const char *before, const char *after)
{
    size_t head = strlen(before);
    char *all = malloc(head + OLD_BYTES + strlen(after) + 1);
    uint64_t off = 0;

    ck_assert_ptr_nonnull(all);
    memcpy(all, before, head);
    memcpy(all + head, value, OLD_BYTES);
    memcpy(all + head + OLD_BYTES, after, strlen(after) + 1);
    ck_assert_int_eq(rig_do(&rig, OP_GET, "a"), REPLY_HIT);
    ck_assert_uint_eq(rig.reply.item.value_bytes, head + OLD_BYTES + strlen(after));
    while (off < rig.reply.item.value_bytes) {
        struct slice part = cmd_value_at(rig.cmd, rig.reply.item.handle, off);

        ck_assert(memcmp(part.ptr, all + off, part.len) == 0);
        off += part.len;
    }
    free(all);
}

START_TEST(no_step_copies_more_than_it_may)
{
    begin(OP_APPEND);
    ck_assert_int_eq(step(), JOIN_ON);
    expect_long("", ""); /* the others' view */
    ck_assert_int_eq(finish(REPLY_STORED), STEPS - 1);
    expect_long("", "+");
    begin(OP_PREPEND);
    ck_assert_int_eq(finish(REPLY_STORED), STEPS);
    expect_long("+", "+");
    ck_assert_uint_eq(rig_stat(&rig, "", "cmd_set"), 3);
    ck_assert_uint_eq(rig_stat(&rig, "", "concat_joins"), 2);
    ck_assert_uint_eq(rig_stat(&rig, "", "concat_restarts"), 0);
}
END_TEST

START_TEST(it_is_added_to_what_is_there_in_the_end)
{
    begin(OP_APPEND);
    ck_assert_int_eq(step(), JOIN_ON);
    rig_store(&rig, OP_SET, "a", "other");
    (void)finish(REPLY_STORED);
    rig_expect(&rig, "a", "other+");
    ck_assert_uint_eq(rig_stat(&rig, "", "concat_restarts"), 1);
}
END_TEST

START_TEST(what_is_gone_in_the_end_does_not_come_back)
{
    begin(OP_APPEND);
    ck_assert_int_eq(step(), JOIN_ON);
    rig_do(&rig, OP_DELETE, "a");
    (void)finish(REPLY_NOT_STORED);
    rig_expect(&rig, "a", NULL);
    rig_store(&rig, OP_SET, "a", value);
    begin(OP_APPEND);
    ck_assert_int_eq(step(), JOIN_ON);
    rig_do(&rig, OP_FLUSH, "");
    (void)finish(REPLY_NOT_STORED);
    rig_expect(&rig, "a", NULL);
    rig_store_until(&rig, "a", value, 5);
    begin(OP_APPEND);
    ck_assert_int_eq(step(), JOIN_ON);
    rig_sleep(&rig, 6);
    (void)finish(REPLY_NOT_STORED);
    rig_expect(&rig, "a", NULL);
}
END_TEST

static void
touch(int64_t exptime)
{
    struct request touched = rig_request(OP_TOUCH, "a");

    touched.exptime = exptime;
    ck_assert_int_eq(rig_run(&rig, &touched), REPLY_TOUCHED);
}

START_TEST(a_time_that_is_set_meanwhile_counts)
{
    for (int had_one = 0; had_one <= 1; had_one++) {
        rig_store_until(&rig, "a", value, had_one ? 1000 : 0);
        memset(&join, 0, sizeof(join));
        begin(OP_APPEND);
        ck_assert_int_eq(step(), JOIN_ON);
        touch(50);
        (void)finish(REPLY_STORED);
        rig_sleep(&rig, 49);
        expect_long("", "+");
        rig_sleep(&rig, 2);
        rig_expect(&rig, "a", NULL);
    }
}
END_TEST

START_TEST(a_cas_that_is_wrong_in_the_end)
{
    rig_do(&rig, OP_GET, "a");
    begin(OP_APPEND);
    req.cas = rig.reply.item.cas;
    ck_assert_int_eq(rig_do(&rig, OP_GET, "a"), REPLY_HIT);
    req.cas = rig.reply.item.cas;
    ck_assert_int_eq(step(), JOIN_ON);
    rig_store(&rig, OP_SET, "a", "other");
    (void)finish(REPLY_EXISTS);
    rig_expect(&rig, "a", "other");
}
END_TEST

START_TEST(it_is_not_begun_anew_for_ever)
{
    enum join_result result;
    int steps = 0;

    begin(OP_APPEND);
    do {
        result = step();
        if (result == JOIN_ON)
            rig_store(&rig, OP_SET, "a", value);
        ck_assert_int_lt(steps++, 100);
    } while (result == JOIN_ON);
    ck_assert_int_eq(result, JOIN_DONE);
    ck_assert_int_eq(rig.reply.status, REPLY_OUT_OF_MEMORY);
    expect_long("", "");
}
END_TEST

START_TEST(one_that_is_given_up_has_no_effect)
{
    begin(OP_APPEND);
    ck_assert_int_eq(step(), JOIN_ON);
    ck_assert_uint_gt(cmd_pin_count(rig.cmd), 0);
    cmd_join_abort(rig.cmd, &join);
    ck_assert_uint_eq(cmd_pin_count(rig.cmd), 0);
    expect_long("", "");
    (void)finish(REPLY_STORED); /* it can be begun anew */
    expect_long("", "+");
}
END_TEST

/* -M: there is no memory for the second half of it. */
START_TEST(where_memory_ends_nothing_has_happened)
{
    struct rig_config config = rig_config();
    enum join_result result;
    char key[16] = "k0";

    rig_destroy(&rig);
    config.store.evict = false;
    rig_create_with(&rig, &config);
    ck_assert_int_eq(rig_store(&rig, OP_SET, "a", value), REPLY_STORED);
    begin(OP_APPEND);
    ck_assert_int_eq(step(), JOIN_ON);
    for (char c = 'a'; rig_store(&rig, OP_SET, key, value) == REPLY_STORED; c++)
        key[1] = c;
    while ((result = step()) == JOIN_ON)
        ;
    ck_assert_int_eq(result, JOIN_NO_MEMORY);
    ck_assert_int_eq(step(), JOIN_NO_MEMORY);
    cmd_join_abort(rig.cmd, &join);
    expect_long("", "");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("join");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, no_step_copies_more_than_it_may);
    tcase_add_test(tc, it_is_added_to_what_is_there_in_the_end);
    tcase_add_test(tc, what_is_gone_in_the_end_does_not_come_back);
    tcase_add_test(tc, a_time_that_is_set_meanwhile_counts);
    tcase_add_test(tc, a_cas_that_is_wrong_in_the_end);
    tcase_add_test(tc, it_is_not_begun_anew_for_ever);
    tcase_add_test(tc, one_that_is_given_up_has_no_effect);
    tcase_add_test(tc, where_memory_ends_nothing_has_happened);
    return leak_run(tc, "cmd/join");
}
