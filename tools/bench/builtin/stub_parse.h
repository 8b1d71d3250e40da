/*
 * tools/bench/builtin/stub_parse.h - what lombard-bench sends, read by a parser that is not its own.
 *
 * The three protocols become one struct stub_request. Only the forms that wire/ writes are known.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/query.h"
#include "lombard/base/attr.h"

enum stub_protocol { STUB_TEXT, STUB_META, STUB_BINARY };

struct stub_request {
    enum query_kind kind; /* QUERY_CAS: a store with `cas` */
    enum stub_protocol protocol;
    bool quiet;
    bool wants_value;
    bool wants_key;
    bool wants_cas;
    bool wants_flags;
    bool touches; /* meta: it has a T flag */
    uint8_t opcode;
    uint32_t opaque;
    uint32_t flags; /* of a store */
    uint32_t ttl_s; /* of a store, touch or gat; 0: for ever */
    uint64_t cas;
    const char *names;     /* text: of a get several, each behind a blank; else one */
    const char *names_end; /* these point into the input */
    const unsigned char *value;
    uint32_t value_bytes;
};

enum { STUB_HEADER_BYTES = 24 };

/* Read the request at the front of [P, P + BYTES): its length; 0 where it is not complete. What is
 * malformed becomes a QUERY_NOOP. */
size_t stub_parse(const unsigned char *p, size_t bytes, struct stub_request *out) MUST_USE;
/* The next of `names`. False: none is left. */
bool stub_next_name(struct stub_request *r, const char **name, size_t *len) MUST_USE;
