/*
 * tests/sim/model.h - what a client knows about the keys that it alone writes.
 *
 * The model is exact where it can be: it holds every byte, and every mark that
 * the meta commands show. Where the network or time leave two outcomes open (an
 * expiry in the very second, a flush by another client, an eviction, a command
 * whose reply was lost), an item is MAYBE there, and the reply that comes decides.
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

/* Seconds of the world between which something lies. */
struct seconds {
    uint64_t lo;
    uint64_t hi;
};

struct model_item {
    enum presence presence;
    char *value;
    size_t bytes;
    uint32_t client_flags;
    bool cas_known;
    uint64_t cas;       /* while it is known */
    uint64_t cas_above; /* else it is more than this */
    bool expires;
    struct seconds gone_s;   /* in the first it may be gone; from the last on it surely is */
    struct seconds access_s; /* of the last access */
    uint64_t flushes_before; /* done before it was stored, or last seen */
    bool fetched;
    bool stale; /* meta: invalidated, still served */
    bool token; /* meta: somebody is to recache it */
};

/* When a command was executed: somewhere between these. */
struct moment {
    uint64_t from_ns;        /* it was sent */
    uint64_t to_ns;          /* it was answered */
    uint64_t flushes_before; /* flushes_done when it was sent */
};

/* What a store command brings. VALUE becomes the item's own. */
struct model_value {
    char *value;
    size_t bytes;
    uint32_t client_flags;
    int64_t exptime;
};

struct seconds moment_s(const struct moment *when);

void item_clear(struct model_item *item);
/* ABSENT, PRESENT, MAYBE or UNKNOWN for a command executed at this moment. */
enum presence item_presence(const struct model_item *item, const struct world_facts *facts,
                            const struct moment *when);
/* A reply showed that it is there, or is not. */
void item_seen(struct model_item *item, const struct moment *when);
void item_gone(struct model_item *item);
/* It was read: afterwards it has been fetched. */
void item_accessed(struct model_item *item, const struct moment *when);

void item_store(struct model_item *item, struct world_facts *facts, const struct moment *when,
                struct model_value *value);
/* append (or prepend) of BYTES at MORE. */
void item_extend(struct model_item *item, struct world_facts *facts, const struct moment *when,
                 const struct model_value *more, bool in_front);
/* Another value and nothing else: md x. */
void item_empty(struct model_item *item, const struct moment *when);
/* Whether the value is a number, as incr has it. */
bool item_is_number(const struct model_item *item, uint64_t *number);
/* incr or decr of one that is. */
void item_set_number(struct model_item *item, const struct moment *when, uint64_t number);
void item_touch(struct model_item *item, const struct moment *when, int64_t exptime);
/* Seconds that it has left at that moment; -1 where there is no end. */
bool item_ttl_can_be(const struct model_item *item, const struct moment *when, int64_t ttl_s);
/* It has a new CAS above ABOVE, or this very one. */
void item_cas_drawn(struct model_item *item, uint64_t above);
void item_cas_is(struct model_item *item, uint64_t cas);
