/* Places keys on servers as libmemcached and pymemcache do. */
#include "data/placement.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/md5.h"
#include "lombard/base/num.h"
#include "lombard/base/slice.h"

enum {
    POINTS = 100,
    POINTS_WEIGHTED = 160,
    POINTS_A_HASH = 4, /* of weighted ketama: a digest has four */
    MEMCACHED_PORT = 11211,
};

static const char *const names[] = {"ketama", "ketama-weighted", "rendezvous", "modula",
                                    "each"};

bool
placement_find(const char *name, enum placement_kind *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *kind = (enum placement_kind)i;
            return true;
        }
    }
    return false;
}

const char *
placement_name(enum placement_kind kind)
{
    return names[kind];
}

/* Number I of the four in an MD5 digest. */
static uint32_t
md5_part(const char *text, size_t len, unsigned i)
{
    unsigned char digest[16];
    uint32_t v;

    md5(text, len, digest);
    memcpy(&v, digest + 4 * (size_t)i, sizeof(v));
    return le32toh(v);
}

/* Bob Jenkins's hash, one byte at a time. */
static uint32_t
one_at_a_time(const char *text, size_t len)
{
    uint32_t h = 0;

    for (size_t i = 0; i < len; i++) {
        h += (unsigned char)text[i];
        h += h << 10;
        h ^= h >> 6;
    }
    h += h << 3;
    h ^= h >> 11;
    return h + (h << 15);
}

/* "host:port", or "host" where the port is the default one: a server's name on the ring. */
static void
ring_name(const struct net_addr *addr, char *dst, size_t size)
{
    const char *colon = strrchr(addr->text, ':');
    size_t host_len = colon != NULL ? (size_t)(colon - addr->text) : strlen(addr->text);
    const char *port = colon != NULL ? colon + 1 : "11211";

    if (addr->text[0] == '/')
        (void)snprintf(dst, size, "%s:0", addr->text);
    else if (atoi(port) == MEMCACHED_PORT)
        (void)snprintf(dst, size, "%.*s", (int)host_len, addr->text);
    else
        (void)snprintf(dst, size, "%.*s:%s", (int)host_len, addr->text, port);
}

static int
by_hash(const void *a, const void *b)
{
    uint32_t x = ((const struct placement_point *)a)->hash;
    uint32_t y = ((const struct placement_point *)b)->hash;

    return x < y ? -1 : x > y;
}

/* How many digests server number I has on the ring. */
static uint32_t
digests_of(const struct placement *p, uint32_t i)
{
    uint32_t total = 0;
    float share;

    if (p->kind == PLACEMENT_KETAMA)
        return POINTS;
    for (uint32_t k = 0; k < p->count; k++)
        total += p->weights[k];
    /* In single precision, as libmemcached. */
    share = (float)p->weights[i] / (float)total;
    return (uint32_t)floorf(share * POINTS_WEIGHTED / POINTS_A_HASH * (float)p->count +
                            0.0000000001F);
}

static bool
make_ring(struct placement *p)
{
    unsigned parts = p->kind == PLACEMENT_KETAMA ? 1 : POINTS_A_HASH;
    uint64_t size = 0;

    for (uint32_t i = 0; i < p->count; i++)
        size += (uint64_t)digests_of(p, i) * parts;
    p->points = calloc(size + 1, sizeof(*p->points));
    if (p->points == NULL)
        return false;
    for (uint32_t i = 0; i < p->count; i++) {
        char name[sizeof(p->addrs[i].text) + 16];

        ring_name(&p->addrs[i], name, sizeof(name));
        for (uint32_t k = 0; k < digests_of(p, i); k++) {
            char text[sizeof(name) + 16];
            int len = snprintf(text, sizeof(text), "%s-%u", name, k);

            for (unsigned part = 0; part < parts; part++)
                p->points[p->point_count++] =
                    (struct placement_point){parts == 1 ? one_at_a_time(text, (size_t)len)
                                                        : md5_part(text, (size_t)len, part),
                                             i};
        }
    }
    qsort(p->points, p->point_count, sizeof(*p->points), by_hash);
    return true;
}

