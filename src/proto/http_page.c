/* The status page: http_page.html, with a table of all numbers within. */
#include "http_priv.h"

#include "http_page_text.h"

static struct slice
piece_of(const char *text, size_t bytes, uint32_t piece)
{
    size_t off = (size_t)piece * HTTP_PIECE_BYTES;
    size_t left = off < bytes ? bytes - off : 0;

    return slice_make(text + (left > 0 ? off : 0),
                      left < HTTP_PIECE_BYTES ? left : HTTP_PIECE_BYTES);
}

struct slice
http_page_begin(uint32_t piece)
{
    return piece_of(http_page_begin_text, http_page_begin_bytes, piece);
}

struct slice
http_page_end(uint32_t piece)
{
    return piece_of(http_page_end_text, http_page_end_bytes, piece);
}

/* Rows of a table: a head for each group, then names and values. */
enum stat_step
http_page_piece(const struct request *req, const struct stat_registry *registry,
                struct stat_walk *walk, char *dst, size_t *len)
{
    const char *end = dst + HTTP_CHUNK_BYTES;
    const char *text_end = dst + HTTP_TEXT_BYTES;
    struct http_line_event event;
    char *p = dst;

    switch (http_next_line(req, registry, walk, &event)) {
    case LINE_GROUP_BEGIN:
        p = http_put(p, end, SLICE("<tbody><tr><th colspan=\"2\" scope=\"rowgroup\">"));
        p = http_put(http_put_html(p, text_end, event.group), end, SLICE("</th></tr>\n"));
        break;
    case LINE_STAT:
        p = http_put_html(http_put(p, end, SLICE("<tr><td>")), text_end, event.line.name);
        p = http_put(p, end, SLICE("</td><td>"));
        p = http_put_html(p, text_end, event.line.value.text);
        p = http_put(p, end, SLICE("</td></tr>\n"));
        break;
    case LINE_GROUP_END: p = http_put(p, end, SLICE("</tbody>\n")); break;
    case LINE_ALL: return STAT_END;
    case LINE_NONE_YET: return STAT_SEARCHING;
    }
    *len = (size_t)(p - dst);
    return STAT_FOUND;
}
