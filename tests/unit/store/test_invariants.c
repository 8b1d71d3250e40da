#include "rig.h"

#include "lombard/base/invariant.h"
#include "store_priv.h"

/*
 * What a release build does where the store's own data is broken: the operation is refused,
 * counted, and everything else goes on. Each test breaks one thing by hand.
 */
enum { ITEMS = 200, BYTES = 300 };

static struct rig rig;
static uint64_t broken_before;

static void
setup(void)
{
    struct rig_config config = {.limit_bytes = MB};

    rig = rig_open(config);
    for (uint64_t i = 0; i < ITEMS; i++)
        REQUIRE(rig_set(&rig, i, BYTES));
    invariants_survive(true);
    broken_before = invariants()->broken;
}

/* The store is not checked: it does stay broken. */
static void
teardown(void)
{
    store_destroy(rig.store);
}

static uint64_t
broken(void)
{
    return invariants()->broken - broken_before;
}

static char *
record_of(uint64_t number)
{
    struct item item;

    REQUIRE(rig_peek(&rig, number, &item));
    return item.handle;
}

static struct slot
slot_of(uint64_t number)
{
    struct store *store = rig.store;
    char *rec = record_of(number);
    struct slot slot;

    REQUIRE(
        index_find(&store->index, rec_hash(store, rec), arena_loc(&store->arena, rec), &slot));
    return slot;
}

/* Whatever was broken, other items are stored and found, several times the memory's worth. */
static void
expect_service(void)
{
    struct store_layout layout;

    for (uint64_t i = 0; i < 5 * MB / BYTES; i++) {
        REQUIRE(rig_set(&rig, 1000 + i, BYTES));
        REQUIRE(rig_has(&rig, 1000 + i, BYTES));
        (void)store_work(rig.store);
    }
    store_layout(rig.store, &layout);
    ck_assert_uint_le(layout.segments, rig.store->arena.seg_count);
}

START_TEST(a_location_outside_the_segments_is_a_miss)
{
    uint64_t hash = rec_hash(rig.store, record_of(7));
    struct slot slot = slot_of(7);
    struct place place = {0};
    struct item item;

    index_move(&rig.store->index, &slot, rig.store->arena.bytes + 5);
    REQUIRE(!store_prefetch_item(rig.store, hash, &place));
    ck_assert_uint_eq(place.as_of, 0); /* it was not seen */
    ck_assert(!rig_get(&rig, 7, &item));
    ck_assert_uint_eq(broken(), 1);
    ck_assert(rig_get(&rig, 8, &item));
    ck_assert_uint_eq(broken(), 1);
    expect_service();
}
END_TEST

START_TEST(a_record_that_is_too_long_is_a_miss)
{
    struct item item;

    save_u16(record_of(7) + REC_VALUE_LEN_OFF, UINT16_MAX);
    ck_assert(!rig_get(&rig, 7, &item));
    ck_assert(!rig_peek(&rig, 7, &item));
    ck_assert_uint_eq(broken(), 2);
    /* Its segment has to be emptied some time: it is left alone, and with it its memory. */
    expect_service();
    ck_assert_uint_gt(broken(), 2);
    ck_assert_uint_ge(store_pin_count(rig.store), 1);
}
END_TEST

START_TEST(a_scan_for_expired_items_stops_there_too)
{
    save_u16(record_of(7) + REC_VALUE_LEN_OFF, UINT16_MAX);
    REQUIRE(rig_set_expiring(&rig, 500, BYTES, START_S + 1));
    arena_seg(&rig.store->arena, record_of(8))->scan_s = START_S + 1;
    rig_set_time(&rig, START_S + 2);
    rig_settle(&rig);
    ck_assert_uint_ge(broken(), 1);
    expect_service();
}
END_TEST

START_TEST(a_pin_is_taken_off_once)
{
    char *rec = record_of(7);

    store_pin(rig.store, rec);
    store_unpin(rig.store, rec);
    ck_assert_uint_eq(broken(), 0);
    store_unpin(rig.store, rec);
    ck_assert_uint_eq(broken(), 1);
    ck_assert_uint_eq(store_pin_count(rig.store), 0);
    ck_assert_uint_eq(rig.store->arena.seg_pinned, 0);
    expect_service();
}
END_TEST

START_TEST(a_reservation_ends_once)
{
    uint64_t cas = 0;
    void *handle;

    ck_assert_int_eq(rig_reserve(&rig, 900, BYTES, STORE_NEVER, &handle), RESERVE_OK);
    REQUIRE(rig_fill(&rig, handle, 900, 0, BYTES));
    ck_assert_int_eq(store_commit(rig.store, handle, COMMIT_ANY, &cas), COMMIT_STORED);
    ck_assert_int_eq(store_commit(rig.store, handle, COMMIT_ANY, &cas), COMMIT_NOT_STORED);
    ck_assert_uint_eq(broken(), 1);
    store_abort(rig.store, handle);
    ck_assert_uint_eq(broken(), 2);
    ck_assert(rig_has(&rig, 900, BYTES));
    ck_assert_uint_eq(store_pin_count(rig.store), 0);
    expect_service();
}
END_TEST

START_TEST(what_is_not_in_the_index_is_dropped)
{
    *slot_of(7).meta = 0;
    *slot_of(8).meta = 0;
    expect_service();
    ck_assert_uint_eq(broken(), 2);
}
END_TEST

START_TEST(a_value_is_changed_and_read_within_its_bounds)
{
    struct item item;

    REQUIRE(rig_get(&rig, 7, &item));
    ck_assert(!store_overwrite(rig.store, &item, SLICE("shorter"), STORE_NEVER, 0));
    ck_assert_uint_eq(store_value_at(rig.store, item.handle, BYTES + 1).len, 0);
    ck_assert_uint_eq(broken(), 2);
    ck_assert(rig_has(&rig, 7, BYTES));
}
END_TEST

START_TEST(a_segment_has_as_much_that_lives_as_it_says)
{
    struct seg *seg = arena_seg(&rig.store->arena, record_of(7));

    seg->live = 1;
    ck_assert(rig_delete(&rig, 7));
    ck_assert_uint_eq(broken(), 1);
    expect_service();
}
END_TEST

START_TEST(a_piece_outside_the_segments_is_missing)
{
    struct item item;
    char *rec;

    REQUIRE(rig_set(&rig, 600, 20000));
    rec = record_of(600);
    save_u64(rec + rec_body_off(rec) + TABLE_ENTRY_BYTES, rig.store->arena.bytes + 1);
    REQUIRE(rig_get(&rig, 600, &item));
    ck_assert_uint_eq(item.value.len, 0);
    ck_assert_uint_ge(broken(), 1);
    expect_service();
}
END_TEST

TCase *
invariants_tcase(void)
{
    TCase *tcase = tcase_create("invariants");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_location_outside_the_segments_is_a_miss);
    tcase_add_test(tcase, a_record_that_is_too_long_is_a_miss);
    tcase_add_test(tcase, a_scan_for_expired_items_stops_there_too);
    tcase_add_test(tcase, a_pin_is_taken_off_once);
    tcase_add_test(tcase, a_reservation_ends_once);
    tcase_add_test(tcase, what_is_not_in_the_index_is_dropped);
    tcase_add_test(tcase, a_value_is_changed_and_read_within_its_bounds);
    tcase_add_test(tcase, a_segment_has_as_much_that_lives_as_it_says);
    tcase_add_test(tcase, a_piece_outside_the_segments_is_missing);
    return tcase;
}
