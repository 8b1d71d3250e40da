/* Which pictures there are, and when. */
#include "report/charts.h"

#include "report/report.h"

const char *
chart_name(enum chart chart)
{
    switch (chart) {
    case CHART_PERCENTILES: return "percentiles";
    case CHART_CDF: return "cdf";
    case CHART_HEAT: return "latency-over-time";
    case CHART_THROUGHPUT: return "throughput";
    case CHART_CPU: return "server-cpu";
    case CHART_MEMORY: return "server-memory";
    case CHART_RATIOS: return "ratios";
    case CHART_SWEEP: return "sweep";
    case CHART_PHASES: return "phases";
    }
    BUG("chart out of range");
}

const char *
chart_help(enum chart chart)
{
    switch (chart) {
    case CHART_PERCENTILES:
        return "Of 100 requests, 99 are faster than the line at 99 %. Whiskers: where the "
               "truth "
               "lies, 95 times in 100.";
    case CHART_CDF: return "The share of all requests that are at least as fast.";
    case CHART_HEAT:
        return "Each column is a moment, its colour strongest where most of its requests are: "
               "a stall is a "
               "column that reaches up.";
    case CHART_THROUGHPUT: return "Answers in each second.";
    case CHART_CPU: return "All threads of the server's process.";
    case CHART_MEMORY: return "Resident memory of the server's process.";
    case CHART_RATIOS:
        return "A whisker that crosses 1: no difference that could be told from noise.";
    case CHART_SWEEP:
        return "Latency counts from when a request was due. Where it turns upwards the server "
               "no longer keeps up.";
    case CHART_PHASES: return "Answers in each second; dashed where a phase begins.";
    }
    BUG("chart out of range");
}

static bool
has_latencies(const struct bench *b)
{
    struct hist h;

    for (unsigned t = 0; t < b->target_count; t++) {
        chart_latencies(&b->targets[t], &h);
        if (h.count > 1)
            return true;
    }
    return false;
}

/* Of two there is one interval, which is no line. */
static bool
has_looks(const struct bench *b)
{
    for (unsigned t = 0; t < b->target_count; t++) {
        if (b->targets[t].driver != NULL && b->targets[t].driver->load.series.look_count > 2)
            return true;
    }
    return false;
}

static bool
shows_last_round(enum chart chart)
{
    return chart == CHART_HEAT || chart == CHART_THROUGHPUT || chart == CHART_CPU ||
           chart == CHART_MEMORY || chart == CHART_RATIOS;
}

bool
chart_exists(const struct bench *b, enum chart chart)
{
    const struct target *first = &b->targets[0];

    if (chart != CHART_SWEEP && b->options->sweep_steps > 0)
        return false; /* of a mixture of rates they would say nothing */
    if (b->options->phase_count > 0 && shows_last_round(chart))
        return false; /* which is the last phase only */
    if (!has_latencies(b) || first->driver == NULL || first->driver->load.series.count == 0)
        return false;
    switch (chart) {
    case CHART_PERCENTILES:
    case CHART_CDF:
    case CHART_HEAT:
    case CHART_THROUGHPUT: return true;
    case CHART_CPU:
    case CHART_MEMORY: return has_looks(b);
    case CHART_RATIOS: return b->target_count > 1 && b->options->sweep_steps == 0;
    case CHART_SWEEP: return b->options->sweep_steps > 0;
    case CHART_PHASES: return b->options->phase_count > 0;
    }
    BUG("chart out of range");
}

void
chart_draw(FILE *f, const struct bench *b, enum chart chart)
{
    switch (chart) {
    case CHART_PERCENTILES: chart_percentiles(f, b); return;
    case CHART_CDF: chart_cdf(f, b); return;
    case CHART_HEAT: chart_heat(f, b); return;
    case CHART_THROUGHPUT:
    case CHART_CPU:
    case CHART_MEMORY: chart_over_time(f, b, chart); return;
    case CHART_RATIOS: chart_ratios(f, b); return;
    case CHART_SWEEP: chart_sweep(f, b); return;
    case CHART_PHASES: chart_phases(f, b); return;
    }
}
