/*
 * include/lombard/event/timer.h - callbacks at a time.
 *
 * A server needs a handful of timers, never one for each connection: they are kept in
 * a list sorted by time. A timer lives inside its user.
 */
#pragma once

#include <stdint.h>

#include "lombard/base/list.h"

struct timer {
    struct list_node node;
    uint64_t at_ms; /* clock.now_ms */
    void (*on_time)(struct timer *timer);
};

struct timers {
    struct list_node sorted; /* earliest first */
};

void timers_init(struct timers *timers);
void timer_init(struct timer *timer, void (*on_time)(struct timer *timer));

/* Arm, or arm again. Called once: a periodic timer arms itself again in on_time(). */
void timer_set(struct timers *timers, struct timer *timer, uint64_t at_ms);
void timer_cancel(struct timer *timer);

/* Call what is due at NOW_MS, each at most once. */
void timers_run(struct timers *timers, uint64_t now_ms);
/* Milliseconds until the next one is due: 0 if it already is, -1 if there is none. */
int timers_wait_ms(const struct timers *timers, uint64_t now_ms);
