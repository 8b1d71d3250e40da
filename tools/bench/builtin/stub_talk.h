/*
 * tools/bench/builtin/stub_talk.h - a small cache whose faults are known: bytes in, bytes out.
 *
 * Knows no sockets, and time by base/sys.h only, so that it serves in a process of its own (stub.h) as
 * well as in a simulated world. It keeps the head of each value, and makes the value again for each
 * read; of values that append and prepend let grow it keeps the bytes. What it does wrong it does on
 * purpose, and counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builtin/stub_reply.h"
#include "lombard/base/attr.h"

enum stub_fault {
    STUB_RIGHT,
    STUB_WRONG_BYTE,    /* the last byte of a value */
    STUB_WRONG_HEAD,    /* a bit of the version */
    STUB_OTHER_KEY,     /* the value of another key */
    STUB_SHORT_VALUE,   /* announced, and sent, one byte too short */
    STUB_STALE,         /* says STORED, and keeps what was there */
    STUB_NEVER_WRITTEN, /* a version that was never sent */
    STUB_OTHER_NAME,    /* a reply that names another key, or has another opaque */
    STUB_NO_END,        /* no line end after the value; binary: a byte too many */
    STUB_HANG_UP,       /* close instead of answering */
    STUB_CUT,           /* half of a reply, then close */
    STUB_ERROR,         /* an error reply instead of the answer to a get */
    STUB_EXTRA,         /* a reply to a get twice */
    STUB_REORDERED,     /* the replies to two gets in the wrong order; needs a pipeline */
    STUB_NO_REPLY,      /* nothing */
    STUB_WRONG_NUMBER,  /* incr and decr count one too much */
    STUB_WRONG_FLAGS,   /* a bit of an item's flags */
    STUB_WRONG_OPCODE,  /* a reply with another opcode; binary */
    STUB_LOST_PIECE,    /* append and prepend say STORED, and do nothing */
    STUB_OTHER_END,     /* they do what the other one should */
    STUB_OUTLIVED,      /* an item that expired STUB_OUT_OF_TIME ago or longer is still there */
    STUB_SHORT_LIVED,   /* one is missing that expires in STUB_OUT_OF_TIME or later */
};

enum { STUB_FAULT_COUNT = STUB_SHORT_LIVED + 1 };
/* The faults up to this one show at once; the last two need time. */
enum { STUB_PROMPT_FAULT_COUNT = STUB_OUTLIVED };

#define STUB_OUT_OF_TIME_NS UINT64_C(2500000000)

/* What the server knows of itself. */
struct stub_counts {
    uint64_t wrong;    /* how often it has done what its fault is */
    uint64_t stale;    /* values sent that a store had replaced, as it had said */
    uint64_t requests; /* answered */
    uint64_t gets;     /* keys asked for */
    uint64_t hits;
    uint64_t stalled_ns; /* how long the last stall really was: it may have woken up late */
};

const char *stub_fault_name(enum stub_fault fault);

struct stub_talk;

enum stub_step {
    STUB_PARTIAL,  /* no complete request */
    STUB_ANSWERED, /* one was, *USED bytes long */
    STUB_CLOSED,   /* send what there is, and hang up */
};

/* FAULT happens every EVERY requests of the kind that can show it. COUNTS must outlive it. NULL when
 * memory is short. */
struct stub_talk *stub_talk_create(enum stub_fault fault, uint32_t every,
                                   struct stub_counts *counts) MUST_USE;
void stub_talk_destroy(struct stub_talk *s);
/* The replies to what is read next go to another connection. */
void stub_talk_turn(struct stub_talk *s);
/* Answer the request at the front of [P, P + BYTES) of one connection; the reply is appended to OUT. */
enum stub_step stub_talk_step(struct stub_talk *s, const unsigned char *p, size_t bytes,
                              size_t *used, struct stub_out *out) MUST_USE;

enum { STUB_REPLY_MAX = 1024 * 1024 }; /* OUT must have as much room */
