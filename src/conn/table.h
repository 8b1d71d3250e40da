/*
 * src/conn/table.h - where connections live: chunks of fixed places.
 *
 * A place costs sizeof(struct conn) and nothing else. Chunks without any
 * connection go back to the kernel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/list.h"

struct conn;
struct chunk;

struct conn_table {
    struct chunk **chunks;   /* by number; NULL where one was given back */
    uint32_t chunk_count;    /* length of that array */
    struct list_node usable; /* chunks with a free place, fullest history first */
    uint32_t conns;          /* places taken */
    uint32_t places;         /* in all chunks */
};

void table_init(struct conn_table *table);
/* BUG if a place is still taken. */
void table_fini(struct conn_table *table);

/* A zeroed place, or NULL when the kernel gives no memory. */
struct conn *table_take(struct conn_table *table) MUST_USE;
void table_give(struct conn_table *table, struct conn *c);

/*
 * Places that are taken, in order. Begin with *CURSOR 0; NULL at the end. Taking
 * and giving in between is fine. *CURSOR names the place found, plus one.
 */
struct conn *table_next(const struct conn_table *table, uint64_t *cursor);
/* Places that a cursor can run over: cursors are below or equal to it. */
uint64_t table_span(const struct conn_table *table);
