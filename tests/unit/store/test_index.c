#include "rig.h"

#include "index_priv.h"

enum { ITEMS = 30000 };

static uint64_t
hash_of(uint64_t i)
{
    return (i + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ (i << 40);
}

static struct index
open_index(void)
{
    struct memory memory = {.fd = -1};
    struct index ix;

    ck_assert(index_init(&ix, &memory, 8 * MB, 100000));
    ck_assert(index_limit(&ix, 8 * MB));
    return ix;
}

/* All of FROM to TO are found, one of them a step later is not. */
static void
check_all(const struct index *ix, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        const uint64_t *slot = index_find(ix, hash_of(i), i);

        if (slot == NULL || slot_loc(*slot) != i)
            ck_abort_msg("item %" PRIu64 " is lost", i);
    }
    ck_assert_ptr_null(index_find(ix, hash_of(to), to));
}

START_TEST(test_resize)
{
    struct index ix = open_index();
    unsigned steps = 0;

    for (uint64_t i = 0; i < ITEMS; i++) {
        REQUIRE(index_has_space(&ix));
        index_put(&ix, hash_of(i), i);
        if (!index_is_resizing(&ix) && index_wanted(&ix) != ix.to)
            index_resize(&ix, index_wanted(&ix));
        /* So slowly that much is found and put half-way. */
        if (i % 4 == 0)
            (void)index_step(&ix, 1);
        if (i % 1000 == 0)
            check_all(&ix, 0, i + 1);
    }
    ck_assert_uint_eq(ix.count, ITEMS);
    for (uint64_t i = 0; i < ITEMS - 100; i++) {
        uint64_t *slot = index_find(&ix, hash_of(i), i);

        REQUIRE(slot != NULL);
        index_remove(&ix, hash_of(i), slot);
        if (!index_is_resizing(&ix) && index_wanted(&ix) != ix.to)
            index_resize(&ix, index_wanted(&ix));
        (void)index_step(&ix, 1);
        if (i % 1000 == 0)
            check_all(&ix, i + 1, ITEMS);
    }
    while (index_step(&ix, 1000) || index_wanted(&ix) != ix.to) {
        if (!index_is_resizing(&ix) && index_wanted(&ix) != ix.to)
            index_resize(&ix, index_wanted(&ix));
        ck_assert_uint_lt(steps++, 1000);
    }
    check_all(&ix, ITEMS - 100, ITEMS);
    ck_assert_uint_eq(ix.to, ix.min);
    ck_assert_uint_le(ix.nodes_used, 1);
    index_fini(&ix);
}
END_TEST

/* Nodes that are free at the end of their memory go back, unless some were taken meanwhile. */
START_TEST(test_compaction)
{
    for (int grows = 0; grows < 2; grows++) {
        struct index ix = open_index();
        uint64_t from = ITEMS - ITEMS / 8, to = ITEMS, made;

        for (uint64_t i = 0; i < ITEMS; i++)
            index_put(&ix, hash_of(i), i);
        for (uint64_t i = 0; i < from; i++)
            index_remove(&ix, hash_of(i), index_find(&ix, hash_of(i), i));
        made = ix.node_count;
        for (unsigned steps = 0; index_compact_step(&ix, 20); steps++) {
            REQUIRE(steps < 10000);
            for (unsigned n = 0; n < 100 && grows != 0 && ix.compacted > 50 && to < 2 * ITEMS;
                 n++, to++)
                index_put(&ix, hash_of(to), to);
            check_all(&ix, to - 100, to);
        }
        check_all(&ix, from, to);
        ck_assert_int_eq(ix.node_count < made / 2, grows == 0);
        for (uint64_t i = to; i < to + ITEMS; i++)
            index_put(&ix, hash_of(i), i);
        check_all(&ix, from, to + ITEMS);
        index_fini(&ix);
    }
}
END_TEST

START_TEST(test_one_bucket)
{
    struct index ix = open_index();

    /* The same position for all: one long chain. */
    for (uint64_t i = 0; i < 100; i++)
        index_put(&ix, 12345, i);
    ck_assert_uint_gt(ix.nodes_used, 20);
    for (uint64_t i = 0; i < 100; i += 2)
        index_remove(&ix, 12345, index_find(&ix, 12345, i));
    for (uint64_t i = 0; i < 100; i++)
        ck_assert_int_eq(index_find(&ix, 12345, i) != NULL, i % 2 == 1);
    for (uint64_t i = 1; i < 100; i += 2)
        index_remove(&ix, 12345, index_find(&ix, 12345, i));
    ck_assert_uint_eq(ix.nodes_used, 0);
    ck_assert_uint_eq(ix.count, 0);
    index_fini(&ix);
}
END_TEST

