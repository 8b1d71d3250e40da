/* Single records: their fields, counted, and dead. What an item is made of besides is not known here. */
#include "store_priv.h"

/* In a field of an expiry: it has none any more. */
enum { NEVER_2 = UINT16_MAX, NEVER_3 = 0xffffff };

#define COMPACT(form)     (((form)&FORM_WIDE) == FORM_COMPACT)
#define WIDE(form)        ((form) >= FORM_WIDE)
#define LONG(form)        (!COMPACT(form) && ((form)&FORM_LONG_VALUE) != 0)
#define CODE(form, shift) ((form) >> (shift)&3)
#define CAS(form)                                                                              \
    (COMPACT(form) ? 0 : FLAGS_BYTES(CODE(form, FORM_CAS_SHIFT)) << (int)WIDE(form))
#define FLAGS(form)                                                                            \
    (COMPACT(form) ? (form) >> COMPACT_FLAGS_SHIFT & 1                                         \
                   : FLAGS_BYTES(CODE(form, FORM_FLAGS_SHIFT)))
#define EXPIRES(form)                                                                          \
    ((form) < FORM_COMPACT ? EXPIRES_BYTES(CODE(form, FORM_EXPIRES_SHIFT))                     \
                           : ((form) >> FORM_EXPIRES_SHIFT & 1) * (COMPACT(form) ? 3 : 4))
#define HEADER(form)                                                                           \
    (REC_FIXED_BYTES + LONG(form) + 2 * WIDE(form) + CAS(form) + FLAGS(form) + EXPIRES(form))
#define ROW(form)                                                                              \
    {                                                                                          \
        LONG(form) ? 0xffff : 0xff, COMPACT(form) ? CODE(form, COMPACT_LEN_SHIFT) << 8 : 0,    \
            HEADER(form), CAS(form), FLAGS(form), EXPIRES(form)                                \
    }
#define ROWS_4(form)  ROW(form), ROW((form) + 1), ROW((form) + 2), ROW((form) + 3)
#define ROWS_16(form) ROWS_4(form), ROWS_4((form) + 4), ROWS_4((form) + 8), ROWS_4((form) + 12)
#define ROWS_64(form)                                                                          \
    ROWS_16(form), ROWS_16((form) + 16), ROWS_16((form) + 32), ROWS_16((form) + 48)

const struct rec_form rec_forms[256] = {ROWS_64(0), ROWS_64(64), ROWS_64(128), ROWS_64(192)};
_Static_assert(sizeof(struct rec_form) == 8, "what a lookup needs of it lies in one line");
_Static_assert(HEADER(255) == REC_HEADER_MAX, "the widest form");
_Static_assert(HEADER(FORM_COMPACT) == REC_FIXED_BYTES, "the narrowest");

/* --- The stamp --- */

uint32_t
rec_accessed(const char *rec, const struct seg *seg)
{
    uint32_t low = load_u16(rec + REC_STAMP_OFF);
    unsigned form = rec_form(rec);

    if (LIKELY(form < FORM_WIDE))
        return seg->base_s + low;
    return low | load_u16(rec + rec_stamp_high_off(form)) << 16;
}

static void
save_accessed(char *rec, const struct seg *seg, uint32_t accessed_s)
{
    unsigned form = rec_form(rec);

    if (form < FORM_WIDE) {
        save_u16(rec + REC_STAMP_OFF, accessed_s - seg->base_s);
        return;
    }
    save_u16(rec + REC_STAMP_OFF, accessed_s);
    save_u16(rec + rec_stamp_high_off(form), accessed_s >> 16);
}

bool
rec_set_accessed(char *rec, const struct seg *seg, uint32_t accessed_s)
{
    if (UNLIKELY(!rec_is_wide(rec) && accessed_s - seg->base_s > UINT16_MAX))
        return false;
    save_accessed(rec, seg, accessed_s);
    return true;
}

/* --- Expiry --- */

