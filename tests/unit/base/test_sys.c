/* Memory that the kernel does not let go of: munmap() and madvise() as it would refuse them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lombard/base/sys.h"
#include "leak.h"

enum { BYTES = 16 * 1024, OTHER_BYTES = 64 * 1024 };

static bool refuse_munmap;
static bool refuse_madvise;
static int munmaps; /* refused ones included */

/* Instead of libc's. */
int
munmap(void *mem, size_t bytes)
{
    munmaps++;
    if (refuse_munmap) {
        errno = ENOMEM;
        return -1;
    }
    return (int)syscall(SYS_munmap, mem, bytes);
}

int
madvise(void *mem, size_t bytes, int advice)
{
    if (refuse_madvise) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_madvise, mem, bytes, advice);
}

static void
setup(void)
{
    refuse_munmap = refuse_madvise = false;
    munmaps = 0;
}

static size_t
zeros(const char *mem, size_t bytes)
{
    size_t count = 0;

    while (count < bytes && mem[count] == 0)
        count++;
    return count;
}

static char *
map_filled(size_t bytes)
{
    char *mem = sys_map(bytes);

    ck_assert_ptr_nonnull(mem);
    ck_assert_uint_eq(zeros(mem, bytes), bytes);
    memset(mem, 'x', bytes);
    return mem;
}

START_TEST(what_stays_mapped_is_used_again)
{
    char *a, *b;

    for (int locked = 0; locked < 2; locked++) {
        a = map_filled(BYTES);
        b = map_filled(BYTES);
        refuse_munmap = true;
        refuse_madvise = locked != 0;
        sys_unmap(a, BYTES);
        sys_unmap(b, BYTES);
        refuse_munmap = refuse_madvise = false;
        ck_assert_ptr_eq(map_filled(BYTES), b);
        ck_assert_ptr_eq(map_filled(BYTES), a);
        sys_unmap(a, BYTES);
        sys_unmap(b, BYTES);
    }
    ck_assert_int_eq(munmaps, 8);
}
END_TEST

START_TEST(sizes_are_kept_apart)
{
    char *a = map_filled(BYTES);
    char *b = map_filled(OTHER_BYTES);
    char *c;

    refuse_munmap = true;
    sys_unmap(a, BYTES);
    sys_unmap(b, OTHER_BYTES);
    refuse_munmap = false;
    c = map_filled(3 * (size_t)BYTES);
    ck_assert_ptr_ne(c, a);
    ck_assert_ptr_ne(c, b);
    ck_assert_ptr_eq(map_filled(OTHER_BYTES), b);
    ck_assert_ptr_eq(map_filled(BYTES), a);
    sys_unmap(a, BYTES);
    sys_unmap(b, OTHER_BYTES);
    sys_unmap(c, 3 * (size_t)BYTES);
}
END_TEST

/* More sizes than are kept: their contents go, nothing else happens. */
START_TEST(many_sizes)
{
    enum { SIZES = 9 };
    char *mem[SIZES];

    for (size_t i = 0; i < SIZES; i++)
        mem[i] = map_filled((i + 1) * BYTES);
    refuse_munmap = true;
    for (size_t i = 0; i < SIZES; i++)
        sys_unmap(mem[i], (i + 1) * BYTES);
    refuse_munmap = false;
    for (size_t i = 0; i < SIZES; i++)
        sys_unmap(map_filled((i + 1) * BYTES), (i + 1) * BYTES);
}
END_TEST

START_TEST(discarded_is_zero)
{
    char *mem = map_filled(BYTES);

    refuse_madvise = true;
    sys_discard(mem, BYTES / 2);
    ck_assert_uint_eq(zeros(mem, BYTES), BYTES / 2);
    sys_unmap(mem, BYTES);
}
END_TEST

/* Of /proc/self/status, in kilobytes. */
static long
locked_kb(void)
{
    char line[256];
    long kb = -1;
    FILE *f = fopen("/proc/self/status", "r");

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof(line), f) != NULL)
        (void)sscanf(line, "VmLck: %ld kB", &kb);
    (void)fclose(f);
    return kb;
}

/* -k, and the cache is in a file: what is discarded is not in memory any more, and stays locked. */
START_TEST(of_a_file_that_is_locked_space_is_given_back)
{
    int fd = memfd_create("locked", MFD_CLOEXEC);
    struct stat status;
    char *mem;

    ck_assert_int_eq(ftruncate(fd, BYTES), 0);
    mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(mem, MAP_FAILED);
    memset(mem, 'x', BYTES);
    for (int locked = 0; locked < 2; locked++) {
        long before;

        if (locked == 1 && syscall(SYS_mlock2, mem, BYTES, 1UL) != 0)
            break; /* no such process here, or valgrind's */
        before = locked_kb();
        sys_discard_file(mem + BYTES / 2, BYTES / 2);
        ck_assert_int_eq(fstat(fd, &status), 0);
        ck_assert_int_eq(status.st_blocks * 512, BYTES / 2);
        ck_assert_int_eq(locked_kb(), before);
        ck_assert_uint_eq(zeros(mem + BYTES / 2, BYTES / 2), BYTES / 2);
        memset(mem, 'x', BYTES);
    }
    refuse_madvise = true;
    sys_discard_file(mem, BYTES / 2);
    ck_assert_uint_eq(zeros(mem, BYTES), BYTES / 2);
    refuse_madvise = false;
    ck_assert_int_eq(syscall(SYS_munmap, mem, BYTES), 0);
    (void)close(fd);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("sys");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, what_stays_mapped_is_used_again);
    tcase_add_test(tc, sizes_are_kept_apart);
    tcase_add_test(tc, many_sizes);
    tcase_add_test(tc, discarded_is_zero);
    tcase_add_test(tc, of_a_file_that_is_locked_space_is_given_back);
    return leak_run(tc, "sys");
}
