#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "lombard/base/invariant.h"
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

enum { BYTES = 300000 };

/* The value: byte I is 'a' + I % 23. */
static void
fill(void *handle)
{
    for (uint64_t off = 0; off < BYTES;) {
        struct span at = rig_upload_at(&rig, handle, off);

        ck_assert_uint_gt(at.len, 0);
        for (size_t i = 0; i < at.len && off < BYTES; i++, off++)
            at.ptr[i] = (char)('a' + off % 23);
    }
}

static void
expect_value(const char *key, uint64_t begin_off, uint64_t bytes)
{
    ck_assert_int_eq(rig_do(&rig, OP_GET, key), REPLY_HIT);
    ck_assert_uint_eq(rig.reply.item.value_bytes, bytes);
    for (uint64_t off = begin_off; off < begin_off + BYTES;) {
        struct slice part = cmd_value_at(rig.cmd, rig.reply.item.handle, off);

        for (size_t i = 0; i < part.len && off < begin_off + BYTES; i++, off++)
            if (part.ptr[i] != (char)('a' + (off - begin_off) % 23))
                ck_abort_msg("byte %zu is wrong", (size_t)off);
    }
}

/* Finish, in as many steps as it takes, of at most STEP_BYTES. */
static void
finish(const struct request *req, void *handle)
{
    enum { STEP_BYTES = 100000 };
    struct cmd_join join = {.upload = handle};
    enum join_result result;

    cmd_upload_finish(rig.cmd, &rig.session, req, handle, &rig.reply);
    if (rig.reply.status != REPLY_JOIN)
        return;
    do {
        join.budget_bytes = STEP_BYTES;
        result = cmd_join_step(rig.cmd, &rig.session, req, &join, &rig.reply);
        ck_assert_int_ne(result, JOIN_NO_MEMORY);
    } while (result == JOIN_ON);
    cmd_upload_abort(rig.cmd, handle);
}

static struct request
request(enum request_op op)
{
    struct request req = rig_request(op, "a");

    req.value_bytes = BYTES;
    req.body_bytes = BYTES + REQUEST_TAIL_BYTES;
    cmd_prepare(rig.cmd, &req);
    return req;
}

START_TEST(a_value_that_is_received_in_place)
{
    struct request req = request(OP_SET);
    void *handle;

    ck_assert(cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
    rig_expect(&rig, "a", NULL); /* nobody sees it yet */
    fill(handle);
    finish(&req, handle);
    ck_assert_int_eq(rig.reply.status, REPLY_STORED);
    expect_value("a", 0, BYTES);
}
END_TEST

START_TEST(a_value_that_does_not_arrive)
{
    struct request req = request(OP_SET);
    void *handle;

    rig_store(&rig, OP_SET, "a", "old");
    ck_assert(cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
    cmd_upload_abort(rig.cmd, handle);
    rig_expect(&rig, "a", "old");
}
END_TEST

/* Conditions hold when the value is there, not when it is announced. */
START_TEST(conditions_are_those_of_the_end)
{
    struct request req = request(OP_ADD);
    void *handle;

    ck_assert(cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
    fill(handle);
    rig_store(&rig, OP_SET, "a", "first");
    finish(&req, handle);
    ck_assert_int_eq(rig.reply.status, REPLY_NOT_STORED);
    rig_expect(&rig, "a", "first");
}
END_TEST

START_TEST(an_addition_that_is_received_in_place)
{
    struct request req = request(OP_APPEND);
    void *handle;

    rig_store(&rig, OP_SET, "a", "first");
    ck_assert(cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
    fill(handle);
    rig_store(&rig, OP_SET, "a", "other");
    finish(&req, handle);
    ck_assert_int_eq(rig.reply.status, REPLY_STORED);
    expect_value("a", 5, BYTES + 5);
    ck_assert_mem_eq(cmd_value_at(rig.cmd, rig.reply.item.handle, 0).ptr, "other", 5);

    req.op = OP_PREPEND;
    rig_store(&rig, OP_SET, "a", "last");
    ck_assert(cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
    fill(handle);
    finish(&req, handle);
    ck_assert_int_eq(rig.reply.status, REPLY_STORED);
    expect_value("a", 0, BYTES + 4);

    rig_do(&rig, OP_DELETE, "a");
    ck_assert(cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
    fill(handle);
    finish(&req, handle);
    ck_assert_int_eq(rig.reply.status, REPLY_NOT_STORED);
}
END_TEST

START_TEST(too_large_is_said_at_the_beginning)
{
    struct request req = request(OP_SET);
    void *handle = NULL;

    rig_store(&rig, OP_SET, "a", "old");
    req.value_bytes = 2 << 20;
    ck_assert(!cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
    ck_assert_int_eq(rig.reply.status, REPLY_TOO_LARGE);
    rig_expect(&rig, "a", NULL);
    req.value_bytes = UINT64_C(0xffffffff);
    ck_assert(!cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
    ck_assert_int_eq(rig.reply.status, REPLY_TOO_LARGE);
}
END_TEST

/* What is being sent stays as it was, whatever happens to its key. */
START_TEST(a_pinned_value_stays)
{
    struct request req = request(OP_SET);
    const void *pinned;
    void *handle;

    ck_assert(cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
    fill(handle);
    finish(&req, handle);
    rig_do(&rig, OP_GET, "a");
    pinned = rig.reply.item.handle;
    cmd_pin_item(rig.cmd, pinned);
    rig_store(&rig, OP_SET, "a", "other");
    rig_do(&rig, OP_DELETE, "a");
    for (uint64_t off = 0; off < BYTES;) {
        struct slice part = cmd_value_at(rig.cmd, pinned, off);

        for (size_t i = 0; i < part.len; i++, off++)
            if (part.ptr[i] != (char)('a' + off % 23))
                ck_abort_msg("byte %zu is wrong", (size_t)off);
    }
    cmd_unpin_item(rig.cmd, pinned);
    ck_assert_uint_eq(cmd_pin_count(rig.cmd), 0);
}
END_TEST

/* What stores nothing takes no value, neither at the beginning nor at the end. */
START_TEST(a_value_that_nothing_stores)
{
    invariants_survive(true);
    for (int op = 0; op < OP_COUNT; op++) {
        struct request req = request((enum request_op)op);
        void *handle = NULL;

        if (op_has(req.op, PROP_STORES))
            continue;
        ck_assert(!cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
        ck_assert_int_eq(rig.reply.status, REPLY_INTERNAL);
        req.op = OP_SET;
        ck_assert(cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
        fill(handle);
        req.op = (enum request_op)op;
        cmd_upload_finish(rig.cmd, &rig.session, &req, handle, &rig.reply);
        ck_assert_int_eq(rig.reply.status, REPLY_INTERNAL);
        rig_expect(&rig, "a", NULL);
    }
    invariants_survive(false);
    ck_assert_uint_eq(rig_stat(&rig, "", "cmd_set"), 0);
    ck_assert(cmd_check(rig.cmd));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("upload");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_value_that_is_received_in_place);
    tcase_add_test(tc, a_value_that_does_not_arrive);
    tcase_add_test(tc, conditions_are_those_of_the_end);
    tcase_add_test(tc, an_addition_that_is_received_in_place);
    tcase_add_test(tc, too_large_is_said_at_the_beginning);
    tcase_add_test(tc, a_pinned_value_stays);
    tcase_add_test(tc, a_value_that_nothing_stores);
    return leak_run(tc, "cmd/upload");
}
