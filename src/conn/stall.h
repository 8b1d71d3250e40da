/*
 * src/conn/stall.h - the order of the connections that wait for their peer.
 *
 * A line keeps them by the time of their stall, the longest first. Putting one in
 * takes constant time, whatever its time is, as does taking it out of its list:
 *
 *     recent   one list for each SLOT_MS of the last 4 s
 *     older    one for each 32 of these, of the last 2 minutes
 *     oldest   all that is older
 *
 * As time passes whole lists go from one to the next. So the order is exact but for
 * a 32nd part of the age or so.
 *
 * There is a line for each class of what they hold, so that a choice by what is held
 * and by time has to look at the front of each line only.
 */
#pragma once

#include <stdint.h>

#include "lombard/base/list.h"

enum { STALL_SLOTS = 32 }; /* of either kind */

struct stall_line {
    uint64_t slot; /* of the present time, as far as the lists are up to date */
    struct list_node recent[STALL_SLOTS];
    struct list_node older[STALL_SLOTS];
    struct list_node oldest;
};

void stall_init(struct stall_line *line, uint64_t now_ms);
/* Put in NODE, which stalled AGE_MS ago. list_remove() takes it out. */
void stall_put(struct stall_line *line, struct list_node *node, uint64_t now_ms,
               uint32_t age_ms);
/* The one that stalled first, or nearly so; NULL when the line is empty. */
struct list_node *stall_first(struct stall_line *line, uint64_t now_ms);
