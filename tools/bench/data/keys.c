/* Names of keys, and whether a version that was read may still be there. */
#include "data/keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/rng.h"

enum { HUGE_BYTES_MIN = 4 * 1024 * 1024 };

const char *
keys_verdict_name(enum keys_verdict verdict)
{
    switch (verdict) {
    case KEYS_GOOD: return "good";
    case KEYS_FOREIGN: return "written by another run";
    case KEYS_STALE: return "stale: overwritten before the read was sent";
    case KEYS_NEVER_WRITTEN: return "version never written";
    }
    BUG("keys_verdict out of range");
}

/* A key is drawn anywhere in its list: with small pages most draws are not in the TLB either. What is not
 * granted costs time only. */
static void
ask_for_huge_pages(void *list, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t off = (uintptr_t)list % page;

    if (bytes >= HUGE_BYTES_MIN)
        (void)madvise((char *)list - off, bytes + off, MADV_HUGEPAGE);
}

bool
keys_init(struct keys *k, uint64_t count, const struct sizes *sizes, uint64_t seed)
{
    memset(k, 0, sizeof(*k));
    k->states = calloc(count, sizeof(*k->states));
    if (k->states == NULL)
        return false;
    ask_for_huge_pages(k->states, count * sizeof(*k->states));
    k->count = count;
    k->sizes = *sizes;
    k->seed = seed;
    return true;
}

bool
keys_reserve(struct keys *k, uint64_t count)
{
    struct key_state *states;

    if (LIKELY(count <= k->count))
        return true;
    if (count < 2 * k->count)
        count = 2 * k->count;
    states = realloc(k->states, count * sizeof(*states));
    if (states == NULL)
        return false;
    memset(states + k->count, 0, (count - k->count) * sizeof(*states));
    k->states = states;
    k->count = count;
    return true;
}

void
keys_fini(struct keys *k)
{
    if (k->borrowed)
        return;
    if (k->together != NULL) {
        together_unmap(k->states, k->count * sizeof(*k->states));
        together_unmap(k->lost, sizeof(*k->lost));
        together_unmap(k->together, sizeof(*k->together));
        k->together = NULL;
    } else {
        free(k->states);
        free(k->lost);
    }
    k->states = NULL;
    k->lost = NULL;
}

bool
keys_share(struct keys *k)
{
    free(k->states);
    k->together = together_map(sizeof(*k->together));
    k->states = together_map(k->count * sizeof(*k->states));
    k->lost = together_map(sizeof(*k->lost));
    return k->together != NULL && k->states != NULL && k->lost != NULL;
}

void
keys_join(struct keys *k, const struct keys *parent)
{
    keys_fini(k);
    *k = *parent;
    k->borrowed = true;
}

uint32_t
keys_digits(uint64_t count)
{
    uint32_t digits = 1;

    while (digits < 16 && (count - 1) >> (4 * digits) != 0)
        digits++;
    return digits;
}

/* Eight hexadecimal digits of X as one word that lies in memory in their order. */
static inline uint64_t
hex8(uint32_t x)
{
    uint64_t v = x;
    uint64_t above_nine;

    /* Spread the nibbles over the bytes of one word, the first digit lowest. */
    v = (v & 0xffff) << 32 | v >> 16;
    v = (v & UINT64_C(0x000000ff000000ff)) << 16 | (v & UINT64_C(0x0000ff000000ff00)) >> 8;
    v = (v & UINT64_C(0x000f000f000f000f)) << 8 | (v & UINT64_C(0x00f000f000f000f0)) >> 4;
    above_nine = ((v + UINT64_C(0x0606060606060606)) >> 4) & UINT64_C(0x0101010101010101);
    v += UINT64_C(0x3030303030303030) + above_nine * ('a' - '0' - 10);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

#define EIGHT_K UINT64_C(0x6b6b6b6b6b6b6b6b) /* what fills a name up */

static inline size_t
name_length(const struct keys *k, uint64_t key)
{
    if (LIKELY(k->sizes.max == k->sizes.min))
        return k->sizes.min;
    if (k->lengths != NULL)
        return k->lengths[key];
    return sizes_pick(&k->sizes, rng_mix(key ^ k->seed));
}

size_t
keys_name(const struct keys *k, uint64_t key, char *dst)
{
    static const uint64_t filler = EIGHT_K;
    size_t len = name_length(k, key);
    uint64_t digits = hex8((uint32_t)key);

    if (LIKELY(len >= 8)) {
        /* Words that end where digits begin, or later: the digits go over them. */
        for (size_t off = 0; off < len - 8; off += 8)
            memcpy(dst + off, &filler, 8);
        memcpy(dst + len - 8, &digits, 8);
    } else {
        memcpy(dst, (const char *)&digits + 8 - len, len);
    }
    return len;
}

size_t
keys_match(const struct keys *k, uint64_t key, const char *p, size_t len)
{
    size_t name_len = name_length(k, key);
    uint64_t digits = hex8((uint32_t)key);
    uint64_t word;
    uint64_t differs = 0;

    if (UNLIKELY(len < name_len))
        return 0;
    if (UNLIKELY(name_len < 8))
        return memcmp(p, (const char *)&digits + 8 - name_len, name_len) == 0 ? name_len : 0;
    memcpy(&word, p + name_len - 8, 8);
    differs = word ^ digits;
    if (LIKELY(name_len >= 16)) {
        for (size_t off = 0; off + 16 <= name_len; off += 8) {
            memcpy(&word, p + off, 8);
            differs |= word ^ EIGHT_K;
        }
        memcpy(&word, p + name_len - 16, 8); /* overlaps where the length is no multiple of 8 */
        differs |= word ^ EIGHT_K;
    } else {
        for (size_t off = 0; off < name_len - 8; off++)
            differs |= (uint64_t)(p[off] ^ 'k');
    }
    return differs == 0 ? name_len : 0;
}

static uint32_t
lost_count(const struct keys *k)
{
    return k->lost == NULL ? 0 : __atomic_load_n(&k->lost->count, __ATOMIC_RELAXED);
}

void
keys_lose(struct keys *k, uint64_t key, uint32_t version)
{
    uint32_t i;

    if (k->lost == NULL)
        k->lost = calloc(1, sizeof(*k->lost));
    if (k->lost == NULL || lost_count(k) >= KEYS_LOST_MAX)
        return; /* not settled: the oldest version stays below it */
    i = __atomic_fetch_add(&k->lost->count, 1, __ATOMIC_RELAXED);
    if (i >= KEYS_LOST_MAX)
        return;
    k->lost->list[i] = (struct lost_store){(uint32_t)key, version};
    keys_abandon(k, key, version);
}

static bool
is_lost(const struct keys *k, uint64_t key, uint32_t version)
{
    for (uint32_t i = 0; i < lost_count(k) && i < KEYS_LOST_MAX; i++) {
        if (k->lost->list[i].key == key && k->lost->list[i].version == version)
            return true;
    }
    return false;
}

enum keys_verdict
keys_judge(const struct keys *k, const struct value_id *id, uint32_t oldest)
{
    if (UNLIKELY(id->writer != k->writer))
        return oldest == 0 || k->shared ? KEYS_FOREIGN : KEYS_STALE;
    if (UNLIKELY(id->version > __atomic_load_n(&k->states[id->key].issued, __ATOMIC_RELAXED) ||
                 id->version == 0))
        return KEYS_NEVER_WRITTEN;
    if (LIKELY(id->version >= oldest))
        return KEYS_GOOD;
    return is_lost(k, id->key, id->version) ? KEYS_GOOD : KEYS_STALE;
}
