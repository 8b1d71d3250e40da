/*
 * src/store/record_priv.h - how an item lies in the log.
 *
 * Byte by byte, without padding: at 10 million items a gigabyte every byte of
 * header is 10 MB of cache. An item, each field as narrow as its value allows:
 *
 *     0     1      2      3       5       6
 *     | key | info | form | stamp | value | value | stamp | cas | client | expires | key | value
 *     | len |      |      | low   | len   | high  | high  |     | flags  |         |     |
 *       1     1      1      2       1       0,1     0,2    0,1,  0,1,2,4  0,2,3,4
 *                                                         2,4,8
 *
 *     info   | pending | dead | large | marks 3 | freq 2 |
 *     form   says which widths; it is one of
 *            | 0   | expires 2 | client flags 2 | cas 2 | long value |    narrow
 *            | 1 0 | expires   | client flags   | value len's high bits 2 | cas 2 |    compact
 *            | 1 1 | expires   | client flags 2 | cas 2 | long value |    wide
 *
 * Times and CAS are counted from bases of the segment (struct seg), which are those of its opening:
 *
 *     stamp      2: seconds since base_s, which is some hours before the opening    4: the second
 *     expires    2, 3: seconds since base_s                                         4: the second
 *     cas        1, 2, 4: how far it is from where it is expected                   8: the CAS
 *
 * What is stored into one log draws a CAS every N bytes. A segment knows at its opening how
 * many bytes that were in the one before (struct seg), so where a record lies says about which it has drawn.
 * Where items are stored evenly that is exact, but for 1 or 2, and most values are shorter than 1 KB:
 * then an item is compact, which says both in its form, and has an expiry of 3 bytes. A wide form
 * has a stamp of 4 bytes, a CAS of 2, 4 or 8 instead of 1, 2 or 4, and an expiry of 4.
 *
 * So all of them are exact. What does not fit its field any more makes its record be
 * written anew (space_rewrite()): a get of an item that was stored more than 13 hours ago, the first incr
 * after 2 or 100 other changes. Where that might find no memory, without eviction, and in large
 * items fields have their full width from the beginning.
 *
 * A value too large for one record lies in pieces, which are records of their
 * own (key length 0, so no item) and know their owner. The owner's body is:
 *
 *     value_bytes | location + 1 of piece 0 | of piece 1 | ...     8 bytes each
 *
 *     0   1      2             5         13       17
 *     | 0 | info | payload len | owner   | number | payload        a piece
 *
 * Records lie at any address: all access is by bytes or memcpy().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "arena_priv.h"
#include "lombard/base/slice.h"
#include "lombard/store/store.h"

enum {
    REC_FREQ = 3,
    REC_MARKS_SHIFT = 2, /* ITEM_*, three bits */
    REC_MARKS = 7 << REC_MARKS_SHIFT,
    REC_LARGE = 1 << 5,   /* the value is in pieces */
    REC_DEAD = 1 << 6,    /* only kept by what surrounds it */
    REC_PENDING = 1 << 7, /* reserved and not yet committed: in no bucket */
};

/* Of the form: which kind it is, and its codes. */
enum {
    FORM_COMPACT = 0x80, /* from here on, */
    FORM_WIDE = 0xc0,    /* and from here on; what is less is narrow */
    /* Narrow and wide ones: */
    FORM_LONG_VALUE = 1 << 0, /* the value's length has 2 bytes */
    FORM_CAS_SHIFT = 1,
    FORM_FLAGS_SHIFT = 3,
    FORM_EXPIRES_SHIFT = 5, /* in a wide one, and a compact one, a flag */
    /* Compact ones: */
    COMPACT_CAS = 3, /* 0: it has none */
    COMPACT_LEN_SHIFT = 2,
    COMPACT_FLAGS_SHIFT = 4,
    COMPACT_LEN_MAX = 1023,
};
enum { EXPIRES_NONE, EXPIRES_2, EXPIRES_3, EXPIRES_4 };

enum {
    REC_INFO_OFF = 1,
    REC_FORM_OFF = 2,
    REC_STAMP_OFF = 3,
    REC_VALUE_LEN_OFF = 5,
    REC_FIXED_BYTES = 6,
    REC_KEY_MAX = 255,
    REC_BODY_MAX = UINT16_MAX,
    REC_FREQ_MAX = 3,
    /* Of a header, without the key. */
    REC_HEADER_MAX = REC_FIXED_BYTES + 1 + 2 + 8 + 4 + 4,

    PIECE_LEN_OFF = 2,
    PIECE_OWNER_OFF = 5,
    PIECE_NUMBER_OFF = 13,
    PIECE_HEADER_BYTES = 17,

