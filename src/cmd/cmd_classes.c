/*
 * Statistics of slab classes for tools that expect them: there are none here, so that they
 * are shown one, class 1, that holds everything. All of it repeats other statistics.
 */
#include <string.h>

#include "cmd_priv.h"

static const char class_label[] = "1";

static void
show_class(const struct cmd *cmd, struct stat_instance *instance)
{
    instance->record = cmd;
    memcpy(instance->label, class_label, sizeof(class_label));
}

/* What they repeat is explained in one place. */
#define STAT(name, kind, unit, help) static const char help_##name[] UNUSED = help;
#include "lombard/cmd/cmd_stats.def"
#include "lombard/store/store_stats.def"
#undef STAT

/* --- stats items --- */

static void
get_store(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    const struct cmd *cmd = record;

    stat_put_u64(value, stat_field(entry, store_stats(cmd->store)));
}

static void
get_tail(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    const struct cmd *cmd = record;
    struct store_tail tail;

    store_tail(cmd->store, &tail);
    stat_get_u64(entry, &tail, value);
}

#define TAIL(name, kind, unit, help, field)                                                    \
    {                                                                                          \
        name, STAT_##kind, UNIT_##unit, help, get_tail, offsetof(struct store_tail, field)     \
    }

#define ITEMS(name, kind, unit, field)                                                         \
    {                                                                                          \
        name, STAT_##kind, UNIT_##unit, help_##field, get_store,                               \
            offsetof(struct store_stats, field)                                                \
    }

/* One of the counters of the commands. */
#define COUNTED(name, field)                                                                   \
    {                                                                                          \
        name, STAT_COUNTER, UNIT_REQUESTS, help_##field, stat_get_u64,                         \
            offsetof(struct cmd, stats) + offsetof(struct cmd_counters, field)                 \
    }

/* Of memcached's LRU there is nothing here: all items count as those of its largest part. */
#define ZERO(name)                                                                             \
    {                                                                                          \
        name, STAT_GAUGE, UNIT_NUMBER, "Always 0.", stat_get_constant, 0                       \
    }

#define EVICTED_ACTIVE                                                                         \
    TAIL("evicted_active", COUNTER, ITEMS,                                                     \
         "Evicted items that were hit since they were looked at last.", evicted_active)

static const struct stat_entry items_entries[] = {
    ITEMS("number", GAUGE, ITEMS, curr_items),
    ZERO("number_hot"),
    ZERO("number_warm"),
    ITEMS("number_cold", GAUGE, ITEMS, curr_items),
    ZERO("age_hot"),
    ZERO("age_warm"),
    TAIL("age", GAUGE, SECONDS, "Since the last access to the oldest item.", age_s),
    ITEMS("mem_requested", GAUGE, BYTES, bytes),
    ITEMS("evicted", COUNTER, ITEMS, evictions),
    TAIL("evicted_nonzero", COUNTER, ITEMS, "Evicted items that would have expired later.",
         evicted_nonzero),
    TAIL("evicted_time", GAUGE, SECONDS,
         "Since the last access to the item that was evicted last, at that time.",
         evicted_time_s),
    COUNTED("outofmemory", store_no_memory),
    ZERO("tailrepairs"),
    ITEMS("reclaimed", COUNTER, ITEMS, reclaimed),
    ITEMS("expired_unfetched", COUNTER, ITEMS, expired_unfetched),
    ITEMS("evicted_unfetched", COUNTER, ITEMS, evicted_unfetched),
    EVICTED_ACTIVE,
    ZERO("crawler_reclaimed"),
    ZERO("crawler_items_checked"),
    ZERO("lrutail_reflocked"),
    ZERO("moves_to_cold"),
    ZERO("moves_to_warm"),
    ZERO("moves_within_lru"),
    ITEMS("direct_reclaims", COUNTER, EVENTS, evict_stalls),
    ZERO("hits_to_hot"),
    ZERO("hits_to_warm"),
    COUNTED("hits_to_cold", get_hits),
    ZERO("hits_to_temp"),
};

/* An empty class is not shown, as at memcached. */
static enum stat_step
next_with_items(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    struct cmd *cmd = ctx;

    if (*position > 0 || store_stats(cmd->store)->curr_items == 0)
        return STAT_END;
    show_class(cmd, instance);
    return STAT_FOUND;
}

static const struct stat_family items_family = {"class", "items:%l:%n", next_with_items};
static const struct stat_section items_section = {items_entries, ARRAY_LEN(items_entries),
                                                  &items_family, "items_", NULL};

