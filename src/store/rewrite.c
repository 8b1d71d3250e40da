/* Items are written anew where a field of theirs is too narrow for what it is to hold. */
#include "store_priv.h"

char *
rewrite(struct store *store, char *rec, const struct rec_head *head)
{
    uint64_t loc = arena_loc(&store->arena, rec);
    uint64_t hash = rec_hash(store, rec);
    struct slot slot;
    char *new;

    /* All of it: making space must not take a part. */
    store_pin_item(store, rec);
    new = space_rewrite(store, rec, head);
    if (new != NULL) {
        if (!BROKEN(!index_find(&store->index, hash, loc, &slot)))
            index_move(&store->index, &slot, arena_loc(&store->arena, new));
    }
    store_unpin_item(store, rec);
    return new;
}
