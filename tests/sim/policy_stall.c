/* Whether a stall of the thread is seen in `stats latency`, by those whom it delayed alone. */
#include "policy.h"

#include <inttypes.h>
#include <string.h>

enum {
    ASKING_MAX = 40,
    SHARED = 3, /* as many replies before a late one share its reading of the clock */
    STALL_MS = 20,
    /* Of calls that take 300 ns each, before or behind the stall: far less than it. */
    REST_US = 1000,
    STALL_US = STALL_MS * 1000,
};

static void
expect_between(const struct policy_stats *stats, const char *name, uint64_t low, uint64_t high)
{
    uint64_t us = policy_get(stats, name);

    if (us < low || us > high)
        sim_die("%s is %" PRIu64 " us, not %" PRIu64 " to %" PRIu64, name, us, low, high);
}

/* What stalled is told from what waited for it. */
static void
expect_one_served_long(const struct policy_stats *stats)
{
    char name[64];
    int found = 0;

    for (int rank = 1; rank <= ASKING_MAX; rank++) {
        (void)snprintf(name, sizeof(name), "STAT %d:served_us 20", rank);
        found += strstr(stats->text, name) != NULL;
    }
    if (found != 1)
        sim_die("%d of the slow requests were served for so long", found);
}

/* The stall was MS ago: it is in WINDOWS of the three. */
static void
expect_in_windows(struct rig *rig, uint32_t ms, int windows)
{
    static const char *const names[] = {"ever", "60s", "10s"};
    static struct policy_stats stats;
    char name[64];

    policy_pass(rig, ms);
    policy_read_stats(rig, "latency", &stats);
    for (int i = 0; i < 3; i++) {
        uint64_t low = i < windows ? STALL_US : 0;

        (void)snprintf(name, sizeof(name), "iteration:%s:max_us", names[i]);
        expect_between(&stats, name, low, low + REST_US);
        (void)snprintf(name, sizeof(name), "get:%s:max_us", names[i]);
        expect_between(&stats, name, low, low + REST_US);
        (void)snprintf(name, sizeof(name), "step_serve:%s:max_us", names[i]);
        expect_between(&stats, name, low, low + REST_US);
    }
}

/*
 * All ask at the same moment; the STALLED-th reply, from 1, is sent late, and so are those behind. With
 * it are those of its group, whose replies leave in the same call.
 */
static void
ask_all(struct rig *rig, struct sim_link **asking, int count, uint64_t stalled)
{
    uint64_t began_ns = sim_now_ns(), late = 0;
    char reply[64];

    for (int i = 0; i < count; i++)
        if (sim_send(asking[i], "get absent\r\n", 12) != 12)
            sim_die("a client cannot ask");
    sim_stall_nth(SIM_SEND, stalled, STALL_MS);
    rig_iterations(rig, 4);
    for (int i = 0; i < count; i++)
        if (sim_recv(asking[i], reply, sizeof(reply)) != 5)
            sim_die("a client is not answered");
    late = (sim_now_ns() - began_ns) / 1000;
    if (late < STALL_US || late > STALL_US + REST_US)
        sim_die("for the clients it took %" PRIu64 " us", late);
}

/* The first of the group of the AT-th, from 0, of COUNT that are ready together: groups are as in group.c. */
static uint64_t
begin_of_group(uint64_t at, uint64_t count)
{
    uint64_t max = drawn_limits.GROUP_CONNS, begin = 0;

    for (;;) {
        uint64_t left = count - begin;
        uint64_t size = left > max && left < 2 * max ? (left + 1) / 2 : max;

        if (at < begin + size)
            return begin;
        begin += size;
    }
}

void
policy_stall(void)
{
    struct sim_link *asking[ASKING_MAX];
    int count = 1 + (int)sim_below(ASKING_MAX);
    uint64_t stalled = 1 + sim_below((uint32_t)count);
    uint64_t delayed = (uint64_t)count - begin_of_group(stalled - 1, (uint64_t)count);
    const struct rig_config config = {.stall_ms = STALL_MS - 1};
    static struct policy_stats stats;
    struct rig rig;

    if (!rig_start(&rig, &config))
        sim_die("the server does not start");
    for (int i = 0; i < count; i++)
        asking[i] = policy_connect(&rig);
    rig_iterations(&rig, count + 3);
    ask_all(&rig, asking, count, stalled);
    policy_read_stats(&rig, "latency", &stats);
    if (policy_get(&stats, "get:10s:count") != (uint64_t)count)
        sim_die("not all replies are counted");
    if (delayed * 2 > (uint64_t)count + 1)
        expect_between(&stats, "get:10s:p50_us", STALL_US * 15 / 16, STALL_US + REST_US);
    else if ((delayed + SHARED) * 2 < (uint64_t)count)
        expect_between(&stats, "get:10s:p50_us", 0, REST_US);
    policy_read_stats(&rig, "slow", &stats);
    expect_between(&stats, "1:us", STALL_US, STALL_US + REST_US);
    expect_one_served_long(&stats);
    policy_read_stats(&rig, "", &stats);
    expect_between(&stats, "loop_stalls", 1, 1);
    expect_in_windows(&rig, 0, 3);
    expect_in_windows(&rig, 9000, 3);
    expect_in_windows(&rig, 4000, 2);
    expect_in_windows(&rig, 60000, 1);
    for (int i = 0; i < count; i++)
        sim_link_free(asking[i]);
    policy_pass(&rig, 200);
    rig_stop(&rig);
}
