/* Where connections live: chunks of slots that do not move, and go back when they are empty. */
#include "table.h"

#include <string.h>

#include "conn_state.h"
#include "lombard/base/invariant.h"
#include "lombard/base/sys.h"

enum {
    CHUNK_BYTES = 16 * 1024,
    CHUNK_HEAD_BYTES = 64,
    CHUNK_SLOTS = (CHUNK_BYTES - CHUNK_HEAD_BYTES) / sizeof(struct conn),
};

struct chunk {
    struct list_node node; /* in table->usable while a slot is free */
    uint32_t number;       /* in table->chunks */
    uint32_t taken;
    uint32_t first_free; /* no slot below it is free */
    struct conn slots[CHUNK_SLOTS];
};

struct chunk_entry {
    struct chunk *chunk; /* NULL: it was given back */
    uint64_t before;     /* slots taken in those with a lower number: table_count_before() */
};

_Static_assert(sizeof(struct chunk) <= CHUNK_BYTES, "a chunk is one mapping");
_Static_assert(CHUNK_SLOTS <= UINT16_MAX, "conn.slot holds the number of any slot");

void
table_init(struct conn_table *table)
{
    memset(table, 0, sizeof(*table));
    list_init(&table->usable);
}

void
table_fini(struct conn_table *table)
{
    (void)BROKEN(table->conns != 0);
    sys_free(table->chunks);
}

/* A free number in the array of chunks, which grows when there is none. */
static bool
find_number(struct conn_table *table, uint32_t *number)
{
    uint32_t count = table->chunk_count == 0 ? 16 : table->chunk_count * 2;
    struct chunk_entry *grown;

    for (uint32_t i = 0; i < table->chunk_count; i++) {
        if (table->chunks[i].chunk == NULL) {
            *number = i;
            return true;
        }
    }
    grown = sys_malloc(count * sizeof(*grown));
    if (grown == NULL)
        return false;
    memset(grown, 0, count * sizeof(*grown));
    if (table->chunk_count > 0)
        memcpy(grown, table->chunks, table->chunk_count * sizeof(*grown));
    sys_free(table->chunks);
    *number = table->chunk_count;
    table->chunks = grown;
    table->chunk_count = count;
    return true;
}

static struct chunk *
add_chunk(struct conn_table *table)
{
    struct chunk *chunk;
    uint32_t number;

    if (!find_number(table, &number))
        return NULL;
    chunk = sys_map(CHUNK_BYTES);
    if (chunk == NULL)
        return NULL;
    chunk->number = number;
    table->chunks[number].chunk = chunk;
    table->slots += CHUNK_SLOTS;
    list_push_front(&table->usable, &chunk->node);
    return chunk;
}

struct conn *
table_take(struct conn_table *table)
{
    struct chunk *chunk;
    uint32_t slot;

    if (list_is_empty(&table->usable)) {
        chunk = add_chunk(table);
        if (chunk == NULL)
            return NULL;
    } else {
        chunk = CONTAINER_OF(table->usable.next, struct chunk, node);
    }
    slot = chunk->first_free;
    while (chunk->slots[slot].in_use)
        slot++;
    chunk->first_free = slot + 1;
    chunk->taken++;
    table->conns++;
    if (chunk->taken == CHUNK_SLOTS)
        list_remove(&chunk->node);
    memset(&chunk->slots[slot], 0, sizeof(struct conn));
    chunk->slots[slot].slot = (uint16_t)slot;
    chunk->slots[slot].in_use = true;
    return &chunk->slots[slot];
}

static struct chunk *
chunk_of(struct conn *c)
{
    return CONTAINER_OF(c - c->slot, struct chunk, slots);
}

void
table_give(struct conn_table *table, struct conn *c)
{
    struct chunk *chunk = chunk_of(c);

    if (chunk->taken == CHUNK_SLOTS)
        list_push_front(&table->usable, &chunk->node);
    c->in_use = false;
    chunk->taken--;
    table->conns--;
    if (c->slot < chunk->first_free)
        chunk->first_free = c->slot;
    if (chunk->taken > 0)
        return;
    list_remove(&chunk->node);
    table->chunks[chunk->number].chunk = NULL;
    table->slots -= CHUNK_SLOTS;
    sys_unmap(chunk, CHUNK_BYTES);
}

struct conn *
table_next(const struct conn_table *table, uint64_t *cursor)
{
    return table_search(table, cursor, UINT64_MAX);
}

struct conn *
table_search(const struct conn_table *table, uint64_t *cursor, uint64_t until)
{
    while (*cursor < table_span(table) && *cursor < until) {
        struct chunk *chunk = table->chunks[*cursor / CHUNK_SLOTS].chunk;
        struct conn *c;

        if (chunk == NULL) {
            *cursor += CHUNK_SLOTS - *cursor % CHUNK_SLOTS;
            continue;
        }
        c = &chunk->slots[*cursor % CHUNK_SLOTS];
        (*cursor)++;
        if (c->in_use)
            return c;
    }
    return NULL;
}

void
table_count_before(struct conn_table *table)
{
    uint64_t before = 0;

    for (uint32_t i = 0; i < table->chunk_count; i++) {
        struct chunk_entry *entry = &table->chunks[i];

        entry->before = before;
        before += entry->chunk != NULL ? entry->chunk->taken : 0;
    }
}

uint64_t
table_rank(const struct conn_table *table, uint64_t position)
{
    const struct chunk_entry *entry;
    uint64_t rank;

    if (position >= table_span(table))
        return table->conns;
    entry = &table->chunks[position / CHUNK_SLOTS];
    rank = entry->before;
    for (uint32_t slot = 0; entry->chunk != NULL && slot < position % CHUNK_SLOTS; slot++)
        rank += entry->chunk->slots[slot].in_use;
    return rank;
}

uint64_t
table_position(struct conn *c)
{
    return (uint64_t)chunk_of(c)->number * CHUNK_SLOTS + c->slot;
}

uint64_t
table_span(const struct conn_table *table)
{
    return (uint64_t)table->chunk_count * CHUNK_SLOTS;
}

uint64_t
table_bytes(const struct conn_table *table)
{
    return (uint64_t)(table->slots / CHUNK_SLOTS) * CHUNK_BYTES;
}
