/*
 * tests/fuzz/fuzz_config.c - the command line, and what `stats settings` makes of it.
 *
 * The input's lines are the arguments. Whatever they are, the process goes on; what
 * is accepted lies within its limits; and a second reading comes to the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "fuzz.h"
#include "lombard/store/store.h"

enum { ARGS_MAX = 64, SETTINGS_BYTES = 8192 };

/* Parse TEXT, which is cut into arguments, saying nothing to anybody. */
static enum config_result
parse(struct config *config, char *text)
{
    static FILE *null;
    char name[] = "lombard";
    char *argv[ARGS_MAX + 2] = {name};
    FILE *real_stderr = stderr;
    FILE *real_stdout = stdout;
    enum config_result result;
    int argc = 1;

    while (text != NULL && argc <= ARGS_MAX)
        argv[argc++] = strsep(&text, "\n");
    if (null == NULL)
        null = fopen("/dev/null", "we");
    if (null == NULL)
        return CONFIG_USAGE;
    stderr = null;
    stdout = null;
    result = config_parse(config, argc, argv);
    stderr = real_stderr;
    stdout = real_stdout;
    return result;
}

static void
check_limits(const struct config *config)
{
    REQUIRE(config->port >= -1 && config->port <= 65535);
    REQUIRE(config->tcp <= (config->port != 0));
    REQUIRE(config->host_count >= 0 && config->host_count <= LISTEN_HOSTS_MAX);
    for (int i = 0; i < config->host_count; i++)
        REQUIRE(config->hosts[i][0] != '\0');
    REQUIRE(config->tcp || config->unix_path != NULL);
    REQUIRE(config->unix_mode <= 0777);
    REQUIRE(config->store.limit_bytes >= 1 << 20 &&
            config->store.limit_bytes <= STORE_LIMIT_BYTES_MAX);
    REQUIRE(config->store.item_bytes_max >= 1024);
    REQUIRE(config->store.item_bytes_max <= config->store.limit_bytes);
    REQUIRE(config->server.max_conns >= 1);
    REQUIRE(config->backlog >= 1);
    REQUIRE(config->server.buffer_bytes >= 1 << 20);
    REQUIRE(config->server.peer_timeout_s <=
            86400); /* in milliseconds it is an int of the kernel's */
    REQUIRE(config->server.drain_ms <= 3600 * 1000);
}

/* All of `stats settings`, in TEXT. */
static void
show(struct config *config, char *text)
{
    const struct stat_instance instance = {.record = config};
    struct stat_value value;
    size_t used = 0;

    for (size_t i = 0; i < config_settings.entry_count; i++) {
        stats_read(&config_settings.entries[i], &instance, &value);
        used += (size_t)snprintf(text + used, SETTINGS_BYTES - used, "%s %s\n",
                                 config_settings.entries[i].name, value.text);
    }
    REQUIRE(used < SETTINGS_BYTES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char first[SETTINGS_BYTES], second[SETTINGS_BYTES];
    struct config config, again;
    char *text = malloc(2 * (size + 1));
    enum config_result result;

    if (text == NULL)
        return 0;
    for (int i = 0; i < 2; i++) {
        memcpy(text + (size_t)i * (size + 1), data, size);
        text[(size_t)(i + 1) * (size + 1) - 1] = '\0';
    }
    result = parse(&config, text);
    REQUIRE(parse(&again, text + size + 1) == result);
    if (result == CONFIG_RUN) {
        check_limits(&config);
        show(&config, first);
        show(&again, second);
        REQUIRE(strcmp(first, second) == 0);
    }
    free(text);
    return 0;
}
