/* The curve of --sweep as lines of text: what latency each rate has, and up to which one it is kept. */
#include <inttypes.h>
#include <math.h>

#include "report/report.h"

/* Whether a rate was done, but for what chance may take from as few arrivals. */
static bool
keeps(const struct round *r)
{
    double planned = (double)r->rate * r->seconds;

    return r->sound && (double)r->requests >= 0.99 * planned - 3 * sqrt(planned);
}

static void
put_us(FILE *f, double us)
{
    if (isnan(us))
        (void)fprintf(f, " %10s", "-");
    else
        (void)fprintf(f, us < 1e6 ? " %10.1f" : " %10.0f", us);
}

static void
print_target(FILE *f, const struct target *t)
{
    uint64_t kept = 0;

    (void)fprintf(f, "\n%-12s %9s %10s %10s %10s %10s %10s\n", "sweep, us", "done/s", "p50",
                  "p99", "95 % from", "% to", "p99.9");
    for (uint64_t i = 0; i < t->rounds_done; i++) {
        const struct round *r = &t->rounds[i];
        const double us[] = {r->p50_us, r->p99_us, r->p99_low_us, r->p99_high_us, r->p999_us};

        if (keeps(r) && r->rate > kept)
            kept = r->rate;
        (void)fprintf(f, "%9" PRIu64 "/s%c %9.0f", r->rate, keeps(r) ? ' ' : '*', r->per_s);
        for (size_t k = 0; k < ARRAY_LEN(us); k++)
            put_us(f, us[k]);
        (void)fputc('\n', f);
    }
    (void)fprintf(f,
                  "knee          %s keeps %" PRIu64 "/s of the rates that were tried (* not "
                  "kept)\n",
                  t->addr.text, kept);
}

void
report_sweep(FILE *f, const struct bench *b)
{
    for (unsigned t = 0; t < b->target_count; t++)
        print_target(f, &b->targets[t]);
}
