/* Judges a run: the status that it ends with, and the reasons for it. */
#include "report/verdict.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/stop.h"

/* With more than one error in this many answers the result is not that of a working server. */
enum { ERRORS_ONE_IN = 100 };

/* With more misses than this of keys that a fill has stored, it was not hits that were measured. */
enum { MISSED_PERCENT = 1 };

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
    (void)snprintf(v->reasons[v->count++], VERDICT_REASON_BYTES, "%.60s: %.130s", t->addr.text,
                   text);
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

    if (!o->fill || o->hitratio || o->ttl_s > 0 || o->weights[QUERY_DELETE] > 0 ||
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
    (void)snprintf(v->warnings[v->warning_count++], VERDICT_REASON_BYTES,
                   "%.60s: %.2f %% of the keys read were missing, although --fill had stored "
                   "them all",
                   t->addr.text, missed);
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
        warn_of_misses(out, t);
    }
}
