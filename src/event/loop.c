/* Waits for events with epoll, delivers them, and runs timers and the user's work around that. */
#include "lombard/event/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "busy_poll.h"
#include "lombard/base/invariant.h"
#include "lombard/base/sys.h"

enum { EVENTS_AT_ONCE = 256 };

struct loop {
    int epfd;
    int timer_fd; /* readable when the first timer is due, without a watch; -1: there is none */
    bool stopped;
    bool left;         /* loop_run() returns, but may be called again */
    uint64_t armed_ms; /* what timer_fd is set to; 0: to nothing */
    struct clock *clock;
    struct timers timers;
    struct loop_user user;
    struct loop_stats stats;
    struct busy_poll busy_poll;
    bool kernel_polls; /* as it was told */
    struct epoll_event events[EVENTS_AT_ONCE];
};

/*
 * A wait that ends by itself has the kernel set a timer, and take it off again, whenever the thread
 * sleeps; this one is set when the first timer changes. Without it there are such waits. It is never
 * read: it tells of each time once.
 */
static void
open_timer(struct loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};

    loop->timer_fd = sys_timer_create();
    if (loop->timer_fd < 0 ||
        sys_epoll_ctl(loop->epfd, EPOLL_CTL_ADD, loop->timer_fd, &event) == 0)
        return;
    (void)sys_close(loop->timer_fd);
    loop->timer_fd = -1;
}

struct loop *
loop_create(struct clock *clock, const struct loop_user *user)
{
    struct loop *loop = sys_malloc(sizeof(*loop));

    if (loop == NULL)
        return NULL;
    memset(loop, 0, sizeof(*loop));
    loop->epfd = sys_epoll_create();
    if (loop->epfd < 0) {
        sys_free(loop);
        return NULL;
    }
    open_timer(loop);
    loop->clock = clock;
    loop->user = *user;
    timers_init(&loop->timers);
    return loop;
}

void
loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->timer_fd >= 0)
        (void)sys_close(loop->timer_fd);
    (void)sys_close(loop->epfd);
    sys_free(loop);
}

struct timers *
loop_timers(struct loop *loop)
{
    return &loop->timers;
}

uint64_t
loop_now_ms(const struct loop *loop)
{
    return loop->clock->now_ms;
}

const struct loop_stats *
loop_stats(const struct loop *loop)
{
    return &loop->stats;
}

void
watch_init(struct watch *watch, int fd, void (*on_event)(struct watch *watch, uint32_t events))
{
    watch->fd = fd;
    watch->wanted = 0;
    watch->edge = watch->shared = watch->early = watch->partial = false;
    watch->on_event = on_event;
}

/* The kernel reports hang-ups even where nothing is wanted: such a watch is not registered. */
static int
control_op(uint32_t before, uint32_t wanted)
{
    if (before == 0)
        return EPOLL_CTL_ADD;
    return wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
}

/*
 * Edge-triggered, the kernel does not look at a socket again after it has reported it. What then has to be
 * known besides: whether a receive may end early (EPOLLPRI: at urgent data).
 */
static uint32_t
epoll_bits(const struct watch *watch, uint32_t wanted)
{
    uint32_t bits = 0;

    if (wanted & WATCH_IN)
        bits |= watch->edge ? EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET : EPOLLIN;
    if (wanted & WATCH_OUT)
        bits |= EPOLLOUT;
    return bits;
}

bool
loop_want(struct loop *loop, struct watch *watch, uint32_t wanted)
{
    struct epoll_event event = {.events = epoll_bits(watch, wanted), .data.ptr = watch};

    if (watch->wanted == wanted)
        return true;
    loop->stats.epoll_ctls++;
    if (sys_epoll_ctl(loop->epfd, control_op(watch->wanted, wanted), watch->fd, &event) != 0)
        return false;
    watch->wanted = (uint8_t)wanted;
    return true;
}

void
loop_forget(struct loop *loop, struct watch *watch)
{
    /* What is watched may always be taken out: that needs no memory. */
    (void)BROKEN(!loop_want(loop, watch, 0));
    watch->wanted = 0;
}

static uint32_t
watch_bits(uint32_t reported)
{
    uint32_t bits = 0;

    if (reported & (EPOLLIN | EPOLLRDHUP | EPOLLPRI))
        bits |= WATCH_IN;
    if (reported & EPOLLOUT)
        bits |= WATCH_OUT;
    if (reported & (EPOLLERR | EPOLLHUP))
        bits |= WATCH_IN | WATCH_OUT;
    return bits;
}

/* Something earlier in this iteration may have changed what the watch wants. */
static void
deliver(struct loop *loop, const struct epoll_event *event)
{
    struct watch *watch = event->data.ptr;
    uint32_t bits;

    if (UNLIKELY(watch == NULL)) { /* a timer is due, and will be run */
        loop->armed_ms = 0;
        return;
    }
    bits = watch_bits(event->events) & watch->wanted;
    if (bits == 0)
        return;
    loop->stats.events++;
    if (UNLIKELY((event->events & ~(uint32_t)(EPOLLIN | EPOLLOUT)) != 0))
        watch->partial = true;
    watch->on_event(watch, bits);
}

