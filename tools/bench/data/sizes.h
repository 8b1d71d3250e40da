/*
 * tools/bench/data/sizes.h - how long keys and values are.
 *
 * A size belongs to its key: it is drawn by a hash of the key id, so that a key
 * keeps it from one store to the next, and from one run to the next.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"

enum { SIZES_MAX = 64 };

/* One class: uniform in [min, max], taken with a probability up to `cut` / 2^32. */
struct size_class {
    uint32_t min;
    uint32_t max;
    uint64_t cut;
};

struct sizes {
    uint32_t count;
    uint32_t min; /* over all classes */
    uint32_t max;
    struct size_class classes[SIZES_MAX];
};

/*
 * "100", "100-1000", or a list of these with weights: "100:70,1000-4000:30".
 * A suffix k or m means 1024 or 1024^2. False also when a size is above LIMIT.
 */
bool sizes_parse(const char *text, uint32_t limit, struct sizes *out) MUST_USE;
/* The same from a file with lines "size weight" or "min-max weight"; '#' starts a comment. */
bool sizes_load(const char *path, uint32_t limit, struct sizes *out) MUST_USE;
/* The size for a random word. */
uint32_t sizes_pick(const struct sizes *s, uint64_t word);
/* The mean over all keys. */
double sizes_mean(const struct sizes *s);
/* Back to text, NUL-terminated, cut where BYTES do not suffice. */
void sizes_name(const struct sizes *s, char *dst, uint32_t bytes);
