#include "proto.h"

void
proto_write_value(struct out *out, const struct keys *keys, const struct op *op)
{
    struct value_id id = {op->keys[0].id, op->version, keys->writer, op->value_bytes};
    size_t off;

    if (id.bytes <= OUT_COPY_MAX) {
        value_write(out_at(out), &id);
        out_wrote(out, id.bytes);
        return;
    }
    off = value_write_head(out_at(out), &id);
    out_wrote(out, off);
    while (off < id.bytes) {
        size_t len;
        const unsigned char *src = value_filler(&id, off, &len);

        out_reference(out, src, len);
        off += len;
    }
}
