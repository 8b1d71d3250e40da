/* Draws the plan of a world: every limit, every fault and every habit for itself. */
#include "swarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    KB = 1024,
    MB = 1024 * KB,
    NUMBER_BYTES = 40,
    SLICE_BYTES_LEAST = 1000, /* with less, the longest values take too many iterations */
    BUFFERS_MIN = 4,          /* what the pool demands */
};

/* 0 (never) in half of all worlds; else 2^LO to about 2^HI. */
static uint32_t
rarity(uint32_t lo, uint32_t hi)
{
    uint32_t base;

    if (sim_below(2) == 0)
        return 0;
    base = 1U << (lo + sim_below(hi - lo));
    return base + sim_below(base);
}

/* What is scarce: buffers, connections, patience. */
static void
draw_limits(struct play *play, struct client_world *world)
{
    uint32_t clients = (uint32_t)play->clients;

    if (sim_below(2) == 0) {
        /* From hardly any to about one for each client. */
        play->rig.buffers = BUFFERS_MIN + sim_below(sim_below(3) != 0 ? 6 : clients + 4);
        world->may_close = true;
    }
    if (sim_below(4) == 0) {
        play->rig.max_conns = 1 + clients - clients / (1 + sim_below(5));
        world->may_reject = true;
        world->may_close = true;
    }
    if (sim_below(5) == 0) {
        play->rig.idle_timeout_s = 1 + sim_below(20);
        world->may_close = true;
    }
    if (sim_below(5) == 0) {
        play->rig.send_timeout_s = 1 + sim_below(10);
        world->may_close = true;
    }
    play->rig.requests_a_turn = sim_below(3) == 0 ? 1 + sim_below(30) : 0;
    play->rig.keep_buffers = sim_below(10) == 0;
    play->rig.no_batch_io = sim_below(5) == 0;
    play->rig.busy_poll_us = sim_below(4) == 0 ? 1 + sim_below(100) : 0;
}

/* Up to MOST, which it is in half of all worlds. */
static uint32_t
draw_limit(uint32_t least, uint32_t most)
{
    if (sim_below(2) == 0)
        return most;
    return least + sim_below(sim_below(2) == 0 ? (most - least) / 16 + 1 : most - least + 1);
}

static void
draw_conn_limits(struct drawn_limits *limits)
{
    const struct drawn_limits *usual = &usual_limits;

    limits->BATCH_REQUESTS = draw_limit(1, usual->BATCH_REQUESTS);
    limits->GROUP_CONNS = draw_limit(1, usual->GROUP_CONNS);
    limits->FIRST_REQUESTS = draw_limit(1, usual->FIRST_REQUESTS);
    limits->SLICE_BYTES = draw_limit(SLICE_BYTES_LEAST, usual->SLICE_BYTES);
    limits->LONG_SLICE_BYTES = draw_limit(SLICE_BYTES_LEAST, usual->LONG_SLICE_BYTES);
    limits->LIGHT_REQUESTS = draw_limit(0, usual->LIGHT_REQUESTS);
    /* Numbers are changed where they lie: none may be sent from there. */
    limits->COPY_BYTES_MAX = draw_limit(NUMBER_BYTES, usual->COPY_BYTES_MAX);
    limits->COPY_LONG_MAX = draw_limit(NUMBER_BYTES, usual->COPY_LONG_MAX);
    limits->QUEUED_BYTES_MAX = draw_limit(1, usual->QUEUED_BYTES_MAX);
    limits->QUEUED_REQUESTS_MAX = draw_limit(1, usual->QUEUED_REQUESTS_MAX);
    limits->QUEUED_ALL_BYTES_MAX = draw_limit(1, usual->QUEUED_ALL_BYTES_MAX);
    limits->RING_RECEIVES_MIN = draw_limit(1, usual->RING_RECEIVES_MIN);
    limits->RING_SENDS_MIN = draw_limit(1, usual->RING_SENDS_MIN);
    limits->STASH_BYTES_MAX = draw_limit(0, usual->STASH_BYTES_MAX);
    limits->SMALL_BODY_BYTES = draw_limit(0, usual->SMALL_BODY_BYTES);
}

