/* Worlds in which the Nth call of a kind fails. */
#include "nth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "play.h"

enum { MB = 1024 * 1024 };

static const struct {
    enum sim_call call;
    int err;
} faults[] = {
    {SIM_RECV, ECONNRESET},    {SIM_RECV, EAGAIN},       {SIM_RECV, EINTR},
    {SIM_READV, ECONNRESET},   {SIM_READV, EAGAIN},      {SIM_READV, EINTR},
    {SIM_SEND, EPIPE},         {SIM_SEND, ECONNRESET},   {SIM_SEND, EAGAIN},
    {SIM_SEND, EINTR},         {SIM_SEND, ENOBUFS},      {SIM_SENDMSG, EPIPE},
    {SIM_SENDMSG, ECONNRESET}, {SIM_SENDMSG, EAGAIN},    {SIM_SENDMSG, EINTR},
    {SIM_SENDMSG, ENOMEM},     {SIM_ACCEPT, EMFILE},     {SIM_ACCEPT, ENFILE},
    {SIM_ACCEPT, ENOBUFS},     {SIM_ACCEPT, ENOMEM},     {SIM_ACCEPT, ECONNABORTED},
    {SIM_ACCEPT, EINTR},       {SIM_EPOLL_CTL, ENOMEM},  {SIM_EPOLL_CTL, ENOSPC},
    {SIM_EPOLL_WAIT, EINTR},   {SIM_SET_OPTION, EINVAL}, {SIM_SHUTDOWN, ENOTCONN},
    {SIM_MAP, ENOMEM},         {SIM_MALLOC, ENOMEM},     {SIM_RING, ENOMEM},
};

size_t
nth_kinds(void)
{
    return ARRAY_LEN(faults);
}

const char *
nth_name(size_t kind)
{
    static char name[64];

    (void)snprintf(name, sizeof(name), "%s fails with %s", sim_call_name(faults[kind].call),
                   strerrorname_np(faults[kind].err));
    return name;
}

/* Errors after which nothing may have changed for any client. */
static bool
is_harmless(enum sim_call call, int err)
{
    if (call == SIM_ACCEPT)
        return err != ECONNABORTED;
    return err == EAGAIN || err == EINTR || call == SIM_RING ||
           ((call == SIM_SEND || call == SIM_SENDMSG) && err != EPIPE && err != ECONNRESET);
}

static void
plan_small_world(struct play *play, struct client_world *world)
{
    memset(play, 0, sizeof(*play));
    memset(world, 0, sizeof(*world));
    habits_usual(&world->habits);
    play->clients = 4;
    play->iterations = 40;
    play->hurry = 5;
    play->faults.cut = 1 + sim_below(4);
    play->rig.limit_bytes = 16 * MB;
    play->rig.item_bytes_max = 100000;
    play->rig.limits = usual_limits; /* few clients: even one of them is a group */
    play->rig.limits.RING_RECEIVES_MIN = play->rig.limits.RING_SENDS_MIN = 1;
    world->item_bytes_max = 100000;
    world->value_bytes = 3000;
    world->facts.evictable_above = play->rig.limit_bytes / 4;
}

bool
nth_in_world(uint64_t seed, size_t kind, uint64_t nth)
{
    struct play_totals totals;
    struct client_world world;
    struct play play;
    char how[128];

    (void)snprintf(how, sizeof(how), "sweep nth %" PRIu64 " %zu %" PRIu64 " (%s)", seed, kind,
                   nth, nth_name(kind));
    sim_set_replay(how);
    memset(&totals, 0, sizeof(totals));
    sim_begin(seed);
    plan_small_world(&play, &world);
    world.may_close = !is_harmless(faults[kind].call, faults[kind].err);
    world.facts.memory_faults = faults[kind].call == SIM_MAP || faults[kind].call == SIM_MALLOC;
    play.fail_call = faults[kind].call;
    play.fail_err = faults[kind].err;
    play.fail_nth = nth;
    play_world(&play, &world, &totals);
    return totals.struck > 0;
}

/* --- While the server starts --- */

static const enum sim_call start_calls[] = {SIM_MAP, SIM_MALLOC, SIM_EPOLL_CREATE,
                                            SIM_EPOLL_CTL, SIM_RING_OPEN};

bool
nth_at_start(size_t kind, uint64_t nth)
{
    const struct rig_config config = {.limit_bytes = 8 * MB};
    struct rig rig;
    bool runs, struck;

    sim_begin(1);
    sim_fail_nth(start_calls[kind], nth, ENOMEM);
    runs = rig_start(&rig, &config);
    struck = sim_fail_struck();
    if (runs)
        rig_stop(&rig);
    else
        sim_end();
    return struck;
}

size_t
nth_start_kinds(void)
{
    return ARRAY_LEN(start_calls);
}

const char *
nth_start_name(size_t kind)
{
    return sim_call_name(start_calls[kind]);
}
