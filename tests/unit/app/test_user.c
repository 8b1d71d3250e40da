#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leak.h"
#include "lombard/base/log.h"
#include "user.h"

static struct user user;
static int calls;
static uid_t made_as[2];

static void
setup(void)
{
    log_set_level(LOG_ERROR);
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
    calls = 0;
}

static bool
is_root(void)
{
    return geteuid() == 0;
}

/* Succeeds at the call of number *CTX; 0: never. */
static bool
make(void *ctx)
{
    const int *good = ctx;

    ck_assert_int_lt(calls, 2);
    made_as[calls++] = geteuid();
    errno = EACCES;
    return calls == *good;
}

START_TEST(root_must_say_which_user)
{
    ck_assert_int_eq(user_find(&user, NULL), !is_root());
    ck_assert_int_eq(user_find(&user, "no-such-user"), !is_root());
    ck_assert(user_find(&user, "root"));
    ck_assert(!user.other); /* root on purpose, or nothing to give up */
    ck_assert(user_leave_groups(&user));
    ck_assert(user_become(&user));
}
END_TEST

START_TEST(without_another_user_all_is_made_as_we_are)
{
    int good = 1;

    ck_assert(user_find(&user, "root"));
    ck_assert(user_make(&user, make, &good));
    ck_assert_int_eq(calls, 1);
    ck_assert_uint_eq(made_as[0], geteuid());
}
END_TEST

START_TEST(files_are_made_as_the_user_where_that_works)
{
    int good = 1;

    if (!is_root())
        return;
    ck_assert(user_find(&user, "nobody"));
    ck_assert(user_leave_groups(&user));
    ck_assert(user_make(&user, make, &good));
    ck_assert_int_eq(calls, 1);
    ck_assert_uint_eq(made_as[0], user.uid);
    ck_assert_uint_eq(geteuid(), 0); /* and back */
    ck_assert_uint_eq(getegid(), 0);
}
END_TEST

START_TEST(and_as_root_where_not)
{
    int good = 2;

    if (!is_root())
        return;
    ck_assert(user_find(&user, "nobody"));
    ck_assert(user_make(&user, make, &good));
    ck_assert_int_eq(calls, 2);
    ck_assert_uint_eq(made_as[1], 0);
    calls = 0;
    good = 0;
    ck_assert(!user_make(&user, make, &good));
    ck_assert_int_eq(errno, EACCES);
}
END_TEST

START_TEST(there_is_no_way_back)
{
    const gid_t group = 12345;

    if (!is_root())
        return;
    ck_assert_int_eq(setgroups(1, &group), 0);
    ck_assert(user_find(&user, "nobody"));
    ck_assert(user_leave_groups(&user));
    ck_assert(user_become(&user));
    ck_assert_uint_eq(getuid(), user.uid);
    ck_assert_uint_eq(geteuid(), user.uid);
    ck_assert_uint_eq(getgid(), user.gid);
    ck_assert_int_eq(getgroups(0, NULL), 0);
    ck_assert_int_ne(seteuid(0), 0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("user");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, root_must_say_which_user);
    tcase_add_test(tc, without_another_user_all_is_made_as_we_are);
    tcase_add_test(tc, files_are_made_as_the_user_where_that_works);
    tcase_add_test(tc, and_as_root_where_not);
    tcase_add_test(tc, there_is_no_way_back);
    return leak_run(tc, "app/user");
}