/* The store: how much it takes, of which sizes, and whether it evicts. */
static void
draw_store(struct play *play, struct client_world *world)
{
    static const uint32_t edges[] = {64 * KB, 128 * KB, 512 * KB, MB};
    static const uint32_t fill[] = {20, 400, 5000, 15300, 18000, 20480, 64 * KB, 400 * KB};
    bool small = sim_below(3) == 0;

    play->rig.limit_bytes = small ? MB + sim_below(sim_below(2) == 0 ? MB : 7 * MB) : 64 * MB;
    /* What is appended to is mostly short: let it be joined part by part all the same. */
    play->rig.join_bytes = sim_below(3) == 0 ? 0 : 1 + sim_below(4000);
    play->rig.no_eviction = sim_below(small ? 4 : 10) == 0;
    world->item_bytes_max = sim_below(4) == 0 ? 2000 + sim_below(200000) : MB;
    if (world->item_bytes_max > play->rig.limit_bytes / 2)
        world->item_bytes_max = (uint32_t)play->rig.limit_bytes / 2;
    play->rig.item_bytes_max = world->item_bytes_max;
    world->value_bytes = sim_below(4) == 0 ? 20000 : 1200;
    if (world->value_bytes > world->item_bytes_max / 2)
        world->value_bytes = world->item_bytes_max / 2;
    if (sim_below(4) == 0)
        world->habits.edge_bytes = edges[sim_below(ARRAY_LEN(edges))];
    world->facts.memory_faults = play->rig.no_eviction;
    world->facts.evictable_above = play->rig.limit_bytes / 4;
    /* Values that are begun hold memory, too: many of the longest may hold all of it. */
    if ((uint64_t)play->clients * world->item_bytes_max > play->rig.limit_bytes / 2)
        world->may_close = world->facts.evictable = true;
    if (small) {
        world->facts.evictable = true;
        if (sim_below(2) == 0)
            play->fill_bytes = fill[sim_below(ARRAY_LEN(fill))];
        if (play->fill_bytes > world->item_bytes_max / 2)
            play->fill_bytes = world->item_bytes_max / 2;
        if (sim_below(2) == 0)
            world->value_bytes = world->habits.edge_bytes = play->fill_bytes;
        /* The connection that stalls on an item while others need its memory is closed. */
        world->may_close = true;
    }
}

/* Each kind of call is refused in some worlds. */
static void
draw_faults(struct play *play, struct client_world *world)
{
    uint32_t *refuse = play->faults.refuse;

    play->faults.cut = rarity(0, 5);
    play->faults.again = rarity(1, 6);
    play->faults.interrupt = rarity(1, 6);
    play->faults.hold_events = rarity(1, 4);
    play->faults.tell_twice = rarity(1, 6);
    if (sim_below(3) == 0)
        return; /* short and late, but nothing is refused */
    refuse[SIM_ACCEPT] = rarity(1, 4);
    refuse[SIM_SHUTDOWN] = rarity(1, 4);
    refuse[SIM_SET_OPTION] = rarity(1, 5);
    refuse[SIM_EPOLL_CTL] = sim_below(2) == 0 ? rarity(4, 9) : 0;
    refuse[SIM_RECV] = rarity(6, 12);
    refuse[SIM_READV] = rarity(5, 10);
    refuse[SIM_SEND] = rarity(6, 12);
    refuse[SIM_SENDMSG] = rarity(5, 10);
    refuse[SIM_RING] = rarity(1, 10);
    if (sim_below(3) == 0) {
        refuse[SIM_MAP] = rarity(1, 7);
        refuse[SIM_MALLOC] = rarity(1, 7);
        world->facts.memory_faults = true;
    }
    world->kill_one_in = rarity(5, 11);
    world->may_close = true;
}

void
swarm_plan(struct play *play, struct client_world *world)
{
    memset(play, 0, sizeof(*play));
    memset(world, 0, sizeof(*world));
    play->clients = 2 + (int)sim_below(sim_below(10) == 0 ? PLAY_CLIENTS_MAX - 2 : 30);
    play->iterations = 100 + (int)sim_below(600);
    play->hurry = 1 + sim_below(20);
    play->waits = sim_below(3) == 0;
    play->shutdown = sim_below(8) == 0;
    habits_draw(&world->habits);
    draw_limits(play, world);
    draw_conn_limits(&play->rig.limits);
    draw_store(play, world);
    draw_faults(play, world);
    if (sim_below(3) == 0) {
        play->operator_one_in = 1U << (2 + sim_below(6));
        world->may_close = true;
    }
    /* Buffers that are kept are not there for others: no other client is sure to be served. */
    if (play->rig.keep_buffers && play->rig.buffers != 0)
        play->shutdown = true;
    if (sim_below(4) == 0) {
        play->rig.in_file = true;
        play->hand_over_one_in = sim_below(3) == 0 ? 1 : 1 + sim_below(60);
        play->rig.other_lasts = sim_below(2) == 0;
    }
}

void
swarm_describe(const struct play *play, const struct client_world *world, char *dst,
               size_t bytes)
{
    const struct rig_config *rig = &play->rig;
    int used = snprintf(dst, bytes,
                        "%d clients, %d iterations, %u buffers, -c %u, %" PRIu64
                        " KB, items up to %u, cut %u, "
                        "refused:",
                        play->clients, play->iterations, rig->buffers, rig->max_conns,
                        rig->limit_bytes / KB, world->item_bytes_max, play->faults.cut);

    for (int call = 0; call < SIM_CALL_KINDS; call++)
        if (play->faults.refuse[call] != 0 && used > 0 && (size_t)used < bytes)
            used += snprintf(dst + used, bytes - (size_t)used, " %s 1/%u",
                             sim_call_name((enum sim_call)call), play->faults.refuse[call]);
    if (used > 0 && (size_t)used < bytes)
        (void)snprintf(dst + used, bytes - (size_t)used, "%s%s%s%s",
                       play->hand_over_one_in > 0 ? ", handed over" : "",
                       rig->keep_buffers ? ", no loans" : "", rig->no_eviction ? ", -M" : "",
                       play->shutdown ? ", shut down" : "");
}
