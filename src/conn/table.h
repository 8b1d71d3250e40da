/*
 * src/conn/table.h - where connections live: chunks of fixed slots.
 *
 * A slot costs sizeof(struct conn) and nothing else. Chunks without any
 * connection go back to the kernel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/list.h"

struct conn;
struct chunk_entry;

struct conn_table {
    struct chunk_entry *chunks; /* by number */
    uint32_t chunk_count;       /* length of that array */
    struct list_node usable;    /* chunks with a free slot, fullest history first */
    uint32_t conns;             /* slots taken */
    uint32_t slots;             /* in all chunks */
};

void table_init(struct conn_table *table);
/* No slot may be taken any more. */
void table_fini(struct conn_table *table);

/* A zeroed slot, or NULL when the kernel gives no memory. */
struct conn *table_take(struct conn_table *table) MUST_USE;
void table_give(struct conn_table *table, struct conn *c);

/*
 * Slots that are taken, in order. Begin with *CURSOR 0; NULL at the end. Taking
 * and giving in between is fine. *CURSOR names the slot found, plus one.
 */
struct conn *table_next(const struct conn_table *table, uint64_t *cursor);
/* Likewise, but looks at no slot from UNTIL on; NULL, too, when there is none before it. */
struct conn *table_search(const struct conn_table *table, uint64_t *cursor, uint64_t until);
/*
 * How many slots that are taken there are before POSITION, in time that depends on nothing; table_count_before()
 * must have been called since one was taken or given, which takes as long as there are chunks.
 */
uint64_t table_rank(const struct conn_table *table, uint64_t position);
void table_count_before(struct conn_table *table);
/* Where C is, as a cursor counts: it is found from there on. */
uint64_t table_position(struct conn *c);
/* Memory of all chunks. */
uint64_t table_bytes(const struct conn_table *table);
/* Slots that a cursor can run over: cursors are below or equal to it. */
uint64_t table_span(const struct conn_table *table);
