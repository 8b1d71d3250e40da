/* Gives each key of a trace a number. */
#include "data/key_ids.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 1 << 16 };

void
key_ids_fini(struct key_ids *ids)
{
    free(ids->hashes);
    free(ids->ids);
    memset(ids, 0, sizeof(*ids));
}

/* The slot of a hash: its own, or the free one where it belongs. */
static size_t
find_slot(const struct key_ids *ids, uint64_t hash)
{
    size_t i = hash & (ids->size - 1);

    while (ids->hashes[i] != 0 && ids->hashes[i] != hash)
        i = (i + 1) & (ids->size - 1);
    return i;
}

static bool
grow(struct key_ids *ids)
{
    struct key_ids old;
    struct key_ids bigger = {.size = ids->size == 0 ? FIRST_SIZE : ids->size * 2,
                             .count = ids->count};

    bigger.hashes = calloc(bigger.size, sizeof(*bigger.hashes));
    bigger.ids = calloc(bigger.size, sizeof(*bigger.ids));
    if (bigger.hashes == NULL || bigger.ids == NULL) {
        free(bigger.hashes);
        free(bigger.ids);
        return false;
    }
    for (size_t i = 0; i < ids->size; i++) {
        if (ids->hashes[i] != 0) {
            size_t slot = find_slot(&bigger, ids->hashes[i]);

            bigger.hashes[slot] = ids->hashes[i];
            bigger.ids[slot] = ids->ids[i];
        }
    }
    old = *ids;
    *ids = bigger;
    free(old.hashes);
    free(old.ids);
    return true;
}

bool
key_ids_number(struct key_ids *ids, uint64_t hash, uint32_t *out)
{
    size_t slot;

    if (hash == 0)
        hash = 1;
    if ((size_t)ids->count * 2 >= ids->size && !grow(ids))
        return false;
    slot = find_slot(ids, hash);
    if (ids->hashes[slot] == 0) {
        ids->hashes[slot] = hash;
        ids->ids[slot] = ids->count++;
    }
    *out = ids->ids[slot];
    return true;
}
