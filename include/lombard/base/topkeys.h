/*
 * include/lombard/base/topkeys.h - which keys have the greatest share of a stream, recently.
 *
 *     hash -> one of 64 sets of 8 ways: {hash, count, error}, and the key
 *
 * What is counted grows the count of its way. A key without one takes that of the smallest count
 * of its set with a probability of weight / (count + weight), and begins at their sum; what it took
 * over is its error ("Randomized Admission Policy for Efficient Top-k and Frequency Estimation",
 * INFOCOM 2017). Every half-life all counts are halved, so that
 * what was hot once goes. Constant memory, a bounded time for each key. All zero: empty.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/slice.h"

enum {
    TOPKEYS_SETS = 64,
    TOPKEYS_WAYS = 8,
    TOPKEYS = TOPKEYS_SETS * TOPKEYS_WAYS,
    TOPKEYS_KEY_BYTES = 250,
    TOPKEYS_UNIT = 16, /* a weight of 1 counts as much, so that it can be halved */
    TOPKEYS_HALF_LIFE_MS =
        5000, /* long enough for the top 20, short enough for the last second */
};

struct topkeys_set {
    uint64_t hash[TOPKEYS_WAYS]; /* 0: free */
    uint64_t count[TOPKEYS_WAYS];
    uint64_t error[TOPKEYS_WAYS];
    uint64_t draws[TOPKEYS_WAYS]; /* how often it was counted, in TOPKEYS_UNITs */
};

struct topkeys_key {
    uint8_t len;
    char bytes[TOPKEYS_KEY_BYTES];
};

struct topkeys {
    struct topkeys_set sets[TOPKEYS_SETS];
    struct topkeys_key keys[TOPKEYS];
    uint16_t order[TOPKEYS]; /* as topkeys_sort() left them */
    uint64_t total;          /* weight of all that was counted, halved likewise */
    uint64_t random;
    uint64_t span_ms; /* in which that was counted, before aged_ms, halved likewise */
    uint64_t aged_ms;
};

/* Count KEY, of HASH, with WEIGHT, which is not 0. RANDOM: 64 bits. */
void topkeys_add(struct topkeys *top, struct slice key, uint64_t hash, uint64_t weight,
                 uint64_t random);
/* It is NOW_MS: halve what is older than half-lives. First of all, with the time of the beginning. */
void topkeys_age(struct topkeys *top, uint64_t now_ms);
void topkeys_reset(struct topkeys *top, uint64_t now_ms);

/* --- Asking --- */

/* One key; its bytes are those of the table, which may change with the next topkeys_add(). */
struct topkey {
    struct slice key;
    double share;      /* of all weight, 0 to 1 */
    double error;      /* the true share is most probably no farther away than this */
    double per_second; /* of what was counted */
};

/* Sort, for topkeys_at(): how many there are. */
uint32_t topkeys_sort(struct topkeys *top);
/* The key of RANK, from 0; false when there is none (any more). */
bool topkeys_at(const struct topkeys *top, uint32_t rank, uint64_t now_ms,
                struct topkey *key) MUST_USE;