/* "addr" or "addr=weight", of LEN bytes. NULL, or what is wrong with it. */
static const char *
add_server(struct placement *p, const char *word, size_t len)
{
    const char *why = NULL;
    char text[sizeof(p->addrs->text)];
    char *equals;

    if (p->count == PLACEMENT_SERVERS_MAX)
        return "more than 64 servers";
    if (len == 0 || len >= sizeof(text))
        return "an address is empty or too long";
    memcpy(text, word, len);
    text[len] = '\0';
    p->weights[p->count] = 1;
    equals = strrchr(text, '=');
    if (equals != NULL && p->kind == PLACEMENT_KETAMA_WEIGHTED) {
        const char *digits = equals + 1;

        *equals = '\0';
        if (!num_parse_u32(slice_make(digits, strlen(digits)), &p->weights[p->count]) ||
            p->weights[p->count] == 0 || p->weights[p->count] > 1000)
            return "a weight is a number from 1 to 1000";
    }
    if (!net_resolve(text, &p->addrs[p->count], &why))
        return why;
    p->count++;
    return NULL;
}

const char *
placement_init(struct placement *p, enum placement_kind kind, const char *list,
               const char **bad)
{
    memset(p, 0, sizeof(*p));
    p->kind = kind;
    for (const char *next = list; next != NULL;) {
        size_t len = strcspn(next, ",");
        const char *why = add_server(p, next, len);

        *bad = next;
        if (why != NULL)
            return why;
        next = next[len] == ',' ? next + len + 1 : NULL;
    }
    if (kind == PLACEMENT_KETAMA || kind == PLACEMENT_KETAMA_WEIGHTED)
        return make_ring(p) ? NULL : "out of memory";
    return NULL;
}

void
placement_fini(struct placement *p)
{
    free(p->points);
    p->points = NULL;
}

static uint32_t
rotate(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

/* MurmurHash3 of 32 bits (x86), seed 0. */
static uint32_t
murmur3(const char *text, size_t len)
{
    uint32_t h = 0;

    for (size_t off = 0; off < len; off += 4) {
        uint32_t k = 0;

        memcpy(&k, text + off, len - off < 4 ? len - off : 4);
        k = rotate(le32toh(k) * UINT32_C(0xcc9e2d51), 15) * UINT32_C(0x1b873593);
        h ^= k;
        if (len - off >= 4)
            h = rotate(h, 13) * 5 + UINT32_C(0xe6546b64);
    }
    h ^= (uint32_t)len;
    h = (h ^ h >> 16) * UINT32_C(0x85ebca6b);
    h = (h ^ h >> 13) * UINT32_C(0xc2b2ae35);
    return h ^ h >> 16;
}

/* The server whose hash with the key is the highest; of two that are, the later name. */
static uint32_t
highest_of(const struct placement *p, const char *key, size_t len)
{
    uint32_t best = 0;
    uint32_t best_hash = 0;

    for (uint32_t i = 0; i < p->count; i++) {
        char text[1024];
        const char *name = p->addrs[i].text;
        const char *port = name[0] == '/' || strchr(name, ':') != NULL ? "" : ":11211";
        int n = snprintf(text, sizeof(text), "%s%s-%.*s", name, port, (int)len, key);
        uint32_t hash = murmur3(text, (size_t)n);

        if (i == 0 || hash > best_hash ||
            (hash == best_hash && strcmp(name, p->addrs[best].text) > 0)) {
            best = i;
            best_hash = hash;
        }
    }
    return best;
}

/* The server of the first point that is not below the key's. */
static uint32_t
on_ring(const struct placement *p, uint32_t hash)
{
    uint32_t low = 0;
    uint32_t high = p->point_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (p->points[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return p->points[high < p->point_count ? high : 0].server;
}

uint32_t
placement_of(const struct placement *p, const char *key, size_t len)
{
    switch (p->kind) {
    case PLACEMENT_KETAMA: return on_ring(p, one_at_a_time(key, len));
    case PLACEMENT_KETAMA_WEIGHTED: return on_ring(p, md5_part(key, len, 0));
    case PLACEMENT_RENDEZVOUS: return highest_of(p, key, len);
    case PLACEMENT_MODULA: return one_at_a_time(key, len) % p->count;
    case PLACEMENT_EACH: return 0;
    }
    BUG("placement_kind out of range");
}
