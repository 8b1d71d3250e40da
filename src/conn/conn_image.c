/* Writes a connection as entries of an image, and reads it. */
#include "conn_image.h"

#include <string.h>

void
conn_image_write(const struct conn_image *conn, struct image *image)
{
#define NUMBER(type, name, max)                                                                \
    if (conn->name != 0) /* as image_put_number() says: most are, of an idle one */            \
        image_put_number(image, type, conn->name);
#define BYTES(type, name, max)                                                                 \
    if (conn->name.len > 0)                                                                    \
        image_put_bytes(image, type, conn->name);
#include "conn_image.def"
#undef NUMBER
#undef BYTES
}

static bool
take_bytes(const struct image_entry *entry, uint64_t max, struct slice *bytes)
{
    *bytes = entry->bytes;
    return entry->bytes.len <= max;
}

static const char *
take(const struct image_entry *entry, struct conn_image *conn)
{
    bool ok;

    switch (entry->type) {
#define NUMBER(type, name, max)                                                                \
    case type:                                                                                 \
        ok = image_number(entry, max, &conn->name);                                            \
        return ok ? NULL : "a connection's " #name " cannot be that";
#define BYTES(type, name, max)                                                                 \
    case type:                                                                                 \
        ok = take_bytes(entry, max, &conn->name);                                              \
        return ok ? NULL : "a connection's " #name " is too long";
#include "conn_image.def"
#undef NUMBER
#undef BYTES
    default: return image_is_optional(entry) ? NULL : "a connection has what is not known here";
    }
}

/* What no field says for itself. */
static const char *
check(const struct conn_image *conn)
{
    if (conn->refs.len % sizeof(struct handed_ref) != 0 ||
        conn->refs.len / sizeof(struct handed_ref) * sizeof(struct buf_ref) + conn->output.len >
            BUF_BYTES)
        return "a connection's output is longer than a buffer";
    if (conn->tops.len % sizeof(struct handed_top) != 0 ||
        conn->parser.len % sizeof(struct handed_parser) != 0 ||
        conn->task_parser.len % sizeof(struct handed_parser) != 0)
        return "a connection's state is cut";
    if (conn->id == 0)
        return "a connection has no number";
    if (conn->protocol == HANDED_NONE && (conn->task != HANDED_NO_TASK || conn->output.len > 0))
        return "a connection without a protocol has something to do";
    if (conn->stashed != 0 && conn->input.len == 0)
        return "a connection keeps nothing";
    return NULL;
}

const char *
conn_image_read(struct slice bytes, struct conn_image *conn)
{
    struct image_entry entry;
    const char *why = NULL;

    memset(conn, 0, sizeof(*conn));
    while (why == NULL)
        switch (image_next(&bytes, &entry)) {
        case IMAGE_ENTRY: why = take(&entry, conn); break;
        case IMAGE_END: return check(conn);
        case IMAGE_TORN: return "a connection is cut";
        }
    return why;
}

/* --- What a parser remembers --- */

struct handed_parser
conn_image_put_parser(enum handed_protocol protocol, const struct proto_state *state)
{
    struct handed_parser parser;
    const struct text_state *text = &state->text;

    memset(&parser, 0, sizeof(parser));
    switch (protocol) {
    case HANDED_NONE:
    case HANDED_BINARY: break;
    case HANDED_TEXT:
        parser.exptime = (uint32_t)text->exptime;
        parser.gat_bytes = text->gat_bytes;
        parser.scanned = text->scanned_off;
        parser.word = text->get_word;
        parser.marks = (uint8_t)((text->has_exptime ? (unsigned)PARSER_HAS_EXPTIME : 0) |
                                 (text->bad_exptime ? (unsigned)PARSER_BAD_EXPTIME : 0) |
                                 (text->any_key ? (unsigned)PARSER_ANY_KEY : 0) |
                                 (text->skip_line ? (unsigned)PARSER_SKIP_LINE : 0));
        break;
    case HANDED_HTTP: parser.scanned = state->http.scanned_off; break;
    }
    return parser;
}

/* Between two lines nothing is remembered of one; of the get family only gat and gats have an exptime. */
static bool
get_text(const struct handed_parser *parser, struct text_state *text)
{
    const unsigned of_exptime = PARSER_HAS_EXPTIME | PARSER_BAD_EXPTIME;
    const unsigned of_line = of_exptime | PARSER_ANY_KEY;
    unsigned marks = parser->marks;

    if (parser->word > TEXT_GET_WORDS || parser->scanned > UINT16_MAX ||
        marks > (of_line | PARSER_SKIP_LINE) || (parser->word == 0 && (marks & of_line) != 0) ||
        (parser->word != 0 && (marks & PARSER_SKIP_LINE) != 0) ||
        (parser->word < TEXT_GAT_WORD &&
         (parser->exptime != 0 || parser->gat_bytes != 0 || (marks & of_exptime) != 0)) ||
        (marks & of_exptime) == PARSER_BAD_EXPTIME)
        return false;
    text->exptime = (int32_t)parser->exptime;
    text->gat_bytes = parser->gat_bytes;
    text->scanned_off = (uint16_t)parser->scanned;
    text->get_word = parser->word;
    text->has_exptime = (marks & PARSER_HAS_EXPTIME) != 0;
    text->bad_exptime = (marks & PARSER_BAD_EXPTIME) != 0;
    text->any_key = (marks & PARSER_ANY_KEY) != 0;
    text->skip_line = (marks & PARSER_SKIP_LINE) != 0;
    return true;
}

static bool
get_http(const struct handed_parser *parser, struct http_state *http)
{
    if (parser->exptime != 0 || parser->gat_bytes != 0 || parser->word != 0 ||
        parser->marks != 0)
        return false;
    http->scanned_off = parser->scanned;
    return true;
}

bool
conn_image_get_parser(enum handed_protocol protocol, struct slice bytes, size_t input_bytes,
                      struct proto_state *state)
{
    struct handed_parser parser;

    memset(state, 0, sizeof(*state));
    if (bytes.len == 0)
        return true;
    memcpy(&parser, bytes.ptr, sizeof(parser));
    if (parser.spare != 0 || parser.scanned > input_bytes)
        return false;
    switch (protocol) {
    case HANDED_NONE:
    case HANDED_BINARY: break; /* remember nothing */
    case HANDED_TEXT: return get_text(&parser, &state->text);
    case HANDED_HTTP: return get_http(&parser, &state->http);
    }
    return false;
}
