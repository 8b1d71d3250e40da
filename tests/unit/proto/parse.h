/*
 * tests/unit/proto/parse.h - feed a stream to the parsers, cut in every way.
 *
 * Each request becomes one line of words, so that a test is a table of inputs
 * and texts:
 *
 *     get key=a with_cas                  op, key, then what is not 0
 *     refused "ERROR\r\n" close
 *     set key=a client_flags=5 exptime=10 bytes=3 body=5
 *
 * Bytes outside 0x21..0x7e are shown as \xHH, a carriage return and a newline as
 * \r and \n. Every piece is shown to the parser in memory of exactly its size.
 */
#pragma once

#include <stddef.h>

#include "lombard/base/slice.h"
#include "lombard/proto/proto.h"

struct parse_case {
    const char *name;
    struct slice input;
    const char *want; /* lines, each ended by "\n" */
};

/* A row of a table; INPUT and the name are literals. */
#define ROW(name, input, want)                                                                 \
    {                                                                                          \
        name, {input, sizeof(input) - 1}, want                                                 \
    }

/* Who sends it; a client that is authenticated, unless a test makes it another. */
extern struct session parse_session;

enum { PARSE_TEXT_BYTES = 1 << 20 };

/*
 * The requests in INPUT as text, in OUT (room for PARSE_TEXT_BYTES). It arrives
 * in two pieces, the first of CUT bytes (0: in one), or, for SIZE_MAX, byte by byte.
 */
void parse_cut(struct slice input, size_t cut, char *out);
/* The first request of a connection: its protocol is detected. IN is not empty. */
enum parse_result parse_first(struct slice in, struct request *req, size_t *used);
/* Check one row: whole, cut at every byte, byte by byte. */
void parse_check(const struct parse_case *row);
