#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/hash.h"
#include "leak.h"

/*
 * Key 00 01 .. 0f, input 00 01 .. (length - 1). Computed by another program, whose
 * 2-4 variant gives the vector of the paper's appendix A (a129ca6149be45e5).
 */
static const struct {
    size_t bytes;
    uint64_t want;
} vectors[] = {
    {0, UINT64_C(0xabac0158050fc4dc)},   {1, UINT64_C(0xc9f49bf37d57ca93)},
    {2, UINT64_C(0x82cb9b024dc7d44d)},   {3, UINT64_C(0x8bf80ab8e7ddf7fb)},
    {4, UINT64_C(0xcf75576088d38328)},   {5, UINT64_C(0xdef9d52f49533b67)},
    {6, UINT64_C(0xc50d2b50c59f22a7)},   {7, UINT64_C(0xd3927d989bb11140)},
    {8, UINT64_C(0x369095118d299a8e)},   {9, UINT64_C(0x25a48eb36c063de4)},
    {10, UINT64_C(0x79de85ee92ff097f)},  {11, UINT64_C(0x70c118c1f94dc352)},
    {12, UINT64_C(0x78a384b157b4d9a2)},  {13, UINT64_C(0x306f760c1229ffa7)},
    {14, UINT64_C(0x605aa111c0f95d34)},  {15, UINT64_C(0xd320d86d2a519956)},
    {16, UINT64_C(0xcc4fdd1a7d908b66)},  {17, UINT64_C(0x9cf2689063dbd80c)},
    {23, UINT64_C(0x525a0e7fdae6c123)},  {24, UINT64_C(0xf464aeb267349c8c)},
    {31, UINT64_C(0x2370dd1f8c21d1bc)},  {32, UINT64_C(0x81157b6c16a7b60d)},
    {63, UINT64_C(0x9d199062b7bbb3a8)},  {64, UINT64_C(0xf17997ec4b4a6065)},
    {250, UINT64_C(0x4cfb9e1ed3073560)}, {255, UINT64_C(0xf76214e3153c4a15)},
    {256, UINT64_C(0x75b3e64e167de370)},
};

static const struct hash_key counting_key = {
    UINT64_C(0x0706050403020100),
    UINT64_C(0x0f0e0d0c0b0a0908),
};

START_TEST(known_vectors)
{
    unsigned char input[256];

    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (unsigned char)i;
    ck_assert_uint_eq(hash_bytes(&counting_key, input, vectors[_i].bytes), vectors[_i].want);
}
END_TEST

/* hash(b'lombard-key') of CPython 3.11 with PYTHONHASHSEED=0, whose key is all zeros. */
START_TEST(agrees_with_cpython)
{
    const struct hash_key zero = {0, 0};

    ck_assert_uint_eq(hash_bytes(&zero, "lombard-key", 11), UINT64_C(0x50ca454003a76901));
}
END_TEST

START_TEST(alignment_does_not_matter)
{
    unsigned char room[64 + 8];
    uint64_t want;

    memset(room, 0x5a, sizeof(room));
    want = hash_bytes(&counting_key, room, 61);
    for (size_t off = 1; off < 8; off++)
        ck_assert_uint_eq(hash_bytes(&counting_key, room + off, 61), want);
}
END_TEST

START_TEST(every_bit_of_the_key_counts)
{
    uint64_t plain = hash_bytes(&counting_key, "abc", 3);

    for (unsigned bit = 0; bit < 128; bit++) {
        struct hash_key key = counting_key;

        if (bit < 64)
            key.k0 ^= UINT64_C(1) << bit;
        else
            key.k1 ^= UINT64_C(1) << (bit - 64);
        ck_assert_uint_ne(hash_bytes(&key, "abc", 3), plain);
    }
}
END_TEST

/* One input bit changes about half of the output bits. */
START_TEST(input_bits_spread)
{
    unsigned char key[32];
    unsigned flipped = 0;
    uint64_t plain;

    memset(key, 'k', sizeof(key));
    plain = hash_bytes(&counting_key, key, sizeof(key));
    for (unsigned bit = 0; bit < 8 * sizeof(key); bit++) {
        key[bit / 8] ^= (unsigned char)(1U << (bit % 8));
        flipped +=
            (unsigned)__builtin_popcountll(hash_bytes(&counting_key, key, sizeof(key)) ^ plain);
        key[bit / 8] ^= (unsigned char)(1U << (bit % 8));
    }
    ck_assert_uint_gt(flipped, 256 * 30);
    ck_assert_uint_lt(flipped, 256 * 34);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("hash");

    tcase_add_loop_test(tc, known_vectors, 0, (int)ARRAY_LEN(vectors));
    tcase_add_test(tc, agrees_with_cpython);
    tcase_add_test(tc, alignment_does_not_matter);
    tcase_add_test(tc, every_bit_of_the_key_counts);
    tcase_add_test(tc, input_bits_spread);
    return leak_run(tc, "hash");
}
