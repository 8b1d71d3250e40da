/*
 * tests/sim/client.h - clients that misbehave on the wire and believe nothing.
 *
 * A client has keys of its own, which it models exactly, and reads and writes a
 * few keys that all share, whose values say themselves what they must be. It
 * pipelines, sends in pieces, reads late, stalls, breaks off, and compares every
 * byte that comes back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"
#include "sim_sys.h"

enum { SHARED_KEYS = 6 };

/* The world as its clients see it. */
struct arena {
    struct world_facts facts;
    int listen_fd;
    bool may_close;       /* the server may close on a client that did nothing wrong */
    bool may_reject;      /* more clients than connections */
    uint32_t kill_one_in; /* actions: break the connection off */
    uint32_t item_bytes_max;
    uint32_t value_bytes;                  /* values are mostly this long at most */
    uint32_t shared_versions[SHARED_KEYS]; /* the latest that was ever sent */
    uint32_t next_identity;
    uint64_t connections;
    uint64_t commands; /* answered, or executed silently */
    uint64_t reply_bytes;
    uint64_t lost_connections;
};

struct client;

struct client *client_create(struct arena *arena) MUST_USE;
void client_destroy(struct client *client);

/* Before a turn: connect, think of commands, send some bytes, or make trouble. */
void client_act(struct client *client);
/* After a turn: read, and check what came. */
void client_read(struct client *client);
/* From now on no new commands and no more trouble: send all, read all. */
void client_settle(struct client *client);
/* Whether every command was answered and every byte sent. */
bool client_is_settled(const struct client *client);
/* A tidy goodbye. */
void client_hang_up(struct client *client);
/* For sim_die(): what it waits for. */
void client_describe(const struct client *client, char *dst, size_t bytes);
