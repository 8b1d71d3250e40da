/*
 * stats: lines pulled from sources, those of the rooms above first.
 * Source: protocol.txt, "Statistics", and what memcached itself prints.
 */
#include <string.h>

#include "cmd_priv.h"

static const struct stat_desc cmd_descs[] = {
#define STAT(name, kind, help) {#name, offsetof(struct cmd_counters, name), kind},
#include "lombard/cmd/cmd_stats.def"
#undef STAT
};

static const struct stat_desc store_descs[] = {
#define STAT(name, kind, help) {#name, offsetof(struct store_stats, name), kind},
#include "lombard/store/store_stats.def"
#undef STAT
};

/* `stats store`: where each byte of the limit is. */
static const struct stat_desc layout_descs[] = {
#define LAYOUT(name)                                                                           \
    {                                                                                          \
#name, offsetof(struct store_layout, name), GAUGE                                      \
    }
    LAYOUT(limit_bytes),   LAYOUT(live_bytes),   LAYOUT(header_bytes),  LAYOUT(dead_bytes),
    LAYOUT(index_bytes),   LAYOUT(pinned_bytes), LAYOUT(free_bytes),    LAYOUT(items),
    LAYOUT(segment_bytes), LAYOUT(segments),     LAYOUT(segments_free),
#undef LAYOUT
};

/* --- The sources of this room; CTX is the struct cmd --- */

static bool
next_commands(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    struct cmd *cmd = ctx;

    return stat_table_next(cmd_descs, ARRAY_LEN(cmd_descs), &cmd->stats, cursor, line);
}

static bool
next_limit(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    struct cmd *cmd = ctx;

    if (*cursor > 0)
        return false;
    (*cursor)++;
    stat_line_u64(line, "limit_maxbytes", store_limit_bytes(cmd->store));
    return true;
}

static bool
next_store(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    struct cmd *cmd = ctx;

    return stat_table_next(store_descs, ARRAY_LEN(store_descs), store_stats(cmd->store), cursor,
                           line);
}

static bool
next_layout(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    struct cmd *cmd = ctx;
    struct store_layout layout;

    store_layout(cmd->store, &layout);
    return stat_table_next(layout_descs, ARRAY_LEN(layout_descs), &layout, cursor, line);
}

/*
 * There are no slab classes; tools that expect them are shown one, class 1, that
 * holds everything.
 */
static bool
next_items(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    struct cmd *cmd = ctx;
    const struct store_stats *stats = store_stats(cmd->store);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"items:1:number", stats->curr_items},
        {"items:1:mem_requested", stats->bytes},
        {"items:1:evicted", stats->evictions},
        {"items:1:evicted_unfetched", stats->evicted_unfetched},
        {"items:1:outofmemory", cmd->stats.store_no_memory},
        {"items:1:reclaimed", stats->reclaimed},
        {"items:1:expired_unfetched", stats->expired_unfetched},
    };

    if (stats->curr_items == 0 || *cursor >= ARRAY_LEN(rows))
        return false;
    stat_line_u64(line, rows[*cursor].name, rows[*cursor].value);
    (*cursor)++;
    return true;
}

static bool
next_slabs(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    struct cmd *cmd = ctx;
    const struct cmd_counters *stats = &cmd->stats;
    struct store_layout layout;

    store_layout(cmd->store, &layout);
    {
        const uint64_t used = layout.segments - layout.segments_free;
        const struct {
            const char *name;
            uint64_t value;
        } rows[] = {
            {"1:chunk_size", 1},
            {"1:chunks_per_page", layout.segment_bytes},
            {"1:total_pages", used},
            {"1:total_chunks", used * layout.segment_bytes},
            {"1:used_chunks", layout.live_bytes + layout.header_bytes},
            {"1:free_chunks", layout.dead_bytes + layout.pinned_bytes},
            {"1:free_chunks_end", 0},
            {"1:get_hits", stats->get_hits},
            {"1:cmd_set", stats->cmd_set},
            {"1:delete_hits", stats->delete_hits},
            {"1:incr_hits", stats->incr_hits},
            {"1:decr_hits", stats->decr_hits},
            {"1:cas_hits", stats->cas_hits},
            {"1:cas_badval", stats->cas_badval},
            {"1:touch_hits", stats->touch_hits},
            {"active_slabs", 1},
            {"total_malloced", used * layout.segment_bytes},
        };

        if (*cursor >= ARRAY_LEN(rows))
            return false;
        stat_line_u64(line, rows[*cursor].name, rows[*cursor].value);
    }
    (*cursor)++;
    return true;
}

