/*
 * Refused for want of memory: until the caller gives up, nothing has happened, and
 * the same request can be executed again.
 */
#include <stdio.h>
#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "rig.h"

enum { LONG = 900, VALUE_BYTES_MAX_HERE = 1200 };

static const char *const counters[] = {
#define STAT(name, kind, unit, help) #name,
#include "lombard/cmd/cmd_stats.def"
#undef STAT
};

/* What is asked of key "n", which is "9" and has no expiry, or of "absent". */
static const struct refusal {
    const char *name;
    enum request_op op;
    const char *meta; /* flag letters; NULL: not a meta command */
    const char *key;
    uint32_t flags;
    uint32_t value_bytes;
    bool with_cas;             /* the right one */
    enum reply_status in_room; /* what it says when there is memory */
} refusals[] = {
    {"set", OP_SET, NULL, "n", REQ_OVERWRITE, LONG, false, REPLY_STORED},
    {"add", OP_ADD, NULL, "absent", 0, LONG, false, REPLY_STORED},
    {"replace", OP_REPLACE, NULL, "n", 0, LONG, false, REPLY_STORED},
    {"cas", OP_CAS, NULL, "n", 0, LONG, true, REPLY_STORED},
    {"append", OP_APPEND, NULL, "n", 0, LONG, false, REPLY_STORED},
    {"append with cas", OP_APPEND, NULL, "n", 0, LONG, true, REPLY_STORED},
    {"prepend", OP_PREPEND, NULL, "n", 0, LONG, false, REPLY_STORED},
    {"binary set with cas", OP_CAS, NULL, "n", REQ_OVERWRITE, LONG, true, REPLY_STORED},
    {"binary replace with cas", OP_CAS, NULL, "n", 0, LONG, true, REPLY_STORED},
    {"ms", OP_SET, "", "n", REQ_OVERWRITE, LONG, false, REPLY_STORED},
    {"ms I", OP_SET, "I", "n", REQ_OVERWRITE, LONG, false, REPLY_STORED},
    {"ms C", OP_CAS, "C", "n", REQ_OVERWRITE, LONG, true, REPLY_STORED},
    {"ms C I", OP_CAS, "CI", "n", REQ_OVERWRITE, LONG, true, REPLY_STORED},
    {"ms MR", OP_REPLACE, "M", "n", REQ_OVERWRITE, LONG, false, REPLY_STORED},
    {"ms MA", OP_APPEND, "M", "n", REQ_OVERWRITE, LONG, false, REPLY_STORED},
    {"ms MP", OP_PREPEND, "M", "n", REQ_OVERWRITE, LONG, false, REPLY_STORED},
    {"ms ME", OP_ADD, "M", "absent", REQ_OVERWRITE, LONG, false, REPLY_STORED},
    {"ms MA N", OP_APPEND, "MN", "absent", REQ_OVERWRITE, LONG, false, REPLY_STORED},
    {"incr", OP_INCR, NULL, "n", 0, 0, false, REPLY_NUMBER},
    {"incr with initial", OP_INCR, NULL, "absent", REQ_VIVIFY, 0, false, REPLY_NUMBER},
    {"decr with initial", OP_DECR, NULL, "absent", REQ_VIVIFY, 0, false, REPLY_NUMBER},
    {"touch", OP_TOUCH, NULL, "n", 0, 0, false, REPLY_TOUCHED},
    {"gat", OP_GAT, NULL, "n", 0, 0, false, REPLY_HIT},
    {"mg T", OP_META_GET, "T", "n", 0, 0, false, REPLY_HIT},
    {"mg N", OP_META_GET, "N", "absent", 0, 0, false, REPLY_HIT},
    {"md x", OP_META_DELETE, "x", "n", 0, 0, false, REPLY_DELETED},
    {"md I T", OP_META_DELETE, "IT", "n", 0, 0, false, REPLY_DELETED},
    {"ma", OP_META_ARITH, "", "n", 0, 0, false, REPLY_NUMBER},
    {"ma T", OP_META_ARITH, "T", "n", 0, 0, false, REPLY_NUMBER},
    {"ma T, in place", OP_META_ARITH, "TD", "n", 0, 0, false, REPLY_NUMBER},
    {"ma N", OP_META_ARITH, "N", "absent", REQ_VIVIFY, 0, false, REPLY_NUMBER},
};

