/*
 * tests/sim/client.h - clients that misbehave on the wire and believe nothing.
 *
 * A client has keys of its own, which it models exactly, and reads and writes a
 * few keys that all share, whose values say themselves what they must be. It
 * speaks classic text, meta or both, or the binary protocol, another one with
 * each connection; it pipelines, sends in pieces, reads late, stalls, breaks off,
 * and compares every byte that comes back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "habits.h"
#include "model.h"
#include "sim_sys.h"

enum { SHARED_KEYS = 6 };

enum wire { WIRE_CLASSIC, WIRE_META, WIRE_BINARY };

enum { WIRES = WIRE_BINARY + 1 };

/* Each connection is one of the first three. */
struct connection_counts {
    uint64_t served;   /* had a command answered */
    uint64_t rejected; /* were told that there are too many */
    uint64_t unheard;  /* nothing was asked, or nothing came back */
    uint64_t broken;   /* of those served: killed, reset, or closed by the server */
};

/* The world as its clients see it. */
struct client_world {
    struct world_facts facts;
    struct habits habits;
    int listen_fd;
    bool may_close;       /* the server may close on a client that did nothing wrong */
    bool may_reject;      /* more clients than connections */
    uint32_t kill_one_in; /* actions: break the connection off */
    uint32_t item_bytes_max;
    uint32_t value_bytes;                  /* values are mostly this long at most */
    uint32_t shared_versions[SHARED_KEYS]; /* the latest that was ever sent */
    uint32_t next_identity;
    uint64_t commands[WIRES]; /* answered, or executed silently */
    uint64_t reply_bytes;
    struct connection_counts connections;
};

struct client;

struct client *client_create(struct client_world *world) MUST_USE;
void client_destroy(struct client *client);

/* Before a iteration: connect, think of commands, send some bytes, or make trouble. */
void client_act(struct client *client);
/* After a iteration: read, and check what came. */
void client_read(struct client *client);
/* From now on no new commands and no more trouble: send all, read all. */
void client_settle(struct client *client);
/* Whether every command was answered and every byte sent. */
bool client_is_settled(const struct client *client);
/* For sim_die(): what it waits for. */
void client_describe(const struct client *client, char *dst, size_t bytes);
