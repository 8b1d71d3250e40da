#include "sim_sys.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lombard/base/list.h"
#include "lombard/base/sys.h"

enum {
    FIRST_FD = 100, /* so that none is taken for a real one */
    FDS_MAX = 40000,
    TRACE_EVENTS = 300,
    SMALL_MAP_BYTES = 64 * 1024, /* from malloc(), so that sanitizers see its ends */
    PAGE_BYTES = 4096,
    WORLD_SECONDS_MAX = 60, /* of real time: whatever takes longer hangs */
};

/* --- State --- */

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
    int fd; /* of the server's end, or -1 */
    bool accepted;
    bool client_finished;
    bool client_gone; /* sim_link_free() came first: the server's end frees it */
    bool server_finished;
    bool server_closed;
    bool reset; /* by either side */
    bool reset_reported;
};

enum fd_kind { FD_FREE, FD_LISTENER, FD_LINK, FD_EPOLL };

struct sim_fd {
    enum fd_kind kind;
    struct sim_link *link;
    struct list_node backlog; /* of a listener */
    bool watched;
    uint32_t events;
    epoll_data_t data;
};

struct event {
    uint64_t turn; /* epoll_wait() calls so far */
    const char *what;
    int64_t a;
    int64_t b;
    int64_t result;
    int err;
};

static struct world {
    uint64_t seed;
    uint64_t random;
    uint64_t now_ns;
    uint64_t turns;
    struct sim_faults faults;
    struct sim_fd fds[FDS_MAX];
    int fd_end; /* one after the highest that was ever used */
    int fd_low; /* none below is free */
    uint64_t calls[SIM_CALL_KINDS];
    uint64_t refused[SIM_CALL_KINDS];
    bool fail_armed;
    bool fail_struck;
    enum sim_call fail_call;
    uint64_t fail_in;
    int fail_err;
    int64_t mapped_bytes;
    int64_t allocations;
    struct event trace[TRACE_EVENTS];
    uint64_t traced;
} world;

static bool verbose;
static char replay[128];

static const char *const call_names[SIM_CALL_KINDS] = {
    [SIM_RECV] = "recv",
    [SIM_READV] = "readv",
    [SIM_SEND] = "send",
    [SIM_SENDMSG] = "sendmsg",
    [SIM_ACCEPT] = "accept",
    [SIM_SET_OPTION] = "setsockopt",
    [SIM_SHUTDOWN] = "shutdown",
    [SIM_EPOLL_CREATE] = "epoll_create",
    [SIM_EPOLL_CTL] = "epoll_ctl",
    [SIM_EPOLL_WAIT] = "epoll_wait",
    [SIM_MAP] = "mmap",
    [SIM_MALLOC] = "malloc",
    [SIM_CLOSE] = "close",
};

const char *
sim_call_name(enum sim_call call)
{
    return call_names[call];
}

/* --- Trace and death --- */

static void
print_event(const struct event *e)
{
    fprintf(stderr, "  turn %-6" PRIu64 " %-14s %6" PRId64 " %8" PRId64 " = %" PRId64 "%s%s\n",
            e->turn, e->what, e->a, e->b, e->result, e->err ? " " : "",
            e->err ? strerrorname_np(e->err) : "");
}

static void
trace(const char *what, int64_t a, int64_t b, int64_t result, int err)
{
    struct event *e = &world.trace[world.traced++ % TRACE_EVENTS];

    *e = (struct event){world.turns, what, a, b, result, err};
    if (verbose)
        print_event(e);
}

/* errno survives: the seam's callers look at it. */
static int64_t
traced(enum sim_call call, int64_t a, int64_t b, int64_t result)
{
    trace(call_names[call], a, b, result, result < 0 ? errno : 0);
    return result;
}

void
sim_note(const char *what, int64_t a, int64_t b)
{
    trace(what, a, b, 0, 0);
}

static void
print_trace(void)
{
    uint64_t first = world.traced > TRACE_EVENTS ? world.traced - TRACE_EVENTS : 0;

    if (!verbose)
        for (uint64_t i = first; i < world.traced; i++)
            print_event(&world.trace[i % TRACE_EVENTS]);
    fprintf(stderr, "replay with: %s\n", replay[0] != '\0' ? replay : "(no command was set)");
}

void
sim_die(const char *format, ...)
{
    va_list args;

    print_trace();
    fprintf(stderr, "VIOLATION (seed %" PRIu64 ", turn %" PRIu64 "): ", world.seed,
            world.turns);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    _exit(1);
}

