#include "rig.h"

#include "store_priv.h"

START_TEST(test_set_and_get)
{
    static const uint64_t sizes[] = {0, 1, 2, 100, 255, 256, 400};
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB, .no_cas = _i == 1});
    struct item item;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        REQUIRE(!rig_peek(&rig, i, &item));
        REQUIRE(rig_set(&rig, i, sizes[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        REQUIRE(rig_has(&rig, i, sizes[i]));
        REQUIRE(rig_peek(&rig, i, &item));
        ck_assert_uint_eq(item.value.len, sizes[i]);
        ck_assert_uint_eq(item.cas, _i == 1 ? 0 : i + 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        REQUIRE(rig_delete(&rig, i));
    ck_assert_uint_eq(store_stats(rig.store)->curr_items, 0);
    ck_assert_uint_eq(store_stats(rig.store)->bytes, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(test_access)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct item item;

    REQUIRE(rig_set(&rig, 1, 10));
    rig_set_time(&rig, START_S + 7);
    REQUIRE(rig_peek(&rig, 1, &item));
    REQUIRE(rig_get(&rig, 1, &item));
    ck_assert_uint_eq(item.accessed_s, START_S);
    ck_assert_uint_eq(item.marks, 0);
    REQUIRE(rig_peek(&rig, 1, &item));
    ck_assert_uint_eq(item.accessed_s, START_S + 7);
    ck_assert_uint_eq(item.marks, ITEM_FETCHED);
    store_set_marks(rig.store, &item, ITEM_STALE | ITEM_TOKEN);
    REQUIRE(rig_peek(&rig, 1, &item));
    ck_assert_uint_eq(item.marks, ITEM_STALE | ITEM_TOKEN);
    rig_close(&rig);
}
END_TEST

/* --- Where an item was seen, and what happened then --- */

enum { SEEN_BYTES = 10, SEEN_AFTER_BYTES = 20, SEEN_TTL_S = 5 };

static void
happens_nothing(struct rig *rig)
{
    struct item item;

    REQUIRE(rig_get(rig, 2, &item));
}

static void
happens_new_items(struct rig *rig)
{
    uint64_t resizes = store_stats(rig->store)->index_resizes;

    for (uint64_t i = 10; i < 20000; i++)
        REQUIRE(rig_set(rig, i, 1));
    REQUIRE(store_stats(rig->store)->index_resizes > resizes);
}

static void
happens_change_of_another(struct rig *rig)
{
    REQUIRE(rig_set(rig, 2, SEEN_BYTES));
}

static void
happens_change(struct rig *rig)
{
    REQUIRE(rig_set(rig, 1, SEEN_AFTER_BYTES));
}

static void
happens_move(struct rig *rig)
{
    struct item item;

    rig_set_time(rig, START_S + 100000); /* its stamp becomes too narrow */
    REQUIRE(rig_get(rig, 1, &item));
}

static void
happens_delete(struct rig *rig)
{
    REQUIRE(rig_delete(rig, 1));
}

/* Something else lies where it was. */
static void
happens_delete_and_reuse(struct rig *rig)
{
    REQUIRE(rig_delete(rig, 1));
    for (uint64_t i = 0; i < 20; i++)
        for (uint64_t n = 10; n < 3000; n++)
            REQUIRE(rig_set(rig, n, 2000));
}

static void
happens_eviction(struct rig *rig)
{
    struct item item;

    for (uint64_t i = 10; rig_peek(rig, 1, &item); i++)
        REQUIRE(rig_set(rig, i, 2000));
}

static void
happens_expiry(struct rig *rig)
{
    rig_set_time(rig, START_S + SEEN_TTL_S);
}

static void
happens_flush(struct rig *rig)
{
    store_flush(rig->store, 0);
}

static const struct {
    const char *what;
    void (*happens)(struct rig *rig);
    bool expires;
    bool believed;  /* it is not looked for in the index */
    uint64_t bytes; /* of the item then; 0: a miss */
} seens[] = {
    {"nothing", happens_nothing, false, true, SEEN_BYTES},
    {"new items, and a larger index", happens_new_items, false, true, SEEN_BYTES},
    {"a change of another item", happens_change_of_another, false, false, SEEN_BYTES},
    {"a change", happens_change, false, false, SEEN_AFTER_BYTES},
    {"a move", happens_move, false, false, SEEN_BYTES},
    {"a delete", happens_delete, false, false, 0},
    {"a delete, and others", happens_delete_and_reuse, false, false, 0},
    {"eviction", happens_eviction, false, false, 0},
    {"expiry", happens_expiry, true, true, 0},
    {"a flush", happens_flush, false, true, 0},
};

static struct place
see(struct rig *rig, uint64_t number)
{
    char buf[RIG_KEY_BYTES];
    uint64_t hash = store_hash(rig->store, rig_key(number, buf));
    struct place place = {0};

    store_prefetch_bucket(rig->store, hash);
    if (store_prefetch_item(rig->store, hash, &place))
        store_prefetch_far(rig->store, hash, &place);
    store_prefetch_value(rig->store, &place);
    return place;
}

static bool
read_seen(struct rig *rig, uint64_t number, const struct place *place, struct item *item)
{
    char buf[RIG_KEY_BYTES];
    struct slice key = rig_key(number, buf);

    return store_read(rig->store, key, store_hash(rig->store, key), place, item);
}

START_TEST(test_seen)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    uint32_t expires_s = seens[_i].expires ? START_S + SEEN_TTL_S : (uint32_t)STORE_NEVER;
    struct place place;
    struct item item;

    REQUIRE(rig_set_expiring(&rig, 1, SEEN_BYTES, expires_s));
    REQUIRE(rig_set(&rig, 2, SEEN_BYTES));
    place = see(&rig, 1);
    ck_assert_uint_ne(place.as_of, 0);
    seens[_i].happens(&rig);
    ck_assert_msg(index_believes(&rig.store->index, &place) == seens[_i].believed, "%s",
                  seens[_i].what);
    ck_assert_msg(read_seen(&rig, 1, &place, &item) == (seens[_i].bytes > 0), "%s",
                  seens[_i].what);
    if (seens[_i].bytes > 0) {
        ck_assert_uint_eq(item.value_bytes, seens[_i].bytes);
        rig_check_value(&rig, item.handle, 1, item.value_bytes);
    }
    rig_close(&rig);
}
END_TEST

/* Whether or not its record has a table of them, and beyond what is fetched. */
START_TEST(test_seen_in_pieces)
{
    static const uint64_t sizes[] = {300, 2000, 10000, 17 * 1024, 100 * 1000};
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});

    for (uint64_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct place place;
        struct item item;

        REQUIRE(rig_set(&rig, i, sizes[i]));
        place = see(&rig, i);
        REQUIRE(index_believes(&rig.store->index, &place));
        REQUIRE(read_seen(&rig, i, &place, &item));
        ck_assert_uint_eq(item.value_bytes, sizes[i]);
        rig_check_value(&rig, item.handle, i, sizes[i]);
    }
    rig_close(&rig);
}
END_TEST

/* A place says nothing of a key; and nowhere is no place, even as it is where the first item lies. */
START_TEST(test_seen_of_another_key)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct place nowhere = {0}, of_1;
    struct item item;

    REQUIRE(!index_believes(&rig.store->index, &nowhere));
    REQUIRE(rig_set(&rig, 1, SEEN_BYTES));
    REQUIRE(rig_set(&rig, 2, SEEN_AFTER_BYTES));
    of_1 = see(&rig, 1);
    ck_assert_uint_eq(of_1.at, nowhere.at);
    REQUIRE(read_seen(&rig, 2, &of_1, &item));
    ck_assert_uint_eq(item.value_bytes, SEEN_AFTER_BYTES);
    REQUIRE(!read_seen(&rig, 3, &of_1, &item));
    REQUIRE(see(&rig, 3).as_of == 0);
    REQUIRE(rig_delete(&rig, 1));
    REQUIRE(!read_seen(&rig, 1, &nowhere, &item));
    rig_close(&rig);
}
END_TEST