static struct rig rig;
static int filler_count;

static const char *
filler_key(int i)
{
    static char key[16];

    (void)snprintf(key, sizeof(key), "%x", i);
    return key;
}

/* Nothing more can be stored, not even the least. */
static void
fill_up(void)
{
    static char value[VALUE_BYTES_MAX_HERE];

    memset(value, 'v', sizeof(value));
    for (int bytes = 1000; bytes > 0; bytes = bytes == 1 ? 0 : bytes / 4 + 1) {
        int refused = 0;

        while (refused < 20) {
            value[bytes] = '\0';
            if (rig_store(&rig, OP_SET, filler_key(filler_count), value) == REPLY_STORED)
                filler_count++;
            else
                refused++;
            value[bytes] = 'v';
        }
    }
}

static void
setup(void)
{
    struct rig_config config = rig_config();

    config.store.limit_bytes = 2 << 20;
    config.store.evict = false;
    filler_count = 0;
    rig_create_with(&rig, &config);
    ck_assert_int_eq(rig_store(&rig, OP_SET, "n", "9"), REPLY_STORED);
    fill_up();
}

static void
teardown(void)
{
    rig_destroy(&rig);
}

/* What is to be the same before and after. */
struct state {
    uint64_t counters[ARRAY_LEN(counters)];
    struct reply_item item;
    char value[8];
};

static void
look(struct state *state)
{
    memset(state, 0, sizeof(*state));
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        state->counters[i] = rig_stat(&rig, "", counters[i]);
    if (rig_do(&rig, OP_META_DEBUG, "n") != REPLY_DEBUG)
        return;
    state->item = rig.reply.item;
    state->item.handle = NULL;
    state->item.key.ptr = NULL;
    memcpy(state->value, state->item.value.ptr, 1);
    state->item.value.ptr = NULL;
}

static struct request
request(const struct refusal *what)
{
    static char value[LONG];
    struct request req = rig_request(what->op, what->key);

    memset(value, 'n', sizeof(value));
    req.flags = what->flags;
    if (what->meta != NULL)
        rig_ask(&req, what->meta);
    req.delta = 1;
    req.exptime = what->op == OP_SET || what->op == OP_CAS ? 0 : 100;
    req.value_bytes = what->value_bytes;
    req.value = slice_make(value, what->value_bytes);
    if (what->with_cas) {
        ck_assert_int_eq(rig_do(&rig, OP_META_DEBUG, "n"), REPLY_DEBUG);
        req.cas = rig.reply.item.cas;
    }
    return req;
}

/* Counters but this one are the same, and so is the item. */
static void
expect_same(const struct state *before, const char *but, const char *name)
{
    struct state after;

    look(&after);
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        ck_assert_msg(after.counters[i] == before->counters[i] +
                                               (but != NULL && strcmp(counters[i], but) == 0) +
                                               (strcmp(counters[i], "cmd_meta") == 0),
                      "%s: %s", name, counters[i]);
    ck_assert_msg(memcmp(&after.item, &before->item, sizeof(after.item)) == 0, "%s", name);
    ck_assert_mem_eq(after.value, before->value, sizeof(after.value));
}

START_TEST(refused_twice_nothing_has_happened)
{
    const struct refusal *what = &refusals[_i];
    struct request req = request(what);
    struct state before;

    look(&before);
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_OUT_OF_MEMORY);
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_OUT_OF_MEMORY);
    expect_same(&before, NULL, what->name);
    ck_assert(cmd_check(rig.cmd));
}
END_TEST

