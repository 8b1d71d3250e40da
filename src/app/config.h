/*
 * src/app/config.h - the command line: memcached's options, for what exists here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/stats.h"
#include "lombard/cmd/cmd.h"
#include "lombard/conn/server.h"
#include "lombard/store/store.h"

enum {
    LISTEN_HOSTS_MAX = 16,
    ADMIN_PORT_ABOVE = 10000, /* -p: the port of --admin, where it names none */
    HTTP_PORT = 9150,         /* of --http, likewise: that of memcached_exporter */
    CONFIG_NOTE_BYTES = 40,
    CONFIG_NOTES_MAX = 96, /* each option is noted once, and there are fewer */
};

/* What the log says of an option at the start. */
enum note_kind {
    NOTE_IGNORED, /* it has no effect */
    NOTE_WARNING, /* it has another one than its user may think */
    NOTE_TAKEN,   /* it was found in the environment */
};

struct config_note {
    enum note_kind kind;
    char option[CONFIG_NOTE_BYTES];
    const char *why;
};

/* -B */
enum config_protocol {
    PROTOCOL_AUTO, /* the first byte of each connection says */
    PROTOCOL_ASCII,
    PROTOCOL_BINARY,
};

/* What a server that runs is asked, instead of being one. */
enum config_ask {
    ASK_NOTHING,
    ASK_PING,
    ASK_STATS,
};

/*
 * All settings, each in one place: those of a layer in that layer's own struct, which is what
 * it is created with. What an option means is said in options.def.
 */
struct config {
    struct store_config store;           /* but for the hash key, */
    struct cmd_config cmd;               /* the clock and the statistics, */
    uint32_t conns_most;                 /* for which descriptors suffice: no option */
    struct server_config server;         /* the clock, the cmd and keep_buffers: see loan */
    uint64_t total_bytes;                /* of the process; 0: as the parts come to */
    int port;                            /* -1: the kernel picks one */
    bool tcp;                            /* false with -p 0, or with -s alone */
    const char *hosts[LISTEN_HOSTS_MAX]; /* host, host:port or [v6]:port */
    int host_count;                      /* 0: every address */
    const char *unix_path;               /* NULL: none */
    unsigned unix_mode;
    const char *admin; /* a path, which has a slash, or an address; NULL: no such listener */
    unsigned admin_mode;
    const char *http; /* likewise */
    uint32_t backlog;
    uint32_t threads;  /* 1 */
    uint32_t udp_port; /* 0 */
    bool loan;         /* connections do not keep their buffers */
    enum config_protocol protocol;
    bool lock_memory; /* -k */
    bool core_dumps;  /* -r */
    int verbosity;
    bool daemon;
    const char *auth_file;   /* NULL: no client has to authenticate */
    bool sasl;               /* as auth_file says */
    const char *pid_file;    /* NULL: none */
    const char *user;        /* likewise */
    const char *memory_file; /* NULL: the cache ends with the process */
    const char *log_file;    /* NULL: standard error */
    const char *control;     /* NULL: no other process can take this one's place */
    const char *takeover;    /* NULL: this process takes the place of none */
    bool sandbox;
    enum config_ask ask;
    const char *ask_group;   /* of `stats`; "" for all */
    const char *ask_address; /* host:port, or a path; NULL: where -p or -s says, on this host */
    struct config_note notes[CONFIG_NOTES_MAX];
    int note_count;
};

enum config_result {
    CONFIG_RUN,   /* *config is complete */
    CONFIG_ASK,   /* do not serve: ask a server what config->ask says */
    CONFIG_DONE,  /* -h or -V: answered on standard output */
    CONFIG_USAGE, /* a message was written to standard error: exit 64 */
};

/* Strings point into ARGV, or into the environment. */
enum config_result config_parse(struct config *config, int argc, char **argv) MUST_USE;

/* `stats settings`; the context is the struct config. */
extern const struct stat_section config_settings;