/* Asked of the user's lists themselves, after all that may have put something into them. */
int
loop_wait_ms(const struct loop *loop)
{
    if (loop->stopped || loop->user.has_work(loop->user.ctx))
        return 0;
    return timers_wait_ms(&loop->timers, loop->clock->now_ms);
}

/* True when timer_fd ends a wait at AT_MS. */
static bool
timer_ends_at(struct loop *loop, uint64_t at_ms)
{
    if (loop->timer_fd < 0)
        return false;
    if (LIKELY(loop->armed_ms == at_ms))
        return true;
    if (sys_timer_set(loop->timer_fd, loop->clock->start_ns + at_ms * 1000000) != 0)
        return false;
    loop->armed_ms = at_ms;
    return true;
}

static int
how_long(struct loop *loop, int max_wait_ms)
{
    int wait_ms = loop_wait_ms(loop);

    if (max_wait_ms >= 0 && (wait_ms < 0 || wait_ms > max_wait_ms))
        return max_wait_ms;
    if (wait_ms > 0 && timer_ends_at(loop, loop->clock->now_ms + (uint64_t)wait_ms))
        return -1;
    return wait_ms;
}

/* --- Looking for events instead of sleeping --- */

/* Only while it pays: the kernel spins before each sleep, whatever has come of it. */
static void
tell_kernel(struct loop *loop)
{
    struct busy_poll *poll = &loop->busy_poll;
    uint32_t us = poll->pays ? poll->limit_ns / 1000 : 0;

    loop->kernel_polls = poll->pays;
    poll->kernel_error = sys_epoll_busy_poll(loop->epfd, us) == 0 ? 0 : errno;
}

void
loop_set_busy_poll(struct loop *loop, uint32_t us)
{
    bool before = loop->busy_poll.limit_ns > 0;

    busy_poll_set(&loop->busy_poll, us * 1000);
    if (us > 0 || before)
        tell_kernel(loop);
}

void *
loop_busy_poll(struct loop *loop)
{
    return &loop->busy_poll;
}

static int
poll_now(struct loop *loop)
{
    return sys_epoll_wait(loop->epfd, loop->events, EVENTS_AT_ONCE, 0);
}

/* Look for events for BUDGET_NS from SINCE_NS on, *NS in fact; as sys_epoll_wait(). */
static int
spin(struct loop *loop, uint64_t since_ns, uint64_t budget_ns, uint64_t *ns)
{
    int count;

    do {
        count = poll_now(loop);
        *ns = sys_monotonic_ns() - since_ns;
    } while (count == 0 && *ns < budget_ns);
    return count;
}

static int
sleep_on(struct loop *loop, int wait_ms, uint64_t spun_ns)
{
    int spun_ms = (int)(spun_ns / 1000000);

    if (wait_ms > 0)
        wait_ms = wait_ms > spun_ms ? wait_ms - spun_ms : 0;
    return sys_epoll_wait(loop->epfd, loop->events, EVENTS_AT_ONCE, wait_ms);
}

/* Wait, and learn from it. */
static NOINLINE int
spin_and_sleep(struct loop *loop, int wait_ms)
{
    struct busy_poll *poll = &loop->busy_poll;
    uint64_t since_ns = sys_monotonic_ns(), spun_ns = 0, waited_ns;
    uint32_t budget_ns = busy_poll_budget_ns(poll);
    int count = budget_ns > 0 ? spin(loop, since_ns, budget_ns, &spun_ns) : 0;
    bool found = count > 0;

    waited_ns = spun_ns;
    if (count == 0) {
        count = sleep_on(loop, wait_ms, spun_ns);
        waited_ns = sys_monotonic_ns() - since_ns;
    }
    busy_poll_learn(poll, waited_ns, spun_ns, found);
    if (UNLIKELY(poll->pays != loop->kernel_polls) && poll->kernel_error == 0 && count >= 0)
        tell_kernel(loop);
    return count;
}

static int
wait_for_events(struct loop *loop, int wait_ms)
{
    if (wait_ms != 0 && UNLIKELY(loop->busy_poll.limit_ns > 0))
        return spin_and_sleep(loop, wait_ms);
    return sys_epoll_wait(loop->epfd, loop->events, EVENTS_AT_ONCE, wait_ms);
}

bool
loop_iterate(struct loop *loop, int max_wait_ms)
{
    int wait_ms = how_long(loop, max_wait_ms);
    int count;

    count = wait_for_events(loop, wait_ms);
    if (count < 0 && errno != EINTR)
        return false;
    clock_read(loop->clock);
    loop->stats.iterations++;
    loop->user.on_begin(loop->user.ctx);
    for (int i = 0; i < count; i++)
        deliver(loop, &loop->events[i]);
    loop->user.serve(loop->user.ctx);
    timers_run(&loop->timers, loop->clock->now_ms);
    loop->user.on_end(loop->user.ctx);
    return true;
}

bool
loop_run(struct loop *loop)
{
    loop->left = false;
    while (!loop->stopped && !loop->left)
        if (!loop_iterate(loop, -1))
            return false;
    return true;
}

void
loop_leave(struct loop *loop)
{
    loop->left = true;
}

void
loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

bool
loop_is_stopped(const struct loop *loop)
{
    return loop->stopped;
}
