/* Latencies as bars, one for each power of two. */
#include "report/report.h"

#include <inttypes.h>

enum { BAR_COLUMNS = 50 };

uint64_t
report_count_between(const struct hist *h, uint64_t low, uint64_t high)
{
    uint64_t count = 0;

    for (uint32_t i = hist_index(low); i < hist_index(high); i++)
        count += h->buckets[i];
    return count;
}

void
report_histogram(FILE *f, const struct hist *h)
{
    uint64_t most = 1;

    (void)fprintf(f, "\n        latency, us      share\n");
    for (uint64_t low = 1024; low < HIST_VALUE_MAX / 2; low *= 2) {
        uint64_t n = report_count_between(h, low, 2 * low);

        if (n > most)
            most = n;
    }
    for (uint64_t low = 1024; low < HIST_VALUE_MAX / 2; low *= 2) {
        uint64_t n = report_count_between(h, low, 2 * low);
        int columns = (int)((n * BAR_COLUMNS + most - 1) / most);

        if (n == 0)
            continue;
        (void)fprintf(f, "%10.0f to %8.0f  %8.4f %% ", (double)low / 1e3, 2 * (double)low / 1e3,
                      100 * (double)n / (double)h->count);
        for (int i = 0; i < columns; i++)
            (void)fputc('#', f);
        (void)fputc('\n', f);
    }
}
