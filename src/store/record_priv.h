/*
 * src/store/record_priv.h - how an item lies in the log.
 *
 * Byte by byte, without padding: at 10 million items a gigabyte every byte of
 * header is 10 MB of cache. An item, with what it does not use left out:
 *
 *     0     1      2           5                9
 *     | key | info | value     | accessed, freq | cas  | client | expires | key | value
 *     | len |      | len       | 30 + 2 bits    |      | flags  |         |     |
 *       1     1      3           4                8 -C   4 (0)    4 (never)
 *
 * A value too large for one record lies in pieces, which are records of their
 * own (key length 0, so no item) and know their owner. The owner's body is:
 *
 *     value_bytes | location + 1 of piece 0 | of piece 1 | ...     8 bytes each
 *
 *     0   1      2             5         13       17
 *     | 0 | info | payload len | owner   | number | payload        a piece
 *
 * Records lie at any address: all access is by memcpy().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lombard/base/slice.h"
#include "lombard/store/store.h"

enum {
    REC_CLIENT_FLAGS = 1 << 0, /* has the field */
    REC_EXPIRES = 1 << 1,      /* has the field */
    REC_LARGE = 1 << 2,        /* the value is in pieces */
    REC_MARKS_SHIFT = 3,       /* ITEM_*, three bits */
    REC_MARKS = 7 << REC_MARKS_SHIFT,
    REC_DEAD = 1 << 6,    /* only kept by what surrounds it */
    REC_PENDING = 1 << 7, /* reserved and not yet committed: in no bucket */
};

enum {
    REC_INFO_OFF = 1,
    REC_VALUE_LEN_OFF = 2,
    REC_ACCESS_OFF = 5,
    REC_CAS_OFF = 9,
    REC_FIXED_BYTES = 9, /* without CAS */
    REC_CAS_BYTES = 8,
    REC_KEY_MAX = 255,
    REC_FREQ_MAX = 3,

    PIECE_OWNER_OFF = 5,
    PIECE_NUMBER_OFF = 13,
    PIECE_HEADER_BYTES = 17,

    TABLE_ENTRY_BYTES = 8,
};

/* A record is read and written at these offsets, without a struct. */
_Static_assert(REC_INFO_OFF == 1 && REC_VALUE_LEN_OFF == REC_INFO_OFF + 1, "key len, info");
_Static_assert(REC_ACCESS_OFF == REC_VALUE_LEN_OFF + 3, "the value's length has 3 bytes");
_Static_assert(REC_FIXED_BYTES == REC_ACCESS_OFF + 4, "accessed and freq have 4");
_Static_assert(REC_CAS_OFF == REC_FIXED_BYTES, "CAS comes where a record without it ends");
_Static_assert(PIECE_OWNER_OFF == REC_ACCESS_OFF, "a piece begins as an item does");
_Static_assert(PIECE_NUMBER_OFF == PIECE_OWNER_OFF + 8, "the owner has 8 bytes");
_Static_assert(PIECE_HEADER_BYTES == PIECE_NUMBER_OFF + 4, "the number has 4");
_Static_assert(REC_CLIENT_FLAGS << 2 == 4 && REC_EXPIRES << 1 == 4,
               "rec_header_bytes() makes sizes of bits");
_Static_assert((ITEM_FETCHED | ITEM_STALE | ITEM_TOKEN) << REC_MARKS_SHIFT == REC_MARKS,
               "marks have three bits");
_Static_assert((REC_MARKS &
                (REC_CLIENT_FLAGS | REC_EXPIRES | REC_LARGE | REC_DEAD | REC_PENDING)) == 0 &&
                   REC_PENDING < 1 << 8,
               "info is a byte, each bit for one thing");
_Static_assert(REC_FREQ_MAX == 3, "freq has the two bits above the 30 of accessed");

#define REC_ACCESSED_MASK ((UINT32_C(1) << 30) - 1)

