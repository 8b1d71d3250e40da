/* Properties of the kinds of requests. */
#include "data/query.h"

#include "lombard/base/attr.h"

const char *
query_kind_name(enum query_kind kind)
{
    switch (kind) {
    case QUERY_GET: return "get";
    case QUERY_GAT: return "gat";
    case QUERY_SET: return "set";
    case QUERY_ADD: return "add";
    case QUERY_REPLACE: return "replace";
    case QUERY_CAS: return "cas";
    case QUERY_APPEND: return "append";
    case QUERY_PREPEND: return "prepend";
    case QUERY_DELETE: return "delete";
    case QUERY_TOUCH: return "touch";
    case QUERY_INCR: return "incr";
    case QUERY_DECR: return "decr";
    case QUERY_NOOP: return "noop";
    }
    BUG("query_kind out of range");
}

bool
query_has_value(enum query_kind kind)
{
    switch (kind) {
    case QUERY_SET:
    case QUERY_ADD:
    case QUERY_REPLACE:
    case QUERY_CAS:
    case QUERY_APPEND:
    case QUERY_PREPEND: return true;
    case QUERY_GET:
    case QUERY_GAT:
    case QUERY_DELETE:
    case QUERY_TOUCH:
    case QUERY_INCR:
    case QUERY_DECR:
    case QUERY_NOOP: return false;
    }
    BUG("query_kind out of range");
}

bool
query_is_counter(enum query_kind kind)
{
    return kind == QUERY_INCR || kind == QUERY_DECR;
}

bool
query_has_own_names(enum query_kind kind)
{
    return query_is_counter(kind) || kind == QUERY_APPEND || kind == QUERY_PREPEND;
}
