/*
 * src/store/huge_priv.h - memory on huge pages, had before it is needed.
 *
 *     arena     | in use | touched ahead |                the next blocks of 2 MB
 *     buckets   | in use |  what it is about to grow by | a table of 2 MB or more grows in whole blocks
 *     nodes                    | touched ahead | in use | likewise, from 8 MB on
 *
 * A block that the kernel has to find and clear is a step of its own in the background. It costs a quarter of
 * what the same memory costs in small pages, so writes that are faster than that touch one themselves. What is touched
 * ahead is within the limit: it is accounted as the index's, or lies within what the arena may use, and is
 * the first to go back. Where the kernel has no huge page small ones are touched, as they are needed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct store;
struct store_config;

struct huge {
    bool on;
    bool index_waits;      /* the index is about to grow to index_end, from index_begin */
    bool paused;           /* the kernel has refused too often */
    unsigned refused;      /* blocks in a row */
    unsigned next;         /* kind of memory to be touched first */
    uint32_t segs_ahead;   /* of the arena, to be touched ahead */
    uint64_t next_ns;      /* none before that */
    uint64_t index_begin;  /* of buckets, in bytes; whole blocks */
    uint64_t index_done;   /* touched up to here */
    uint64_t index_end;    /* to be touched */
    uint64_t nodes_done;   /* from the end of the nodes, likewise */
    uint64_t buckets_made; /* blocks of buckets that became huge */
    uint64_t nodes_made;   /* and of nodes */
};

/* Memory of STORE is there, and nothing of it was touched that CONFIG does not say. */
void huge_begin(struct store *store, const struct store_config *config);
/* Touch one block, if one lacks and it is time, or give one back. False: there is nothing to do now. */
bool huge_step(struct store *store);
/* Whether huge_step() has something to do at NOW_NS. */
bool huge_is_due(const struct store *store, uint64_t now_ns) MUST_USE;
/* Whether the index must not grow to BUCKETS yet; it may once huge_step() has touched their memory. */
bool huge_index_waits(struct store *store, uint64_t buckets) MUST_USE;
/* It need not grow after all: give back a piece of what was touched for that. True while there was one. */
bool huge_index_relents(struct store *store);
/* Memory that the index has ahead of growing. */
uint64_t huge_index_ahead_bytes(const struct store *store) MUST_USE;
/* On huge pages, as far as is known. */
uint64_t huge_bytes(const struct store *store) MUST_USE;
