/*
 * tests/sim/sim.c - whole worlds at random, one seed each.
 *
 *     sim                    some seeds
 *     sim SEED               this one, and say what happens
 *     sim FROM COUNT         these
 *
 * A world is a server, a number of clients, and a way in which kernel, network
 * and clients misbehave. After every turn the server's invariants are checked,
 * and every byte of every reply; at the end all that was asked must have been
 * answered, and nothing may be left.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "rig.h"
#include "sim_sys.h"

enum {
    CLIENTS_MAX = 200,
    SETTLE_TURNS = 20000,
    DEFAULT_SEEDS = 120,
    MB = 1024 * 1024,
};

/* What goes wrong in a world, besides cut and delayed bytes. */
enum mood {
    MOOD_FAIR,     /* nothing: everything must be exact, and no connection is lost */
    MOOD_CROWDED,  /* buffers, connections and patience are scarce */
    MOOD_BROKEN,   /* connections break */
    MOOD_POOR,     /* memory is refused */
    MOOD_REFUSING, /* accept, epoll_ctl and setsockopt fail */
    MOOD_SMALL,    /* the store is: items are evicted all the time */
    MOOD_ALL,      /* all of the above */
};

static const char *const mood_names[] = {"fair",     "crowded", "broken", "poor",
                                         "refusing", "small",   "all"};

struct world_plan {
    enum mood mood;
    int clients;
    int turns;
    uint32_t hurry; /* time passes in one turn of so many */
    struct rig_config rig;
    struct sim_faults faults;
};

struct totals {
    uint64_t worlds;
    uint64_t turns;
    uint64_t connections;
    uint64_t lost;
    uint64_t commands;
    uint64_t reply_bytes;
    uint64_t calls;
    uint64_t refused;
};

static struct client *clients[CLIENTS_MAX];

static uint32_t
rarely(uint32_t most)
{
    return most / 4 + sim_below(most);
}

static void
plan_faults(struct world_plan *plan, struct arena *arena)
{
    bool all = plan->mood == MOOD_ALL;
    uint32_t *refuse = plan->faults.refuse;

    if (plan->mood == MOOD_CROWDED || all) {
        plan->rig.max_conns = (uint32_t)plan->clients - (uint32_t)plan->clients / 5;
        plan->rig.buffer_bytes = MB;
        plan->rig.idle_timeout_s = sim_below(2) == 0 ? 0 : 5 + sim_below(20);
        plan->rig.send_timeout_s = sim_below(2) == 0 ? 0 : 2 + sim_below(10);
        arena->may_close = true;
        arena->may_reject = true;
    }
    if (plan->mood == MOOD_BROKEN || all) {
        refuse[SIM_RECV] = refuse[SIM_READV] = rarely(400);
        refuse[SIM_SEND] = refuse[SIM_SENDMSG] = rarely(400);
        refuse[SIM_SHUTDOWN] = rarely(4);
        arena->kill_one_in = rarely(300);
        arena->may_close = true;
    }
    if (plan->mood == MOOD_POOR || all) {
        refuse[SIM_MAP] = rarely(20);
        refuse[SIM_MALLOC] = rarely(20);
        arena->facts.memory_faults = true;
        arena->may_close = true;
    }
    if (plan->mood == MOOD_REFUSING || all) {
        refuse[SIM_ACCEPT] = rarely(6);
        refuse[SIM_EPOLL_CTL] = rarely(100);
        refuse[SIM_SET_OPTION] = rarely(10);
        arena->may_close = true;
    }
    if (plan->mood == MOOD_SMALL || all) {
        plan->rig.limit_bytes = (1 + sim_below(6)) * MB;
        arena->facts.evictable = true;
        /* Who stalls on an item while others need its memory has to give way. */
        arena->may_close = true;
    }
}

static void
plan_world(struct world_plan *plan, struct arena *arena)
{
    uint32_t dice = sim_below(16);

    memset(plan, 0, sizeof(*plan));
    memset(arena, 0, sizeof(*arena));
    plan->mood = dice < 6 ? MOOD_FAIR : dice < 12 ? (enum mood)(dice - 5) : MOOD_ALL;
    if (dice >= 14)
        plan->mood = MOOD_CROWDED;
    plan->clients = 2 + (int)sim_below(plan->mood == MOOD_CROWDED ? CLIENTS_MAX - 2 : 40);
    plan->turns = 100 + (int)sim_below(600);
    plan->hurry = 1 + sim_below(20);
    plan->faults.cut = sim_below(3) == 0 ? 0 : 1 + sim_below(20);
    plan->faults.again = sim_below(2) == 0 ? 0 : 2 + sim_below(50);
    plan->faults.interrupt = sim_below(2) == 0 ? 0 : 2 + sim_below(50);
    plan->faults.hold_events = sim_below(2) == 0 ? 0 : 2 + sim_below(10);
    plan->rig.limit_bytes = 64 * MB;
    plan->rig.requests_a_turn = sim_below(3) == 0 ? 1 + sim_below(30) : 0;
    arena->item_bytes_max = sim_below(4) == 0 ? 2000 + sim_below(200000) : MB;
    arena->value_bytes = sim_below(4) == 0 ? 20000 : 1200;
    if (arena->value_bytes > arena->item_bytes_max / 2)
        arena->value_bytes = arena->item_bytes_max / 2;
    plan_faults(plan, arena);
    plan->rig.item_bytes_max = arena->item_bytes_max;
    if (plan->rig.item_bytes_max > plan->rig.limit_bytes / 2)
        plan->rig.item_bytes_max = plan->rig.limit_bytes / 2;
    arena->item_bytes_max = (uint32_t)plan->rig.item_bytes_max;
    arena->facts.evictable_above = plan->rig.limit_bytes / 4;
}