/* What store_commit() answers, by mode and by what is there. */
static const struct {
    enum commit_mode mode;
    bool there;
    bool same_cas;
    enum commit_result want;
} commits[] = {
    {COMMIT_SET, false, false, COMMIT_STORED},
    {COMMIT_SET, true, false, COMMIT_STORED},
    {COMMIT_ADD, false, false, COMMIT_STORED},
    {COMMIT_ADD, true, false, COMMIT_NOT_STORED},
    {COMMIT_REPLACE, false, false, COMMIT_NOT_STORED},
    {COMMIT_REPLACE, true, false, COMMIT_STORED},
    {COMMIT_CAS, false, false, COMMIT_NOT_FOUND},
    {COMMIT_CAS, true, false, COMMIT_EXISTS},
    {COMMIT_CAS, true, true, COMMIT_STORED},
};

START_TEST(test_commit_modes)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct item item = {0};
    struct commit_rule rule;
    void *handle;
    uint64_t cas = 0, bytes;

    if (commits[_i].there) {
        REQUIRE(rig_set(&rig, 1, 10));
        REQUIRE(rig_peek(&rig, 1, &item));
    }
    bytes = store_stats(rig.store)->bytes;
    ck_assert_int_eq(rig_reserve(&rig, 1, 20, STORE_NEVER, &handle), RESERVE_OK);
    REQUIRE(rig_fill(&rig, handle, 1, 0, 20));
    rule = (struct commit_rule){commits[_i].mode, item.cas + !commits[_i].same_cas, 77};
    ck_assert_int_eq(store_commit(rig.store, handle, &rule, &cas), commits[_i].want);
    if (commits[_i].want == COMMIT_STORED) {
        ck_assert_uint_eq(cas, 77);
        REQUIRE(rig_has(&rig, 1, 20));
    } else {
        ck_assert_int_eq(rig_has(&rig, 1, 10), commits[_i].there);
        ck_assert_uint_eq(store_stats(rig.store)->bytes, bytes);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(test_change_in_place)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct item item, after;
    uint64_t cas;

    REQUIRE(rig_set(&rig, 1, 3));
    REQUIRE(rig_peek(&rig, 1, &item));
    cas = item.cas;
    ck_assert(store_overwrite(rig.store, &item, SLICE("abc"), STORE_NEVER, 0));
    ck_assert_uint_eq(item.cas, cas + 1);
    REQUIRE(rig_peek(&rig, 1, &after));
    ck_assert(slice_equal(after.value, SLICE("abc")));
    ck_assert(store_set_cas(rig.store, &after, STORE_NEVER, 5));
    ck_assert_uint_eq(after.cas, 5);
    REQUIRE(rig_peek(&rig, 1, &after));
    ck_assert_uint_eq(after.cas, 5);
    rig_close(&rig);
}
END_TEST

