#include <string.h>

#include "lombard/base/attr.h"
#include "../../../src/proto/base64_priv.h"
#include "leak.h"

static const struct {
    struct slice bytes;
    struct slice text;
} cases[] = {
    /* RFC 4648, section 10 */
    {{"f", 1}, {"Zg==", 4}},
    {{"fo", 2}, {"Zm8=", 4}},
    {{"foo", 3}, {"Zm9v", 4}},
    {{"foob", 4}, {"Zm9vYg==", 8}},
    {{"fooba", 5}, {"Zm9vYmE=", 8}},
    {{"foobar", 6}, {"Zm9vYmFy", 8}},
    {{"\x00\x10\x83\x10\x51\x87", 6}, {"ABCDEFGH", 8}},
    {{"\xfb\xef\xbe", 3}, {"++++", 4}},
    {{"\xff\xff\xff", 3}, {"////", 4}},
    {{"\0", 1}, {"AA==", 4}},
};

static const char *const bad[] = {
    "",      "A",    "AB",   "ABC",  "A===",  "====",    "=AAA",  "A=AA",     "AA=A",
    "ABCDE", "AA A", "AA-A", "AA_A", "AAA\n", "AAA\x80", "Zm9v=", "Zg==Zg==",
};

START_TEST(encodes_and_decodes)
{
    char out[16];
    size_t bytes = 0;

    ck_assert_uint_eq(base64_encode(out, cases[_i].bytes), cases[_i].text.len);
    ck_assert_mem_eq(out, cases[_i].text.ptr, cases[_i].text.len);
    ck_assert(base64_decode(out, cases[_i].text, &bytes));
    ck_assert_uint_eq(bytes, cases[_i].bytes.len);
    ck_assert_mem_eq(out, cases[_i].bytes.ptr, bytes);
}
END_TEST

START_TEST(refuses_what_is_none)
{
    char out[16];
    size_t bytes = 77;

    ck_assert(!base64_decode(out, slice_make(bad[_i], strlen(bad[_i])), &bytes));
    ck_assert_uint_eq(bytes, 77);
}
END_TEST

/* Two characters of padding leave four bits over, which nobody looks at. */
START_TEST(ignores_bits_left_over)
{
    char out[3];
    size_t bytes;

    ck_assert(base64_decode(out, SLICE("Zh=="), &bytes));
    ck_assert_uint_eq(bytes, 1);
    ck_assert_int_eq(out[0], 'f');
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("base64");

    tcase_add_loop_test(tc, encodes_and_decodes, 0, ARRAY_LEN(cases));
    tcase_add_loop_test(tc, refuses_what_is_none, 0, ARRAY_LEN(bad));
    tcase_add_test(tc, ignores_bits_left_over);
    return leak_run(tc, "proto/base64");
}
