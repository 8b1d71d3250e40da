#include "rig.h"
#include "store_priv.h"

/*
 * With 4 MB a segment has 16 KiB: records up to 512 bytes, pieces of 495, whole
 * segments for each 16367.
 */
static const uint64_t sizes[] = {
    478,   479,   480,   486,   487,   488,   990,    991,    10000,  16366,
    16367, 16368, 17374, 17375, 32734, 32735, 100000, 262144, 500000, 1000000,
};

START_TEST(test_sizes)
{
    struct rig rig =
        rig_open((struct rig_config){.limit_bytes = 4 * MB, .no_cas = _i % 2 == 1});
    uint64_t bytes = sizes[_i / 2];
    struct item item;

    REQUIRE(rig_set(&rig, 1, 100));
    REQUIRE(rig_set(&rig, 2, bytes));
    REQUIRE(rig_has(&rig, 2, bytes));
    REQUIRE(rig_get(&rig, 2, &item));
    ck_assert_ptr_eq(item.value.ptr, store_value_at(rig.store, item.handle, 0).ptr);
    REQUIRE(rig_set(&rig, 2, bytes)); /* replaces */
    REQUIRE(rig_has(&rig, 2, bytes));
    REQUIRE(rig_delete(&rig, 2));
    REQUIRE(rig_has(&rig, 1, 100));
    ck_assert_uint_eq(store_stats(rig.store)->curr_items, 1);
    ck_assert_uint_lt(store_stats(rig.store)->bytes, 150);
    rig_close(&rig);
}
END_TEST

/* Pins are counted as they are held: of the record, and of each piece that has a place. */
START_TEST(test_pins_add_up)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    struct item small, large;
    void *handle;

    REQUIRE(rig_set(&rig, 1, 100));
    REQUIRE(rig_set(&rig, 2, 16367 + 16 * 1024 / 24 - 17 + 1));
    ck_assert_uint_eq(store_pin_count(rig.store), 0);
    REQUIRE(rig_get(&rig, 1, &small));
    store_pin_item(rig.store, small.handle);
    ck_assert_uint_eq(store_item_pin_count(rig.store, small.handle), 1);
    REQUIRE(rig_get(&rig, 2, &large));
    store_pin_item(rig.store, large.handle);
    store_pin(rig.store, large.value.ptr);
    ck_assert_uint_eq(store_item_pin_count(rig.store, large.handle), 4);
    ck_assert_uint_eq(store_pin_count(rig.store), 1 + 4 + 1);
    REQUIRE(rig_reserve(&rig, 3, 1000, STORE_NEVER, &handle) == RESERVE_OK);
    ck_assert_uint_eq(store_item_pin_count(rig.store, handle), 1);
    REQUIRE(store_reserved_at(rig.store, handle, 0).len > 0);
    ck_assert_uint_eq(store_item_pin_count(rig.store, handle), 2);
    ck_assert_uint_eq(store_pin_count(rig.store), 6 + 2);
    REQUIRE(store_check(rig.store));
    store_abort(rig.store, handle);
    store_unpin(rig.store, large.value.ptr);
    store_unpin_item(rig.store, large.handle);
    store_unpin_item(rig.store, small.handle);
    ck_assert_uint_eq(store_pin_count(rig.store), 0);
    REQUIRE(store_check(rig.store));
    rig_close(&rig);
}
END_TEST

/* What has to go for a large value goes a bounded piece a call: a step, and a batch more of each kind of work. */
START_TEST(test_space_is_made_in_steps)
{
    enum {
        VALUE = 400000,
        STEP_MAX = STEP_NS + 3 * BATCH * (ITEM_NS + RECORD_NS),
        FILL = 120000
    };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    uint64_t later = 0;
    void *handle;
    uint64_t cas;

    for (uint64_t i = 0; i < FILL; i++)
        REQUIRE(rig_set(&rig, i, 1));
    REQUIRE(rig_reserve(&rig, FILL, VALUE, STORE_NEVER, &handle) == RESERVE_OK);
    for (uint64_t off = 0; off < VALUE;) {
        uint64_t before = rig.store->work_ns;
        struct span at;

        switch (store_space_at(rig.store, handle, off, &at)) {
        case SPACE_THERE:
        case SPACE_MADE:
            for (size_t i = 0; i < at.len && off < VALUE; i++)
                at.ptr[i] = rig_value_byte(FILL, off++);
            break;
        case SPACE_LATER: later++; break;
        case SPACE_NONE: ck_abort_msg("no memory");
        }
        REQUIRE(rig.store->work_ns - before <= STEP_MAX);
    }
    ck_assert_uint_gt(later, 0);
    ck_assert_uint_eq(store_stats(rig.store)->space_waits, later);
    ck_assert_int_eq(store_commit(rig.store, handle, COMMIT_ANY, &cas), COMMIT_STORED);
    REQUIRE(rig_has(&rig, FILL, VALUE));
    rig_close(&rig);
}
END_TEST

