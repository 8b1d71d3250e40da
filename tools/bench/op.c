#include "op.h"

#include "lombard/base/attr.h"

const char *
op_kind_name(enum op_kind kind)
{
    switch (kind) {
    case OP_GET: return "get";
    case OP_GAT: return "gat";
    case OP_SET: return "set";
    case OP_ADD: return "add";
    case OP_REPLACE: return "replace";
    case OP_CAS: return "cas";
    case OP_APPEND: return "append";
    case OP_PREPEND: return "prepend";
    case OP_DELETE: return "delete";
    case OP_TOUCH: return "touch";
    case OP_INCR: return "incr";
    case OP_DECR: return "decr";
    case OP_NOOP: return "noop";
    }
    BUG("op_kind out of range");
}

bool
op_has_value(enum op_kind kind)
{
    switch (kind) {
    case OP_SET:
    case OP_ADD:
    case OP_REPLACE:
    case OP_CAS:
    case OP_APPEND:
    case OP_PREPEND: return true;
    case OP_GET:
    case OP_GAT:
    case OP_DELETE:
    case OP_TOUCH:
    case OP_INCR:
    case OP_DECR:
    case OP_NOOP: return false;
    }
    BUG("op_kind out of range");
}

bool
op_is_counter(enum op_kind kind)
{
    return kind == OP_INCR || kind == OP_DECR;
}

bool
op_has_own_names(enum op_kind kind)
{
    return op_is_counter(kind) || kind == OP_APPEND || kind == OP_PREPEND;
}
