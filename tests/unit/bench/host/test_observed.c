/* Looking at a server's process from outside. */
#include "host/observed.h"

#include <stdlib.h>
#include <unistd.h>

#include "builtin/floor.h"
#include "leak.h"
#include "lombard/base/attr.h"

/* The process that listens is found by its port. */
START_TEST(finds_the_listener)
{
    char program[] = "lombard-bench";
    char ratio[] = "-r1:0";
    char *argv[] = {program, ratio, NULL};
    struct options o;
    struct floor f;

    ck_assert_int_eq(options_parse(2, argv, &o), OPTIONS_OK);
    ck_assert(floor_start(&f, &o, 0));
    ck_assert_int_eq(process_find(&f.addr), f.pid);
    floor_stop(&f);
}
END_TEST

START_TEST(finds_none_where_none_listens)
{
    struct net_addr addr;
    const char *why;

    ck_assert(net_resolve("127.0.0.1:1", &addr, &why));
    ck_assert_int_eq(process_find(&addr), 0);
}
END_TEST

START_TEST(sees_memory_to_the_page)
{
    enum { GROWN = 64 * 1024 * 1024 };
    struct process_sample before;
    struct process_sample after;
    volatile char *block; /* or the compiler sees that it is never read */
    void *start;

    ck_assert(process_look_closely(getpid(), &before));
    start = malloc(GROWN);
    ck_assert_ptr_nonnull(start);
    block = start;
    for (size_t i = 0; i < GROWN; i += 1024)
        block[i] = 1;
    ck_assert(process_look_closely(getpid(), &after));
    ck_assert_uint_ge(after.rss_bytes, before.rss_bytes + GROWN / 2);
    ck_assert_uint_ge(after.cpu_ns, before.cpu_ns);
    free(start);
}
END_TEST

START_TEST(says_when_a_process_is_gone)
{
    struct process_sample s = {.cpu_ns = 7};

    ck_assert(!process_look(0x3fffffff, &s));
    ck_assert(!process_look_closely(0x3fffffff, &s));
    ck_assert_uint_eq(s.cpu_ns, 7);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("server");

    tcase_add_test(tc, finds_the_listener);
    tcase_add_test(tc, finds_none_where_none_listens);
    tcase_add_test(tc, sees_memory_to_the_page);
    tcase_add_test(tc, says_when_a_process_is_gone);
    return leak_run(tc, "server");
}
