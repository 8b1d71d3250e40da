/*
 * include/lombard/event/loop.h - the reactor: epoll, one thread.
 *
 * An iteration of the loop:
 *     1. wait for events, unless has_work(); read the clock once, on_begin()
 *     2. on_event() of every descriptor that has some
 *     3. serve(): some of what the user has to do
 *     4. timers
 *     5. on_end(): the user frees what it marked
 *
 * Nothing that a watch lies in may be freed in steps 2 to 4: an event later in
 * the same iteration may still name it. Mark it, and free in step 5.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/clock.h"
#include "lombard/base/stats.h"
#include "lombard/event/timer.h"

struct loop;

/*
 * What to wait for. An error or a hang-up is delivered as whatever was wanted:
 * reading or writing will say what happened. Nothing wanted, nothing delivered.
 */
enum {
    WATCH_IN = 1U << 0,
    WATCH_OUT = 1U << 1,
    /*
     * Alone: nothing for now. Unlike 0 it stays registered, which is cheaper to change;
     * but the kernel still reports its hang-up, which costs time and is not delivered.
     */
    WATCH_QUIET = 1U << 2,
};

/* A descriptor that the loop watches. Lives inside its user. */
struct watch {
    int fd;
    uint8_t wanted; /* some of the above, as the kernel knows it */
    bool edge;      /* of the user: it is told of input once, see loop_want() */
    bool shared;    /* another process may have FD, too: see loop_forget() */
    bool
        early : 1; /* the user's: FD goes to another process, or comes from one, ahead of the rest */
    bool partial : 1; /* with `edge`: a receive may bring less than there is: loop_want() */
    void (*on_event)(struct watch *watch, uint32_t events); /* some of `wanted` */
};

/* What the user does around the events of an iteration. */
struct loop_user {
    void *ctx;
    void (*on_begin)(void *ctx); /* the clock has just been read */
    void (*serve)(void *ctx);
    void (*on_end)(void *ctx);
    bool (*has_work)(void *ctx); /* asked last of all, before it would wait */
};

/* NULL when the kernel refuses. CLOCK outlives the loop; the loop reads it. */
struct loop *loop_create(struct clock *clock, const struct loop_user *user) MUST_USE;
void loop_destroy(struct loop *loop);

struct timers *loop_timers(struct loop *loop);
uint64_t loop_now_ms(const struct loop *loop);

/* A watch of FD that wants nothing yet. */
void watch_init(struct watch *watch, int fd,
                void (*on_event)(struct watch *watch, uint32_t events));
/*
 * Change what is waited for. No system call when nothing changes. False, with
 * errno and nothing changed, when the kernel refuses (out of memory or watches).
 *
 * What can be read or written is reported until it was; but input of a watch with `edge` only when some
 * comes, and when WATCH_IN begins to be wanted. So the user has to receive until the kernel has no more
 * before it waits. It has no more when a receive is refused (EAGAIN), or brings less than it had
 * space for and `partial` is false: that is set where the peer's end, an error or urgent data may follow,
 * of which nothing more will be told (epoll(7)).
 */
bool loop_want(struct loop *loop, struct watch *watch, uint32_t wanted) MUST_USE;
/*
 * Want nothing any more. Before the descriptor is closed; only where no other process has the same open file
 * may this be left out. For the kernel takes it out of epoll when the last of them closes it: until then it
 * would be reported here, to a watch that may be gone.
 */
void loop_forget(struct loop *loop, struct watch *watch);

enum { LOOP_BUSY_POLL_MAX_US = 10000 };
/*
 * Look for events for up to US microseconds before it sleeps, as long as that finds some often enough; 0:
 * never. Where the kernel can, it also looks into its network devices, for up to US, before it lets the
 * thread sleep. How often and for how long is learned anew.
 */
void loop_set_busy_poll(struct loop *loop, uint32_t us);
/* For stats_add(), with loop_busy_poll(): of `stats`, and of `stats settings`. */
void *loop_busy_poll(struct loop *loop);
extern const struct stat_section busy_poll_stats, busy_poll_setting_stats;

/* How long the next iteration would wait, in milliseconds: 0: not at all, -1: for an event. */
int loop_wait_ms(const struct loop *loop);
/* Once; waits no longer than MAX_WAIT_MS (-1: as long as it takes). False on a broken epoll. */
bool loop_iterate(struct loop *loop, int max_wait_ms) MUST_USE;
/* Iterate until loop_stop(). False on a broken epoll, with errno. */
bool loop_run(struct loop *loop) MUST_USE;
void loop_stop(struct loop *loop);
/* Let loop_run() return true after this iteration; it may be called again. */
void loop_leave(struct loop *loop);
/* Whether loop_run() will return instead of waiting for more. */
bool loop_is_stopped(const struct loop *loop);

struct loop_stats {
    uint64_t iterations;
    uint64_t events;     /* delivered */
    uint64_t epoll_ctls; /* none in steady state */
};

const struct loop_stats *loop_stats(const struct loop *loop);
