/* Judges a run: the status that it ends with, and the reasons for it. */
#include "report/verdict.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/stop.h"
#include "report/report.h"

/* With more than one error in this many answers the result is not that of a working server. */
enum { ERRORS_ONE_IN = 100 };

/* With more misses than this of keys that a fill has stored, it was not hits that were measured. */
enum { MISSED_PERCENT = 1 };

/* One in 100 requests of a replay may leave as late. */
#define REPLAY_LAG_MAX_NS 10000000

/* Latencies above a quantile that --find-max judges by. */
enum { ABOVE_QUANTILE_MIN = 5 };

const char *
verdict_name(const struct verdict *v)
{
    switch (v->status) {
    case STATUS_VALID: return "valid";
    case STATUS_WRONG: return "wrong data";
    case STATUS_NOT_RUN: return "nothing was measured";
    case STATUS_NOT_VALID: return "not valid";
    default: return "interrupted"; /* any signal */
    }
}

/* The more serious status stays. */
static int
rank(int status)
{
    if (status == STATUS_WRONG)
        return 4;
    if (status > STATUS_SIGNAL)
        return 3;
    return status == STATUS_NOT_RUN ? 2 : status == STATUS_NOT_VALID;
}

PRINTF_LIKE(4, 5)
static void
blame(struct verdict *v, int status, const struct target *t, const char *format, ...)
{
    char text[VERDICT_REASON_BYTES];
    va_list args;

    if (rank(status) > rank(v->status))
        v->status = status;
    if (v->count == VERDICT_REASONS_MAX)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)snprintf(v->reasons[v->count++], VERDICT_REASON_BYTES, "%.60s: %.250s", t->addr.text,
                   text);
}

PRINTF_LIKE(3, 4)
static void
warn(struct verdict *v, const struct target *t, const char *format, ...)
{
    char text[VERDICT_REASON_BYTES];
    va_list args;

    if (v->warning_count == VERDICT_WARNINGS_MAX)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)snprintf(v->warnings[v->warning_count++], VERDICT_REASON_BYTES, "%.60s: %.250s",
                   t->addr.text, text);
}

/* A kind of requests of which none was carried out, or too many errors in all. */
static void
judge_errors(struct verdict *v, const struct target *t)
{
    const struct tally *tally = &t->total;
    bool all_of_a_kind = false;

    for (int i = 0; i < QUERY_KIND_COUNT; i++) {
        if (tally->answered[i] == 0 || tally->refused[i] < tally->answered[i])
            continue;
        all_of_a_kind = true;
        blame(v, STATUS_NOT_VALID, t, "every %s was answered with an error",
              query_kind_name((enum query_kind)i));
    }
    if (!all_of_a_kind && tally->errors * ERRORS_ONE_IN > tally_answers(tally))
        blame(v, STATUS_NOT_VALID, t, "%" PRIu64 " of %" PRIu64 " answers were errors",
              tally->errors, tally_answers(tally));
    else if (t->options.strict && tally->errors > 0)
        blame(v, STATUS_NOT_VALID, t, "%" PRIu64 " errors (--strict)", tally->errors);
}

/* A server that wants to know who asks, and is not told. */
static void
hint_at_login(struct verdict *v, const struct target *t)
{
    for (int i = 0; t->options.login.bytes == 0 && i < TALLY_ERROR_KINDS; i++) {
        const char *said = t->total.error_kinds[i].text;

        if (t->total.error_kinds[i].count == 0)
            said = t->fill.error_kinds[i].text;
        if (strcasestr(said, "authenticat") == NULL && strcasestr(said, "auth fail") == NULL)
            continue;
        warn(v, t, "it says '%.60s': it wants a user and a password (--auth FILE)", said);
        return;
    }
}

static void
judge_fill(struct verdict *v, const struct target *t)
{
    const struct tally *f = &t->fill;

    if (t->fill_missing > 0)
        blame(v, STATUS_NOT_VALID, t, "%" PRIu64 " keys could not be stored by --fill",
              t->fill_missing);
    else if (t->options.strict && f->errors + f->lost_connections > 0)
        blame(v, STATUS_NOT_VALID, t,
              "%" PRIu64 " errors and %" PRIu64 " lost connections while filling (--strict)",
              f->errors, f->lost_connections);
}

