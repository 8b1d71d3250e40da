/*
 * src/app/config.h - the command line: memcached's options, for what exists here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/stats.h"

enum {
    LISTEN_HOSTS_MAX = 16,
    CONFIG_NOTES_MAX = 32, /* more than that are ignored without a word */
};

/* An option that is accepted and has no effect. */
struct config_note {
    const char *option;
    const char *why;
};

struct config {
    int port;                            /* -p; -1: the kernel picks one */
    bool tcp;                            /* false with -p 0, or with -s alone */
    const char *hosts[LISTEN_HOSTS_MAX]; /* -l: host, host:port or [v6]:port */
    int host_count;                      /* 0: every address */
    const char *unix_path;               /* -s */
    unsigned unix_mode;                  /* -a */
    uint64_t memory_mb;                  /* -m */
    uint64_t item_bytes_max;             /* -I */
    uint32_t max_conns;                  /* -c */
    uint32_t requests_a_turn;            /* -R */
    uint32_t backlog;                    /* -b */
    uint32_t idle_timeout_s;
    uint32_t send_timeout_s;
    uint32_t peer_timeout_s;
    uint32_t operator_timeout_s;
    uint32_t drain_ms;
    uint64_t buffer_mb;
    bool latency;
    bool loan;             /* not --loan off */
    int verbosity;         /* -v, -vv */
    bool daemon;           /* -d */
    const char *pid_file;  /* -P */
    const char *user;      /* -u */
    bool shutdown_enabled; /* -A */
    bool flush_enabled;    /* not -F */
    bool dump_enabled;     /* not -X */
    bool with_cas;         /* not -C */
    bool evict;            /* not -M */
    struct config_note notes[CONFIG_NOTES_MAX];
    int note_count;
};

enum config_result {
    CONFIG_RUN,   /* *config is complete */
    CONFIG_DONE,  /* -h or -V: answered on standard output */
    CONFIG_USAGE, /* a message was written to standard error: exit 64 */
};

/* Strings point into ARGV. */
enum config_result config_parse(struct config *config, int argc, char **argv) MUST_USE;

/* `stats settings`: a stat_source's next; CTX is the struct config. */
bool config_stat_next(void *ctx, uint64_t *cursor, struct stat_line *line);
