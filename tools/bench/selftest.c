/* Runs the load generator against the built-in server, and compares what it reports with what the server did. */
#include "selftest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/keys.h"
#include "run/driver.h"
#include "selftest_rates.h"

#define MS_NS UINT64_C(1000000)

/* A stall of 1200 ms in four seconds: three requests of ten meet one. */
#define STALL_EVERY_NS (4000 * MS_NS)
#define STALL_NS       (1200 * MS_NS)
#define STALL_RUN_NS   STALL_EVERY_NS

enum { TRIES = 3 }; /* on a busy machine */

static bool
base_options(struct options *o)
{
    memset(o, 0, sizeof(*o));
    o->protocol = "text";
    o->connections = 8;
    o->keys = 1000;
    o->pipeline = 1;
    o->multiget = 1;
    o->seed = 1;
    o->weights[QUERY_GET] = 3;
    o->weights[QUERY_SET] = 1;
    o->quiet = true;
    o->arrivals = ARRIVALS_CONSTANT;
    return sizes_parse("16", KEY_TEXT_MAX, &o->key_size) &&
           sizes_parse("32-2000", OPTIONS_VALUE_MAX_BYTES, &o->value_size);
}

/* Fill and run O against a stub; what happened, and what the stub says of the run, into OUT. */
static bool
measure(const struct options *o, const struct stub_config *config, struct selftest *out)
{
    struct driver *d = calloc(1, sizeof(*d));
    struct stub_counts before;
    struct stub stub;
    bool ok;

    if (d == NULL)
        return false;
    ok = stub_start(&stub, config);
    if (ok) {
        ok = driver_open(d, o, &stub.addr) == DRIVER_OK && driver_fill(d) == DRIVER_OK;
        before = *stub.counts;
        ok = ok && driver_run(d, o->duration_ns, o->requests) == DRIVER_OK;
        out->tally = d->load.tally;
        out->truth.wrong = stub.counts->wrong - before.wrong;
        out->truth.stale = stub.counts->stale - before.stale;
        out->truth.stalled_ns = stub.counts->stalled_ns;
        driver_close(d);
        stub_stop(&stub);
    }
    free(d);
    return ok;
}

bool
selftest_load(const struct selftest_case *c, struct options *o, uint32_t *every)
{
    if (!base_options(o))
        return false;
    *every = 200;
    o->requests = 5000;
    o->silent = true;
    o->pipeline = c->pipeline;
    o->protocol = c->protocol;
    /* A lone mg's reply has no key to be wrong. */
    if (c->fault == STUB_OTHER_NAME && strcmp(c->protocol, "meta") == 0)
        o->multiget = 4;
    if (c->fault == STUB_NO_REPLY ||
        c->fault == STUB_NO_END) { /* each of these is waited for */
        *every = 1000;
        o->timeout_ns = 300 * MS_NS;
    }
    o->item_flags = c->fault == STUB_WRONG_FLAGS;
    if (c->fault == STUB_LOST_PIECE || c->fault == STUB_OTHER_END) {
        o->weights[QUERY_APPEND] = 2;
        o->weights[QUERY_PREPEND] = 1;
        o->connections = c->pipeline == 1 ? 1 : 8;
        *every = 20;
    }
    if (c->fault == STUB_OUTLIVED || c->fault == STUB_SHORT_LIVED) {
        if (!sizes_parse(c->fault == STUB_OUTLIVED ? "2" : "4", OPTIONS_TTL_MAX_S, &o->ttl))
            return false;
        o->rate = 500;
        o->requests = 6000;
        *every = 20;
    }
    if (c->fault == STUB_WRONG_NUMBER) {
        o->weights[QUERY_INCR] = 2;
        o->weights[QUERY_DECR] = 1;
        o->keys = c->pipeline == 1 ? 20 : 300;
        o->connections = c->pipeline == 1 ? 1 : 8;
        *every = 20;
    }
    return true;
}

bool
selftest_fault(const struct selftest_case *c, struct selftest *out)
{
    struct stub_config config = {.fault = c->fault};
    struct options o;

    memset(out, 0, sizeof(*out));
    return selftest_load(c, &o, &config.fault_every) && measure(&o, &config, out);
}

/* A reply that cannot be read ends its connection: those behind it are not looked at. */
static bool
is_garbled(const struct selftest_case *c, const struct selftest *out, bool values_too)
{
    const struct tally *t = &out->tally;
    uint64_t lost = t->garbled + t->timed_out;

    if ((t->mismatches > 0 && !values_too) || t->lost_connections > lost)
        return false;
    return c->pipeline == 1 ? lost == out->truth.wrong
                            : lost > 0 && t->garbled <= out->truth.wrong;
}