    TABLE_ENTRY_BYTES = 8,
};

/* A record is read and written at these offsets, without a struct. */
_Static_assert(REC_INFO_OFF == 1 && REC_FORM_OFF == REC_INFO_OFF + 1, "key len, info, form");
_Static_assert(REC_VALUE_LEN_OFF == REC_STAMP_OFF + 2, "the stamp's low half has 2 bytes");
_Static_assert(REC_FIXED_BYTES == REC_VALUE_LEN_OFF + 1, "the low byte of the value's length");
_Static_assert(COMPACT_LEN_MAX >> 8 == COMPACT_CAS, "two bits each");
_Static_assert((int)REC_FREQ_MAX == (int)REC_FREQ, "the most has all bits: note_access()");
_Static_assert(PIECE_OWNER_OFF == PIECE_LEN_OFF + 3, "a piece's length has 3 bytes");
_Static_assert(PIECE_NUMBER_OFF == PIECE_OWNER_OFF + 8, "the owner has 8 bytes");
_Static_assert(PIECE_HEADER_BYTES == PIECE_NUMBER_OFF + 4, "the number has 4");
_Static_assert((ITEM_FETCHED | ITEM_STALE | ITEM_TOKEN) << REC_MARKS_SHIFT == REC_MARKS,
               "marks have three bits");
_Static_assert((REC_FREQ ^ REC_MARKS ^ REC_LARGE ^ REC_DEAD ^ REC_PENDING) == 0xff,
               "info is a byte, each bit for one thing");

/* The bytes of a code of client flags, of a CAS or of an expiry. */
#define FLAGS_BYTES(code)   ((1 << (code)) >> 1)
#define EXPIRES_BYTES(code) ((code) + ((code) != 0))
_Static_assert(FLAGS_BYTES(0) == 0 && FLAGS_BYTES(1) == 1 && FLAGS_BYTES(3) == 4, "0, 1, 2, 4");
_Static_assert(EXPIRES_BYTES(EXPIRES_NONE) == 0 && EXPIRES_BYTES(EXPIRES_2) == 2 &&
                   EXPIRES_BYTES(EXPIRES_3) == 3 && EXPIRES_BYTES(EXPIRES_4) == 4,
               "a code says a width");

/* A CAS may be so much below the expected one in a field of 1, 2 and 4 bytes. */
#define REC_CAS_1_BELOW UINT64_C(128)
#define REC_CAS_2_BELOW (UINT64_C(1) << 13)
#define REC_CAS_4_BELOW (UINT64_C(1) << 31)

/* What a form says: of the value's length, and how many bytes fields have. */
struct rec_form {
    uint16_t len_mask; /* of the 2 bytes where the length is, these bits, */
    uint16_t len_high; /* and those */
    uint8_t header;    /* bytes of all of it, without the key */
    uint8_t cas, flags, expires;
};
extern const struct rec_form rec_forms[256];

/* Which fields a store keeps, and whether each has its full width. */
struct rec_widths {
    bool cas;
    bool full;
};

/* What the fields of a header say, whatever their widths. */
struct rec_head {
    uint32_t key_len;
    uint32_t body_len; /* bytes behind the key: the value, or of a large item the table */
    unsigned info;
    uint32_t accessed_s;
    uint64_t cas; /* 0 in a store without */
    uint32_t client_flags;
    uint32_t expires_s;     /* or STORE_NEVER */
    unsigned cas_bytes_min; /* where the CAS is going to change: at least so wide */
};

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

/* The same of 2 and 3 bytes, low ones first. */
static inline uint32_t
load_u16(const char *p)
{
    return (uint32_t)(unsigned char)p[0] | (uint32_t)(unsigned char)p[1] << 8;
}

static inline uint32_t
load_u24(const char *p)
{
    return load_u16(p) | (uint32_t)(unsigned char)p[2] << 16;
}

static inline void
save_u16(char *p, uint32_t v)
{
    p[0] = (char)(v & 0xff);
    p[1] = (char)((v >> 8) & 0xff);
}

