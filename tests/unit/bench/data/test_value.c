/* Values: every wrong byte is found, in whatever pieces they come. */
#include "data/value.h"
#include "leak.h"
#include "lombard/base/attr.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE_MAX_BYTES = 300000 };

static unsigned char bytes[SIZE_MAX_BYTES];

static const uint32_t sizes[] = {0,    1,     23,    24,    25,     32,    100,
                                 4096, 65521, 65545, 65546, 131072, 300000};

static enum value_verdict
check_cut(uint64_t key, size_t announced, size_t piece)
{
    struct value_check c;

    value_check_init(&c, key, announced);
    for (size_t off = 0; off < announced; off += piece)
        value_check_feed(&c, bytes + off, announced - off < piece ? announced - off : piece);
    ck_assert_uint_eq(c.seen, announced);
    return c.verdict;
}

START_TEST(what_was_written_is_good)
{
    static const size_t pieces[] = {1, 7, 24, 4096, SIZE_MAX_BYTES};
    struct value_id id = {.key = 77, .version = 3, .writer = 9, .bytes = sizes[_i]};
    enum value_verdict want = id.bytes < VALUE_HEAD_BYTES ? VALUE_SHORT_GOOD : VALUE_GOOD;

    value_write(bytes, &id);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        ck_assert_int_eq(check_cut(77, id.bytes, pieces[i]), want);
}
END_TEST

/* The filler by reference is the same as the filler by copy. */
START_TEST(filler_equals_the_copy)
{
    struct value_id id = {.key = 5, .version = 1, .writer = 9, .bytes = sizes[_i]};
    size_t off = VALUE_HEAD_BYTES;

    value_write(bytes, &id);
    while (off < id.bytes) {
        size_t len;
        const unsigned char *p = value_filler(&id, off, &len);

        ck_assert_uint_gt(len, 0);
        ck_assert_mem_eq(p, bytes + off, len);
        off += len;
    }
}
END_TEST

/* Change any byte of a value, and it is found out. */
START_TEST(any_wrong_byte_is_seen)
{
    struct value_id id = {.key = 5, .version = 1, .writer = 9, .bytes = 1000};

    for (size_t off = 0; off < id.bytes; off++) {
        value_write(bytes, &id);
        bytes[off] ^= (unsigned char)(1 << (off % 8));
        ck_assert_int_ne(check_cut(5, id.bytes, id.bytes), VALUE_GOOD);
        ck_assert_int_ne(check_cut(5, id.bytes, 13), VALUE_GOOD);
    }
    for (id.bytes = 1; id.bytes < VALUE_HEAD_BYTES; id.bytes++) {
        value_write(bytes, &id);
        bytes[id.bytes - 1] ^= 0x80;
        ck_assert_int_eq(check_cut(5, id.bytes, 3), VALUE_BAD_FILLER);
    }
}
END_TEST

/* The exact verdicts, and where the first wrong byte was. */
START_TEST(verdicts)
{
    struct value_id id = {.key = 5, .version = 1, .writer = 9, .bytes = 200000};
    struct value_check c;

    value_write(bytes, &id);
    ck_assert_int_eq(check_cut(6, id.bytes, 4096), VALUE_BAD_KEY);
    ck_assert_int_eq(check_cut(5, id.bytes - 1, 4096), VALUE_BAD_LENGTH);
    bytes[12] ^= 1;
    ck_assert_int_eq(check_cut(5, id.bytes, 4096), VALUE_BAD_HEAD);
    bytes[12] ^= 1;
    bytes[150000] ^= 1;
    bytes[160000] ^= 1;
    value_check_init(&c, 5, id.bytes);
    value_check_feed(&c, bytes, id.bytes);
    ck_assert_int_eq(c.verdict, VALUE_BAD_FILLER);
    ck_assert_uint_eq(c.bad_off, 150000);
}
END_TEST

