/*
 * Statistics and settings under memcached's names, for tools that look for them: what is called
 * otherwise here, and constants of what does not exist here. Those that memcached has and Lombard
 * has not are listed in tests/compat/names.py, with the reason.
 */
#include "compat_stats.h"

#include <stddef.h>
#include <string.h>

#include "lombard/base/num.h"

/* --- Other names; the record is the registry --- */

/* Where the number is: of an instance where LABEL is not NULL. */
struct origin {
    const char *group;
    const char *label;
    const char *name;
};

static const struct origin origins[] = {
    {"", "wbufs", "failed"},           {"", "rbufs", "failed"},
    {"buffers", NULL, "buffers_made"}, {"buffers", NULL, "buffers_free"},
    {"", "idle", "conn_closed"},       {"", "no_memory", "conn_closed"},
    {"", NULL, "evict_stalls"},        {"", NULL, "hash_buckets"},
};

enum origin_index {
    REPLIES_WITHOUT_MEMORY,
    READS_WITHOUT_MEMORY,
    BUFFERS_MADE,
    BUFFERS_FREE,
    CLOSED_IDLE,
    CLOSED_NO_MEMORY,
    EVICT_STALLS,
    HASH_BUCKETS,
};

static const struct origin buffer_bytes = {"buffers", NULL, "buffer_bytes"};

static const struct stat_entry *
entry_of(const struct stat_source *source, const char *name)
{
    for (size_t i = 0; i < source->section->entry_count; i++)
        if (strcmp(source->section->entries[i].name, name) == 0)
            return source->section->entries + i;
    return NULL;
}

/* False: SOURCE has no such instance. Families that are looked into have a handful of them. */
static bool
find_instance(const struct stat_source *source, const char *label,
              struct stat_instance *instance)
{
    enum { INSTANCES_MAX = 64 };

    for (uint64_t at = 0; at < INSTANCES_MAX; at++) {
        if (stats_find(source, &at, instance) != STAT_FOUND)
            return false;
        if (label == NULL || strcmp(instance->label, label) == 0)
            return true;
    }
    return false;
}

static uint64_t
number_at(const struct stat_registry *registry, const struct origin *origin)
{
    for (size_t i = 0; i < registry->count; i++) {
        const struct stat_source *source = registry->sources + i;
        const struct stat_entry *entry = entry_of(source, origin->name);
        struct stat_instance instance;
        struct stat_value value;
        uint64_t number;

        if (entry == NULL || source->repeats || strcmp(source->group, origin->group) != 0 ||
            !find_instance(source, origin->label, &instance))
            continue;
        stats_read(entry, &instance, &value);
        if (num_parse_u64(slice_make(value.text, strlen(value.text)), &number))
            return number;
    }
    return 0;
}

static void
get_other(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    stat_put_u64(value, number_at(record, origins + entry->arg));
}

static void
get_bytes(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    stat_put_u64(value,
                 number_at(record, origins + entry->arg) * number_at(record, &buffer_bytes));
}

/* memcached's table has a power of two of buckets. */
static void
get_power(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    uint64_t number = number_at(record, origins + entry->arg);
    unsigned power = 0;

    while (number >> power > 1)
        power++;
    stat_put_u64(value, power);
}

#define ZERO(name)                                                                             \
    {                                                                                          \
        name, STAT_GAUGE, UNIT_NUMBER, "Always 0: memcached's.", stat_get_constant, 0          \
    }
#define OTHER(name, kind, unit, help, get, origin)                                             \
    {                                                                                          \
        name, STAT_##kind, UNIT_##unit, help, get_##get, origin                                \
    }

