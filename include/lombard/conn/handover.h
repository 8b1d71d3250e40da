/*
 * include/lombard/conn/handover.h - all connections of a server, for one in another process.
 *
 *     old process                          new process
 *     server_offer()       -descriptors->  server_expect()       of connections, while they are served: to be
 *     ... again, until all went                                  watched takes longer than all that follows
 *     server_hand_over()   ----image---->  server_take_over()    all is made, and nothing changed yet
 *                          -descriptors->  "yes"
 *     server_forget()      <-------------
 *     ends                 ------------->  server_go_on()        serves
 *
 * Between two iterations. The store that connections hold parts of goes the same way (store_lend()); the
 * clock of the new server has been set to that of the old one. Sockets that listen are the caller's. Until the new one says yes, the old
 * one may go on as if nothing had happened.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/image.h"
#include "lombard/proto/session.h"

struct server;

enum { OFFER_MAX = 253 }; /* the kernel's limit for one message */

/* Descriptors that go ahead, and the numbers by which their connections will be called. */
struct offer {
    int fds[OFFER_MAX];
    uint32_t ids[OFFER_MAX];
    uint32_t count;
};

/*
 * The next connections from *CURSOR on, which is 0 at first; one piece of work that depends on nothing. False: these
 * are the last ones. Connections that come later, or if the server is handed over before, go with the rest.
 */
bool server_offer(struct server *server, uint64_t *cursor, struct offer *offer) MUST_USE;
/*
 * What another process has offered, before server_take_over(): SERVER has FDS from now on, and watches them. False:
 * no memory for that; all of OFFER that it does not have is closed.
 */
bool server_expect(struct server *server, const struct offer *offer) MUST_USE;

/* How many descriptors it has to hand over at most. */
uint32_t server_descriptor_count(const struct server *server);

/* What leaves a server. */
struct handover {
    struct image *image; /* what is put into it is a list */
    int *fds;            /* room for server_descriptor_count() */
    uint32_t count;      /* of these; they stay open here */
    uint32_t conns;      /* connections among all */
    bool early;          /* server_offer() has gone through all connections for this */
};

/*
 * Describe SERVER in *OUT, whose count says how many descriptors there are already. What is joined begins again. NULL, or why it
 * cannot be: it is shutting down, or there is no memory.
 */
const char *server_hand_over(struct server *server, struct handover *out) MUST_USE;

/* What comes to a server: the image, and descriptors in its order. */
struct handed {
    struct slice list;
    const int *fds;
    uint32_t count;
    uint32_t used; /* from the first on: are the server's now */
    uint32_t conns;
};

/*
 * Make in SERVER, which has no connection but those that it expects, and serves none yet, all that IN says. What was
 * expected and is not there any more is closed. Nothing is served, and
 * nothing that the other process has is changed. NULL; or why it cannot be: then only server_forget() and
 * server_destroy() may follow.
 */
const char *server_take_over(struct server *server, struct handed *in) MUST_USE;
/* The other process has given all that up: it is served from now on. */
void server_go_on(struct server *server);
/*
 * All that SERVER has is another one's: it is let go, with no trace in the store and none that a peer
 * could see. Only server_destroy() may follow, which closes descriptors and nothing else.
 */
void server_forget(struct server *server);
