#include "rig.h"

/* What is asked for all the time stays, however much passes by. */
START_TEST(test_hot_set_survives_scan)
{
    enum { HOT = 2000 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    struct item item;
    unsigned misses = 0;

    for (uint64_t i = 0; i < HOT; i++)
        REQUIRE(rig_set(&rig, i, 100));
    for (uint64_t i = 0; i < 200000; i++) {
        REQUIRE(rig_set(&rig, 1000000 + i, 100));
        if (!rig_get(&rig, i * 7 % HOT, &item)) {
            misses++;
            REQUIRE(rig_set(&rig, i * 7 % HOT, 100));
        }
    }
    ck_assert_uint_lt(misses, HOT / 10);
    ck_assert_uint_gt(store_stats(rig.store)->evictions, 150000);
    rig_close(&rig);
}
END_TEST

/* Where whole victims go, hardly a segment is free; where something goes on, some more are. */
START_TEST(test_few_are_free)
{
    enum { SETS = 40000, BYTES = 500, HOT = 100 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 8 * MB});
    struct store_layout layout;
    struct item item;

    for (uint64_t i = 0; i < SETS; i++)
        REQUIRE(rig_set(&rig, i, BYTES));
    store_layout(rig.store, &layout);
    ck_assert_uint_le(layout.segments_free, 2);
    for (uint64_t i = 0; i < SETS; i++) {
        REQUIRE(rig_set(&rig, SETS + i, BYTES));
        (void)rig_get(&rig, SETS + i % HOT, &item);
    }
    store_layout(rig.store, &layout);
    ck_assert_uint_ge(layout.segments_free, 3);
    ck_assert_uint_eq(store_stats(rig.store)->evict_stalls, 0);
    rig_close(&rig);
}
END_TEST

/* A thousand segments, and up from 64 KB each two thousand. */
START_TEST(test_size_of_segments)
{
    static const struct {
        size_t limit_mb, kb;
    } cases[] = {{4, 16}, {32, 32}, {64, 64}, {128, 64}, {255, 64}, {256, 128}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig rig = rig_open((struct rig_config){.limit_bytes = cases[i].limit_mb * MB});
        struct store_layout layout;

        store_layout(rig.store, &layout);
        ck_assert_uint_eq(layout.segment_bytes, cases[i].kb * 1024);
        rig_close(&rig);
    }
}
END_TEST

/* What is overwritten again and again does not spread over all the memory there is. */
START_TEST(test_memory_is_used_again)
{
    enum { KEYS = 500, BYTES = 10000 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 128 * MB});
    struct store_layout layout;

    for (uint64_t i = 0; i < 20000; i++)
        REQUIRE(rig_set(&rig, i * 7919 % KEYS, BYTES));
    store_layout(rig.store, &layout);
    ck_assert_uint_eq(layout.items, KEYS);
    ck_assert_uint_lt(layout.dead_bytes, 2 * KEYS * BYTES);
    ck_assert_uint_eq(store_stats(rig.store)->evictions, 0);
    for (uint64_t i = 0; i < KEYS; i++)
        REQUIRE(rig_has(&rig, i, BYTES));
    rig_close(&rig);
}
END_TEST

/*
 * Cleaning up after a flush drops nothing that lives, even when a client begins to hold
 * what is being emptied.
 */
START_TEST(test_flush_sweep_evicts_nothing)
{
    enum { BEFORE = 4000, AFTER = 3000, BYTES = 1000, EACH = 20, FIRST = 50 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 64 * MB});
    const void *held[BEFORE / EACH];
    struct item item;

    for (uint64_t i = 0; i < BEFORE; i++)
        REQUIRE(rig_set(&rig, i, BYTES));
    for (uint64_t i = 0; i < ARRAY_LEN(held); i++) {
        REQUIRE(rig_peek(&rig, i == 0 ? FIRST : i * EACH, &item));
        held[i] = item.value.ptr;
        if (i * EACH > FIRST + EACH) /* all segments but the first */
            store_pin(rig.store, held[i]);
    }
    store_flush(rig.store, 0);
    for (uint64_t i = 0; i < AFTER; i++)
        REQUIRE(rig_set(&rig, BEFORE + i, BYTES));
    (void)store_work(rig.store); /* of the first segment, a part */
    for (uint64_t i = 0; i < ARRAY_LEN(held); i++)
        if (i * EACH <= FIRST + EACH && i % 3 == 0)
            store_pin(rig.store, held[i]);
    for (int i = 0; i < 2000; i++)
        (void)store_work(rig.store);
    for (uint64_t i = 0; i < ARRAY_LEN(held); i++)
        if (i * EACH > FIRST + EACH || i % 3 == 0)
            store_unpin(rig.store, held[i]);
    for (int i = 0; i < 2000; i++)
        (void)store_work(rig.store);
    ck_assert_uint_eq(store_stats(rig.store)->evictions, 0);
    for (uint64_t i = 0; i < AFTER; i++)
        REQUIRE(rig_has(&rig, BEFORE + i, BYTES));
    rig_close(&rig);
}
END_TEST

