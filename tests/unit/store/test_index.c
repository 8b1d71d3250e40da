#include "rig.h"

#include "index_priv.h"

enum { ITEMS = 30000 };

static uint64_t
hash_of(uint64_t i)
{
    return (i + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ (i << 40);
}

static void
hashes_of(const void *ctx UNUSED, const uint64_t *locs, unsigned count, uint64_t *hashes)
{
    for (unsigned i = 0; i < count; i++)
        hashes[i] = hash_of(locs[i]);
}

static struct index
open_index(void)
{
    struct memory memory = {.fd = -1};
    struct index ix;

    ck_assert(index_init(&ix, &memory, 8 * MB));
    ck_assert(index_limit(&ix, 8 * MB));
    return ix;
}

static bool
has(const struct index *ix, uint64_t hash, uint64_t loc)
{
    struct slot slot;

    return index_find(ix, hash, loc, &slot) &&
           slot_loc(*slot.meta, *slot.loc, slot.high_bits) == loc;
}

static void
take_out(struct index *ix, uint64_t hash, uint64_t loc)
{
    struct slot slot;

    REQUIRE(index_find(ix, hash, loc, &slot));
    index_remove(ix, hash, &slot);
}

/* All of FROM to TO are found, one of another key or place is not. */
static void
check_all(const struct index *ix, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        if (!has(ix, hash_of(i), i))
            ck_abort_msg("item %" PRIu64 " is lost", i);
    ck_assert(!has(ix, hash_of(to), to + 1000000));
}

static bool
step(struct index *ix, unsigned count)
{
    if (!index_is_resizing(ix) && (index_wanted(ix) != ix->to.buckets || index_is_narrow(ix)))
        index_resize(ix, index_wanted(ix));
    return index_step(ix, count, hashes_of, NULL);
}

START_TEST(test_resize)
{
    struct index ix = open_index();
    unsigned steps = 0;

    for (uint64_t i = 0; i < ITEMS; i++) {
        REQUIRE(index_has_space(&ix));
        index_put(&ix, hash_of(i), i);
        /* So slowly that much is found and put half-way. */
        if (i % 4 == 0)
            (void)step(&ix, 1);
        if (i % 1000 == 0)
            check_all(&ix, 0, i + 1);
    }
    ck_assert_uint_eq(ix.count, ITEMS);
    for (uint64_t i = 0; i < ITEMS - 100; i++) {
        take_out(&ix, hash_of(i), i);
        (void)step(&ix, 1);
        if (i % 1000 == 0)
            check_all(&ix, i + 1, ITEMS);
    }
    while (step(&ix, 1000) || index_wanted(&ix) != ix.to.buckets)
        ck_assert_uint_lt(steps++, 1000);
    check_all(&ix, ITEMS - 100, ITEMS);
    ck_assert_uint_eq(ix.to.buckets, ix.min);
    ck_assert_uint_le(ix.nodes_used, 1);
    index_fini(&ix);
}
END_TEST

static void
finish_resizing(struct index *ix)
{
    while (index_is_resizing(ix))
        (void)index_step(ix, 50, hashes_of, NULL);
}

/* What a tag says beyond its bucket becomes less, until the records are asked for more. */
START_TEST(test_position)
{
    struct index ix = open_index();
    unsigned longer = 0, kind;

    for (uint64_t i = 0; i < 1000; i++)
        index_put(&ix, hash_of(i), i);
    for (uint64_t buckets = 300; buckets < 100000; buckets += buckets / 3) {
        unsigned bits = ix.from.pos_bits;
        struct slot slot;

        REQUIRE(index_find(&ix, hash_of(buckets), buckets, &slot) == (buckets < 1000));
        index_resize(&ix, buckets);
        (void)index_step(&ix, 100, hashes_of, NULL);
        check_all(&ix, 0, 1000);
        finish_resizing(&ix);
        check_all(&ix, 0, 1000);
        ck_assert_uint_ge(UINT64_C(1) << ix.to.pos_bits, buckets * 128);
        longer += ix.to.pos_bits > bits;
    }
    ck_assert_uint_eq(longer, 1);
    /* Downwards it becomes shorter by itself, and a ghost stays what it is. */
    for (uint64_t i = 0; i < 900; i++)
        take_out(&ix, hash_of(i), i);
    REQUIRE(has(&ix, hash_of(999), 999));
    for (uint64_t i = 950; i < 1000; i++) {
        struct slot slot;

        REQUIRE(index_find(&ix, hash_of(i), i, &slot));
        index_remove_to_ghost(&ix, hash_of(i), &slot, 1);
    }
    for (uint64_t buckets = 50000; buckets >= 256; buckets /= 3) {
        index_resize(&ix, buckets);
        (void)index_step(&ix, 100, hashes_of, NULL);
        check_all(&ix, 900, 950);
        finish_resizing(&ix);
        check_all(&ix, 900, 950);
        for (uint64_t i = 950; i < 1000; i++)
            ck_assert(index_has_ghost(&ix, hash_of(i), 1000, &kind) && kind == 1);
    }
    ck_assert_uint_le(ix.to.pos_bits, 24);
    index_fini(&ix);
}
END_TEST

/* Locations of more than 32 bits are put once all slots have become narrower in their tags. */
START_TEST(test_long_locations)
{
    struct index ix = open_index();
    uint64_t high = UINT64_C(1) << 32;

    for (uint64_t i = 0; i < ITEMS; i++) {
        index_put(&ix, hash_of(i), i);
        (void)step(&ix, 4);
    }
    finish_resizing(&ix);
    ck_assert_uint_eq(index_loc_end(&ix), high);
    index_limit_locs(&ix, high);
    ck_assert(!index_is_narrow(&ix));
    index_limit_locs(&ix, 5 * high + 1);
    ck_assert(index_is_narrow(&ix));
    for (uint64_t i = ITEMS; index_loc_end(&ix) == high; i++) {
        index_put(&ix, hash_of(i), i);
        (void)step(&ix, 1);
        REQUIRE(has(&ix, hash_of(i), i));
        if (i % 300 == 0)
            check_all(&ix, 0, ITEMS);
        take_out(&ix, hash_of(i), i);
    }
    ck_assert_uint_eq(index_loc_end(&ix), 8 * high);
    check_all(&ix, 0, ITEMS);
    for (uint64_t i = 0; i < ITEMS; i++) {
        struct slot slot;

        REQUIRE(index_find(&ix, hash_of(i), i, &slot));
        index_move(&ix, &slot, i + (i % 8) * high);
        REQUIRE(has(&ix, hash_of(i), i + (i % 8) * high));
    }
    index_put(&ix, hash_of(ITEMS), ITEMS + 7 * high);
    index_resize(&ix, ix.to.buckets - 100);
    (void)index_step(&ix, 100, hashes_of, NULL);
    for (uint64_t i = 0; i <= ITEMS; i++)
        REQUIRE(has(&ix, hash_of(i), i + (i == ITEMS ? 7 : i % 8) * high));
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
            take_out(&ix, hash_of(i), i);
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
        take_out(&ix, 12345, i);
    for (uint64_t i = 0; i < 100; i++)
        ck_assert_int_eq(has(&ix, 12345, i), i % 2 == 1);
    for (uint64_t i = 1; i < 100; i += 2)
        take_out(&ix, 12345, i);
    ck_assert_uint_eq(ix.nodes_used, 0);
    ck_assert_uint_eq(ix.count, 0);
    index_fini(&ix);
}
END_TEST

static void
to_ghost(struct index *ix, uint64_t hash, uint64_t loc, unsigned kind)
{
    struct slot slot;

    REQUIRE(index_find(ix, hash, loc, &slot));
    index_remove_to_ghost(ix, hash, &slot, kind);
}

START_TEST(test_ghosts)
{
    struct index ix = open_index();
    unsigned kind = 2;

    index_put(&ix, 777, 1);
    ck_assert(!index_has_ghost(&ix, 777, 1000, &kind));
    to_ghost(&ix, 777, 1, 1);
    ck_assert(!has(&ix, 777, 1));
    ck_assert(index_has_ghost(&ix, 777, 1000, &kind));
    ck_assert_uint_eq(kind, 1);
    ck_assert(!index_has_ghost(&ix, 778, 1000, &kind)); /* of the same position and tag */
    ix.ghost_clock += 100;
    ck_assert(!index_has_ghost(&ix, 777, 50, &kind)); /* too old */
    index_put(&ix, 777, 2);
    ck_assert(!index_has_ghost(&ix, 777, 1000, &kind)); /* it took its own ghost's place */
    /* Ghosts give way to items before any node is made. */
    to_ghost(&ix, 777, 2, 0);
    for (uint64_t i = 0; i < BUCKET_SLOTS; i++)
        index_put(&ix, 778, i);
    ck_assert_uint_eq(ix.nodes_used, 0);
    ck_assert(!index_has_ghost(&ix, 777, 1000, &kind));
    index_fini(&ix);
}
END_TEST

/* A ghost's age is counted modulo 2^19 steps; one made at 0 is none that is empty. */
START_TEST(test_ghost_clock)
{
    struct index ix = open_index();
    uint64_t turn = UINT64_C(16) << 19;
    unsigned kind;

    index_put(&ix, 0, 1); /* its tag is 0 */
    ix.ghost_clock = turn;
    to_ghost(&ix, 0, 1, 0);
    ck_assert(index_has_ghost(&ix, 0, 1000, &kind));
    ix.ghost_clock = turn + 900;
    ck_assert(index_has_ghost(&ix, 0, 1000, &kind));
    ix.ghost_clock = turn + 1100;
    ck_assert(!index_has_ghost(&ix, 0, 1000, &kind));
    index_fini(&ix);
}
END_TEST

/* Every bucket in use is met once, in order. Returns their number. */
static uint64_t
walk(const struct index *ix)
{
    const struct bucket *last = NULL;
    uint64_t hash = 0, buckets = 0;

    do {
        uint64_t next = index_next_hash(ix, hash);

        buckets += index_home(ix, hash).bucket != last;
        last = index_home(ix, hash).bucket;
        ck_assert(next == 0 || next > hash);
        /* All between are there or in front of where the form changes. */
        if (next != 0)
            ck_assert_ptr_eq(index_home(ix, next - 1).bucket, last);
        hash = next;
    } while (hash != 0);
    return buckets;
}

START_TEST(test_walk)
{
    struct index ix = open_index();

    ck_assert_uint_eq(ix.to.buckets, 256);
    ck_assert_uint_eq(walk(&ix), 256);
    index_resize(&ix, 307);
    (void)index_step(&ix, 100, hashes_of, NULL);
    /* 156 old ones and what 100 became. */
    ck_assert_uint_ge(walk(&ix), 156 + 119);
    ck_assert_uint_le(walk(&ix), 156 + 121);
    finish_resizing(&ix);
    /* To a longer position, and back to a shorter one. */
    index_resize(&ix, 40000);
    (void)index_step(&ix, 100, hashes_of, NULL);
    ck_assert_uint_gt(walk(&ix), 6000);
    finish_resizing(&ix);
    index_resize(&ix, 300);
    (void)index_step(&ix, 10000, hashes_of, NULL);
    ck_assert_uint_ge(walk(&ix), 30000 + 74);
    ck_assert_uint_le(walk(&ix), 30000 + 77);
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

struct crafted {
    const struct hash_key *hash_key;
    const uint64_t *numbers;
};

static void
hashes_of_crafted(const void *ctx, const uint64_t *locs, unsigned count, uint64_t *hashes)
{
    const struct crafted *crafted = ctx;
    char buf[RIG_KEY_BYTES];

    for (unsigned i = 0; i < count; i++) {
        struct slice key = rig_key(crafted->numbers[locs[i]], buf);

        hashes[i] = hash_bytes(crafted->hash_key, key.ptr, key.len);
    }
}

/* Slots that stand in chains before those of these keys, on average. */
static uint64_t
chain_depth(const struct hash_key *hash_key, const uint64_t *numbers)
{
    const struct crafted crafted = {hash_key, numbers};
    struct index ix = open_index();
    char buf[RIG_KEY_BYTES];
    uint64_t depth = 0;

    for (unsigned i = 0; i < FLOOD_KEYS; i++) {
        struct slice key = rig_key(numbers[i], buf);

        index_put(&ix, hash_bytes(hash_key, key.ptr, key.len), i);
        if (!index_is_resizing(&ix) && index_wanted(&ix) != ix.to.buckets)
            index_resize(&ix, index_wanted(&ix));
        (void)index_step(&ix, 4, hashes_of_crafted, &crafted);
    }
    for (unsigned i = 0; i < FLOOD_KEYS; i++) {
        struct slice key = rig_key(numbers[i], buf);
        struct home home = index_home(&ix, hash_bytes(hash_key, key.ptr, key.len));
        struct slots slots = bucket_slots(home.bucket);
        unsigned n = 0;

        while (slots.locs[n] != i || slots.metas[n] != home.meta) {
            depth++;
            if (++n == slots.count) {
                REQUIRE(slots_next(&ix, &slots));
                n = 0;
            }
        }
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
    tcase_add_test(tcase, test_position);
    tcase_add_test(tcase, test_long_locations);
    tcase_add_test(tcase, test_compaction);
    tcase_add_test(tcase, test_one_bucket);
    tcase_add_test(tcase, test_ghosts);
    tcase_add_test(tcase, test_ghost_clock);
    tcase_add_test(tcase, test_walk);
    tcase_add_test(tcase, test_flood);
    return tcase;
}
