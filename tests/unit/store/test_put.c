/* Storing a short value in one step: as reserving, filling and committing it would. */
#include "rig.h"

#include "lombard/base/copy.h"
#include "store_priv.h"

enum {
    SHORT_BYTES_MAX = 4200
}; /* of the values here: some of them are streamed to the store */

_Static_assert((int)SHORT_BYTES_MAX > (int)COPY_STREAM_MIN, "a value is copied in two ways");

struct put {
    uint64_t number;
    uint64_t bytes;
    uint32_t client_flags;
    uint32_t expires_s;
    uint64_t new_cas;
};

static enum reserve_result
put(struct rig *rig, const struct put *what, uint64_t *cas)
{
    char buf[RIG_KEY_BYTES], value[SHORT_BYTES_MAX];
    struct item_spec spec = {
        .key = rig_key(what->number, buf),
        .value_bytes = what->bytes,
        .client_flags = what->client_flags,
        .expires_s = what->expires_s,
    };
    enum reserve_result result;

    for (uint64_t i = 0; i < what->bytes; i++)
        value[i] = rig_value_byte(what->number, i);
    spec.hash = store_hash(rig->store, spec.key);
    ck_assert(!store_is_large(rig->store, &spec));
    result = store_put(rig->store, &spec, slice_make(value, what->bytes), what->new_cas, cas);
    memset(value, '!', sizeof(value)); /* it was copied */
    return result;
}

START_TEST(all_of_it_is_there)
{
    static const struct put rows[] = {
        {1, 0, 0, STORE_NEVER, 0},
        {2, 1, 7, STORE_NEVER, 0},
        {3, COPY_STREAM_MIN - 1, 0, STORE_NEVER, 0},
        {4, COPY_STREAM_MIN, UINT32_MAX, START_S + 50, 0},
        {5, SHORT_BYTES_MAX, 1, START_S + 50, 0},
    };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = RIG_LIMIT_MAX});
    uint64_t before = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct item item;
        uint64_t cas;

        ck_assert_int_eq(put(&rig, &rows[i], &cas), RESERVE_OK);
        ck_assert_uint_gt(cas, before);
        REQUIRE(rig_peek(&rig, rows[i].number, &item));
        ck_assert_uint_eq(item.cas, cas);
        ck_assert_uint_eq(item.client_flags, rows[i].client_flags);
        ck_assert_uint_eq(item.expires_s, rows[i].expires_s);
        ck_assert_uint_eq(item.value_bytes, rows[i].bytes);
        rig_check_value(&rig, item.handle, rows[i].number, rows[i].bytes);
        before = cas;
    }
    rig_close(&rig);
}
END_TEST

/* It replaces what was there, of any size; and there is one of it. */
START_TEST(the_old_one_goes)
{
    static const uint64_t sizes[] = {100, 5, 4100, 100};
    struct rig rig = rig_open((struct rig_config){.limit_bytes = RIG_LIMIT_MAX});
    uint64_t cas;

    REQUIRE(rig_set(&rig, 1, MB / 2)); /* a large one */
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const struct put what = {1, sizes[i], 0, STORE_NEVER, 0};

        ck_assert_int_eq(put(&rig, &what, &cas), RESERVE_OK);
        REQUIRE(rig_has(&rig, 1, sizes[i]));
        ck_assert_uint_eq(rig.store->index.count, 1);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(its_cas_may_be_given)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    const struct put given = {1, 10, 0, STORE_NEVER, 1000000},
                     next = {2, 10, 0, STORE_NEVER, 0};
    uint64_t cas, after;
    struct item item;

    REQUIRE(rig_set(&rig, 3, 1));
    REQUIRE(rig_peek(&rig, 3, &item));
    ck_assert_int_eq(put(&rig, &given, &cas), RESERVE_OK);
    ck_assert_uint_eq(cas, 1000000);
    ck_assert_int_eq(put(&rig, &next, &after), RESERVE_OK);
    ck_assert_uint_eq(after, item.cas + 1); /* what was given does not count */
    rig_close(&rig);
}
END_TEST

START_TEST(without_cas_there_is_none)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB, .no_cas = true});
    const struct put what = {1, 10, 0, STORE_NEVER, 0};
    uint64_t cas = 1;

    ck_assert_int_eq(put(&rig, &what, &cas), RESERVE_OK);
    ck_assert_uint_eq(cas, 0);
    REQUIRE(rig_has(&rig, 1, 10));
    rig_close(&rig);
}
END_TEST

/* Many times what fits: the newest is there, nothing is pinned, and all of it is evicted in the end. */
START_TEST(it_makes_space)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});

    for (uint64_t i = 0; i < 60000; i++) {
        const struct put what = {i % 40000, 200 + i % 100, 0, STORE_NEVER, 0};
        uint64_t cas;

        REQUIRE(put(&rig, &what, &cas) == RESERVE_OK);
        REQUIRE(rig_has(&rig, what.number, what.bytes));
    }
    ck_assert_uint_gt(rig.store->index.count, 1000);
    ck_assert_uint_lt(rig.store->index.count, 40000);
    ck_assert_uint_eq(store_pin_count(rig.store), 0);
    rig_close(&rig);
}
END_TEST

/* Where nothing may be evicted it is refused; what it would have replaced stays as it was. */
START_TEST(refused_it_changes_nothing)
{
    struct rig rig =
        rig_open((struct rig_config){.limit_bytes = RIG_LIMIT_MAX, .no_evict = true});
    const struct put more = {1, 4100, 3, STORE_NEVER, 0};
    struct item before, after;
    uint64_t number = 1, cas = 77;

    while (rig_set(&rig, number, 4100))
        number++;
    ck_assert_uint_gt(number, 10);
    REQUIRE(rig_peek(&rig, 1, &before));
    ck_assert_int_eq(put(&rig, &more, &cas), RESERVE_OUT_OF_MEMORY);
    ck_assert_uint_eq(cas, 77);
    REQUIRE(rig_peek(&rig, 1, &after));
    ck_assert_uint_eq(after.cas, before.cas);
    ck_assert_uint_eq(after.client_flags, before.client_flags);
    rig_check_value(&rig, after.handle, 1, 4100);
    rig_close(&rig);
}
END_TEST

TCase *
put_tcase(void)
{
    TCase *tc = tcase_create("put");

    tcase_add_test(tc, all_of_it_is_there);
    tcase_add_test(tc, the_old_one_goes);
    tcase_add_test(tc, its_cas_may_be_given);
    tcase_add_test(tc, without_cas_there_is_none);
    tcase_add_test(tc, it_makes_space);
    tcase_add_test(tc, refused_it_changes_nothing);
    return tc;
}
