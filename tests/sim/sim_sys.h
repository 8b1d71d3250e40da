/*
 * tests/sim/sim_sys.h - a kernel of our own, under one seed.
 *
 * sim_sys.c defines every function of lombard/base/sys.h, so that a program that
 * links it gets these instead of the kernel's: sockets are pairs of byte queues,
 * epoll is level- or edge-triggered over them, time stands still until it is told, and
 * every call can be short, interrupted or refused.
 *
 *     client                    link                          server
 *     sim_send()  -->  [ in:  in_cap bytes            ]  -->  sys_recv(fd)
 *     sim_recv()  <--  [ out: out_cap bytes, window   ]  <--  sys_sendmsg(fd)
 *
 * There is one world at a time. Everything in it follows from its seed and from
 * what the program does. A misuse of a descriptor ends the program with the
 * seed and a trace of the last calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

/* Calls of the seam that can be refused. */
enum sim_call {
    SIM_RECV,
    SIM_READV,
    SIM_SEND,
    SIM_SENDMSG,
    SIM_ACCEPT,
    SIM_SET_OPTION,
    SIM_SHUTDOWN,
    SIM_RING_OPEN,
    SIM_RING, /* refused: it is broken from then on */
    SIM_EPOLL_CREATE,
    SIM_EPOLL_CTL,
    SIM_EPOLL_WAIT,
    SIM_MAP,
    SIM_MALLOC,
    SIM_CLOSE, /* counted and traced, never refused */
};

enum { SIM_CALL_KINDS = SIM_CLOSE + 1 };

const char *sim_call_name(enum sim_call call);

/* What fails, is short or late: one call in this many; 0: never. */
struct sim_faults {
    uint32_t refuse[SIM_CALL_KINDS]; /* with an errno that call can have */
    uint32_t cut;                    /* receiving and sending: fewer bytes than could be */
    uint32_t again;                  /* EAGAIN out of nothing */
    uint32_t interrupt;              /* EINTR */
    uint32_t hold_events;            /* epoll_wait: keep a ready event back for now, */
    uint32_t tell_twice; /* or, edge-triggered, tell of it although it was told of */
};

/* --- The world --- */

/* A new one: no descriptors, no faults, time at its start. */
void sim_begin(uint64_t seed);
/* The end of it. Dies if the server left a descriptor, a mapping or an allocation. */
void sim_end(void);
uint64_t sim_seed(void);
void sim_set_faults(const struct sim_faults *faults);
void sim_no_faults(void);

/* Pseudo-random numbers; sim_below(0) is 0. */
uint64_t sim_random(void);
uint32_t sim_below(uint32_t n);
/* True once in N times; never for 0. */
bool sim_one_in(uint32_t n);

uint64_t sim_now_ns(void);
/* Seconds since the world began, as the server's clock counts them (but from 0). */
uint32_t sim_now_s(void);
void sim_advance_ms(uint64_t ms);

/*
 * Whether a reset takes with it what the client has not read yet, as some hosts
 * have it. A client that sends to a closed connection is reset.
 */
void sim_lose_on_reset(bool lose);

/* --- Sweeps: the Nth call from now of this kind fails, with ERR --- */

void sim_fail_nth(enum sim_call call, uint64_t n, int err);
/* The same, of memory calls of any kind, until sim_fail_none(): the host is out of memory. */
void sim_fail_none(void);
/* The Nth call from now of this kind takes MS. */
void sim_stall_nth(enum sim_call call, uint64_t n, uint64_t ms);
/* Whether it has failed. */
bool sim_fail_struck(void);
/* Calls of this kind so far in this world, and in all worlds. */
uint64_t sim_calls(enum sim_call call);
/* Faults of any kind (not: short, EAGAIN, EINTR) in this world so far. */
uint64_t sim_refused(enum sim_call call);

/* --- The clients' end --- */

struct sim_link;

enum sim_link_state {
    SIM_LINK_OPEN,
    SIM_LINK_EOF,   /* the server said that it is through; all it sent was read */
    SIM_LINK_RESET, /* the connection is broken */
};

/* A socket that listens, for server_listen(). */
int sim_listen(void);
/*
 * Another descriptor of what FD is, as another process has it. While both are open, FD has the backlog of
 * a listener: the other one gets it when FD is closed, unless sim_keep() says that it does not.
 */
int sim_pass(int fd);
void sim_keep(int fd);
/* There are two, each with a ring of its own: what is done from now on is done by the other one. */
void sim_other_process(void);
/* A new connection waits to be accepted. Owned by the caller: sim_link_free(). */
struct sim_link *sim_connect(int listen_fd, uint32_t in_cap, uint32_t out_cap) MUST_USE;
/* Closes hard if it is still open. NULL is fine. */
void sim_link_free(struct sim_link *link);

/* As many bytes as fit; 0 when full or broken. */
size_t sim_send(struct sim_link *link, const void *src, size_t bytes);
/* As many as are there. */
size_t sim_recv(struct sim_link *link, void *dst, size_t bytes);
size_t sim_readable(const struct sim_link *link);
/* Sent by the client and not yet received by the server. */
size_t sim_unreceived(const struct sim_link *link);
enum sim_link_state sim_link_state(const struct sim_link *link);
/* A tidy end of the client's sending. */
void sim_finish_sending(struct sim_link *link);
/* RST: the server's next call on it says ECONNRESET. */
void sim_reset(struct sim_link *link);
/* The server may send until BYTES in all have been taken, then EAGAIN. */
void sim_set_window(struct sim_link *link, uint64_t bytes);
/* Bytes that the server has sent in all. */
uint64_t sim_sent_bytes(const struct sim_link *link);
bool sim_accepted(const struct sim_link *link);
/* Its address is one of the server's own host. */
void sim_set_local(struct sim_link *link);
void sim_set_caps(struct sim_link *link, uint32_t in_cap, uint32_t out_cap);

/* --- When something is wrong --- */

/* An entry of the trace that is no system call: what a client did. */
void sim_note(const char *what, int64_t a, int64_t b);
/* Where every event is printed: the first of these bytes, too. */
void sim_note_bytes(const char *what, int64_t a, const char *src, size_t bytes);
/* Say why, the seed and the last events, and end the program. */
void sim_die(const char *format, ...) PRINTF_LIKE(1, 2) NORETURN;
/* What sim_die() prints to run this again: "sim 42". */
void sim_set_replay(const char *how);
/* Print every event as it happens. */
void sim_set_verbose(bool verbose);
