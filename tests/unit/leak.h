/*
 * tests/unit/leak.h - every unit test leaves as many descriptors as it found.
 *
 * Memory is watched by the sanitizer builds; loans and pins are the business of
 * the test of the room that lends them.
 *
 *     TCase *tc = leak_tcase("num");     instead of tcase_create()
 */
#pragma once

#include <check.h>
#include <dirent.h>
#include <stddef.h>

enum { TEST_TIMEOUT_S = 60 }; /* of a test that hangs; a busy machine may take its time */

static int leak_fds_before;

static inline int
leak_count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count;
}

static inline void
leak_setup(void)
{
    leak_fds_before = leak_count_fds();
}

static inline void
leak_teardown(void)
{
    ck_assert_int_eq(leak_count_fds(), leak_fds_before);
}

/* A test case whose every test is checked for descriptors that it leaves open. */
static inline TCase *
leak_tcase(const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, leak_setup, leak_teardown);
    tcase_set_timeout(tc, TEST_TIMEOUT_S);
    return tc;
}

/* Run a suite of one test case and say whether all went well: for main(). */
static inline int
leak_run(TCase *tc, const char *name)
{
    Suite *suite = suite_create(name);
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
