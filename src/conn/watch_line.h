/*
 * src/conn/watch_line.h - what `watch` shows: lines, put straight into the watchers' write buffers.
 *
 *     ts=1700000000.123456 gid=7 type=item_get key=foo status=found clsid=1 cfd=23 size=5
 *
 * A watcher keeps the write buffer that it was lent for as long as it watches. Where a line does
 * not fit, because its peer does not read, it is left out; the next one that fits comes behind
 * "skipped=N". Nothing waits for a watcher. Source: memcached's protocol.txt, "Watchers", and what
 * it prints.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/stats.h"
#include "lombard/proto/reply.h"
#include "lombard/proto/request.h"

enum { WATCHERS_MAX = 20 }; /* as at memcached */

struct conn;
struct server;

struct watcher {
    struct conn *conn;
    uint32_t topics;  /* of enum watch_topic */
    uint64_t skipped; /* lines, since the last that fitted */
};

/* All zero: none. */
struct watchers {
    uint32_t topics; /* that any of them watches */
    uint32_t count;
    uint64_t gid; /* of the last line */
    uint64_t sent;
    uint64_t skipped;
    struct watcher at[WATCHERS_MAX];
    bool found;     /* by watch_line_lookup(): what the request's key had, */
    uint64_t bytes; /* and how much that was */
};

/* SKIPPED lines have not reached it so far. False: there are WATCHERS_MAX. */
bool watchers_add(struct watchers *watchers, struct conn *c, uint32_t topics,
                  uint64_t skipped) MUST_USE;
void watchers_remove(struct watchers *watchers, const struct conn *c);

/*
 * For the connections that watch it: REQ of C is about to look its key up, which every operation with one
 * does; and it was answered. Only where watchers.topics is not 0.
 */
void watch_line_lookup(const struct conn *c, const struct request *req);
void watch_line_request(const struct conn *c, const struct request *req,
                        const struct reply *reply);
/* COMMAND is one line of what C sends, without its end. */
void watch_line_command(const struct conn *c, struct slice command);
/* C was accepted; or ends, for REASON, of enum close_reason. */
void watch_line_accepted(const struct conn *c);
void watch_line_closed(const struct conn *c, int reason);

/* In plain `stats`; the context is the struct watchers. */
extern const struct stat_section watch_stats;
