#include "stall.h"

#include <stdlib.h>

#include "leak.h"
#include "lombard/base/attr.h"

enum { NODES = 4000 };

struct entry {
    struct list_node node;
    uint64_t since_ms;
};

static struct stall_line line;
static struct entry entries[NODES];

static uint64_t
since_of(struct list_node *node)
{
    return CONTAINER_OF(node, struct entry, node)->since_ms;
}

static const uint64_t starts_ms[] = {0, 5, 1 << 20, UINT64_C(1) << 40};

static void
put(struct entry *e, uint64_t now_ms, uint32_t age_ms)
{
    e->since_ms = now_ms - age_ms;
    stall_put(&line, &e->node, now_ms, age_ms);
}

/* The first one is the oldest but for a 16th of its age, and a slot. */
static void
expect_oldest_first(uint64_t now_ms, int count)
{
    for (int left = count; left > 0; left--) {
        struct list_node *first = stall_first(&line, now_ms);
        uint64_t oldest = UINT64_MAX;

        ck_assert_ptr_nonnull(first);
        for (int i = 0; left % 97 == 0 && i < count; i++)
            if (list_is_linked(&entries[i].node) && entries[i].since_ms < oldest)
                oldest = entries[i].since_ms;
        if (oldest != UINT64_MAX && now_ms - oldest < 120000)
            ck_assert_uint_le(since_of(first), oldest + 128 + (now_ms - oldest) / 4 + 4096);
        list_remove(first);
    }
    ck_assert_ptr_null(stall_first(&line, now_ms));
}

/* In any order of their times, all come out, the longest first. */
START_TEST(whatever_order_they_come_in)
{
    uint64_t now_ms = starts_ms[_i] + 1000000;
    uint64_t seed = 1;

    stall_init(&line, starts_ms[_i]);
    for (int i = 0; i < NODES; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        list_init(&entries[i].node);
        put(&entries[i], now_ms, (uint32_t)(seed >> 33) % 200000);
        now_ms += seed >> 62;
    }
    expect_oldest_first(now_ms, NODES);
}
END_TEST

/* Recent ones come out exactly in the order of their slots. */
START_TEST(recent_ones_are_exact)
{
    uint64_t now_ms = starts_ms[_i] + 5000;
    uint64_t before = 0;

    stall_init(&line, starts_ms[_i]);
    for (int i = 0; i < 30; i++)
        put(&entries[i], now_ms, (uint32_t)((i * 7) % 30) * 128);
    for (int i = 0; i < 30; i++) {
        struct list_node *first = stall_first(&line, now_ms);

        ck_assert_uint_gt(since_of(first), before);
        before = since_of(first);
        list_remove(first);
    }
}
END_TEST

static const uint64_t pauses_ms[] = {1, 127, 128, 5000, 100000, 150000, 10000000};

/* Time passes between them: step by step, or with a pause in which nothing looked. */
START_TEST(however_time_passes)
{
    uint64_t now_ms = 77;
    uint64_t before = 0;

    stall_init(&line, now_ms);
    for (int i = 0; i < 500; i++) {
        put(&entries[i], now_ms, 0);
        now_ms += pauses_ms[_i];
    }
    for (int i = 0; i < 500; i++) {
        struct list_node *first = stall_first(&line, now_ms);

        ck_assert_ptr_nonnull(first);
        ck_assert_uint_ge(since_of(first), before);
        before = since_of(first);
        list_remove(first);
    }
    ck_assert_ptr_null(stall_first(&line, now_ms + 1));
}
END_TEST

/* The one that keeps an old time comes before all that stalled since. */
START_TEST(an_old_time_is_kept)
{
    uint64_t now_ms = 1000000;

    stall_init(&line, now_ms);
    for (int i = 1; i < 1000; i++)
        put(&entries[i], now_ms, 100);
    for (uint32_t age_ms = 1000; age_ms < 100000; age_ms += 777) {
        put(&entries[0], now_ms + age_ms, age_ms + 6000);
        ck_assert_ptr_eq(stall_first(&line, now_ms + age_ms), &entries[0].node);
        list_remove(&entries[0].node);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("stall");

    tcase_add_loop_test(tc, whatever_order_they_come_in, 0, ARRAY_LEN(starts_ms));
    tcase_add_loop_test(tc, recent_ones_are_exact, 0, ARRAY_LEN(starts_ms));
    tcase_add_loop_test(tc, however_time_passes, 0, ARRAY_LEN(pauses_ms));
    tcase_add_test(tc, an_old_time_is_kept);
    return leak_run(tc, "conn/stall");
}
