/* Times of commands, by class, and their statistics: there are none without --latency. */
#include "server_latency.h"

#include <stdio.h>

#include "lombard/base/sys.h"

static void
reset(void *ctx)
{
    struct server *server = ctx;

    for (int i = 0; server->latency != NULL && i < LATENCY_CLASSES; i++)
        hist_reset(&server->latency[i]);
}

bool
server_latency_init(struct server *server)
{
    if (!server->config.latency)
        return true;
    server->latency = sys_map(LATENCY_CLASSES * sizeof(struct hist));
    if (server->latency == NULL)
        return false;
    reset(server);
    return true;
}

void
server_latency_fini(struct server *server)
{
    if (server->latency != NULL)
        sys_unmap(server->latency, LATENCY_CLASSES * sizeof(struct hist));
}

uint64_t
server_latency_now(const struct server *server)
{
    return server->latency == NULL ? 0 : sys_monotonic_ns();
}

void
server_latency_add(struct server *server, enum latency_class class, uint64_t *since_ns)
{
    uint64_t now_ns;

    if (LIKELY(server->latency == NULL))
        return;
    now_ns = sys_monotonic_ns();
    hist_add(&server->latency[class], now_ns - *since_ns);
    *since_ns = now_ns;
}

enum latency_class
server_latency_class(enum request_op op)
{
    static const uint8_t classes[] = {
#define OP(NAME, handler, latency, commit, counter, properties) [OP_##NAME] = LATENCY_##latency,
#include "lombard/proto/op.def"
#undef OP
    };

    return (enum latency_class)classes[op];
}

/* --- `stats latency`; the record is the histogram of a class, in nanoseconds --- */

enum { QUANTILE_ONE = 10000 };

/* ENTRY's argument: the quantile, in ten-thousandths. */
static void
get_quantile_us(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    uint64_t ns = hist_quantile(record, (double)entry->arg / QUANTILE_ONE);

    stat_printf(value, "%.1f", (double)ns / 1000);
}

#define QUANTILE(name, help, quantile)                                                         \
    {                                                                                          \
        name, STAT_GAUGE, UNIT_MICROSECONDS, help, get_quantile_us, quantile                   \
    }

static const struct stat_entry entries[] = {
    {"count", STAT_COUNTER, UNIT_EVENTS, "Pieces of work of this class.", stat_get_u64,
     offsetof(struct hist, count)},
    QUANTILE("p50_us", "Time that 50 % of them do not exceed.", 5000),
    QUANTILE("p99_us", "Time that 99 % of them do not exceed.", 9900),
    QUANTILE("p999_us", "Time that 99.9 % of them do not exceed.", 9990),
    QUANTILE("p9999_us", "Time that 99.99 % of them do not exceed.", 9999),
    QUANTILE("max_us", "Longest time.", QUANTILE_ONE),
};

#undef QUANTILE

static enum stat_step
next_class(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    static const char *const names[LATENCY_CLASSES] = {
        [LATENCY_GET] = "get",       [LATENCY_STORE] = "store", [LATENCY_OTHER] = "other",
        [LATENCY_UPLOAD] = "upload", [LATENCY_WORK] = "work",
    };
    const struct server *server = ctx;

    if (server->latency == NULL || *position >= LATENCY_CLASSES)
        return STAT_END;
    instance->record = &server->latency[*position];
    (void)snprintf(instance->label, sizeof(instance->label), "%s", names[*position]);
    return STAT_FOUND;
}

static const struct stat_family family = {"class", "%l_%n", next_class};

const struct stat_section server_latency_stats = {entries, ARRAY_LEN(entries), &family,
                                                  "latency_", reset};

/* --- For metrics; the record is the same --- */

static uint64_t
count_until(const void *record, uint64_t ns)
{
    return hist_count_until(record, ns);
}

static uint64_t
sum_ns(const void *record)
{
    const struct hist *hist = record;

    return hist->sum;
}

const struct stat_histogram server_latency_histogram = {
    "latency_seconds", "Time that pieces of work took, by class.",
    "class",           next_class,
    count_until,       sum_ns};
