#include <string.h>

#include "lombard/base/attr.h"
#include "../../../src/proto/request_priv.h"
#include "../../../src/proto/text_priv.h"
#include "leak.h"

#define KEY_250                                                                                \
    "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" \
    "kkkk"                                                                                     \
    "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" \
    "kkkk"                                                                                     \
    "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"

/* Whether it is taken in one pass, and how many bytes of it. */
static const struct {
    const char *text;
    bool quick;
    size_t used;
} rows[] = {
    {"set k 0 0 1\r\nx\r\n", true, 13},
    {"set k 0 0 1\r\n", true, 13},
    {"set k 999999999 999999999 999999999\r\n", true, 37},
    {"set k 007 0 00\r\n", true, 16},
    {"set " KEY_250 " 1 2 3\r\n", true, 262},
    {"set k\x01\xff 0 0 1\r\n", true, 15},
    /* For the other parser: what is wrong, is not all there, or unusual. */
    {"set " KEY_250 "k 1 2 3\r\n", false, 0},
    {"set k 0 0 1\n", false, 0},
    {"set k 0 0 1\r", false, 0},
    {"set k 0 0 1\rx", false, 0},
    {"set k 0 0 1", false, 0},
    {"set k 0 0 \r\n", false, 0},
    {"set k 0 0\r\n", false, 0},
    {"set k 0  1\r\n", false, 0},
    {"set k 0 0 1 \r\n", false, 0},
    {"set k 0 0 1 noreply\r\n", false, 0},
    {"set k 0 -1 1\r\n", false, 0},
    {"set k 0 0 -1\r\n", false, 0},
    {"set k 0 0 +1\r\n", false, 0},
    {"set k 1000000000 0 1\r\n", false, 0},
    {"set k 0 1000000000 1\r\n", false, 0},
    {"set k 0 0 1000000000\r\n", false, 0},
    {"set k 0 0 1x\r\n", false, 0},
    {"set k\t0 0 1\r\n", false, 0},
    {"set  k 0 0 1\r\n", false, 0},
    {"set \r\n", false, 0},
    {"set k\r\n", false, 0},
    {"set", false, 0},
    {"SET k 0 0 1\r\n", false, 0},
    {"add k 0 0 1\r\n", false, 0},
    {"", false, 0},
};

START_TEST(what_is_usual_is_taken)
{
    const char *text = rows[_i].text;
    const char *pos = text;
    struct request req;
    bool quick = text_set_quick(&pos, text + strlen(text), &req);

    ck_assert_msg(quick == rows[_i].quick, "%s", text);
    ck_assert_uint_eq((size_t)(pos - text), rows[_i].used);
}
END_TEST

/* However it is cut, it is taken whole or not at all; and no byte behind it is looked at. */
START_TEST(a_part_is_left_alone)
{
    const char *text = rows[_i].text;
    size_t len = strlen(text);

    for (size_t cut = 0; cut <= len; cut++) {
        char *part = malloc(cut + 1); /* to its last byte, for the sanitizer */
        const char *pos;
        struct request req;

        ck_assert_ptr_nonnull(part);
        memcpy(part, text, cut);
        pos = part;
        ck_assert_int_eq(text_set_quick(&pos, part + cut, &req),
                         rows[_i].quick && cut >= rows[_i].used);
        free(part);
    }
}
END_TEST

/* It means what the parser of all lines says. */
START_TEST(both_parsers_agree)
{
    const char *text = rows[_i].text;
    const char *pos = text;
    struct request quick, slow;

    if (!text_set_quick(&pos, text + strlen(text), &quick))
        return;
    text_line_parse(slice_make(text, (size_t)(pos - text) - 2), &slow);
    ck_assert_int_eq(quick.op, OP_SET);
    ck_assert_int_eq(slow.op, OP_SET);
    ck_assert_uint_eq(quick.flags, slow.flags);
    ck_assert_ptr_eq(quick.key.ptr, slow.key.ptr);
    ck_assert_uint_eq(quick.key.len, slow.key.len);
    ck_assert_uint_eq(quick.client_flags, slow.client_flags);
    ck_assert_int_eq(quick.exptime, slow.exptime);
    ck_assert_uint_eq(quick.value_bytes, slow.value_bytes);
    ck_assert_uint_eq(quick.body_bytes, slow.body_bytes);
    ck_assert_uint_eq(quick.cas, slow.cas);
    ck_assert_uint_eq(quick.new_cas, slow.new_cas);
    ck_assert_uint_eq(quick.value.len, slow.value.len);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("text_set");

    tcase_add_loop_test(tc, what_is_usual_is_taken, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(tc, a_part_is_left_alone, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(tc, both_parsers_agree, 0, ARRAY_LEN(rows));
    return leak_run(tc, "proto/text_set");
}
