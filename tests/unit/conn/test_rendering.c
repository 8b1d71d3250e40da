/*
 * One rendering for several readers: each is told what it would have rendered, however they take turns.
 */
#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "rendering.h"

enum { ROOM = 2 * RENDERING_BYTES_MAX, READERS = 2 * RENDERINGS_MAX, KIND = 7 };

static struct renderings renderings;
static struct rendering_reader readers[READERS];
static struct stat_walk walks[READERS];
static char *texts[READERS];
static size_t lens[READERS];
static uint32_t pieces; /* of a rendering */
static uint64_t made;   /* pieces, by whatever reader */

/* Pieces of all lengths, one of seven of which is not found at once. */
static enum stat_step
fake_piece(const struct request *req UNUSED, const struct stat_registry *registry UNUSED,
           struct stat_walk *walk, char *dst, size_t *len)
{
    made++;
    if (walk->step == pieces)
        return STAT_END;
    if (walk->step % 7 == 3 && walk->part == 0) {
        walk->part = 1;
        return STAT_SEARCHING;
    }
    walk->part = 0;
    *len = walk->step * 31 % (PROTO_LINE_BYTES_MAX + 1);
    memset(dst, 'a' + (int)(walk->step++ % 26), *len);
    return STAT_FOUND;
}

static const struct proto_ops fake = {.registry_piece = fake_piece};
static const struct rendering_source source = {&fake, NULL, NULL};

static void
start(void)
{
    pieces = 400;
    made = 0;
    memset(&renderings, 0, sizeof(renderings));
    memset(readers, 0, sizeof(readers));
    memset(lens, 0, sizeof(lens));
    memset(walks, 0, sizeof(walks));
    for (int i = 0; i < READERS; i++)
        ck_assert_ptr_nonnull(texts[i] = malloc(ROOM));
}

static void
stop(void)
{
    for (int i = 0; i < READERS; i++) {
        rendering_leave(&readers[i]);
        free(texts[i]);
    }
    for (int i = 0; i < RENDERINGS_MAX; i++)
        ck_assert_uint_eq(renderings.at[i].readers, 0);
    renderings_tick(&renderings, UINT64_MAX);
    for (int i = 0; i < RENDERINGS_MAX; i++)
        ck_assert_uint_eq(renderings.at[i].kind, 0);
    renderings_fini(&renderings);
}

/* One call of reader I; false: that was all. */
static bool
read_one(int i)
{
    size_t len = 0;
    enum stat_step step =
        rendering_piece(&readers[i], &source, &walks[i], texts[i] + lens[i], &len);

    ck_assert(step == STAT_FOUND || len == 0);
    ck_assert_uint_le(len, PROTO_LINE_BYTES_MAX);
    lens[i] += len;
    ck_assert_uint_le(lens[i], ROOM - PROTO_LINE_BYTES_MAX);
    return step != STAT_END;
}

static void
read_all(int i)
{
    while (read_one(i))
        ;
}

static void
same(int i, int k)
{
    ck_assert_uint_eq(lens[i], lens[k]);
    ck_assert(memcmp(texts[i], texts[k], lens[i]) == 0);
}

/* Reader 0 has no rendering; the others join in until they share the last one that may be begun. */
static void
join_all(int count)
{
    for (int i = 1; i < count; i++)
        ck_assert(rendering_join(&renderings, KIND, 1000, &readers[i]) ==
                  (i > RENDERING_BURST));
}

START_TEST(readers_at_any_pace_are_told_the_same)
{
    bool on = true;

    start();
    join_all(READERS);
    read_all(0);
    ck_assert_uint_gt(lens[0], RENDERING_BYTES_MAX / 2);
    srand(1);
    while (on) {
        on = false;
        for (int i = 1; i < READERS; i++)
            for (int k = rand() % (3 * i); k >= 0; k--)
                on |= read_one(i);
    }
    for (int i = 1; i < READERS; i++)
        same(i, 0);
    stop();
}
END_TEST

START_TEST(it_is_rendered_once)
{
    uint64_t once;

    start();
    join_all(READERS);
    read_all(0);
    once = made;
    read_all(RENDERING_BURST);
    ck_assert_uint_eq(made, 2 * once);
    for (int i = RENDERING_BURST + 1; i < READERS; i++)
        read_all(i);
    ck_assert_uint_eq(made, 2 * once);
    stop();
}
END_TEST