/* memcached shows it in plain `stats`, too, whether or not there are items. */
static const struct stat_entry plain_entries[] = {EVICTED_ACTIVE};
static const struct stat_section plain_section = {plain_entries, ARRAY_LEN(plain_entries), NULL,
                                                  "", NULL};

/* --- stats slabs: a page is a segment, and a chunk a byte --- */

static struct store_layout
layout_of(const void *record)
{
    const struct cmd *cmd = record;
    struct store_layout layout;

    store_layout(cmd->store, &layout);
    return layout;
}

static void
get_page_bytes(const struct stat_entry *entry UNUSED, const void *record,
               struct stat_value *value)
{
    stat_put_u64(value, layout_of(record).segment_bytes);
}

static void
get_pages(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    struct store_layout layout = layout_of(record);

    stat_put_u64(value, layout.segments - layout.segments_free);
}

static void
get_malloced(const struct stat_entry *entry UNUSED, const void *record,
             struct stat_value *value)
{
    struct store_layout layout = layout_of(record);

    stat_put_u64(value, (layout.segments - layout.segments_free) * layout.segment_bytes);
}

static void
get_used(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    struct store_layout layout = layout_of(record);

    stat_put_u64(value, layout.live_bytes + layout.header_bytes);
}

static void
get_dead(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    struct store_layout layout = layout_of(record);

    stat_put_u64(value, layout.dead_bytes + layout.pinned_bytes);
}

static const struct stat_entry slab_entries[] = {
    {"chunk_size", STAT_GAUGE, UNIT_BYTES, "Size of a chunk.", stat_get_constant, 1},
    {"chunks_per_page", STAT_GAUGE, UNIT_CHUNKS, "Chunks in a page: segment_bytes.",
     get_page_bytes, 0},
    {"total_pages", STAT_GAUGE, UNIT_PAGES, "Pages in use: segments that are not free.",
     get_pages, 0},
    {"total_chunks", STAT_GAUGE, UNIT_CHUNKS, "Chunks in these pages.", get_malloced, 0},
    {"used_chunks", STAT_GAUGE, UNIT_CHUNKS, "Chunks of live items.", get_used, 0},
    {"free_chunks", STAT_GAUGE, UNIT_CHUNKS, "Chunks of dead items.", get_dead, 0},
    {"free_chunks_end", STAT_GAUGE, UNIT_CHUNKS, "Always 0.", stat_get_constant, 0},
    COUNTED("get_hits", get_hits),
    COUNTED("cmd_set", cmd_set),
    COUNTED("delete_hits", delete_hits),
    COUNTED("incr_hits", incr_hits),
    COUNTED("decr_hits", decr_hits),
    COUNTED("cas_hits", cas_hits),
    COUNTED("cas_badval", cas_badval),
    COUNTED("touch_hits", touch_hits),
};

static enum stat_step
next_class(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    if (*position > 0)
        return STAT_END;
    show_class(ctx, instance);
    return STAT_FOUND;
}

static const struct stat_family slab_family = {"class", "%l:%n", next_class};
static const struct stat_section slab_section = {slab_entries, ARRAY_LEN(slab_entries),
                                                 &slab_family, "slab_", NULL};

static const struct stat_entry slabs_entries[] = {
    {"active_slabs", STAT_GAUGE, UNIT_NUMBER, "Number of classes.", stat_get_constant, 1},
    {"total_malloced", STAT_GAUGE, UNIT_BYTES, "Memory of all pages in use.", get_malloced, 0},
};

static const struct stat_section slabs_section = {slabs_entries, ARRAY_LEN(slabs_entries), NULL,
                                                  "slabs_", NULL};

/* --- stats sizes: as memcached answers without `stats sizes_enable` --- */

static void
get_disabled(const struct stat_entry *entry UNUSED, const void *record UNUSED,
             struct stat_value *value)
{
    stat_put_text(value, "disabled");
}

static const struct stat_entry sizes_entries[] = {
    {"sizes_status", STAT_TEXT, UNIT_NONE, "Always disabled: sizes of items are not counted.",
     get_disabled, 0},
};

static const struct stat_section sizes_section = {sizes_entries, ARRAY_LEN(sizes_entries), NULL,
                                                  "", NULL};

void
cmd_add_class_stats(struct cmd *cmd, struct stat_registry *registry)
{
    stats_repeat(registry, "", &plain_section, cmd);
    stats_repeat(registry, "items", &items_section, cmd);
    stats_repeat(registry, "slabs", &slab_section, cmd);
    stats_repeat(registry, "slabs", &slabs_section, cmd);
    stats_repeat(registry, "sizes", &sizes_section, cmd);
}