static inline void
save_u24(char *p, uint32_t v)
{
    save_u16(p, v);
    p[2] = (char)((v >> 16) & 0xff);
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

static inline unsigned
rec_freq(const char *rec)
{
    return rec_info(rec) & REC_FREQ;
}

static inline void
rec_set_freq(char *rec, unsigned freq)
{
    rec_set_info(rec, (rec_info(rec) & ~(unsigned)REC_FREQ) | freq);
}

/* --- Of items --- */

static inline unsigned
rec_form(const char *rec)
{
    return (unsigned char)rec[REC_FORM_OFF];
}

static inline const struct rec_form *
rec_fields(const char *rec)
{
    return rec_forms + rec_form(rec);
}

static inline uint32_t
rec_header_bytes(const char *rec)
{
    return rec_fields(rec)->header;
}

/* Bytes behind the key: the value, or of a large item the table. */
static inline uint32_t
rec_body_len(const char *rec)
{
    const struct rec_form *fields = rec_fields(rec);

    return (load_u16(rec + REC_VALUE_LEN_OFF) & fields->len_mask) | fields->len_high;
}

static inline struct slice
rec_key(const char *rec)
{
    return slice_make(rec + rec_header_bytes(rec), rec_key_len(rec));
}

enum { LINE_BYTES = 64 };

/* Fetch what lies from BEGIN to END, but for its first SKIPPED lines: BEGIN may be anywhere in one. */
static inline void
prefetch_lines(const char *begin, unsigned skipped, const char *end)
{
    const char *line = begin - (uintptr_t)begin % LINE_BYTES + (size_t)skipped * LINE_BYTES;

    for (; line < end; line += LINE_BYTES)
        PREFETCH(line);
}

static inline uint32_t
rec_body_off(const char *rec)
{
    return rec_header_bytes(rec) + rec_key_len(rec);
}

/* Where the fields that are there begin; the last of them ends with the header. */
static inline uint32_t
rec_expires_off(unsigned form)
{
    return (uint32_t)rec_forms[form].header - rec_forms[form].expires;
}

static inline uint32_t
rec_flags_off(unsigned form)
{
    return rec_expires_off(form) - rec_forms[form].flags;
}

static inline uint32_t
rec_cas_off(unsigned form)
{
    return rec_flags_off(form) - rec_forms[form].cas;
}

/* Of a wide one. */
static inline uint32_t
rec_stamp_high_off(unsigned form)
{
    return REC_FIXED_BYTES + (form & FORM_LONG_VALUE);
}

/* Whether its form says its CAS. */
static inline bool
rec_has_compact_cas(const char *rec)
{
    unsigned form = rec_form(rec);

    return (form & FORM_WIDE) == FORM_COMPACT && (form & COMPACT_CAS) != 0;
}

static inline bool
rec_is_wide(const char *rec)
{
    return rec_form(rec) >= FORM_WIDE;
}

static inline bool
rec_has_flags(const char *rec)
{
    return rec_fields(rec)->flags != 0;
}

static inline bool
rec_has_expiry(const char *rec)
{
    return rec_fields(rec)->expires != 0;
}

/* --- Of pieces --- */

static inline uint32_t
piece_len(const char *piece)
{
    return load_u24(piece + PIECE_LEN_OFF);
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

/* --- Of both --- */

static inline uint32_t
rec_bytes(const char *rec)
{
    if (UNLIKELY(rec_is_piece(rec)))
        return PIECE_HEADER_BYTES + piece_len(rec);
    return rec_header_bytes(rec) + rec_key_len(rec) + rec_body_len(rec);
}

/* --- record.c; SEG is the segment that the record lies in, ARENA the arena --- */

/*
 * What the fields of an item say: of a lookup only those are read that its caller wants, so
 * these are calls, which may be left out.
 */
uint32_t rec_accessed(const char *rec, const struct seg *seg) MUST_USE PURE;
uint64_t rec_cas(const char *rec,
                 const struct arena *arena) MUST_USE PURE; /* 0 where it has none */
uint32_t rec_client_flags(const char *rec) MUST_USE PURE;
uint32_t rec_expires(const char *rec, const struct seg *seg) MUST_USE PURE; /* or STORE_NEVER */
/* False when the field is too narrow; nothing has changed then. */
bool rec_set_accessed(char *rec, const struct seg *seg, uint32_t accessed_s) MUST_USE;
/* False when the field is too narrow, or there is none; nothing has changed then. */
bool rec_set_expires(char *rec, const struct seg *seg, uint32_t expires_s) MUST_USE;
/* False when the field is too narrow; nothing has changed then. */
bool rec_set_cas(char *rec, const struct arena *arena, uint64_t cas) MUST_USE;
/* Whether it would be true. */
bool rec_can_hold_cas(const char *rec, const struct arena *arena, uint64_t cas) MUST_USE;

struct rec_head rec_read_head(const char *rec, const struct arena *arena);
/* The narrowest form that holds HEAD at REC; of full width, it holds whatever the numbers become. */
unsigned rec_form_for(const char *rec, const struct arena *arena, const struct rec_head *head,
                      const struct rec_widths *widths) MUST_USE;
/* FORM is one that holds it. */
void rec_write_head(char *rec, const struct arena *arena, const struct rec_head *head,
                    unsigned form);