/* As where another process takes over: its walk alone says where a reader is. */
START_TEST(a_reader_can_go_on_alone)
{
    start();
    join_all(READERS);
    read_all(0);
    for (int i = 1; i < READERS; i++) {
        for (int k = 0; k < 97 * i && read_one(i); k++)
            ;
        rendering_leave(&readers[i]);
        read_all(i);
        same(i, 0);
    }
    stop();
}
END_TEST

START_TEST(one_that_is_too_long_is_finished_by_each)
{
    start();
    pieces = 900;
    join_all(READERS);
    read_all(0);
    ck_assert_uint_gt(lens[0], RENDERING_BYTES_MAX);
    for (int i = 1; i < READERS; i++) {
        read_all(i);
        same(i, 0);
        ck_assert_ptr_null(readers[i].of);
    }
    stop();
}
END_TEST

START_TEST(an_empty_one_ends)
{
    start();
    pieces = 0;
    join_all(READERS);
    for (int i = 0; i < READERS; i++) {
        read_all(i);
        ck_assert_uint_eq(lens[i], 0);
    }
    stop();
}
END_TEST

/* --- How many --- */

START_TEST(they_are_begun_at_a_rate)
{
    uint64_t now_ms = 1000;

    start();
    for (int i = 0; i < RENDERING_BURST; i++) {
        ck_assert(!rendering_join(&renderings, KIND, now_ms, &readers[i]));
        ck_assert_ptr_nonnull(readers[i].of);
        rendering_leave(&readers[i]);
    }
    for (int i = 0; i < 50; i++) { /* 20 ms from one to the next */
        now_ms += RENDERING_MS / 5;
        ck_assert_int_eq(rendering_join(&renderings, KIND, now_ms, &readers[0]), i % 5 != 4);
        ck_assert_uint_lt(now_ms - readers[0].of->began_ms, RENDERING_MS);
        rendering_leave(&readers[0]);
        renderings_tick(&renderings, now_ms);
    }
    stop();
}
END_TEST

START_TEST(those_that_are_read_are_kept)
{
    start();
    for (int i = 0; i < RENDERINGS_MAX; i++) {
        ck_assert(!rendering_join(&renderings, KIND, 1000 * (uint64_t)i, &readers[i]));
        ck_assert_ptr_nonnull(readers[i].of);
        ck_assert(read_one(i));
    }
    ck_assert(!rendering_join(&renderings, KIND, 100000, &readers[RENDERINGS_MAX]));
    ck_assert_ptr_null(readers[RENDERINGS_MAX].of); /* it renders for itself */
    renderings_tick(&renderings, 200000);
    for (int i = 0; i <= RENDERINGS_MAX; i++) {
        read_all(i);
        same(i, 0);
    }
    stop();
}
END_TEST

START_TEST(kinds_are_apart)
{
    start();
    for (uint32_t i = 0; i < RENDERING_KINDS; i++) {
        ck_assert(!rendering_join(&renderings, i + 1, 1000, &readers[i]));
        ck_assert_uint_eq(readers[i].of->kind, i + 1);
        rendering_leave(&readers[i]);
    }
    ck_assert(!rendering_join(&renderings, RENDERING_KINDS + 1, 1000, &readers[0]));
    ck_assert_ptr_null(readers[0].of);
    ck_assert(!rendering_join(&renderings, 0, 1000, &readers[0]));
    ck_assert_ptr_null(readers[0].of);
    stop();
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("rendering");

    tcase_add_test(tc, readers_at_any_pace_are_told_the_same);
    tcase_add_test(tc, it_is_rendered_once);
    tcase_add_test(tc, a_reader_can_go_on_alone);
    tcase_add_test(tc, one_that_is_too_long_is_finished_by_each);
    tcase_add_test(tc, an_empty_one_ends);
    tcase_add_test(tc, they_are_begun_at_a_rate);
    tcase_add_test(tc, those_that_are_read_are_kept);
    tcase_add_test(tc, kinds_are_apart);
    return leak_run(tc, "conn/rendering");
}
