/*
 * src/conn/step.h - what one dispatch carries, and what each step of it came to.
 *
 *     group.c      dispatches of many connections
 *     dispatch.c   serve: conn_step() until the slice is over      struct dispatch
 *     batch.c          parse up to 32 requests, then execute them    struct batch
 *     receive.c        one recv()                                    enum receive_result
 *     output.c         format a reply
 *     send.c           send what is pending                          enum flush
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/proto/proto.h"

struct conn;

enum slice_kind {
    SLICE_FIRST, /* something has just come for it: short, so that others wait little */
    SLICE_MORE,  /* it had more to do than that */
};

/* What one connection may do in one dispatch. */
struct budget {
    uint64_t bytes;        /* left, received and sent */
    uint64_t all_bytes;    /* at the beginning */
    uint64_t until_ns;     /* the end of the slice; 0: the clock was not looked at yet */
    uint32_t requests;     /* left */
    uint32_t all_requests; /* at the beginning */
    uint32_t checks;       /* how often it was asked whether it is spent */
};

/* Why a request takes more than to execute and answer it: see careful.h. */
enum entry_care {
    CARE_BAD_END = 1U << 0, /* its value does not end where it should */
    CARE_NO_BODY = 1U << 1, /* not all of its body is in the buffer */
    CARE_LOOK = 1U << 2,    /* drawn by chance, for `stats hotkeys` */
    CARE_SESSION = 1U << 3, /* its session may not do everything */
    CARE_TOLD = 1U << 4,    /* to watchers, or to the log */
};

/* Requests parsed, hashed and prefetched together, and not executed yet. */
struct batch {
    struct batch_entry *entries; /* the first `count` are its own; its group's follow */
    struct proto_state before;   /* the protocol's state before the first of them */
    uint32_t count;
    uint32_t fetched;   /* so many, with those of connections behind it, have been prefetched */
    uint32_t end_off;   /* of the input: what was parsed, or may be dropped */
    uint32_t noted;     /* these are in the server's struct latency */
    enum request_op op; /* of the one that is executed; of all behind these, so far */
    uint32_t far;       /* a bit of each that conn_prefetch_far() is for */
    bool apart;         /* the last one that was executed will be answered by a task */
    bool parsed;        /* the rest is set */
    bool needs_input;   /* the input behind end_off is incomplete */
};

/* A request that was executed, for `stats slow`: its entry may be another's when its reply is sent. */
struct answered {
    bool known; /* the rest is set */
    enum request_op op;
    struct slice key; /* empty where it is not in the input */
};

/* One connection being served. */
struct dispatch {
    struct conn *conn;
    uint64_t since_ns; /* the kernel had reported what it begins with by then */
    struct budget budget;
    struct batch batch;
    struct answered last; /* while its key is in the input */
    enum slice_kind slice;
    bool was_stalled; /* before it */
    bool asked;       /* for a read buffer, which each dispatch does once */
    bool paused;      /* the slice goes on when events have been looked for */
    bool may_queue;   /* its replies may leave with those of its group */
    bool queued;      /* they do */
};

/* What one piece of work came to. */
enum step {
    STEP_ON,          /* something was done: go on */
    STEP_NEED_INPUT,  /* all input was served as far as it goes: receive more */
    STEP_NEED_OUTPUT, /* no room for another reply: send first */
    STEP_STOP,        /* dead, finishing or out of budget */
};

/* What receiving came to. */
enum receive_result {
    RECEIVED_SOME, /* there may be more in the socket */
    RECEIVED_LAST, /* that was all for now, or nothing came */
    RECEIVED_END,  /* the peer will send no more, or the connection is dead */
};

enum flush {
    FLUSH_DONE,    /* nothing is pending any more */
    FLUSH_BLOCKED, /* the socket took no more */
    FLUSH_PAUSED,  /* the budget is spent */
    FLUSH_DEAD,
};
