/*
 * src/conn/rendering.h - what was rendered of all statistics, for all connections that ask for the same.
 *
 *     task -> reader -> rendering -> blocks of records: bytes, and where the walk is behind them
 *
 * A rendering takes the thread as long as a hundred requests do. So of each kind (proto.h) no more are
 * begun than RENDERING_BURST in a row, and then one in RENDERING_MS: who asks meanwhile is shown the last
 * one, which is that old at most. Readers have their own pace. One that comes to the end of what there is
 * makes the next piece, for all of them: none waits for another's peer. Where memory is short, or
 * RENDERINGS_MAX are still being read, a reader renders for itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/stats.h"
#include "lombard/proto/proto.h"

enum {
    RENDERINGS_MAX = 8, /* the last ones, and those that are still being read */
    RENDERING_BYTES_MAX = 256 * 1024,
    RENDERING_KINDS =
        8, /* of which it is known how many were begun; of others, each is its own */
    RENDERING_BURST = 4,
    RENDERING_MS = 100,
};

struct rendering_block;

struct rendering {
    uint32_t kind; /* 0: not in use */
    uint32_t readers;
    uint64_t began_ms;
    uint32_t bytes; /* in all blocks */
    bool complete;  /* there is nothing more to render */
    bool given_up;  /* or it may not grow: its readers go on by themselves */
    struct stat_walk walk;
    struct rendering_block *first, *last;
};

struct rendering_kind {
    uint32_t kind;
    uint32_t left;    /* that may be begun now */
    uint64_t last_ms; /* when that was counted last */
};

/* All zero: empty. */
struct renderings {
    struct rendering at[RENDERINGS_MAX];
    struct rendering_kind kinds[RENDERING_KINDS];
};

/* Where a task is in it; all zero: it renders for itself. */
struct rendering_reader {
    struct rendering *of;
    struct rendering_block *block; /* NULL: before the first one */
    uint32_t off;                  /* of the next record */
};

/* Whose statistics, and how. */
struct rendering_source {
    const struct proto_ops *proto;
    const struct request *req;
    const struct stat_registry *registry;
};

/* No reader may be left. */
void renderings_fini(struct renderings *renderings);
/* Once a tick: what nobody will be shown is freed. */
void renderings_tick(struct renderings *renderings, uint64_t now_ms);

/*
 * READER, all zero, asks at NOW_MS for what is of KIND; 0: for what no other one asks for. True: it is
 * shown what was begun for another one.
 */
bool rendering_join(struct renderings *renderings, uint32_t kind, uint64_t now_ms,
                    struct rendering_reader *reader);
void rendering_leave(struct rendering_reader *reader);
/*
 * As struct proto_ops's registry_piece: what comes next, and *WALK is behind it; so a reader can go on
 * without its rendering at any time.
 */
enum stat_step rendering_piece(struct rendering_reader *reader,
                               const struct rendering_source *source, struct stat_walk *walk,
                               char *dst, size_t *len) MUST_USE;
