#include <string.h>

#include "leak.h"
#include "rig.h"

static struct rig rig;
static struct dump_item items[8]; /* of the last dump, without their keys */
static char keys[8][16];

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

/* How many items REQ lists; they are in `items`. */
static size_t
dump(struct request *req)
{
    struct cmd_stream stream;
    enum line_result result;
    size_t count = 0;

    ck_assert_int_eq(rig_run(&rig, req), REPLY_STREAM);
    ck_assert_int_eq(rig.reply.stream, STREAM_ITEMS);
    cmd_stream_begin(rig.cmd, req, &stream);
    while ((result = cmd_stream_item(rig.cmd, &stream, &items[count])) != LINE_END) {
        if (result == LINE_LATER)
            continue;
        memcpy(keys[count], items[count].key.ptr, items[count].key.len);
        keys[count][items[count].key.len] = '\0';
        count++;
        ck_assert_uint_lt(count, 8);
    }
    return count;
}

START_TEST(describes_items)
{
    struct request req = rig_request(OP_DUMP, "");
    struct request store;
    uint64_t cas;

    ck_assert_uint_eq(dump(&req), 0);
    rig_sleep(&rig, 5);
    rig_store_until(&rig, "a b%\n", "xyz", 100);
    cas = rig.reply.cas;
    ck_assert_uint_eq(dump(&req), 1);
    ck_assert_str_eq(keys[0], "a b%\n");
    ck_assert_uint_eq(items[0].value_bytes, 3);
    ck_assert_uint_eq(items[0].cas, cas);
    ck_assert_uint_eq(items[0].client_flags, 0);
    ck_assert_int_eq(items[0].expires_unix_s, RIG_START_UNIX_S + 105);
    ck_assert_int_eq(items[0].accessed_unix_s, RIG_START_UNIX_S + 5);
    ck_assert(!items[0].was_hit);
    store = rig_request(OP_SET, "a b%\n");
    store.client_flags = UINT32_MAX;
    rig_run(&rig, &store);
    rig_do(&rig, OP_GET, "a b%\n");
    ck_assert_uint_eq(dump(&req), 1);
    ck_assert_uint_eq(items[0].value_bytes, 0);
    ck_assert_uint_eq(items[0].client_flags, UINT32_MAX);
    ck_assert_int_eq(items[0].expires_unix_s, -1);
    ck_assert(items[0].was_hit);
}
END_TEST

/* All items are of class 1. */
START_TEST(a_class_stops_where_it_shall)
{
    struct request req = rig_request(OP_DUMP_CLASS, "");

    req.initial = 1;
    rig_store(&rig, OP_SET, "a", "xyz");
    ck_assert_uint_eq(dump(&req), 1);
    rig_store(&rig, OP_SET, "b", "");
    rig_store(&rig, OP_SET, "c", "");
    ck_assert_uint_eq(dump(&req), 3);
    req.delta = 2;
    ck_assert_uint_eq(dump(&req), 2);
    req.delta = UINT32_MAX;
    ck_assert_uint_eq(dump(&req), 3);
    req.initial = 2;
    ck_assert_uint_eq(dump(&req), 0);
}
END_TEST

START_TEST(leaves_out_what_has_expired)
{
    struct request req = rig_request(OP_DUMP_KEYS, "");

    rig_store_until(&rig, "a", "x", 1);
    rig_store(&rig, OP_SET, "b", "x");
    rig_sleep(&rig, 1);
    ck_assert_uint_eq(dump(&req), 1);
    ck_assert_str_eq(keys[0], "b");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("dump");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, describes_items);
    tcase_add_test(tc, a_class_stops_where_it_shall);
    tcase_add_test(tc, leaves_out_what_has_expired);
    return leak_run(tc, "cmd/dump");
}
