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
        (conn->proto_state.len != 0 && conn->proto_state.len != sizeof(struct proto_state)) ||
        (conn->task_state.len != 0 && conn->task_state.len != sizeof(struct proto_state)))
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
