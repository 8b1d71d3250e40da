/* Divides --total-memory: what a process may need at most, part by part. */
#include "config_total.h"

#include <inttypes.h>

#include "config_priv.h"

enum {
    MEGABYTE = 1 << 20,
    BUFFER_PARTS = 24,
    BUFFER_SHARES = 3, /* buffers, partial commands, and heads of uploads: as much each */
};

uint64_t
config_bytes_besides_store(const struct config *config)
{
    enum {
        PROGRAM_BYTES = 16 * MEGABYTE, /* code, libraries, stack, tables of a fixed size */
        CONN_BYTES = 256,              /* of one connection, its name and its slot */
    };
    const struct server_config *server = &config->server;
    uint64_t conns = (uint64_t)server->max_conns + server->admin_conns + server->http_conns;

    return PROGRAM_BYTES + conns * CONN_BYTES +
           BUFFER_SHARES * (uint64_t)config->server.buffer_bytes;
}

uint64_t
config_bytes_for_store(const struct config *config)
{
    uint64_t others = config_bytes_besides_store(config);

    return config->total_bytes > others ? config->total_bytes - others : 0;
}

/* As large as may be, in whole megabytes, up to what they are without a limit. */
static void
choose_buffers(struct config *config, const struct config_named *named)
{
    uint64_t most = config->server.buffer_bytes;
    uint64_t share = config->total_bytes / BUFFER_PARTS;

    config->server.buffer_bytes = 0;
    if (named->memory) {
        uint64_t left = config_bytes_for_store(config);

        share = left > config->store.limit_bytes
                    ? (left - config->store.limit_bytes) / BUFFER_SHARES
                    : 0;
    }
    share -= share % MEGABYTE;
    share = share < MEGABYTE ? MEGABYTE : share;
    config->server.buffer_bytes = share < most ? share : most;
}

enum config_result
config_divide_total(struct config *config, const struct config_named *named)
{
    uint64_t left;

    if (config->total_bytes == 0)
        return CONFIG_RUN;
    if (!named->buffers)
        choose_buffers(config, named);
    left = config_bytes_for_store(config);
    left -= left % MEGABYTE;
    if (!named->memory)
        config->store.limit_bytes = left < MEGABYTE                ? MEGABYTE
                                    : left < STORE_LIMIT_BYTES_MAX ? left
                                                                   : STORE_LIMIT_BYTES_MAX;
    if (left >= config->store.limit_bytes)
        return CONFIG_RUN;
    return config_usage(
        "--total-memory %" PRIu64 ": at least %" PRIu64
        " megabytes are needed for -m %zu, -c %u and --buffer-memory %zu",
        config->total_bytes >> 20,
        (config->store.limit_bytes + config_bytes_besides_store(config) + MEGABYTE - 1) >> 20,
        config->store.limit_bytes >> 20, config->server.max_conns,
        config->server.buffer_bytes >> 20);
}
