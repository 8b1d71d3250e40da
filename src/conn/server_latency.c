/* Times commands by class, and renders the histograms as `stats latency`. */
#include "server_latency.h"

#include <stdio.h>

#include "lombard/base/sys.h"

static const char *const class_names[LATENCY_CLASSES] = {"get", "store", "other", "upload",
                                                         "work"};

bool
server_latency_init(struct server *server)
{
    if (!server->config.latency)
        return true;
    server->latency = sys_map(LATENCY_CLASSES * sizeof(struct hist));
    if (server->latency == NULL)
        return false;
    server_latency_reset(server);
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

/* --- `stats latency` --- */

static void
line_us(struct stat_line *line, const char *name, uint64_t ns)
{
    stat_line_printf(line, name, "%.1f", (double)ns / 1000);
}

bool
server_latency_next(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    enum { FIELDS = 6 };
    static const char *const fields[FIELDS] = {"count",   "p50_us",   "p99_us",
                                               "p999_us", "p9999_us", "max_us"};
    static const double quantiles[FIELDS] = {0, 0.5, 0.99, 0.999, 0.9999, 1};
    const struct server *server = ctx;
    uint64_t class = *cursor / FIELDS;
    uint64_t field = *cursor % FIELDS;
    char name[STAT_NAME_BYTES];

    if (server->latency == NULL || class >= LATENCY_CLASSES)
        return false;
    (*cursor)++;
    (void)snprintf(name, sizeof(name), "%s_%s", class_names[class], fields[field]);
    if (field == 0)
        stat_line_u64(line, name, server->latency[class].count);
    else
        line_us(line, name, hist_quantile(&server->latency[class], quantiles[field]));
    return true;
}

void
server_latency_reset(void *ctx)
{
    struct server *server = ctx;

    for (int i = 0; server->latency != NULL && i < LATENCY_CLASSES; i++)
        hist_reset(&server->latency[i]);
}
