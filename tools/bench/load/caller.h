/*
 * tools/bench/load/caller.h - one connection, as the load sees it.
 *
 * What it is being answered, and which stores follow from that. The connection itself
 * (run/channel.h) owns it.
 */
#pragma once

#include <stdint.h>

#include "wire/wire.h"

/* A request that an answer made necessary: a store after a miss, the second half of a cas. */
struct follow {
    uint64_t cas;
    uint64_t due_ns;  /* CAS: of the first half */
    uint64_t sent_ns; /* likewise */
    uint32_t key;
    uint32_t value_bytes;
    uint32_t ttl_s;
    uint8_t kind;  /* enum query_kind */
    uint8_t flags; /* QUERY_COUNTER, QUERY_GROWING */
};

struct caller {
    uint64_t until_ns; /* it begins nothing before */
    uint32_t index;    /* of the connection, for messages */
    uint32_t hits;     /* values that have come for the request being answered */
    uint32_t follow_count;
    struct follow *follows; /* the oldest first */
    struct reader reader;   /* the answer that is coming in */
};
