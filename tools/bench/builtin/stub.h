/*
 * tools/bench/builtin/stub.h - a small built-in server whose faults and stalls are known.
 *
 * It answers all three protocols (stub_talk.h) on a free port of 127.0.0.1, in a process of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "builtin/stub_talk.h"
#include "host/net.h"
#include "lombard/base/attr.h"

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
