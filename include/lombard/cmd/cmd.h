/*
 * include/lombard/cmd/cmd.h - the commands: a request in, a reply out.
 *
 * Knows neither protocol nor socket. Between a request and the store stands only
 * this: the semantics of memcached's commands, and their counters.
 *
 * How a connection uses it, for a batch of up to 32 requests:
 *     cmd_prepare() each          hash the key, prefetch the bucket
 *     cmd_prefetch() each         prefetch the item, or where it says true,
 *     cmd_prefetch_far() that     the item
 *     cmd_prefetch_value()        the value, of those that are executed soon
 *     cmd_execute() each          and format its reply before the next one
 *
 * A store command whose value is not all there goes another way:
 *     cmd_upload_begin()          reserve space in the store, pinned
 *     cmd_upload_at()             where to receive into
 *     cmd_upload_finish(), or cmd_upload_abort()
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/clock.h"
#include "lombard/base/passwords.h"
#include "lombard/base/stats.h"
#include "lombard/proto/reply.h"
#include "lombard/proto/request.h"
#include "lombard/proto/session.h"

struct cmd;
struct store;

/*
 * What `version` answers: the memcached whose behaviour this is. Clients compare it to decide
 * what a server can do; the version of Lombard itself is in `stats`.
 */
#define CMD_VERSION "1.6.45"

enum { CMD_JOIN_BYTES = 256 * 1024 };

struct cmd_config {
    size_t join_bytes;         /* append copies as much in one step; 0: CMD_JOIN_BYTES */
    bool flush_enabled;        /* not -F */
    bool admin_flush;          /* refuse flush_all where PROP_ADMIN is refused */
    bool dump_enabled;         /* not -X */
    bool detail_enabled;       /* -D: count by prefix, until a client says otherwise */
    char prefix_delimiter;     /* -D: where the prefix of a key ends */
    uint32_t prefix_limit;     /* --detail-prefixes: that are counted; 0: none */
    bool shutdown_enabled;     /* -A */
    uint64_t seed;             /* of what is drawn by chance: keys that are looked at */
    const struct clock *clock; /* outlives the cmd */
    const struct passwords *passwords; /* likewise; NULL: no client has to authenticate */
    const struct stat_registry *stats; /* likewise: what `stats` shows */
};

/* Commands on STORE, which stays the caller's and outlives the cmd. NULL: no memory. */
struct cmd *cmd_create(const struct cmd_config *config, struct store *store) MUST_USE;
void cmd_destroy(struct cmd *cmd);
/* Whether sessions begin without being authenticated. */
bool cmd_wants_auth(const struct cmd *cmd);

/* The server is shutting down: OP_HEALTH says so. */
void cmd_set_stopping(struct cmd *cmd);

/* Once an iteration of the loop, after the clock was read. */
void cmd_new_iteration(struct cmd *cmd);
/* A bounded piece of background work; false when none is left. */
bool cmd_work(struct cmd *cmd);
/* Whether there is some that should not wait for the next tick. */
bool cmd_is_due(const struct cmd *cmd) MUST_USE;

/* Add what the commands and their store count. */
void cmd_add_stats(struct cmd *cmd, struct stat_registry *registry);

/* --- One request --- */

void cmd_prepare(struct cmd *cmd, struct request *req);
bool cmd_prefetch(struct cmd *cmd, struct request *req);
void cmd_prefetch_far(struct cmd *cmd, struct request *req);
void cmd_prefetch_value(const struct cmd *cmd, const struct request *req);
/*
 * Execute for SESSION, if session_may(). Of store commands, req->value is all of the value. The reply's slices
 * die with the next call, except for what was pinned. OP_VERBOSITY, OP_SHUTDOWN
 * and OP_QUIT are answered here; what they mean for the process is the caller's
 * (cmd says REPLY_SHUTDOWN_OFF where -A was not given).
 *
 * REPLY_OUT_OF_MEMORY: so far nothing has changed and nothing was counted. Make
 * room and execute again, or cmd_give_up(). REPLY_JOIN: likewise; go on with cmd_join_step().
 */
void cmd_execute(struct cmd *cmd, struct session *session, const struct request *req,
                 struct reply *reply);

/*
 * For `stats hotkeys` and its kin some requests, drawn by chance, are looked at after they were
 * executed. The caller asks once for the COUNT that it is about to execute: so many of them come before
 * the next one that is to be looked at; COUNT: none of them is.
 */
