/* What happened in each second: for the other reports, and as lines of CSV. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/report.h"

#define SECOND_NS UINT64_C(1000000000)

/* The server's process between FROM and TO. */
static void
add_looks(const struct series *s, uint64_t from, uint64_t to, struct report_second *out)
{
    const struct series_look *before = NULL;
    const struct series_look *after = NULL;

    for (uint32_t i = 0; i < s->look_count; i++) {
        const struct series_look *look = &s->looks[i];

        if (look->at_ns <= from || before == NULL)
            before = look;
        if (look->at_ns <= to)
            after = look;
    }
    if (after == NULL || after->at_ns <= before->at_ns)
        return;
    out->cpu_share =
        (double)(after->cpu_ns - before->cpu_ns) / (double)(after->at_ns - before->at_ns);
    out->rss_bytes = after->rss_bytes;
}

/* How many moments lie within the measured time: answers that came later are in none of them. */
static uint32_t
series_used(const struct target *t)
{
    const struct load *l = &t->driver->load;
    uint64_t ns =
        l->tally.end_ns > l->series.start_ns ? l->tally.end_ns - l->series.start_ns : 0;
    uint64_t n = (ns + l->series.width_ns - 1) / l->series.width_ns;

    return n < l->series.count ? (uint32_t)n : l->series.count;
}

bool
report_second(const struct target *t, unsigned i, struct report_second *out)
{
    const struct series *s = t->driver != NULL ? &t->driver->load.series : NULL;
    uint64_t width;
    uint32_t each;
    uint32_t first;
    uint32_t count;

    if (s == NULL || s->list == NULL || s->width_ns == 0)
        return false;
    width = s->width_ns < SECOND_NS ? SECOND_NS : s->width_ns;
    each = (uint32_t)(width / s->width_ns);
    first = i * each;
    count = series_used(t);
    /* What is left after the last whole second, but for an instant, is one of its own. */
    if (first >= count || (i > 0 && count - first <= each / 20))
        return false;
    memset(out, 0, sizeof(*out));
    out->cpu_share = NAN;
    out->seconds = (double)width / 1e9;
    out->at_s = (i + 1) * out->seconds;
    if (count > first + each && count - first - each <= each / 20)
        each = count - first;
    for (uint32_t k = first; k < first + each && k < count; k++)
        moment_merge(&out->sum, &s->list[k]);
    if (first + each > count) {
        out->seconds = (double)(count - first) * (double)s->width_ns / 1e9;
        out->at_s = (double)count * (double)s->width_ns / 1e9;
    }
    add_looks(s, s->start_ns + first * s->width_ns, s->start_ns + (first + each) * s->width_ns,
              out);
    return true;
}

static void
put_second(FILE *f, const char *server, const struct report_second *s)
{
    const struct moment *m = &s->sum;

    (void)fprintf(f, "%s,%.3f,%.3f,%" PRIu64 ",%.1f,%" PRIu64 ",%" PRIu64 ",%" PRIu64, server,
                  s->at_s, s->seconds, m->requests, (double)m->requests / s->seconds, m->errors,
                  m->hits, m->misses);
    if (m->timed > 0)
        (void)fprintf(f, ",%.1f,%.1f,%.1f,%.1f", (double)m->sum_ns / (double)m->timed / 1e3,
                      (double)moment_quantile(m, 0.5) / 1e3,
                      (double)moment_quantile(m, 0.99) / 1e3, (double)m->max_ns / 1e3);
    else
        (void)fputs(",,,,", f);
    if (isnan(s->cpu_share))
        (void)fputs(",,\n", f);
    else
        (void)fprintf(f, ",%.4f,%" PRIu64 "\n", s->cpu_share, s->rss_bytes);
}

void
report_series(FILE *f, const struct bench *b)
{
    (void)fputs(
        "server,second,seconds,requests,requests_per_s,errors,hits,misses,mean_us,p50_us,"
        "p99_us,max_us,server_cpu_share,server_rss_bytes\n",
        f);
    for (unsigned t = 0; t < b->target_count; t++) {
        struct report_second s;

        for (unsigned i = 0; report_second(&b->targets[t], i, &s); i++)
            put_second(f, b->targets[t].addr.text, &s);
    }
}
