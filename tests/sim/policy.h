/*
 * tests/sim/policy.h - worlds in which it is known what must happen to which client.
 *
 * Each begins after sim_begin(), and ends the world; it dies when the server does
 * something else.
 */
#pragma once

#include "rig.h"
#include "sim_sys.h"

void policy_refusal(void);
void policy_light(void);
void policy_closing(void);
void policy_waiting(void);
void policy_stall(void);

/* --- policy_tools.c: clients under full control --- */

struct sim_link *policy_connect(struct rig *rig);
/* Send all of it; the server takes it in, iteration by iteration. */
void policy_send(struct rig *rig, struct sim_link *link, const char *src, size_t bytes);
void policy_say(struct rig *rig, struct sim_link *link, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* "set KEY" with BYTES of value, of which SENT are sent. */
void policy_set(struct rig *rig, struct sim_link *link, const char *key, size_t bytes,
                size_t sent);
/* Iterations until a line has come, which is copied to DST without its end. */
int policy_line(struct rig *rig, struct sim_link *link, char *dst, size_t bytes);
/* Whether the server has closed or reset it; all that can be read is discarded. */
bool policy_is_closed(struct sim_link *link);
/* Let MS pass in steps of a tick. */
void policy_pass(struct rig *rig, uint32_t ms);
/* What `stats` or one of its groups says. */
struct policy_stats {
    char text[65536];
};

void policy_read_stats(struct rig *rig, const char *group, struct policy_stats *stats);
uint64_t policy_get(const struct policy_stats *stats, const char *name);
/* One number of it. */
uint64_t policy_stat(struct rig *rig, const char *group, const char *name);
/* Store values of BYTES under "PREFIX<number>" until COUNT are sent. */
void policy_fill(struct rig *rig, const char *prefix, uint32_t count, size_t bytes);

/* The log, from policy_log_begin() on. */
void policy_log_begin(void);
/* How many lines, written or suppressed, there were since; TEXT: those that say so. */
bool policy_log_has(const char *text);
void policy_log_end(void);
