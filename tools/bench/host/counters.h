/*
 * tools/bench/host/counters.h - the numbers of a server's `stats`, before and after.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/net.h"
#include "lombard/base/attr.h"

enum { COUNTERS_MAX = 256, COUNTER_NAME_BYTES = 48, COUNTERS_TEXT_BYTES = 64 * 1024 };

struct counter {
    char name[COUNTER_NAME_BYTES];
    int64_t value;
};

struct counters {
    uint32_t count;
    struct counter list[COUNTERS_MAX];
};

/*
 * What FD answers to `stats`: text of at most COUNTERS_TEXT_BYTES, NUL-terminated,
 * to be freed. NULL when it does not answer within a second, or memory is short.
 */
char *counters_ask(int fd) MUST_USE;
/* All whole numbers of such a text. */
void counters_parse(const char *text, struct counters *out);
/* Ask ADDR on a connection of its own. False when it does not answer. */
bool counters_fetch(const struct net_addr *addr, struct counters *out) MUST_USE;
/* What has changed: AFTER less BEFORE, without what is the same or new. */
void counters_subtract(struct counters *after, const struct counters *before);