START_TEST(test_abort_leaves_nothing)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct store_layout before, after;
    void *handle;

    REQUIRE(rig_set(&rig, 1, 100));
    store_layout(rig.store, &before);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(rig_reserve(&rig, 1, 500, STORE_NEVER, &handle), RESERVE_OK);
        store_abort(rig.store, handle);
    }
    store_layout(rig.store, &after);
    ck_assert_mem_eq(&before, &after, sizeof(before));
    REQUIRE(rig_has(&rig, 1, 100));
    rig_close(&rig);
}
END_TEST

START_TEST(test_too_large)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    void *handle;

    ck_assert_int_eq(rig_reserve(&rig, 1, MB, STORE_NEVER, &handle), RESERVE_TOO_LARGE);
    ck_assert_int_eq(rig_reserve(&rig, 1, MB - 100, STORE_NEVER, &handle), RESERVE_OK);
    store_abort(rig.store, handle);
    rig_close(&rig);
    rig = rig_open((struct rig_config){.limit_bytes = MB});
    REQUIRE(rig_set(&rig, 2, 100));
    /* No item is swept out for what can never fit. */
    ck_assert_int_eq(rig_reserve(&rig, 1, MB - 100, STORE_NEVER, &handle), RESERVE_TOO_LARGE);
    ck_assert_int_eq(rig_reserve(&rig, 1, MB / 2, STORE_NEVER, &handle), RESERVE_TOO_LARGE);
    ck_assert_int_eq(rig_reserve(&rig, 1, MB / 2 - 50, STORE_NEVER, &handle), RESERVE_OK);
    store_abort(rig.store, handle);
    REQUIRE(rig_has(&rig, 2, 100));
    rig_close(&rig);
}
END_TEST

/* The largest store, and in it the segments with the highest locations. */
START_TEST(test_largest_store)
{
    struct store_config config = {
        .limit_bytes = STORE_LIMIT_BYTES_MAX,
        .item_bytes_max = MB,
        .evict = true,
        .with_cas = true,
    };
    struct rig rig = {.store = store_create(&config), .now_s = START_S};

    if (rig.store != NULL) { /* as much address space is not to be had everywhere */
        store_set_time(rig.store, rig.now_s);
        rig.store->arena.seg_touched = rig.store->arena.seg_count - 3;
        for (uint64_t i = 0; i < 3000; i++)
            REQUIRE(rig_set(&rig, i, 1000));
        REQUIRE(rig_set(&rig, 3000, MB - 1000));
        for (uint64_t i = 0; i < 3000; i++)
            REQUIRE(rig_has(&rig, i, 1000));
        REQUIRE(rig_has(&rig, 3000, MB - 1000));
        store_destroy(rig.store);
    }
    config.limit_bytes++;
    ck_assert_ptr_null(store_create(&config));
}
END_TEST

