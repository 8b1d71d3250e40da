/* Finds the protocol of a connection by its first byte. */
#include "lombard/proto/proto.h"

static const struct {
    unsigned char first, last;
    const struct proto_ops *ops;
} protocols[] = {
#define PROTO(name, first, last) {first, last, &proto_##name},
#include "lombard/proto/proto.def"
#undef PROTO
};

const struct proto_ops *
proto_detect(unsigned char first)
{
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        if (first >= protocols[i].first && first <= protocols[i].last)
            return protocols[i].ops;
    BUG("the last protocol takes any byte");
}

const char *
proto_name(const struct proto_ops *proto)
{
    return proto == NULL ? "unknown" : proto->name;
}
