/* Plays a world: clients come, trouble ends, everything is answered, nothing is left. */
#include "play.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_priv.h"
#include "operators.h"

enum { SETTLE_ITERATIONS = 20000, SHUTDOWN_ITERATIONS = 100, OTHER_ENDS_ONE_IN = 20 };

static const uint64_t SETTLE_NS = UINT64_C(5000000000);
static int worst_iterations;
static uint64_t worst_ns;

static struct client *clients[PLAY_CLIENTS_MAX];

static void
pass_time(const struct play *play)
{
    static const uint32_t steps_ms[] = {1, 1, 5, 20, 100, 100, 700, 1500};

    if (sim_one_in(play->hurry))
        sim_advance_ms(steps_ms[sim_below(ARRAY_LEN(steps_ms))]);
}

static uint64_t handed_over, kept;

static void
perhaps_hand_over(struct rig *rig, const struct play *play, struct client_world *world)
{
    if (rig->other_count > 0 && sim_one_in(OTHER_ENDS_ONE_IN))
        rig_end_other(rig);
    if (!sim_one_in(play->hand_over_one_in))
        return;
    if (rig_hand_over(rig))
        handed_over++;
    else
        kept++;
    world->listen_fd = rig->listen_fd;
}

static void
live(struct rig *rig, const struct play *play, struct client_world *world)
{
    for (int iteration = 0; iteration < play->iterations; iteration++) {
        for (int i = 0; i < play->clients; i++)
            client_act(clients[i]);
        operators_act(rig->listen_fd, play->operator_one_in);
        pass_time(play);
        if (play->waits)
            rig_sleep(rig);
        else
            rig_iterate(rig);
        perhaps_hand_over(rig, play, world);
        for (int i = 0; i < play->clients; i++)
            client_read(clients[i]);
    }
}

/*
 * No more faults and no more stalls: all that was asked must be answered within a bounded
 * number of iterations, and of seconds when the server waits for nothing but its events.
 */
static void
settle(struct rig *rig, const struct play *play, struct client_world *world)
{
    char about[512];
    int open = play->clients;
    uint64_t begun_ns;

    sim_no_faults();
    begun_ns = sim_now_ns();
    for (int i = 0; i < play->clients; i++)
        client_settle(clients[i]);
    for (int iteration = 0; open > 0; iteration++) {
        open = 0;
        for (int i = 0; i < play->clients; i++) {
            client_act(clients[i]);
            client_read(clients[i]);
            if (client_is_settled(clients[i]))
                continue;
            open++;
            if (iteration == SETTLE_ITERATIONS || sim_now_ns() - begun_ns > SETTLE_NS) {
                client_describe(clients[i], about, sizeof(about));
                sim_die("no progress in %d iterations and %" PRIu64 " ms: %s", iteration,
                        (sim_now_ns() - begun_ns) / 1000000, about);
            }
        }
        rig_sleep(rig);
        perhaps_hand_over(rig, play, world);
        if (iteration > worst_iterations)
            worst_iterations = iteration;
    }
    if (sim_now_ns() - begun_ns > worst_ns)
        worst_ns = sim_now_ns() - begun_ns;
}

/* The server leaves while its clients are busy: replies may come, or the end. */
static void
shut_down(struct rig *rig, const struct play *play)
{
    sim_no_faults();
    server_shutdown(rig->server);
    for (int iteration = 0; iteration < SHUTDOWN_ITERATIONS; iteration++) {
        for (int i = 0; i < play->clients; i++) {
            client_act(clients[i]);
            client_read(clients[i]);
        }
        sim_advance_ms(sim_below(20));
        rig_iterate(rig);
    }
}

