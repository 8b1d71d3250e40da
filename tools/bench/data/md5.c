/* Computes MD5 digests of short texts. */
#include "data/md5.h"

#include <endian.h>
#include <string.h>

#include "lombard/base/attr.h"

enum { BLOCK_BYTES = 64, TEXT_MAX = 1000 };

static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613,
    0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193,
    0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d,
    0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
    0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122,
    0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
    0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244,
    0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
    0xeb86d391};

static const unsigned char turns[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

/* What is mixed in step I, and which word of the block with it. */
static uint32_t
mix(int i, const uint32_t s[4], uint32_t *word)
{
    uint32_t b = s[1];
    uint32_t c = s[2];
    uint32_t d = s[3];
    uint32_t n = (uint32_t)i;

    switch (i / 16) {
    case 0: *word = n; return (b & c) | (~b & d);
    case 1: *word = (5 * n + 1) % 16; return (d & b) | (~d & c);
    case 2: *word = (3 * n + 5) % 16; return b ^ c ^ d;
    default: *word = 7 * n % 16; return c ^ (b | ~d);
    }
}

static void
add_block(uint32_t state[4], const unsigned char *p)
{
    uint32_t s[4];
    uint32_t words[16];

    memcpy(words, p, sizeof(words));
    memcpy(s, state, sizeof(s));
    for (int i = 0; i < 64; i++) {
        unsigned turn = turns[i / 16][i % 4];
        uint32_t word;
        uint32_t sum = mix(i, s, &word);

        sum += s[0] + sines[i] + le32toh(words[word]);
        s[0] = s[3];
        s[3] = s[2];
        s[2] = s[1];
        s[1] += sum << turn | sum >> (32 - turn);
    }
    for (int i = 0; i < 4; i++)
        state[i] += s[i];
}

void
md5(const void *p, size_t len, unsigned char digest[16])
{
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    unsigned char text[TEXT_MAX + 2 * BLOCK_BYTES] = {0};
    size_t padded = (len + 8) / BLOCK_BYTES * BLOCK_BYTES + BLOCK_BYTES;
    uint64_t bits = htole64(8 * (uint64_t)len);

    BUG_ON(len > TEXT_MAX);
    memcpy(text, p, len);
    text[len] = 0x80;
    memcpy(text + padded - 8, &bits, sizeof(bits));
    for (size_t off = 0; off < padded; off += BLOCK_BYTES)
        add_block(state, text + off);
    for (int i = 0; i < 4; i++) {
        state[i] = htole32(state[i]);
        memcpy(digest + 4 * (size_t)i, &state[i], 4);
    }
}