/* Even when everything is hit, there is room for what is new. */
START_TEST(test_progress_when_all_is_hot)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct item item;

    for (uint64_t i = 0; i < 30000; i++) {
        REQUIRE(rig_set(&rig, i, 100));
        for (int n = 0; n < 4; n++)
            REQUIRE(rig_get(&rig, i, &item));
    }
    REQUIRE(rig_has(&rig, 29999, 100));
    ck_assert_uint_gt(store_stats(rig.store)->evictions, 20000);
    rig_close(&rig);
}
END_TEST

/* A number below N, small ones far more often. */
static uint64_t
skewed(uint64_t *rng, uint64_t n)
{
    double x;

    /* xorshift64*, Vigna 2016 */
    *rng ^= *rng >> 12;
    *rng ^= *rng << 25;
    *rng ^= *rng >> 27;
    x = (double)((*rng * UINT64_C(2685821657736338717)) >> 11) * 0x1p-53;
    return (uint64_t)((double)n * x * x * x * x * x * x);
}

/*
 * A cache is asked for what is popular and stores what it misses; after each round
 * other keys are popular, or after none. Returns hits in a thousand over the second half.
 */
static unsigned
hits_of_skewed(bool changes)
{
    enum { KEYS = 250000, ROUNDS = 8, ROUND = 200000 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    uint64_t rng = 1, hits = 0;
    struct item item;

    for (uint64_t round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < ROUND; i++) {
            uint64_t key = (skewed(&rng, KEYS) + (changes ? round * (KEYS / 10) : 0)) % KEYS;

            if (rig_get(&rig, key, &item))
                hits += round >= ROUNDS / 2;
            else
                REQUIRE(rig_set(&rig, key, 100));
        }
    }
    rig_close(&rig);
    return (unsigned)(hits * 1000 / ((uint64_t)ROUNDS / 2 * ROUND));
}

/* What was popular makes room for what is. */
START_TEST(test_popularity_changes)
{
    ck_assert_uint_ge(hits_of_skewed(true), 560);
}
END_TEST

/* And yet, while nothing changes, what is asked for once does not push out what stays. */
START_TEST(test_popularity_stays)
{
    ck_assert_uint_ge(hits_of_skewed(false), 650);
}
END_TEST

/* A smaller one of the same number would leave the limit unused, a larger one break it. */
START_TEST(test_items_held)
{
    static const struct {
        uint64_t bytes;
        bool no_cas;
        uint64_t overhead_max;
    } cases[] = {{32, false, 31}, {100, false, 31}, {32, true, 23}, {100, true, 23}};
    struct rig rig =
        rig_open((struct rig_config){.limit_bytes = 64 * MB, .no_cas = cases[_i].no_cas});
    uint64_t items;

    for (uint64_t i = 0; i < 64 * MB / (cases[_i].bytes + 16) * 3 / 2; i++)
        REQUIRE(rig_set(&rig, i, cases[_i].bytes));
    items = store_stats(rig.store)->curr_items;
    ck_assert_uint_le(64 * MB / items, 16 + cases[_i].bytes + cases[_i].overhead_max);
    rig_close(&rig);
}
END_TEST

/* --- Without eviction --- */

static uint64_t
fill_up(struct rig *rig, uint64_t from, uint64_t bytes)
{
    uint64_t i = from;

    while (rig_set(rig, i, bytes))
        i++;
    return i - from;
}

