/* Keeps timers in a list sorted by time, and calls the ones that are due. */
#include "lombard/event/timer.h"

#include <limits.h>

#include "lombard/base/attr.h"

static struct timer *
from_node(struct list_node *node)
{
    return CONTAINER_OF(node, struct timer, node);
}

void
timers_init(struct timers *timers)
{
    list_init(&timers->sorted);
}

void
timer_init(struct timer *timer, void (*on_time)(struct timer *timer))
{
    list_init(&timer->node);
    timer->at_ms = 0;
    timer->on_time = on_time;
}

void
timer_set(struct timers *timers, struct timer *timer, uint64_t at_ms)
{
    struct list_node *before;

    timer_cancel(timer);
    timer->at_ms = at_ms;
    before = timers->sorted.prev;
    while (before != &timers->sorted && from_node(before)->at_ms > at_ms)
        before = before->prev;
    list_push_front(before, &timer->node);
}

void
timer_cancel(struct timer *timer)
{
    list_remove(&timer->node);
}

void
timers_run(struct timers *timers, uint64_t now_ms)
{
    struct list_node due;
    struct list_node *node;

    /* Taken out first: one that arms itself again for now waits for the next iteration. */
    list_init(&due);
    while (!list_is_empty(&timers->sorted) && from_node(timers->sorted.next)->at_ms <= now_ms)
        list_push_back(&due, list_pop_front(&timers->sorted));
    while ((node = list_pop_front(&due)) != NULL) {
        struct timer *timer = from_node(node);

        timer->on_time(timer);
    }
}

int
timers_wait_ms(const struct timers *timers, uint64_t now_ms)
{
    uint64_t at_ms;

    if (list_is_empty(&timers->sorted))
        return -1;
    at_ms = CONTAINER_OF(timers->sorted.next, const struct timer, node)->at_ms;
    if (at_ms <= now_ms)
        return 0;
    return at_ms - now_ms > INT_MAX ? INT_MAX : (int)(at_ms - now_ms);
}
