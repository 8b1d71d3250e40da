/* Renders groups of statistics as JSON: {"stats":{"pid":1,...},"settings":{...},...}. */
#include "http_priv.h"

static char *
put_stat(char *p, const char *end, const struct http_line_event *event)
{
    const char *value_end = end - 1; /* so that a string that is cut ends, too */

    p = http_put(p, end, event->first ? SLICE("\n\"") : SLICE(",\n\""));
    p = http_put_json(p, end, event->line.name);
    if (event->is_number)
        return http_put_text(http_put(p, end, SLICE("\":")), end, event->line.value.text);
    p = http_put(p, end, SLICE("\":\""));
    return put_byte(http_put_json(p, value_end, event->line.value.text), '"');
}

enum stat_step
http_json_piece(const struct request *req, const struct stat_registry *registry,
                struct stat_walk *walk, char *dst, size_t *len)
{
    const char *end = dst + HTTP_CHUNK_BYTES;
    struct http_line_event event;
    char *p = dst;

    switch (http_next_line(req, registry, walk, &event)) {
    case LINE_GROUP_BEGIN:
        p = http_put(p, end, event.first ? SLICE("\"") : SLICE(",\n\""));
        p = http_put(http_put_text(p, end, event.group), end, SLICE("\":{"));
        break;
    case LINE_STAT: p = put_stat(p, end, &event); break;
    case LINE_GROUP_END: p = http_put(p, end, SLICE("}")); break;
    case LINE_ALL: return STAT_END;
    case LINE_NONE_YET: return STAT_SEARCHING;
    }
    *len = (size_t)(p - dst);
    return STAT_FOUND;
}
