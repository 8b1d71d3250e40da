/*
 * src/cmd/cmd_priv.h - what the files of this layer share.
 *
 *     cmd.c              executes a request by its handler
 *     cmd_admin.c cmd_auth.c cmd_item.c cmd_meta.c cmd_store.c cmd_stats.c cmd_dump.c
 *     cmd_number.c cmd_join.c cmd_export.c
 *     cmd_prefix.c cmd_classes.c cmd_hot.c
 *     cmd_value.c cmd_time.c cmd_pin.c cmd_big.c
 *
 * Each uses only those in the rows below its own.
 */
#pragma once

#include <stddef.h>
#include <string.h>

#include "lombard/cmd/cmd.h"
#include "lombard/store/store.h"

struct cmd_counters {
#define STAT(name, kind, unit, help) uint64_t name;
#include "lombard/cmd/cmd_stats.def"
#undef STAT
    uint64_t none; /* of operations without a counter of their own; not shown */
};

struct hot;
struct big_keys;

/* `stats detail`: how often keys with each prefix were asked for. */
struct cmd_prefixes {
    struct prefix *entries; /* limit of them, in the order in which they came; NULL: none */
    uint32_t *slots;        /* by hash: 1 + the number of an entry, or 0 */
    uint32_t count, limit, mask;
    size_t map_bytes; /* of both */
    uint64_t uncounted;
    char delimiter;
    bool on;
};

struct cmd {
    uint32_t hot_gap;   /* cmd_hot.c: requests before the next one that is to be looked at */
    uint64_t big_bytes; /* cmd_big.c: a value of more is one of the largest */
    struct hot *hot;
    struct big_keys *big;
    struct store *store;
    const struct clock *clock;
    struct cmd_counters stats;
    struct cmd_prefixes prefixes;
    struct cmd_config config;
    cmd_on_evict_fn *on_evict; /* or NULL */
    void *on_evict_ctx;
    bool stopping; /* the server is shutting down */
};

/* Executes one command. *REPLY is as cmd_clear() leaves it, which is REPLY_NOTHING. */
typedef void cmd_fn(struct cmd *cmd, struct session *session, const struct request *req,
                    struct reply *reply);

/*
 * The handlers, in cmd_admin.c, cmd_item.c, cmd_number.c, cmd_store.c, cmd_meta.c, cmd_stats.c,
 * cmd_export.c and cmd_dump.c.
 */
#define OP(NAME, handler, kind, commit, counter, properties) cmd_fn cmd_##handler;
#include "lombard/proto/op.def"
#undef OP

/* All but the text is zero. */
static inline void
cmd_clear(struct reply *reply)
{
    memset(reply, 0, offsetof(struct reply, text_bytes));
}

/* --- cmd_prefix.c --- */

/* False: no memory. */
bool cmd_prefixes_init(struct cmd_prefixes *prefixes, const struct cmd_config *config) MUST_USE;
void cmd_prefixes_fini(struct cmd_prefixes *prefixes);
void cmd_prefixes_reset(struct cmd_prefixes *prefixes);
/* Count REQ with its key's prefix, where that is on and it is a get, a store or a delete. */
void cmd_prefix_count(struct cmd *cmd, const struct request *req, bool hit);
void cmd_add_prefix_stats(struct cmd *cmd, struct stat_registry *registry);

