/*
 * tests/unit/cmd/rig.h - commands without a protocol: requests made by hand.
 */
#pragma once

#include <check.h>
#include <stdbool.h>

#include "lombard/cmd/cmd.h"
#include "lombard/store/store.h"

/* One cmd on a small store, and its clock, which stands still. */
struct rig {
    struct clock clock;
    struct store *store;
    struct stat_registry stats;
    struct cmd *cmd;
    struct session session;
    struct reply reply; /* of the last command */
};

struct rig_config {
    struct store_config store;
    struct cmd_config cmd;
};

/* The Unix second at which the clock stands still. */
#define RIG_START_UNIX_S INT64_C(1700000000)

void rig_create(struct rig *rig);
/* Likewise, with these settings; the clock is filled in. */
void rig_create_with(struct rig *rig, const struct rig_config *config);
struct rig_config rig_config(void);
void rig_destroy(struct rig *rig);

/* Let so many seconds pass. */
void rig_sleep(struct rig *rig, uint32_t s);

/* A request for KEY; the rest is the caller's to fill. */
struct request rig_request(enum request_op op, const char *key);
/* Let REQ ask for what the flags of a meta command mean; their arguments are the caller's to fill. */
void rig_ask(struct request *req, const char *letters);
/* Hash, prefetch and execute; returns the status of rig->reply. */
enum reply_status rig_run(struct rig *rig, struct request *req);

/* Whole commands; each returns the reply's status. */
enum reply_status rig_do(struct rig *rig, enum request_op op, const char *key);
enum reply_status rig_store(struct rig *rig, enum request_op op, const char *key,
                            const char *value);
/* With an exptime. */
enum reply_status rig_store_until(struct rig *rig, const char *key, const char *value,
                                  int64_t exptime);
enum reply_status rig_arith(struct rig *rig, enum request_op op, const char *key,
                            uint64_t delta);

/* Check that KEY has VALUE; NULL: that it is not there. */
void rig_expect(struct rig *rig, const char *key, const char *value);
/* Where byte OFF of an upload goes, in as many steps as it takes. */
struct span rig_upload_at(struct rig *rig, void *handle, uint64_t off);
/* The value of a line of `stats GROUP`, or UINT64_MAX when there is no such line. */
uint64_t rig_stat(struct rig *rig, const char *group, const char *name);
