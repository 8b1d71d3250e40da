/* -k: what is locked, and when nothing is. The limit, and mlockall(), are this test's. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "host.h"
#include "leak.h"
#include "lombard/base/log.h"

enum { MLOCKALL_FLAGS = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT };

static struct rlimit limit;
static bool may_raise;
static int locks, lock_flags, lock_error;
static struct config config;

/* Instead of libc's. */
int
getrlimit(__rlimit_resource_t resource, struct rlimit *now)
{
    ck_assert_int_eq((int)resource, RLIMIT_MEMLOCK);
    *now = limit;
    return 0;
}

int
setrlimit(__rlimit_resource_t resource, const struct rlimit *wanted)
{
    ck_assert_int_eq((int)resource, RLIMIT_MEMLOCK);
    if (wanted->rlim_max > limit.rlim_max && !may_raise) {
        errno = EPERM;
        return -1;
    }
    limit = *wanted;
    return 0;
}

int
mlockall(int flags)
{
    locks++;
    lock_flags = flags;
    errno = lock_error;
    return lock_error == 0 ? 0 : -1;
}

static void
setup(void)
{
    log_set_level(LOG_ERROR);
    locks = lock_flags = lock_error = 0;
    may_raise = false;
    config = (struct config){.lock_memory = true};
    config.store.limit_bytes = 64 << 20;
    config.server.buffer_bytes = 16 << 20;
}

/* 64 MB with what may be mapped besides, buffers, and the program's own 64 MB. */
enum { ENOUGH_BYTES = (64 + 32 + 16 + 64) << 20 };

static void
prepare(rlim_t soft, rlim_t hard, bool locked)
{
    limit = (struct rlimit){soft, hard};
    host_prepare(&config);
    ck_assert_int_eq(config.lock_memory, locked);
}

START_TEST(not_asked_for)
{
    config.lock_memory = false;
    prepare(RLIM_INFINITY, RLIM_INFINITY, false);
    ck_assert_int_eq(locks, 0);
}
END_TEST

/* Page by page, as they are touched; and what is mapped later, too. */
START_TEST(without_limit)
{
    prepare(RLIM_INFINITY, RLIM_INFINITY, true);
    ck_assert_int_eq(locks, 1);
    ck_assert_int_eq(lock_flags, MLOCKALL_FLAGS);
}
END_TEST

START_TEST(the_limit_is_raised)
{
    may_raise = true;
    prepare(64 << 10, 64 << 10, true);
    ck_assert(limit.rlim_cur == RLIM_INFINITY);
}
END_TEST

START_TEST(up_to_the_hard_one)
{
    prepare(64 << 10, ENOUGH_BYTES, true);
    ck_assert(limit.rlim_cur == ENOUGH_BYTES);
}
END_TEST

/* Else memory would be refused later. */
START_TEST(too_low_a_limit)
{
    prepare(64 << 10, ENOUGH_BYTES - 1, false);
    ck_assert_int_eq(locks, 0);
}
END_TEST

START_TEST(refused)
{
    lock_error = ENOMEM;
    prepare(RLIM_INFINITY, RLIM_INFINITY, false);
    ck_assert_int_eq(locks, 1);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("host");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, not_asked_for);
    tcase_add_test(tc, without_limit);
    tcase_add_test(tc, the_limit_is_raised);
    tcase_add_test(tc, up_to_the_hard_one);
    tcase_add_test(tc, too_low_a_limit);
    tcase_add_test(tc, refused);
    return leak_run(tc, "app/host");
}