static void
pass_time(const struct world_plan *plan)
{
    static const uint32_t steps_ms[] = {1, 1, 5, 20, 100, 100, 700, 1500};

    if (sim_one_in(plan->hurry))
        sim_advance_ms(steps_ms[sim_below(ARRAY_LEN(steps_ms))]);
}

static void
live(struct rig *rig, const struct world_plan *plan)
{
    for (int turn = 0; turn < plan->turns; turn++) {
        for (int i = 0; i < plan->clients; i++)
            client_act(clients[i]);
        pass_time(plan);
        rig_turn(rig);
        for (int i = 0; i < plan->clients; i++)
            client_read(clients[i]);
    }
}

/* No more faults and no more stalls: all that was asked must be answered in finite time. */
static void
settle(struct rig *rig, const struct world_plan *plan)
{
    char about[512];
    int open = plan->clients;

    sim_no_faults();
    for (int i = 0; i < plan->clients; i++)
        client_settle(clients[i]);
    for (int turn = 0; open > 0; turn++) {
        open = 0;
        for (int i = 0; i < plan->clients; i++) {
            client_act(clients[i]);
            client_read(clients[i]);
            if (client_is_settled(clients[i]))
                continue;
            open++;
            if (turn == SETTLE_TURNS) {
                client_describe(clients[i], about, sizeof(about));
                sim_die("starved: %s", about);
            }
        }
        sim_advance_ms(1);
        rig_turn(rig);
    }
}

static uint64_t
stat_value(const char *text, const char *name)
{
    char line[128];
    const char *at;

    (void)snprintf(line, sizeof(line), "STAT %s ", name);
    at = strstr(text, line);
    if (at == NULL)
        sim_die("stats do not have %s", name);
    return strtoull(at + strlen(line), NULL, 10);
}

/* Nobody is there any more, except who asks: nothing may be lent, kept or waiting. */
static void
check_empty(struct rig *rig)
{
    static char text[65536];
    struct sim_link *link = sim_connect(rig->listen_fd, 1000, 65536);
    const char *ask = "stats\r\nstats buffers\r\nquit\r\n";
    size_t len = 0;

    if (sim_send(link, ask, strlen(ask)) != strlen(ask))
        sim_die("the last question does not fit");
    for (int turn = 0; sim_link_state(link) == SIM_LINK_OPEN; turn++) {
        if (turn == 1000)
            sim_die("the last question is not answered");
        sim_advance_ms(10);
        rig_turn(rig);
        len += sim_recv(link, text + len, sizeof(text) - 1 - len);
    }
    text[len] = '\0';
    sim_link_free(link);
    if (stat_value(text, "curr_connections") != 1)
        sim_die("connections are left");
    /* Asking takes one buffer to read and one to answer. */
    if (stat_value(text, "buffers_lent") > 2 || stat_value(text, "waiters") != 0 ||
        stat_value(text, "stash_bytes") != 0 || stat_value(text, "conn_stalled") != 0)
        sim_die("something is still held");
}

static void
count(struct totals *totals, const struct world_plan *plan, const struct arena *arena)
{
    totals->worlds++;
    totals->turns += (uint64_t)plan->turns;
    totals->connections += arena->connections;
    totals->lost += arena->lost_connections;
    totals->commands += arena->commands;
    totals->reply_bytes += arena->reply_bytes;
    for (int call = 0; call < SIM_CALL_KINDS; call++) {
        totals->calls += sim_calls((enum sim_call)call);
        totals->refused += sim_refused((enum sim_call)call);
    }
}

static void
run_world(uint64_t seed, bool verbose, struct totals *totals)
{
    char replay[64];
    struct world_plan plan;
    struct arena arena;
    struct rig rig;

    (void)snprintf(replay, sizeof(replay), "sim %" PRIu64, seed);
    sim_set_replay(replay);
    sim_begin(seed);
    plan_world(&plan, &arena);
    if (verbose)
        fprintf(stderr, "seed %" PRIu64 ": %s, %d clients, %d turns, items up to %u\n", seed,
                mood_names[plan.mood], plan.clients, plan.turns, arena.item_bytes_max);
    if (!rig_start(&rig, &plan.rig))
        sim_die("the server does not start");
    arena.listen_fd = rig.listen_fd;
    sim_set_faults(&plan.faults);
    for (int i = 0; i < plan.clients; i++)
        clients[i] = client_create(&arena);
    live(&rig, &plan);
    settle(&rig, &plan);
    for (int i = 0; i < plan.clients; i++)
        client_destroy(clients[i]);
    for (int i = 0; i < 300; i++) {
        sim_advance_ms(10);
        rig_turn(&rig);
    }
    check_empty(&rig);
    count(totals, &plan, &arena);
    rig_stop(&rig);
}

static double
seconds_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? 1 : DEFAULT_SEEDS;
    double started = seconds_now();
    struct totals t;

    memset(&t, 0, sizeof(t));
    sim_set_verbose(argc == 2);
    for (uint64_t seed = from; seed < from + seeds; seed++)
        run_world(seed, argc == 2, &t);
    printf("%" PRIu64 " worlds, %" PRIu64 " connections (%" PRIu64 " lost), %" PRIu64
           " commands, %" PRIu64 " reply bytes, %" PRIu64 " calls (%" PRIu64
           " refused), %.1f s\n",
           t.worlds, t.connections, t.lost, t.commands, t.reply_bytes, t.calls, t.refused,
           seconds_now() - started);
    printf("%" PRIu64 " passed, 0 failed\n", t.worlds);
    return 0;
}
