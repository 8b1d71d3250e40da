/* A simulated network with servers that know the truth; takes the place of the system calls. */
#include "truth/sim_servers.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "host/wait.h"
#include "lombard/base/sys.h"

enum { FIRST_FD = 1000, CONNECTIONS = 4096, OUT_BYTES = 4 * 1024 * 1024 };

#define BEGIN_NS UINT64_C(1000000000000)

/* Bytes on their way to the client. */
struct chunk {
    struct chunk *next;
    uint64_t at_ns;
    size_t bytes, off;
    bool last; /* the connection is closed behind it */
    bool told; /* by an event */
    unsigned char p[];
};

struct link {
    bool open, watched, connecting, ended;
    unsigned server;
    uint32_t events;
    void *data;
    unsigned char *in;
    size_t in_bytes;
    size_t in_size;
    struct chunk *first, *tail;
};

struct served {
    struct sim_server config;
    struct stub_talk *talk;
    uint64_t nth, free_ns;
    struct sim_truth truth;
};

static struct link links[CONNECTIONS];
static struct served served[SIM_SERVERS];
static unsigned served_count;
static int fd_end;
static uint64_t now_ns;
static uint64_t paused_until; /* the client's next pause is looked for from here on */
static struct stub_out out;
static uint64_t ring_calls;

void
sim_begin(const struct sim_server *servers, unsigned count)
{
    memset(links, 0, sizeof(links));
    memset(served, 0, sizeof(served));
    now_ns = BEGIN_NS;
    paused_until = BEGIN_NS;
    fd_end = FIRST_FD;
    served_count = count;
    out = (struct stub_out){malloc(OUT_BYTES), 0, OUT_BYTES};
    for (unsigned i = 0; i < count; i++) {
        served[i].config = servers[i];
        served[i].talk =
            stub_talk_create(servers[i].fault, servers[i].every > 0 ? servers[i].every : 1,
                             &served[i].truth.counts);
        hist_reset(&served[i].truth.service);
        ck_assert_ptr_nonnull(served[i].talk);
    }
}

static void
free_link(struct link *l)
{
    while (l->first != NULL) {
        struct chunk *next = l->first->next;

        free(l->first);
        l->first = next;
    }
    free(l->in);
    memset(l, 0, sizeof(*l));
}

void
sim_end(void)
{
    for (int i = 0; i < CONNECTIONS; i++)
        free_link(&links[i]);
    for (unsigned i = 0; i < served_count; i++)
        stub_talk_destroy(served[i].talk);
    free(out.p);
}

uint64_t
sim_now(void)
{
    return now_ns;
}

struct sim_truth *
sim_truth(unsigned server)
{
    return &served[server].truth;
}

void
sim_forget(void)
{
    for (unsigned i = 0; i < served_count; i++) {
        struct sim_truth *t = &served[i].truth;

        memset(&t->counts, 0, sizeof(t->counts));
        hist_reset(&t->service);
        t->sent = t->received = 0;
        served[i].nth = 0;
    }
}

struct net_addr
sim_addr(unsigned server)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(server + 1))};
    struct net_addr a = {.len = sizeof(in4)};

    memcpy(&a.addr, &in4, sizeof(in4));
    (void)snprintf(a.text, sizeof(a.text), "simulated:%u", server + 1);
    return a;
}

void
sim_options(const char *line, struct options *o)
{
    static char words[1024];
    static char *argv[64];
    int argc = 0;

    (void)snprintf(words, sizeof(words), "lombard-bench -q -k %d %s", SIM_KEYS, line);
    for (char *w = strtok(words, " "); w != NULL && argc < 64; w = strtok(NULL, " "))
        argv[argc++] = w;
    ck_assert_int_eq(options_parse(argc, argv, o), OPTIONS_OK);
}

/* Connections. */

static int
connect_to(const struct net_addr *addr, bool wait)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)&addr->addr;
    int fd = FIRST_FD;
    struct link *l = links;

    for (; l->open; l++)
        fd++;
    if (fd >= fd_end)
        fd_end = fd + 1;
    ck_assert_int_lt(fd_end, FIRST_FD + CONNECTIONS);
    *l = (struct link){.open = true, .connecting = !wait, .server = ntohs(in4->sin_port) - 1U};
    served[l->server].truth.connections++;
    return fd;
}

static struct link *
link_of(int fd)
{
    return &links[(fd - FIRST_FD) % CONNECTIONS];
}

int
net_connect(const struct net_addr *addr, uint32_t source)
{
    (void)source;
    return connect_to(addr, true);
}

int
net_connect_begin(const struct net_addr *addr, uint32_t source)
{
    (void)source;
    return connect_to(addr, false);
}