static unsigned
expires_code(const struct seg *seg, uint32_t expires_s, bool full)
{
    uint32_t after = expires_s - seg->base_s;

    if (expires_s == STORE_NEVER)
        return EXPIRES_NONE;
    if (full || after >= NEVER_3)
        return EXPIRES_4;
    return after < NEVER_2 ? EXPIRES_2 : EXPIRES_3;
}

static void
save_expires(char *rec, const struct seg *seg, uint32_t expires_s)
{
    unsigned form = rec_form(rec);
    char *p = rec + rec_expires_off(form);
    uint32_t after = expires_s == STORE_NEVER ? UINT32_MAX : expires_s - seg->base_s;

    switch (rec_forms[form].expires) {
    case 2: save_u16(p, after); return;
    case 3: save_u24(p, after); return;
    case 4: save_u32(p, expires_s); return;
    }
}

uint32_t
rec_expires(const char *rec, const struct seg *seg)
{
    unsigned form = rec_form(rec);
    const char *p = rec + rec_expires_off(form);
    uint32_t after;

    switch (rec_forms[form].expires) {
    case 2: after = load_u16(p); return after == NEVER_2 ? STORE_NEVER : seg->base_s + after;
    case 3: after = load_u24(p); return after == NEVER_3 ? STORE_NEVER : seg->base_s + after;
    case 4: return load_u32(p);
    }
    return STORE_NEVER;
}

bool
rec_set_expires(char *rec, const struct seg *seg, uint32_t expires_s)
{
    unsigned code = expires_code(seg, expires_s, false);

    if (rec_fields(rec)->expires < EXPIRES_BYTES(code))
        return false;
    save_expires(rec, seg, expires_s);
    return true;
}

/* --- CAS --- */

/* How far CAS is from where a compact form's numbers begin at REC; its code is 1 more. */
static uint64_t
cas_after(const char *rec, const struct arena *arena, uint64_t cas)
{
    return cas - arena_expected_cas(arena, rec);
}

/* Where the numbers of a field of BYTES bytes begin. */
static uint64_t
cas_begin(const char *rec, const struct arena *arena, unsigned bytes)
{
    switch (bytes) {
    case 1: return arena_expected_cas(arena, rec) - REC_CAS_1_BELOW;
    case 2: return arena_expected_cas(arena, rec) - REC_CAS_2_BELOW;
    case 4: return arena_expected_cas(arena, rec) - REC_CAS_4_BELOW;
    }
    return 0;
}

/* Bytes of a field for one that is so far AFTER the expected one. */
static unsigned
cas_bytes_for(uint64_t after)
{
    if (LIKELY(after + REC_CAS_1_BELOW <= UINT8_MAX))
        return 1;
    if (after + REC_CAS_2_BELOW <= UINT16_MAX)
        return 2;
    return after + REC_CAS_4_BELOW <= UINT32_MAX ? 4 : 8;
}

/* Write it where P is, in the field of REC; returns what is behind it. */
static inline char *
put_cas(char *p, const char *rec, const struct arena *arena, uint64_t cas, unsigned form)
{
    unsigned bytes = rec_forms[form].cas;

    if (LIKELY(bytes == 1)) {
        *p = (char)(cas - (arena_expected_cas(arena, rec) - REC_CAS_1_BELOW));
        return p + 1;
    }
    cas -= cas_begin(rec, arena, bytes);
    switch (bytes) {
    case 2: save_u16(p, (uint32_t)cas); break;
    case 4: save_u32(p, (uint32_t)cas); break;
    case 8: save_u64(p, cas); break;
    }
    return p + bytes;
}

uint64_t
rec_cas(const char *rec, const struct arena *arena)
{
    unsigned form = rec_form(rec);
    unsigned bytes = rec_forms[form].cas;
    const char *p = rec + rec_cas_off(form);
    uint64_t begin = cas_begin(rec, arena, bytes);

    switch (bytes) {
    case 0:
        if (!rec_has_compact_cas(rec))
            return 0;
        return arena_expected_cas(arena, rec) + (form & COMPACT_CAS) - 1;
    case 1: return begin + (unsigned char)p[0];
    case 2: return begin + load_u16(p);
    case 4: return begin + load_u32(p);
    case 8: return load_u64(p);
    }
    return 0;
}

