/*
 * tests/unit/conn/rig.h - a server on a unix socket, whose loop the test runs, and its clients.
 *
 * Every iteration is followed by server_check(). rig_stop() demands that nothing is left
 * when all clients have hung up.
 */
#pragma once

#include "leak.h"
#include "lombard/conn/server.h"
#include "server_state.h"

enum { CLIENTS = 100, OUT_BYTES = 4 * 1024 * 1024 };

/* What a test wants otherwise: set before rig_start(), back to the defaults at its end. */
struct rig_options {
    bool watch_disabled; /* -W */
    bool shutdown_enabled;
    bool refuse_when_full; /* -M */
    bool admin_flush;
    uint64_t limit_bytes;
    const struct passwords *passwords;
    struct server_config server;
};

extern struct rig_options rig_options;
extern struct server *server;
extern bool rig_breaks_invariants; /* on purpose: else a release build must have counted none */
extern int clients[CLIENTS];       /* descriptors, or -1 */
extern char out[OUT_BYTES];        /* what hear() heard */

void rig_start(void);
void rig_stop(void);
/* Destroy the server as it is, then hang up. */
void rig_kill(void);

void iterate(int count);
/* Iterate, waiting for time to pass, until the server has closed COUNT for REASON. */
void iterate_until_closed(enum close_reason reason, uint64_t count);

void dial(int i);
/* To a listener for ROLE, which there is from the first such call on. */
void dial_role(int i, enum session_role role);
void hang_up(int i);
/* Send all of it, however many iterations it takes. */
void say_bytes(int i, const char *bytes, size_t len);
void say(int i, const char *text);
/* Send what the socket takes; the loop does not run. */
void whisper(int i, const char *text);
/* Everything the server has to say now, NUL-terminated in `out`; how many bytes. */
size_t hear(int i);
void expect(int i, const char *want);
bool is_closed(int i);

/* Letters that tell their place, and SEED. */
void fill(char *bytes, size_t len, unsigned seed);
/* Client I stores such a value of LEN bytes. */
void store_value(int i, const char *key, size_t len);
/* Client I asks for KEY so often that it stalls, and does not read. */
void stall_on(int i, const char *key);

/* As if all connections had stalled and been silent for MS more. */
void age_all(uint32_t ms);
/* As if all had stalled just now, in the same order, however slow this machine is. */
void renew_all(void);
/* How often TEXT is in `out`. */
int heard_times(const char *text);

uint64_t lent(void);
/* The server's side of the connection that was accepted as the N-th still open. */
struct conn *conn_at(int n);
