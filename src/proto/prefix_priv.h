/*
 * src/proto/prefix_priv.h - a line of `stats detail dump`, which both protocols have alike.
 */
#pragma once

#include "lombard/base/put.h"
#include "lombard/proto/reply.h"

/* PREFIX <name> get <n> hit <n> set <n> del <n>\r\n */
static inline char *
put_prefix(char *p, const struct prefix_line *line)
{
    p = put_slice(put_slice(p, SLICE("PREFIX ")), line->name);
    p = put_u64(put_slice(p, SLICE(" get ")), line->gets);
    p = put_u64(put_slice(p, SLICE(" hit ")), line->hits);
    p = put_u64(put_slice(p, SLICE(" set ")), line->sets);
    p = put_u64(put_slice(p, SLICE(" del ")), line->deletes);
    return put_slice(p, SLICE("\r\n"));
}
