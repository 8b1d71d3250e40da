/* Walks over groups of statistics and their lines, as `stats` has them. */
#include "http_priv.h"

#include <string.h>

/* walk->part; walk->step is behind the source with which the last group began. */
enum {
    PART_GROUPS, /* at the end of a group, or before the first one */
    PART_FIRST_LINE,
    PART_LINES,
};

/* To the group that REQ names, or else to the next one. */
static bool
find_group(const struct request *req, const struct stat_registry *registry,
           struct stat_walk *walk)
{
    uint16_t source = (uint16_t)walk->step;
    const char *group;

    if (req->key.len > 0)
        return walk->step == 0 && stats_begin_with(registry, req->key, req->value, &walk->at);
    if (!stats_find_group(registry, &source))
        return false;
    group = registry->sources[source].group;
    return stats_begin(registry, slice_make(group, strlen(group)), &walk->at);
}

static enum http_line
begin_group(const struct request *req, const struct stat_registry *registry,
            struct stat_walk *walk, struct http_line_event *event)
{
    event->first = walk->step == 0;
    if (!find_group(req, registry, walk))
        return LINE_ALL;
    walk->step = walk->at.source + 1U;
    walk->part = PART_FIRST_LINE;
    event->group = registry->sources[walk->at.source].group;
    if (event->group[0] == '\0')
        event->group = "stats";
    return LINE_GROUP_BEGIN;
}

enum http_line
http_next_line(const struct request *req, const struct stat_registry *registry,
               struct stat_walk *walk, struct http_line_event *event)
{
    if (walk->part == PART_GROUPS)
        return begin_group(req, registry, walk, event);
    switch (stats_next(registry, &walk->at, &event->line)) {
    case STAT_FOUND:
        event->first = walk->part == PART_FIRST_LINE;
        walk->part = PART_LINES;
        return LINE_STAT;
    case STAT_SEARCHING: return LINE_NONE_YET;
    case STAT_END: walk->part = PART_GROUPS; return LINE_GROUP_END;
    }
    BUG("stat_step out of range");
}
