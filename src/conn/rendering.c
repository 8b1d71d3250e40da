/* Keeps renderings of all statistics while several connections ask for the same. */
#include "rendering.h"

#include <string.h>

#include "lombard/base/sys.h"

/* A block is a piece of heap that malloc() can put beside others. */
enum { BLOCK_BYTES = 16 * 1024 };

struct rendering_block {
    struct rendering_block *next;
    uint32_t bytes; /* of data, in records that are whole */
    uint32_t open;  /* of the record behind them, which grows; 0: there is none */
    char data[];
};

/* In a block, without padding: copied out before it is looked at. */
struct record {
    struct stat_walk walk; /* behind it */
    uint32_t bytes;
};

enum { DATA_BYTES = BLOCK_BYTES - sizeof(struct rendering_block) };

_Static_assert((int)DATA_BYTES >= (int)(sizeof(struct record) + PROTO_LINE_BYTES_MAX),
               "a record fits");

/* --- Their life --- */

static void
discard(struct rendering *rendering)
{
    struct rendering_block *block = rendering->first;

    while (block != NULL) {
        struct rendering_block *next = block->next;

        sys_free(block);
        block = next;
    }
    memset(rendering, 0, sizeof(*rendering));
}

static bool
is_fresh(const struct rendering *rendering, uint64_t now_ms)
{
    return now_ms - rendering->began_ms < RENDERING_MS;
}

void
renderings_tick(struct renderings *renderings, uint64_t now_ms)
{
    for (int i = 0; i < RENDERINGS_MAX; i++) {
        struct rendering *rendering = &renderings->at[i];

        if (rendering->kind != 0 && rendering->readers == 0 && !is_fresh(rendering, now_ms))
            discard(rendering);
    }
}

void
renderings_fini(struct renderings *renderings)
{
    for (int i = 0; i < RENDERINGS_MAX; i++)
        discard(&renderings->at[i]);
}

/* --- Which one a reader is shown --- */

/* What is known of KIND; NULL: there are too many kinds. */
static struct rendering_kind *
find_kind(struct renderings *renderings, uint32_t kind)
{
    for (int i = 0; i < RENDERING_KINDS; i++) {
        struct rendering_kind *known = &renderings->kinds[i];

        if (known->kind == 0)
            *known = (struct rendering_kind){.kind = kind, .left = RENDERING_BURST};
        if (known->kind == kind)
            return known;
    }
    return NULL;
}

/* Whether one more may be begun; it is counted. */
static bool
may_begin(struct rendering_kind *kind, uint64_t now_ms)
{
    uint64_t more = (now_ms - kind->last_ms) / RENDERING_MS;

    if (more >= RENDERING_BURST - kind->left) {
        kind->left = RENDERING_BURST;
        kind->last_ms = now_ms;
    } else {
        kind->left += (uint32_t)more;
        kind->last_ms += more * RENDERING_MS;
    }
    if (kind->left == 0)
        return false;
    kind->left--;
    return true;
}

/* The last one of KIND that is not too old; NULL: none. */
static struct rendering *
find_last(struct renderings *renderings, uint32_t kind, uint64_t now_ms)
{
    struct rendering *last = NULL;

    for (int i = 0; i < RENDERINGS_MAX; i++) {
        struct rendering *rendering = &renderings->at[i];

        if (rendering->kind == kind && !rendering->given_up && is_fresh(rendering, now_ms) &&
            (last == NULL || rendering->began_ms >= last->began_ms))
            last = rendering;
    }
    return last;
}

/* In the place of one that is not in use, or else of the oldest. NULL: all are being read. */
static struct rendering *
begin(struct renderings *renderings, uint32_t kind, uint64_t now_ms)
{
    struct rendering *found = NULL;

    for (int i = 0; i < RENDERINGS_MAX; i++)
        if (renderings->at[i].readers == 0 &&
            (found == NULL || renderings->at[i].began_ms < found->began_ms))
            found = &renderings->at[i];
    if (found == NULL)
        return NULL;
    discard(found);
    found->kind = kind;
    found->began_ms = now_ms;
    return found;
}

bool
rendering_join(struct renderings *renderings, uint32_t kind, uint64_t now_ms,
               struct rendering_reader *reader)
{
    struct rendering_kind *known = kind == 0 ? NULL : find_kind(renderings, kind);

    bool shared;

