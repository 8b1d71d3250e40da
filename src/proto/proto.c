/* Finds the protocol of a connection by its listener and its first byte. */
#include "lombard/proto/proto.h"

static const struct {
    unsigned roles;
    unsigned char first, last;
    const struct proto_ops *ops;
} protocols[] = {
#define PROTO(name, roles, first, last) {roles, first, last, &proto_##name},
#include "lombard/proto/proto.def"
#undef PROTO
};

const struct proto_ops *
proto_detect(enum session_role role, unsigned char first)
{
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        if ((protocols[i].roles >> role & 1) != 0 && first >= protocols[i].first &&
            first <= protocols[i].last)
            return protocols[i].ops;
    BUG("for each role the last protocol takes any byte");
}

const char *
proto_name(const struct proto_ops *proto)
{
    return proto == NULL ? "unknown" : proto->name;
}
