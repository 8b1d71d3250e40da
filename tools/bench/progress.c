#include "progress.h"

#include <stdio.h>

#include "session.h"

#define INTERVAL_NS UINT64_C(500000000)

void
progress_start(struct session *s)
{
    s->progress_ns = s->load.now_ns;
    s->next_progress_ns = s->load.now_ns + INTERVAL_NS;
    s->progress_requests = 0;
}

static void
print_share(const struct session *s)
{
    const struct load *l = &s->load;
    uint64_t asked = s->options->requests;

    if (l->phase == LOAD_FILL)
        (void)fprintf(stderr, "fill %3.0f%%",
                      100 * (double)l->tally.requests / (double)l->keys.count);
    else if (l->until_ns == UINT64_MAX && asked > 0)
        (void)fprintf(stderr, "run %3.0f%%", 100 * (double)l->tally.requests / (double)asked);
    else
        (void)fprintf(stderr, "run %5.1fs", (double)(l->now_ns - l->tally.start_ns) / 1e9);
}

void
progress_tick(struct session *s)
{
    const struct tally *t = &s->load.tally;
    uint64_t now = s->load.now_ns;
    struct hist all;

    if (now < s->next_progress_ns)
        return;
    tally_service(t, &all);
    (void)fputc('\r', stderr);
    print_share(s);
    (void)fprintf(stderr,
                  "  %9.0f/s  hits %5.1f%%  p99 %7.3f ms  errors %llu  lost %llu  "
                  "mismatches %llu \033[K",
                  (double)(t->requests - s->progress_requests) * 1e9 /
                      (double)(now - s->progress_ns),
                  tally_hit_percent(t), (double)hist_quantile(&all, 0.99) / 1e6,
                  (unsigned long long)t->errors, (unsigned long long)t->lost_connections,
                  (unsigned long long)(t->mismatches + t->garbled));
    (void)fflush(stderr);
    s->progress_requests = t->requests;
    s->progress_ns = now;
    s->next_progress_ns = now + INTERVAL_NS;
}

void
progress_end(void)
{
    (void)fputs("\r\033[K", stderr);
}