bool
net_connect_end(int fd)
{
    link_of(fd)->connecting = false;
    return true;
}

int
sys_close(int fd)
{
    if (fd >= FIRST_FD)
        free_link(link_of(fd));
    return 0;
}

int
sys_epoll_create(void)
{
    return FIRST_FD - 1;
}

int
sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    struct link *l = link_of(fd);

    (void)epfd;
    (void)op;
    l->watched = true;
    l->events = event->events;
    l->data = event->data.ptr;
    for (struct chunk *c = l->first; c != NULL; c = c->next)
        c->told = false;
    return 0;
}

/* The server. */

static void
deliver(struct link *l, const unsigned char *p, size_t bytes, uint64_t at, bool last)
{
    struct chunk *c = malloc(sizeof(*c) + bytes);

    ck_assert_ptr_nonnull(c);
    *c = (struct chunk){.at_ns = at, .bytes = bytes, .last = last};
    memcpy(c->p, p, bytes);
    if (l->first == NULL)
        l->first = c;
    else
        l->tail->next = c;
    l->tail = c;
}

/* When a request that arrives at NS is served. */
static uint64_t
serve_at(struct served *s, uint64_t ns)
{
    const struct sim_server *c = &s->config;
    uint64_t begin = ns > s->free_ns ? ns : s->free_ns;
    uint64_t end;

    if (c->stall_every_ns > 0 && (begin - BEGIN_NS) % c->stall_every_ns < c->stall_ns)
        begin += c->stall_ns - (begin - BEGIN_NS) % c->stall_every_ns;
    end = begin + (c->service != NULL ? c->service(c->context, s->nth, begin) : 0);
    s->nth++;
    s->free_ns = end;
    return end;
}

static bool
is_frozen(const struct served *s)
{
    return s->config.freezes_at_ns > 0 && now_ns - BEGIN_NS >= s->config.freezes_at_ns;
}

/* A reply whose bytes may still change their places with those of the one before. */
struct answer {
    size_t end;
    uint64_t at_ns;
};

/* Answer the request at the front of P. False: there is none, or the connection is closed. */
static bool
serve_one(struct link *l, const unsigned char *p, size_t bytes, size_t *used, struct answer *a)
{
    struct served *s = &served[l->server];
    uint64_t drop_every = s->config.drop_every;
    bool drop = drop_every > 0 && s->nth % drop_every == drop_every - 1;
    size_t start = out.bytes;
    enum stub_step step = stub_talk_step(s->talk, p, bytes, used, &out);

    if (step == STUB_PARTIAL)
        return false;
    a->at_ns = serve_at(s, now_ns + s->config.wire_ns) + s->config.wire_ns;
    l->ended = step == STUB_CLOSED || drop;
    if (drop)
        out.bytes = start;
    if (!l->ended)
        hist_add(&s->truth.service, a->at_ns - now_ns);
    a->end = out.bytes;
    return true;
}

/* Answer what is complete in the input of L. */
static void
serve(struct link *l)
{
    static struct answer answers[65536];
    struct served *s = &served[l->server];
    size_t count = 0;
    size_t done = 0;
    size_t used;

    stub_talk_turn(s->talk);
    out.bytes = 0;
    while (!l->ended && !is_frozen(s) && count < ARRAY_LEN(answers) &&
           serve_one(l, l->in + done, l->in_bytes - done, &used, &answers[count])) {
        done += used;
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        size_t start = i > 0 ? answers[i - 1].end : 0;

        deliver(l, out.p + start, answers[i].end - start, answers[i].at_ns,
                l->ended && i == count - 1);
    }
    l->in_bytes -= done;
    memmove(l->in, l->in + done, l->in_bytes);
}

ssize_t
sys_sendmsg(int fd, const struct iovec *iov, int count)
{
    struct link *l = link_of(fd);
    size_t total = 0;

    for (int i = 0; i < count; i++) {
        if (l->in_bytes + iov[i].iov_len > l->in_size) {
            l->in_size = 2 * (l->in_bytes + iov[i].iov_len);
            l->in = realloc(l->in, l->in_size);
        }
        ck_assert_ptr_nonnull(l->in);
        memcpy(l->in + l->in_bytes, iov[i].iov_base, iov[i].iov_len);
        l->in_bytes += iov[i].iov_len;
        total += iov[i].iov_len;
    }
    served[l->server].truth.sent += total;
    serve(l);
    now_ns += served[l->server].config.send_ns;
    return (ssize_t)total;
}

ssize_t
sys_send(int fd, const void *src, size_t bytes)
{
    struct iovec iov = {.iov_len = bytes};

    memcpy(&iov.iov_base, &src, sizeof(src));
    return sys_sendmsg(fd, &iov, 1);
}

