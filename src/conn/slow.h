/*
 * src/conn/slow.h - the requests that took longest recently, for `stats slow`.
 *
 *     latency_settle() says how long --- more than limit_ns? --slow_note()--> one of SLOW_KEPT
 *
 * What took less costs one comparison. Each window of SLOW_WINDOW_MS keeps its longest; shown are those
 * of this one and the one before. One reading of the clock makes one entry: it names the last request
 * that was answered by then, and says how many were answered together.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/slice.h"
#include "lombard/base/stats.h"
#include "lombard/proto/op.h"
#include "lombard/proto/request.h"

enum {
    SLOW_KEPT = 32, /* of each window */
    SLOW_WINDOW_MS = 60 * 1000,
    SLOW_NS_MIN = 100 * 1000, /* what took less is not slow */
    SLOW_PEER_BYTES = 64,
};

struct conn;

/* What is known of one request when its reply was sent. */
struct slow_request {
    uint64_t took_ns;   /* since the kernel had reported its bytes */
    uint64_t served_ns; /* of this: since the clock was read before; the rest it waited */
    uint64_t bytes;     /* that its connection received and sent meanwhile */
    uint32_t requests;  /* answered together with it, of its connection and of its group */
    enum request_op op;
};

struct slow_entry {
    struct slow_request request;
    uint64_t at_ms; /* of the clock */
    uint32_t id;    /* of its connection */
    uint8_t key_bytes;
    char key[KEY_BYTES_MAX];
    char peer[SLOW_PEER_BYTES];
};

/* The longest of one window, in no order. */
struct slow_window {
    uint32_t count;
    struct slow_entry entries[SLOW_KEPT];
};

struct slow {
    uint64_t limit_ns; /* what takes longer is kept */
    uint64_t since_ms; /* of the clock: this window began */
    uint32_t now;      /* of the windows */
    struct slow_window windows[2];
    uint16_t order[2 * SLOW_KEPT]; /* of all entries, for `stats slow`: the longest first */
    /* The key of an upload or a join, whose request is gone when its reply is sent. */
    uint32_t kept_id; /* of its connection; 0: none */
    uint64_t kept_ns; /* when the clock had been read last before */
    uint8_t kept_bytes;
    char kept[KEY_BYTES_MAX];
};

void slow_init(struct slow *slow, uint64_t now_ms);
/* Once a tick. */
void slow_tick(struct slow *slow, uint64_t now_ms);
/* C's request for KEY is about to be answered, and forgotten. */
void slow_keep_key(struct conn *c, struct slice key);
/*
 * C was answered REQUEST, which took more than limit_ns, for KEY; NULL: the one that was kept for it
 * since the reading of the clock before this one, or none.
 */
void slow_note(struct conn *c, const struct slow_request *request, const struct slice *key);

/* `stats slow [N]`; the context is the struct server. */
extern const struct stat_section slow_stats;
