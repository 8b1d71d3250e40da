/* Whether connections that wait for a buffer are served without another event. */
#include "policy.h"

#include <inttypes.h>
#include <string.h>

enum {
    KB = 1024,
    STALLED_MAX = 20,
    WAITING_MAX = 12,
    /* Of virtual time: until the oldest have stalled long enough, and those after them. */
    WAIT_MS = 120,
    WAIT_MS_EACH = 10,
};

static bool
all_answered(struct sim_link *const *waiting, int count)
{
    for (int i = 0; i < count; i++)
        if (sim_readable(waiting[i]) == 0 && sim_link_state(waiting[i]) == SIM_LINK_OPEN)
            return false;
    return true;
}

void
policy_waiting(void)
{
    struct rig_config config = {.buffers = 4 + sim_below(8)};
    struct sim_link *stalled[STALLED_MAX], *waiting[WAITING_MAX];
    int stalled_count = (int)config.buffers - 1;
    int waiting_count = 1 + (int)sim_below(WAITING_MAX - 1);
    uint64_t begun_ns, limit_ms = (uint64_t)(WAIT_MS + WAIT_MS_EACH * waiting_count);
    struct rig rig;

    if (!rig_start(&rig, &config))
        sim_die("the server does not start");
    policy_fill(&rig, "long", 1, 100 * KB);
    for (int i = 0; i < stalled_count; i++) {
        stalled[i] = sim_connect(rig.listen_fd, 4 * KB, 100);
        policy_say(&rig, stalled[i], "get long0\r\n");
    }
    if (sim_below(2) == 0)
        policy_pass(&rig, sim_below(300));
    for (int i = 0; i < waiting_count; i++) {
        waiting[i] = policy_connect(&rig);
        if (sim_send(waiting[i], "version\r\n", 9) != 9)
            sim_die("a client cannot ask");
    }
    begun_ns = sim_now_ns();
    while (!all_answered(waiting, waiting_count)) {
        if (sim_now_ns() - begun_ns > limit_ms * 1000000)
            sim_die("%d connections wait for buffers for %" PRIu64 " ms", waiting_count,
                    (sim_now_ns() - begun_ns) / 1000000);
        rig_sleep(&rig);
    }
    for (int i = 0; i < stalled_count; i++)
        sim_link_free(stalled[i]);
    for (int i = 0; i < waiting_count; i++)
        sim_link_free(waiting[i]);
    policy_pass(&rig, 200);
    rig_stop(&rig);
}
