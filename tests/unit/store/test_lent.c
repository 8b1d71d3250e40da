#include "record_priv.h"
#include "rig.h"

/* 4 MB: segments of 16 KiB, so that a large item has whole segments and pieces. */
enum { SEG_BYTES = 16 * 1024, SMALL_BYTES = 100, LARGE_BYTES = 40000 };

static struct item
stored(struct rig *rig, uint64_t number, uint64_t bytes)
{
    struct item item;

    REQUIRE(rig_set(rig, number, bytes));
    REQUIRE(rig_get(rig, number, &item));
    return item;
}

/* Whether the value of ITEM, as one that is committed, is found by a process that is told of BYTES of it. */
static bool
is_item(const struct rig *rig, const struct item *item, uint64_t bytes)
{
    void *found =
        store_held_item(rig->store, store_loc(rig->store, item->handle), bytes, false);

    ck_assert(found == NULL || found == item->handle);
    return found != NULL;
}

/* What no client holds may be gone before it is asked for: whoever names it is wrong. */
START_TEST(test_only_what_is_pinned_is_held)
{
    static const uint64_t sizes[] = {SMALL_BYTES, LARGE_BYTES};
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct item item = stored(&rig, i, sizes[i]);
        uint64_t value_loc = store_loc(rig.store, item.value.ptr);

        ck_assert(!is_item(&rig, &item, sizes[i]));
        ck_assert_ptr_null(store_held_at(rig.store, value_loc, item.value.len));
        store_pin_item(rig.store, item.handle);
        ck_assert(is_item(&rig, &item, sizes[i]));
        ck_assert_ptr_eq(store_held_at(rig.store, value_loc, item.value.len), item.value.ptr);
        store_unpin_item(rig.store, item.handle);
        ck_assert(!is_item(&rig, &item, sizes[i]));
        ck_assert_ptr_null(store_held_at(rig.store, value_loc, 1));
    }
    rig_close(&rig);
}
END_TEST

/* A part of a value: all of it is in use, in one segment. */
START_TEST(test_bytes_beyond_what_is_used)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    struct item item = stored(&rig, 1, SMALL_BYTES);
    uint64_t loc = store_loc(rig.store, item.value.ptr);

    store_pin_item(rig.store, item.handle);
    ck_assert_ptr_nonnull(store_held_at(rig.store, loc, SMALL_BYTES));
    ck_assert_ptr_null(store_held_at(rig.store, loc, SMALL_BYTES + 1));
    ck_assert_ptr_null(store_held_at(rig.store, loc, UINT64_MAX));
    ck_assert_ptr_null(store_held_at(rig.store, loc + SMALL_BYTES, 1));
    ck_assert_ptr_null(store_held_at(rig.store, loc + SEG_BYTES, 1));
    ck_assert_ptr_null(store_held_at(rig.store, UINT64_MAX, 1));
    ck_assert_ptr_null(store_held_at(rig.store, UINT64_C(1) << 40, 1));
    store_unpin_item(rig.store, item.handle);
    rig_close(&rig);
}
END_TEST

/* An offset into a value means nothing in one of another length. */
START_TEST(test_another_length)
{
    static const uint64_t sizes[] = {0, 1, SMALL_BYTES, LARGE_BYTES};
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct item item = stored(&rig, i, sizes[i]);

        store_pin_item(rig.store, item.handle);
        ck_assert(is_item(&rig, &item, sizes[i]));
        ck_assert(!is_item(&rig, &item, sizes[i] + 1));
        ck_assert(!is_item(&rig, &item, sizes[i] - 1));
        ck_assert(!is_item(&rig, &item, sizes[i] + (UINT64_C(1) << 32)));
        store_unpin_item(rig.store, item.handle);
    }
    rig_close(&rig);
}
END_TEST

/* What is being uploaded is no item yet, and what is one is not filled any more. */
START_TEST(test_reserved_or_not)
{
    static const uint64_t sizes[] = {SMALL_BYTES, LARGE_BYTES};
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct item item;
        void *handle;
        uint64_t loc;

        REQUIRE(rig_reserve(&rig, i, sizes[i], STORE_NEVER, &handle) == RESERVE_OK);
        loc = store_loc(rig.store, handle);
        ck_assert_ptr_eq(store_held_item(rig.store, loc, sizes[i], true), handle);
        ck_assert_ptr_null(store_held_item(rig.store, loc, sizes[i], false));
        store_abort(rig.store, handle);
        ck_assert_ptr_null(store_held_item(rig.store, loc, sizes[i], true));
        item = stored(&rig, i, sizes[i]);
        store_pin_item(rig.store, item.handle);
        loc = store_loc(rig.store, item.handle);
        ck_assert_ptr_null(store_held_item(rig.store, loc, sizes[i], true));
        ck_assert_ptr_eq(store_held_item(rig.store, loc, sizes[i], false), item.handle);
        store_unpin_item(rig.store, item.handle);
    }
    rig_close(&rig);
}
END_TEST

/* A piece of a large value is a record, but no item. */
START_TEST(test_a_piece_is_no_item)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    struct item item = stored(&rig, 1, LARGE_BYTES);

    store_pin_item(rig.store, item.handle);
    for (uint64_t off = 0; off < LARGE_BYTES;) {
        struct slice part = store_value_at(rig.store, item.handle, off);
        uint64_t loc = store_loc(rig.store, part.ptr - PIECE_HEADER_BYTES);

        ck_assert_ptr_nonnull(store_held_at(rig.store, loc, PIECE_HEADER_BYTES + part.len));
        ck_assert_ptr_null(store_held_item(rig.store, loc, part.len, false));
        ck_assert_ptr_null(store_held_item(rig.store, loc, LARGE_BYTES, false));
        off += part.len;
    }
    store_unpin_item(rig.store, item.handle);
    rig_close(&rig);
}
END_TEST

TCase *
lent_tcase(void)
{
    TCase *tcase = tcase_create("lent");

    tcase_add_test(tcase, test_only_what_is_pinned_is_held);
    tcase_add_test(tcase, test_bytes_beyond_what_is_used);
    tcase_add_test(tcase, test_another_length);
    tcase_add_test(tcase, test_reserved_or_not);
    tcase_add_test(tcase, test_a_piece_is_no_item);
    return tcase;
}