enum { UPLOADS_MAX = 5, UPLOAD_BYTES = 300000, SMALLEST_ITEMS = 160000, ASKS_MAX = 1000 };

/* A store full of the smallest items, and uploads that have nothing yet. */
static struct rig
rig_with_uploads(unsigned count, void **handles)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});

    for (uint64_t n = UPLOADS_MAX; n < SMALLEST_ITEMS; n++)
        REQUIRE(rig_set(&rig, n, 1));
    for (unsigned i = 0; i < count; i++)
        REQUIRE(rig_reserve(&rig, i, UPLOAD_BYTES, STORE_NEVER, handles + i) == RESERVE_OK);
    return rig;
}

/* One call for the next memory of an upload. False: it has to wait. */
static bool
ask_for_more(struct rig *rig, void *handle, uint64_t *off)
{
    struct span at;

    switch (store_space_at(rig->store, handle, *off, &at)) {
    case SPACE_THERE:
    case SPACE_MADE: *off += at.len; return true;
    case SPACE_LATER: return false;
    case SPACE_NONE: ck_abort_msg("no memory");
    }
    return false;
}

/* However often another one asks: what becomes free is kept for the one that waits first. */
START_TEST(test_first_that_waits_is_served)
{
    void *handles[2];
    struct rig rig = rig_with_uploads(2, handles);
    uint64_t off[2] = {0};
    unsigned times = 0;

    while (off[0] < UPLOAD_BYTES) {
        while (off[0] < UPLOAD_BYTES && ask_for_more(&rig, handles[0], off))
            continue;
        if (off[0] >= UPLOAD_BYTES || off[1] >= UPLOAD_BYTES)
            break;
        for (int i = 0; i < ASKS_MAX && !ask_for_more(&rig, handles[1], off + 1); i++)
            continue;
        REQUIRE(ask_for_more(&rig, handles[0], off));
        times++;
    }
    ck_assert_uint_gt(times, 5);
    ck_assert_uint_ge(off[0], UPLOAD_BYTES);
    store_abort(rig.store, handles[0]);
    store_abort(rig.store, handles[1]);
    rig_close(&rig);
}
END_TEST

/* It is aborted: nothing is kept for it any more. */
START_TEST(test_first_that_waits_is_aborted)
{
    void *handles[2];
    struct rig rig = rig_with_uploads(2, handles);
    uint64_t off[2] = {0};

    while (ask_for_more(&rig, handles[0], off))
        REQUIRE(off[0] < UPLOAD_BYTES);
    ck_assert_ptr_eq(rig.store->waiting, handles[0]);
    ck_assert_uint_gt(rig.store->wait_work, 0);
    store_abort(rig.store, handles[1]);
    ck_assert_ptr_eq(rig.store->waiting, handles[0]);
    store_abort(rig.store, handles[0]);
    ck_assert_ptr_null(rig.store->waiting);
    ck_assert_uint_eq(rig.store->wait_work, 0);
    rig_close(&rig);
}
END_TEST

/* Many that wait, while small items are stored: each gets something at least as often as if it had to queue. */
START_TEST(test_uploads_that_wait_take_turns)
{
    static const unsigned counts[] = {2, 3, UPLOADS_MAX};
    unsigned count = counts[_i / 2], sets = _i % 2 == 0 ? 0 : 10, left = count;
    uint64_t off[UPLOADS_MAX] = {0}, n = SMALLEST_ITEMS, cas;
    unsigned waits[UPLOADS_MAX] = {0};
    void *handles[UPLOADS_MAX];
    struct rig rig = rig_with_uploads(count, handles);

    while (left > 0) {
        for (unsigned i = 0; i < count; i++) {
            if (off[i] >= UPLOAD_BYTES)
                continue;
            waits[i] = ask_for_more(&rig, handles[i], off + i) ? 0 : waits[i] + 1;
            REQUIRE(waits[i] <= count + 2);
            left -= off[i] >= UPLOAD_BYTES;
        }
        for (unsigned i = 0; i < sets; i++)
            REQUIRE(rig_set(&rig, n++, 1));
    }
    ck_assert_uint_gt(store_stats(rig.store)->space_waits, count);
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(store_commit(rig.store, handles[i], COMMIT_ANY, &cas), COMMIT_STORED);
    rig_close(&rig);
}
END_TEST

