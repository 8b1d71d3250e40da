/* Nodes of the index: made, freed, and moved together so that their memory can be given back. */
#include "index_priv.h"

#include <string.h>

/*
 * Nodes have numbers from the mapping's end downwards; free ones form a chain. When most are
 * free, those in use are moved to low numbers, bucket by bucket, since only a chain knows where
 * its nodes are:
 *
 *     | 0 | 1 | ... | node_keep | ... | node_count |           numbers; addresses fall
 *       stay, or are moved to     are moved away, then given back
 *
 * First the free ones are sorted by that, then every chain is walked. A node of the upper part
 * may be taken while no other is free: then nothing is given back this time.
 */
enum {
    /* It is worth it when more are free than these, and three times as many as are in use; */
    NODES_IDLE_MIN = 4096,
    IDLE_TIMES = 3,
    IDLE_DIVISOR = 4,  /* or, where the index is to be tight, this part of them. */
    SLACK_DIVISOR = 8, /* of those in use: so many more stay */
    NODES_A_PAGE = 4096 / NODE_BYTES,
    NODES_DISCARDED = 256 * 1024 / NODE_BYTES, /* in one step, as of buckets */
};

uint64_t
index_nodes_left(const struct index *ix)
{
    uint64_t used = ix->resident * BUCKET_BYTES + ix->nodes_resident * NODE_BYTES;
    uint64_t untouched = ix->bytes_max > used ? (ix->bytes_max - used) / NODE_BYTES : 0;

    return untouched + (ix->nodes_resident - ix->nodes_used);
}

/* Take the first node of a chain of free ones. */
static uint64_t
pop(const struct index *ix, uint64_t *chain)
{
    uint64_t number = *chain - 1;

    *chain = index_node(ix, number)->link;
    return number;
}

static void
push(const struct index *ix, uint64_t *chain, uint64_t number)
{
    index_node(ix, number)->link = (uint32_t)*chain;
    *chain = number + 1;
}

static uint64_t
take_number(struct index *ix)
{
    if (ix->node_free != 0)
        return pop(ix, &ix->node_free);
    if (ix->node_unsorted != 0)
        return pop(ix, &ix->node_unsorted);
    if (ix->node_high != 0) {
        ix->nodes_high--;
        return pop(ix, &ix->node_high);
    }
    if (ix->node_count == ix->nodes_resident)
        ix->nodes_resident++;
    return ix->node_count++;
}

uint32_t
index_node_make(struct index *ix)
{
    uint64_t number = take_number(ix);

    ix->nodes_used++;
    memset(index_node(ix, number), 0, NODE_BYTES);
    return (uint32_t)number + 1;
}

static void
put_free(struct index *ix, uint64_t number)
{
    if (number < ix->node_keep) {
        push(ix, &ix->node_free, number);
        return;
    }
    push(ix, &ix->node_high, number);
    ix->nodes_high++;
}

void
index_node_release(struct index *ix, uint32_t link)
{
    put_free(ix, link - UINT64_C(1));
    ix->nodes_used--;
}

/* --- Compaction --- */

/* Move what is to be given back of the chain of BUCKET. */
static void
compact_chain(struct index *ix, uint64_t bucket)
{
    uint32_t *link = &ix->buckets[bucket].link;

    for (; *link != 0; link = &index_node(ix, *link - 1)->link) {
        uint32_t old = *link;

        if (old - 1 < ix->node_keep || ix->node_free == 0)
            continue;
        *link = index_node_make(ix);
        memcpy(index_node(ix, *link - 1), index_node(ix, old - 1), NODE_BYTES);
        index_node_release(ix, old);
    }
}

/* Memory behind the last node goes back, a piece at a time. False when there is none. */
static bool
give_back(struct index *ix)
{
    uint64_t keep = (ix->node_count + NODES_A_PAGE - 1) / NODES_A_PAGE * NODES_A_PAGE;
    uint64_t end = (ix->nodes_resident + NODES_A_PAGE - 1) / NODES_A_PAGE * NODES_A_PAGE;

    if (end <= keep)
        return false;
    if (end - keep > NODES_DISCARDED)
        keep = end - NODES_DISCARDED;
    memory_discard(ix->in_file, ix->end - end * NODE_BYTES, (size_t)(end - keep) * NODE_BYTES);
    ix->nodes_resident = keep;
    return true;
}

/* Begin, if it is worth it. */
static bool
begin(struct index *ix)
{
    uint64_t used = ix->nodes_used;
    uint64_t idle = ix->tight ? used / IDLE_DIVISOR : used * IDLE_TIMES;

    if (ix->node_count < used + idle + NODES_IDLE_MIN)
        return false;
    ix->node_keep = used + used / SLACK_DIVISOR + NODES_A_PAGE;
    ix->node_unsorted = ix->node_free;
    ix->node_free = ix->compacted = 0;
    return true;
}

/* All chains were walked. */
static void
end(struct index *ix)
{
    if (ix->nodes_high == ix->node_count - ix->node_keep)
        ix->node_count = ix->node_keep;
    else
        ix->node_unsorted = ix->node_high;
    ix->node_high = ix->nodes_high = 0;
    ix->node_keep = INDEX_NO_COMPACTION;
}

bool
index_compact_step(struct index *ix, unsigned count)
{
    if (!index_is_compacting(ix))
        return give_back(ix) || begin(ix);
    for (; ix->node_unsorted != 0 && count > 0; count--)
        put_free(ix, pop(ix, &ix->node_unsorted));
    if (ix->node_keep == INDEX_NO_COMPACTION)
        return true;
    for (; ix->compacted < ix->from.buckets && count > 0; count--)
        compact_chain(ix, ix->compacted++);
    if (count > 0)
        end(ix);
    return true;
}