static void
judge_losses(struct verdict *v, const struct target *t)
{
    const struct tally *tally = &t->total;

    if (tally->lost_connections > 0)
        blame(v, STATUS_NOT_VALID, t, "%" PRIu64 " connections were lost",
              tally->lost_connections);
    if (tally->lost_requests > 0)
        blame(v, STATUS_NOT_VALID, t, "%" PRIu64 " requests were never answered",
              tally->lost_requests);
    if (tally->unsent > 0)
        blame(v, STATUS_NOT_VALID, t, "%" PRIu64 " requests found no connection",
              tally->unsent);
    if (tally->skipped > 0)
        blame(v, STATUS_NOT_VALID, t,
              "%" PRIu64 " requests were given up: the server of their key was not connected",
              tally->skipped);
}

/* How the measurement ended. */
static void
judge_end(struct verdict *v, const struct target *t)
{
    const char *trace_error = t->driver != NULL ? t->driver->load.workload.error : NULL;

    if (trace_error != NULL)
        blame(v, STATUS_NOT_VALID, t, "the trace ended early: %s", trace_error);
    if (t->result == DRIVER_INTERRUPTED)
        blame(v, STATUS_SIGNAL + stop_signal(), t, "ended by signal %d", stop_signal());
    else if (t->result != DRIVER_OK)
        blame(v, t->rounds_done > 0 ? STATUS_NOT_VALID : STATUS_NOT_RUN, t, "%s",
              driver_result_name(t->result));
    else if (t->rounds_done > 0 && t->total.requests == 0)
        blame(v, STATUS_NOT_VALID, t, "no request was answered");
}

double
verdict_missed_percent(const struct target *t)
{
    const struct options *o = &t->options;
    const struct tally *tally = &t->total;

    if (!o->fill || o->hitratio || o->ttl.max > 0 || o->weights[QUERY_DELETE] > 0 ||
        t->fill_missing > 0 || tally->hits + tally->misses == 0)
        return NAN;
    return 100 - tally_hit_percent(tally);
}

/* A server that drops what it has stored is fast; the run is valid, but says little of hits. */
static void
warn_of_misses(struct verdict *v, const struct target *t)
{
    double missed = verdict_missed_percent(t);

    if (isnan(missed) || missed <= MISSED_PERCENT)
        return;
    warn(v, t, "%.2f %% of the keys read were missing, although --fill had stored them all",
         missed);
}

/* Items that a server dropped while they should have lived. */
static void
warn_of_early_ends(struct verdict *v, const struct target *t)
{
    const struct tally *tally = &t->total;

    if (t->options.fill && 100 * tally->early > (tally->hits + tally->misses) * MISSED_PERCENT)
        warn(v, t, "%" PRIu64 " keys were missing long before they expire: evicted, or dropped",
             tally->early);
}

/* Half of a response time is nothing but the lag of lombard-bench itself. */
static void
warn_of_lag(struct verdict *v, const struct target *t)
{
    const struct tally *tally = &t->total;

    for (unsigned i = 0;
         i < report_quantile_count && tally->lag.count > 0 && t->options.sweep_steps == 0;
         i++) {
        double lag = report_quantile_us(&tally->lag, i);
        double response = report_quantile_us(&tally->response, i);

        if (!(lag > 20 && lag > response / 2))
            continue;
        warn(
            v, t,
            "from %s on (%.0f us) most of the response time is the lag of lombard-bench itself",
            report_quantiles[i].name, response);
        return;
    }
}

static void
warn_of_change(struct verdict *v, const struct target *t)
{
    const struct steady *s = &t->certain.steady;

    if (s->changed && t->options.sweep_steps + t->options.phase_count == 0)
        warn(v, t, "not steady: after %.2f s latencies became %.2f times what they were before",
             t->certain.steady_s, s->factor);
}

/* A client that is only slow at sending is never as late. */
#define LATE_US_MAX 500

