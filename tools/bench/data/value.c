/* Makes values that can be verified, and verifies them byte by byte. */
#include "data/value.h"

#include <string.h>

#include "data/rng.h"

/* The pool, then its beginning again: a short run never needs to wrap. */
enum { POOL_WRAP_BYTES = 4096, SHORT_MAX = 256, SHORT_POOL_BYTES = 4093 /* prime, too */ };

static unsigned char pool[VALUE_POOL_BYTES + POOL_WRAP_BYTES];

const char *
value_verdict_name(enum value_verdict verdict)
{
    switch (verdict) {
    case VALUE_GOOD:
    case VALUE_SHORT_GOOD: return "good";
    case VALUE_BAD_HEAD: return "wrong bytes (head)";
    case VALUE_BAD_KEY: return "value of another key";
    case VALUE_BAD_LENGTH: return "wrong length";
    case VALUE_BAD_FILLER: return "wrong bytes";
    case VALUE_BAD_PIECES: return "not what append and prepend made";
    }
    BUG("value_verdict out of range");
}

void
value_init(void)
{
    uint64_t state = UINT64_C(0x10b4d);

    for (size_t i = 0; i < VALUE_POOL_BYTES; i++)
        pool[i] = (unsigned char)(rng_splitmix(&state) >> 56);
    memcpy(pool + VALUE_POOL_BYTES, pool, POOL_WRAP_BYTES);
}

static inline uint64_t
fold(uint64_t a, uint64_t b)
{
    rng_wide product = (rng_wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t
id_hash(const struct value_id *id)
{
    uint64_t a = id->key ^ UINT64_C(0xa0761d6478bd642f);
    uint64_t b = ((uint64_t)id->version << 32 | id->writer) ^ UINT64_C(0xe7037ed1a0b428db);

    return fold(fold(a, b) ^ id->bytes, UINT64_C(0x8ebc6af09c88c6e3));
}

/* Short values are taken from a part of the pool that stays in the first cache: elsewhere fetching the bytes would
 * cost more than comparing them. */
static inline size_t
pool_start(uint64_t hash, size_t bytes)
{
    uint64_t part = bytes <= SHORT_MAX ? SHORT_POOL_BYTES : VALUE_POOL_BYTES;

    return (size_t)(((hash >> 32) * part) >> 32);
}

static inline size_t
short_start(uint64_t key)
{
    return pool_start(rng_mix(key), VALUE_POOL_BYTES); /* names its key by nothing else */
}

/* The pool is larger than the first cache; of a long value the rest is fetched while it is copied. */
void
value_prefetch(const struct value_id *id)
{
    if (id->bytes < VALUE_HEAD_BYTES)
        PREFETCH(pool + short_start(id->key));
    else
        PREFETCH(pool + pool_start(id_hash(id), id->bytes));
}

size_t
value_write_head(unsigned char *dst, const struct value_id *id)
{
    uint32_t check = (uint32_t)id_hash(id);

    if (id->bytes < VALUE_HEAD_BYTES) {
        memcpy(dst, pool + short_start(id->key), id->bytes);
        return id->bytes;
    }
    memcpy(dst, &id->key, 8);
    memcpy(dst + 8, &id->version, 4);
    memcpy(dst + 12, &id->writer, 4);
    memcpy(dst + 16, &id->bytes, 4);
    memcpy(dst + 20, &check, 4);
    return VALUE_HEAD_BYTES;
}

const unsigned char *
value_filler(const struct value_id *id, size_t off, size_t *len)
{
    size_t at =
        (pool_start(id_hash(id), id->bytes) + off - VALUE_HEAD_BYTES) % VALUE_POOL_BYTES;
    size_t run = sizeof(pool) - at;

    *len = run < id->bytes - off ? run : id->bytes - off;
    return pool + at;
}

const unsigned char *
value_piece_filler(uint64_t key, unsigned char letter, size_t off, size_t left, size_t *len)
{
    size_t at = (pool_start(rng_mix(key ^ (uint64_t)letter << 56), VALUE_POOL_BYTES) + off) %
                VALUE_POOL_BYTES;
    size_t run = sizeof(pool) - at;

    *len = run < left ? run : left;
    return pool + at;
}

void
value_write(unsigned char *dst, const struct value_id *id)
{
    size_t off = value_write_head(dst, id);

    while (off < id->bytes) {
        size_t len;
        const unsigned char *src = value_filler(id, off, &len);

        memcpy(dst + off, src, len);
        off += len;
    }
}

void
value_check_init(struct value_check *c, uint64_t key, size_t bytes)
{
    c->key = key;
    c->bytes = bytes;
    c->seen = 0;
    c->bad_off = 0;
    c->piece_bytes = 0;
    c->verdict = bytes < VALUE_HEAD_BYTES ? VALUE_SHORT_GOOD : VALUE_GOOD;
}

void
value_check_init_grown(struct value_check *c, uint64_t key, size_t bytes, uint32_t piece_bytes)
{
    value_check_init(c, key, bytes);
    c->piece_bytes = piece_bytes;
    c->prepends = 0;
    c->appends = 0;
    c->letter = 0;
    c->verdict = bytes > 0 && bytes % piece_bytes == 0 ? VALUE_SHORT_GOOD : VALUE_BAD_PIECES;
}

/* The hash of the head, in which the rest of the value begins. */
static inline uint64_t
check_head(struct value_check *c, const unsigned char *head)
{
    struct value_id *id = &c->id;
    uint64_t hash;
    uint32_t check;

    memcpy(&id->key, head, 8);
    memcpy(&id->version, head + 8, 4);
    memcpy(&id->writer, head + 12, 4);
    memcpy(&id->bytes, head + 16, 4);
    memcpy(&check, head + 20, 4);
    hash = id_hash(id);
    if (check != (uint32_t)hash)
        c->verdict = VALUE_BAD_HEAD;
    else if (id->key != c->key)
        c->verdict = VALUE_BAD_KEY;
    else if (id->bytes != c->bytes)
        c->verdict = VALUE_BAD_LENGTH;
    return hash;
}

/* Where two runs of bytes that differ begin to differ. */
static size_t
first_difference(const unsigned char *a, const unsigned char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i])
            return i;
    }
    return len;
}

