/* Learns from the loop's waits for how long to look for events before it sleeps, and counts that. */
#include "busy_poll.h"

#include <stddef.h>
#include <string.h>

#include "lombard/event/loop.h"

enum {
    ALL = 1 << 16,      /* of `share` */
    PAYS = ALL / 2,     /* from here on; */
    PAYS_NOT = ALL / 3, /* until it is below this */
    WEIGHT = 16,        /* a wait is a 16th of what is known */
    SPREADS = 4,
};

void
busy_poll_set(struct busy_poll *poll, uint32_t limit_ns)
{
    poll->limit_ns = limit_ns;
    poll->share = ALL / 2;
    poll->mean_ns = limit_ns / 2;
    poll->spread_ns = limit_ns / 8;
    poll->doubts = 0;
    poll->pays = limit_ns > 0;
    poll->tries = false;
}

uint32_t
busy_poll_budget_ns(const struct busy_poll *poll)
{
    uint64_t usual_ns =
        (uint64_t)poll->mean_ns + (uint64_t)SPREADS * poll->spread_ns + poll->limit_ns / 8;

    if (poll->tries)
        return poll->limit_ns;
    if (!poll->pays)
        return 0;
    return usual_ns < poll->limit_ns ? (uint32_t)usual_ns : poll->limit_ns;
}

/* Nearer to NEXT, by a 16th of the way, but at least by one. */
static uint32_t
decaying_mean(uint32_t mean, uint32_t next)
{
    return next >= mean ? mean + (next - mean + WEIGHT - 1) / WEIGHT
                        : mean - (mean - next + WEIGHT - 1) / WEIGHT;
}

static void
learn_length(struct busy_poll *poll, uint32_t waited_ns)
{
    uint32_t mean_ns = poll->mean_ns;

    poll->spread_ns = decaying_mean(poll->spread_ns, waited_ns > mean_ns ? waited_ns - mean_ns
                                                                         : mean_ns - waited_ns);
    poll->mean_ns = decaying_mean(mean_ns, waited_ns);
}

static void
count(struct busy_poll *poll, uint64_t spun_ns, bool found)
{
    uint64_t ns = poll->rest_ns + spun_ns;

    poll->spins++;
    poll->found += found;
    poll->us += ns / 1000;
    poll->rest_ns = (uint32_t)(ns % 1000);
}

void
busy_poll_learn(struct busy_poll *poll, uint64_t waited_ns, uint64_t spun_ns, bool found)
{
    bool within = waited_ns <= poll->limit_ns;

    if (spun_ns > 0 || found)
        count(poll, spun_ns, found);
    poll->tries = false;
    if (!poll->pays && spun_ns == 0 && !within && waited_ns <= 2 * (uint64_t)poll->limit_ns) {
        poll->doubts = (poll->doubts + 1) % BUSY_POLL_DOUBTS;
        poll->tries = poll->doubts == 0;
        return;
    }
    poll->share = decaying_mean(poll->share, within ? ALL : 0);
    if (within)
        learn_length(poll, (uint32_t)waited_ns);
    poll->pays = poll->share >= (poll->pays ? PAYS_NOT : PAYS);
}

/* --- Statistics; the record is the struct busy_poll --- */

/* Of `stats settings`: what --busy-poll came to. */
static void
get_state(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct busy_poll *poll = record;

    if (poll->limit_ns == 0)
        stat_put_text(value, "off");
    else
        stat_printf(value, "up to %u us; the kernel: %s", poll->limit_ns / 1000,
                    poll->kernel_error == 0 ? "polls as well" : strerror(poll->kernel_error));
}

static const struct stat_entry setting_entries[] = {
    {"busy_poll_in_force", STAT_TEXT, UNIT_NONE,
     "How long it looks for events before it sleeps.", get_state, 0},
};

const struct stat_section busy_poll_setting_stats = {
    setting_entries, ARRAY_LEN(setting_entries), NULL, "", NULL};

#define COUNT(name, unit, field, help)                                                         \
    {                                                                                          \
        name, STAT_COUNTER, unit, help, stat_get_u64, offsetof(struct busy_poll, field)        \
    }

static void
get_budget(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    stat_put_u64(value, busy_poll_budget_ns(record) / 1000);
}

static const struct stat_entry entries[] = {
    COUNT("busy_polls", UNIT_EVENTS, spins,
          "Times that it looked for events without sleeping."),
    COUNT("busy_poll_found", UNIT_EVENTS, found, "Times that this found some."),
    COUNT("busy_poll_us", UNIT_MICROSECONDS, us, "Time that was spent on it."),
    {"busy_poll_budget_us", STAT_GAUGE, UNIT_MICROSECONDS, "For how long it would do so now.",
     get_budget, 0},
};

#undef COUNT

static void
reset(void *ctx)
{
    stat_reset_counters(entries, ARRAY_LEN(entries), ctx);
}

const struct stat_section busy_poll_stats = {entries, ARRAY_LEN(entries), NULL, "", reset};