uint32_t cmd_look_next(struct cmd *cmd, uint32_t count);
/* Not all of them were executed: what was drawn for the others does not count. */
void cmd_look_again(struct cmd *cmd);
/* REQ was executed: count it as one that passed, or look at it, and draw the next one. */
void cmd_look(struct cmd *cmd, const struct request *req, const struct reply *reply);

/*
 * REQ is refused for want of memory, and *REPLY says so. That is counted, and an
 * old value that REQ was to overwrite is dropped: no client wants to be served it
 * after that.
 */
void cmd_give_up(struct cmd *cmd, const struct request *req, struct reply *reply);

/*
 * A store command whose value had a bad end: nothing changes, *REPLY says so.
 * (Too long a value is found out by cmd_execute() and cmd_upload_begin().)
 */
void cmd_refuse_value(struct cmd *cmd, const struct request *req, struct reply *reply);

/* --- For watchers --- */

/* What is stored under the key of REQ, in *ITEM; false: nothing. Nothing counts it, or changes. */
bool cmd_peek(struct cmd *cmd, const struct request *req, struct reply_item *item) MUST_USE;

/* --- Evictions --- */

/* An item that is evicted to make room; its key dies with the call. */
struct cmd_evicted {
    struct slice key;
    uint64_t value_bytes;
    int64_t ttl_s;   /* seconds left; -1: never expires */
    uint32_t idle_s; /* since its last access */
    bool was_hit;    /* since it was stored */
};

/* What is told each of them, and uses neither cmd nor store; NULL: nothing. */
typedef void cmd_on_evict_fn(void *ctx, const struct cmd_evicted *evicted);
void cmd_on_evict(struct cmd *cmd, cmd_on_evict_fn *on_evict, void *ctx);

/* --- REPLY_STREAM --- */

struct cmd_stream {
    union {
        struct stat_cursor stats; /* STREAM_STATS */
        struct stat_walk walk;    /* STREAM_REGISTRY: the renderer's; it begins with all zero */
        struct {                  /* STREAM_ITEMS */
            uint64_t left;        /* items that may still come */
            uint64_t cursor;      /* within the store; of STREAM_PREFIXES: of prefixes */
        };
    };
};

/* After cmd_execute() said REPLY_STREAM: the stream of that request. */
void cmd_stream_begin(struct cmd *cmd, const struct request *req, struct cmd_stream *stream);
enum line_result {
    LINE_READY, /* the next one is there */
    LINE_LATER, /* not found yet: ask again, but serve other connections first */
    LINE_END,
};

/* STREAM_STATS: the next line. */
enum line_result cmd_stream_stat(struct cmd *cmd, struct cmd_stream *stream,
                                 struct stat_line *line) MUST_USE;
/* STREAM_REGISTRY: what the protocol walks over. */
const struct stat_registry *cmd_registry(const struct cmd *cmd);
/* STREAM_PREFIXES: the next prefix. */
enum line_result cmd_stream_prefix(struct cmd *cmd, struct cmd_stream *stream,
                                   struct prefix_line *line) MUST_USE;
/* STREAM_ITEMS: the next item. */
enum line_result cmd_stream_item(struct cmd *cmd, struct cmd_stream *stream,
                                 struct dump_item *shown) MUST_USE;

/* --- Values that are sent from where they lie --- */

/* The contiguous part of a reply's value that begins at OFF. */
struct slice cmd_value_at(const struct cmd *cmd, const void *handle, uint64_t off);
/* Keep the bytes at ADDR until they are sent; released by the same address. */
void cmd_pin(struct cmd *cmd, const void *addr);
void cmd_unpin(struct cmd *cmd, const void *addr);
/* Keep an item with all parts of its value. */
void cmd_pin_item(struct cmd *cmd, const void *handle);
void cmd_unpin_item(struct cmd *cmd, const void *handle);
/* For tests: pins held now, those of one item, and whether the store adds up. */
uint64_t cmd_pin_count(const struct cmd *cmd);
uint32_t cmd_item_pin_count(const struct cmd *cmd, const void *handle);
bool cmd_check(const struct cmd *cmd) MUST_USE;

/* --- What connections hold of a store that goes to another process: store.h, store_lend() --- */

