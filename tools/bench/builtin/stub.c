/* A small server that makes mistakes on purpose, in a process of its own. */
#include "builtin/stub.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "builtin/child.h"
#include "lombard/base/sys.h"

enum {
    STUB_INPUT_BYTES = 64 * 1024,
    STUB_OUTPUT_BYTES = 4 * 1024 * 1024,
    STUB_CONNECTIONS = 1024, /* by descriptor */
};

#define AWAKE_NS UINT64_C(100000)

struct stub_client {
    unsigned char *input; /* NULL: no such connection */
    size_t used;
};

struct stub_server {
    struct stub_config config;
    struct stub_talk *talk;
    struct stub_counts *counts;
    struct stub_client clients[STUB_CONNECTIONS];
    struct stub_out out;
    uint64_t next_stall_ns;
    uint64_t free_ns; /* when all requests so far will have been served */
    int epfd;
    int listen_fd;
};

/* Answer all complete requests. False: hang up, when what there is has been sent. */
static bool
answer_all(struct stub_server *s, struct stub_client *c)
{
    enum stub_step step = STUB_ANSWERED;
    size_t off = 0;

    stub_talk_turn(s->talk);
    while (s->out.bytes < STUB_OUTPUT_BYTES / 2) {
        size_t used;

        step = stub_talk_step(s->talk, c->input + off, c->used - off, &used, &s->out);
        if (step != STUB_ANSWERED)
            break;
        off += used;
    }
    c->used -= off;
    memmove(c->input, c->input + off, c->used);
    return step != STUB_CLOSED;
}

static void
sleep_until(uint64_t ns)
{
    struct timespec ts = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* Let N requests take their time. */
static void
take_time(struct stub_server *s, uint64_t n)
{
    uint64_t now = sys_monotonic_ns();

    if (s->config.service_ns == 0)
        return;
    s->free_ns = (s->free_ns > now ? s->free_ns : now) + n * s->config.service_ns;
    /* What sleeps wakes up late, which would be part of each service. */
    if (s->free_ns > now + AWAKE_NS)
        sleep_until(s->free_ns - AWAKE_NS);
    while (sys_monotonic_ns() < s->free_ns)
        continue;
}

static void
serve_client(struct stub_server *s, int fd)
{
    struct stub_client *c = &s->clients[fd];
    uint64_t before = s->counts->requests;
    ssize_t n = recv(fd, c->input + c->used, STUB_INPUT_BYTES - c->used, 0);
    bool alive = n > 0;

    s->out.bytes = 0;
    if (alive) {
        c->used += (size_t)n;
        alive = answer_all(s, c);
        take_time(s, s->counts->requests - before);
        alive = net_send_all(fd, s->out.p, s->out.bytes) && alive;
    }
    if (!alive) {
        (void)close(fd);
        free(c->input);
        c->input = NULL;
    }
}

static void
take_connection(struct stub_server *s)
{
    int fd = child_accept(s->listen_fd, s->epfd, STUB_CONNECTIONS);

    if (fd < 0)
        return;
    s->clients[fd] = (struct stub_client){.input = malloc(STUB_INPUT_BYTES)};
    if (s->clients[fd].input == NULL)
        (void)close(fd);
}

static void
stall_if_due(struct stub_server *s)
{
    uint64_t now = sys_monotonic_ns();
    if (s->config.stall_every_ns == 0 || now < s->next_stall_ns)
        return;
    sleep_until(s->next_stall_ns + s->config.stall_ns);
    s->counts->stalled_ns = sys_monotonic_ns() - s->next_stall_ns;
    s->next_stall_ns += s->config.stall_every_ns;
}

/* Milliseconds until the next stall, rounded down: the rest is waited for by asking often. */
static int
until_stall_ms(const struct stub_server *s)
{
    uint64_t now = sys_monotonic_ns();

    if (s->config.stall_every_ns == 0)
        return -1;
    return now >= s->next_stall_ns ? 0 : (int)((s->next_stall_ns - now) / 1000000);
}

static NORETURN void
serve_forever(struct stub_server *s)
{
    struct epoll_event events[64];

    s->next_stall_ns =
        sys_monotonic_ns(); /* periodic from the start: any whole period is alike */
    for (;;) {
        int n = sys_epoll_wait(s->epfd, events, 64, until_stall_ms(s));

        stall_if_due(s);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == s->listen_fd)
                take_connection(s);
            else
                serve_client(s, events[i].data.fd);
        }
    }
}

struct stub_start {
    const struct stub_config *config;
    struct stub_counts *counts;
};

/* In the child: until it is killed. */
static NORETURN void
be_server(int listen_fd, const void *context)
{
    const struct stub_start *start = context;
    struct stub_server *s = calloc(1, sizeof(*s));
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listen_fd};

    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    if (s == NULL)
        _exit(1);
    s->config = *start->config;
    s->counts = start->counts;
    s->listen_fd = listen_fd;
    s->out = (struct stub_out){malloc(STUB_OUTPUT_BYTES), 0, STUB_OUTPUT_BYTES};
    s->talk = stub_talk_create(s->config.fault, s->config.fault_every, s->counts);
    s->epfd = sys_epoll_create();
    if (s->out.p == NULL || s->talk == NULL ||
        sys_epoll_ctl(s->epfd, EPOLL_CTL_ADD, listen_fd, &event) != 0)
        _exit(1);
    serve_forever(s);
}

bool
stub_start(struct stub *stub, const struct stub_config *config)
{
    struct stub_start start = {.config = config};

    memset(stub, 0, sizeof(*stub));
    stub->counts = mmap(NULL, sizeof(*stub->counts), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stub->counts == MAP_FAILED)
        return false;
    start.counts = stub->counts;
    stub->pid = child_start(be_server, &start, &stub->addr);
    if (stub->pid > 0)
        return true;
    (void)munmap(stub->counts, sizeof(*stub->counts));
    return false;
}

void
stub_stop(struct stub *stub)
{
    if (stub->pid <= 0)
        return;
    child_stop(&stub->pid);
    (void)munmap(stub->counts, sizeof(*stub->counts));
}
