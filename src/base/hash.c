#include "lombard/base/hash.h"

#include <string.h>

#include "lombard/base/attr.h"

static inline uint64_t
rotl(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void
sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 = rotl(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

static inline uint64_t
load_word(const unsigned char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The last 0 to 7 of BYTES at P, little-endian: of eight bytes, where there are as many. */
static inline uint64_t
load_tail(const unsigned char *p, size_t bytes)
{
    size_t tail = bytes & 7;
    uint64_t word = 0;

    if (tail == 0)
        return 0;
    if (bytes >= sizeof(word))
        return load_word(p + bytes - sizeof(word)) >> (64 - 8 * tail);
    for (size_t i = 0; i < tail; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
}

MERGED uint64_t
hash_bytes(const struct hash_key *key, const void *src, size_t bytes)
{
    const unsigned char *p = src;
    const unsigned char *tail = p + (bytes & ~(size_t)7);
    struct sip s = {
        key->k0 ^ UINT64_C(0x736f6d6570736575),
        key->k1 ^ UINT64_C(0x646f72616e646f6d),
        key->k0 ^ UINT64_C(0x6c7967656e657261),
        key->k1 ^ UINT64_C(0x7465646279746573),
    };

    for (; p != tail; p += 8)
        sip_word(&s, load_word(p));
    sip_word(&s, ((uint64_t)bytes << 56) | load_tail(src, bytes));
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