/* Why requests of an open loop did not leave as planned, and what to do, as far as it is known; or nothing. */
static const char *
explain_arrivals(const struct target *t, char *words, size_t bytes)
{
    const struct arrivals_verdict *a = &t->certain.arrivals;
    const struct tally *tally = &t->total;
    double mean_ns = t->driver != NULL ? t->driver->load.gap_ns : 0;
    double late_us = (double)hist_quantile(&tally->lag, 0.99) / 1e3;

    words[0] = '\0';
    if (100 * tally->crowded > tally->requests)
        (void)snprintf(words, bytes,
                       ": %" PRIu64 " had to wait for a connection: more --connections, or a "
                       "--pipeline, are needed",
                       tally->crowded);
    else if (late_us > LATE_US_MAX)
        (void)snprintf(words, bytes,
                       ": one in 100 left %.0f us late: other processes, or the host of this "
                       "machine, took the processor of lombard-bench",
                       late_us);
    else if (a->short_ns > ARRIVALS_SHORT_MAX * mean_ns && mean_ns > 0)
        (void)snprintf(words, bytes,
                       ": sending one takes %.1f us, so gaps cannot be as short as planned: a "
                       "rate of %.0f/s at most, or more --jobs on further processors",
                       a->short_ns / 1e3, ARRIVALS_SHORT_MAX * 1e9 / a->short_ns);
    return words;
}

/* An open loop that was none. */
static void
judge_arrivals(struct verdict *v, const struct target *t)
{
    const struct arrivals_verdict *a = &t->certain.arrivals;
    char why[192];

    if (t->options.sweep_steps > 0) /* of rates that cannot be kept, too */
        return;
    if (t->total.unbegun > 0)
        blame(v, STATUS_NOT_VALID, t,
              "the rate was not kept: %" PRIu64 " requests were due and never sent",
              t->total.unbegun);
    if (t->options.replay && t->total.lag.count > 0 &&
        hist_quantile(&t->total.lag, 0.99) > REPLAY_LAG_MAX_NS)
        blame(v, STATUS_NOT_VALID, t,
              "the times of the trace were not kept: one in 100 requests left %.1f ms late or "
              "more",
              (double)hist_quantile(&t->total.lag, 0.99) / 1e6);
    if (!a->known || a->good)
        return;
    if (t->options.arrivals != ARRIVALS_CONSTANT)
        blame(
            v, STATUS_NOT_VALID, t,
            "arrivals were not as planned (Anderson-Darling %.1f, lag-1 %.2f, Spearman %.2f)%s",
            a->anderson, a->lag1, a->spearman, explain_arrivals(t, why, sizeof(why)));
    else
        blame(v, STATUS_NOT_VALID, t,
              "arrivals were not as planned: %.0f %% of the gaps uneven%s", 100 * a->uneven,
              explain_arrivals(t, why, sizeof(why)));
}

/* What was asked for is more than was measured. */
static void
judge_precision(struct verdict *v, const struct target *t)
{
    const struct options *o = &t->options;

    if (t->rounds_done == 0)
        return;
    if (o->until_reach > 0 && !t->certain.reached)
        blame(v, STATUS_NOT_VALID, t, "--until was not reached: the interval is +-%.1f %%",
              100 * t->certain.reach);
    if (o->find_max_ns > 0 && t->findmax.rate > 0 &&
        (double)t->total.response.count * (1 - o->find_max_quantile) < ABOVE_QUANTILE_MIN)
        blame(v, STATUS_NOT_VALID, t,
              "%" PRIu64
              " requests in a step are too few for p%g: a longer --duration is needed",
              t->total.response.count, 100 * o->find_max_quantile);
    if (o->find_max_ns > 0 && t->findmax.rate == 0)
        blame(v, STATUS_NOT_VALID, t, "no rate kept p%g below %.3f ms",
              100 * o->find_max_quantile, (double)o->find_max_ns / 1e6);
}

void
verdict_reach(const struct bench *b, struct verdict *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < b->target_count; i++) {
        const struct target *t = &b->targets[i];

        if (t->wrong || tally_is_wrong(&t->total))
            blame(out, STATUS_WRONG, t,
                  "%" PRIu64 " wrong values, %" PRIu64 " unreadable replies%s",
                  t->total.mismatches, t->total.garbled,
                  t->wrong ? ", and some before the measurement or in the background" : "");
        judge_end(out, t);
        judge_fill(out, t);
        judge_losses(out, t);
        judge_errors(out, t);
        hint_at_login(out, t);
        judge_arrivals(out, t);
        judge_precision(out, t);
        warn_of_misses(out, t);
        warn_of_early_ends(out, t);
        warn_of_lag(out, t);
        warn_of_change(out, t);
    }
}