START_TEST(test_no_eviction)
{
    static const uint64_t bytes[] = {20, 100, 700, 3000, 20000};
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB, .no_evict = true});
    uint64_t count = fill_up(&rig, 0, bytes[_i]);
    uint64_t deleted = 0, more;

    ck_assert_uint_gt(count * (bytes[_i] + 45), 4 * MB - 4 * MB / 8);
    for (uint64_t i = 0; i < count; i++)
        ck_assert_msg(rig_has(&rig, i, bytes[_i]), "%" PRIu64 " was lost", i);
    REQUIRE(!rig_set(&rig, 0, bytes[_i]));
    REQUIRE(rig_has(&rig, 0, bytes[_i])); /* it stays when its successor is refused */
    /* Every fifth, so that the dead bytes lie everywhere. */
    for (uint64_t i = 0; i < count; i += 5)
        deleted += rig_delete(&rig, i);
    more = fill_up(&rig, count, bytes[_i]);
    ck_assert_uint_ge(more, deleted - deleted / 4);
    for (uint64_t i = 0; i < count + more; i++)
        REQUIRE(rig_has(&rig, i, bytes[_i]) == (i >= count || i % 5 != 0));
    ck_assert_uint_eq(store_stats(rig.store)->evictions, 0);
    rig_close(&rig);
}
END_TEST

/* Store COUNT items; returns how many were taken. */
static uint64_t
offer(struct rig *rig, uint64_t from, uint64_t count, uint64_t bytes)
{
    uint64_t taken = 0;

    for (uint64_t i = 0; i < count; i++)
        taken += rig_set(rig, from + i, bytes);
    return taken;
}

/*
 * New records leave what survivors need: a full store takes about as much as was deleted.
 * (One request does not pay for all that it takes: some may be refused in between.)
 */
START_TEST(test_full_takes_what_was_deleted)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 8 * MB, .no_evict = true});
    uint64_t count = fill_up(&rig, 0, 10);
    uint64_t deleted = 0, more;

    for (uint64_t i = 0; i < count; i += 33)
        deleted += rig_delete(&rig, i);
    more = offer(&rig, count, deleted, 10);
    ck_assert_uint_ge(more, deleted * 3 / 4);
    deleted = 0;
    for (uint64_t i = 0; i < count; i += 5)
        deleted += rig_delete(&rig, i);
    more = offer(&rig, 2 * count, deleted, 10);
    ck_assert_uint_ge(more, deleted - deleted / 8);
    for (uint64_t i = 1; i < count; i++)
        REQUIRE(rig_has(&rig, i, 10) == (i % 33 != 0 && i % 5 != 0));
    rig_close(&rig);
}
END_TEST

/* The first item that needs it finds it, before any background work has. */
START_TEST(test_full_finds_what_expired)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 8 * MB, .no_evict = true});
    uint64_t i = 0;

    while (rig_set_expiring(&rig, i, 10, START_S + 10))
        i++;
    ck_assert_uint_gt(i, 10000);
    rig_set_time(&rig, START_S + 20);
    ck_assert(rig_set(&rig, i, 10));
    rig_close(&rig);
}
END_TEST

/* What expired is room, too, though no segment of it is empty. */
START_TEST(test_full_takes_what_expired)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB, .no_evict = true});
    uint64_t i = 0, more;

    while (i % 3 != 0 ? rig_set(&rig, i, 100) : rig_set_expiring(&rig, i, 100, START_S + 5))
        i++;
    rig_set_time(&rig, START_S + 5);
    more = offer(&rig, i, i, 100);
    ck_assert_uint_ge(more, i / 3 - i / 20);
    for (uint64_t k = 0; k < i; k++)
        REQUIRE(rig_has(&rig, k, 100) == (k % 3 != 0));
    rig_close(&rig);
}
END_TEST

/*
 * All sizes at and around what fills whole segments: whatever such a store consists of,
 * it takes one more.
 */