/* A record without one holds any. */
bool
rec_can_hold_cas(const char *rec, const struct arena *arena, uint64_t cas)
{
    unsigned bytes = rec_fields(rec)->cas;

    if (rec_has_compact_cas(rec))
        return cas_after(rec, arena, cas) < COMPACT_CAS;
    return bytes == 0 || bytes >= cas_bytes_for(cas_after(rec, arena, cas));
}

bool
rec_set_cas(char *rec, const struct arena *arena, uint64_t cas)
{
    unsigned form = rec_form(rec);

    if (!rec_can_hold_cas(rec, arena, cas))
        return false;
    if (rec_has_compact_cas(rec))
        rec[REC_FORM_OFF] =
            (char)((form & ~(unsigned)COMPACT_CAS) + (unsigned)cas_after(rec, arena, cas) + 1);
    else
        (void)put_cas(rec + rec_cas_off(form), rec, arena, cas, form);
    return true;
}

/* --- Client flags --- */

uint32_t
rec_client_flags(const char *rec)
{
    unsigned form = rec_form(rec);
    const char *p = rec + rec_flags_off(form);

    switch (rec_forms[form].flags) {
    case 1: return (unsigned char)p[0];
    case 2: return load_u16(p);
    case 4: return load_u32(p);
    }
    return 0;
}

/* --- A whole header --- */

struct rec_head
rec_read_head(const char *rec, const struct arena *arena)
{
    const struct seg *seg = arena_seg(arena, rec);

    return (struct rec_head){
        .key_len = rec_key_len(rec),
        .body_len = rec_body_len(rec),
        .info = rec_info(rec),
        .accessed_s = rec_accessed(rec, seg),
        .cas = rec_cas(rec, arena),
        .client_flags = rec_client_flags(rec),
        .expires_s = rec_expires(rec, seg),
    };
}

static unsigned
flags_code(uint32_t flags)
{
    if (flags == 0)
        return 0;
    return flags <= UINT8_MAX ? 1 : flags <= UINT16_MAX ? 2 : 3;
}

/* The part of a narrow or wide form that says how wide a CAS of BYTES is, and an expiry, by its code. */
static unsigned
cas_form(unsigned bytes, bool wide, unsigned expires)
{
    unsigned log2 = 31U - (unsigned)__builtin_clz(bytes | 1);
    unsigned code = bytes > 0 ? log2 + 1 : 0;

    if (LIKELY(!wide && bytes < 8))
        return code << FORM_CAS_SHIFT | expires << FORM_EXPIRES_SHIFT;
    if (bytes > 1)
        code = log2;
    return FORM_WIDE | code << FORM_CAS_SHIFT |
           (unsigned)(expires != EXPIRES_NONE) << FORM_EXPIRES_SHIFT;
}

/* Whether a compact form will do, as far as its expiry says; for a CAS that is none a byte more would be. */
static bool
may_be_compact(const struct rec_head *head, unsigned expires)
{
    return expires == EXPIRES_NONE || expires == EXPIRES_3 ||
           (expires == EXPIRES_2 && head->body_len > UINT8_MAX);
}

unsigned
rec_form_for(const char *rec, const struct arena *arena, const struct rec_head *head,
             const struct rec_widths *widths)
{
    const struct seg *seg = arena_seg(arena, rec);
    bool wide = widths->full || head->accessed_s - seg->base_s > UINT16_MAX;
    unsigned flags = flags_code(head->client_flags);
    unsigned expires = expires_code(seg, head->expires_s, widths->full);
    uint64_t after = widths->cas ? cas_after(rec, arena, head->cas) : 0;
    unsigned cas_bytes = 0;

    if (LIKELY(after < COMPACT_CAS && head->body_len <= COMPACT_LEN_MAX && !wide &&
               (head->cas_bytes_min == 0 || !widths->cas) && flags <= 1 &&
               may_be_compact(head, expires)))
        return FORM_COMPACT | (unsigned)(expires != EXPIRES_NONE) << FORM_EXPIRES_SHIFT |
               flags << COMPACT_FLAGS_SHIFT | head->body_len >> 8 << COMPACT_LEN_SHIFT |
               ((unsigned)after + widths->cas);
    if (widths->cas)
        cas_bytes = UNLIKELY(widths->full) ? 8 : cas_bytes_for(after);
    if (widths->cas && cas_bytes < head->cas_bytes_min)
        cas_bytes = head->cas_bytes_min;
    return cas_form(cas_bytes, wide, expires) | flags << FORM_FLAGS_SHIFT |
           (unsigned)(head->body_len > UINT8_MAX);
}