uint64_t cmd_loc(const struct cmd *cmd, const void *addr);
/* NULL: that cannot be. */
const void *cmd_held_at(const struct cmd *cmd, uint64_t loc, uint64_t bytes);
void *cmd_held_item(const struct cmd *cmd, uint64_t loc, uint64_t value_bytes, bool reserved);

/* --- What connections keep from others: see store.h, "What pins and reservations keep" --- */

/* Bytes that the last command lacked which pins may keep; 0: closing connections cannot help. */
uint64_t cmd_missing_bytes(const struct cmd *cmd) MUST_USE;
/* By how much all that is pinned exceeds half of the memory. */
uint64_t cmd_excess_bytes(const struct cmd *cmd) MUST_USE;

/* What would become available if all that is named after cmd_trial_begin() were given up. */
struct cmd_trial {
    uint64_t held_bytes;  /* of memory that these pins keep, alone or with others */
    uint64_t freed_bytes; /* that could be used then */
};

void cmd_trial_begin(struct cmd *cmd);
/* As if by cmd_unpin(), cmd_unpin_item(), cmd_upload_abort(). */
void cmd_trial_unpin(struct cmd *cmd, const void *addr);
void cmd_trial_unpin_item(struct cmd *cmd, const void *handle);
void cmd_trial_upload_abort(struct cmd *cmd, const void *handle);
struct cmd_trial cmd_trial_result(const struct cmd *cmd) MUST_USE;

/* --- Values that are received where they will lie --- */

/*
 * Begin to receive REQ's value. True: *HANDLE is where. False: there is none,
 * *REPLY says why, as for cmd_execute(), and the value is to be discarded.
 */
bool cmd_upload_begin(struct cmd *cmd, struct session *session, const struct request *req,
                      void **handle, struct reply *reply) MUST_USE;
enum upload_space {
    UPLOAD_SPACE,      /* *SPACE is it */
    UPLOAD_SPACE_MADE, /* likewise; making it took as long as one dispatch may take */
    UPLOAD_LATER,      /* that took as long, and there is more to do: others go first */
    UPLOAD_NO_MEMORY,  /* there is none */
};

/* Where byte OFF of the value goes, and how many fit from there. */
enum upload_space cmd_upload_at(struct cmd *cmd, void *handle, uint64_t off,
                                struct span *space) MUST_USE;
/*
 * All value_bytes are there: execute. REQ is as it was at the beginning (value
 * empty). After REPLY_OUT_OF_MEMORY, as for cmd_execute(), HANDLE is still there: to
 * finish again, or to abort. After REPLY_JOIN too: to be aborted after that. Else it is gone.
 */
void cmd_upload_finish(struct cmd *cmd, struct session *session, const struct request *req,
                       void *handle, struct reply *reply);
void cmd_upload_abort(struct cmd *cmd, void *handle);

/* --- append and prepend to long values --- */

/* One that is under way; all zero but what is the caller's: not begun. */
struct cmd_join {
    const void *old;    /* the item as it was at the beginning, pinned; or NULL */
    void *handle;       /* the new one, reserved; NULL: to be begun, by what is there then */
    uint64_t old_bytes; /* of its value */
    uint64_t old_cas;
    uint64_t off; /* bytes copied */
    const void
        *upload; /* the caller's: where what is added was received; NULL: in the request */
    uint64_t budget_bytes; /* the caller's: that may be copied now */
    uint32_t expires_s;    /* what was reserved with */
    uint32_t restarts;
};

enum join_result {
    JOIN_ON,        /* go on with another step */
    JOIN_DONE,      /* *REPLY is the answer; JOIN holds nothing any more */
    JOIN_NO_MEMORY, /* nothing has changed: make room and go on; or abort, and cmd_give_up() */
};

/*
 * After cmd_execute() or cmd_upload_finish() said REPLY_JOIN: copy at most join->budget_bytes, which
 * become less, and 0 where making memory for the value took as long as one step may. REQ is the same each time, with its value unless that is in join->upload. Other
 * clients see the old value until JOIN_DONE; where its item was changed meanwhile, the join is
 * begun again, a few times, and then given up.
 */
enum join_result cmd_join_step(struct cmd *cmd, struct session *session,
                               const struct request *req, struct cmd_join *join,
                               struct reply *reply) MUST_USE;
/* Give up what JOIN holds; it can be begun anew. */
void cmd_join_abort(struct cmd *cmd, struct cmd_join *join);
