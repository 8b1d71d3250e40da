/*
 * Which keys are asked for most, bring most bytes out, and are missed most: some requests, drawn
 * by chance, are looked at.
 */
#include "cmd_priv.h"

#include <stdio.h>
#include <string.h>

#include "lombard/base/sys.h"
#include "lombard/base/topkeys.h"

enum {
    MEAN_GAP_MIN = 5, /* one request in as many is looked at; but where that were more than */
    LOOKS_MAX = 150,  /* within PERIOD_MS, one in twice as many, and so on, until */
    MEAN_GAP_MAX = MEAN_GAP_MIN << 13,
    PERIOD_MS = 100,
    SHOWN_KEYS = 32, /* of each list, unless it is asked for another number */
};

/* A list, and how it is asked for. */
struct hot_list {
    struct topkeys *top;
    const struct clock *clock;
};

struct hot {
    uint64_t random;
    uint32_t mean_gap;  /* of requests that are not looked at; the weight of one that is */
    uint32_t looks;     /* in this period */
    uint64_t period_ms; /* when it began */
    struct hot_list lists[HOT_LISTS];
    struct topkeys tops[HOT_LISTS];
};

bool
cmd_hot_init(struct cmd *cmd)
{
    struct hot *hot = sys_map(sizeof(*hot));

    cmd->hot = hot;
    cmd->hot_gap = 0;
    if (hot == NULL)
        return false;
    hot->random = cmd->config.seed | 1;
    hot->mean_gap = MEAN_GAP_MIN;
    for (int i = 0; i < HOT_LISTS; i++) {
        topkeys_reset(&hot->tops[i], cmd->clock->now_ms);
        hot->lists[i] = (struct hot_list){&hot->tops[i], cmd->clock};
    }
    return true;
}

void
cmd_hot_fini(struct cmd *cmd)
{
    if (cmd->hot != NULL)
        sys_unmap(cmd->hot, sizeof(*cmd->hot));
}

/* --- Chance --- */

/* xorshift64*: good enough to draw with, and short. */
static uint64_t
draw(struct hot *hot)
{
    hot->random ^= hot->random >> 12;
    hot->random ^= hot->random << 25;
    hot->random ^= hot->random >> 27;
    return hot->random * UINT64_C(0x2545f4914f6cdd1d);
}

/*
 * How many requests before the next one that is looked at: geometric, so that no rhythm of the
 * clients' hides from it. -ln(u) by the bits before and the fraction behind the first 1 of u.
 */
static uint32_t
draw_gap(struct hot *hot)
{
    uint64_t u = draw(hot) | 1;
    unsigned zeros = (unsigned)__builtin_clzll(u);
    double f = (double)(u << zeros << 1 >> 11) / 9007199254740992.0;
    double log2 = (double)zeros + 1 - (f + 0.343 * f * (1 - f));

    return (uint32_t)(log2 * 0.693147 * (hot->mean_gap - 0.5)); /* it is rounded down */
}

/* One more was looked at: enough are known of a busy server. */
static void
count_look(struct hot *hot)
{
    if (++hot->looks < LOOKS_MAX || hot->mean_gap == MEAN_GAP_MAX)
        return;
    hot->mean_gap *= 2;
    hot->looks = 0;
}

/* A period is over: where few were looked at, what was drawn for more requests is drawn again. */
static void
begin_period(struct cmd *cmd)
{
    struct hot *hot = cmd->hot;

    hot->period_ms = cmd->clock->now_ms;
    if (hot->looks < LOOKS_MAX / 4 && hot->mean_gap > MEAN_GAP_MIN) {
        hot->mean_gap /= 2;
        cmd->hot_gap = draw_gap(hot);
    }
    hot->looks = 0;
}

void
cmd_hot_work(struct cmd *cmd)
{
    if (cmd->clock->now_ms - cmd->hot->period_ms < PERIOD_MS)
        return;
    begin_period(cmd);
    cmd_big_check(cmd);
}

/* --- Looking at a request --- */

static void
count(struct cmd *cmd, enum hot_list_kind kind, const struct request *req, uint64_t weight)
{
    struct topkeys *top = &cmd->hot->tops[kind];

    topkeys_age(top, cmd->clock->now_ms);
    if (weight > 0)
        topkeys_add(top, req->key, req->hash, weight, draw(cmd->hot));
}

/* Of a meta command, only what asked for the value is sent it. */
static bool
sends_value(const struct request *req)
{
    return (req->flags & REQ_META) == 0 || req->echo.meta.value;
}

uint32_t
cmd_look_next(struct cmd *cmd, uint32_t count)
{
    uint32_t gap = cmd->hot_gap;

    cmd->hot_gap = LIKELY(gap >= count) ? gap - count : 0;
    return gap < count ? gap : count;
}

void
cmd_look_again(struct cmd *cmd)
{
    cmd->hot_gap = draw_gap(cmd->hot);
}