static const struct stat_entry entries[] = {
    OTHER("response_obj_oom", COUNTER, EVENTS, "wbufs_failed.", other, REPLIES_WITHOUT_MEMORY),
    ZERO("response_obj_count"),
    ZERO("response_obj_bytes"),
    OTHER("read_buf_count", GAUGE, BUFFERS, "buffers_made.", other, BUFFERS_MADE),
    OTHER("read_buf_bytes", GAUGE, BYTES, "Bytes of all buffers.", bytes, BUFFERS_MADE),
    OTHER("read_buf_bytes_free", GAUGE, BYTES, "Bytes of free buffers.", bytes, BUFFERS_FREE),
    OTHER("read_buf_oom", COUNTER, EVENTS, "rbufs_failed.", other, READS_WITHOUT_MEMORY),
    OTHER("idle_kicks", COUNTER, CONNECTIONS, "conn_closed_idle.", other, CLOSED_IDLE),
    OTHER("malloc_fails", COUNTER, EVENTS, "conn_closed_no_memory.", other, CLOSED_NO_MEMORY),
    OTHER("direct_reclaims", COUNTER, EVENTS, "evict_stalls.", other, EVICT_STALLS),
    OTHER("hash_power_level", GAUGE, NUMBER, "hash_buckets, as a power of two.", power,
          HASH_BUCKETS),
    ZERO("slab_reassign_rescues"),
    ZERO("slab_reassign_chunk_rescues"),
    ZERO("slab_reassign_inline_reclaim"),
    ZERO("slab_reassign_busy_items"),
    ZERO("slab_reassign_busy_deletes"),
    ZERO("slab_reassign_busy_nomem"),
    ZERO("slab_reassign_running"),
    ZERO("slabs_moved"),
    ZERO("slab_global_page_pool"),
    ZERO("lru_crawler_running"),
    ZERO("lru_crawler_starts"),
    ZERO("lru_maintainer_juggles"),
    ZERO("crawler_reclaimed"),
    ZERO("crawler_items_checked"),
    ZERO("lrutail_reflocked"),
    ZERO("moves_to_cold"),
    ZERO("moves_to_warm"),
    ZERO("moves_within_lru"),
    ZERO("lru_bumps_dropped"),
    ZERO("log_worker_dropped"),
    ZERO("log_worker_written"),
    ZERO("unexpected_napi_ids"),
    ZERO("round_robin_fallback"),
};

static const struct stat_section section = {entries, ARRAY_LEN(entries), NULL, "", NULL};

/* --- Settings; the record is the struct config --- */

/* What each of them is, in the order of their entries. */
static const char *const fixed[] = {"yes", "no", "no", "0",  "no", "no",
                                    "0",   "no", "no", "no", "no", "4"};

static void
get_fixed(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    (void)record;
    stat_put_text(value, fixed[entry->arg]);
}

static void
get_umask(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct config *config = record;

    stat_printf(value, "%o", config->unix_mode);
}

#define FIXED(name, at)                                                                        \
    {                                                                                          \
        name, STAT_TEXT, UNIT_NONE, "As memcached without it.", get_fixed, at                  \
    }

static const struct stat_entry setting_entries[] = {
    {"umask", STAT_TEXT, UNIT_NONE, "As set by --unix-mask.", get_umask, 0},
    FIXED("maxconns_fast", 0),
    FIXED("slab_reassign", 1),
    FIXED("lru_crawler", 2),
    FIXED("slab_automove", 3),
    FIXED("lru_maintainer_thread", 4),
    FIXED("lru_segmented", 5),
    FIXED("tail_repair_time", 6),
    FIXED("temp_lru", 7),
    FIXED("track_sizes", 8),
    FIXED("inline_ascii_response", 9),
    FIXED("ext_drop_unread", 10),
    FIXED("client_flags_size", 11),
};

_Static_assert(ARRAY_LEN(setting_entries) == ARRAY_LEN(fixed) + 1, "each has its value");

static const struct stat_section setting_section = {setting_entries, ARRAY_LEN(setting_entries),
                                                    NULL, "setting_", NULL};

/* --- stats extstore: there is none, and so its list is empty --- */

static enum stat_step
next_of_none(void *ctx UNUSED, uint64_t *position UNUSED, struct stat_instance *instance UNUSED)
{
    return STAT_END;
}

static const struct stat_family none_family = {"none", "%n", next_of_none};
static const struct stat_section none_section = {entries, 1, &none_family, "", NULL};

void
compat_add_stats(struct stat_registry *registry, struct config *config)
{
    stats_repeat(registry, "", &section, registry);
    stats_repeat(registry, "settings", &setting_section, config);
    stats_repeat(registry, "extstore", &none_section, registry);
}
