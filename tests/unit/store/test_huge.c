/* Huge pages, by a kernel that gives or refuses them as each test says. */
#include "root_priv.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lombard/base/sys.h"

enum { BLOCK = SYS_HUGE_BYTES, MB = 1024 * 1024, LIMIT_MB = 256, TOUCHES_MAX = 4096 };

static struct {
    char *touched[TOUCHES_MAX];
    unsigned touches;
    unsigned divided;
    char *lowest; /* that was divided */
    size_t explicit_left;
    bool refuses;
} kernel;

/* --- Instead of base's --- */

void
sys_forbid_huge(void *area UNUSED, size_t area_bytes UNUSED)
{
}

static bool
touch(void *mem)
{
    ck_assert_uint_eq((uintptr_t)mem % BLOCK, 0);
    ck_assert_uint_lt(kernel.touches, TOUCHES_MAX);
    kernel.touched[kernel.touches++] = mem;
    return !kernel.refuses;
}

bool
sys_touch_huge(void *mem, void *area UNUSED, size_t area_bytes UNUSED)
{
    return touch(mem);
}

bool
sys_touch_huge_file(void *mem)
{
    return touch(mem);
}

bool
sys_take_huge(void *mem UNUSED, size_t bytes)
{
    if (bytes > kernel.explicit_left)
        return false;
    kernel.explicit_left -= bytes;
    return true;
}

void
sys_divide_huge(void *mem, size_t bytes UNUSED)
{
    kernel.divided++;
    if (kernel.lowest == NULL || (char *)mem < kernel.lowest)
        kernel.lowest = mem;
}

/* --- A store --- */

static struct store *
make(uint64_t limit_mb, bool huge, bool explicit)
{
    struct store_config config = {
        .limit_bytes = limit_mb * MB,
        .limit_bytes_max = 2 * limit_mb * MB,
        .item_bytes_max = MB,
        .evict = true,
        .with_cas = true,
        .huge_pages = huge,
        .huge_explicit = explicit,
    };
    struct store *store;

    store = store_create(&config);
    ck_assert_ptr_nonnull(store);
    return store;
}

static void
setup(void)
{
    memset(&kernel, 0, sizeof(kernel));
}

/* Until nothing lacks, without pauses; not where the kernel is left alone. */
static void
settle(struct store *store)
{
    while (huge_is_due(store, UINT64_MAX) && !store->huge.paused) {
        store->huge.next_ns = 0;
        (void)store_work(store);
    }
}

/* A value of an eighth less than may be in one piece, whose contents do not matter. */
static void
put(struct store *store, unsigned number)
{
    static char value[128 * 1024];
    char key[16];
    struct item_spec spec = {.value_bytes = store->record_max / 8 * 7,
                             .expires_s = STORE_NEVER};
    uint64_t cas;

    spec.key = slice_make(key, (size_t)snprintf(key, sizeof(key), "%u", number));
    spec.hash = store_hash(store, spec.key);
    ck_assert_int_eq(store_put(store, &spec, slice_make(value, spec.value_bytes), 0, &cas),
                     RESERVE_OK);
}

/* Values of about MBYTES in all, with time for background work or without. */
static void
fill(struct store *store, unsigned mbytes, bool settled)
{
    static unsigned number;
    uint64_t count = (uint64_t)mbytes * MB / (store->record_max / 8 * 7);

    for (uint64_t i = 0; i < count; i++) {
        put(store, number++);
        if (settled)
            settle(store);
    }
}

static uint64_t
resident(const struct store *store)
{
    struct store_layout layout;

    store_layout(store, &layout);
    return layout.resident_bytes;
}

/* --- Tests --- */

START_TEST(none_where_it_is_off_or_small)
{
    struct store *off = make(LIMIT_MB, false, false);
    struct store *small = make(LIMIT_MB - 1, true, false);

    settle(off);
    settle(small);
    ck_assert_uint_eq(kernel.touches, 0);
    ck_assert(!off->index.huge && !small->index.huge);
    store_destroy(off);
    store_destroy(small);
}
END_TEST

