/* Asks for connections and kills them, whatever they are doing. */
#include "operators.h"

#include <stdio.h>
#include <string.h>

#include "lombard/base/attr.h"
#include "sim_sys.h"

enum { CONNS = 40 };

static struct sim_link *link;

static void
say(void)
{
    static const char *const questions[] = {
        "kill stalled 0",
        "kill addr 192.0.2.1",
        "kill addr 127.0.0.1",
        "stats conns top held 3",
        "stats conns top stalled",
        "stats conns state blocked_sending",
        "stats events 20",
        "client_name operator",
        "stats conns",
    };
    char line[80];
    int len;

    if (sim_below(2) == 0)
        len = snprintf(line, sizeof(line), "kill id %u\r\n", 1 + sim_below(CONNS));
    else
        len =
            snprintf(line, sizeof(line), "%s\r\n", questions[sim_below(ARRAY_LEN(questions))]);
    (void)sim_send(link, line, (size_t)len);
}

static void
listen_to_it(void)
{
    char scrap[4096];

    while (sim_recv(link, scrap, sizeof(scrap)) > 0)
        continue;
    if (sim_link_state(link) != SIM_LINK_OPEN)
        operators_leave();
}

void
operators_act(int listen_fd, uint32_t one_in)
{
    if (one_in > 0 && sim_one_in(one_in)) {
        if (link == NULL) {
            link = sim_connect(listen_fd, 1000, 4096 + sim_below(100000));
            sim_set_local(link);
        }
        say();
    }
    if (link != NULL)
        listen_to_it();
}

void
operators_leave(void)
{
    if (link != NULL)
        sim_link_free(link);
    link = NULL;
}
