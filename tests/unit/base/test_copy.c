/* Copies of all alignments and lengths around those that are streamed; the bytes around them stay. */
#include "lombard/base/copy.h"

#include "lombard/base/attr.h"
#include "leak.h"

enum { AROUND = 64, LONGEST = COPY_STREAM_MIN + 300 };

static const size_t lengths[] = {
    0,
    1,
    63,
    COPY_STREAM_MIN - 1,
    COPY_STREAM_MIN,
    COPY_STREAM_MIN + 1,
    COPY_STREAM_MIN + 63,
    LONGEST,
};

START_TEST(all_bytes_are_copied_and_no_others)
{
    static char from[LONGEST + AROUND];
    static char to[LONGEST + 3 * AROUND];
    size_t len = lengths[_i];

    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (char)(i * 7 + i / 251);
    for (size_t src = 0; src < AROUND; src += 13) {
        for (size_t dst = AROUND; dst < (size_t)2 * AROUND; dst++) {
            memset(to, '!', sizeof(to));
            copy_to_store(to + dst, from + src, len);
            ck_assert_int_eq(memcmp(to + dst, from + src, len), 0);
            for (size_t i = 0; i < AROUND; i++) {
                ck_assert_int_eq(to[dst - 1 - i], '!');
                ck_assert_int_eq(to[dst + len + i], '!');
            }
        }
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("copy");

    tcase_add_loop_test(tc, all_bytes_are_copied_and_no_others, 0, (int)ARRAY_LEN(lengths));
    return leak_run(tc, "copy");
}