static inline uint32_t
load_u32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint64_t
load_u64(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline void
save_u32(char *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline void
save_u64(char *p, uint64_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline uint32_t
rec_key_len(const char *rec)
{
    return (unsigned char)rec[0];
}

static inline bool
rec_is_piece(const char *rec)
{
    return rec[0] == 0;
}

static inline unsigned
rec_info(const char *rec)
{
    return (unsigned char)rec[REC_INFO_OFF];
}

static inline void
rec_set_info(char *rec, unsigned info)
{
    rec[REC_INFO_OFF] = (char)info;
}

/* Bytes behind the key: the value, or of a large item the table. Of a piece its payload. */
static inline uint32_t
rec_body_len(const char *rec)
{
    const unsigned char *p = (const unsigned char *)rec + REC_VALUE_LEN_OFF;

    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static inline void
rec_set_body_len(char *rec, uint32_t len)
{
    rec[REC_VALUE_LEN_OFF] = (char)(len & 0xff);
    rec[REC_VALUE_LEN_OFF + 1] = (char)((len >> 8) & 0xff);
    rec[REC_VALUE_LEN_OFF + 2] = (char)(len >> 16);
}

/* FIXED is REC_FIXED_BYTES, with or without REC_CAS_BYTES: the same for a whole store. */
static inline uint32_t
rec_header_bytes(unsigned info, uint32_t fixed)
{
    return fixed + ((info & REC_CLIENT_FLAGS) << 2) + ((info & REC_EXPIRES) << 1);
}

static inline uint32_t
rec_bytes(const char *rec, uint32_t fixed)
{
    if (rec_is_piece(rec))
        return PIECE_HEADER_BYTES + rec_body_len(rec);
    return rec_header_bytes(rec_info(rec), fixed) + rec_key_len(rec) + rec_body_len(rec);
}

static inline struct slice
rec_key(const char *rec, uint32_t fixed)
{
    return slice_make(rec + rec_header_bytes(rec_info(rec), fixed), rec_key_len(rec));
}

static inline uint32_t
rec_body_off(const char *rec, uint32_t fixed)
{
    return rec_header_bytes(rec_info(rec), fixed) + rec_key_len(rec);
}

static inline uint32_t
rec_accessed(const char *rec)
{
    return load_u32(rec + REC_ACCESS_OFF) & REC_ACCESSED_MASK;
}

static inline unsigned
rec_freq(const char *rec)
{
    return load_u32(rec + REC_ACCESS_OFF) >> 30;
}

static inline void
rec_set_access(char *rec, uint32_t accessed_s, unsigned freq)
{
    save_u32(rec + REC_ACCESS_OFF, (accessed_s & REC_ACCESSED_MASK) | (uint32_t)freq << 30);
}

static inline uint32_t
rec_client_flags(const char *rec, uint32_t fixed)
{
    return (rec_info(rec) & REC_CLIENT_FLAGS) != 0 ? load_u32(rec + fixed) : 0;
}

/* Where the expiry is, in a record that has one. */
static inline uint32_t
rec_expires_off(unsigned info, uint32_t fixed)
{
    return fixed + ((info & REC_CLIENT_FLAGS) << 2);
}

static inline uint32_t
rec_expires(const char *rec, uint32_t fixed)
{
    unsigned info = rec_info(rec);

    return (info & REC_EXPIRES) != 0 ? load_u32(rec + rec_expires_off(info, fixed))
                                     : (uint32_t)STORE_NEVER;
}

static inline bool
rec_is_expired(const char *rec, uint32_t fixed, uint32_t now_s)
{
    uint32_t expires_s = rec_expires(rec, fixed);

    return expires_s != STORE_NEVER && expires_s <= now_s;
}

static inline uint64_t
piece_owner(const char *piece)
{
    return load_u64(piece + PIECE_OWNER_OFF);
}

static inline void
piece_set_owner(char *piece, uint64_t loc)
{
    save_u64(piece + PIECE_OWNER_OFF, loc);
}
