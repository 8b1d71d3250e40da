/* A checksum of memory, in words of the host's own order. */
#include "lombard/base/checksum.h"

#include <string.h>

enum { LANES = 4, WORD_BYTES = 8, ROUND_BYTES = LANES * WORD_BYTES, TURN_BITS = 29 };
#define ODD UINT64_C(0x9e3779b97f4a7c15)

/* No word is lost: for a given lane each other word gives another one, and the reverse. */
static inline uint64_t
mix(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * ODD;
    return lane << TURN_BITS | lane >> (64 - TURN_BITS);
}

uint64_t
checksum_add(uint64_t sum, const void *src, size_t bytes)
{
    const char *p = src;
    uint64_t lanes[LANES] = {sum, sum + 1, sum + 2, sum + 3};
    uint64_t words[LANES];
    size_t left = bytes;

    for (; left >= ROUND_BYTES; left -= ROUND_BYTES, p += ROUND_BYTES) {
        memcpy(words, p, sizeof(words));
        for (int i = 0; i < LANES; i++)
            lanes[i] = mix(lanes[i], words[i]);
    }
    memset(words, 0, sizeof(words));
    memcpy(words, p, left);
    for (int i = 0; i < LANES; i++)
        lanes[i] = mix(lanes[i], words[i]);
    sum = mix(sum, bytes);
    for (int i = 0; i < LANES; i++)
        sum = mix(sum, lanes[i]);
    return sum ^ sum >> 32;
}