/* Each stands for as many requests as were drawn for it on an average. */
static void
count_request(struct cmd *cmd, const struct request *req, const struct reply *reply)
{
    uint64_t weight = cmd->hot->mean_gap;

    if (!op_has(req->op, PROP_KEYED) || reply->status == REPLY_OUT_OF_MEMORY ||
        reply->status == REPLY_JOIN)
        return; /* the latter will come again */
    count(cmd, HOT_REQUESTS, req, weight);
    if (reply->status == REPLY_MISS || reply->status == REPLY_NOT_FOUND)
        count(cmd, HOT_MISSES, req, weight);
    if (reply->status == REPLY_HIT && sends_value(req)) {
        count(cmd, HOT_BYTES, req, weight * reply->item.value_bytes);
        cmd_big_note_any(cmd, req, reply->item.value_bytes);
    }
    if (reply->status == REPLY_STORED)
        cmd_big_note_any(cmd, req, reply->item.value_bytes);
}

void
cmd_look(struct cmd *cmd, const struct request *req, const struct reply *reply)
{
    if (cmd->hot_gap > 0) {
        cmd->hot_gap--;
        return;
    }
    count_request(cmd, req, reply);
    count_look(cmd->hot);
    cmd->hot_gap = draw_gap(cmd->hot);
}

/* --- `stats hotkeys`, `hotbytes`, `misskeys`; the record is a struct topkey --- */

static void
get_key(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct topkey *key = record;

    cmd_put_key(value, key->key);
}

/* ENTRY's argument: where in a struct topkey the share is. */
static void
get_percent(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    double share;

    memcpy(&share, (const char *)record + entry->arg, sizeof(share));
    stat_printf(value, "%.3f", 100 * share);
}

static void
get_per_second(const struct stat_entry *entry UNUSED, const void *record,
               struct stat_value *value)
{
    const struct topkey *key = record;

    stat_printf(value, "%.1f", key->per_second);
}

static const struct stat_entry entries[] = {
    {"key", STAT_TEXT, UNIT_NONE, "The key, its bytes as in a URI.", get_key, 0},
    {"share_pct", STAT_GAUGE, UNIT_NUMBER, "Its share of all keys', in percent.", get_percent,
     offsetof(struct topkey, share)},
    {"error_pct", STAT_GAUGE, UNIT_NUMBER, "How far off that may be, in percent.", get_percent,
     offsetof(struct topkey, error)},
    {"per_second", STAT_GAUGE, UNIT_NUMBER, "Requests, or bytes, a second.", get_per_second, 0},
};

/* Positions are ranks. */
static enum stat_step
next_key(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    static struct topkey key;
    const struct hot_list *list = ctx;
    uint64_t now_ms = list->clock->now_ms;

    if (*position == 0) {
        topkeys_age(list->top, now_ms);
        (void)topkeys_sort(list->top);
    }
    if (*position >= SHOWN_KEYS || !topkeys_at(list->top, (uint32_t)*position, now_ms, &key))
        return STAT_END;
    instance->record = &key;
    (void)snprintf(instance->label, sizeof(instance->label), "%u", (unsigned)*position + 1);
    return STAT_FOUND;
}

static void
reset_list(void *ctx)
{
    struct hot_list *list = ctx;

    topkeys_reset(list->top, list->clock->now_ms);
}

static const struct stat_family family = {"rank", "%l:%n", next_key};

#define LIST(name, prefix)                                                                     \
    static const struct stat_section name = {entries, ARRAY_LEN(entries), &family, prefix,     \
                                             reset_list}

LIST(requests_section, "hotkey_");
LIST(bytes_section, "hotbytes_");
LIST(misses_section, "misskey_");

#undef LIST

static const char *const groups[] = {"hotkeys", "hotbytes", "misskeys", "bigkeys"};

bool
cmd_is_hot_group(struct slice group)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (slice_equal(group, slice_make(groups[i], strlen(groups[i]))))
            return true;
    return false;
}

/* What lists keys: with -X there is none of it. */
void
cmd_add_hot_stats(struct cmd *cmd, struct stat_registry *registry)
{
    struct hot_list *lists = cmd->hot->lists;
    const struct {
        const struct stat_section *section;
        void *ctx;
    } sources[] = {
        {&requests_section, &lists[HOT_REQUESTS]},
        {&bytes_section, &lists[HOT_BYTES]},
        {&misses_section, &lists[HOT_MISSES]},
        {&cmd_big_stats, cmd},
    };

    _Static_assert(ARRAY_LEN(sources) == ARRAY_LEN(groups), "each has its name");
    if (!cmd->config.dump_enabled)
        return;
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        stats_list(registry, groups[i], sources[i].section, sources[i].ctx);
        stats_select(registry, stats_select_count);
        stats_guard(registry);
    }
}