static inline void
cmd_count_op(struct cmd *cmd, enum request_op op)
{
    static const uint16_t counter_off[] = {
#define OP(NAME, handler, kind, commit, counter, properties)                                   \
    [OP_##NAME] = offsetof(struct cmd_counters, counter),
#include "lombard/proto/op.def"
#undef OP
    };
    char *counters = (char *)&cmd->stats;

    *(uint64_t *)(void *)(counters + counter_off[op]) += 1;
}

/* REQ was answered with STATUS. Where that is for good, its operation is counted. */
static inline void
cmd_count(struct cmd *cmd, const struct request *req, enum reply_status status)
{
    const uint64_t for_good =
        ~(UINT64_C(1) << REPLY_OUT_OF_MEMORY | UINT64_C(1) << REPLY_TOO_LARGE |
          UINT64_C(1) << REPLY_JOIN | UINT64_C(1) << REPLY_INTERNAL);

    if (UNLIKELY((for_good >> status & 1) == 0))
        return;
    cmd_count_op(cmd, req->op);
    if (UNLIKELY(cmd->prefixes.on))
        cmd_prefix_count(cmd, req, status == REPLY_HIT);
}

/* cmd_classes.c: stats items, slabs and sizes. */
void cmd_add_class_stats(struct cmd *cmd, struct stat_registry *registry);

/* --- cmd_hot.c: which keys are asked for, missed and sent most --- */

enum hot_list_kind { HOT_REQUESTS, HOT_BYTES, HOT_MISSES };

enum { HOT_LISTS = HOT_MISSES + 1 };

bool cmd_hot_init(struct cmd *cmd) MUST_USE;
void cmd_hot_fini(struct cmd *cmd);
/* Whether GROUP of statistics is one that lists keys. */
bool cmd_is_hot_group(struct slice group);
void cmd_add_hot_stats(struct cmd *cmd, struct stat_registry *registry);
/* In the background, as often as it comes. */
void cmd_hot_work(struct cmd *cmd);

/* --- cmd_big.c: which keys have the largest values --- */

bool cmd_big_init(struct cmd *cmd) MUST_USE;
void cmd_big_fini(struct cmd *cmd);
/* REQ's key has a value of BYTES bytes. */
void cmd_big_note_any(struct cmd *cmd, const struct request *req, uint64_t bytes);
/* Compare one of them with the store, another one each time: what has gone makes room. */
void cmd_big_check(struct cmd *cmd);
/* The bytes of KEY as in a URI. */
void cmd_put_key(struct stat_value *value, struct slice key);

/* Likewise, where most are too short to be looked at. */
static inline void
cmd_big_note(struct cmd *cmd, const struct request *req, uint64_t bytes)
{
    if (UNLIKELY(bytes > cmd->big_bytes))
        cmd_big_note_any(cmd, req, bytes);
}

extern const struct stat_section cmd_big_stats;

/* --- cmd_time.c --- */

/* The second that EXPTIME, as a client sends it, means; or STORE_NEVER. */
uint32_t cmd_expires_s(const struct cmd *cmd, int64_t exptime);
/* Seconds left until then, and never less than 0; -1: no end. */
int64_t cmd_ttl_s(const struct cmd *cmd, uint32_t expires_s);
/* A second of the cache as one of the epoch. */
int64_t cmd_unix_s(const struct cmd *cmd, uint32_t s);
/*
 * When what was stored until then goes; 0: now. A time of day before this process began is no
 * time for memcached: nothing goes, and neither does what an earlier flush had announced.
 */
uint32_t cmd_flush_at_s(const struct cmd *cmd, int64_t exptime);
/* Show ITEM in a reply. */
void cmd_show_item(const struct cmd *cmd, const struct item *item, struct reply_item *shown);

/* --- cmd_value.c --- */

/* Write VALUE at OFF of a reserved item. False when the store has no memory for all of it. */
bool cmd_fill(struct cmd *cmd, void *handle, uint64_t off, struct slice value) MUST_USE;
/*
 * Reserve; false when refused, and *REPLY says so. REPLY_TOO_LARGE is final: it was
 * counted, and an old value dropped as by cmd_give_up(). REPLY_OUT_OF_MEMORY is
 * not: nothing has happened.
 */
bool cmd_reserve(struct cmd *cmd, const struct request *req, const struct item_spec *spec,
                 void **handle, struct reply *reply) MUST_USE;
/* What RESULT of a reservation means: likewise. */
bool cmd_reserved(struct cmd *cmd, const struct request *req, enum reserve_result result,
                  struct reply *reply) MUST_USE;
/*
 * Commit; false, and *REPLY says why, when that cannot be. reply->cas is set on
 * true. HANDLE is gone either way.
 */
bool cmd_commit(struct cmd *cmd, void *handle, enum commit_mode mode, uint64_t new_cas,
                struct reply *reply) MUST_USE;

/* --- cmd_join.c --- */

/*
 * append and prepend. What is added is in UPLOAD, a reservation, or where that is NULL, in REQ.
 * REPLY_JOIN where more than config.join_bytes would have to be copied: nothing has happened.
 */
void cmd_join(struct cmd *cmd, const struct request *req, const void *upload,
              struct reply *reply);

/* --- cmd_number.c --- */

/* What is to become of a number. */
struct number_change {
    bool decr;
    uint32_t expires_s; /* of the item afterwards */
};

/*
 * Add req->delta to ITEM's number or, to DECR, take it off, but not below 0. *REPLY
 * is REPLY_NUMBER, or what went wrong: that it is empty, then that it has
 * another CAS than req->cas, then that it is none; then nothing has changed. ITEM is no
 * longer valid afterwards.
 */
void cmd_number_change(struct cmd *cmd, const struct request *req, struct item *item,
                       const struct number_change *change, struct reply *reply);
/* The item that is not there, with req->initial: REPLY_NUMBER, or what went wrong. */
void cmd_number_create(struct cmd *cmd, const struct request *req, uint32_t expires_s,
                       struct reply *reply);

/* --- cmd_stats.c, cmd_dump.c: the beginning of a stream that is all zero --- */

void cmd_stats_begin(struct cmd *cmd, const struct request *req, struct cmd_stream *stream);
void cmd_dump_begin(const struct request *req, struct cmd_stream *stream);
