/*
 * tests/sim/sim_priv.h - the simulated kernel, as its own files see it.
 *
 *     sim_world.c   chance, time, faults, the trace
 *     sim_net.c     byte queues, descriptors, and the clients' end of a link
 *     sim_sys.c     the calls of base/sys.h: the server's end of a link
 *     sim_ring.c    many of these in one
 *     sim_host.c    and the others: epoll, memory, clocks
 */
#pragma once

#include <sys/epoll.h>

#include "lombard/base/list.h"

#include "sim_sys.h"

enum {
    FIRST_FD = 100, /* so that none is taken for a real one */
    FDS_MAX = 40000,
    TRACE_EVENTS = 300,
    SMALL_MAP_BYTES = 64 * 1024, /* from malloc(), so that sanitizers see its ends */
    PAGE_BYTES = 4096,
    BYTES_A_NS = 4,         /* that the kernel copies */
    WORLD_SECONDS_MAX = 60, /* of CPU time: whatever takes longer hangs */
};

/* Bytes on their way, from head to tail. Grows as needed, up to what its owner allows. */
struct queue {
    unsigned char *data;
    size_t head;
    size_t tail;
    size_t cap;
};

struct sim_link {
    struct list_node node; /* of the listener's queue, while not accepted */
    struct queue in;
    struct queue out;
    uint32_t in_cap;
    uint32_t out_cap;
    uint64_t window;
    uint64_t sent_bytes;
    uint32_t arrivals; /* of anything that makes the server's end readable */
    int fds;           /* that are the server's end: several where several processes have it */
    bool local;
    bool accepted;
    bool client_finished;
    bool client_gone; /* sim_link_free() came first: the server's end frees it */
    bool server_finished;
    bool server_closed;
    bool reset; /* by either side */
    bool reset_reported;
};

enum ring_state { RING_NONE, RING_WORKS, RING_BROKEN };

/*
 * FD_LEFT: a link that was closed while it was watched, and that another process has, too. As with the kernel,
 * epoll still reports it.
 */
enum fd_kind { FD_FREE, FD_LISTENER, FD_LINK, FD_EPOLL, FD_LEFT };

struct sim_fd {
    enum fd_kind kind;
    struct sim_link *link;
    struct list_node backlog; /* of a listener; */
    struct sim_fd *passed_to; /* which goes on with it when this one is closed */
    bool watched;
    int epfd; /* by this one */
    uint32_t events;
    uint32_t told; /* edge-triggered: how many arrivals were told of */
    epoll_data_t data;
};

struct event {
    uint64_t iteration; /* epoll_wait() calls so far */
    const char *what;
    int64_t a;
    int64_t b;
    int64_t result;
    int err;
};

struct world {
    uint64_t seed;
    uint64_t random;
    uint64_t now_ns;
    uint64_t iterations;
    struct sim_faults faults;
    struct sim_fd fds[FDS_MAX];
    int fd_end; /* one after the highest that was ever used */
    int fd_low; /* none below is free */
    int left;   /* FD_LEFT */
    uint64_t calls[SIM_CALL_KINDS];
    uint64_t refused[SIM_CALL_KINDS];
    enum ring_state ring;
    enum ring_state other_ring; /* of the other process */
    bool lose_on_reset;
    bool fail_armed;
    bool fail_struck;
    enum sim_call fail_call;
    uint64_t fail_in;
    int fail_err;
    enum sim_call stall_call;
    uint64_t stall_in; /* 0: none stalls */
    uint64_t stall_ms;
    int64_t mapped_bytes;
    int64_t allocations;
    struct event trace[TRACE_EVENTS];
    uint64_t traced;
};

extern struct world world;

/* --- sim_world.c --- */

void sim_trace(const char *what, int64_t a, int64_t b, int64_t result, int err);
/* Trace a call; its result is passed through, and errno survives. */
int64_t sim_traced(enum sim_call call, int64_t a, int64_t b, int64_t result);
/* Count the call; the errno it shall fail with, or 0. */
int sim_refusal(enum sim_call call);
/* The same for calls that move bytes. */
int sim_io_refusal(enum sim_call call);
size_t sim_perhaps_fewer(size_t bytes);

/* --- sim_net.c --- */

size_t queue_len(const struct queue *q);
void queue_put(struct queue *q, const void *src, size_t bytes);
/* As many as are there; how many. */
size_t queue_take(struct queue *q, void *dst, size_t bytes);

/* The lowest free descriptor. */
struct sim_fd *fd_open(enum fd_kind kind, int *number);
/* An open one; WHAT is what is done with it, should it not be. */
struct sim_fd *fd_get(int fd, const char *what);
struct sim_link *link_get(int fd, const char *what);
void link_free_now(struct sim_link *link);
/* What the kernel would take from the server now. */
size_t link_out_room(const struct sim_link *link);
/* RST goes to the client. */
void link_reset(struct sim_link *link);
/* The network broke: both ends learn it. */
void link_break(struct sim_link *link);

/* --- sim_sys.c --- */

/* -1, with this errno. */
ssize_t sim_fail(int err);
