/* Prints one line that is rewritten while a phase runs. */
#include "run/progress.h"

#include <stdio.h>

#include "run/driver.h"

#define INTERVAL_NS UINT64_C(500000000)

void
progress_start(struct driver *d)
{
    d->progress_ns = d->load.now_ns;
    d->next_progress_ns = d->load.now_ns + INTERVAL_NS;
    d->progress_requests = 0;
}

static void
print_share(const struct driver *d)
{
    const struct load *l = &d->load;
    uint64_t asked = d->options->requests;

    if (l->phase == LOAD_FILL)
        (void)fprintf(stderr, "fill %3.0f%%",
                      100 * (double)l->tally.requests / (double)l->keys.count);
    else if (l->until_ns == UINT64_MAX && asked > 0)
        (void)fprintf(stderr, "run %3.0f%%", 100 * (double)l->tally.requests / (double)asked);
    else
        (void)fprintf(stderr, "run %5.1fs", (double)(l->now_ns - l->tally.start_ns) / 1e9);
}

void
progress_tick(struct driver *d)
{
    const struct tally *t = &d->load.tally;
    uint64_t now = d->load.now_ns;
    uint64_t wrong = t->mismatches + t->garbled;
    struct hist all;

    if (now < d->next_progress_ns)
        return;
    tally_service(t, &all);
    (void)fputc('\r', stderr);
    print_share(d);
    (void)fprintf(stderr,
                  "  %9.0f/s  hits %5.1f%%  p99 %7.3f ms  errors %llu  lost %llu  "
                  "mismatches %llu \033[K",
                  (double)(t->requests - d->progress_requests) * 1e9 /
                      (double)(now - d->progress_ns),
                  tally_hit_percent(t), (double)hist_quantile(&all, 0.99) / 1e6,
                  (unsigned long long)t->errors, (unsigned long long)t->lost_connections,
                  (unsigned long long)wrong);
    (void)fflush(stderr);
    d->progress_requests = t->requests;
    d->progress_ns = now;
    d->next_progress_ns = now + INTERVAL_NS;
}

void
progress_end(void)
{
    (void)fputs("\r\033[K", stderr);
}
