/*
 * tools/top/figures_top.h - what is shown of one server: figures made from its answers.
 *
 * Of a plain memcached, rates are what its counters grew by between two rounds; latency, hot keys
 * and events it has not, and of connections it says only address and state. A number that is not
 * known is negative.
 */
#pragma once

#include "target.h"

enum {
    SHOWN_KEYS_MAX = 64,
    SHOWN_TALKERS_MAX = 256,
    SHOWN_EVENTS_MAX = 32,
    SHOWN_TEXT_BYTES = 256
};

/* Counters of the round before, for rates. */
struct before {
    bool known;
    double at_s;
    double commands, hits, misses, bytes_in, bytes_out, evictions;
};

struct shown_key {
    char key[SHOWN_TEXT_BYTES];
    double share_pct, error_pct, per_second;
};

struct talker {
    char line
        [24]; /* as the lines of `stats conns` begin: a descriptor, which others have later */
    char id[24]; /* of a Lombard: no other connection ever has it; "" where there is none */
    char address[TARGET_TEXT_BYTES];
    char name[64]; /* that it gave itself, or "" */
    char state[24];
    double requests, bytes_in, bytes_out, held, stalled_s;
};

struct shown_event {
    char text[SHOWN_TEXT_BYTES];
};

struct figures {
    char version[32];
    bool is_lombard;
    double uptime_s, conns, ready, stalled, items, bytes, limit_bytes;
    double commands, hits, misses, bytes_in, bytes_out, evictions; /* a second */
    double hit_pct;
    double p50_us, p99_us, max_us, loop_max_us; /* of get, or set, in the last 10 s */
    struct shown_key keys[SHOWN_KEYS_MAX];
    int key_count;
    struct talker talkers[SHOWN_TALKERS_MAX];
    int talker_count;
    bool talkers_left_out;                /* there are more connections than these */
    char keys_refused[TARGET_TEXT_BYTES]; /* why there are none; or "" */
    struct shown_event events[SHOWN_EVENTS_MAX];
    int event_count;
};

enum talker_order {
    BY_TALKER_BYTES_OUT,
    BY_TALKER_BYTES_IN,
    BY_TALKER_REQUESTS,
    BY_TALKER_HELD,
    BY_TALKER_STALLED,
};

enum { TALKER_ORDERS = BY_TALKER_STALLED + 1 };

/* For people; and as `stats conns top` has it. */
const char *talker_order_name(enum talker_order order);
const char *talker_order_word(enum talker_order order);

/* From TARGET's answers, which are complete. BEFORE becomes what is needed for the next round. */
void figures_make(struct figures *figures, const struct target *target, struct before *before,
                  double now_s);
void figures_sort(struct figures *figures, enum talker_order order);
