/*
 * src/conn/conn_image.h - a connection as bytes: for a server that takes its place in another process.
 *
 * A struct conn_image says of a connection all that conn_image.def has a field for, in numbers and
 * bytes, without any address. Writing and reading it is pure: no system call, nothing is allocated.
 * What is read may be malformed: whatever is accepted is within the bounds of that file.
 */
#pragma once

#include "client_names.h"
#include "conn_state.h"
#include "lombard/base/image.h"
#include "task.h"

/* Numbers that go from process to process: they keep their meaning for ever. */
enum handed_state { HANDED_IDLE = 0, HANDED_READY = 1, HANDED_STALLED = 2 };

enum handed_protocol { HANDED_NONE = 0, HANDED_TEXT = 1, HANDED_BINARY = 2, HANDED_HTTP = 3 };

enum handed_task {
    HANDED_NO_TASK = 0,
    HANDED_UPLOAD = 1,
    HANDED_VALUE = 2,
    HANDED_JOIN = 3,
    HANDED_STREAM = 4,
    HANDED_SCAN = 5,
    HANDED_WATCH = 6,
    HANDED_REFUSAL = 7,
};

enum session_bit {
    SESSION_AUTHENTICATED = 1U << 0,
    SESSION_OVER_LIMIT = 1U << 1,
    SESSION_NO_ADMIN = 1U << 2,
    SESSION_SASL_BEGUN = 1U << 3,
};

enum conn_bit {
    CONN_EOF = 1U << 0,
    CONN_MORE_INPUT = 1U << 1,
    CONN_BLOCKED = 1U << 2,
    CONN_FINISHING = 1U << 3,
    CONN_HAS_LOOKED = 1U << 4,
    CONN_WAS_STALLED = 1U << 5,
};

/* What a parser remembers; all zero: nothing, and not written. */
struct handed_parser {
    uint32_t exptime;
    uint32_t gat_bytes;
    uint32_t scanned;
    uint8_t word;  /* text: get_word */
    uint8_t marks; /* text: of enum parser_bit */
    uint16_t spare;
};

enum parser_bit {
    PARSER_HAS_EXPTIME = 1U << 0,
    PARSER_BAD_EXPTIME = 1U << 1,
    PARSER_ANY_KEY = 1U << 2,
    PARSER_SKIP_LINE = 1U << 3,
};

/* A part of a value that is to be sent: from where, after how many bytes of the output. */
struct handed_ref {
    uint64_t loc;
    uint32_t bytes;
    uint32_t sent;
    uint32_t at;
    uint32_t spare;
};

struct handed_top {
    uint64_t value;
    uint64_t position; /* in connections */
    uint64_t id;
};

struct conn_image {
#define NUMBER(type, name, max) uint64_t name;
#define BYTES(type, name, max)  struct slice name;
#include "conn_image.def"
#undef NUMBER
#undef BYTES
};

/* What PROTO's parser remembers in STATE, and the reverse. */
struct handed_parser conn_image_put_parser(enum handed_protocol protocol,
                                           const struct proto_state *state);
/*
 * BYTES are one, or none. What is to be parsed next has INPUT_BYTES. False, and nothing in STATE: the parser of
 * PROTOCOL would never have remembered that.
 */
bool conn_image_get_parser(enum handed_protocol protocol, struct slice bytes,
                           size_t input_bytes, struct proto_state *state) MUST_USE;
/* As the contents of an entry, or of a list. */
void conn_image_write(const struct conn_image *conn, struct image *image);
/* NULL: *CONN is what BYTES say, and points into them. Else what is wrong. */
const char *conn_image_read(struct slice bytes, struct conn_image *conn) MUST_USE;
