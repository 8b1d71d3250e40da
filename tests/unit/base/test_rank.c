#include "lombard/base/rank.h"

#include <stdbool.h>

#include "leak.h"

enum { ENTRIES = 512 };

static uint64_t values[ENTRIES];
static uint16_t order[ENTRIES];

static uint64_t
value_of(const void *ctx, uint32_t i)
{
    return ((const uint64_t *)ctx)[i];
}

/* Each number is there once, and none is worth less than the one behind it. */
static void
expect_sorted(uint32_t count)
{
    static bool seen[ENTRIES];
    bool sorted = true;

    for (uint32_t i = 0; i < count; i++)
        seen[order[i] = (uint16_t)i] = false;
    rank_sort(order, count, value_of, values);
    for (uint32_t i = 0; i < count; i++) {
        sorted = sorted && order[i] < count && !seen[order[i]] &&
                 (i == 0 || values[order[i - 1]] >= values[order[i]]);
        seen[order[i] % ENTRIES] = true;
    }
    ck_assert(sorted);
}

/* Every order of up to six values, of which some are equal. */
START_TEST(all_small_orders)
{
    uint32_t orders = 1;

    for (uint32_t count = 0; count <= 6; count++, orders *= 6) {
        for (uint32_t number = 0; number < orders; number++) {
            uint32_t rest = number;

            for (uint32_t i = 0; i < count; i++, rest /= 6)
                values[i] = rest % 6 == 5 ? UINT64_MAX : rest % 6;
            expect_sorted(count);
        }
    }
}
END_TEST

START_TEST(many)
{
    for (uint64_t step = 1; step < 200; step += 7) {
        for (uint32_t i = 0; i < ENTRIES; i++)
            values[i] = i * step * 2654435761U % (step * 3);
        expect_sorted(ENTRIES);
        expect_sorted(ENTRIES - 1);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("rank");

    tcase_add_test(tc, all_small_orders);
    tcase_add_test(tc, many);
    return leak_run(tc, "base/rank");
}
