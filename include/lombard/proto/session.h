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

enum { SESSION_ROLES = ROLE_HTTP + 1 };

struct session {
    enum session_role role : 2;
    bool authenticated : 1; /* or need not be; if not: only PROP_OPEN */
    bool over_limit : 1;    /* it came over the limit of connections: only PROP_SPARE */
    bool no_admin : 1;      /* there is a listener for operators, and it came not through it */
    bool sasl_begun : 1;    /* a message of SASL is awaited */
    bool named : 1;         /* its client has said what it is called */
    uint8_t features;       /* that were negotiated, a bit each; none are known so far */
    uint8_t bucket;         /* selected; 0 is the only one so far */
};

_Static_assert(sizeof(struct session) == 3,
               "it is in every connection, where these bytes are left");

static inline void
session_init(struct session *session, enum session_role role, bool authenticated)
{
    *session = (struct session){.role = role, .authenticated = authenticated};
}

/* Whether OP may be asked for by a client that has shown, or not shown, who it is. */
static inline bool
session_trusts(const struct session *session, enum request_op op)
{
    return LIKELY(session->authenticated) || op_has(op, PROP_OPEN);
}

/* Whether it did not come where only operators may ask for OP. */
static inline bool
session_operates(const struct session *session, enum request_op op)
{
    return !session->no_admin || !op_has(op, PROP_ADMIN);
}

/* Whether it may ask for anything. */
static inline bool
session_is_plain(const struct session *session)
{
    return session->authenticated && !session->over_limit && !session->no_admin;
}

/* Whether SESSION may ask for OP. */
static inline bool
session_may(const struct session *session, enum request_op op)
{
    if (LIKELY(session_is_plain(session)))
        return true;
    return session_trusts(session, op) && session_operates(session, op) &&
           (!session->over_limit || op_has(op, PROP_SPARE));
}
