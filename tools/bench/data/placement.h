/*
 * tools/bench/data/placement.h - which of several servers has a key, as the usual clients decide it.
 *
 *     ketama            libmemcached with MEMCACHED_BEHAVIOR_KETAMA, its hash as it is by default
 *                       (one at a time): 100 points a server
 *     ketama-weighted   with MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, where MD5 makes 160 points a server
 *     rendezvous        pymemcache's HashClient: the highest hash of server and key
 *     modula            libmemcached by default: the hash modulo the number of servers
 *     each              none shares its keys: each has all, and a load of its own
 *
 * A server's name on the ring is what the user wrote, so "localhost" and "127.0.0.1" are two, as they
 * are for the clients.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/net.h"
#include "lombard/base/attr.h"

enum placement_kind {
    PLACEMENT_KETAMA,
    PLACEMENT_KETAMA_WEIGHTED,
    PLACEMENT_RENDEZVOUS,
    PLACEMENT_MODULA,
    PLACEMENT_EACH,
};

enum { PLACEMENT_SERVERS_MAX = 64 };

struct placement_point {
    uint32_t hash;
    uint32_t server;
};

struct placement {
    enum placement_kind kind;
    uint32_t count; /* of servers */
    uint32_t weights[PLACEMENT_SERVERS_MAX];
    struct net_addr addrs[PLACEMENT_SERVERS_MAX];
    struct placement_point *points; /* of ketama, in order */
    uint32_t point_count;
};

/* False when there is none of that NAME. */
bool placement_find(const char *name, enum placement_kind *kind) MUST_USE;
const char *placement_name(enum placement_kind kind);
/* LIST is "addr,addr", of ketama-weighted perhaps "addr=weight,addr". NULL, or what is wrong; *BAD is the
 * address then. */
const char *placement_init(struct placement *p, enum placement_kind kind, const char *list,
                           const char **bad) MUST_USE;
void placement_fini(struct placement *p);
/* The server of a key. */
uint32_t placement_of(const struct placement *p, const char *key, size_t len);
