/* Counts the keys that have the greatest share of a stream. */
#include "lombard/base/topkeys.h"

#include <string.h>

#include "lombard/base/rank.h"

/* The bits above those that choose the set of an index: any will do. */
static struct topkeys_set *
set_of(struct topkeys *top, uint64_t hash)
{
    return &top->sets[hash >> 58 & (TOPKEYS_SETS - 1)];
}

_Static_assert((int)TOPKEYS_SETS == 1 << (64 - 58), "the six highest bits choose the set");

static uint32_t
smallest_of(const struct topkeys_set *set)
{
    uint32_t smallest = 0;

    for (uint32_t way = 1; way < TOPKEYS_WAYS; way++)
        if (set->count[way] < set->count[smallest])
            smallest = way;
    return smallest;
}

/* With a probability of PART / WHOLE. */
static bool
happens(uint64_t random, uint64_t part, uint64_t whole)
{
    return (double)random < (double)part / (double)whole * 18446744073709551616.0;
}

static void
keep_key(struct topkeys *top, const struct topkeys_set *set, uint32_t way, struct slice key)
{
    struct topkeys_key *kept = &top->keys[(set - top->sets) * TOPKEYS_WAYS + way];

    kept->len = (uint8_t)(key.len < TOPKEYS_KEY_BYTES ? key.len : TOPKEYS_KEY_BYTES);
    memcpy(kept->bytes, key.ptr, kept->len);
}

void
topkeys_add(struct topkeys *top, struct slice key, uint64_t hash, uint64_t weight,
            uint64_t random)
{
    uint64_t id = hash == 0 ? 1 : hash;
    uint64_t units = weight * TOPKEYS_UNIT;
    struct topkeys_set *set = set_of(top, id);
    uint32_t way;

    top->total += units;
    for (way = 0; way < TOPKEYS_WAYS; way++) {
        if (set->hash[way] == id) {
            set->count[way] += units;
            set->draws[way] += TOPKEYS_UNIT;
            return;
        }
    }
    way = smallest_of(set);
    if (!happens(random, units, set->count[way] + units))
        return;
    set->error[way] = set->count[way];
    set->count[way] += units;
    set->draws[way] = TOPKEYS_UNIT;
    set->hash[way] = id;
    keep_key(top, set, way, key);
}

static void
halve(struct topkeys *top)
{
    top->total /= 2;
    top->span_ms = (top->span_ms + TOPKEYS_HALF_LIFE_MS) / 2;
    for (uint32_t i = 0; i < TOPKEYS_SETS; i++) {
        struct topkeys_set *set = &top->sets[i];

        for (uint32_t way = 0; way < TOPKEYS_WAYS; way++) {
            set->count[way] /= 2;
            set->error[way] /= 2;
            set->draws[way] /= 2;
            if (set->draws[way] == 0)
                set->hash[way] = set->count[way] = 0;
        }
    }
}

void
topkeys_age(struct topkeys *top, uint64_t now_ms)
{
    for (int i = 0; i < 64 && now_ms - top->aged_ms >= TOPKEYS_HALF_LIFE_MS; i++) {
        halve(top);
        top->aged_ms += TOPKEYS_HALF_LIFE_MS;
    }
    if (now_ms - top->aged_ms >= TOPKEYS_HALF_LIFE_MS)
        top->aged_ms = now_ms; /* all that there was has gone */
}

void
topkeys_reset(struct topkeys *top, uint64_t now_ms)
{
    memset(top, 0, sizeof(*top));
    top->aged_ms = now_ms;
}

/* --- Asking --- */

static uint64_t
count_at(const void *ctx, uint32_t i)
{
    const struct topkeys *top = ctx;

    return top->sets[i / TOPKEYS_WAYS].count[i % TOPKEYS_WAYS];
}

uint32_t
topkeys_sort(struct topkeys *top)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < TOPKEYS; i++)
        if (count_at(top, i) > 0)
            top->order[count++] = (uint16_t)i;
    rank_sort(top->order, count, count_at, top);
    for (uint32_t i = count; i < TOPKEYS; i++)
        top->order[i] = UINT16_MAX;
    return count;
}

static double
square_root(double v)
{
    double root = v > 1 ? v : 1;

    for (int i = 0; i < 40; i++)
        root = (root + v / root) / 2;
    return root;
}

bool
topkeys_at(const struct topkeys *top, uint32_t rank, uint64_t now_ms, struct topkey *key)
{
    uint16_t i = rank < TOPKEYS ? top->order[rank] : UINT16_MAX;
    const struct topkeys_set *set;
    double span_s = (double)(top->span_ms + now_ms - top->aged_ms) / 1000;
    double count, draws;

    if (i == UINT16_MAX || count_at(top, i) == 0 || top->total == 0)
        return false;
    set = &top->sets[i / TOPKEYS_WAYS];
    count = (double)set->count[i % TOPKEYS_WAYS];
    draws = (double)set->draws[i % TOPKEYS_WAYS] / TOPKEYS_UNIT + 1;
    key->key = slice_make(top->keys[i].bytes, top->keys[i].len);
    key->share = count / (double)top->total;
    /* What it took over, and twice the standard deviation of as many draws. */
    key->error = (double)set->error[i % TOPKEYS_WAYS] / (double)top->total +
                 2 * key->share / square_root(draws);
    key->per_second = span_s < 0.001 ? 0 : count / TOPKEYS_UNIT / span_s;
    return true;
}