START_TEST(the_arena_is_touched_ahead)
{
    struct store *store = make(LIMIT_MB, true, false);
    const struct arena *arena = &store->arena;

    settle(store);
    ck_assert_uint_eq(kernel.touches, 2);
    ck_assert_ptr_eq(kernel.touched[0], arena->base);
    ck_assert_uint_eq(resident(store), 2 * BLOCK);
    ck_assert_uint_eq(huge_bytes(store), 2 * BLOCK);
    for (unsigned i = 0; i < 16; i++) { /* no segment is taken before its block */
        fill(store, 1, true);
        ck_assert_uint_lt(arena->seg_touched, arena->seg_ahead);
        ck_assert_uint_le(arena_ahead(arena) << arena->seg_shift, 2 * BLOCK);
    }
    for (unsigned i = 0; i < kernel.touches; i++)
        ck_assert_ptr_eq(kernel.touched[i], arena->base + (size_t)i * BLOCK);
    ck_assert_uint_eq(resident(store), huge_bytes(store));
    ck_assert_uint_eq(huge_bytes(store), (uint64_t)kernel.touches * BLOCK);
    store_destroy(store);
}
END_TEST

START_TEST(one_step_is_one_block)
{
    struct store *store = make(2048, true, false);

    store->huge.next_ns = 0;
    (void)huge_step(store);
    ck_assert_uint_eq(kernel.touches, 1);
    ck_assert(huge_is_due(store, UINT64_MAX));
    store->huge.next_ns = UINT64_MAX;
    (void)huge_step(store);
    ck_assert_uint_eq(kernel.touches, 1);
    ck_assert(!huge_is_due(store, UINT64_MAX - 1));
    store->huge.next_ns = 0;
    settle(store);
    ck_assert_uint_eq(kernel.touches, 9); /* no more than 18 MB */
    store_destroy(store);
}
END_TEST

START_TEST(writes_that_are_faster_touch_whole_blocks)
{
    struct store *store = make(LIMIT_MB, true, false);

    fill(store, 7, false);
    ck_assert_uint_ge(kernel.touches, 3);
    ck_assert_uint_le(kernel.touches, 4);
    for (unsigned i = 0; i < kernel.touches; i++)
        ck_assert_ptr_eq(kernel.touched[i], store->arena.base + (size_t)i * BLOCK);
    ck_assert_uint_eq(resident(store), huge_bytes(store));
    kernel.refuses = true; /* then no more than one */
    fill(store, 14, false);
    ck_assert_uint_le(kernel.touches, 5);
    ck_assert_uint_lt(resident(store), 22 * MB + 2 * BLOCK + LOGS * store->arena.seg_bytes);
    store_destroy(store);
}
END_TEST

START_TEST(a_kernel_that_refuses_is_left_alone)
{
    struct store *store = make(2048, true, false);

    kernel.refuses = true;
    ck_assert(huge_index_waits(store, 20 * MB / BUCKET_BYTES));
    settle(store);
    ck_assert_uint_eq(kernel.touches, 8);
    ck_assert_uint_eq(store_stats(store)->huge_refused, 8);
    ck_assert_uint_gt(store->huge.next_ns, sys_monotonic_ns() + UINT64_C(30) * 1000000000);
    ck_assert(!huge_index_waits(store, 20 * MB / BUCKET_BYTES));
    ck_assert_uint_eq(huge_bytes(store), 0);
    store_destroy(store);
}
END_TEST

START_TEST(a_lower_limit_takes_it_back)
{
    struct store *store = make(LIMIT_MB, true, false);
    const struct arena *arena = &store->arena;

    fill(store, 210, true);
    ck_assert_uint_gt(huge_bytes(store), 200 * MB);
    ck_assert(store_set_limit(store, 64 * MB));
    for (unsigned i = 0; i < 100000 && store_work(store); i++)
        continue;
    ck_assert_uint_eq(arena_ahead(arena), 0);
    ck_assert_uint_le(resident(store), 64 * MB);
    ck_assert_uint_le(huge_bytes(store), resident(store) + BLOCK);
    ck_assert_uint_gt(kernel.divided, 0); /* segments of less than a huge page */
    ck_assert(store_check(store));
    store_destroy(store);
}
END_TEST

/* Segments of 2 MB: what is taken again is made huge again, before it is needed. */
START_TEST(segments_come_back_huge)
{
    struct store *store = make(8 * 1024, true, false);
    struct arena *arena = &store->arena;
    uint32_t goal = arena->seg_goal;

    ck_assert_uint_eq(arena->seg_bytes, BLOCK);
    put(store, 0);
    settle(store);
    arena->seg_goal = 0;
    for (unsigned i = 0; i < 100 && arena_trim(arena, 0); i++)
        continue;
    ck_assert_uint_eq(arena_ahead(arena), 0);
    ck_assert_uint_eq(kernel.divided, 0);
    /* One that was in use, and was given back. */
    ck_assert_ptr_nonnull(arena_take_extent(arena, 0));
    arena_forget(arena, seg_base(arena, arena->seg_touched - 1), arena->seg_bytes);
    arena->seg_allowed = 0;
    while (arena->unbacked_head == SEG_NONE) /* in parts */
        ck_assert(arena_trim(arena, 0));
    ck_assert(!arena_head_is_ahead(arena));
    arena->seg_goal = arena->seg_allowed = goal;
    kernel.touches = 0;
    ck_assert(arena_touch_ahead(arena, 8));
    ck_assert_uint_eq(kernel.touches, 1);
    ck_assert(arena_head_is_ahead(arena));
    ck_assert_uint_eq(arena_ahead(arena), 1);
    ck_assert_uint_eq(arena_next_ahead(arena, 8), SEG_NONE);
    arena->seg_goal = 0;
    ck_assert(arena_trim(arena, 0)); /* that one first */
    ck_assert(!arena_head_is_ahead(arena));
    store_destroy(store);
}
END_TEST