START_TEST(test_ghosts)
{
    struct index ix = open_index();
    unsigned kind = 2;

    index_put(&ix, 777, 1);
    ck_assert(!index_has_ghost(&ix, 777, 1000, &kind));
    index_remove_to_ghost(&ix, 777, index_find(&ix, 777, 1), 1);
    ck_assert_ptr_null(index_find(&ix, 777, 1));
    ck_assert(index_has_ghost(&ix, 777, 1000, &kind));
    ck_assert_uint_eq(kind, 1);
    ck_assert(!index_has_ghost(&ix, 777, 1, &kind)); /* too old */
    index_put(&ix, 777, 2);
    ck_assert(!index_has_ghost(&ix, 777, 1000, &kind)); /* it took its own ghost's place */
    /* Ghosts give way to items before any node is made. */
    index_remove_to_ghost(&ix, 777, index_find(&ix, 777, 2), 0);
    for (uint64_t i = 0; i < BUCKET_SLOTS; i++)
        index_put(&ix, 778, i);
    ck_assert_uint_eq(ix.nodes_used, 0);
    ck_assert(!index_has_ghost(&ix, 777, 1000, &kind));
    index_fini(&ix);
}
END_TEST

START_TEST(test_walk)
{
    struct index ix = open_index();
    uint64_t hash = 0;
    uint64_t *last = NULL;
    uint64_t buckets = 0;

    ck_assert_uint_eq(ix.to, 256);
    index_resize(&ix, 307);
    (void)index_step(&ix, 100);
    /* Every bucket in use, once, in order: 156 old ones and what 100 became. */
    do {
        uint64_t *home = index_home(&ix, hash);

        if (home != last)
            buckets++;
        last = home;
        ck_assert(index_next_hash(&ix, hash) == 0 || index_next_hash(&ix, hash) > hash);
        hash = index_next_hash(&ix, hash);
    } while (hash != 0);
    ck_assert_uint_ge(buckets, 156 + 119);
    ck_assert_uint_le(buckets, 156 + 121);
    index_fini(&ix);
}
END_TEST

/* --- Keys made to collide --- */

enum { FLOOD_KEYS = 100000 };

/* Numbers of keys that all fall into one bucket of 64, for a client that knows the hash's key. */
static void
craft(const struct hash_key *known, uint64_t *numbers)
{
    char buf[RIG_KEY_BYTES];
    uint64_t number = 0;

    for (unsigned i = 0; i < FLOOD_KEYS; number++) {
        struct slice key = rig_key(number, buf);

        if (hash_bytes(known, key.ptr, key.len) >> 58 == 0)
            numbers[i++] = number;
    }
}

/* Slots that stand in chains before those of these keys, on average. */
static uint64_t
chain_depth(const struct hash_key *hash_key, const uint64_t *numbers)
{
    struct index ix = open_index();
    char buf[RIG_KEY_BYTES];
    uint64_t depth = 0;

    for (unsigned i = 0; i < FLOOD_KEYS; i++) {
        struct slice key = rig_key(numbers[i], buf);

        index_put(&ix, hash_bytes(hash_key, key.ptr, key.len), i);
        if (!index_is_resizing(&ix) && index_wanted(&ix) != ix.to)
            index_resize(&ix, index_wanted(&ix));
        (void)index_step(&ix, 4);
    }
    for (unsigned i = 0; i < FLOOD_KEYS; i++) {
        struct slice key = rig_key(numbers[i], buf);
        uint64_t hash = hash_bytes(hash_key, key.ptr, key.len);
        uint64_t want = index_tag(&ix, hash) | (i + UINT64_C(1));
        struct chain c = chain_begin(index_home(&ix, hash));

        for (; c.slot != NULL && *c.slot != want; chain_next(&ix, &c))
            depth++;
        REQUIRE(c.slot != NULL);
    }
    index_fini(&ix);
    return depth / FLOOD_KEYS;
}

/* What is crafted against one key of the hash does no harm under another. */
START_TEST(test_flood)
{
    static const struct hash_key known = {3, 4}, unknown = {5, 6};
    static uint64_t numbers[FLOOD_KEYS];

    craft(&known, numbers);
    ck_assert_uint_gt(chain_depth(&known, numbers), 100);
    ck_assert_uint_lt(chain_depth(&unknown, numbers), BUCKET_SLOTS);
}
END_TEST

TCase *
index_tcase(void)
{
    TCase *tcase = tcase_create("index");

    tcase_add_test(tcase, test_resize);
    tcase_add_test(tcase, test_compaction);
    tcase_add_test(tcase, test_one_bucket);
    tcase_add_test(tcase, test_ghosts);
    tcase_add_test(tcase, test_walk);
    tcase_add_test(tcase, test_flood);
    return tcase;
}
