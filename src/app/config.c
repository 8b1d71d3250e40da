/* The command line: options to a struct config, or a message that names what is wrong. */
#include "config.h"

#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_priv.h"
#include "lombard/base/num.h"
#include "lombard/store/store.h"

enum long_only {
    OPT_IDLE_TIMEOUT = 256,
    OPT_SEND_TIMEOUT,
    OPT_PEER_TIMEOUT,
    OPT_OPERATOR_TIMEOUT,
    OPT_DRAIN_TIME,
    OPT_BUFFER_MEMORY,
    OPT_LOAN,
    OPT_LATENCY,
};

#define MEMORY_MB_MAX (STORE_LIMIT_BYTES_MAX >> 20)

static const char short_options[] =
    ":p:s:a:l:m:c:I:R:b:vdP:u:AFXCMt:U:o:hVkrLWf:n:B:D:N:SZe:Y:";

static const struct option long_options[] = {
    {"port", required_argument, NULL, 'p'},
    {"unix-socket", required_argument, NULL, 's'},
    {"unix-mask", required_argument, NULL, 'a'},
    {"listen", required_argument, NULL, 'l'},
    {"memory-limit", required_argument, NULL, 'm'},
    {"conn-limit", required_argument, NULL, 'c'},
    {"max-item-size", required_argument, NULL, 'I'},
    {"max-reqs-per-event", required_argument, NULL, 'R'},
    {"listen-backlog", required_argument, NULL, 'b'},
    {"verbose", no_argument, NULL, 'v'},
    {"daemon", no_argument, NULL, 'd'},
    {"pidfile", required_argument, NULL, 'P'},
    {"user", required_argument, NULL, 'u'},
    {"enable-shutdown", no_argument, NULL, 'A'},
    {"disable-flush-all", no_argument, NULL, 'F'},
    {"disable-dumping", no_argument, NULL, 'X'},
    {"disable-cas", no_argument, NULL, 'C'},
    {"disable-evictions", no_argument, NULL, 'M'},
    {"threads", required_argument, NULL, 't'},
    {"udp-port", required_argument, NULL, 'U'},
    {"extended", required_argument, NULL, 'o'},
    {"idle-timeout", required_argument, NULL, OPT_IDLE_TIMEOUT},
    {"send-timeout", required_argument, NULL, OPT_SEND_TIMEOUT},
    {"peer-timeout", required_argument, NULL, OPT_PEER_TIMEOUT},
    {"operator-timeout", required_argument, NULL, OPT_OPERATOR_TIMEOUT},
    {"drain-time", required_argument, NULL, OPT_DRAIN_TIME},
    {"buffer-memory", required_argument, NULL, OPT_BUFFER_MEMORY},
    {"latency", no_argument, NULL, OPT_LATENCY},
    {"loan", required_argument, NULL, OPT_LOAN},
    {"lock-memory", no_argument, NULL, 'k'},
    {"enable-coredumps", no_argument, NULL, 'r'},
    {"enable-largepages", no_argument, NULL, 'L'},
    {"disable-watch", no_argument, NULL, 'W'},
    {"slab-growth-factor", required_argument, NULL, 'f'},
    {"slab-min-size", required_argument, NULL, 'n'},
    {"protocol", required_argument, NULL, 'B'},
    {"napi-ids", required_argument, NULL, 'N'},
    {"enable-sasl", no_argument, NULL, 'S'},
    {"enable-ssl", no_argument, NULL, 'Z'},
    {"memory-file", required_argument, NULL, 'e'},
    {"auth-file", required_argument, NULL, 'Y'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

enum config_result
config_usage(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("lombard: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputs("\nTry 'lombard --help'.\n", stderr);
    va_end(args);
    return CONFIG_USAGE;
}

/* Charts and unit files write "-m 64" as one word, which leaves the blank in the value. */
static char *
skip_blanks(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

static bool
parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value;

    if (!num_parse_u64(slice_make(text, strlen(text)), &value) || value < min || value > max)
        return false;
    *out = value;
    return true;
}

/* A number with an optional k, m or g behind it. */
static bool
parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    size_t len = strlen(text);
    unsigned shift = 0;
    uint64_t value;

    if (len > 0) {
        switch (tolower((unsigned char)text[len - 1])) {
        case 'k': shift = 10; break;
        case 'm': shift = 20; break;
        case 'g': shift = 30; break;
        default: break;
        }
    }
    if (!num_parse_u64(slice_make(text, shift > 0 ? len - 1 : len), &value) ||
        value > max >> shift || value << shift < min)
        return false;
    *out = value << shift;
    return true;
}

/* Megabytes; as the unit is given, "m" may follow without a meaning, and "g" with one. */
static bool
parse_megabytes(const char *text, uint64_t max, uint64_t *out)
{
    size_t len = strlen(text);
    int unit = len > 0 ? tolower((unsigned char)text[len - 1]) : 0;
    unsigned shift = unit == 'g' ? 10 : 0;
    uint64_t value;

    if (!num_parse_u64(slice_make(text, unit == 'm' || unit == 'g' ? len - 1 : len), &value) ||
        value < 1 || value > max >> shift)
        return false;
    *out = value << shift;
    return true;
}

static bool
parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
    uint64_t value;

    if (!parse_number(text, min, max, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool
parse_port(const char *text, int *out)
{
    uint64_t value;

    if (strcmp(text, "-1") == 0) {
        *out = -1;
        return true;
    }
    if (!parse_number(text, 0, 65535, &value))
        return false;
    *out = (int)value;
    return true;
}

static bool
parse_mode(const char *text, unsigned *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);

    if (!isdigit((unsigned char)text[0]) || *end != '\0' || value > 0777)
        return false;
    *out = (unsigned)value;
    return true;
}

/* "a,b:1,[::1]:2" in pieces; the commas in ARGV become ends. */
static bool
parse_hosts(struct config *config, char *text)
{
    char *rest = text;
    char *host;

    while ((host = strsep(&rest, ",;")) != NULL) {
        host = skip_blanks(host);
        if (*host == '\0' || config->host_count == LISTEN_HOSTS_MAX)
            return false;
        config->hosts[config->host_count++] = host;
    }
    return true;
}

/* memcached's -o: of its many settings, those that have a meaning here or need none. */
static enum config_result
parse_extended(struct config *config, char *text)
{
    static const char idle[] = "idle_timeout=";
    char *rest = text;
    char *word;

    while ((word = strsep(&rest, ",")) != NULL) {
        word = skip_blanks(word);
        if (*word == '\0' || config_ignore_extended(config, word))
            continue;
        if (strncmp(word, idle, sizeof(idle) - 1) == 0 &&
            parse_u32(word + sizeof(idle) - 1, 0, UINT32_MAX / 1000, &config->idle_timeout_s))
            continue;
        return config_usage("-o: unknown or malformed setting '%s'", word);
    }
    return CONFIG_RUN;
}

static bool
parse_seconds_to_ms(const char *text, uint32_t *out)
{
    uint32_t seconds;

    if (!parse_u32(text, 0, 3600, &seconds))
        return false;
    *out = seconds * 1000;
    return true;
}

static bool
parse_on_off(const char *text, bool *out)
{
    bool on = strcmp(text, "on") == 0;

    if (!on && strcmp(text, "off") != 0)
        return false;
    *out = on;
    return true;
}

/* An option with a value. False when the value is malformed. */
static bool
take_value(struct config *config, int option, char *text)
{
    switch (option) {
    case 'p': config->tcp = true; return parse_port(text, &config->port);
    case 'l': config->tcp = true; return parse_hosts(config, text);
    case 's': config->unix_path = text; return *text != '\0';
    case 'a': return parse_mode(text, &config->unix_mode);
    case 'm': return parse_megabytes(text, MEMORY_MB_MAX, &config->memory_mb);
    case 'I': return parse_size(text, 1024, UINT64_C(1) << 30, &config->item_bytes_max);
    case 'c': return parse_u32(text, 1, 1U << 30, &config->max_conns);
    case 'R': return parse_u32(text, 0, UINT32_MAX, &config->requests_a_turn);
    case 'b': return parse_u32(text, 1, 1U << 20, &config->backlog);
    case 'P': config->pid_file = text; return *text != '\0';
    case 'u': config->user = text; return *text != '\0';
    case OPT_IDLE_TIMEOUT:
        return parse_u32(text, 0, UINT32_MAX / 1000, &config->idle_timeout_s);
    case OPT_PEER_TIMEOUT: return parse_u32(text, 0, 86400, &config->peer_timeout_s);
    case OPT_OPERATOR_TIMEOUT: return parse_u32(text, 0, 86400, &config->operator_timeout_s);
    case OPT_SEND_TIMEOUT:
        return parse_u32(text, 0, UINT32_MAX / 1000, &config->send_timeout_s);
    case OPT_DRAIN_TIME: return parse_seconds_to_ms(text, &config->drain_ms);
    case OPT_BUFFER_MEMORY: return parse_megabytes(text, UINT64_C(1) << 20, &config->buffer_mb);
    case OPT_LOAN: return parse_on_off(text, &config->loan);
    default: return false;
    }
}

/* False when there is no such option. */
static bool
name_option(char *name, size_t bytes, int option)
{
    for (const struct option *o = long_options; o->name != NULL; o++) {
        if (o->val != option)
            continue;
        if (option < OPT_IDLE_TIMEOUT)
            (void)snprintf(name, bytes, "-%c (--%s)", option, o->name);
        else
            (void)snprintf(name, bytes, "--%s", o->name);
        return true;
    }
    return false;
}

/* Whether a value of -m is a number that is only too large. */
static bool
is_too_much_memory(int option, const char *text)
{
    uint64_t value;

    return option == 'm' && parse_megabytes(text, UINT64_MAX, &value);
}

static enum config_result
take_threads(struct config *config, const char *text)
{
    uint32_t threads;

    if (!parse_u32(text, 1, UINT32_MAX, &threads))
        return config_usage("option -t (--threads): bad value '%s'", text);
    if (threads > 1)
        config_note(config, "-t",
                    "Lombard is one thread. To use several cores run several processes, each "
                    "with its own -p and -m, behind clients that hash consistently or a proxy");
    return CONFIG_RUN;
}

/* One option. CONFIG_RUN: go on. */
static enum config_result
take_option(struct config *config, int option, char **argv)
{
    char name[64];

    if (optarg != NULL)
        optarg = skip_blanks(optarg);
    switch (option) {
    case 'v': config->verbosity++; return CONFIG_RUN;
    case 'd': config->daemon = true; return CONFIG_RUN;
    case 'A': config->shutdown_enabled = true; return CONFIG_RUN;
    case 'F': config->flush_enabled = false; return CONFIG_RUN;
    case 'X': config->dump_enabled = false; return CONFIG_RUN;
    case 'C': config->with_cas = false; return CONFIG_RUN;
    case 'M': config->evict = false; return CONFIG_RUN;
    case OPT_LATENCY: config->latency = true; return CONFIG_RUN;
    case 'o': return parse_extended(config, optarg);
    case 't': return take_threads(config, optarg);
    case 'U':
        if (strcmp(optarg, "0") == 0)
            return CONFIG_RUN;
        return config_usage(
            "-U %s: there is no UDP here: its replies can be forged and amplified. "
            "Use TCP or a unix socket",
            optarg);
    case 'h': (void)fputs(config_help, stdout); return CONFIG_DONE;
    case 'V': (void)puts("lombard " LOMBARD_VERSION); return CONFIG_DONE;
    case ':': return config_usage("option '%s' needs a value", argv[optind - 1]);
    case '?':
        if (name_option(name, sizeof(name), optopt))
            return config_usage("option %s takes no value", name);
        if (optopt != 0)
            return config_usage("unknown option '-%c'", optopt);
        return config_usage("unknown or ambiguous option '%s'", argv[optind - 1]);
    case 'S':
    case 'Y': return config_usage("-%c: there is no authentication here", option);
    case 'Z': return config_usage("-Z: there is no TLS here: put stunnel in front");
    case 'e': return config_usage("-e: a restart begins with an empty cache here");
    default:
        if (take_value(config, option, optarg) || config_ignore_option(config, option, optarg))
            return CONFIG_RUN;
        (void)name_option(name, sizeof(name), option);
        if (is_too_much_memory(option, optarg))
            return config_usage("option %s: %s is more than the %" PRIu64
                                " megabytes that can be indexed",
                                name, optarg, MEMORY_MB_MAX);
        return config_usage("option %s: bad value '%s'", name, optarg);
    }
}

static enum config_result
check_together(const struct config *config, int argc, char **argv)
{
    if (optind < argc)
        return config_usage("unexpected argument '%s'", argv[optind]);
    if (config->item_bytes_max > config->memory_mb << 20)
        return config_usage("-I: an item of %" PRIu64 " bytes does not fit into -m %" PRIu64
                            " megabytes",
                            config->item_bytes_max, config->memory_mb);
    if (config->port == 0 && config->unix_path == NULL)
        return config_usage(
            "-p 0 means no TCP, and without -s there is nothing to listen on. For any "
            "free port say -p -1");
    return CONFIG_RUN;
}

enum config_result
config_parse(struct config *config, int argc, char **argv)
{
    int option;

    *config = (struct config){
        .port = 11211,
        .unix_mode = 0700,
        .memory_mb = 64,
        .item_bytes_max = UINT64_C(1) << 20,
        .max_conns = 1024,
        .backlog = 1024,
        .send_timeout_s = 300,
        .peer_timeout_s = 120,
        .operator_timeout_s = 60,
        .drain_ms = 5000,
        .buffer_mb = 256,
        .loan = true,
        .flush_enabled = true,
        .dump_enabled = true,
        .with_cas = true,
        .evict = true,
    };
    optind =
        0; /* from the start, even where the last call left a cluster of letters half read */
    opterr = 0;
    while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        enum config_result result = take_option(config, option, argv);

        if (result != CONFIG_RUN)
            return result;
    }
    if (config->unix_path == NULL)
        config->tcp = true;
    if (config->port == 0)
        config->tcp = false;
    return check_together(config, argc, argv);
}
