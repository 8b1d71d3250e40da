#include "rig.h"

#include "arena_priv.h"

static struct arena
open_arena(void)
{
    struct memory memory = {.fd = -1};
    struct arena arena;

    ck_assert(arena_init(&arena, &memory, MB, MB));
    arena.seg_allowed = arena.seg_goal = arena.seg_count;
    return arena;
}

START_TEST(test_append)
{
    struct arena a = open_arena();
    char *first = arena_append(&a, LOG_SMALL, 100, 0);
    char *second = arena_append(&a, LOG_SMALL, 200, 0);
    char *other = arena_append(&a, LOG_MAIN, 10, 0);

    ck_assert_ptr_eq(second, first + 100);
    ck_assert_uint_ne(arena_seg_of(&a, other), arena_seg_of(&a, first));
    ck_assert_uint_eq(arena_seg(&a, first)->live, 300);
    arena_rewind(&a, first, 100); /* not the last: its place is lost */
    ck_assert_uint_eq(arena_seg(&a, first)->used, 300);
    arena_rewind(&a, second, 200);
    ck_assert_uint_eq(arena_seg(&a, first)->used, 100);
    arena_fini(&a);
}
END_TEST

START_TEST(test_limit)
{
    struct arena a = open_arena();
    unsigned taken = 0;

    a.seg_allowed = a.seg_goal = 10;
    while (arena_take_extent(&a, 2) != NULL)
        taken++;
    ck_assert_uint_eq(taken, 8);
    ck_assert_int_eq(arena_available(&a), 2);
    arena_fini(&a);
}
END_TEST

START_TEST(test_release)
{
    struct arena a = open_arena();
    char *rec = arena_append(&a, LOG_MAIN, a.seg_bytes, 0);
    uint32_t index = arena_seg_of(&a, rec);

    arena_forget(&a, rec, a.seg_bytes);
    ck_assert_int_eq(a.segs[index].state, SEG_OPEN);
    arena_close(&a, LOG_MAIN);
    ck_assert_int_eq(a.segs[index].state, SEG_FREE);
    ck_assert_uint_eq(a.logs[LOG_MAIN].count, 0);
    ck_assert_uint_eq(a.logs[LOG_MAIN].head, SEG_NONE);
    /* Memory of free segments is given back only above the goal. */
    arena_trim(&a, 0);
    ck_assert_int_eq(a.segs[index].state, SEG_FREE);
    a.seg_goal = 0;
    arena_trim(&a, 1);
    ck_assert_int_eq(a.segs[index].state, SEG_FREE);
    arena_trim(&a, 0);
    ck_assert_int_eq(a.segs[index].state, SEG_UNBACKED);
    ck_assert_uint_eq(a.seg_resident, 0);
    arena_fini(&a);
}
END_TEST

/* A large segment is given back in parts; one that is taken meanwhile is whole, as far as is known without memory. */
START_TEST(test_trim_in_parts)
{
    enum { LIMIT_GB = 4, PART = 512 * 1024, PARTS = 4 };
    struct memory memory = {.fd = -1};
    struct arena a;
    char *at;

    ck_assert(arena_init(&a, &memory, (size_t)LIMIT_GB << 30, (size_t)LIMIT_GB << 30));
    ck_assert_uint_eq(a.seg_bytes, PARTS * PART);
    a.seg_allowed = a.seg_goal = 2;
    for (int round = 0; round < 2; round++) {
        at = arena_take_extent(&a, 0);
        ck_assert_ptr_nonnull(at);
        memset(at, 'x', a.seg_bytes);
        arena_forget(&a, at, a.seg_bytes);
        a.seg_goal = 0;
        for (uint32_t part = 1; part < PARTS; part++) {
            ck_assert(arena_trim(&a, 0));
            ck_assert_uint_eq(a.seg_resident, 1);
            ck_assert_int_eq(at[a.seg_bytes - part * PART - 1], 'x');
            ck_assert_int_eq(at[a.seg_bytes - part * PART], 0);
        }
        if (round == 0) {
            ck_assert_ptr_eq(arena_take_extent(&a, 0), at);
            ck_assert(a.segs[0].fresh);
            ck_assert_uint_eq(a.trimmed, 0);
            memset(at, 'x', a.seg_bytes);
            arena_forget(&a, at, a.seg_bytes);
            a.seg_goal = 2;
        }
    }
    ck_assert(arena_trim(&a, 0));
    ck_assert_uint_eq(a.seg_resident, 0);
    ck_assert_int_eq(a.segs[0].state, SEG_UNBACKED);
    ck_assert_int_eq(at[0], 0);
    arena_fini(&a);
}
END_TEST

START_TEST(test_pinned)
{
    struct arena a = open_arena();
    char *rec = arena_append(&a, LOG_SMALL, 100, 0);
    char *extent = arena_take_extent(&a, 0);
    uint32_t index = arena_seg_of(&a, rec);

    arena_pin(&a, rec);
    arena_pin(&a, rec + 50);
    arena_pin(&a, extent);
    ck_assert_uint_eq(a.seg_pinned, 2);
    arena_close(&a, LOG_SMALL);
    arena_take_victim(&a, index);
    arena_forget(&a, rec, 100);
    arena_put_back(&a, index);
    arena_unpin(&a, rec);
    ck_assert_int_eq(a.segs[index].state, SEG_CLOSED);
    arena_unpin(&a, rec + 99);
    ck_assert_int_eq(a.segs[index].state, SEG_FREE);
    arena_forget(&a, extent, a.seg_bytes);
    ck_assert_int_eq(arena_seg(&a, extent)->state, SEG_EXTENT);
    arena_unpin(&a, extent);
    ck_assert_int_eq(arena_seg(&a, extent)->state, SEG_FREE);
    ck_assert_uint_eq(a.seg_pinned, 0);
    arena_fini(&a);
}
END_TEST

START_TEST(test_queue_order)
{
    struct arena a = open_arena();
    uint32_t index[4];

    for (int i = 0; i < 4; i++)
        index[i] = arena_seg_of(&a, arena_append(&a, LOG_MAIN, a.seg_bytes, 0));
    arena_close(&a, LOG_MAIN);
    arena_rotate(&a, index[1]);
    arena_take_victim(&a, index[0]);
    arena_put_back(&a, index[0]);
    ck_assert_uint_eq(a.logs[LOG_MAIN].head, index[2]);
    ck_assert_uint_eq(a.segs[index[2]].next, index[3]);
    ck_assert_uint_eq(a.segs[index[3]].next, index[1]);
    ck_assert_uint_eq(a.segs[index[1]].next, index[0]);
    ck_assert_uint_eq(a.logs[LOG_MAIN].tail, index[0]);
    arena_fini(&a);
}
END_TEST

TCase *
arena_tcase(void)
{
    TCase *tcase = tcase_create("segment");

    tcase_add_test(tcase, test_append);
    tcase_add_test(tcase, test_limit);
    tcase_add_test(tcase, test_release);
    tcase_add_test(tcase, test_trim_in_parts);
    tcase_add_test(tcase, test_pinned);
    tcase_add_test(tcase, test_queue_order);
    return tcase;
}
