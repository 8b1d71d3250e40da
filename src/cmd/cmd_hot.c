/*
 * Which keys are asked for most, bring most bytes out, are missed most, and are the largest: some
 * requests, drawn by chance, are looked at.
 */
#include "cmd_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "lombard/base/put.h"
#include "lombard/base/sys.h"
#include "lombard/base/topkeys.h"

enum {
    SAMPLE_MEAN = 40, /* one request in as many is looked at */
    SHOWN_KEYS = 32,  /* of each list, unless it is asked for another number */
    BIG_KEYS = 32,
    BIG_BYTES_MIN = 2048, /* whatever is shorter is looked at by chance alone */
    BIG_CHECK_MS = 100,   /* whether one of them is still there */
};

struct big_keys {
    uint64_t hash[BIG_KEYS];
    uint64_t bytes[BIG_KEYS]; /* of its value; 0: free */
    struct topkeys_key keys[BIG_KEYS];
    uint8_t order[BIG_KEYS]; /* for `stats bigkeys`: the largest first */
};

/* A list, and how it is asked for. */
struct hot_list {
    struct topkeys *top;
    const struct clock *clock;
};

struct hot {
    uint64_t random;
    struct hot_list lists[HOT_LISTS];
    uint64_t big_check_ms;
    uint32_t big_check;
    struct big_keys big;
    struct topkeys tops[HOT_LISTS];
};

bool
cmd_hot_init(struct cmd *cmd)
{
    struct hot *hot = sys_map(sizeof(*hot));

    cmd->hot = hot;
    cmd->hot_gap = 0;
    cmd->hot_big_bytes = BIG_BYTES_MIN;
    if (hot == NULL)
        return false;
    sys_random(&hot->random, sizeof(hot->random));
    hot->random |= 1;
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

    return (uint32_t)(log2 * 0.693147 * SAMPLE_MEAN);
}

/* --- Large values --- */

/* The one with the fewest bytes, or a free one. */
static uint32_t
smallest_big(const struct big_keys *big)
{
    uint32_t smallest = 0;

    for (uint32_t i = 1; i < BIG_KEYS; i++)
        if (big->bytes[i] < big->bytes[smallest])
            smallest = i;
    return smallest;
}

/* That of HASH, or else the smallest. */
static uint32_t
find_big(const struct big_keys *big, uint64_t hash)
{
    for (uint32_t i = 0; i < BIG_KEYS; i++)
        if (big->hash[i] == hash && big->bytes[i] > 0)
            return i;
    return smallest_big(big);
}

/* Short values are looked at by chance alone. */
static void
set_big_bytes(struct cmd *cmd)
{
    uint64_t bytes = cmd->hot->big.bytes[smallest_big(&cmd->hot->big)];

    cmd->hot_big_bytes = bytes < BIG_BYTES_MIN ? BIG_BYTES_MIN : bytes;
}

void
cmd_hot_note_big(struct cmd *cmd, const struct request *req, uint64_t bytes)
{
    struct big_keys *big = &cmd->hot->big;
    uint32_t i = find_big(big, req->hash);

    if (big->hash[i] == req->hash && big->bytes[i] == bytes)
        return;
    if (big->hash[i] != req->hash && bytes <= big->bytes[i])
        return;
    big->hash[i] = req->hash;
    big->bytes[i] = bytes;
    big->keys[i].len = (uint8_t)req->key.len;
    memcpy(big->keys[i].bytes, req->key.ptr, req->key.len);
    set_big_bytes(cmd);
}

/* What it is in the store now, or that it is there no more. */
static void
refresh_big(struct cmd *cmd, uint32_t i)
{
    struct big_keys *big = &cmd->hot->big;
    struct slice key = slice_make(big->keys[i].bytes, big->keys[i].len);
    struct item item;

    if (big->bytes[i] == 0)
        return;
    big->bytes[i] = store_peek(cmd->store, key, big->hash[i], &item) ? item.value_bytes : 0;
    set_big_bytes(cmd);
}

