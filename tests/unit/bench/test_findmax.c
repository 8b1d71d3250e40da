/* The search for a rate; how fast this machine is must not matter. */
#include "findmax.h"

#include <stdlib.h>

#include "floor.h"
#include "leak.h"
#include "value.h"

static struct findmax found;

/* Search at the floor with LIMIT_NS, and where that leaves the session. */
static uint64_t
search(uint64_t limit_ns)
{
    struct session *s = calloc(1, sizeof(*s));
    char program[] = "lombard-bench";
    char ratio[] = "-r1:0";
    char limit[] = "--find-max=p99<1ms";
    char *argv[] = {program, ratio, limit, NULL};
    struct options o;
    struct floor f;
    uint64_t rate;

    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(options_parse(3, argv, &o), OPTIONS_OK);
    floor_adapt(&o);
    o.quiet = true;
    o.connections = 4;
    o.duration_ns = 2000000;
    o.find_max_ns = limit_ns;
    ck_assert(floor_start(&f, &o, 0));
    ck_assert_int_eq(session_open(s, &o, &f.addr), SESSION_OK);
    ck_assert_int_eq(findmax_search(s, &o, false, &found), SESSION_OK);
    rate = s->load.rate;
    ck_assert(!tally_is_wrong(&s->load.tally));
    session_close(s);
    floor_stop(&f);
    free(s);
    return rate;
}

/* Nobody answers in no time: the search goes down to its lowest rate and says that none did. */
START_TEST(a_limit_that_nobody_keeps)
{
    ck_assert_uint_eq(search(1), 100);
    ck_assert_uint_eq(found.rate, 0);
    ck_assert_uint_gt(found.rates, 0);
}
END_TEST

/* Whatever it finds the session is left at. */
START_TEST(a_limit_of_an_hour)
{
    uint64_t rate = search(UINT64_C(3600000000000));

    ck_assert_uint_le(found.latency_ns, UINT64_C(3600000000000));
    ck_assert_uint_eq(rate, found.rate > 0 ? found.rate : 100);
    ck_assert_uint_gt(found.rates, 0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("findmax");

    value_init();
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_limit_that_nobody_keeps);
    tcase_add_test(tc, a_limit_of_an_hour);
    return leak_run(tc, "findmax");
}
