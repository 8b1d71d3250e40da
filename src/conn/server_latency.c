/* Times of replies, iterations and steps, and their statistics. */
#include "server_latency.h"

#include <stdio.h>
#include <string.h>

#include "lombard/base/put.h"
#include "lombard/base/sys.h"

enum { HELD_COUNT_BITS = 24 };

/* Of the distributions, by their order in struct latency_spans. */
enum { SPANS_COUNT = sizeof(struct latency_spans) / sizeof(struct spans) };

static struct spans *
spans_at(const struct latency *latency, uint32_t i)
{
    return &latency->spans->iteration + i;
}

static void
reset(void *ctx)
{
    struct latency *latency = ctx;

    memset(latency->steps, 0, sizeof(latency->steps));
    for (uint32_t i = 0; i < SPANS_COUNT; i++)
        if (spans_count(spans_at(latency, i), SPAN_EVER) > 0)
            spans_reset(spans_at(latency, i));
}

bool
latency_init(struct latency *latency)
{
    latency->spans = sys_map(sizeof(*latency->spans));
    latency->last_ns = sys_monotonic_ns();
    return latency->spans != NULL;
}

void
latency_fini(struct latency *latency)
{
    if (latency->spans != NULL)
        sys_unmap(latency->spans, sizeof(*latency->spans));
}

/* --- Time that has passed --- */

/* One turn for each that is over, at most as many as are kept. */
void
latency_tick(struct latency *latency, uint64_t now_ms, uint64_t late_ns)
{
    uint32_t turns = (uint32_t)(now_ms / SPAN_TURN_MS);
    uint32_t missed = turns - latency->age_turns;

    spans_add(&latency->spans->lag, late_ns, 1);
    latency->age_turns = turns;
    for (uint32_t turn = 0; turn < missed && turn <= SPAN_TURNS_60S; turn++) {
        for (uint32_t i = 0; i < SPANS_COUNT; i++)
            spans_turn(spans_at(latency, i));
        for (uint32_t i = 0; i < LATENCY_STEPS; i++)
            peak_turn(&latency->steps[i]);
    }
}

void
latency_step(struct latency *latency, enum latency_step step)
{
    uint64_t now_ns = sys_monotonic_ns();
    uint64_t took_ns = now_ns - latency->last_ns;

    peak_add(&latency->steps[step], took_ns);
    latency->last_ns = now_ns;
    if (UNLIKELY(took_ns > latency->limit_ns) && took_ns > latency->worst_ns) {
        latency->worst_ns = took_ns;
        latency->worst = step;
    }
}

void
latency_set_limit(struct latency *latency, uint32_t limit_ms)
{
    latency->limit_ns = limit_ms == 0 ? UINT64_MAX : UINT64_C(1000000) * limit_ms;
}

const char *
latency_step_name(enum latency_step step)
{
    switch (step) {
    case STEP_SERVE: return "serve";
    case STEP_ACCEPT: return "accept";
    case STEP_WORK: return "work";
    case STEP_TICK: return "tick";
    case STEP_CLOSE: return "close";
    }
    BUG("latency_step out of range");
}

/* --- Replies --- */

void
latency_note_other(struct latency *latency, enum request_op op, uint32_t count)
{
    latency->others[latency->op] += latency->noted;
    latency->noted_others += latency->noted;
    latency->op = op;
    latency->noted = count;
}

static void
others_sent(struct latency *latency, uint64_t took_ns)
{
    for (uint32_t op = 0; op < OP_COUNT; op++) {
        if (latency->others[op] > 0)
            spans_add(&latency->spans->ops[op], took_ns, latency->others[op]);
        latency->others[op] = 0;
    }
    latency->noted_others = 0;
}

uint64_t
latency_settle(struct latency *latency, uint64_t since_ns)
{
    uint64_t took_ns;

    latency_step(latency, STEP_SERVE);
    took_ns = latency->last_ns - since_ns;
    spans_add(&latency->spans->ops[latency->op], took_ns, latency->noted);
    latency->noted = 0;
    if (UNLIKELY(latency->noted_others > 0))
        others_sent(latency, took_ns);
    return took_ns;
}

uint32_t
latency_hold(struct latency *latency)
{
    uint32_t count = latency_noted(latency);

    memset(latency->others, 0, sizeof(latency->others));
    latency->noted = 0;
    latency->noted_others = 0;
    return (uint32_t)latency->op << HELD_COUNT_BITS | count;
}

void
latency_resume(struct latency *latency, uint32_t held)
{
    latency->op = (enum request_op)(held >> HELD_COUNT_BITS);
    latency->noted = held & ((1U << HELD_COUNT_BITS) - 1);
}

/* --- `stats latency`; the record is one of these, made for the line that is asked for --- */

struct shown_spans {
    const struct spans *spans;
    enum span_window window;
};

/* That of the line before, mostly: all lines of a window are asked for in a row. */
static const struct span_sum *
sum_of(const struct shown_spans *shown)
{
    static struct span_sum sum;
    static struct {
        const struct spans *spans;
        enum span_window window;
        uint32_t last;
        uint64_t sum_ns;
    } of;

    if (of.spans != shown->spans || of.window != shown->window ||
        of.last != shown->spans->last || of.sum_ns != shown->spans->sum_ns)
        spans_sum(shown->spans, shown->window, &sum);
    of.spans = shown->spans;
    of.window = shown->window;
    of.last = shown->spans->last;
    of.sum_ns = shown->spans->sum_ns;
    return &sum;
}

static void
get_count(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct shown_spans *shown = record;

    stat_put_u64(value, sum_of(shown)->count);
}

