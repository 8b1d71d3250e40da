/*
 * tools/bench/data/keys.h - the keys of one server: their names, and what was
 * written under each.
 *
 * A name is "k" repeated, then the id in hexadecimal:
 *
 *     kkkkkkkk0001e240      (--key-size 16)
 *
 * For every key we know which versions were sent, which of them the server has
 * acknowledged, and hence which a read may still bring:
 *
 *     oldest <= version read <= issued
 *
 * When a store is acknowledged, whatever had its outcome before that store was sent is gone for
 * good. So a store takes with it the oldest version that was still in flight then, its `base`, and
 * makes that the oldest:
 *
 *     versions:   1 done   2 done   3 in flight   4 done   5 being sent: its base is 3
 *
 * A read remembers the oldest of the moment when it was sent. A key may always be missing. A store whose
 * connection was lost may still be carried out, at any later time: it keeps the oldest of
 * no other store down, but what it wrote is never called stale.
 *
 * Several processes may write the same keys: then all of this lies in memory that they share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/rng.h"
#include "data/sizes.h"
#include "data/together.h"
#include "data/value.h"
#include "lombard/base/attr.h"

enum { KEY_TEXT_MAX = 250 };

struct key_state {
    uint32_t issued;  /* the last version sent; 0: none */
    uint32_t settled; /* how many of them have had an outcome */
    uint32_t low;     /* all up to this one have had theirs, */
    uint32_t above;   /* and of the 32 above it those whose bit is set */
    uint32_t oldest;  /* the oldest that a read sent now may bring; 0: any */
};

/* A store of which it is not known whether it was carried out. */
struct lost_store {
    uint32_t key;
    uint32_t version;
};

enum { KEYS_LOST_MAX = 4096 }; /* further ones keep the oldest version of their keys down */

struct lost_stores {
    uint32_t count;
    struct lost_store list[KEYS_LOST_MAX];
};

struct keys {
    struct key_state *states;
    uint64_t count;
    uint32_t writer;    /* of this run */
    bool shared;        /* others write the same keys meanwhile: their values are never stale */
    bool flagged;       /* items have flags that depend on their key; else all are 0 */
    struct sizes sizes; /* of the names */
    uint64_t seed;      /* of the sizes */
    const uint8_t *lengths;    /* of the names, one by one; or NULL: as the sizes say */
    struct lost_stores *lost;  /* once there is one */
    struct together *together; /* other processes have the same states; or NULL */
    bool borrowed;             /* all of it is another process's */
};

enum keys_verdict {
    KEYS_GOOD,
    KEYS_FOREIGN,       /* written by another run: nothing is known of its version */
    KEYS_STALE,         /* older than what was acknowledged before the read was sent */
    KEYS_NEVER_WRITTEN, /* a version that this run has not sent yet */
};

const char *keys_verdict_name(enum keys_verdict verdict);

/* False when memory is short. */
bool keys_init(struct keys *k, uint64_t count, const struct sizes *sizes,
               uint64_t seed) MUST_USE;
/* Make it at least COUNT keys. False when memory is short. */
bool keys_reserve(struct keys *k, uint64_t count) MUST_USE;
void keys_fini(struct keys *k);
/* Before anything is known: let the children of this process know the same. False when memory is short. */
bool keys_share(struct keys *k) MUST_USE;
/* In a child: what its parent has shared, from now on. */
void keys_join(struct keys *k, const struct keys *parent);
/* How many digits a name of COUNT keys needs at least. */
uint32_t keys_digits(uint64_t count);

/* Write the name at DST (room for KEY_TEXT_MAX); how many bytes. No NUL. */
size_t keys_name(const struct keys *k, uint64_t key, char *dst);
/* How many of the LEN bytes at P are the name of KEY, which they begin with; 0: they do not. */
size_t keys_match(const struct keys *k, uint64_t key, const char *p, size_t len);

/* The flags that it is stored with. */
static inline uint32_t
keys_flags(const struct keys *k, uint64_t key)
{
    return UNLIKELY(k->flagged) ? (uint32_t)(rng_mix(key) >> 32) | 1 : 0;
}

/* A store (or delete) of KEY is about to be sent: its version, and its base. */
static inline uint32_t
keys_issue(struct keys *k, uint64_t key, uint32_t *base)
{
    struct key_state *s = &k->states[key];
    uint32_t version;

    together_lock(k->together, key);
    *base = s->low + 1;
    version = ++s->issued;
    together_unlock(k->together, key);
    return version;
}

/* It has had its outcome. The key is locked. */
static inline void
keys_settle(struct keys *k, uint64_t key, uint32_t version)
{
    struct key_state *s = &k->states[key];
    uint32_t off = version - s->low - 1;

    s->settled++;
    if (LIKELY(s->settled == s->issued)) {
        s->low = s->issued;
        s->above = 0;
        return;
    }
    if (off >= 32)
        return; /* known again once all have had theirs */
    s->above |= UINT32_C(1) << off;
    for (; s->above & 1; s->above >>= 1)
        s->low++;
}

/* It was acknowledged as done. */
static inline void
keys_acknowledge(struct keys *k, uint64_t key, uint32_t version, uint32_t base)
{
    struct key_state *s = &k->states[key];

    together_lock(k->together, key);
    keys_settle(k, key, version);
    if (base > s->oldest)
        s->oldest = base;
    together_unlock(k->together, key);
}

/* It was refused, or never sent. */
static inline void
keys_abandon(struct keys *k, uint64_t key, uint32_t version)
{
    together_lock(k->together, key);
    keys_settle(k, key, version);
    together_unlock(k->together, key);
}

/* It was sent, and its connection lost. */
void keys_lose(struct keys *k, uint64_t key, uint32_t version);

static inline uint32_t
keys_oldest(const struct keys *k, uint64_t key)
{
    return __atomic_load_n(&k->states[key].oldest, __ATOMIC_RELAXED);
}

/* Whether a read sent now that brings the version before the newest acknowledged one would be
 * called stale: no store has overlapped that one. */
static inline bool
keys_is_sharp(const struct keys *k, uint64_t key)
{
    const struct key_state *s = &k->states[key];
    bool sharp;

    together_lock(k->together, key);
    sharp = s->low > 0 && s->oldest == s->low && s->above == 0;
    together_unlock(k->together, key);
    return sharp;
}

/* A sound value came back for a read; OLDEST was the oldest that could come when it was sent. */
enum keys_verdict keys_judge(const struct keys *k, const struct value_id *id, uint32_t oldest);
