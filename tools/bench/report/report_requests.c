/* The results as text: what was asked, and what was read. */
#include <inttypes.h>
#include <math.h>

#include "report/report.h"

/* How large values were: where a few keys get most requests, their sizes decide. */
static void
print_sizes(FILE *f, const struct options *o, const struct tally *t)
{
    double expected = sizes_mean(&o->value_size);
    double read = tally_read_bytes(t);
    double stored = tally_stored_bytes(t);

    if (o->trace_path != NULL || (isnan(read) && isnan(stored)))
        return;
    (void)fprintf(f, "value sizes   %.0f bytes on average over the keys", expected);
    if (!isnan(read))
        (void)fprintf(f, ", %.0f over the values read", read);
    if (!isnan(stored))
        (void)fprintf(f, ", %.0f over the values stored", stored);
    (void)fputc('\n', f);
}

/* The hit ratio over the whole run, and over its second half, when the cache is warm. */
static void
print_windows(FILE *f, const struct windows *w, const char *error)
{
    struct window all = windows_sum(w, 0);
    struct window half = windows_second_half(w);

    if (w->count == 0)
        return;
    (void)fprintf(f,
                  "hit ratio     %.2f %% of requests, %.2f %% of bytes; second half: %.2f %%, "
                  "%.2f %%\n",
                  window_hit_percent(&all), window_byte_percent(&all),
                  window_hit_percent(&half), window_byte_percent(&half));
    (void)fprintf(f, "bytes         %.1f MB hit, %.1f MB missed\n", (double)all.hit_bytes / 1e6,
                  (double)all.miss_bytes / 1e6);
    if (error != NULL)
        (void)fprintf(f, "workload      ended early: %s\n", error);
}

static void
print_requests(FILE *f, const struct tally *t)
{
    double seconds = tally_seconds(t);

    (void)fprintf(f, "requests      %" PRIu64 " in %.3f s: %.0f/s", t->requests, seconds,
                  tally_rate(t));
    if (t->follow_ups > 0)
        (void)fprintf(f, ", and %" PRIu64 " more that followed from their answers",
                      t->follow_ups);
    (void)fputc('\n', f);
    (void)fprintf(f, "network       %.1f MB/s sent, %.1f MB/s received\n",
                  (double)t->bytes_sent / seconds / 1e6,
                  (double)t->bytes_received / seconds / 1e6);
}

/* Hits, and what is known of the values that were read. */
static void
print_reads(FILE *f, const struct options *o, const struct target *target)
{
    const struct tally *t = &target->total;

    (void)fprintf(f,
                  "reads         %" PRIu64 " keys: %.2f %% hits; %.1f MB verified, %" PRIu64
                  " values of earlier runs\n",
                  t->hits + t->misses, tally_hit_percent(t), (double)t->verified_bytes / 1e6,
                  t->foreign);
    print_windows(f, &target->driver->load.windows, target->driver->load.workload.error);
    if (t->held > 0)
        (void)fprintf(f,
                      "held back     %" PRIu64
                      " requests until an earlier one for the same key was answered\n",
                      t->held);
    print_sizes(f, o, t);
    if (t->grown > 0)
        (void)fprintf(
            f, "grown         %" PRIu64 " values read that append and prepend had made\n",
            t->grown);
    if (t->early > 0)
        (void)fprintf(f,
                      "early         %" PRIu64
                      " reads of keys that were missing long before they expire\n",
                      t->early);
    if (t->hits > 0)
        (void)fprintf(
            f,
            "staleness     of one version would have been detected in %.1f %% of the values "
            "read\n",
            100 * (double)t->sharp / (double)t->hits);
}

/* How requests were distributed to several servers. */
static void
print_placed(FILE *f, const struct options *o, const struct tally *t)
{
    uint64_t all = 0;

    if (o->servers == NULL)
        return;
    for (uint32_t i = 0; i < o->servers->count; i++)
        all += t->placed[i];
    (void)fprintf(f, "placement     %s\n", placement_name(o->servers->kind));
    for (uint32_t i = 0; i < o->servers->count; i++)
        (void)fprintf(f, "              %5.1f %%  %s\n",
                      all > 0 ? 100 * (double)t->placed[i] / (double)all : 0,
                      o->servers->addrs[i].text);
}

void
report_requests(FILE *f, const struct options *o, const struct target *target)
{
    print_requests(f, &target->total);
    print_placed(f, o, &target->total);
    print_reads(f, o, target);
}
