/*
 * include/lombard/proto/op.h - the operations, and what is common to some of them.
 *
 * All of it is made from op.def. Whoever needs one more table makes it from there, too,
 * so that an operation without its entry cannot be built.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum request_op {
#define OP(NAME, handler, kind, commit, counter, properties) OP_##NAME,
#include "lombard/proto/op.def"
#undef OP
};

enum {
    OP_COUNT = 0
#define OP(NAME, handler, kind, commit, counter, properties) +1
#include "lombard/proto/op.def"
#undef OP
};

enum op_property {
    PROP_KEYED = 1U << 0,   /* it names one key */
    PROP_READS = 1U << 1,   /* of its quiet form, what is hidden is the miss */
    PROP_STORES = 1U << 2,  /* a value comes with it */
    PROP_JOINS = 1U << 3,   /* which is added to the one that is there */
    PROP_SPARE = 1U << 4,   /* an operator may ask for it while all connections are taken */
    PROP_BARRIER = 1U << 5, /* what follows is not parsed before it was executed */
    PROP_OPEN = 1U << 6,    /* a session that is not authenticated may ask for it */
    PROP_WHOLE = 1U << 7, /* a value comes with it, short, not stored, waited for as a whole */
    PROP_ADMIN = 1U << 8, /* where there is a listener for operators, only through that one */
    PROP_VALUE = PROP_STORES | PROP_WHOLE,
};

/* "GET" */
static inline const char *
request_op_name(enum request_op op)
{
    static const char *const names[] = {
#define OP(NAME, handler, kind, commit, counter, properties) #NAME,
#include "lombard/proto/op.def"
#undef OP
    };

    return names[op];
}

static inline bool
op_has(enum request_op op, enum op_property property)
{
    static const uint16_t properties_of[] = {
#define OP(NAME, handler, kind, commit, counter, properties) [OP_##NAME] = (properties),
#include "lombard/proto/op.def"
#undef OP
    };

    return (properties_of[op] & (unsigned)property) != 0;
}