void
cmd_hot_work(struct cmd *cmd)
{
    struct hot *hot = cmd->hot;

    if (cmd->clock->now_ms - hot->big_check_ms < BIG_CHECK_MS)
        return;
    hot->big_check_ms = cmd->clock->now_ms;
    hot->big_check = (hot->big_check + 1) % BIG_KEYS;
    refresh_big(cmd, hot->big_check);
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
cmd_look_gap(const struct cmd *cmd)
{
    return cmd->hot_gap;
}

void
cmd_look_passed(struct cmd *cmd, uint32_t count)
{
    cmd->hot_gap = count < cmd->hot_gap ? cmd->hot_gap - count : 0;
}

void
cmd_look(struct cmd *cmd, const struct request *req, const struct reply *reply)
{
    if (cmd->hot_gap > 0) {
        cmd->hot_gap--;
        return;
    }
    cmd->hot_gap = draw_gap(cmd->hot);
    if (!op_has(req->op, PROP_KEYED) || reply->status == REPLY_OUT_OF_MEMORY ||
        reply->status == REPLY_JOIN)
        return; /* the latter will come again */
    count(cmd, HOT_REQUESTS, req, 1);
    if (reply->status == REPLY_MISS || reply->status == REPLY_NOT_FOUND)
        count(cmd, HOT_MISSES, req, 1);
    if (reply->status == REPLY_HIT && sends_value(req)) {
        count(cmd, HOT_BYTES, req, reply->item.value_bytes);
        cmd_hot_note_big(cmd, req, reply->item.value_bytes);
    }
    if (reply->status == REPLY_STORED)
        cmd_hot_note_big(cmd, req, reply->item.value_bytes);
}

/* --- `stats hotkeys`, `hotbytes`, `misskeys`; the record is a struct topkey --- */

static void
put_key(struct stat_value *value, struct slice key)
{
    char text[3 * TOPKEYS_KEY_BYTES + 1];

    _Static_assert(sizeof(text) <= STAT_VALUE_BYTES, "a key of any bytes fits");
    *put_uri(text, key) = '\0';
    stat_put_text(value, text);
}

static void
get_key(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct topkey *key = record;

    put_key(value, key->key);
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

    stat_printf(value, "%.1f", key->per_second * SAMPLE_MEAN);
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

/* --- `stats bigkeys`; the record is one of these, made for the line that is asked for --- */

struct shown_big {
    const struct topkeys_key *key;
    uint64_t bytes;
};

static void
get_big_key(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct shown_big *shown = record;

    put_key(value, slice_make(shown->key->bytes, shown->key->len));
}

static const struct stat_entry big_entries[] = {
    {"key", STAT_TEXT, UNIT_NONE, "The key, its bytes as in a URI.", get_big_key, 0},
    {"bytes", STAT_GAUGE, UNIT_BYTES, "Size of its value.", stat_get_u64,
     offsetof(struct shown_big, bytes)},
};

static int
by_bytes(const void *a, const void *b, void *ctx)
{
    const struct big_keys *big = ctx;
    uint64_t left = big->bytes[*(const uint8_t *)a], right = big->bytes[*(const uint8_t *)b];

    return left < right ? 1 : left > right ? -1 : 0;
}

/* Only what is in the store now. */
static void
sort_big(struct cmd *cmd)
{
    struct big_keys *big = &cmd->hot->big;

    for (uint32_t i = 0; i < BIG_KEYS; i++) {
        big->order[i] = (uint8_t)i;
        refresh_big(cmd, i);
    }
    qsort_r(big->order, BIG_KEYS, sizeof(big->order[0]), by_bytes, big);
}

/* Positions are ranks. */
static enum stat_step
next_big(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    static struct shown_big shown;
    struct cmd *cmd = ctx;
    const struct big_keys *big = &cmd->hot->big;

    if (*position == 0)
        sort_big(cmd);
    if (*position >= BIG_KEYS || big->bytes[big->order[*position]] == 0)
        return STAT_END;
    shown = (struct shown_big){&big->keys[big->order[*position]],
                               big->bytes[big->order[*position]]};
    instance->record = &shown;
    (void)snprintf(instance->label, sizeof(instance->label), "%u", (unsigned)*position + 1);
    return STAT_FOUND;
}

static void
reset_big(void *ctx)
{
    struct cmd *cmd = ctx;

    memset(&cmd->hot->big, 0, sizeof(cmd->hot->big));
    cmd->hot_big_bytes = BIG_BYTES_MIN;
}

static const struct stat_family big_family = {"rank", "%l:%n", next_big};
static const struct stat_section big_section = {big_entries, ARRAY_LEN(big_entries),
                                                &big_family, "bigkey_", reset_big};

/* What lists keys: with -X there is none of it. */
void
cmd_add_hot_stats(struct cmd *cmd, struct stat_registry *registry)
{
    struct hot_list *lists = cmd->hot->lists;
    const struct {
        const char *group;
        const struct stat_section *section;
        void *ctx;
    } sources[] = {
        {"hotkeys", &requests_section, &lists[HOT_REQUESTS]},
        {"hotbytes", &bytes_section, &lists[HOT_BYTES]},
        {"misskeys", &misses_section, &lists[HOT_MISSES]},
        {"bigkeys", &big_section, cmd},
    };

    if (!cmd->config.dump_enabled)
        return;
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        stats_list(registry, sources[i].group, sources[i].section, sources[i].ctx);
        stats_select(registry, stats_select_count);
        stats_guard(registry);
    }
}