/* What was noticed is what the server knows it did. Of stale values, and of numbers while several
 * clients count, only those can be noticed that no request in flight may excuse. */
bool
selftest_noticed(const struct selftest_case *c, const struct selftest *out)
{
    const struct tally *t = &out->tally;
    uint64_t wrong = out->truth.wrong;
    uint64_t stale = out->truth.stale;
    bool others = t->garbled + t->errors + t->lost_connections > 0;
    /* The replies of meta name no key: one that is in another's place is told by its value. */
    bool nameless = strcmp(c->protocol, "meta") == 0;

    if (c->fault == STUB_REORDERED && c->pipeline == 1)
        return wrong == 0 && !tally_is_wrong(t);
    if (c->fault == STUB_WRONG_OPCODE && strcmp(c->protocol, "binary") != 0)
        return wrong == 0 && !tally_is_wrong(t);
    if (c->fault != STUB_RIGHT && wrong == 0)
        return false;
    switch (c->fault) {
    case STUB_RIGHT: return !tally_is_wrong(t) && !others && stale == 0;
    case STUB_WRONG_BYTE:
    case STUB_WRONG_HEAD:
    case STUB_OTHER_KEY:
    case STUB_SHORT_VALUE:
    case STUB_WRONG_FLAGS:
    case STUB_NEVER_WRITTEN: return t->mismatches == wrong && !others;
    case STUB_STALE:
        return t->mismatches <= stale && (t->mismatches > 0 || c->pipeline > 1) && !others;
    case STUB_SHORT_LIVED:
        return t->mismatches == 0 && !others && t->early <= wrong && 10 * t->early >= 9 * wrong;
    case STUB_OUTLIVED:
    case STUB_LOST_PIECE:
    case STUB_OTHER_END:
    case STUB_WRONG_NUMBER:
        return t->mismatches <= wrong && !others &&
               (c->pipeline == 1 ? t->mismatches == wrong : t->mismatches > 0);
    case STUB_OTHER_NAME:
    case STUB_WRONG_OPCODE:
    case STUB_NO_END: return is_garbled(c, out, false);
    case STUB_EXTRA: return is_garbled(c, out, nameless);
    case STUB_REORDERED:
        return nameless ? t->mismatches == 2 * wrong && !others : is_garbled(c, out, false);
    case STUB_HANG_UP:
    case STUB_CUT: return !tally_is_wrong(t) && t->lost_connections == wrong;
    case STUB_ERROR: return !tally_is_wrong(t) && t->errors == wrong;
    case STUB_NO_REPLY:
        return c->pipeline > 1 ? t->garbled + t->timed_out + t->mismatches > 0
                               : t->timed_out >= wrong;
    }
    BUG("stub_fault out of range");
}

void
selftest_describe(FILE *f, const struct selftest_case *c, const struct selftest *r,
                  bool noticed)
{
    const struct tally *t = &r->tally;
    uint64_t wrong = t->mismatches + t->early;

    (void)fprintf(
        f,
        "%-28s %-6s %2llu %6llu  %llu wrong, %llu unreadable, %llu errors, %llu timed "
        "out, %llu lost: %s\n",
        stub_fault_name(c->fault), c->protocol, (unsigned long long)c->pipeline,
        (unsigned long long)(c->fault == STUB_STALE ? r->truth.stale : r->truth.wrong),
        (unsigned long long)wrong, (unsigned long long)t->garbled,
        (unsigned long long)t->errors, (unsigned long long)t->timed_out,
        (unsigned long long)t->lost_connections, noticed ? "ok" : "MISSED");
}

const char *const selftest_protocols[SELFTEST_PROTOCOLS] = {"text", "meta", "binary"};

struct fault_check {
    struct selftest_case c;
    struct selftest result;
};

static bool
check_fault(void *context)
{
    struct fault_check *f = context;
    bool noticed = selftest_fault(&f->c, &f->result) && selftest_noticed(&f->c, &f->result);

    selftest_describe(stdout, &f->c, &f->result, noticed);
    return noticed;
}

static enum selftest_verdict
test_faults(void)
{
    static const uint64_t pipelines[] = {1, 16};
    enum selftest_verdict verdict = SELFTEST_RIGHT;
    struct fault_check *f = malloc(sizeof(*f));

    if (f == NULL)
        return SELFTEST_WRONG;
    (void)printf("what the server does wrong   protocol, pipeline, times; noticed as\n");
    for (int i = 0; i < STUB_FAULT_COUNT * SELFTEST_PROTOCOLS * 2; i++) {
        f->c = (struct selftest_case){(enum stub_fault)(i / 2 / SELFTEST_PROTOCOLS),
                                      selftest_protocols[i / 2 % SELFTEST_PROTOCOLS],
                                      pipelines[i % 2]};
        verdict = selftest_worse(verdict, selftest_judge(check_fault, f, TRIES));
    }
    free(f);
    return verdict;
}

