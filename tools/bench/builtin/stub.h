/*
 * tools/bench/builtin/stub.h - a small built-in server whose faults and stalls are known.
 *
 * It answers get and set of the text protocol on a free port of 127.0.0.1, in a
 * process of its own. It keeps the head of each value, and makes the value again
 * for each read. What it does wrong it does on purpose.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/net.h"
#include "lombard/base/attr.h"

enum stub_fault {
    STUB_RIGHT,
    STUB_WRONG_BYTE,    /* the last byte of a value */
    STUB_WRONG_HEAD,    /* a bit of the version */
    STUB_OTHER_KEY,     /* the value of another key */
    STUB_SHORT_VALUE,   /* announced, and sent, one byte too short */
    STUB_STALE,         /* says STORED, and keeps what was there */
    STUB_NEVER_WRITTEN, /* a version that was never sent */
    STUB_OTHER_NAME,    /* a VALUE line with another key */
    STUB_NO_END,        /* no line end after the value */
    STUB_HANG_UP,       /* close instead of answering */
    STUB_ERROR,         /* SERVER_ERROR instead of answering */
    STUB_EXTRA,         /* the end of a reply twice */
    STUB_NO_REPLY,      /* nothing */
};

enum { STUB_FAULT_COUNT = STUB_NO_REPLY + 1 };

/* What the server knows of itself. */
struct stub_counts {
    uint64_t wrong; /* how often it has done what its fault is */
    uint64_t stale; /* values sent that a store had replaced, as it had said */
};

const char *stub_fault_name(enum stub_fault fault);

struct stub_config {
    enum stub_fault fault;
    uint32_t fault_every;    /* requests of the kind that can show it */
    uint64_t stall_every_ns; /* 0: never */
    uint64_t stall_ns;       /* how long each time: nothing is read or answered */
    uint64_t service_ns; /* what each request takes, one after the other; 0: what it takes */
};

struct stub {
    pid_t pid;
    struct stub_counts *counts; /* shared with it */
    struct net_addr addr;
};

/* False when it could not be started. */
bool stub_start(struct stub *stub, const struct stub_config *config) MUST_USE;
/* Stop it, and wait until it is gone. */
void stub_stop(struct stub *stub);