/* What the sanitizers call when they have found something. */
void __asan_on_error(void);
void
__asan_on_error(void)
{
    print_trace();
}

static void
on_fatal_signal(int signo)
{
    fprintf(stderr, "%s\n", signo == SIGALRM ? "this world hangs" : strsignal(signo));
    print_trace();
    _exit(1);
}

void
sim_set_replay(const char *how)
{
    (void)snprintf(replay, sizeof(replay), "%s", how);
}

void
sim_set_verbose(bool on)
{
    verbose = on;
}

/* --- Chance --- */

uint64_t
sim_random(void)
{
    /* splitmix64 (Steele, Lea and Flood, 2014). */
    uint64_t z = (world.random += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t
sim_below(uint32_t n)
{
    return (uint32_t)(((sim_random() >> 32) * n) >> 32);
}

bool
sim_one_in(uint32_t n)
{
    return n != 0 && sim_below(n) == 0;
}

/* --- The world --- */

void
sim_begin(uint64_t seed)
{
    if (world.fd_end > FIRST_FD)
        memset(world.fds + FIRST_FD, 0,
               (size_t)(world.fd_end - FIRST_FD) * sizeof(world.fds[0]));
    world.seed = seed;
    world.random = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    world.now_ns = UINT64_C(1000000000000);
    world.turns = 0;
    world.traced = 0;
    world.fd_end = FIRST_FD;
    world.fd_low = FIRST_FD;
    world.mapped_bytes = 0;
    world.allocations = 0;
    memset(world.calls, 0, sizeof(world.calls));
    memset(world.refused, 0, sizeof(world.refused));
    sim_no_faults();
    sim_fail_none();
    (void)signal(SIGABRT, on_fatal_signal);
    (void)signal(SIGALRM, on_fatal_signal);
    (void)alarm(WORLD_SECONDS_MAX);
#if !defined(__SANITIZE_ADDRESS__)
    (void)signal(SIGSEGV, on_fatal_signal);
    (void)signal(SIGBUS, on_fatal_signal);
    (void)signal(SIGFPE, on_fatal_signal);
#endif
}

void
sim_end(void)
{
    for (int fd = FIRST_FD; fd < world.fd_end; fd++)
        if (world.fds[fd].kind != FD_FREE)
            sim_die("descriptor %d was left open", fd);
    if (world.mapped_bytes != 0)
        sim_die("%" PRId64 " bytes were left mapped", world.mapped_bytes);
    if (world.allocations != 0)
        sim_die("%" PRId64 " allocations were left", world.allocations);
}

uint64_t
sim_seed(void)
{
    return world.seed;
}

void
sim_set_faults(const struct sim_faults *faults)
{
    world.faults = *faults;
}

void
sim_no_faults(void)
{
    memset(&world.faults, 0, sizeof(world.faults));
}

uint64_t
sim_now_ns(void)
{
    return world.now_ns;
}

uint32_t
sim_now_s(void)
{
    return (uint32_t)((world.now_ns - UINT64_C(1000000000000)) / 1000000000);
}

void
sim_advance_ms(uint64_t ms)
{
    world.now_ns += ms * 1000000;
}

void
sim_fail_nth(enum sim_call call, uint64_t n, int err)
{
    world.fail_armed = true;
    world.fail_struck = false;
    world.fail_call = call;
    world.fail_in = n;
    world.fail_err = err;
}

void
sim_fail_none(void)
{
    world.fail_armed = false;
    world.fail_struck = false;
}

bool
sim_fail_struck(void)
{
    return world.fail_struck;
}

uint64_t
sim_calls(enum sim_call call)
{
    return world.calls[call];
}

uint64_t
sim_refused(enum sim_call call)
{
    return world.refused[call];
}

/* --- Faults --- */

static const int recv_errors[] = {ECONNRESET, ETIMEDOUT};
static const int send_errors[] = {EPIPE, ECONNRESET, ETIMEDOUT};
static const int accept_errors[] = {EMFILE, ENFILE, ECONNABORTED, ENOBUFS, ENOMEM, EPERM};
static const int option_errors[] = {EINVAL, ENOBUFS};
static const int shutdown_errors[] = {ENOTCONN};
static const int ctl_errors[] = {ENOMEM, ENOSPC};
static const int memory_errors[] = {ENOMEM};

static const struct {
    const int *errors;
    uint32_t count;
} refusals[SIM_CALL_KINDS] = {
    [SIM_RECV] = {recv_errors, ARRAY_LEN(recv_errors)},
    [SIM_READV] = {recv_errors, ARRAY_LEN(recv_errors)},
    [SIM_SEND] = {send_errors, ARRAY_LEN(send_errors)},
    [SIM_SENDMSG] = {send_errors, ARRAY_LEN(send_errors)},
    [SIM_ACCEPT] = {accept_errors, ARRAY_LEN(accept_errors)},
    [SIM_SET_OPTION] = {option_errors, ARRAY_LEN(option_errors)},
    [SIM_SHUTDOWN] = {shutdown_errors, ARRAY_LEN(shutdown_errors)},
    [SIM_EPOLL_CREATE] = {accept_errors, 2},
    [SIM_EPOLL_CTL] = {ctl_errors, ARRAY_LEN(ctl_errors)},
    [SIM_MAP] = {memory_errors, ARRAY_LEN(memory_errors)},
    [SIM_MALLOC] = {memory_errors, ARRAY_LEN(memory_errors)},
};

/* Count the call; the errno it shall fail with, or 0. */
static int
refusal(enum sim_call call)
{
    world.calls[call]++;
    world.now_ns += 300; /* even a system call takes time */
    if (world.fail_armed && world.fail_call == call && --world.fail_in == 0) {
        world.fail_armed = false;
        world.fail_struck = true;
        world.refused[call]++;
        return world.fail_err;
    }
    if (sim_one_in(world.faults.refuse[call]) && refusals[call].count > 0) {
        world.refused[call]++;
        return refusals[call].errors[sim_below(refusals[call].count)];
    }
    return 0;
}

/* The same for calls that move bytes. */
static int
io_refusal(enum sim_call call)
{
    int err = refusal(call);

    if (err == 0 && sim_one_in(world.faults.again))
        err = EAGAIN;
    if (err == 0 && sim_one_in(world.faults.interrupt))
        err = EINTR;
    return err;
}

static size_t
perhaps_fewer(size_t bytes)
{
    if (bytes > 1 && sim_one_in(world.faults.cut))
        return 1 + sim_below((uint32_t)(bytes - 1));
    return bytes;
}

/* --- Queues --- */

static size_t
queue_len(const struct queue *q)
{
    return q->tail - q->head;
}

static void
queue_put(struct queue *q, const void *src, size_t bytes)
{
    if (q->head == q->tail)
        q->head = q->tail = 0;
    if (q->tail + bytes > q->cap && q->head > 0) {
        memmove(q->data, q->data + q->head, queue_len(q));
        q->tail -= q->head;
        q->head = 0;
    }
    if (q->tail + bytes > q->cap) {
        q->cap = 2 * (q->tail + bytes);
        q->data = realloc(q->data, q->cap);
        if (q->data == NULL)
            abort();
    }
    memcpy(q->data + q->tail, src, bytes);
    q->tail += bytes;
}

static size_t
queue_take(struct queue *q, void *dst, size_t bytes)
{
    size_t n = bytes < queue_len(q) ? bytes : queue_len(q);

    if (n == 0)
        return 0;
    memcpy(dst, q->data + q->head, n);
    q->head += n;
    return n;
}

/* --- Descriptors --- */

static struct sim_fd *
fd_open(enum fd_kind kind, int *number)
{
    for (int fd = world.fd_low; fd < FDS_MAX; fd++) {
        struct sim_fd *f = &world.fds[fd];

        if (f->kind != FD_FREE)
            continue;
        memset(f, 0, sizeof(*f));
        f->kind = kind;
        *number = fd;
        world.fd_low = fd + 1;
        if (fd >= world.fd_end)
            world.fd_end = fd + 1;
        return f;
    }
    sim_die("the simulated kernel is out of descriptors");
}

static struct sim_fd *
fd_get(int fd, const char *what)
{
    if (fd < FIRST_FD || fd >= world.fd_end || world.fds[fd].kind == FD_FREE)
        sim_die("%s of descriptor %d, which is not open", what, fd);
    return &world.fds[fd];
}

static struct sim_link *
link_get(int fd, const char *what)
{
    struct sim_fd *f = fd_get(fd, what);

    if (f->kind != FD_LINK)
        sim_die("%s of descriptor %d, which is no connection", what, fd);
    return f->link;
}

/* --- Links --- */

int
sim_listen(void)
{
    int fd;
    struct sim_fd *f = fd_open(FD_LISTENER, &fd);

    list_init(&f->backlog);
    return fd;
}

struct sim_link *
sim_connect(int listen_fd, uint32_t in_cap, uint32_t out_cap)
{
    struct sim_link *link = calloc(1, sizeof(*link));

    if (link == NULL)
        abort();
    list_init(&link->node);
    link->in_cap = in_cap;
    link->out_cap = out_cap;
    link->window = UINT64_MAX;
    link->fd = -1;
    if (listen_fd >= FIRST_FD && listen_fd < world.fd_end &&
        world.fds[listen_fd].kind == FD_LISTENER)
        list_push_back(&world.fds[listen_fd].backlog, &link->node);
    else
        link->reset = true; /* connection refused */
    return link;
}

static void
link_free_now(struct sim_link *link)
{
    free(link->in.data);
    free(link->out.data);
    free(link);
}

void
sim_link_free(struct sim_link *link)
{
    if (link == NULL)
        return;
    link->client_gone = true;
    if (link->fd >= 0) {
        /* A client that goes away with replies unread, or while more is to come, resets. */
        sim_reset(link);
        return;
    }
    list_remove(&link->node);
    link_free_now(link);
}

size_t
sim_send(struct sim_link *link, const void *src, size_t bytes)
{
    size_t used = queue_len(&link->in);
    size_t room = used < link->in_cap ? link->in_cap - used : 0;
    size_t n = bytes < room ? bytes : room;

    if (link->reset || link->server_closed || link->client_finished)
        return 0;
    if (n > 0)
        queue_put(&link->in, src, n);
    return n;
}

size_t
sim_recv(struct sim_link *link, void *dst, size_t bytes)
{
    return queue_take(&link->out, dst, bytes);
}

size_t
sim_readable(const struct sim_link *link)
{
    return queue_len(&link->out);
}

size_t
sim_unreceived(const struct sim_link *link)
{
    return queue_len(&link->in);
}

enum sim_link_state
sim_link_state(const struct sim_link *link)
{
    if (queue_len(&link->out) > 0)
        return SIM_LINK_OPEN;
    if (link->server_finished && !link->reset)
        return SIM_LINK_EOF;
    return link->reset ? SIM_LINK_RESET : SIM_LINK_OPEN;
}

void
sim_finish_sending(struct sim_link *link)
{
    link->client_finished = true;
}

void
sim_reset(struct sim_link *link)
{
    link->reset = true;
    link->in.head = link->in.tail;
}

void
sim_set_window(struct sim_link *link, uint64_t bytes)
{
    link->window = bytes;
}

uint64_t
sim_sent_bytes(const struct sim_link *link)
{
    return link->sent_bytes;
}

bool
sim_accepted(const struct sim_link *link)
{
    return link->accepted;
}

void
sim_set_caps(struct sim_link *link, uint32_t in_cap, uint32_t out_cap)
{
    link->in_cap = in_cap;
    link->out_cap = out_cap;
}

/* What the kernel would take from the server now. */
static size_t
out_room(const struct sim_link *link)
{
    size_t used = queue_len(&link->out);
    size_t room = used < link->out_cap ? link->out_cap - used : 0;
    uint64_t window = link->window > link->sent_bytes ? link->window - link->sent_bytes : 0;

    return room < window ? room : (size_t)window;
}

/* The network broke: both ends learn it. */
static void
link_break(struct sim_link *link)
{
    link->reset = true;
    link->reset_reported = true;
    link->in.head = link->in.tail;
}

static bool
is_fatal(int err)
{
    return err != EAGAIN && err != EINTR && err != ENOBUFS && err != ENOMEM;
}

/* --- The seam: sockets --- */

static ssize_t
fail(int err)
{
    errno = err;
    return -1;
}

/* What a receiving call finds: bytes to hand out (then *N is their limit), or its result. */
static bool
may_receive(struct sim_link *link, enum sim_call call, size_t *n, ssize_t *result)
{
    int err = io_refusal(call);

    if (err != 0) {
        if (is_fatal(err))
            link_break(link);
        *result = fail(err);
        return false;
    }
    if (link->reset) {
        *result = link->reset_reported ? 0 : fail(ECONNRESET);
        link->reset_reported = true;
        return false;
    }
    if (queue_len(&link->in) == 0) {
        *result = link->client_finished ? 0 : fail(EAGAIN);
        return false;
    }
    *n = perhaps_fewer(*n < queue_len(&link->in) ? *n : queue_len(&link->in));
    return true;
}

ssize_t
sys_recv(int fd, void *dst, size_t bytes)
{
    struct sim_link *link = link_get(fd, "recv");
    size_t n = bytes;
    ssize_t result;

    if (bytes == 0)
        sim_die("recv of 0 bytes: its answer cannot be told from the end");
    if (may_receive(link, SIM_RECV, &n, &result))
        result = (ssize_t)queue_take(&link->in, dst, n);
    return (ssize_t)traced(SIM_RECV, fd, (int64_t)bytes, result);
}

static size_t
iov_bytes(const struct iovec *iov, int count)
{
    size_t bytes = 0;

    for (int i = 0; i < count; i++)
        bytes += iov[i].iov_len;
    return bytes;
}

ssize_t
sys_readv(int fd, const struct iovec *iov, int count)
{
    struct sim_link *link = link_get(fd, "readv");
    size_t bytes = iov_bytes(iov, count), n = bytes;
    ssize_t result;

    if (bytes == 0 || count <= 0 || count > 1024)
        sim_die("readv of %zu bytes in %d pieces", bytes, count);
    if (may_receive(link, SIM_READV, &n, &result)) {
        result = (ssize_t)n;
        for (int i = 0; i < count && n > 0; i++)
            n -=
                queue_take(&link->in, iov[i].iov_base, n < iov[i].iov_len ? n : iov[i].iov_len);
    }
    return (ssize_t)traced(SIM_READV, fd, (int64_t)bytes, result);
}

/* What a sending call may do: *N bytes at most, or its result. */
static bool
may_send(struct sim_link *link, enum sim_call call, size_t *n, ssize_t *result)
{
    int err = io_refusal(call);

    if (err != 0) {
        if (is_fatal(err))
            link_break(link);
        *result = fail(err);
        return false;
    }
    if (link->server_finished) {
        *result = fail(EPIPE);
        return false;
    }
    if (link->reset) {
        *result = fail(link->reset_reported ? EPIPE : ECONNRESET);
        link->reset_reported = true;
        return false;
    }
    if (out_room(link) == 0) {
        *result = fail(EAGAIN);
        return false;
    }
    *n = perhaps_fewer(*n < out_room(link) ? *n : out_room(link));
    return true;
}

static ssize_t
send_pieces(struct sim_link *link, const struct iovec *iov, int count, size_t n)
{
    size_t left = n;

    for (int i = 0; i < count && left > 0; i++) {
        size_t piece = left < iov[i].iov_len ? left : iov[i].iov_len;

        queue_put(&link->out, iov[i].iov_base, piece);
        left -= piece;
    }
    link->sent_bytes += n;
    return (ssize_t)n;
}

ssize_t
sys_send(int fd, const void *src, size_t bytes)
{
    struct sim_link *link = link_get(fd, "send");
    struct iovec iov = {(void *)(uintptr_t)src, bytes};
    size_t n = bytes;
    ssize_t result;

    if (bytes == 0)
        sim_die("send of 0 bytes");
    if (may_send(link, SIM_SEND, &n, &result))
        result = send_pieces(link, &iov, 1, n);
    return (ssize_t)traced(SIM_SEND, fd, (int64_t)bytes, result);
}

ssize_t
sys_sendmsg(int fd, const struct iovec *iov, int count)
{
    struct sim_link *link = link_get(fd, "sendmsg");
    size_t bytes = iov_bytes(iov, count), n = bytes;
    ssize_t result;

    if (bytes == 0 || count <= 0 || count > 1024)
        sim_die("sendmsg of %zu bytes in %d pieces", bytes, count);
    if (may_send(link, SIM_SENDMSG, &n, &result))
        result = send_pieces(link, iov, count, n);
    return (ssize_t)traced(SIM_SENDMSG, fd, (int64_t)bytes, result);
}

/* The next in the queue, or NULL; who gave up before being accepted is passed over. */
static struct sim_link *
next_in_backlog(struct sim_fd *listener)
{
    struct list_node *node = list_pop_front(&listener->backlog);

    return node == NULL ? NULL : CONTAINER_OF(node, struct sim_link, node);
}

int
sys_accept(int listen_fd)
{
    struct sim_fd *listener = fd_get(listen_fd, "accept");
    struct sim_link *link;
    int err = refusal(SIM_ACCEPT), fd = -1;

    if (listener->kind != FD_LISTENER)
        sim_die("accept of descriptor %d, which does not listen", listen_fd);
    if (err == 0 && sim_one_in(world.faults.interrupt))
        err = EINTR;
    if (err == ECONNABORTED || err == EPERM) {
        link = next_in_backlog(listener);
        if (link != NULL)
            link->reset = true;
    }
    if (err == 0) {
        link = next_in_backlog(listener);
        if (link == NULL) {
            err = EAGAIN;
        } else {
            fd_open(FD_LINK, &fd)->link = link;
            link->fd = fd;
            link->accepted = true;
        }
    }
    if (err != 0)
        fd = (int)fail(err);
    return (int)traced(SIM_ACCEPT, listen_fd, 0, fd);
}

int
sys_set_option(int fd, int level, int name, int value)
{
    int err = refusal(SIM_SET_OPTION);

    (void)fd_get(fd, "setsockopt");
    (void)level;
    (void)value;
    return (int)traced(SIM_SET_OPTION, fd, name, err != 0 ? fail(err) : 0);
}

int
sys_shutdown_write(int fd)
{
    struct sim_link *link = link_get(fd, "shutdown");
    int err = refusal(SIM_SHUTDOWN);

    if (err == 0)
        link->server_finished = true;
    return (int)traced(SIM_SHUTDOWN, fd, 0, err != 0 ? fail(err) : 0);
}

ssize_t
sys_read(int fd, void *dst, size_t bytes)
{
    (void)dst;
    (void)bytes;
    (void)fd_get(fd, "read");
    return fail(EAGAIN);
}

static void
close_link(struct sim_link *link)
{
    link->fd = -1;
    link->server_closed = true;
    link->server_finished = true;
    /* As in TCP: to close with input unread is to reset. */
    if (queue_len(&link->in) > 0)
        link->reset = true;
    if (link->client_gone)
        link_free_now(link);
}

static void
close_listener(struct sim_fd *listener)
{
    struct sim_link *link;

    while ((link = next_in_backlog(listener)) != NULL)
        link->reset = true;
}

int
sys_close(int fd)
{
    struct sim_fd *f = fd_get(fd, "close");

    world.calls[SIM_CLOSE]++;
    trace("close", fd, 0, 0, 0);
    switch (f->kind) {
    case FD_LINK: close_link(f->link); break;
    case FD_LISTENER: close_listener(f); break;
    case FD_EPOLL:
    case FD_FREE: break;
    }
    f->kind = FD_FREE;
    f->watched = false;
    if (fd < world.fd_low)
        world.fd_low = fd;
    return 0;
}

void
sys_peer_name(int fd, char *dst, size_t bytes)
{
    (void)fd_get(fd, "getpeername");
    (void)snprintf(dst, bytes, "tcp:192.0.2.1:%d", fd);
}

/* --- The seam: epoll --- */

int
sys_epoll_create(void)
{
    int err = refusal(SIM_EPOLL_CREATE), fd = -1;

    if (err != 0)
        fd = (int)fail(err);
    else
        (void)fd_open(FD_EPOLL, &fd);
    return (int)traced(SIM_EPOLL_CREATE, 0, 0, fd);
}

int
sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    struct sim_fd *f = fd_get(fd, "epoll_ctl");
    int err = 0;

    if (fd_get(epfd, "epoll_ctl")->kind != FD_EPOLL)
        sim_die("epoll_ctl on descriptor %d, which is no epoll", epfd);
    if (f->watched != (op != EPOLL_CTL_ADD))
        sim_die("epoll_ctl %d of descriptor %d, which %s watched", op, fd,
                f->watched ? "is" : "is not");
    err = op == EPOLL_CTL_DEL ? (world.calls[SIM_EPOLL_CTL]++, 0) : refusal(SIM_EPOLL_CTL);
    if (err == 0) {
        f->watched = op != EPOLL_CTL_DEL;
        f->events = event != NULL ? event->events : 0;
        if (event != NULL)
            f->data = event->data;
    }
    return (int)traced(SIM_EPOLL_CTL, fd, op * 100 + (int)f->events, err != 0 ? fail(err) : 0);
}

static uint32_t
ready_events(const struct sim_fd *f)
{
    const struct sim_link *link = f->link;
    uint32_t ready = 0;

    switch (f->kind) {
    case FD_LISTENER: return list_is_empty(&f->backlog) ? 0 : EPOLLIN;
    case FD_EPOLL:
    case FD_FREE: return 0;
    case FD_LINK: break;
    }
    if (link->reset)
        return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;
    if (queue_len(&link->in) > 0 || link->client_finished)
        ready |= EPOLLIN;
    if (out_room(link) > 0 || link->server_finished)
        ready |= EPOLLOUT;
    if (link->client_finished && link->server_finished)
        ready |= EPOLLHUP;
    return ready;
}

int
sys_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    int span = world.fd_end - FIRST_FD, count = 0;
    int start = span > 0 ? (int)sim_below((uint32_t)span) : 0;

    world.turns++;
    world.calls[SIM_EPOLL_WAIT]++;
    world.now_ns += 1000;
    if (fd_get(epfd, "epoll_wait")->kind != FD_EPOLL)
        sim_die("epoll_wait on descriptor %d, which is no epoll", epfd);
    if (sim_one_in(world.faults.interrupt) ||
        (world.fail_armed && world.fail_call == SIM_EPOLL_WAIT && --world.fail_in == 0)) {
        if (world.fail_armed && world.fail_call == SIM_EPOLL_WAIT && world.fail_in == 0) {
            world.fail_armed = false;
            world.fail_struck = true;
        }
        return (int)traced(SIM_EPOLL_WAIT, max, timeout_ms, fail(EINTR));
    }
    for (int i = 0; i < span && count < max; i++) {
        struct sim_fd *f = &world.fds[FIRST_FD + (start + i) % span];
        uint32_t ready;

        if (!f->watched)
            continue;
        ready = ready_events(f) & (f->events | EPOLLERR | EPOLLHUP);
        if (ready == 0 || sim_one_in(world.faults.hold_events))
            continue;
        events[count].events = ready;
        events[count].data = f->data;
        count++;
    }
    if (count == 0 && timeout_ms > 0)
        sim_advance_ms((uint64_t)timeout_ms);
    if (count > 0 || timeout_ms != 0)
        trace("epoll_wait", max, timeout_ms, count, 0);
    return count;
}

