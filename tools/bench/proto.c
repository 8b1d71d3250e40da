#include "proto.h"

#include <string.h>

const struct proto *
proto_find(const char *name)
{
    static const struct proto *const all[] = {&proto_text, &proto_meta, &proto_binary};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    }
    return NULL;
}

size_t
proto_key_name(const struct keys *keys, const struct op *op, char *dst)
{
    size_t len = keys_name(keys, op->keys[0].id, dst);

    if (op_is_counter((enum op_kind)op->kind) || (op->flags & OP_COUNTER))
        dst[0] = 'n';
    else if (op_has_own_names((enum op_kind)op->kind) || (op->flags & OP_GROWING))
        dst[0] = 'a';
    return len;
}

void
proto_write_value(struct out *out, const struct keys *keys, const struct op *op)
{
    struct value_id id = {op->keys[0].id, op->version, keys->writer, op->value_bytes};
    size_t off;

    if (op->flags & OP_COUNTER) {
        memcpy(out_at(out), "1000000000", PROTO_COUNTER_BYTES);
        out_wrote(out, PROTO_COUNTER_BYTES);
        return;
    }
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