/* Store as much as the store takes, and some more, in values of about the same size. */
static void
fill(struct rig *rig, const struct play *play)
{
    struct sim_link *link = sim_connect(rig->listen_fd, 1 << 20, 1 << 20);
    uint64_t bytes = play->rig.limit_bytes + play->rig.limit_bytes / 8;
    char head[64];

    for (uint64_t sent = 0, n = 0; sent < bytes; n++) {
        size_t len = play->fill_bytes - sim_below(play->fill_bytes / 4 + 1);
        char *value = make_value(n, len);
        int head_len =
            snprintf(head, sizeof(head), "set fill:%" PRIu64 " 0 0 %zu noreply\r\n", n, len);

        if (sim_send(link, head, (size_t)head_len) != (size_t)head_len ||
            sim_send(link, value, len) != len || sim_send(link, "\r\n", 2) != 2)
            sim_die("the store cannot be filled");
        free(value);
        sent += len + 64;
        while (sim_unreceived(link) > 0)
            rig_iterate(rig);
    }
    sim_link_free(link);
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

/* Every connection that came is there, was rejected, or was closed for one reason. */
static void
check_closes(const char *text)
{
    static const char *const names[] = {
#define CLOSE_REASON(NAME, name, help) "conn_closed_" #name,
#include "lombard/conn/close_reason.def"
#undef CLOSE_REASON
    };
    uint64_t ended = stat_value(text, "rejected_connections");

    /* Of those rejected, only some have been connections. */
    ended -= stat_value(text, "conn_closed_rejected");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ended += stat_value(text, names[i]);
    if (stat_value(text, "total_connections") != stat_value(text, "curr_connections") + ended)
        sim_die("not every connection that ended is counted once");
}

/* Except for the connection that asks. */
void
play_check_empty(struct rig *rig)
{
    static char text[65536];
    struct sim_link *link = sim_connect(rig->listen_fd, 1000, 65536);
    const char *ask = "stats\r\nstats buffers\r\nquit\r\n";
    size_t len = 0;

    if (sim_send(link, ask, strlen(ask)) != strlen(ask))
        sim_die("the last question does not fit");
    for (int iteration = 0; sim_link_state(link) == SIM_LINK_OPEN; iteration++) {
        if (iteration == 1000)
            sim_die("the last question is not answered");
        sim_advance_ms(10);
        rig_iterate(rig);
        len += sim_recv(link, text + len, sizeof(text) - 1 - len);
    }
    text[len] = '\0';
    sim_link_free(link);
    if (stat_value(text, "curr_connections") != 1)
        sim_die("connections are left");
    check_closes(text);
    if (stat_value(text, "conn_closed_internal") != 0)
        sim_die("the server closed a connection for a bug of its own");
    /* Asking takes one buffer to read and one to answer. */
    if (stat_value(text, "buffers_lent") > 2 || stat_value(text, "waiters") != 0 ||
        stat_value(text, "stash_bytes") != 0 || stat_value(text, "segments_pinned") != 0 ||
        stat_value(text, "conn_stalled") != 0 || stat_value(text, "client_names") != 0)
        sim_die("something is still held");
}

static void
count(struct play_totals *totals, const struct play *play, const struct client_world *world)
{
    totals->worlds++;
    totals->handed_over += handed_over;
    totals->kept += kept;
    handed_over = kept = 0;
    totals->iterations += (uint64_t)play->iterations;
    totals->connections.served += world->connections.served;
    totals->connections.rejected += world->connections.rejected;
    totals->connections.unheard += world->connections.unheard;
    totals->connections.broken += world->connections.broken;
    for (int wire = 0; wire < WIRES; wire++)
        totals->commands[wire] += world->commands[wire];
    totals->reply_bytes += world->reply_bytes;
    for (int call = 0; call < SIM_CALL_KINDS; call++) {
        totals->calls += sim_calls((enum sim_call)call);
        totals->refused += sim_refused((enum sim_call)call);
    }
}

void
play_world(const struct play *play, struct client_world *world, struct play_totals *totals)
{
    struct rig rig;

    if (!rig_start(&rig, &play->rig))
        sim_die("the server does not start");
    world->listen_fd = rig.listen_fd;
    if (play->fill_bytes > 0)
        fill(&rig, play);
    sim_set_faults(&play->faults);
    if (play->fail_nth > 0)
        sim_fail_nth(play->fail_call, play->fail_nth, play->fail_err);
    for (int i = 0; i < play->clients; i++)
        clients[i] = client_create(world);
    live(&rig, play, world);
    operators_leave();
    if (play->shutdown) {
        world->may_close = true;
        shut_down(&rig, play);
    } else {
        settle(&rig, play, world);
    }
    for (int i = 0; i < play->clients; i++)
        client_destroy(clients[i]);
    for (int i = 0; i < 300; i++) {
        sim_advance_ms(10);
        rig_iterate(&rig);
    }
    totals->struck += sim_fail_struck();
    sim_fail_none();
    if (!play->shutdown)
        play_check_empty(&rig);
    count(totals, play, world);
    rig_stop(&rig);
}

void
play_print_worst(void)
{
    printf("when faults end: all is answered within %d iterations and %" PRIu64 " ms\n",
           worst_iterations, worst_ns / 1000000);
}