/* --- The seam: memory --- */

void *
sys_map(size_t bytes)
{
    void *mem = NULL;
    int err = refusal(SIM_MAP);

    if (err == 0 && bytes <= SMALL_MAP_BYTES) {
        if (posix_memalign(&mem, PAGE_BYTES, bytes) != 0)
            abort();
        memset(mem, 0, bytes);
    } else if (err == 0) {
        mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mem == MAP_FAILED)
            abort();
    }
    if (mem != NULL)
        world.mapped_bytes += (int64_t)bytes;
    trace("mmap", (int64_t)bytes, 0, mem != NULL, err);
    errno = err;
    return mem;
}

void
sys_unmap(void *mem, size_t bytes)
{
    world.mapped_bytes -= (int64_t)bytes;
    if (bytes <= SMALL_MAP_BYTES)
        free(mem);
    else
        (void)munmap(mem, bytes);
}

void
sys_discard(void *mem, size_t bytes)
{
    if (bytes > SMALL_MAP_BYTES && (uintptr_t)mem % PAGE_BYTES == 0)
        (void)madvise(mem, bytes, MADV_DONTNEED);
    else
        memset(mem, 0, bytes);
}

void
sys_advise_huge(void *mem, size_t bytes)
{
    (void)mem;
    (void)bytes;
}

void *
sys_malloc(size_t bytes)
{
    int err = refusal(SIM_MALLOC);
    void *mem = err == 0 ? malloc(bytes) : NULL;

    if (mem != NULL)
        world.allocations++;
    trace("malloc", (int64_t)bytes, 0, mem != NULL, err);
    errno = err;
    return mem;
}

void
sys_free(void *mem)
{
    if (mem == NULL)
        return;
    world.allocations--;
    free(mem);
}

/* --- The seam: clocks --- */

uint64_t
sys_monotonic_ns(void)
{
    return world.now_ns;
}

int64_t
sys_realtime_s(void)
{
    return 1700000000 + (int64_t)sim_now_s();
}

void
sys_random(void *dst, size_t bytes)
{
    unsigned char *p = dst;

    for (size_t i = 0; i < bytes; i++)
        p[i] = (unsigned char)sim_random();
}