/* The fields that most items do not have; P is behind the CAS. */
static NOINLINE void
write_rare(char *p, const struct seg *seg, const struct rec_head *head, unsigned form)
{
    char *rec = p - rec_flags_off(form);

    switch (rec_forms[form].flags) {
    case 1: p[0] = (char)head->client_flags; break;
    case 2: save_u16(p, head->client_flags); break;
    case 4: save_u32(p, head->client_flags); break;
    }
    save_expires(rec, seg, head->expires_s);
}

void
rec_write_head(char *rec, const struct arena *arena, const struct rec_head *head, unsigned form)
{
    const struct seg *seg = arena_seg(arena, rec);
    const struct rec_form *fields = rec_forms + form;
    bool wide = form >= FORM_WIDE;
    char *p = rec + REC_FIXED_BYTES;

    rec[0] = (char)head->key_len;
    rec_set_info(rec, head->info);
    rec[REC_FORM_OFF] = (char)form;
    save_u16(rec + REC_STAMP_OFF, wide ? head->accessed_s : head->accessed_s - seg->base_s);
    rec[REC_VALUE_LEN_OFF] = (char)(head->body_len & 0xff);
    if (fields->header == REC_FIXED_BYTES)
        return;
    if (fields->len_mask > UINT8_MAX)
        *p++ = (char)(head->body_len >> 8);
    if (UNLIKELY(wide)) {
        save_u16(p, head->accessed_s >> 16);
        p += 2;
    }
    p = put_cas(p, rec, arena, head->cas, form);
    if (fields->flags + fields->expires != 0)
        write_rare(p, seg, head, form);
}

/* --- Counted, and dead --- */

/* Bytes of a record that are key and value; the rest is header. */
static uint32_t
rec_content_bytes(const char *rec)
{
    if (rec_is_piece(rec))
        return piece_len(rec);
    if ((rec_info(rec) & REC_LARGE) != 0)
        return rec_key_len(rec); /* the value is in the pieces */
    return rec_key_len(rec) + rec_body_len(rec);
}

void
record_account(struct store *store, const char *rec)
{
    uint32_t content = rec_content_bytes(rec);

    store->content_bytes += content;
    store->header_bytes += rec_bytes(rec) - content;
}

void
record_note_expiry(struct store *store, const char *rec)
{
    struct seg *seg = arena_seg(&store->arena, rec);
    uint32_t expires_s;

    if (LIKELY(!rec_has_expiry(rec)))
        return;
    expires_s = rec_expires(rec, seg);
    if (expires_s == STORE_NEVER)
        return;
    if (expires_s < seg->scan_s)
        seg->scan_s = expires_s;
    if (expires_s < store->ttl.due_s)
        store->ttl.due_s = expires_s;
}

void
record_die(struct store *store, char *rec)
{
    uint32_t bytes = rec_bytes(rec);
    uint32_t content = rec_content_bytes(rec);
    unsigned info = rec_info(rec);
    /* A scan that stands at the end of the segment must not find itself in a record. */
    bool scanned = arena_seg_of(&store->arena, rec) == store->ttl.seg;

    if (BROKEN((info & REC_DEAD) != 0))
        return;
    store->content_bytes -= content;
    store->header_bytes -= bytes - content;
    rec_set_info(rec, (info | REC_DEAD) & ~(unsigned)REC_PENDING);
    if ((info & REC_PENDING) != 0 && !scanned)
        arena_rewind(&store->arena, rec, bytes);
    else
        arena_forget(&store->arena, rec, bytes);
}
