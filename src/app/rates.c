/* Reads some counters once a second, and shows by how much they grow. */
#include "rates.h"

#include <stdio.h>
#include <string.h>

#include "lombard/base/attr.h"
#include "lombard/base/invariant.h"
#include "lombard/base/num.h"

static const struct {
    const char *sources;
} defs[RATES] = {
#define RATE(name, unit, sources, help) [RATE_##name] = {sources},
#include "rates.def"
#undef RATE
};

/* --- Which counters --- */

/* Where in the registry NAME of plain `stats` is. */
static bool
find(const struct stat_registry *registry, struct slice name, struct stat_cursor *found)
{
    struct stat_cursor cursor;
    struct stat_line line;

    if (!stats_begin(registry, slice_make("", 0), &cursor))
        return false;
    do {
        *found = cursor;
        if (stats_next(registry, &cursor, &line) != STAT_FOUND)
            return false;
    } while (!slice_equal(slice_make(line.name, strlen(line.name)), name));
    return true;
}

static void
find_sources(struct rates *rates, uint32_t rate)
{
    const char *p = defs[rate].sources;

    while (*p != '\0') {
        size_t len = strcspn(p, " ");
        uint32_t i = rates->source_counts[rate];

        if (BROKEN(i == RATE_SOURCES_MAX))
            return;
        if (!BROKEN(
                !find(rates->registry, slice_make(p, len), &rates->sources[rate][i].cursor)))
            rates->source_counts[rate]++;
        p += len + strspn(p + len, " ");
    }
}

/* --- Reading --- */

static uint64_t
read_counter(const struct rates *rates, const struct rate_source *source)
{
    struct stat_cursor cursor = source->cursor;
    struct stat_line line;
    uint64_t number;

    if (stats_next(rates->registry, &cursor, &line) != STAT_FOUND ||
        !num_parse_u64(slice_make(line.value.text, strlen(line.value.text)), &number))
        return source->last;
    return number;
}

/* By how much it grew since it was read last; `stats reset` may have put it back to 0. */
static uint64_t
growth(const struct rates *rates, struct rate_source *source)
{
    uint64_t now = read_counter(rates, source);
    uint64_t grown = now >= source->last ? now - source->last : now;

    source->last = now;
    return grown;
}

void
rates_read(struct rates *rates)
{
    uint32_t second = (rates->second + 1) % RATE_SECONDS;

    rates->ns[second] = rates->clock->now_ns - rates->read_at_ns;
    for (uint32_t rate = 0; rate < RATES; rate++) {
        rates->grown[rate][second] = 0;
        for (uint32_t i = 0; i < rates->source_counts[rate]; i++)
            rates->grown[rate][second] += growth(rates, &rates->sources[rate][i]);
    }
    rates->read_at_ns = rates->clock->now_ns;
    rates->second = second;
}

static void
on_time(struct timer *timer)
{
    struct rates *rates = CONTAINER_OF(timer, struct rates, timer);

    rates_read(rates);
    timer_set(rates->timers, timer, rates->clock->now_ms + 1000);
}

/* --- `stats rates`; the record is one of these, made for the line that is asked for --- */

static const uint32_t windows_s[] = {1, 10, 60};

struct rate_window {
    const struct rates *rates;
    uint32_t seconds;
};

/* ENTRY's argument: which rate. */
static void
get_rate(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    const struct rate_window *window = record;
    const struct rates *rates = window->rates;
    uint64_t grown = 0, ns = 0;

    for (uint32_t i = 0; i < window->seconds; i++) {
        uint32_t second = (rates->second + RATE_SECONDS - i) % RATE_SECONDS;

        grown += rates->grown[entry->arg][second];
        ns += rates->ns[second];
    }
    stat_printf(value, "%.1f", ns == 0 ? 0 : (double)grown * 1e9 / (double)ns);
}

static const struct stat_entry entries[] = {
#define RATE(name, unit, sources, help)                                                        \
    {#name, STAT_GAUGE, UNIT_##unit, help, get_rate, RATE_##name},
#include "rates.def"
#undef RATE
};

static enum stat_step
next_window(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    static struct rate_window window;

    if (*position >= ARRAY_LEN(windows_s))
        return STAT_END;
    window = (struct rate_window){ctx, windows_s[*position]};
    instance->record = &window;
    (void)snprintf(instance->label, sizeof(instance->label), "%us", window.seconds);
    return STAT_FOUND;
}

static const struct stat_family family = {"window", "%n:%l", next_window};
static const struct stat_section section = {entries, ARRAY_LEN(entries), &family, "rate_",
                                            NULL};

void
rates_init(struct rates *rates, const struct clock *clock, struct stat_registry *registry)
{
    memset(rates, 0, sizeof(*rates));
    rates->clock = clock;
    rates->registry = registry;
    for (uint32_t rate = 0; rate < RATES; rate++)
        find_sources(rates, rate);
    stats_derive(registry, "rates", &section, rates);
}

void
rates_start(struct rates *rates, struct timers *timers)
{
    rates->timers = timers;
    rates->read_at_ns = rates->clock->now_ns;
    for (uint32_t rate = 0; rate < RATES; rate++)
        for (uint32_t i = 0; i < rates->source_counts[rate]; i++)
            (void)growth(rates, &rates->sources[rate][i]);
    timer_init(&rates->timer, on_time);
    timer_set(timers, &rates->timer, rates->clock->now_ms + 1000);
}
