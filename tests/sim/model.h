/*
 * tests/sim/model.h - what a client knows about the keys that it alone writes.
 *
 * The model is exact where it can be: it holds every byte. Where the network or
 * time leave two outcomes open (an expiry in the very second, a flush by another
 * client, an eviction, a command whose reply was lost), an item is MAYBE there,
 * and the reply that comes decides.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

enum presence {
    ABSENT,
    PRESENT,
    MAYBE,   /* there with exactly this value, or not there */
    UNKNOWN, /* there with some value, or not there */
};

/* What all clients of a world share. */
struct world_facts {
    uint64_t flushes_sent; /* flush_all commands */
    uint64_t flushes_done; /* of these, answered */
    bool evictable;        /* so much was stored that anything may be gone */
    bool memory_faults;    /* storing may fail */
    uint64_t stored_bytes;
    uint64_t evictable_above; /* stored_bytes */
};

struct model_item {
    enum presence presence;
    char *value;
    size_t bytes;
    uint32_t client_flags;
    bool cas_known;
    uint64_t cas; /* last seen; every later one is another */
    bool expires;
    uint64_t exp_lo_s;       /* it is surely there before this second */
    uint64_t exp_hi_s;       /* and surely gone from this one on */
    uint64_t flushes_before; /* done before it was stored, or last seen */
};

/* When a command was executed: somewhere between these. */
struct moment {
    uint64_t from_ns;        /* it was sent */
    uint64_t to_ns;          /* it was answered */
    uint64_t flushes_before; /* flushes_done when it was sent */
};

void item_clear(struct model_item *item);
/* ABSENT, PRESENT, MAYBE or UNKNOWN for a command executed at this moment. */
enum presence item_presence(const struct model_item *item, const struct world_facts *facts,
                            const struct moment *when);
/* A reply showed that it is there, or is not. */
void item_seen(struct model_item *item, const struct moment *when);
void item_gone(struct model_item *item);

/* VALUE becomes the item's own. */
void item_store(struct model_item *item, struct world_facts *facts, const struct moment *when,
                char *value, size_t bytes, uint32_t client_flags, int64_t exptime);
/* append (or prepend) of BYTES at MORE. */
void item_extend(struct model_item *item, struct world_facts *facts, const char *more,
                 size_t bytes, bool in_front);
/* incr or decr: false when the value is no number. */
bool item_add(struct model_item *item, uint64_t delta, bool decr, uint64_t *result);
void item_touch(struct model_item *item, const struct moment *when, int64_t exptime);
