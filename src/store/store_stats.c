/* What the store counts, as statistics: `stats` has its counters, `stats store` its layout. */
#include "lombard/base/stats.h"

#include "store_priv.h"

/* The counters, and with them the states, which are not counted but looked up. */
static void
snapshot(const struct store *store, struct store_stats *stats)
{
    const struct index *ix = &store->index;

    *stats = store->stats;
    stats->curr_items = ix->count - store->flushed_items;
    stats->bytes = store->content_bytes + store->header_bytes;
    stats->hash_buckets = ix->to.buckets;
    stats->hash_bytes = index_bytes_now(ix);
    stats->huge_bytes = huge_bytes(store);
    stats->hash_is_expanding = ix->resizing && ix->upwards;
    stats->segments_pinned = store->arena.seg_pinned;
}

const struct store_stats *
store_stats(struct store *store)
{
    struct store_stats now;

    snapshot(store, &now);
    store->stats = now;
    return &store->stats;
}

/* --- As entries; the record is the store --- */

static void
get_counted(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    struct store_stats now;

    snapshot(record, &now);
    stat_get_u64(entry, &now, value);
}

static void
get_layout(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    struct store_layout layout;

    store_layout(record, &layout);
    stat_get_u64(entry, &layout, value);
}

static void
get_limit(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct store *store = record;

    stat_put_u64(value, store->limit_bytes);
}

static const struct stat_entry limit_entries[] = {
    {"limit_maxbytes", STAT_GAUGE, UNIT_BYTES, "Memory that the cache may use.", get_limit, 0},
};

/* A counter is read where it is; a gauge is computed. */
#define COUNTER_GET stat_get_u64
#define COUNTER_OFF offsetof(struct store, stats)
#define GAUGE_GET   get_counted
#define GAUGE_OFF   0

static const struct stat_entry counted_entries[] = {
#define STAT(name, kind, unit, help)                                                           \
    {#name, STAT_##kind, UNIT_##unit,                                                          \
     help,  kind##_GET,  kind##_OFF + offsetof(struct store_stats, name)},
#include "lombard/store/store_stats.def"
#undef STAT
};

static const struct stat_entry layout_entries[] = {
#define STAT(name, kind, unit, help)                                                           \
    {#name, STAT_##kind, UNIT_##unit, help, get_layout, offsetof(struct store_layout, name)},
#include "lombard/store/store_layout.def"
#undef STAT
};

void
store_reset_stats(struct store *store)
{
    stat_reset_counters(counted_entries, ARRAY_LEN(counted_entries), store);
    store->evicted = (struct store_tail){0};
}

static void
reset(void *ctx)
{
    store_reset_stats(ctx);
}

static const struct stat_section limit_section = {limit_entries, ARRAY_LEN(limit_entries), NULL,
                                                  "", NULL};
static const struct stat_section counted_section = {counted_entries, ARRAY_LEN(counted_entries),
                                                    NULL, "", reset};
static const struct stat_section layout_section = {layout_entries, ARRAY_LEN(layout_entries),
                                                   NULL, "store_", NULL};

void
store_add_stats(struct store *store, struct stat_registry *registry)
{
    stats_add(registry, "", &limit_section, store);
    stats_add(registry, "", &counted_section, store);
    stats_add(registry, "store", &layout_section, store);
}
