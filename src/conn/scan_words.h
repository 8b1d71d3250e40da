/*
 * src/conn/scan_words.h - which connections are asked for.
 */
#pragma once

#include "conn_state.h"

enum { SCAN_TOP_MAX = 100 };

enum scan_choice { CHOOSE_ID, CHOOSE_ADDR, CHOOSE_STALLED, CHOOSE_STATE, CHOOSE_TOP };

enum scan_measure {
    BY_REQUESTS,
    BY_BYTES_IN,
    BY_BYTES_OUT,
    BY_HELD,
    BY_STALLED,
};

/* One of the most; where it was. */
struct scan_top {
    uint64_t value;
    uint64_t position;
    uint32_t id;
};

struct scan {
    bool kills;
    enum scan_choice choice;
    enum scan_measure measure;
    uint64_t number;  /* ID, STALLED: milliseconds */
    char text[2][72]; /* ADDR: how addresses begin, IPv4 in both its forms; STATE: the first */
    bool whole;       /* ADDR: not only how they begin */
    uint64_t cursor;  /* in the table */
    bool over;        /* all of it was looked at */
    uint64_t killed;
    uint32_t shown_id; /* whose lines are being sent */
    uint32_t line;     /* of it, which is next */
    uint32_t top_max, top_count, top_next;
    struct scan_top top[];
};

/* What WORDS choose. NULL, and *WHY: they make no sense (REPLY_BAD_QUERY), or there is no memory. */
struct scan *scan_create(enum request_op op, struct slice words,
                         enum reply_status *why) MUST_USE;
void scan_destroy(struct scan *scan);
