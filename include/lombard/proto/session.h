/*
 * include/lombard/proto/session.h - who asks: what outlives a request of a connection.
 *
 * Embedded in every connection, and an argument of parsing, which does not change it, and of every
 * command. A command that changes it is a barrier (PROP_BARRIER), since a batch is parsed ahead.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/proto/op.h"

/* Of the listener that a connection came through. */
enum session_role {
    ROLE_CLIENT,
    ROLE_ADMIN, /* operators and monitoring */
    ROLE_HTTP,  /* only what is asked by HTTP */
} __attribute__((packed));

struct session {
    enum session_role role;
    bool authenticated : 1; /* no command asks for that so far */
    bool only_admin : 1;    /* it came over the limit of connections: only PROP_ADMIN */
    uint16_t features;      /* that were negotiated, a bit each; none are known so far */
    uint32_t bucket;        /* selected; 0 is the only one so far */
};

_Static_assert(sizeof(struct session) == 8, "it is in every connection");

static inline void
session_init(struct session *session, enum session_role role)
{
    *session = (struct session){.role = role};
}

/* Whether SESSION may ask for OP. */
static inline bool
session_may(const struct session *session, enum request_op op)
{
    return LIKELY(!session->only_admin) || op_has(op, PROP_ADMIN);
}
