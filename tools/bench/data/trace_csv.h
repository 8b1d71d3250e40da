/*
 * tools/bench/data/trace_csv.h - the published traces of Twitter's and Meta's caches.
 *
 * Twitter's (repository twitter/cache-trace) have no heading; a key may have commas in it:
 *
 *     timestamp in s, key, key size, value size, client, operation, TTL
 *
 * Meta's (CacheLib's kvcache traces) have one, which says what is where; key, op and size are always there, and
 * op_time in s, key_size, op_count (how often the request was made) and ttl in some. Without a heading:
 *
 *     key, op, size, op_count, key_size [, ttl]
 */
#pragma once

#include "data/trace.h"
#include "lombard/base/attr.h"

/* The next request of a TRACE_TWITTER or TRACE_META; t->file is open. */
enum trace_result trace_csv_next(struct trace *t, struct access *out) MUST_USE;