    if (known == NULL)
        return false;
    if (!may_begin(known, now_ms))
        reader->of = find_last(renderings, kind, now_ms);
    shared = reader->of != NULL;
    if (!shared)
        reader->of = begin(renderings, kind, now_ms);
    if (reader->of != NULL)
        reader->of->readers++;
    return shared;
}

void
rendering_leave(struct rendering_reader *reader)
{
    if (reader->of != NULL)
        reader->of->readers--;
    *reader = (struct rendering_reader){.of = NULL};
}

/* --- Growing --- */

static bool
add_block(struct rendering *rendering)
{
    struct rendering_block *block;

    if (rendering->bytes + BLOCK_BYTES > RENDERING_BYTES_MAX)
        return false;
    block = sys_malloc(BLOCK_BYTES);
    if (block == NULL)
        return false;
    block->next = NULL;
    block->bytes = block->open = 0;
    if (rendering->last == NULL)
        rendering->first = block;
    else
        rendering->last->next = block;
    rendering->last = block;
    rendering->bytes += BLOCK_BYTES;
    return true;
}

/* The record that grows can be read from now on. */
static void
close_record(struct rendering_block *block)
{
    if (block == NULL)
        return;
    block->bytes += block->open;
    block->open = 0;
}

/* Where LEN bytes more go: into the record that grows, or into another one. NULL: nowhere. */
static char *
space_for(struct rendering *rendering, size_t len)
{
    struct rendering_block *block = rendering->last;
    uint32_t head = sizeof(struct record);

    if (block != NULL && block->open > 0) {
        if (block->open - head + len <= PROTO_LINE_BYTES_MAX &&
            block->bytes + block->open + len <= DATA_BYTES)
            return block->data + block->bytes + block->open;
        close_record(block);
    }
    if (block == NULL || block->bytes + head + len > DATA_BYTES) {
        if (!add_block(rendering))
            return NULL;
        block = rendering->last;
    }
    block->open = head;
    return block->data + block->bytes + head;
}

/* One more piece. */
static enum stat_step
grow(struct rendering *rendering, const struct rendering_source *source)
{
    static char piece[PROTO_LINE_BYTES_MAX];
    struct stat_walk walk = rendering->walk;
    size_t len = 0;
    enum stat_step step =
        source->proto->registry_piece(source->req, source->registry, &walk, piece, &len);
    struct rendering_block *block;
    struct record record;
    char *space;

    if (step == STAT_END) {
        close_record(rendering->last);
        rendering->complete = true;
        return STAT_FOUND;
    }
    space = space_for(rendering, len);
    if (space == NULL) {
        rendering->given_up = true;
        return STAT_FOUND;
    }
    memcpy(space, piece, len);
    block = rendering->last;
    block->open += (uint32_t)len;
    rendering->walk = walk;
    record = (struct record){walk, block->open - (uint32_t)sizeof(record)};
    memcpy(block->data + block->bytes, &record, sizeof(record));
    return step;
}

/* --- Reading --- */

/* Whether READER has a record before it, in a block that it moves to. */
static bool
has_record(struct rendering_reader *reader)
{
    struct rendering_block *next =
        reader->block == NULL ? reader->of->first : reader->block->next;

    if (reader->block != NULL && reader->off < reader->block->bytes)
        return true;
    if (next == NULL || next->bytes == 0)
        return false;
    reader->block = next;
    reader->off = 0;
    return true;
}

static void
read_record(struct rendering_reader *reader, struct stat_walk *walk, char *dst, size_t *len)
{
    const char *at = reader->block->data + reader->off;
    struct record record;

    memcpy(&record, at, sizeof(record));
    memcpy(dst, at + sizeof(record), record.bytes);
    *walk = record.walk;
    *len = record.bytes;
    reader->off += (uint32_t)sizeof(record) + record.bytes;
}

enum stat_step
rendering_piece(struct rendering_reader *reader, const struct rendering_source *source,
                struct stat_walk *walk, char *dst, size_t *len)
{
    *len = 0;
    if (reader->of != NULL && has_record(reader)) {
        read_record(reader, walk, dst, len);
        return STAT_FOUND;
    }
    if (reader->of != NULL && reader->of->given_up)
        rendering_leave(reader);
    if (reader->of == NULL)
        return source->proto->registry_piece(source->req, source->registry, walk, dst, len);
    if (reader->of->complete)
        return STAT_END;
    return grow(reader->of, source);
}
