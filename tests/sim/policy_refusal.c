/* Whether a request that is refused, or served, costs only the connections that it must. */
#include "policy.h"

#include <string.h>

enum { KB = 1024, MB = 1024 * KB, HOLDERS_MAX = 12 };

/* A connection that holds memory of the store while its client does nothing. */
struct holder {
    struct sim_link *link;
    size_t bytes;
    size_t sent;
    bool closed;
};

struct scene {
    struct rig rig;
    bool evicts;
    int holders_count;
    struct holder holders[HOLDERS_MAX];
};

static void
begin_uploads(struct scene *s)
{
    char key[32];

    s->holders_count = 1 + (int)sim_below(HOLDERS_MAX);
    for (int i = 0; i < s->holders_count; i++) {
        struct holder *h = &s->holders[i];

        /* All of them hold at most a quarter of the store. */
        h->bytes = 4 * KB + sim_below(40 * KB);
        h->sent = h->bytes / (1 + sim_below(4)) - 1;
        h->closed = false;
        h->link = policy_connect(&s->rig);
        (void)snprintf(key, sizeof(key), "held%d", i);
        policy_set(&s->rig, h->link, key, h->bytes, h->sent);
    }
}

static int
count_closed(struct scene *s)
{
    int count = 0;

    for (int i = 0; i < s->holders_count; i++) {
        if (!s->holders[i].closed && policy_is_closed(s->holders[i].link))
            s->holders[i].closed = true;
        count += s->holders[i].closed;
    }
    return count;
}

static void
begin(struct scene *s)
{
    struct rig_config config = {
        .limit_bytes = 2 * MB + sim_below(2 * MB),
        .item_bytes_max = 512 * KB,
        .no_eviction = sim_below(2) == 0,
    };
    uint32_t value = 200 + sim_below(sim_below(2) == 0 ? 2000 : 30000);

    memset(s, 0, sizeof(*s));
    s->evicts = !config.no_eviction;
    if (!rig_start(&s->rig, &config))
        sim_die("the server does not start");
    begin_uploads(s);
    policy_pass(&s->rig, 300); /* long enough for any of them to be closed */
    policy_fill(&s->rig, "fill", (uint32_t)config.limit_bytes / value + 10, value);
}

static void
ask(struct scene *s)
{
    static const uint32_t sizes[] = {100, 5 * KB, 50 * KB, 400 * KB};
    size_t bytes = sizes[sim_below(4)];
    int closed_before = count_closed(s), closed;
    struct sim_link *link = policy_connect(&s->rig);
    char line[256];

    policy_set(&s->rig, link, "asked", bytes, bytes);
    (void)policy_line(&s->rig, link, line, sizeof(line));
    closed = count_closed(s) - closed_before;
    if (strcmp(line, "STORED") != 0 && closed > 0)
        sim_die("a request that was refused (%s) closed %d connections", line, closed);
    if (strcmp(line, "STORED") != 0 && s->evicts)
        sim_die("a store that may evict refuses %zu bytes: %s", bytes, line);
    if (s->evicts && closed > 0)
        sim_die("%d connections were closed, though there was enough to evict", closed);
    if (closed > (int)(bytes / (4 * KB)) + 2)
        sim_die("%d connections were closed for %zu bytes", closed, bytes);
    closed = count_closed(s);
    policy_pass(&s->rig, 1500);
    if (count_closed(s) != closed)
        sim_die("connections are closed when nothing is asked any more");
    sim_link_free(link);
}

/* Those that are still there are served as if nothing had been. */
static void
finish_uploads(struct scene *s)
{
    char bytes[4096], line[256];

    memset(bytes, 'x', sizeof(bytes));
    for (int i = 0; i < s->holders_count; i++) {
        struct holder *h = &s->holders[i];

        for (size_t left = h->bytes - h->sent; left > 0 && !h->closed;) {
            size_t n = left < sizeof(bytes) ? left : sizeof(bytes);

            policy_send(&s->rig, h->link, bytes, n);
            left -= n;
        }
        if (!h->closed) {
            policy_send(&s->rig, h->link, "\r\n", 2);
            (void)policy_line(&s->rig, h->link, line, sizeof(line));
            if (strcmp(line, "STORED") != 0 && strncmp(line, "SERVER_ERROR", 12) != 0)
                sim_die("a value that was long begun is answered '%s'", line);
        }
        sim_link_free(h->link);
    }
}

void
policy_refusal(void)
{
    static struct scene s;

    begin(&s);
    if (count_closed(&s) > 0)
        sim_die("%d connections were closed while the store was filled", count_closed(&s));
    for (int i = 0; i < 3; i++)
        ask(&s);
    finish_uploads(&s);
    policy_pass(&s.rig, 200);
    rig_stop(&s.rig);
}