START_TEST(given_up_it_counts_and_drops_what_it_was_to_overwrite)
{
    const struct refusal *what = &refusals[_i];
    struct request req = request(what);
    struct state before;

    look(&before);
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_OUT_OF_MEMORY);
    cmd_give_up(rig.cmd, &req, &rig.reply);
    ck_assert_int_eq(rig.reply.status, REPLY_OUT_OF_MEMORY);
    if ((what->flags & REQ_OVERWRITE) == 0) {
        expect_same(&before, "store_no_memory", what->name);
    } else {
        rig_expect(&rig, what->key, NULL);
        ck_assert_uint_eq(rig_stat(&rig, "items", "items:1:outofmemory"),
                          rig_stat(&rig, "", "store_no_memory"));
    }
}
END_TEST

START_TEST(executed_again_in_room_it_succeeds)
{
    const struct refusal *what = &refusals[_i];
    struct request req = request(what);

    ck_assert_int_eq(rig_run(&rig, &req), REPLY_OUT_OF_MEMORY);
    for (int i = 0; i < filler_count; i++)
        (void)rig_do(&rig, OP_DELETE, filler_key(i));
    ck_assert_int_eq(rig_run(&rig, &req), what->in_room);
    if (what->op == OP_META_ARITH && req.meta.touches) {
        rig_expect(&rig, "n", req.meta.decr ? "8" : "10");
        ck_assert_int_eq(rig_do(&rig, OP_META_DEBUG, "n"), REPLY_DEBUG);
        ck_assert_int_eq(rig.reply.item.ttl_s, 100);
    }
}
END_TEST

/* Likewise values that came in pieces: the upload is there until it is given up. */
START_TEST(an_upload_that_cannot_be_joined_is_kept)
{
    struct request req = rig_request(_i == 0 ? OP_APPEND : OP_PREPEND, "n");
    struct span at;
    void *handle;

    for (int i = 0; i < filler_count; i++)
        (void)rig_do(&rig, OP_DELETE, filler_key(i));
    req.value_bytes = LONG;
    cmd_prepare(rig.cmd, &req);
    ck_assert(cmd_upload_begin(rig.cmd, &rig.session, &req, &handle, &rig.reply));
    for (uint64_t off = 0; off < LONG; off += at.len) {
        at = rig_upload_at(&rig, handle, off);
        ck_assert_uint_gt(at.len, 0);
        memset(at.ptr, 'u', at.len);
    }
    fill_up();
    for (int i = 0; i < 2; i++) {
        cmd_upload_finish(rig.cmd, &rig.session, &req, handle, &rig.reply);
        ck_assert_int_eq(rig.reply.status, REPLY_OUT_OF_MEMORY);
        rig_expect(&rig, "n", "9");
    }
    for (int i = 0; i < filler_count; i++)
        (void)rig_do(&rig, OP_DELETE, filler_key(i));
    cmd_upload_finish(rig.cmd, &rig.session, &req, handle, &rig.reply);
    ck_assert_int_eq(rig.reply.status, REPLY_STORED);
    ck_assert_int_eq(rig_do(&rig, OP_GET, "n"), REPLY_HIT);
    ck_assert_uint_eq(rig.reply.item.value_bytes, LONG + 1);
    ck_assert_uint_eq(cmd_pin_count(rig.cmd), 0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("refuse");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, refused_twice_nothing_has_happened, 0, ARRAY_LEN(refusals));
    tcase_add_loop_test(tc, given_up_it_counts_and_drops_what_it_was_to_overwrite, 0,
                        ARRAY_LEN(refusals));
    tcase_add_loop_test(tc, executed_again_in_room_it_succeeds, 0, ARRAY_LEN(refusals));
    tcase_add_loop_test(tc, an_upload_that_cannot_be_joined_is_kept, 0, 2);
    return leak_run(tc, "cmd/refuse");
}