/* memcmp() for what is often short: then a call costs more than comparing. */
static inline bool
same_bytes(const unsigned char *a, const unsigned char *b, size_t len)
{
    uint64_t x;
    uint64_t y;

    if (len > 64)
        return memcmp(a, b, len) == 0;
    for (; len >= 8; a += 8, b += 8, len -= 8) {
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        if (x != y)
            return false;
    }
    while (len > 0 && *a == *b) {
        a++;
        b++;
        len--;
    }
    return len == 0;
}

static inline void
check_run(struct value_check *c, const unsigned char *p, const unsigned char *want, size_t len)
{
    if (LIKELY(same_bytes(p, want, len)))
        return;
    c->verdict = VALUE_BAD_FILLER;
    c->bad_off = c->seen + first_difference(p, want, len);
}

static void
feed_short(struct value_check *c, const unsigned char *p, size_t len)
{
    check_run(c, p, pool + short_start(c->key) + c->seen, len);
    c->seen += len;
}

/* The head, or what there is of it; how many bytes were taken. */
static size_t
feed_head(struct value_check *c, const unsigned char *p, size_t len)
{
    size_t n = VALUE_HEAD_BYTES - c->seen;

    if (LIKELY(c->seen == 0 && len >= VALUE_HEAD_BYTES)) {
        c->seen = VALUE_HEAD_BYTES;
        (void)check_head(c, p);
        return VALUE_HEAD_BYTES;
    }
    if (n > len)
        n = len;
    memcpy(c->head + c->seen, p, n);
    c->seen += n;
    if (c->seen == VALUE_HEAD_BYTES)
        (void)check_head(c, c->head);
    return n;
}

/* The letter of the next piece: whether it may follow the one before. */
static bool
begin_piece(struct value_check *c, unsigned char letter)
{
    bool last = c->seen + c->piece_bytes == c->bytes;
    bool base_was = c->letter == VALUE_BASE || c->letter == VALUE_APPENDED;

    c->letter = letter;
    c->prepends += letter == VALUE_PREPENDED;
    c->appends += letter == VALUE_APPENDED;
    switch (letter) {
    case VALUE_PREPENDED: return !base_was && !last;
    case VALUE_BASE: return !base_was;
    case VALUE_APPENDED: return base_was;
    default: return false;
    }
}

static void
feed_grown(struct value_check *c, const unsigned char *p, size_t len)
{
    while (len > 0 && c->verdict == VALUE_SHORT_GOOD) {
        size_t off = c->seen % c->piece_bytes;
        size_t n = 1;

        if (off == 0) {
            if (!begin_piece(c, *p))
                c->verdict = VALUE_BAD_PIECES;
        } else {
            size_t left = c->piece_bytes - off < len ? c->piece_bytes - off : len;
            const unsigned char *want = value_piece_filler(c->key, c->letter, off, left, &n);

            check_run(c, p, want, n);
        }
        c->seen += n;
        p += n;
        len -= n;
    }
    c->seen += len;
}

/* All of a value that has a head, and whose filler is one run. */
static inline void
check_whole(struct value_check *c, const unsigned char *p)
{
    uint64_t hash = check_head(c, p);

    c->seen = VALUE_HEAD_BYTES;
    if (LIKELY(c->verdict == VALUE_GOOD))
        check_run(c, p + VALUE_HEAD_BYTES, pool + pool_start(hash, c->bytes),
                  c->bytes - VALUE_HEAD_BYTES);
    c->seen = c->bytes;
}

void
value_check_feed(struct value_check *c, const unsigned char *p, size_t len)
{
    BUG_ON(len > c->bytes - c->seen);
    if (LIKELY(len == c->bytes && len >= VALUE_HEAD_BYTES && len <= POOL_WRAP_BYTES &&
               c->piece_bytes == 0)) {
        check_whole(c, p);
        return;
    }
    if (UNLIKELY(c->piece_bytes > 0)) {
        feed_grown(c, p, len);
        return;
    }
    if (UNLIKELY(c->bytes < VALUE_HEAD_BYTES)) {
        feed_short(c, p, len);
        return;
    }
    if (c->seen < VALUE_HEAD_BYTES) {
        size_t n = feed_head(c, p, len);

        p += n;
        len -= n;
    }
    while (len > 0 && c->verdict == VALUE_GOOD) {
        size_t n;
        const unsigned char *want = value_filler(&c->id, c->seen, &n);

        if (n > len)
            n = len;
        check_run(c, p, want, n);
        c->seen += n;
        p += n;
        len -= n;
    }
    c->seen += len; /* after the first wrong byte the rest does not matter */
}
