/*
 * Renders groups of statistics as JSON: {"stats":{"pid":1,...},"settings":{...},...}; behind them "at_ms", when
 * that was, by a clock that only goes on, and what others can be asked for: "lists":["conns",...].
 */
#include "lombard/base/sys.h"

#include "http_priv.h"

/* walk->part, behind all that http_next_line() knows. */
enum { PART_LISTS = 100 };

/* Groups that are too long for an overview; where REQ asks for one group, nothing. */
static char *
put_lists(char *p, const char *end, const struct request *req,
          const struct stat_registry *registry)
{
    bool any = false;

    if (req->key.len > 0)
        return p;
    p = http_put(p, end, SLICE(",\n\"at_ms\":"));
    p = put_u64(p, sys_monotonic_ns() / 1000000);
    p = http_put(p, end, SLICE(",\n\"lists\":["));
    for (size_t i = 0; i < registry->count; i++) {
        if (!registry->sources[i].lists)
            continue;
        p = http_put(p, end, any ? SLICE(",\"") : SLICE("\""));
        p = http_put(http_put_text(p, end, registry->sources[i].group), end, SLICE("\""));
        any = true;
    }
    return http_put(p, end, SLICE("]"));
}

enum stat_step
http_json_piece(const struct request *req, const struct stat_registry *registry,
                struct stat_walk *walk, char *dst, size_t *len)
{
    const char *end = dst + HTTP_CHUNK_BYTES;
    struct http_line_event event;
    char *p = dst;

    if (walk->part == PART_LISTS)
        return STAT_END;
    switch (http_next_line(req, registry, walk, &event)) {
    case LINE_GROUP_BEGIN:
        p = http_put(p, end, event.first ? SLICE("\"") : SLICE(",\n\""));
        p = http_put(http_put_text(p, end, event.group), end, SLICE("\":{"));
        break;
    case LINE_STAT:
        p = event.first ? p : put_byte(p, ',');
        p = http_put_member(p, end, event.line.name, event.line.value.text);
        break;
    case LINE_GROUP_END: p = http_put(p, end, SLICE("}")); break;
    case LINE_ALL:
        walk->part = PART_LISTS;
        p = put_lists(p, end, req, registry);
        break;
    case LINE_NONE_YET: return STAT_SEARCHING;
    }
    *len = (size_t)(p - dst);
    return STAT_FOUND;
}
