/*
 * src/proto/mcbp_priv.h - numbers of the binary protocol, and its replies.
 */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "lombard/proto/proto.h"

enum { MCBP_MAGIC_REQUEST = 0x80, MCBP_MAGIC_REPLY = 0x81, MCBP_HEADER_BYTES = 24 };

/* In the order of their numbers; the wire has these, so none may be renumbered. */
enum mcbp_status {
    MCBP_SUCCESS = 0x00,
    MCBP_KEY_ENOENT = 0x01,
    MCBP_KEY_EEXISTS = 0x02,
    MCBP_E2BIG = 0x03,
    MCBP_EINVAL = 0x04,
    MCBP_NOT_STORED = 0x05,
    MCBP_DELTA_BADVAL = 0x06,
    MCBP_AUTH_ERROR = 0x20,
    MCBP_AUTH_CONTINUE = 0x21,
    MCBP_EACCESS = 0x24, /* Couchbase's: what this client may not do */
    MCBP_UNKNOWN_COMMAND = 0x81,
    MCBP_ENOMEM = 0x82,
    MCBP_EINTERNAL = 0x84,
};

enum mcbp_opcode {
    MCBP_GET = 0x00,
    MCBP_SET = 0x01,
    MCBP_ADD = 0x02,
    MCBP_REPLACE = 0x03,
    MCBP_DELETE = 0x04,
    MCBP_INCR = 0x05,
    MCBP_DECR = 0x06,
    MCBP_QUIT = 0x07,
    MCBP_FLUSH = 0x08,
    MCBP_GETQ = 0x09,
    MCBP_NOOP = 0x0a,
    MCBP_VERSION = 0x0b,
    MCBP_GETK = 0x0c,
    MCBP_GETKQ = 0x0d,
    MCBP_APPEND = 0x0e,
    MCBP_PREPEND = 0x0f,
    MCBP_STAT = 0x10,
    MCBP_SETQ = 0x11,
    MCBP_ADDQ = 0x12,
    MCBP_REPLACEQ = 0x13,
    MCBP_DELETEQ = 0x14,
    MCBP_INCRQ = 0x15,
    MCBP_DECRQ = 0x16,
    MCBP_QUITQ = 0x17,
    MCBP_FLUSHQ = 0x18,
    MCBP_APPENDQ = 0x19,
    MCBP_PREPENDQ = 0x1a,
    MCBP_VERBOSITY = 0x1b,
    MCBP_TOUCH = 0x1c,
    MCBP_GAT = 0x1d,
    MCBP_GATQ = 0x1e,
    MCBP_HELLO = 0x1f, /* Couchbase's: key: who it is; value: features that it wants */
    MCBP_SASL_LIST = 0x20,
    MCBP_SASL_AUTH = 0x21,
    MCBP_SASL_STEP = 0x22,
    MCBP_GATK = 0x23,
    MCBP_GATKQ = 0x24,
};

static inline uint16_t
load_be16(const char *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return be16toh(v);
}

static inline uint32_t
load_be32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return be32toh(v);
}

static inline uint64_t
load_be64(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return be64toh(v);
}

static inline void
store_be16(char *p, uint16_t v)
{
    v = htobe16(v);
    memcpy(p, &v, sizeof(v));
}

static inline void
store_be32(char *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof(v));
}

static inline void
store_be64(char *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof(v));
}

/* --- mcbp_reply.c: as struct proto_ops --- */

struct reply_parts mcbp_reply(const struct request *req, const struct reply *reply, char *dst);
size_t mcbp_stream_begin(const struct request *req, uint32_t piece, char *dst);
size_t mcbp_stat_line(const struct request *req, const char *name, const char *value,
                      char *dst);
size_t mcbp_prefix_line(const struct request *req, const struct prefix_line *line, char *dst);
size_t mcbp_dump_line(const struct request *req, const struct dump_item *item, char *dst);
size_t mcbp_stream_end(const struct request *req, uint32_t piece, char *dst);
