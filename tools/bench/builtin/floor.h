/*
 * tools/bench/builtin/floor.h - the baseline: a server that only counts requests and sends canned replies.
 *
 * In a process of its own it reads once, counts the newlines (where requests
 * are lines of text) or the bytes (where they are not), and sends as many
 * canned replies as that makes, with one call. It looks at no request, so all
 * must be alike: gets only or stores only, of one key.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "host/net.h"
#include "lombard/base/attr.h"
#include "options/options.h"

/* The address by this name stands for the floor. */
#define FLOOR_NAME "floor"

struct floor {
    pid_t pid;
    struct net_addr addr;
};

/* What has to be counted for one reply, and the reply. */
struct floor_answer {
    unsigned char *reply;
    size_t reply_bytes;
    uint32_t units; /* of a request: newlines, or bytes */
    bool lines;     /* which of the two */
};

/* Whether O asks for requests that are all alike. NULL, or what is wrong. */
const char *floor_refuses(const struct options *o);
/* Change O so that it asks for one key, which is already there. */
void floor_adapt(struct options *o);

/* How requests as O makes them are answered; reply is to be freed. False when memory is short. */
bool floor_answer_make(const struct options *o, struct floor_answer *out) MUST_USE;

/*
 * Start it on a free port, on the processors that process LIKE may use (0: on
 * those of this one). False when it could not be started.
 */
bool floor_start(struct floor *f, const struct options *o, pid_t like) MUST_USE;
/* Stop it, and wait until it is gone. Nothing for one that was not started. */
void floor_stop(struct floor *f);
