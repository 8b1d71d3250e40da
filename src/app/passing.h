/*
 * src/app/passing.h - what two servers say to each other when one takes the other's place.
 *
 *     new                                old, which serves
 *      |---- HELLO  format, version ------>|
 *      |<--- OFFER  bytes, descriptors ----|  what does not change: an image, in a file; listeners, memory
 *      |<--- EARLY  descriptors -----------|  of connections, PASS_FDS_MAX at a time, and their numbers;
 *      |            ... the last of these  |  all that while it serves
 *      |---- READY ----------------------->|  between two iterations it stops serving, and
 *      |<--- STATE  bytes, descriptors ----|  sends the rest: a second image, behind the first one
 *      |<--- MORE   descriptors -----------|
 *      |  claims the store                 |  all of it is made; or NO and why
 *      |---- YES ------------------------->|  hears it; or it has heard NO, waited for too long, or the new one
 *      |<--- (RESUMED, and why) -----------|  has died: it claims the store, and goes on if it gets it
 *      |---- (closes: it is ready) ------->|  exits
 *
 * Through a unix socket that keeps messages apart (SOCK_SEQPACKET): none is ever cut. No message decides who
 * serves, for one can be lost, or come too late: whoever claims the store first has everything (store_claim(): a
 * word in the memory that both have, which is changed once for each takeover). The other one hears of it when it
 * claims in its turn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lombard/base/attr.h"

enum {
    PASS_FORMAT =
        2, /* of all messages, and of the image's outer list: raised when an older one cannot read it */
    PASS_FDS_MAX = 253, /* the kernel's limit for one message */
    PASS_TEXT_BYTES = 200,
    PASS_HELLO_MS = 2000,    /* for a peer to say what it wants */
    PASS_PREPARE_MS = 30000, /* for it to be ready for the rest, while the old one serves */
    PASS_PAUSE_MS = 3000,    /* for it to say yes: for so long clients may wait in vain */
    PASS_READY_MS = 5000,    /* for it to serve, after that */
    PASS_WHY_MS = 1000,      /* for the old one to say why it goes on */
    PASS_TURN_MS = 30000,    /* for the old one to begin */
};

enum pass_kind {
    PASS_HELLO = 1,
    PASS_STATE = 2,
    PASS_MORE = 3,
    PASS_YES = 4,
    PASS_NO = 5,
    PASS_RESUMED = 7,
    PASS_OFFER = 8,
    PASS_EARLY = 9,
    PASS_READY = 10,
};

/* The first five fields are the same in all formats: so that a peer of another one is told why. */
struct pass_message {
    uint32_t kind;
    uint32_t format;
    uint64_t image_bytes; /* OFFER, STATE */
    uint64_t fd_count;    /* STATE: in all; EARLY: 0: these are the last ones */
    union {
        char text[PASS_TEXT_BYTES]; /* HELLO: a version; NO, RESUMED: why; NUL-terminated */
        uint32_t ids[PASS_FDS_MAX]; /* EARLY: of connections */
    };
};

/* Descriptors that go with a message, or come with it. */
struct pass_fds {
    int fd[PASS_FDS_MAX];
    int count;
};

/* The second image begins at the next multiple of this. */
#define PASS_IMAGE_ALIGN UINT64_C(65536)

/* Of the images' outer lists; types keep their meaning for ever: base/image.h. */
enum {
    PASS_VERSION = 1,
    PASS_PID = 2,
    PASS_BEGUN_NS = 3, /* when serving stopped, on the host's clock */
    PASS_CLOCK_START_NS = 4,
    PASS_CLOCK_UNIX_S = 5,
    PASS_CLOCK_FIRST_S = 6,
    PASS_ITEM_MAX = 7,
    PASS_WANTS_AUTH = 8,
    PASS_KEPT_FILE = 9,  /* -e: 1 */
    PASS_LISTENERS = 10, /* bytes: the role of each */
    PASS_FILES =
        11, /* a path each, of what is removed at the end; with it go two descriptors */
    PASS_WATCHDOG_MS = 12,
    PASS_SERVER = 13, /* include/lombard/conn/handover.h */
    PASS_COUNTERS = 14,
    PASS_LEASE = 15, /* of the store */
};

/* Those of an offer come in this order: */
enum {
    PASS_FD_IMAGE,
    PASS_FD_STORE,
    PASS_FD_CONTROL,
    PASS_FDS_FIRST /* of FILES, LISTENERS */
};

enum pass_result {
    PASS_GOT,
    PASS_CLOSED, /* the peer has ended */
    PASS_LATE,
    PASS_FAILED, /* errno; EMFILE: not all descriptors could be taken */
};

/* When MS from now will have passed. */
uint64_t pass_until_ns(uint64_t ms);
/* A message of KIND with TEXT, or NULL. */
struct pass_message pass_message(enum pass_kind kind, const char *text);
/* Send it with COUNT descriptors, at most PASS_FDS_MAX, which stay open here. Until then, if the socket is full. */
enum pass_result pass_send(int fd, const struct pass_message *message, const int *fds,
                           int count, uint64_t until_ns) MUST_USE;
/* Wait for a message; FDS NULL: none may come. What comes with others is closed. */
enum pass_result pass_receive(int fd, struct pass_message *message, struct pass_fds *fds,
                              uint64_t until_ns) MUST_USE;
