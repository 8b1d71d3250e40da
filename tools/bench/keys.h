/*
 * tools/bench/keys.h - the keys of one server: their names, and what was
 * written under each.
 *
 * A name is "k" repeated, then the id in hexadecimal:
 *
 *     kkkkkkkk0001e240      (--key-size 16)
 *
 * For every key we know which versions were sent, which of them the server has
 * acknowledged, and hence which a read may still bring:
 *
 *     floor <= version read <= issued
 *
 * A store that was sent while no other store of that key was in flight raises
 * the floor when it is acknowledged: whatever was older is gone for good. A
 * read keeps the floor of the moment it was sent. A key may always be missing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "sizes.h"
#include "value.h"

enum { KEY_TEXT_MAX = 250 };

struct key_state {
    uint32_t issued;  /* the last version sent; 0: none */
    uint32_t settled; /* how many of them have had an outcome */
    uint32_t floor;   /* the oldest that a read sent now may bring; 0: any */
};

struct keys {
    struct key_state *states;
    uint64_t count;
    uint32_t writer;    /* of this run */
    struct sizes sizes; /* of the names */
    uint64_t seed;      /* of the sizes */
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
/* How many digits a name of COUNT keys needs at least. */
uint32_t keys_digits(uint64_t count);

/* Write the name at DST (room for KEY_TEXT_MAX); how many bytes. No NUL. */
size_t keys_name(const struct keys *k, uint64_t key, char *dst);
/* How many of the LEN bytes at P are the name of KEY, which they begin with; 0: they do not. */
size_t keys_match(const struct keys *k, uint64_t key, const char *p, size_t len);

/* A store (or delete) of KEY is about to be sent: its version. *ALONE says whether it may
 * raise the floor when acknowledged. */
static inline uint32_t
keys_issue(struct keys *k, uint64_t key, bool *alone)
{
    struct key_state *s = &k->states[key];

    *alone = s->issued == s->settled;
    return ++s->issued;
}

/* It was acknowledged as done. */
static inline void
keys_acknowledge(struct keys *k, uint64_t key, uint32_t version, bool alone)
{
    struct key_state *s = &k->states[key];

    s->settled++;
    if (alone && version > s->floor)
        s->floor = version;
}

/* It was refused, or nobody knows (the connection was lost). */
static inline void
keys_abandon(struct keys *k, uint64_t key)
{
    k->states[key].settled++;
}

static inline uint32_t
keys_floor(const struct keys *k, uint64_t key)
{
    return k->states[key].floor;
}

/* A sound value came back for a read that was sent when the floor was FLOOR. */
enum keys_verdict keys_judge(const struct keys *k, const struct value_id *id, uint32_t floor);