START_TEST(test_growth)
{
    enum { ITEMS = 300000 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 64 * MB});
    const struct store_stats *stats;

    for (uint64_t i = 0; i < ITEMS; i++) {
        REQUIRE(rig_set(&rig, i, 8));
        if (i % 1009 == 0 && !rig_has(&rig, i / 2, 8))
            ck_abort_msg("item %" PRIu64 " was lost while the index grew", i / 2);
    }
    for (uint64_t i = 0; i < ITEMS; i++)
        if (!rig_has(&rig, i, 8))
            ck_abort_msg("item %" PRIu64 " is lost", i);
    rig_settle(&rig);
    stats = store_stats(rig.store);
    ck_assert_uint_eq(stats->curr_items, ITEMS);
    ck_assert_uint_lt(stats->hash_bytes, ITEMS * 13);
    ck_assert_uint_eq(stats->hash_is_expanding, 0);
    rig_close(&rig);
}
END_TEST

/* A walk in pieces, while the index grows and shrinks and others come and go. */
START_TEST(test_walk)
{
    enum { STAY = 2000, COME = 20000 };
    static bool seen[STAY];
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 16 * MB});
    uint64_t cursor = 0, next = STAY;
    struct item item;

    memset(seen, 0, sizeof(seen));
    for (uint64_t i = 0; i < STAY; i++)
        REQUIRE(rig_set(&rig, i, 8));
    while (rig_next(&rig, &cursor, &item)) {
        char digits[RIG_KEY_BYTES] = {0};
        uint64_t number;

        memcpy(digits, item.key.ptr + 4, item.key.len - 4);
        number = strtoull(digits, NULL, 10);

        if (number < STAY) {
            ck_assert_msg(!seen[number], "%" PRIu64 " is seen twice", number);
            seen[number] = true;
        }
        for (int i = 0; i < 20 && next < STAY + COME; i++)
            REQUIRE(rig_set(&rig, next++, 8));
        if (next == STAY + COME)
            (void)rig_delete(&rig, STAY + cursor % COME);
        (void)store_work(rig.store);
    }
    for (uint64_t i = 0; i < STAY; i++)
        ck_assert_msg(seen[i], "%" PRIu64 " is not seen", i);
    rig_close(&rig);
}
END_TEST

START_TEST(test_stats)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct store_layout layout;

    REQUIRE(rig_set(&rig, 1, 100));
    ck_assert_uint_eq(store_stats(rig.store)->curr_items, 1);
    ck_assert_uint_eq(store_stats(rig.store)->total_items, 1);
    ck_assert_uint_eq(store_stats(rig.store)->bytes, 16 + 100 + 8);
    store_layout(rig.store, &layout);
    ck_assert_uint_eq(layout.live_bytes, 116);
    ck_assert_uint_eq(layout.header_bytes, 8);
    ck_assert_uint_eq(layout.items, 1);
    store_reset_stats(rig.store);
    ck_assert_uint_eq(store_stats(rig.store)->curr_items, 1);
    ck_assert_uint_eq(store_stats(rig.store)->total_items, 0);
    rig_close(&rig);
}
END_TEST

TCase *
store_tcase(void)
{
    TCase *tcase = tcase_create("store");

    tcase_add_loop_test(tcase, test_set_and_get, 0, 2);
    tcase_add_test(tcase, test_access);
    tcase_add_loop_test(tcase, test_seen, 0, ARRAY_LEN(seens));
    tcase_add_test(tcase, test_seen_in_pieces);
    tcase_add_test(tcase, test_seen_of_another_key);
    tcase_add_loop_test(tcase, test_commit_modes, 0, ARRAY_LEN(commits));
    tcase_add_test(tcase, test_change_in_place);
    tcase_add_test(tcase, test_abort_leaves_nothing);
    tcase_add_test(tcase, test_too_large);
    tcase_add_test(tcase, test_largest_store);
    tcase_add_test(tcase, test_growth);
    tcase_add_test(tcase, test_walk);
    tcase_add_test(tcase, test_stats);
    return tcase;
}
