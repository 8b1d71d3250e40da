/*
 * tools/bench/data/replay.h - a whole trace in memory, each request with the time when it is due.
 *
 * Read before anything is measured, so that nothing waits for a file then; 24 bytes a request. Where a
 * trace has whole seconds only, the requests of one second are spread evenly over it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/keys.h"
#include "data/trace.h"
#include "lombard/base/attr.h"

/* A name has a number of its own in it, so it cannot be shorter. */
enum { REPLAY_KEY_MIN = 9, REPLAY_KEY_DEFAULT = 16 };

struct replay_step {
    uint64_t due_ns; /* since the replay began */
    uint32_t key;
    uint32_t value_bytes; /* SIZE_OF_KEY: what the key's hash says */
    uint32_t ttl_s;
    uint8_t kind; /* enum query_kind */
};

struct replay {
    struct replay_step *steps;
    uint64_t count;
    uint64_t size;      /* there is room for */
    uint64_t span_ns;   /* until the end of the last one's second, or its time */
    uint64_t keys;      /* ids are below this */
    uint64_t backwards; /* were earlier than the one before: due at its time */
    uint64_t busiest;   /* requests due in one second */
    uint32_t
        *bytes; /* of each key: the first size of a value that the trace has; KEYS of them */
    uint8_t *key_bytes; /* of each key: how long it was */
    uint64_t id_room;   /* of the two above */
    uint64_t kinds[QUERY_KIND_COUNT];
};

/* Of what a replay is made. */
struct replay_config {
    const char *path; /* "-": standard input */
    enum trace_format format;
    double speed;          /* times as fast as it was recorded */
    uint64_t requests_max; /* further ones are not read; 0: all are */
    uint64_t duration_ns;  /* likewise of what is due later; 0: all are */
    bool timeless;         /* its times do not matter */
    uint32_t ttl_max_s;    /* longer ones become this */
};

/* NULL, or what is wrong; then there is nothing to free. The words are valid until the next call. */
const char *replay_load(struct replay *r, const struct replay_config *config) MUST_USE;
void replay_free(struct replay *r);
