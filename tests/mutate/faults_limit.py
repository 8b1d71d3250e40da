"""Faults of the limit at run time, and of what is told of the oldest items. As in faults.py."""

LIMIT = "src/store/limit.c"
NODES = "src/store/index_nodes.c"
TAIL = "src/store/tail.c"

LIMIT_FAULTS = [
    ("limit: a lower one counts at once", LIMIT,
     "    return needed < arena->seg_allowed ? needed : arena->seg_allowed;", "    return left;"),
    ("limit: what was allowed before stays allowed", LIMIT,
     "    return needed < arena->seg_allowed ? needed : arena->seg_allowed;",
     "    return arena->seg_allowed;"),
    ("limit: any is taken", LIMIT,
     "    if (limit_bytes < store_limit_bytes_min(store) ||", "    if ("),
    ("limit: nothing is given back", LIMIT,
     "    more |= arena_trim(arena, SEGS_AHEAD);", ""),
    ("limit: items go for what the index gives back", LIMIT,
     "            arena->seg_goal = limit_segments_with(store, index_bytes_ideal(ix));",
     "            arena->seg_goal = left;"),
    ("limit: the end is not found while the index shrinks", LIMIT,
     "    bool more = store->shrinking && index_is_shrinking(ix);", "    bool more = false;"),
    ("limit: pieces whose record is pinned move for ever", "src/store/victim.c",
     "    else if (store->shrinking && ++ev->poor > POOR_ROUNDS * arena_in_use(&store->arena))",
     "    else if (false)"),
    ("limit: nodes are never given back", NODES,
     "        return give_back(ix) || begin(ix);", "        return false;"),
    ("limit: a moved node is not linked", NODES,
     "        memcpy(index_node(ix, *link), index_node(ix, old), NODE_BYTES);", ""),
    ("limit: nodes that were taken meanwhile are given back", NODES,
     "    if (ix->nodes_high == ix->node_count - ix->node_keep)", "    if (true)"),
    ("tail: what is dead is passed again and again", TAIL, "            cursor->off = off;",
     "            cursor->off = 0;"),
    ("tail: dead ones have an age", TAIL, "    return (rec_info(rec) & (REC_DEAD | REC_PENDING)) == 0 &&",
     "    return"),
    ("tail: evicted ones are not counted", TAIL,
     "    evicted->evicted_nonzero += rec_expires(rec, store->fixed_bytes) != STORE_NEVER;", ""),
]