START_TEST(the_index_grows_when_its_memory_is_there)
{
    struct store *store = make(LIMIT_MB, true, false);
    const struct huge *huge = &store->huge;
    uint64_t buckets = 9 * MB / BUCKET_BYTES;

    settle(store);
    kernel.touches = 0;
    ck_assert(huge_index_waits(store, buckets));
    ck_assert_uint_eq(huge_index_ahead_bytes(store), 0);
    for (unsigned i = 0; i < 3; i++) { /* from 2 MB on: what is used already is not touched */
        store->huge.next_ns = 0;
        (void)huge_step(store);
        ck_assert_ptr_eq(kernel.touched[i], (char *)store->index.buckets + (i + 1) * BLOCK);
        ck_assert_uint_eq(huge_index_ahead_bytes(store), (i + 1) * (uint64_t)BLOCK);
        ck_assert_int_eq(huge_index_waits(store, buckets), i < 2);
    }
    ck_assert(!huge->index_waits);
    ck_assert_uint_eq(huge->buckets_made, 3);
    store_destroy(store);
}
END_TEST

/* However much the index is about to grow by, segments are touched ahead meanwhile. */
START_TEST(the_index_and_the_arena_share)
{
    struct store *store = make(LIMIT_MB, true, false);
    char *base = store->arena.base;

    ck_assert(huge_index_waits(store, 9 * MB / BUCKET_BYTES));
    for (unsigned i = 0; i < 4; i++) {
        store->huge.next_ns = 0;
        (void)huge_step(store);
    }
    ck_assert_uint_eq(kernel.touches, 4);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_ptr_eq(kernel.touched[2 * i], (char *)store->index.buckets + (i + 1) * BLOCK);
        ck_assert_ptr_eq(kernel.touched[2 * i + 1], base + (size_t)i * BLOCK);
    }
    store_destroy(store);
}
END_TEST

START_TEST(an_index_that_need_not_grow_gives_it_back)
{
    struct store *store = make(LIMIT_MB, true, false);

    ck_assert(huge_index_waits(store, 9 * MB / BUCKET_BYTES));
    store->huge.next_ns = 0;
    (void)huge_step(store);
    ck_assert_uint_eq(huge_index_ahead_bytes(store), BLOCK);
    ck_assert(limit_index_step(store, 0)); /* it is nearly empty */
    ck_assert_uint_eq(huge_index_ahead_bytes(store), 0);
    (void)limit_index_step(store, 0);
    ck_assert(!store->huge.index_waits);
    store_destroy(store);
}
END_TEST

START_TEST(a_large_index_is_of_whole_blocks)
{
    struct store *store = make(LIMIT_MB, true, false);
    struct index *ix = &store->index;
    struct index was = *ix;

    ix->to.buckets = ix->from.buckets = 17 * MB / BUCKET_BYTES;
    ix->count = ix->to.buckets * 11; /* it wants to grow */
    ck_assert_uint_eq(index_wanted(ix) * BUCKET_BYTES % BLOCK, 0);
    ck_assert_uint_gt(index_wanted(ix), ix->to.buckets);
    ck_assert_uint_lt(index_wanted(ix),
                      ix->to.buckets + ix->to.buckets / 12 + BLOCK / BUCKET_BYTES);
    ix->to.buckets = ix->from.buckets = 3 * MB / 2 / BUCKET_BYTES + 1;
    ck_assert_uint_eq(index_wanted(ix), ix->to.buckets + ix->to.buckets / 12);
    ix->count = ix->to.buckets * 9;
    ix->nodes_resident = 10 * MB / NODE_BYTES;
    ck_assert_uint_eq(index_node_bytes_now(ix), 12 * MB);
    ix->nodes_resident =
        (12 * MB - 256 * 1024) / NODE_BYTES; /* one is had before it is needed */
    ck_assert_uint_eq(index_node_bytes_now(ix), 14 * MB);
    ix->node_count = ix->nodes_used = ix->nodes_resident;
    kernel.touches = 0;
    settle(store);
    ck_assert_uint_ge(kernel.touches, 1);
    ck_assert_ptr_eq(kernel.touched[0], ix->end - 14 * MB);
    *ix = was;
    store_destroy(store);
}
END_TEST

