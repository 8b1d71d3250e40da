/* Whether a connection that the server closes is told so, counted and logged. */
#include "policy.h"

#include <string.h>

#include "lombard/base/log.h"
#include "lombard/loan/buf.h"

enum { KB = 1024, MB = 1024 * KB, STALLED = 6 };

/* What closes a connection. */
struct reason {
    const char *stat;
    const char *group;
    const char *told; /* the line it gets; NULL: none, as nothing was asked or output waits */
    bool logged;
    void (*cause)(struct rig *rig, struct sim_link *link);
    struct rig_config config;
};

/* The client asks for a long value, again and again, and reads nothing. */
static void
stall(struct rig *rig, struct sim_link *link)
{
    sim_set_window(link, 10);
    for (int i = 0; i < 20; i++)
        policy_say(rig, link, "get long0\r\n");
}

static void
stay_idle(struct rig *rig, struct sim_link *link)
{
    policy_say(rig, link, "version\r\n");
    policy_pass(rig, 4000);
}

static void
read_nothing(struct rig *rig, struct sim_link *link)
{
    stall(rig, link);
    policy_pass(rig, 4000);
}

static void
hold_buffers(struct rig *rig, struct sim_link *link)
{
    struct sim_link *others[STALLED];

    stall(rig, link);
    policy_pass(rig, 100);
    for (int i = 0; i < STALLED; i++) {
        others[i] = policy_connect(rig);
        stall(rig, others[i]);
    }
    policy_pass(rig, 600);
    for (int i = 0; i < STALLED; i++)
        sim_link_free(others[i]);
}

static void
send_nonsense(struct rig *rig, struct sim_link *link)
{
    for (int i = 0; i < 40; i++)
        policy_say(rig, link, "%-400s", "nonsense");
}

static void
be_one_too_many(struct rig *rig, struct sim_link *link)
{
    policy_say(rig, link, "version\r\n");
    policy_pass(rig, 1000);
}

static const struct reason reasons[] = {
    {"conn_closed_idle", "", NULL, true, stay_idle, {.idle_timeout_s = 1}},
    {"conn_closed_stalled", "", NULL, true, read_nothing, {.send_timeout_s = 1}},
    {"conn_closed_shed_buffers", "", NULL, true, hold_buffers, {.buffers = 4}},
    {"conn_closed_protocol", "", "", false, send_nonsense, {0}},
    {"rejected_connections",
     "",
     "ERROR Too many open connections",
     true,
     be_one_too_many,
     {.max_conns = 1}},
};

/* Every connection that came is there, was rejected, or was closed for one reason that is counted. */
static void
check_sum(struct rig *rig)
{
    static const char *const names[] = {
#define CLOSE_REASON(NAME, name, help) "conn_closed_" #name,
#include "lombard/conn/close_reason.def"
#undef CLOSE_REASON
    };
    struct policy_stats stats;
    uint64_t ended = 0;

    policy_read_stats(rig, "", &stats);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ended += policy_get(&stats, names[i]);
    /* Of those rejected, only operators that were none have been connections. */
    ended +=
        policy_get(&stats, "rejected_connections") - policy_get(&stats, "conn_closed_rejected");
    if (policy_get(&stats, "total_connections") !=
        policy_get(&stats, "curr_connections") + ended)
        sim_die("not every connection that ended is counted once");
}

void
policy_closing(void)
{
    const struct reason *reason = &reasons[sim_below(ARRAY_LEN(reasons))];
    struct sim_link *link, *first = NULL;
    uint64_t before;
    char line[256];
    struct rig rig;
    bool logged;

    if (!rig_start(&rig, &reason->config))
        sim_die("the server does not start");
    rig.log_level = LOG_INFO;
    policy_fill(&rig, "long", 1, 100 * KB);
    before = policy_stat(&rig, reason->group, reason->stat);
    policy_log_begin();
    if (reason->config.max_conns == 1)
        first = policy_connect(&rig);
    rig_iterations(&rig, 3);
    link = policy_connect(&rig);
    rig_iterations(&rig, 3);
    reason->cause(&rig, link);
    logged = policy_log_has("event=closed") || policy_log_has("event=refused");
    policy_log_end();
    if (reason->told != NULL) {
        (void)policy_line(&rig, link, line, sizeof(line));
        if (strncmp(line, reason->told, strlen(reason->told)) != 0 ||
            strcmp(line, "(closed)") == 0)
            sim_die("%s: it is told '%s'", reason->stat, line);
    }
    if (reason->logged && !logged)
        sim_die("%s: nothing is logged", reason->stat);
    sim_set_window(link, UINT64_MAX);
    rig_iterations(&rig, 10);
    if (!policy_is_closed(link))
        sim_die("%s: it is not closed", reason->stat);
    sim_link_free(first);
    sim_link_free(link);
    policy_pass(&rig, 1500);
    if (policy_stat(&rig, reason->group, reason->stat) <= before)
        sim_die("%s: it is not counted", reason->stat);
    check_sum(&rig);
    rig_stop(&rig);
}
