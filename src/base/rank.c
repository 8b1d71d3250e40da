/* Sorts numbers of entries by the entries' values: heap sort, the smallest of what is left on top. */
#include "lombard/base/rank.h"

struct ranking {
    uint16_t *order;
    rank_value_fn *value;
    const void *ctx;
};

static uint64_t
value_at(const struct ranking *r, uint32_t at)
{
    return r->value(r->ctx, r->order[at]);
}

static void
swap(const struct ranking *r, uint32_t a, uint32_t b)
{
    uint16_t was = r->order[a];

    r->order[a] = r->order[b];
    r->order[b] = was;
}

/* That at AT sinks until none of the two below it, up to END, is smaller. */
static void
sink(const struct ranking *r, uint32_t at, uint32_t end)
{
    for (uint32_t child = 2 * at + 1; child < end; child = 2 * at + 1) {
        if (child + 1 < end && value_at(r, child + 1) < value_at(r, child))
            child++;
        if (value_at(r, at) <= value_at(r, child))
            return;
        swap(r, at, child);
        at = child;
    }
}

void
rank_sort(uint16_t *order, uint32_t count, rank_value_fn *value, const void *ctx)
{
    const struct ranking r = {order, value, ctx};

    for (uint32_t at = count / 2; at > 0; at--)
        sink(&r, at - 1, count);
    for (uint32_t end = count; end > 1; end--) {
        swap(&r, 0, end - 1);
        sink(&r, 0, end - 1);
    }
}
