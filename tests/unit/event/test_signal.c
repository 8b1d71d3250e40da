#include <signal.h>
#include <unistd.h>

#include "lombard/event/signal.h"
#include "leak.h"

static int seen;

static void
nothing(void *ctx)
{
    (void)ctx;
}

static bool
no_work(void *ctx)
{
    (void)ctx;
    return false;
}

static void
on_signal(void *ctx, int signo)
{
    *(int *)ctx = signo;
}

START_TEST(signals_arrive_as_events)
{
    static const int signos[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    struct loop_user user = {NULL, nothing, nothing, nothing, no_work};
    struct signals signals;
    struct clock now;
    struct loop *loop;

    clock_init(&now);
    loop = loop_create(&now, &user);
    ck_assert_ptr_nonnull(loop);
    ck_assert(signals_start(&signals, loop, on_signal, &seen));
    for (size_t i = 0; i < ARRAY_LEN(signos); i++) {
        seen = 0;
        ck_assert_int_eq(kill(getpid(), signos[i]), 0);
        ck_assert(loop_iterate(loop, 1000));
        ck_assert_int_eq(seen, signos[i]);
    }
    ck_assert_int_eq(kill(getpid(), SIGPIPE), 0); /* ignored: we live */
    signals_stop(&signals);
    loop_destroy(loop);
}
END_TEST

/* What comes between is not lost, and does not end the process either. */
START_TEST(held_signals_arrive_later)
{
    struct loop_user user = {NULL, nothing, nothing, nothing, no_work};
    struct signals signals;
    struct clock now;
    struct loop *loop;

    clock_init(&now);
    loop = loop_create(&now, &user);
    ck_assert_ptr_nonnull(loop);
    signals_hold();
    ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
    seen = 0;
    ck_assert(signals_start(&signals, loop, on_signal, &seen));
    ck_assert(loop_iterate(loop, 1000));
    ck_assert_int_eq(seen, SIGTERM);
    signals_stop(&signals);
    loop_destroy(loop);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("signal");

    tcase_add_test(tc, signals_arrive_as_events);
    tcase_add_test(tc, held_signals_arrive_later);
    return leak_run(tc, "event/signal");
}
