/* Simulates a database behind the cache. */
#include "load/database.h"

#include <stdlib.h>
#include <string.h>

bool
database_init(struct database *d, const struct times *latency, uint32_t slots, uint64_t keys,
              uint64_t seed)
{
    memset(d, 0, sizeof(*d));
    d->latency = latency;
    d->slot_count = slots;
    rng_init(&d->rng, seed ^ UINT64_C(0xda7aba5e));
    d->keys = calloc(keys, sizeof(*d->keys));
    if (slots > 0)
        d->slots = calloc(slots, sizeof(*d->slots));
    return d->keys != NULL && (slots == 0 || d->slots != NULL);
}

void
database_fini(struct database *d)
{
    free(d->keys);
    free(d->slots);
    memset(d, 0, sizeof(*d));
}

/* When a query that takes NS is done: it begins when a slot is free. */
static uint64_t
serve(struct database *d, uint64_t now_ns, uint64_t ns)
{
    uint32_t first = 0;

    if (d->slots == NULL)
        return now_ns + ns;
    for (uint32_t i = 1; i < d->slot_count; i++) {
        if (d->slots[i] < d->slots[first])
            first = i;
    }
    if (d->slots[first] < now_ns)
        d->slots[first] = now_ns;
    d->slots[first] += ns;
    return d->slots[first];
}

uint64_t
database_ask(struct database *d, uint32_t key, uint64_t now_ns, bool missing, struct aside *a)
{
    struct database_key *k = &d->keys[key];
    uint64_t ns = times_draw(d->latency, &d->rng);
    uint64_t done_ns = serve(d, now_ns, ns);

    a->loads++;
    a->busy_ns += ns;
    a->refreshes += !missing;
    a->duplicates += k->loads > 0;
    hist_add(&a->database, done_ns - now_ns);
    if (k->loads++ == 0)
        k->since_ns = now_ns;
    return done_ns;
}

void
database_stored(struct database *d, uint32_t key, uint64_t now_ns, struct aside *a)
{
    struct database_key *k = &d->keys[key];

    if (k->loads == 0)
        return; /* another one was faster */
    a->herds++;
    if (k->loads > a->herd_max)
        a->herd_max = k->loads;
    hist_add(&a->fill, now_ns - k->since_ns);
    k->loads = 0;
}
