/* Searches the rate that a server of known capacity can keep, and measures its curve. */
#include "selftest_rates.h"

#include <math.h>
#include <stdio.h>

#include "builtin/stub.h"
#include "run/bench.h"

#define MS_NS UINT64_C(1000000)

#define CAPACITY   UINT64_C(5000) /* requests a second */
#define SERVICE_NS (1000 * MS_NS / CAPACITY)

/* A rate below it keeps each request waiting for little more than the service, one above for longer and longer. */
#define LIMIT_NS (20 * MS_NS)

enum { SEARCHES = 3, SWEEP_STEPS = 6, TRIES = 2 };

static const double off_max = 0.05;

/* Run O at the stub; NULL: it could not be done. To be destroyed. */
static struct bench *
run_at_stub(const struct options *o)
{
    struct stub_config config = {.service_ns = SERVICE_NS};
    struct stub stub;
    struct bench *b;

    if (!stub_start(&stub, &config))
        return NULL;
    b = bench_create(o, &stub.addr, 1);
    if (b != NULL && !bench_run(b)) {
        bench_destroy(b);
        b = NULL;
    }
    stub_stop(&stub);
    return b;
}

static bool
search(void *context)
{
    struct options *o = context;
    struct bench *b;
    double off = NAN;

    o->find_max_ns = LIMIT_NS;
    o->find_max_quantile = 0.9; /* what other processes do to a few is no matter */
    b = run_at_stub(o);
    if (b != NULL)
        off = (double)b->targets[0].findmax.rate / (double)CAPACITY - 1;
    (void)printf("%-14s %4llu %10llu %10llu %8.2f %%%s\n", "--find-max",
                 (unsigned long long)o->jobs, (unsigned long long)CAPACITY,
                 (unsigned long long)(b != NULL ? b->targets[0].findmax.rate : 0), 100 * off,
                 fabs(off) <= off_max ? "" : "  OFF BY MORE THAN 5 %");
    bench_destroy(b);
    return fabs(off) <= off_max;
}

/* One rate of the sweep: what is above the capacity is answered at that rate, and late. */
static bool
check_rate(const struct round *r)
{
    double want = (double)(r->rate < CAPACITY ? r->rate : CAPACITY);
    double off = r->per_s / want - 1;
    bool late = r->p50_us * 1e3 >= LIMIT_NS;
    bool ok = fabs(off) <= off_max && late == (r->rate > CAPACITY);

    (void)printf("%-14s %4s %10llu %10.0f %8.2f %%, p50 %.2f ms%s\n", "--sweep", "",
                 (unsigned long long)r->rate, r->per_s, 100 * off, r->p50_us / 1e3,
                 ok ? "" : "  NOT AS IT MUST BE");
    return ok;
}

static bool
sweep(void *context)
{
    struct options *o = context;
    struct bench *b;
    bool ok = true;

    o->jobs = 1;
    o->find_max_ns = 0;
    o->sweep_low = 0.4 * (double)CAPACITY;
    o->sweep_high = 1.6 * (double)CAPACITY;
    o->sweep_steps = SWEEP_STEPS;
    o->rounds = SWEEP_STEPS;
    b = run_at_stub(o);
    if (b == NULL)
        return false;
    for (int i = 0; i < SWEEP_STEPS; i++)
        ok &= check_rate(&b->targets[0].rounds[i]);
    bench_destroy(b);
    return ok;
}

enum selftest_verdict
selftest_rates(const struct options *base)
{
    struct options o = *base;
    enum selftest_verdict verdict = SELFTEST_RIGHT;

    (void)printf("\na server that can do %llu/s\n"
                 "               jobs       true   measured\n",
                 (unsigned long long)CAPACITY);
    o.fill = true;
    o.pipeline = 64;
    o.rounds = 1;
    o.spin_ns = OPTIONS_SPIN_AUTO;
    o.duration_ns = 1000 * MS_NS;
    for (uint64_t i = 0; i < UINT64_C(2) * SEARCHES; i++) {
        o.jobs = 1 + i / SEARCHES;
        verdict = selftest_worse(verdict, selftest_judge(search, &o, TRIES));
    }
    return selftest_worse(verdict, selftest_judge(sweep, &o, TRIES));
}