START_TEST(test_sizes_around_segments)
{
    static const uint64_t limits[] = {8 * MB, 64 * MB};
    uint64_t limit = limits[_i % 2];
    uint64_t extent = (_i % 2 == 0 ? 16 : 64) * 1024 - 17;
    uint64_t bytes = extent * (uint64_t)(1 + _i / 6) + (uint64_t)(_i / 2 % 3) - 1;
    struct rig rig = rig_open((struct rig_config){.limit_bytes = limit});
    struct item item;

    for (uint64_t i = 0; i < 5 * limit / 2 / bytes; i++) {
        REQUIRE(rig_set(&rig, i, bytes));
        REQUIRE(rig_get(&rig, i, &item));
        REQUIRE(store_touch(rig.store, &item, START_S + 100));
    }
    ck_assert_uint_gt(store_stats(rig.store)->curr_items, limit / bytes * 3 / 4);
    rig_close(&rig);
}
END_TEST

/*
 * A step looks at 256 segments for one from before a flush. Where more than that are pinned in
 * a row, the search goes on with the next step, and is not the end of it.
 */
START_TEST(test_full_finds_what_was_flushed_behind_pins)
{
    enum { BYTES = 400, HELD = 600, SEG_BYTES = 16 * 1024 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 16 * MB, .no_evict = true});
    const char *held[HELD];
    struct item item;
    uint64_t number = 0;

    for (size_t count = 0; count < HELD; number++) {
        REQUIRE(rig_set(&rig, number, BYTES));
        REQUIRE(rig_peek(&rig, number, &item));
        if (count > 0 && (item.value.ptr - held[0]) / SEG_BYTES < (ptrdiff_t)count)
            continue;
        store_pin(rig.store, item.value.ptr);
        held[count++] = item.value.ptr;
    }
    while (rig_set(&rig, number, BYTES))
        number++;
    store_flush(rig.store, 0);
    ck_assert(rig_set(&rig, number, BYTES));
    for (size_t i = 0; i < HELD; i++)
        store_unpin(rig.store, held[i]);
    rig_settle(&rig);
    ck_assert_uint_eq(store_stats(rig.store)->flushed, number);
    rig_close(&rig);
}
END_TEST

/* --- A mix that changes --- */

START_TEST(test_sizes_change)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 32 * MB});
    uint64_t number = 0;
    struct store_layout layout;

    for (int phase = 0; phase < 5; phase++) {
        uint64_t bytes = phase % 2 == 0 ? 100 : 10000;
        uint64_t count = 3 * 32 * MB / (bytes + 30);

        for (uint64_t i = 0; i < count; i++)
            REQUIRE(rig_set(&rig, number++, bytes));
        store_layout(rig.store, &layout);
        /* Nothing of the other kind is left, and hardly a byte is stranded. */
        ck_assert_uint_ge(layout.live_bytes / (bytes + 16) + 20, layout.items);
        ck_assert_uint_ge((layout.live_bytes + layout.items * 30) * 100 / layout.limit_bytes,
                          92);
        ck_assert_uint_le(layout.index_bytes, layout.items * 14 + MB);
    }
    rig_close(&rig);
}
END_TEST

TCase *
evict_tcase(void)
{
    TCase *tcase = tcase_create("evict");

    tcase_add_test(tcase, test_hot_set_survives_scan);
    tcase_add_test(tcase, test_few_are_free);
    tcase_add_test(tcase, test_size_of_segments);
    tcase_add_test(tcase, test_memory_is_used_again);
    tcase_add_test(tcase, test_flush_sweep_evicts_nothing);
    tcase_add_test(tcase, test_progress_when_all_is_hot);
    tcase_add_test(tcase, test_popularity_changes);
    tcase_add_test(tcase, test_popularity_stays);
    if (!RIG_SANITIZED) /* which changes no figure of it, and takes long */
        tcase_add_loop_test(tcase, test_items_held, 0, 4);
    tcase_add_loop_test(tcase, test_no_eviction, 0, 5);
    tcase_add_test(tcase, test_full_takes_what_was_deleted);
    tcase_add_test(tcase, test_full_finds_what_expired);
    tcase_add_test(tcase, test_full_takes_what_expired);
    tcase_add_test(tcase, test_full_finds_what_was_flushed_behind_pins);
    tcase_add_loop_test(tcase, test_sizes_around_segments, 0, 48);
    tcase_add_test(tcase, test_sizes_change);
    return tcase;
}
