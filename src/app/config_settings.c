/* `stats settings`: every option as it is in force. */
#include <stdio.h>

#include "config.h"

struct setting {
    const char *name;
    uint64_t number;
    const char *text; /* or NULL: the number */
};

static const char *
yes_no(bool yes)
{
    return yes ? "yes" : "no";
}

/* All addresses of -l, as they could have been given in one. */
static void
join_hosts(const struct config *c, char *dst, size_t bytes)
{
    size_t used = 0;

    dst[0] = '\0';
    for (int i = 0; i < c->host_count && used < bytes; i++)
        used +=
            (size_t)snprintf(dst + used, bytes - used, "%s%s", i > 0 ? "," : "", c->hosts[i]);
}

bool
config_stat_next(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    const struct config *c = ctx;
    char inter[STAT_VALUE_BYTES];
    const struct setting settings[] = {
        {"maxbytes", c->memory_mb << 20, NULL},
        {"maxconns", c->max_conns, NULL},
        {"tcpport", (uint64_t)c->port, c->port < 0 ? "-1" : NULL},
        {"udpport", 0, NULL},
        {"inter", 0, c->host_count > 0 ? inter : "NULL"},
        {"verbosity", (uint64_t)c->verbosity, NULL},
        {"evictions", 0, c->evict ? "on" : "off"},
        {"domain_socket", 0, c->unix_path != NULL ? c->unix_path : "NULL"},
        {"cas_enabled", 0, yes_no(c->with_cas)},
        {"num_threads", 1, NULL},
        {"reqs_per_event", c->requests_a_turn, NULL},
        {"tcp_backlog", c->backlog, NULL},
        {"item_size_max", c->item_bytes_max, NULL},
        {"flush_enabled", 0, yes_no(c->flush_enabled)},
        {"dump_enabled", 0, yes_no(c->dump_enabled)},
        {"shutdown_command", 0, yes_no(c->shutdown_enabled)},
        {"idle_timeout", c->idle_timeout_s, NULL},
        {"send_timeout", c->send_timeout_s, NULL},
        {"peer_timeout", c->peer_timeout_s, NULL},
        {"operator_timeout", c->operator_timeout_s, NULL},
        {"drain_time_ms", c->drain_ms, NULL},
        {"buffer_memory", c->buffer_mb << 20, NULL},
        {"latency", 0, yes_no(c->latency)},
        {"loan", 0, c->loan ? "on" : "off"},
    };
    const struct setting *setting;

    join_hosts(c, inter, sizeof(inter));
    if (*cursor >= ARRAY_LEN(settings))
        return false;
    setting = &settings[(*cursor)++];
    if (setting->text != NULL)
        stat_line_text(line, setting->name, setting->text);
    else
        stat_line_u64(line, setting->name, setting->number);
    return true;
}
