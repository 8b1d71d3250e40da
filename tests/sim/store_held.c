/*
 * tests/sim/store_held.c - how many items a store holds, and where its bytes are.
 *
 *     store_held [MB [NAME]]     1024 megabytes, if not said otherwise; only rows whose name begins so
 *
 * For each kind of item a store is filled to twice its limit and a half, as `lombard-bench --fill`
 * does it; all keys have 16 bytes. Prints the items held and, in bytes an item: all that comes on
 * top of key and value; of that headers, the index, what is dead (the ends of segments), and
 * what is free or open.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lombard/base/attr.h"
#include "lombard/store/store.h"

enum { KEY_BYTES = 16, VALUE_MAX = 1000, NOW_S = 100 };

struct row {
    const char *name;
    uint32_t value_bytes;
    bool no_cas;
    uint32_t client_flags;
    uint32_t ttl_s;
};

static const struct row rows[] = {
    {"32 B", 32, false, 0, 0},
    {"100 B", 100, false, 0, 0},
    {"1000 B", 1000, false, 0, 0},
    {"32 B, without CAS", 32, true, 0, 0},
    {"100 B, without CAS", 100, true, 0, 0},
    {"1000 B, without CAS", 1000, true, 0, 0},
    {"1000 B, client flags", 1000, false, 5, 0},
    {"1000 B, TTL of an hour", 1000, false, 0, 3600},
    {"1000 B, TTL of a day", 1000, false, 0, 86400},
    {"1000 B, flags and a day", 1000, false, 5, 86400},
    {"100 B, client flags", 100, false, 5, 0},
    {"100 B, TTL of an hour", 100, false, 0, 3600},
    {"100 B, TTL of a day", 100, false, 0, 86400},
    {"100 B, flags and TTL", 100, false, 5, 3600},
    {"100 B, flags and a day", 100, false, 5, 86400},
};

static void
set(struct store *store, const struct row *row, uint64_t number)
{
    static const char value[VALUE_MAX];
    char key[32];
    struct item_spec spec = {
        .key = {key, KEY_BYTES},
        .value_bytes = row->value_bytes,
        .client_flags = row->client_flags,
        .expires_s = row->ttl_s != 0 ? NOW_S + row->ttl_s : STORE_NEVER,
    };
    uint64_t cas;

    (void)snprintf(key, sizeof(key), "key-%012" PRIu64, number);
    spec.hash = store_hash(store, spec.key);
    if (store_put(store, &spec, slice_make(value, row->value_bytes), 0, &cas) != RESERVE_OK)
        BUG("an item is refused");
}

static void
measure(const struct row *row, uint64_t limit_bytes)
{
    struct store_config config = {
        .limit_bytes = limit_bytes,
        .limit_bytes_max = limit_bytes * 256,
        .item_bytes_max = 1024 * 1024,
        .evict = true,
        .with_cas = !row->no_cas,
        .hash_key = {1, 2},
    };
    uint64_t count = limit_bytes * 5 / 2 / (KEY_BYTES + row->value_bytes);
    struct store *store = store_create(&config);
    struct store_layout l;
    double items;

    BUG_ON(store == NULL);
    store_set_time(store, NOW_S);
    for (uint64_t i = 0; i < count; i++)
        set(store, row, i);
    store_layout(store, &l);
    items = (double)l.items;
    printf("%-24s %10" PRIu64
           " items  %6.2f = %5.2f header + %5.2f index + %5.2f dead + %5.2f free\n",
           row->name, l.items, (double)limit_bytes / items - KEY_BYTES - row->value_bytes,
           (double)l.header_bytes / items, (double)l.index_bytes / items,
           (double)l.dead_bytes / items, (double)l.free_bytes / items);
    (void)fflush(stdout);
    store_destroy(store);
}

int
main(int argc, char **argv)
{
    uint64_t mb = argc > 1 ? strtoull(argv[1], NULL, 10) : 1024;
    const char *begin = argc > 2 ? argv[2] : "";

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strncmp(rows[i].name, begin, strlen(begin)) == 0)
            measure(rows + i, mb << 20);
    return EXIT_SUCCESS;
}
