/* Lists of accesses by key, in a table of the keys that are being accessed. */
#include "load/holds.h"

#include <stdlib.h>
#include <string.h>

#include "data/rng.h"

#define HOLD_NONE UINT32_MAX

bool
holds_init(struct holds *h, uint64_t claims)
{
    uint64_t size = 64;

    memset(h, 0, sizeof(*h));
    while (size < 2 * (claims + HOLDS_WAITING_MAX))
        size *= 2;
    h->mask = (uint32_t)(size - 1);
    h->keys = calloc(size, sizeof(*h->keys));
    h->places = calloc(HOLDS_WAITING_MAX, sizeof(*h->places));
    if (h->keys == NULL || h->places == NULL) {
        holds_fini(h);
        return false;
    }
    holds_reset(h);
    return true;
}

void
holds_reset(struct holds *h)
{
    if (h->keys == NULL)
        return;
    memset(h->keys, 0, ((size_t)h->mask + 1) * sizeof(*h->keys));
    for (uint32_t i = 0; i < HOLDS_WAITING_MAX; i++)
        h->places[i].next = i + 1 < HOLDS_WAITING_MAX ? i + 1 : HOLD_NONE;
    h->free = 0;
    h->claimed = 0;
    h->waiting = 0;
    h->ready_first = HOLD_NONE;
    h->ready_last = HOLD_NONE;
}

void
holds_fini(struct holds *h)
{
    free(h->keys);
    free(h->places);
    free(h->present);
    memset(h, 0, sizeof(*h));
}

/* Where KEY is, or would be. */
static uint32_t
slot_of(const struct holds *h, uint32_t key)
{
    uint32_t i = (uint32_t)rng_mix(key) & h->mask;

    while (h->keys[i].used && h->keys[i].key != key)
        i = (i + 1) & h->mask;
    return i;
}

static bool
is_present(const struct holds *h, uint32_t key)
{
    return key < h->present_keys && (h->present[key / 64] >> key % 64 & 1) != 0;
}

void
holds_know(struct holds *h, uint32_t key, bool present)
{
    uint64_t bit = UINT64_C(1) << key % 64;

    if (key >= h->present_keys) {
        uint64_t words = (uint64_t)key / 64 + 1 + h->present_keys / 64 + 1024;
        uint64_t *more = present ? realloc(h->present, words * sizeof(*more)) : NULL;

        if (more == NULL)
            return; /* then it has to be claimed each time */
        memset(more + h->present_keys / 64, 0, (words - h->present_keys / 64) * sizeof(*more));
        h->present = more;
        h->present_keys = words * 64;
    }
    if (present)
        h->present[key / 64] |= bit;
    else
        h->present[key / 64] &= ~bit;
}

enum holds_entry
holds_enter(struct holds *h, uint32_t key, bool removes)
{
    uint32_t i = slot_of(h, key);

    if (h->keys[i].used)
        return HOLDS_WAIT;
    if (removes)
        holds_know(h, key, false);
    if (is_present(h, key))
        return HOLDS_FREE;
    BUG_ON(h->claimed > h->mask / 2);
    h->keys[i] = (struct hold_key){key, HOLD_NONE, HOLD_NONE, true};
    h->claimed++;
    return HOLDS_CLAIMED;
}

/* Append PLACE to a list. */
static void
append(struct holds *h, uint32_t *first, uint32_t *last, uint32_t place)
{
    h->places[place].next = HOLD_NONE;
    if (*first == HOLD_NONE)
        *first = place;
    else
        h->places[*last].next = place;
    *last = place;
}

/* Its first, which there is, leaves a list. */
static uint32_t
pop(struct holds *h, uint32_t *first, uint32_t *last)
{
    uint32_t place = *first;

    *first = h->places[place].next;
    if (*first == HOLD_NONE)
        *last = HOLD_NONE;
    return place;
}

void
holds_wait(struct holds *h, const struct access *access, uint64_t due_ns)
{
    struct hold_key *k = &h->keys[slot_of(h, access->key)];
    uint32_t place = h->free;

    BUG_ON(!k->used || h->waiting >= HOLDS_WAITING_MAX);
    h->free = h->places[place].next;
    h->waiting++;
    h->places[place].access = *access;
    h->places[place].due_ns = due_ns;
    append(h, &k->first, &k->last, place);
}

/* Close the gap that slot I leaves: no key may be cut off from where its search begins. */
static void
remove_slot(struct holds *h, uint32_t i)
{
    uint32_t j = i;

    for (;;) {
        uint32_t home;

        j = (j + 1) & h->mask;
        if (!h->keys[j].used)
            break;
        home = (uint32_t)rng_mix(h->keys[j].key) & h->mask;
        if (((j - home) & h->mask) >= ((j - i) & h->mask)) {
            h->keys[i] = h->keys[j];
            i = j;
        }
    }
    h->keys[i].used = false;
}

static void
make_ready(struct holds *h, struct hold_key *k, bool claims)
{
    uint32_t place = pop(h, &k->first, &k->last);

    h->places[place].claims = claims;
    append(h, &h->ready_first, &h->ready_last, place);
}

void
holds_leave(struct holds *h, uint32_t key)
{
    uint32_t i = slot_of(h, key);
    struct hold_key *k = &h->keys[i];

    BUG_ON(!k->used);
    if (k->first != HOLD_NONE && !is_present(h, key)) {
        make_ready(h, k, true);
        return;
    }
    while (k->first != HOLD_NONE)
        make_ready(h, k, false);
    remove_slot(h, i);
    h->claimed--;
}

enum holds_entry
holds_take(struct holds *h, struct access *access, uint64_t *due_ns)
{
    uint32_t place = pop(h, &h->ready_first, &h->ready_last);

    *access = h->places[place].access;
    *due_ns = h->places[place].due_ns;
    h->places[place].next = h->free;
    h->free = place;
    h->waiting--;
    return h->places[place].claims ? HOLDS_CLAIMED : HOLDS_FREE;
}
