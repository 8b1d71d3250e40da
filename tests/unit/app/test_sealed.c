#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leak.h"
#include "sealed.h"

START_TEST(copies_are_equal_and_aligned)
{
    char text[] = "a";
    const char *first = sealed_text(text), *second = sealed_text("bcd");
    const uint64_t number = 42;
    const uint64_t *copy = sealed_copy(&number, sizeof(number));

    ck_assert_str_eq(first, "a");
    ck_assert_ptr_ne(first, text);
    ck_assert_str_eq(second, "bcd");
    ck_assert_uint_eq((uintptr_t)copy % _Alignof(max_align_t), 0);
    ck_assert_uint_eq(*copy, 42);
}
END_TEST

START_TEST(paths_are_from_the_root)
{
    char here[PATH_MAX], want[PATH_MAX + 8], long_path[PATH_MAX + 8];

    ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
    (void)snprintf(want, sizeof(want), "%s/a/b", here);
    ck_assert_str_eq(sealed_path("a/b"), want);
    ck_assert_str_eq(sealed_path("/a/b"), "/a/b");
    memset(long_path, 'x', sizeof(long_path));
    long_path[sizeof(long_path) - 1] = '\0';
    ck_assert_ptr_null(sealed_path(long_path));
    ck_assert_int_eq(errno, ENAMETOOLONG);
}
END_TEST

START_TEST(there_is_an_end)
{
    static char large[SEALED_BYTES];

    ck_assert_ptr_nonnull(sealed_text("first"));
    ck_assert_ptr_null(sealed_copy(large, sizeof(large)));
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_ptr_nonnull(sealed_copy(large, sizeof(large) - 16));
    ck_assert_ptr_null(sealed_text(""));
}
END_TEST

START_TEST(nothing_to_close_is_no_error)
{
    ck_assert(sealed_close());
    ck_assert_ptr_null(sealed_text("late"));
    ck_assert_int_eq(errno, EPERM);
}
END_TEST

/* A write ends the process; reading goes on. */
START_TEST(what_is_closed_cannot_be_written)
{
    const char *text = sealed_text("x");
    char *writable = NULL;
    int status;
    pid_t child;

    ck_assert(sealed_close());
    ck_assert_str_eq(text, "x");
    memcpy(&writable, &text, sizeof(writable));
    child = fork();
    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL); /* whatever a sanitizer makes of it */
        *(volatile char *)writable = 'y';
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    ck_assert_ptr_null(sealed_text("late"));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("sealed");

    tcase_add_test(tc, copies_are_equal_and_aligned);
    tcase_add_test(tc, paths_are_from_the_root);
    tcase_add_test(tc, there_is_an_end);
    tcase_add_test(tc, nothing_to_close_is_no_error);
    tcase_add_test(tc, what_is_closed_cannot_be_written);
    return leak_run(tc, "app/sealed");
}
