/*
 * tests/search/store_search_priv.h - the world that store_search.c goes through.
 *
 * A world is a store and what is known of it: the last version of each key, what is
 * pinned, the uploads that were begun. It can be saved and restored as a whole,
 * because everything stays where it is mapped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/store/store.h"

/* Stop the search: the world does not keep to WHAT. */
void violated(const char *what);
/* How that is reported; to be set before the first world. */
void violated_report_by(void (*print)(const char *what));

#define REQUIRE(cond)                                                                          \
    do {                                                                                       \
        if (!(cond))                                                                           \
            violated(#cond);                                                                   \
    } while (0)

enum { KEYS_MAX = 9, HELD_MAX = 2 };

/* Kinds of operations that a scope has. */
enum {
    DO_TOUCH = 1 << 0,
    DO_REWRITE = 1 << 1, /* as append does: hold the old one, reserve, copy, commit */
    DO_DELETE = 1 << 2,
    DO_GET = 1 << 3,
    DO_FLUSH = 1 << 4,
    DO_TIME = 1 << 5,
    DO_TICK = 1 << 6,
    DO_LIMIT = 1 << 7,
};

struct scope {
    const char *name;
    bool evict;
    bool deepen;   /* search depth 1, 2, ...: the path found is a shortest one */
    unsigned segs; /* that the limit leaves for items, without the index */
    unsigned pins; /* that may be held at the same time */
    unsigned uploads;
    unsigned kinds; /* DO_* */
    unsigned depth;
    uint32_t values[KEYS_MAX]; /* bytes of each key's value; 0: no such key */
    const char *begin;         /* keys that are stored first, as digits */
};

extern const struct scope scopes[];
extern uint64_t world_waits; /* how often an upload was told to ask again */

struct entry {
    bool present;
    uint8_t version;
    uint32_t expires_s;
};

struct held {
    void *handle; /* or NULL */
    uint8_t key;
    uint8_t version;
    uint32_t filled; /* of an upload */
    bool waits;      /* until the store has more memory for it */
};

struct world {
    const struct scope *scope;
    struct store *store;
    uint64_t limit_bytes; /* the first one */
    uint32_t now_s;
    uint8_t version; /* the last one given out */
    struct entry entries[KEYS_MAX];
    struct held pins[HELD_MAX];
    struct held uploads[HELD_MAX];
    struct place places[KEYS_MAX]; /* of each key, before the last operation */
};

struct snapshot;

void world_open(struct world *w, const struct scope *scope);
void world_close(struct world *w);
size_t world_snapshot_bytes(const struct world *w);
void world_save(const struct world *w, struct snapshot *to);
void world_restore(struct world *w, const struct snapshot *from);

unsigned world_op_count(void);
const char *world_op_name(unsigned op);
/* False when OP means nothing now; then nothing changed. */
bool world_do(struct world *w, unsigned op);

/* store_check.c: every invariant. */
void world_check(struct world *w);
/* store_hash.c: the same for states that are to be taken as one. */
uint64_t world_hash(const struct world *w);

/* --- Between the files --- */

char world_byte(unsigned key, unsigned version, uint64_t off);
struct slice world_key(unsigned key);