ssize_t
sys_recv(int fd, void *dst, size_t bytes)
{
    struct link *l = link_of(fd);
    size_t got = 0;

    while (l->first != NULL && l->first->at_ns <= now_ns && got < bytes) {
        struct chunk *c = l->first;
        size_t n = c->bytes - c->off < bytes - got ? c->bytes - c->off : bytes - got;

        memcpy((unsigned char *)dst + got, c->p + c->off, n);
        got += n;
        c->off += n;
        if (c->off < c->bytes)
            break;
        if (c->last)
            break;
        l->first = c->next;
        free(c);
    }
    served[l->server].truth.received += got;
    if (got > 0)
        return (ssize_t)got;
    if (l->first != NULL && l->first->last && l->first->at_ns <= now_ns)
        return 0;
    errno = EAGAIN;
    return -1;
}

/* Many in one call. */

int
sys_ring_open(void)
{
    ring_calls = 0;
    return served[0].config.ring_error;
}

void
sys_ring_close(void)
{
}

static int
make_many(struct sys_transfer *list, unsigned count, bool send)
{
    uint64_t limit = served[0].config.ring_ends_after;
    bool fails = limit > 0 && ++ring_calls > limit;

    for (unsigned i = 0; i < count; i++) {
        struct sys_transfer *t = &list[i];

        if (fails && i >= count / 2) {
            t->result = SYS_NOT_MADE;
            continue;
        }
        t->result = send ? sys_sendmsg(t->fd, t->iov, t->count)
                         : sys_recv(t->fd, t->iov->iov_base, t->iov->iov_len);
        if (t->result < 0)
            t->result = -errno;
    }
    return fails ? EIO : 0;
}

int
sys_send_many(struct sys_transfer *list, unsigned count)
{
    return make_many(list, count, true);
}

int
sys_recv_many(struct sys_transfer *list, unsigned count)
{
    return make_many(list, count, false);
}

/* Time. */

/* The first bytes that epoll has to tell of, at once or later: with EPOLLET each arrival once. */
static struct chunk *
untold(const struct link *l)
{
    struct chunk *c = l->first;

    while (c != NULL && c->told && (l->events & EPOLLET))
        c = c->next;
    return c;
}

static bool
is_ready(const struct link *l)
{
    struct chunk *c = untold(l);
    bool ready = c != NULL && c->at_ns <= now_ns;

    for (; ready && c != NULL && c->at_ns <= now_ns; c = c->next)
        c->told = true;
    return ready;
}

static int
ready_events(struct epoll_event *events, int max)
{
    int n = 0;

    for (int i = 0; i < fd_end - FIRST_FD && n < max; i++) {
        const struct link *l = &links[i];

        if (l->open && l->watched && (l->connecting || is_ready(l)))
            events[n++] = (struct epoll_event){.events = l->connecting ? EPOLLOUT : EPOLLIN,
                                               .data.ptr = l->data};
    }
    return n;
}

static uint64_t
next_event(void)
{
    uint64_t next = UINT64_MAX;

    for (int i = 0; i < fd_end - FIRST_FD; i++) {
        const struct link *l = &links[i];
        const struct chunk *c = l->open ? untold(l) : NULL;

        if (c != NULL && c->at_ns < next)
            next = c->at_ns;
    }
    return next;
}

/* The client is kept from running now and then. */
static void
pause_client(void)
{
    const struct sim_server *c = &served[0].config;

    if (c->pause_every_ns == 0 || now_ns < paused_until)
        return;
    if (paused_until > BEGIN_NS)
        now_ns += c->pause_ns;
    paused_until = now_ns - (now_ns - BEGIN_NS) % c->pause_every_ns + c->pause_every_ns;
}

int
wait_finely(int epfd, struct epoll_event *events, int max, struct wait_time *time)
{
    uint64_t until = now_ns + time->limit_ns;
    int n = ready_events(events, max);
    uint64_t next;

    (void)epfd;
    if (n > 0)
        return n;
    next = next_event();
    now_ns = next < until ? next : until;
    pause_client();
    return ready_events(events, max);
}

int
sys_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    struct wait_time time = {.limit_ns = (uint64_t)timeout_ms * 1000000};

    return wait_finely(epfd, events, max, &time);
}

uint64_t
sys_monotonic_ns(void)
{
    return now_ns;
}

int64_t
sys_realtime_s(void)
{
    return 1700000000;
}

void
sys_random(void *dst, size_t bytes)
{
    memset(dst, 7, bytes);
}

int
sys_poll_now(int fd, int events)
{
    const struct link *l = link_of(fd);

    return l->first != NULL && l->first->at_ns <= now_ns ? events : 0;
}