/* Nothing can go: however often it is asked, that is found out. */
START_TEST(test_space_that_cannot_be_made)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB, .no_evict = true});
    enum space_result result = SPACE_LATER;
    struct span at;
    void *handle;

    REQUIRE(rig_reserve(&rig, 1, 100000, STORE_NEVER, &handle) == RESERVE_OK);
    for (uint64_t i = 2; rig_set(&rig, i, 1); i++)
        continue;
    for (int i = 0; result == SPACE_LATER && i < 1000; i++)
        result = store_space_at(rig.store, handle, 0, &at);
    ck_assert_int_eq(result, SPACE_NONE);
    ck_assert_uint_eq(rig.store->wait_work, 0);
    store_abort(rig.store, handle);
    rig_close(&rig);
}
END_TEST

/* What waits is given up: the next value begins with all that a first call does. */
START_TEST(test_a_wait_that_is_given_up)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    enum space_result result = SPACE_THERE;
    uint64_t off = 0;
    struct span at;
    void *handle;

    for (uint64_t i = 1; i < 120000; i++)
        REQUIRE(rig_set(&rig, i, 1));
    REQUIRE(rig_reserve(&rig, 0, 400000, STORE_NEVER, &handle) == RESERVE_OK);
    while (result == SPACE_THERE || result == SPACE_MADE) {
        result = store_space_at(rig.store, handle, off, &at);
        off += result == SPACE_LATER ? 0 : at.len;
    }
    ck_assert_int_eq(result, SPACE_LATER);
    ck_assert_uint_gt(rig.store->wait_work, 0);
    store_abort(rig.store, handle);
    ck_assert_uint_eq(rig.store->wait_work, 0);
    rig_close(&rig);
}
END_TEST

/* Survivors of all sizes, again and again. */
START_TEST(test_eviction)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 8 * MB});
    struct item item;
    unsigned there = 0;

    for (uint64_t i = 0; i < 3000; i++) {
        REQUIRE(rig_set(&rig, i, sizes[i % ARRAY_LEN(sizes)] / (1 + i % 3)));
        /* The last 16 are wanted often. */
        for (uint64_t k = i < 16 ? 0 : i - 16; k <= i; k++)
            if (rig_get(&rig, k, &item))
                rig_check_value(&rig, item.handle, k,
                                sizes[k % ARRAY_LEN(sizes)] / (1 + k % 3));
    }
    for (uint64_t k = 0; k < 3000; k++)
        there += rig_has(&rig, k, sizes[k % ARRAY_LEN(sizes)] / (1 + k % 3));
    ck_assert_uint_eq(there, store_stats(rig.store)->curr_items);
    ck_assert_uint_eq(3000 - there, store_stats(rig.store)->evictions);
    for (uint64_t k = 0; k < 3000; k++)
        (void)rig_delete(&rig, k);
    ck_assert_uint_eq(store_stats(rig.store)->bytes, 0);
    rig_close(&rig);
}
END_TEST

/* Large values that are asked for all the time stay, whatever else comes and goes. */
START_TEST(test_hot_ones_stay)
{
    enum { HOT = 12, ROUNDS = 400 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 32 * MB});
    uint64_t missed = 0;
    struct item item;

    for (uint64_t round = 0; round < ROUNDS; round++) {
        for (uint64_t hot = 1; hot <= HOT; hot++) {
            if (rig_get(&rig, hot, &item))
                continue;
            missed++;
            REQUIRE(rig_set(&rig, hot, 700000 + 10000 * hot));
        }
        REQUIRE(rig_set(&rig, 1000 + round, 600000 + 701 * round));
    }
    ck_assert_uint_le(missed, 2 * HOT);
    rig_close(&rig);
}
END_TEST

START_TEST(test_waste)
{
    static const uint64_t bytes[] = {5000, 9000, 12000, 17000, 33000, 70000, 300000};
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 64 * MB});
    struct store_layout layout;

    for (uint64_t i = 0; i < 3 * 64 * MB / bytes[_i]; i++)
        REQUIRE(rig_set(&rig, i, bytes[_i]));
    store_layout(rig.store, &layout);
    ck_assert_uint_ge(layout.live_bytes + layout.live_bytes / 16, layout.limit_bytes);
    rig_close(&rig);
}
END_TEST

/* --- Pins --- */