/* What was touched ahead of nodes goes when they do, whoever touched it. */
START_TEST(nodes_that_are_not_needed_give_it_back)
{
    struct store *store = make(LIMIT_MB, true, false);
    struct index *ix = &store->index;
    struct huge *huge = &store->huge;

    ix->nodes_resident = (12 * MB - 256 * 1024) / NODE_BYTES;
    ix->node_count = ix->nodes_used = ix->nodes_resident;
    settle(store);
    ck_assert_uint_eq(huge->nodes_done, 14 * MB);
    ix->nodes_resident = ix->node_count = ix->nodes_used = 9 * MB / NODE_BYTES;
    ck_assert(huge_is_due(store, 0));
    for (unsigned i = 0; i < 2; i++)
        ck_assert(huge_step(store));
    ck_assert_uint_eq(huge->nodes_done, 10 * MB);
    ck_assert(!huge_is_due(store, 0));
    huge->on = false; /* as in another process */
    ix->nodes_resident = ix->node_count = ix->nodes_used = 0;
    for (unsigned i = 0; i < 5; i++)
        ck_assert(huge_step(store));
    ck_assert(!huge_step(store));
    ck_assert_uint_eq(huge->nodes_done, 0);
    ix->node_count = ix->nodes_used = 0;
    store_destroy(store);
}
END_TEST

/* The same of the index, where the process that has it now has no huge pages. */
START_TEST(an_index_without_huge_pages_gives_back_what_was_touched)
{
    struct store *store = make(LIMIT_MB, true, false);

    ck_assert(huge_index_waits(store, 9 * MB / BUCKET_BYTES));
    store->huge.next_ns = 0;
    (void)huge_step(store);
    store->huge.on = false;
    ck_assert(huge_index_waits(store, 9 * MB / BUCKET_BYTES));
    ck_assert_uint_eq(huge_index_ahead_bytes(store), 0);
    ck_assert(!huge_index_waits(store, 9 * MB / BUCKET_BYTES));
    store_destroy(store);
}
END_TEST

START_TEST(explicit_ones_are_given_back_whole)
{
    struct store *store;
    struct store_layout layout;

    kernel.explicit_left = 40 * MB; /* of 64: half of them is taken */
    store = make(64, false, true);
    ck_assert_uint_eq(store_explicit_bytes(store), 32 * MB);
    settle(store);
    fill(store, 48, false);
    store_layout(store, &layout);
    ck_assert_uint_eq(layout.explicit_bytes, 32 * MB);
    ck_assert(store_set_limit(store, 4 * MB));
    for (unsigned i = 0; i < 100000 && store_work(store); i++)
        continue;
    store_layout(store, &layout);
    ck_assert_uint_lt(layout.explicit_bytes, 32 * MB);
    ck_assert_uint_eq(layout.explicit_bytes % BLOCK, 0);
    ck_assert(kernel.lowest == NULL || kernel.lowest >= store->arena.base + 32 * MB);
    store_destroy(store);
}
END_TEST

int
main(void)
{
    TCase *tcase = tcase_create("huge");
    Suite *suite = suite_create("store-huge");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, none_where_it_is_off_or_small);
    tcase_add_test(tcase, the_arena_is_touched_ahead);
    tcase_add_test(tcase, one_step_is_one_block);
    tcase_add_test(tcase, writes_that_are_faster_touch_whole_blocks);
    tcase_add_test(tcase, a_kernel_that_refuses_is_left_alone);
    tcase_add_test(tcase, a_lower_limit_takes_it_back);
    tcase_add_test(tcase, segments_come_back_huge);
    tcase_add_test(tcase, the_index_grows_when_its_memory_is_there);
    tcase_add_test(tcase, the_index_and_the_arena_share);
    tcase_add_test(tcase, an_index_that_need_not_grow_gives_it_back);
    tcase_add_test(tcase, a_large_index_is_of_whole_blocks);
    tcase_add_test(tcase, nodes_that_are_not_needed_give_it_back);
    tcase_add_test(tcase, an_index_without_huge_pages_gives_back_what_was_touched);
    tcase_add_test(tcase, explicit_ones_are_given_back_whole);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