/* As memcached says it without `stats sizes_enable`: nobody counts sizes. */
static bool
next_sizes(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    (void)ctx;
    if (*cursor > 0)
        return false;
    (*cursor)++;
    stat_line_text(line, "sizes_status", "disabled");
    return true;
}

static const struct {
    const char *group;
    bool (*next)(void *ctx, uint64_t *cursor, struct stat_line *line);
} own_sources[] = {
    {"", next_commands},   {"", next_limit},      {"", next_store},       {"items", next_items},
    {"slabs", next_slabs}, {"sizes", next_sizes}, {"store", next_layout},
};

/* --- All sources, by one number --- */

void
cmd_add_stats(struct cmd *cmd, const struct stat_source *source)
{
    BUG_ON(cmd->source_count == SOURCES_MAX);
    if (cmd->source_count < SOURCES_MAX)
        cmd->sources[cmd->source_count++] = *source;
}

/* The group of source I, or NULL where there is no such source. */
static const char *
source_group(const struct cmd *cmd, size_t i)
{
    if (i < cmd->source_count)
        return cmd->sources[i].group;
    i -= cmd->source_count;
    return i < ARRAY_LEN(own_sources) ? own_sources[i].group : NULL;
}

static bool
source_next(struct cmd *cmd, struct cmd_stream *stream, struct stat_line *line)
{
    size_t i = stream->source;

    if (i < cmd->source_count)
        return cmd->sources[i].next(cmd->sources[i].ctx, &stream->cursor, line);
    return own_sources[i - cmd->source_count].next(cmd, &stream->cursor, line);
}

/* The first source of GROUP from I on; false when there is none. */
static bool
source_find(const struct cmd *cmd, struct slice group, size_t *i)
{
    const char *name;

    for (; (name = source_group(cmd, *i)) != NULL; (*i)++)
        if (slice_equal(slice_make(name, strlen(name)), group))
            return true;
    return false;
}

static void
reset_all(struct cmd *cmd)
{
    stat_table_reset(cmd_descs, ARRAY_LEN(cmd_descs), &cmd->stats);
    store_reset_stats(cmd->store);
    for (size_t i = 0; i < cmd->source_count; i++)
        if (cmd->sources[i].reset != NULL)
            cmd->sources[i].reset(cmd->sources[i].ctx);
}

void
cmd_stats(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
          struct reply *reply)
{
    size_t i = 0;

    if (slice_equal(req->key, SLICE("reset"))) {
        reset_all(cmd);
        reply->status = REPLY_RESET;
    } else if (source_find(cmd, req->key, &i)) {
        reply->status = REPLY_STREAM;
        reply->stream = STREAM_STATS;
    } else {
        reply->status = REPLY_NO_STATS;
    }
}

void
cmd_stats_begin(struct cmd *cmd, const struct request *req, struct cmd_stream *stream)
{
    size_t i = 0;

    if (source_find(cmd, req->key, &i))
        stream->source = (uint8_t)i;
}

bool
cmd_stream_stat(struct cmd *cmd, struct cmd_stream *stream, struct stat_line *line)
{
    const char *group = source_group(cmd, stream->source);
    size_t i;

    if (group == NULL)
        return false;
    while (!source_next(cmd, stream, line)) {
        i = stream->source + 1U;
        if (!source_find(cmd, slice_make(group, strlen(group)), &i))
            return false;
        stream->source = (uint8_t)i;
        stream->cursor = 0;
    }
    return true;
}