START_TEST(test_pinned_bytes_stay)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    uint64_t bytes = sizes[_i];
    struct item item, pinned;

    REQUIRE(rig_set(&rig, 1, bytes));
    REQUIRE(rig_peek(&rig, 1, &item));
    pinned = item;
    store_pin_item(rig.store, pinned.handle);
    store_pin(rig.store, pinned.key.ptr);
    if (_i % 3 == 0)
        REQUIRE(rig_delete(&rig, 1));
    else if (_i % 3 == 1)
        REQUIRE(rig_set(&rig, 1, 10));
    else
        ck_assert(store_touch(rig.store, &item, START_S + 50));
    for (uint64_t i = 2; i < 5000; i++)
        REQUIRE(rig_set(&rig, i, 2000));
    store_unpin(rig.store, pinned.key.ptr);
    rig_check_value(&rig, pinned.handle, 1, bytes);
    store_unpin_item(rig.store, pinned.handle);
    rig_close(&rig);
}
END_TEST

/* Not even out of a segment that is just being emptied. */
START_TEST(test_pinned_stays_where_it_is)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 2 * MB});
    struct item item, again;
    uint64_t next = 0, held = 0;

    for (uint64_t i = 0; i < 30000; i++) {
        uint64_t old = next - (store_stats(rig.store)->curr_items - i * 7919 % 1000);

        REQUIRE(rig_set(&rig, next++, 100));
        if (next < 20000 || !rig_get(&rig, old, &item))
            continue;
        held++;
        store_pin_item(rig.store, item.handle);
        for (int k = 0; k < 40; k++)
            REQUIRE(rig_set(&rig, next++, 100));
        REQUIRE(rig_peek(&rig, old, &again));
        REQUIRE(again.handle == item.handle);
        store_unpin_item(rig.store, item.handle);
    }
    ck_assert_uint_gt(held, 100);
    rig_close(&rig);
}
END_TEST

/* Half a segment of the log, or half of a large value, for each client that never goes on. */
START_TEST(test_slow_writers)
{
    enum { WRITERS = 2000 };
    static void *handles[WRITERS];
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    unsigned open = 0, closed = 0;

    for (unsigned i = 0; i < WRITERS; i++) {
        while (store_excess_bytes(rig.store) > 0 && closed < open)
            store_abort(rig.store, handles[closed++]); /* the oldest first */
        ck_assert_int_eq(rig_reserve(&rig, i, 1000000, STORE_NEVER, &handles[open]),
                         RESERVE_OK);
        REQUIRE(rig_fill(&rig, handles[open++], i, 0, i % 2 == 0 ? 1 : 40000));
        for (uint64_t k = 0; k < 10; k++)
            REQUIRE(rig_set(&rig, 1000000 + i * 10 + k, 900));
    }
    ck_assert_uint_gt(closed, 0);
    ck_assert_uint_gt(open - closed, 10);
    while (closed < open)
        store_abort(rig.store, handles[closed++]);
    rig_close(&rig);
}
END_TEST

START_TEST(test_incomplete_upload)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    void *handle;
    uint64_t cas;

    ck_assert_int_eq(rig_reserve(&rig, 1, 50000, STORE_NEVER, &handle), RESERVE_OK);
    REQUIRE(rig_fill(&rig, handle, 1, 0, 10000));
    ck_assert_int_eq(store_commit(rig.store, handle, COMMIT_ANY, &cas), COMMIT_NOT_STORED);
    ck_assert_uint_eq(store_stats(rig.store)->bytes, 0);
    rig_close(&rig);
}
END_TEST

TCase *
large_tcase(void)
{
    TCase *tcase = tcase_create("large");

    tcase_add_loop_test(tcase, test_sizes, 0, 2 * (int)ARRAY_LEN(sizes));
    tcase_add_test(tcase, test_pins_add_up);
    tcase_add_test(tcase, test_eviction);
    tcase_add_test(tcase, test_hot_ones_stay);
    tcase_add_loop_test(tcase, test_waste, 0, 7);
    tcase_add_loop_test(tcase, test_pinned_bytes_stay, 0, (int)ARRAY_LEN(sizes));
    tcase_add_test(tcase, test_pinned_stays_where_it_is);
    tcase_add_test(tcase, test_space_is_made_in_steps);
    tcase_add_test(tcase, test_first_that_waits_is_served);
    tcase_add_test(tcase, test_first_that_waits_is_aborted);
    tcase_add_loop_test(tcase, test_uploads_that_wait_take_turns, 0, 6);
    tcase_add_test(tcase, test_space_that_cannot_be_made);
    tcase_add_test(tcase, test_a_wait_that_is_given_up);
    tcase_add_test(tcase, test_slow_writers);
    tcase_add_test(tcase, test_incomplete_upload);
    return tcase;
}