/*
 * A request that should be sent while the server stalls is answered when the
 * stall is over. Requests come evenly, so with a stall of S every P
 *
 *     P(response > x) = S/P * (1 - x/S)
 *
 * and the quantile q is S * (1 - (1 - q) * P/S). S is what the server says it was: on a busy machine
 * it wakes up late.
 */
static double
expected_ms(double q, uint64_t stalled_ns)
{
    double share = (double)stalled_ns / (double)STALL_EVERY_NS;

    return (double)stalled_ns / 1e6 * (1 - (1 - q) / share);
}

static bool
check_stalls(void *context)
{
    static const double qs[] = {0.85, 0.9, 0.95, 0.99, 0.999};
    struct stub_config config = {.stall_every_ns = STALL_EVERY_NS, .stall_ns = STALL_NS};
    struct selftest *t = context;
    struct options o;
    bool measured;
    bool ok;

    memset(t, 0, sizeof(*t));
    ok = base_options(&o);
    o.connections = 16;
    o.pipeline = 64;
    o.rate = 500; /* few, so that requests that have accumulated are answered immediately */
    o.duration_ns = STALL_RUN_NS;
    measured = ok && measure(&o, &config, t);
    ok = measured;
    (void)printf(
        "\na stall of 1200 ms in 4 s (it was %.1f), open loop of 500/s; response times in ms\n"
        "quantile   expected   measured   error\n",
        (double)t->truth.stalled_ns / 1e6);
    for (size_t i = 0; measured && i < ARRAY_LEN(qs); i++) {
        double want = expected_ms(qs[i], t->truth.stalled_ns);
        double got = (double)hist_quantile(&t->tally.response, qs[i]) / 1e6;
        double error = got / want - 1;

        (void)printf("%8.3f %10.2f %10.2f %6.2f %%%s\n", qs[i], want, got, 100 * error,
                     fabs(error) <= 0.01 ? "" : "  OFF BY MORE THAN 1 %");
        if (fabs(error) > 0.01)
            ok = false;
    }
    return ok;
}

static enum selftest_verdict
test_stalls(void)
{
    struct selftest *t = calloc(1, sizeof(*t));
    enum selftest_verdict verdict =
        t != NULL ? selftest_judge(check_stalls, t, TRIES) : SELFTEST_WRONG;

    free(t);
    return verdict;
}

/* What this program itself costs, when the server is as cheap as the stub. */
static void
measure_self(void)
{
    static const uint64_t depths[] = {1, 16, 64};
    struct stub_config config = {.fault = STUB_RIGHT};
    struct selftest *r;
    const struct tally *t;
    struct options o;

    if (!base_options(&o))
        return;
    r = malloc(sizeof(*r));
    if (r == NULL)
        return;
    t = &r->tally;
    (void)printf("\nown CPU a request, 32-byte values, 3 gets a set\n");
    for (size_t i = 0; i < ARRAY_LEN(depths); i++) {
        o.pipeline = depths[i];
        o.requests = depths[i] == 1 ? 50000 : 500000;
        if (sizes_parse("32", OPTIONS_VALUE_MAX_BYTES, &o.value_size) &&
            measure(&o, &config, r))
            (void)printf("pipeline %2llu: %.3f us, of that outside the kernel %.3f us\n",
                         (unsigned long long)depths[i],
                         (double)t->cpu_ns / 1e3 / (double)t->requests,
                         (double)t->user_ns / 1e3 / (double)t->requests);
    }
    free(r);
}

static enum selftest_verdict
test_rates(void)
{
    struct options o;

    return base_options(&o) ? selftest_rates(&o) : SELFTEST_WRONG;
}

enum selftest_verdict
selftest_run(const char *part)
{
    static const struct {
        const char *name;
        enum selftest_verdict (*test)(void);
    } parts[] = {{"faults", test_faults}, {"stalls", test_stalls}, {"rates", test_rates}};
    static const char *const words[] = {
        [SELFTEST_RIGHT] = "passed",
        [SELFTEST_BUSY] = "machine too busy: some of it could not be judged",
        [SELFTEST_WRONG] = "FAILED",
    };
    enum selftest_verdict verdict = SELFTEST_RIGHT;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (part == NULL || strcmp(part, parts[i].name) == 0)
            verdict = selftest_worse(verdict, parts[i].test());
    }
    if (part == NULL)
        measure_self();
    (void)printf("\nself-test: %s\n", words[verdict]);
    return verdict;
}