/* What a server with a wrong offset would send: blocks of the value in another order. */
START_TEST(moved_blocks_are_seen)
{
    static const size_t blocks[] = {8, 512, 4096, 16384, 65536};
    struct value_id id = {.key = 5, .version = 1, .writer = 9, .bytes = 262144};
    size_t block = blocks[_i];

    value_write(bytes, &id);
    memmove(bytes + block, bytes + 2 * block, block);
    ck_assert_int_ne(check_cut(5, id.bytes, id.bytes), VALUE_GOOD);
}
END_TEST

START_TEST(short_values_differ_by_key)
{
    struct value_id id = {.key = 5, .version = 1, .writer = 9, .bytes = 16};

    value_write(bytes, &id);
    ck_assert_int_eq(check_cut(6, 16, 16), VALUE_BAD_FILLER);
}
END_TEST

/* A value of the pieces LETTERS, each of 7 bytes, into `bytes`. */
static void
grow(const char *letters)
{
    unsigned char *p = bytes;

    for (; *letters != '\0'; letters++) {
        size_t len;
        const unsigned char *filler;

        *p = (unsigned char)*letters;
        filler = value_piece_filler(5, *p, 1, 6, &len);
        ck_assert_uint_eq(len, 6);
        memcpy(p + 1, filler, len);
        p += 7;
    }
}

START_TEST(values_that_grow)
{
    static const struct {
        const char *letters;
        size_t bytes;
        enum value_verdict want;
    } rows[] = {
        {"B", 7, VALUE_SHORT_GOOD},    {"PPBAAA", 42, VALUE_SHORT_GOOD},
        {"BAP", 21, VALUE_BAD_PIECES}, {"PAB", 21, VALUE_BAD_PIECES},
        {"BB", 14, VALUE_BAD_PIECES},  {"PP", 14, VALUE_BAD_PIECES},
        {"A", 7, VALUE_BAD_PIECES},    {"BX", 14, VALUE_BAD_PIECES},
        {"B", 6, VALUE_BAD_PIECES},    {"", 0, VALUE_BAD_PIECES},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t piece = 1; piece < 16; piece++) {
            struct value_check c;

            grow(rows[i].letters);
            value_check_init_grown(&c, 5, rows[i].bytes, 7);
            for (size_t off = 0; off < rows[i].bytes; off += piece)
                value_check_feed(&c, bytes + off,
                                 rows[i].bytes - off < piece ? rows[i].bytes - off : piece);
            ck_assert_msg(c.verdict == rows[i].want, "%s by %zu", rows[i].letters, piece);
            if (i == 1)
                ck_assert(c.prepends == 2 && c.appends == 3);
        }
    }
}
END_TEST

START_TEST(a_wrong_byte_in_a_piece)
{
    struct value_check c;

    for (size_t off = 0; off < 21; off++) {
        grow("PBA");
        bytes[off] ^= 0x10;
        value_check_init_grown(&c, 5, 21, 7);
        value_check_feed(&c, bytes, 21);
        ck_assert_int_ne(c.verdict, VALUE_SHORT_GOOD);
    }
    grow("PBA");
    value_check_init_grown(&c, 6, 21, 7); /* another key's */
    value_check_feed(&c, bytes, 21);
    ck_assert_int_eq(c.verdict, VALUE_BAD_FILLER);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("value");

    value_init();
    tcase_add_loop_test(tc, what_was_written_is_good, 0, (int)ARRAY_LEN(sizes));
    tcase_add_loop_test(tc, filler_equals_the_copy, 0, (int)ARRAY_LEN(sizes));
    tcase_add_test(tc, any_wrong_byte_is_seen);
    tcase_add_test(tc, verdicts);
    tcase_add_loop_test(tc, moved_blocks_are_seen, 0, 5);
    tcase_add_test(tc, short_values_differ_by_key);
    tcase_add_test(tc, values_that_grow);
    tcase_add_test(tc, a_wrong_byte_in_a_piece);
    return leak_run(tc, "value");
}
