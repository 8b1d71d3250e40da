/* How long a client that asks for little waits while others ask for much. */
#include "policy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    KB = 1024,
    HEAVY_MAX = 200,
    ASKS = 20,
    ITERATIONS_MAX = 3, /* however many ask for much */
    BYTES_MAX = 1024 * KB,
    BYTES_EACH = 20 * KB, /* besides, to each that asked before it: a write buffer, about */
};

static struct sim_link *heavy[HEAVY_MAX];
static int heavy_count;

/* Requests while the socket takes them; all replies are discarded. */
static void
press(const char *request)
{
    static char bytes[64 * KB];

    for (int i = 0; i < heavy_count; i++) {
        while (sim_send(heavy[i], request, strlen(request)) == strlen(request))
            ;
        while (sim_recv(heavy[i], bytes, sizeof(bytes)) > 0)
            ;
    }
}

static uint64_t
bytes_to_heavy(void)
{
    uint64_t bytes = 0;

    for (int i = 0; i < heavy_count; i++)
        bytes += sim_sent_bytes(heavy[i]);
    return bytes;
}

static void
ask(struct rig *rig, struct sim_link *light, const char *request)
{
    uint64_t before = bytes_to_heavy();
    int iterations = 0;
    char reply[64];

    if (sim_send(light, "get light\r\n", 11) != 11)
        sim_die("the light client cannot ask");
    while (sim_readable(light) == 0) {
        if (++iterations > ITERATIONS_MAX)
            sim_die("with %d heavy clients, the light one waits for more than %d iterations",
                    heavy_count, ITERATIONS_MAX);
        rig_iterate(rig);
        press(request);
    }
    (void)sim_recv(light, reply, sizeof(reply));
    if (bytes_to_heavy() - before > BYTES_MAX + (uint64_t)(BYTES_EACH * heavy_count))
        sim_die("while the light client waits, %" PRIu64 " bytes go to %d others",
                bytes_to_heavy() - before, heavy_count);
}

void
policy_light(void)
{
    static const int counts[] = {1, 8, 32, 64, HEAVY_MAX};
    /*
     * Short ones, and ones that the store keeps in pieces, which are sent a buffer at a time. Between
     * them a first slice may send 256 KB, so that clients that ask for such values all at the same
     * moment are sent more than the bound. That is known, and not judged.
     */
    static const size_t sizes[] = {100, 3 * KB};
    const struct rig_config config = {0};
    size_t bytes = sizes[sim_below(2)];
    struct sim_link *light;
    struct rig rig;

    if (!rig_start(&rig, &config))
        sim_die("the server does not start");
    policy_fill(&rig, "heavy", 1, bytes);
    heavy_count = counts[sim_below(5)];
    for (int i = 0; i < heavy_count; i++)
        heavy[i] = sim_connect(rig.listen_fd, 4 * KB, 512 * KB);
    light = policy_connect(&rig);
    rig_iterations(&rig, heavy_count + 10);
    for (int i = 0; i < ASKS; i++) {
        press("get heavy0\r\n");
        rig_iterations(&rig, (int)sim_below(4));
        ask(&rig, light, "get heavy0\r\n");
    }
    sim_link_free(light);
    for (int i = 0; i < heavy_count; i++)
        sim_link_free(heavy[i]);
    policy_pass(&rig, 200);
    rig_stop(&rig);
}
