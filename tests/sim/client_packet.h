/*
 * tests/sim/client_packet.h - the binary protocol's packets, as a client has them.
 *
 * Written anew from its specification, so that an error of the server's own
 * header cannot hide in a copy.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PACKET_HEADER_BYTES = 24, PACKET_REQUEST = 0x80, PACKET_REPLY = 0x81 };

enum packet_opcode {
    P_GET = 0x00,
    P_SET,
    P_ADD,
    P_REPLACE,
    P_DELETE,
    P_INCR,
    P_DECR,
    P_QUIT,
    P_FLUSH,
    P_GETQ,
    P_NOOP,
    P_VERSION,
    P_GETK,
    P_GETKQ,
    P_APPEND,
    P_PREPEND,
    P_STAT,
    P_SETQ,
    P_ADDQ,
    P_REPLACEQ,
    P_DELETEQ,
    P_INCRQ,
    P_DECRQ,
    P_QUITQ,
    P_FLUSHQ,
    P_APPENDQ,
    P_PREPENDQ,
    P_VERBOSITY,
    P_TOUCH,
    P_GAT,
    P_GATQ,
    P_GATK = 0x23,
    P_GATKQ,
};

enum packet_status {
    S_SUCCESS,
    S_NOT_FOUND,
    S_EXISTS,
    S_TOO_LARGE,
    S_INVALID,
    S_NOT_STORED,
    S_NON_NUMERIC,
    S_UNKNOWN = 0x81,
    S_NO_MEMORY = 0x82,
};

struct client_packet {
    uint8_t magic;
    uint8_t opcode;
    uint16_t key_len;
    uint8_t extras_len;
    uint8_t data_type;
    uint16_t status; /* of a request: the vbucket */
    uint32_t body_len;
    uint32_t opaque;
    uint64_t cas;
};

/* Big-endian numbers of BYTES bytes. */
static inline void
packet_put(char *dst, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        dst[i] = (char)(v >> 8 * (bytes - 1 - i));
}

static inline uint64_t
packet_get(const char *src, size_t bytes)
{
    uint64_t v = 0;

    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)src[i];
    return v;
}

static inline void
packet_write(char dst[PACKET_HEADER_BYTES], const struct client_packet *p)
{
    packet_put(dst, p->magic, 1);
    packet_put(dst + 1, p->opcode, 1);
    packet_put(dst + 2, p->key_len, 2);
    packet_put(dst + 4, p->extras_len, 1);
    packet_put(dst + 5, p->data_type, 1);
    packet_put(dst + 6, p->status, 2);
    packet_put(dst + 8, p->body_len, 4);
    packet_put(dst + 12, p->opaque, 4);
    packet_put(dst + 16, p->cas, 8);
}

static inline void
packet_read(const char *src, struct client_packet *p)
{
    p->magic = (uint8_t)packet_get(src, 1);
    p->opcode = (uint8_t)packet_get(src + 1, 1);
    p->key_len = (uint16_t)packet_get(src + 2, 2);
    p->extras_len = (uint8_t)packet_get(src + 4, 1);
    p->data_type = (uint8_t)packet_get(src + 5, 1);
    p->status = (uint16_t)packet_get(src + 6, 2);
    p->body_len = (uint32_t)packet_get(src + 8, 4);
    p->opaque = (uint32_t)packet_get(src + 12, 4);
    p->cas = packet_get(src + 16, 8);
}

static inline const char *
packet_message(uint16_t status)
{
    switch (status) {
    case S_NOT_FOUND: return "Not found";
    case S_EXISTS: return "Data exists for key.";
    case S_TOO_LARGE: return "Too large.";
    case S_INVALID: return "Invalid arguments";
    case S_NOT_STORED: return "Not stored.";
    case S_NON_NUMERIC: return "Non-numeric server-side value for incr or decr";
    case S_UNKNOWN: return "Unknown command";
    case S_NO_MEMORY: return "Out of memory";
    default: return "";
    }
}
