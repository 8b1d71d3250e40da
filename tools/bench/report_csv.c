#include "report.h"

#include <inttypes.h>
#include <math.h>

void
report_csv(FILE *f, const struct bench *b)
{
    const struct options *o = b->options;

    if (ftell(f) <= 0) {
        (void)fprintf(f, "server,round,connections,pipeline,multiget,keys");
        for (int i = 0; i < FIGURE_COUNT; i++)
            (void)fprintf(f, ",%s", figures[i].json_name);
        (void)fputc('\n', f);
    }
    for (unsigned t = 0; t < b->target_count; t++) {
        const struct target *target = &b->targets[t];

        for (uint64_t r = 0; r < target->rounds_done; r++) {
            (void)fprintf(f, "%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
                          target->addr.text, r + 1, o->connections, o->pipeline, o->multiget,
                          o->keys);
            for (int i = 0; i < FIGURE_COUNT; i++) {
                double v = figure_of(&target->rounds[r], &figures[i]);

                (void)fputc(',', f);
                if (isfinite(v)) /* empty where it was not measured */
                    (void)fprintf(f, "%.4f", v);
            }
            (void)fputc('\n', f);
        }
    }
}