static void
put_us(struct stat_value *value, uint64_t ns)
{
    uint64_t tenths = ns / 100 + (ns % 100 >= 50);

    char *p = put_byte(put_u64(value->text, tenths / 10), '.');

    *put_byte(p, (char)('0' + tenths % 10)) = '\0';
}

/* ENTRY's argument: the quantile, in ten-thousandths. */
static void
get_quantile_us(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    const struct shown_spans *shown = record;

    put_us(value, span_quantile_ns(sum_of(shown), (double)entry->arg / 10000));
}

static void
get_max_us(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct shown_spans *shown = record;

    put_us(value, spans_max_ns(shown->spans, shown->window));
}

#define QUANTILE(name, help, quantile)                                                         \
    {                                                                                          \
        name, STAT_GAUGE, UNIT_MICROSECONDS, help, get_quantile_us, quantile                   \
    }

static const struct stat_entry entries[] = {
    {"count", STAT_GAUGE, UNIT_NUMBER, "How many there were in this window.", get_count, 0},
    QUANTILE("p50_us", "Time that 50 % of them do not exceed.", 5000),
    QUANTILE("p90_us", "Time that 90 % of them do not exceed.", 9000),
    QUANTILE("p99_us", "Time that 99 % of them do not exceed.", 9900),
    QUANTILE("p999_us", "Time that 99.9 % of them do not exceed.", 9990),
    {"max_us", STAT_GAUGE, UNIT_MICROSECONDS, "Longest time.", get_max_us, 0},
};

#undef QUANTILE

/* "get"; the names of operations are those of op.def. */
static void
name_spans(uint32_t i, char *dst, size_t bytes)
{
    static const char *const names[] = {
        "iteration",
        "lag",
#define OP(NAME, handler, kind, commit, counter, properties) #NAME,
#include "lombard/proto/op.def"
#undef OP
    };
    size_t len = 0;

    _Static_assert(ARRAY_LEN(names) == SPANS_COUNT, "in the order of struct latency_spans");
    for (; len + 1 < bytes && names[i][len] != '\0'; len++) {
        char c = names[i][len];

        dst[len] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    dst[len] = '\0';
}

/* Operations that never came are not shown. */
static bool
is_shown(const struct latency *latency, uint32_t i)
{
    return i < SPANS_COUNT - OP_COUNT || spans_count(spans_at(latency, i), SPAN_EVER) > 0;
}

enum { LONGEST_WINDOW_NAME = sizeof(":ever") };

/* A position is a distribution and a window. */
static enum stat_step
next_spans(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    static struct shown_spans shown;
    const struct latency *latency = ctx;
    uint32_t i = (uint32_t)(*position / SPAN_WINDOWS);
    enum span_window window = (enum span_window)(*position % SPAN_WINDOWS);
    size_t len;

    while (i < SPANS_COUNT && !is_shown(latency, i)) {
        i++;
        window = SPAN_10S;
    }
    if (i == SPANS_COUNT)
        return STAT_END;
    *position = i * SPAN_WINDOWS + window;
    shown = (struct shown_spans){spans_at(latency, i), window};
    instance->record = &shown;
    name_spans(i, instance->label, sizeof(instance->label) - LONGEST_WINDOW_NAME);
    len = strlen(instance->label);
    instance->label[len++] = ':';
    memcpy(instance->label + len, span_window_name(window),
           strlen(span_window_name(window)) + 1);
    return STAT_FOUND;
}

static const struct stat_family family = {"what", "%l:%n", next_spans};

const struct stat_section latency_stats = {entries, ARRAY_LEN(entries), &family, "latency_",
                                           reset};

/* --- For metrics; the record is a struct spans --- */

static enum stat_step
next_distribution(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    const struct latency *latency = ctx;

    while (*position < SPANS_COUNT && !is_shown(latency, (uint32_t)*position))
        (*position)++;
    if (*position >= SPANS_COUNT)
        return STAT_END;
    instance->record = spans_at(latency, (uint32_t)*position);
    name_spans((uint32_t)*position, instance->label, sizeof(instance->label));
    return STAT_FOUND;
}

static uint64_t
count_until(const void *record, uint64_t ns)
{
    return spans_count_le(record, ns);
}

static uint64_t
sum_ns(const void *record)
{
    return spans_sum_ns(record);
}

const struct stat_histogram latency_histogram = {
    "latency_seconds",
    "Time that replies took within the server, and iterations of its loop.",
    "what",
    next_distribution,
    count_until,
    sum_ns};

/* --- The longest steps; the record is likewise one of these --- */

struct shown_peak {
    const struct peak *peak;
    enum span_window window;
};

static void
get_peak_us(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct shown_peak *shown = record;

    put_us(value, peak_max_ns(shown->peak, shown->window));
}

static const struct stat_entry step_entries[] = {
    {"max_us", STAT_GAUGE, UNIT_MICROSECONDS, "The longest step of this kind.", get_peak_us, 0},
};

static enum stat_step
next_step(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    static struct shown_peak shown;
    const struct latency *latency = ctx;
    enum span_window window = (enum span_window)(*position % SPAN_WINDOWS);
    uint64_t step = *position / SPAN_WINDOWS;

    if (step >= LATENCY_STEPS)
        return STAT_END;
    shown = (struct shown_peak){&latency->steps[step], window};
    instance->record = &shown;
    (void)snprintf(instance->label, sizeof(instance->label), "%s:%s",
                   latency_step_name((enum latency_step)step), span_window_name(window));
    return STAT_FOUND;
}

static const struct stat_family step_family = {"step", "step_%l:%n", next_step};

const struct stat_section latency_step_stats = {step_entries, ARRAY_LEN(step_entries),
                                                &step_family, "latency_step_", NULL};
