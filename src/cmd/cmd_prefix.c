/*
 * Counts by prefix of the key: `stats detail`. Source: protocol.txt, "Statistics", and what
 * memcached itself prints.
 */
#include <string.h>

#include "cmd_priv.h"
#include "lombard/base/sys.h"

struct prefix {
    uint64_t gets, hits, sets, deletes;
    uint8_t bytes;
    char name[KEY_BYTES_MAX - 1];
};

/* At most half of the slots are taken. */
static uint32_t
slot_count(uint32_t limit)
{
    uint32_t count = 2;

    while (count < 2 * limit)
        count *= 2;
    return count;
}

bool
cmd_prefixes_init(struct cmd_prefixes *p, const struct cmd_config *config)
{
    size_t entry_bytes = config->prefix_limit * sizeof(struct prefix);
    char *mem;

    *p = (struct cmd_prefixes){.limit = config->prefix_limit,
                               .delimiter = config->prefix_delimiter};
    if (p->limit == 0)
        return true;
    p->mask = slot_count(p->limit) - 1;
    p->map_bytes = entry_bytes + (p->mask + 1) * sizeof(uint32_t);
    mem = sys_map(p->map_bytes);
    if (mem == NULL)
        return false;
    p->entries = (struct prefix *)(void *)mem;
    p->slots = (uint32_t *)(void *)(mem + entry_bytes);
    p->on = config->detail_enabled && config->dump_enabled;
    return true;
}

void
cmd_prefixes_fini(struct cmd_prefixes *p)
{
    if (p->entries != NULL)
        sys_unmap(p->entries, p->map_bytes);
}

void
cmd_prefixes_reset(struct cmd_prefixes *p)
{
    if (p->count > 0)
        sys_discard(p->entries, p->map_bytes);
    p->count = 0;
    p->uncounted = 0;
}

/* The prefix NAME, which is new where it was not there. NULL: there are too many. */
static struct prefix *
find(struct cmd_prefixes *p, struct slice name, uint64_t hash)
{
    struct prefix *prefix;
    uint32_t slot = (uint32_t)hash & p->mask;

    for (; p->slots[slot] != 0; slot = (slot + 1) & p->mask) {
        prefix = p->entries + p->slots[slot] - 1;
        if (prefix->bytes == name.len && memcmp(prefix->name, name.ptr, name.len) == 0)
            return prefix;
    }
    if (p->count == p->limit)
        return NULL;
    prefix = p->entries + p->count;
    p->slots[slot] = ++p->count;
    prefix->bytes = (uint8_t)name.len;
    memcpy(prefix->name, name.ptr, name.len);
    return prefix;
}

static struct prefix *
prefix_of(struct cmd *cmd, struct slice key)
{
    const char *end = memchr(key.ptr, cmd->prefixes.delimiter, key.len);
    struct prefix *prefix;
    struct slice name;

    if (end == NULL)
        return NULL;
    name = slice_make(key.ptr, (size_t)(end - key.ptr));
    prefix = find(&cmd->prefixes, name, store_hash(cmd->store, name));
    cmd->prefixes.uncounted += prefix == NULL;
    return prefix;
}

void
cmd_prefix_count(struct cmd *cmd, const struct request *req, bool hit)
{
    bool reads = op_has(req->op, PROP_READS);
    bool stores = op_has(req->op, PROP_STORES);
    bool deletes = req->op == OP_DELETE || req->op == OP_META_DELETE;
    struct prefix *prefix;

    if (!reads && !stores && !deletes)
        return;
    prefix = prefix_of(cmd, req->key);
    if (prefix == NULL)
        return;
    prefix->gets += reads;
    prefix->hits += reads && hit;
    prefix->sets += stores;
    prefix->deletes += deletes;
}

/* --- stats detail --- */

void
cmd_detail(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
           struct reply *reply)
{
    bool on = slice_equal(req->key, SLICE("on"));

    if (!cmd->config.dump_enabled || cmd->prefixes.limit == 0) {
        reply->status = REPLY_DUMP_OFF;
    } else if (slice_equal(req->key, SLICE("dump"))) {
        reply->status = REPLY_STREAM;
        reply->stream = STREAM_PREFIXES;
    } else if (on || slice_equal(req->key, SLICE("off"))) {
        cmd->prefixes.on = on;
        reply->status = REPLY_OK;
    } else {
        reply->status = req->refusal.len > 0 ? REPLY_REFUSED : REPLY_NO_STATS;
    }
}

enum line_result
cmd_stream_prefix(struct cmd *cmd, struct cmd_stream *stream, struct prefix_line *line)
{
    const struct prefix *prefix;

    if (stream->cursor >= cmd->prefixes.count)
        return LINE_END;
    prefix = cmd->prefixes.entries + stream->cursor++;
    *line = (struct prefix_line){
        .name = {prefix->name, prefix->bytes},
        .gets = prefix->gets,
        .hits = prefix->hits,
        .sets = prefix->sets,
        .deletes = prefix->deletes,
    };
    return LINE_READY;
}

/* --- What `stats` says of it; the record is the cmd --- */

static void
get_enabled(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct cmd *cmd = record;

    stat_put_text(value, cmd->prefixes.on ? "yes" : "no");
}

static const struct stat_entry entries[] = {
    {"detail_prefixes", STAT_GAUGE, UNIT_NUMBER, "Prefixes that `stats detail` counts.",
     stat_get_u32, offsetof(struct cmd, prefixes.count)},
    {"detail_uncounted", STAT_COUNTER, UNIT_REQUESTS,
     "Requests that were not counted by prefix, because of --detail-prefixes.", stat_get_u64,
     offsetof(struct cmd, prefixes.uncounted)},
};

static const struct stat_entry setting_entries[] = {
    {"detail_enabled", STAT_TEXT, UNIT_NONE, "Whether requests are counted by prefix.",
     get_enabled, 0},
};

static void
reset(void *ctx)
{
    struct cmd *cmd = ctx;

    cmd_prefixes_reset(&cmd->prefixes);
}

static const struct stat_section section = {entries, ARRAY_LEN(entries), NULL, "", reset};
static const struct stat_section setting_section = {setting_entries, ARRAY_LEN(setting_entries),
                                                    NULL, "setting_", NULL};

void
cmd_add_prefix_stats(struct cmd *cmd, struct stat_registry *registry)
{
    stats_add(registry, "", &section, cmd);
    stats_add(registry, "settings", &setting_section, cmd);
}
