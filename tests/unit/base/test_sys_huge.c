/* Memory on huge pages: that it is there and usable, whether or not this host has any. */
#include <stdio.h>
#include <string.h>

#include "lombard/base/sys.h"
#include "leak.h"

enum { BYTES = 8 * SYS_HUGE_BYTES };

static char *
reserve(void)
{
    char *mem = sys_reserve(BYTES);

    ck_assert_ptr_nonnull(mem);
    ck_assert_uint_eq((uintptr_t)mem % SYS_HUGE_BYTES, 0);
    ck_assert(sys_allow(mem, BYTES));
    return mem;
}

static void
must_be_zero(const char *mem, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 512)
        ck_assert_int_eq(mem[i], 0);
}

START_TEST(touched_ahead)
{
    char *mem = reserve();

    sys_forbid_huge(mem, BYTES);
    for (size_t off = 0; off < BYTES; off += SYS_HUGE_BYTES) {
        (void)!sys_touch_huge(mem + off, mem, BYTES);
        must_be_zero(mem + off, SYS_HUGE_BYTES);
        memset(mem + off, 'x', SYS_HUGE_BYTES);
    }
    sys_divide_huge(mem + 4096, 4096);
    sys_discard(mem + 4096, 4096);
    must_be_zero(mem + 4096, 4096);
    ck_assert_int_eq(mem[0], 'x');
    ck_assert_int_eq(mem[8192], 'x');
    sys_unreserve(mem, BYTES);
}
END_TEST

/* More than any host sets aside: what was there stays usable. */
START_TEST(explicit_ones_are_refused)
{
    size_t many = (size_t)1 << 42;
    char *mem = sys_reserve(many);

    if (mem == NULL) /* a sanitizer's, or a limit */
        return;
    ck_assert(!sys_take_huge(mem, many));
    memset(mem, 'x', BYTES);
    ck_assert_int_eq(mem[BYTES - 1], 'x');
    sys_unreserve(mem, many);
}
END_TEST

START_TEST(of_a_file)
{
    FILE *file = tmpfile();
    int fd = fileno(file);
    char *mem;

    ck_assert(sys_resize_file(fd, 2 * (uint64_t)BYTES));
    mem = sys_map_file(fd, BYTES, BYTES);
    ck_assert_ptr_nonnull(mem);
    ck_assert_uint_eq((uintptr_t)mem % SYS_HUGE_BYTES, 0);
    (void)!sys_touch_huge_file(mem); /* most have none */
    must_be_zero(mem, SYS_HUGE_BYTES);
    sys_unreserve(mem, BYTES);
    (void)fclose(file);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("sys_huge");

    tcase_add_test(tc, touched_ahead);
    tcase_add_test(tc, explicit_ones_are_refused);
    tcase_add_test(tc, of_a_file);
    return leak_run(tc, "sys_huge");
}
