/* A small text-protocol server that makes mistakes on purpose, in a process of its own. */
#include "builtin/stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "builtin/child.h"
#include "data/value.h"
#include "lombard/base/sys.h"

enum {
    STUB_KEYS = 1 << 16, /* ids from here on are always missed */
    STUB_INPUT_BYTES = 64 * 1024,
    STUB_OUTPUT_BYTES = 4 * 1024 * 1024,
    STUB_CONNECTIONS = 1024, /* by descriptor */
    STUB_VALUE_MAX = 8192,
    NAME_BYTES = 16,
};

struct stub_client {
    unsigned char *input; /* NULL: no such connection */
    size_t used;
};

struct stub_server {
    struct stub_config config;
    struct stub_counts *counts;
    struct value_id ids[STUB_KEYS]; /* bytes 0: not stored */
    uint32_t said[STUB_KEYS];       /* the version that it said it had stored */
    struct stub_client clients[STUB_CONNECTIONS];
    unsigned char *output;
    size_t output_bytes;
    uint64_t requests; /* that could have shown the fault */
    uint64_t next_stall_ns;
    uint64_t answers;
    uint64_t free_ns; /* when all requests so far will have been served */
    int epfd;
    int listen_fd;
};

const char *
stub_fault_name(enum stub_fault fault)
{
    switch (fault) {
    case STUB_RIGHT: return "none";
    case STUB_WRONG_BYTE: return "a wrong byte in a value";
    case STUB_WRONG_HEAD: return "a wrong bit in a value's head";
    case STUB_OTHER_KEY: return "the value of another key";
    case STUB_SHORT_VALUE: return "a value cut short";
    case STUB_STALE: return "a store that was forgotten";
    case STUB_NEVER_WRITTEN: return "a version never written";
    case STUB_OTHER_NAME: return "a reply with another key";
    case STUB_NO_END: return "a value without its line end";
    case STUB_HANG_UP: return "connections that are closed";
    case STUB_ERROR: return "error replies";
    case STUB_EXTRA: return "more replies than requests";
    case STUB_NO_REPLY: return "requests without a reply";
    }
    BUG("stub_fault out of range");
}

/* Whether this request goes wrong in the way of FAULT. */
static bool
goes_wrong(struct stub_server *s, enum stub_fault fault)
{
    bool now = s->config.fault == fault && ++s->requests % s->config.fault_every == 0;

    s->counts->wrong += now;
    return now;
}

static void
emit(struct stub_server *s, const void *src, size_t bytes)
{
    memcpy(s->output + s->output_bytes, src, bytes);
    s->output_bytes += bytes;
}

/* The id at the end of a key's name. */
static uint32_t
id_of(const char *name, size_t len)
{
    char digits[9] = "";

    memcpy(digits, name + (len > 8 ? len - 8 : 0), len > 8 ? 8 : len);
    return (uint32_t)strtoul(digits, NULL, 16);
}

static void
put_value(struct stub_server *s, const char *name, size_t name_len, struct value_id id)
{
    unsigned char value[STUB_VALUE_MAX];
    char head[300];
    size_t bytes = id.bytes;
    int n;

    if (goes_wrong(s, STUB_OTHER_KEY))
        id.key++;
    if (goes_wrong(s, STUB_NEVER_WRITTEN))
        id.version += 1000000;
    value_write(value, &id);
    if (goes_wrong(s, STUB_WRONG_BYTE))
        value[bytes - 1] ^= 1;
    if (goes_wrong(s, STUB_WRONG_HEAD))
        value[8 % bytes] ^= 1;
    if (goes_wrong(s, STUB_SHORT_VALUE))
        bytes--;
    n = snprintf(head, sizeof(head), "VALUE %.*s%s 0 %zu\r\n", (int)name_len, name,
                 goes_wrong(s, STUB_OTHER_NAME) ? "x" : "", bytes);
    emit(s, head, (size_t)n);
    emit(s, value, bytes);
    if (!goes_wrong(s, STUB_NO_END))
        emit(s, "\r\n", 2);
}

/* "get key key ..." */
static void
do_get(struct stub_server *s, const char *p, const char *end)
{
    if (goes_wrong(s, STUB_ERROR)) {
        emit(s, "SERVER_ERROR on purpose\r\n", 25);
        return;
    }
    if (goes_wrong(s, STUB_NO_REPLY))
        return;
    p += 3;
    while (p < end) {
        const char *name = ++p;
        uint32_t id;

        while (p < end && *p != ' ')
            p++;
        id = id_of(name, (size_t)(p - name));
        if (id < STUB_KEYS && s->ids[id].bytes > 0)
            s->counts->stale += s->ids[id].version < s->said[id];
        if (id < STUB_KEYS && s->ids[id].bytes > 0)
            put_value(s, name, (size_t)(p - name), s->ids[id]);
    }
    emit(s, "END\r\n", 5);
    if (goes_wrong(s, STUB_EXTRA))
        emit(s, "END\r\n", 5);
}

/* "set key flags ttl bytes" and the value behind it: how many bytes, 0 if not all there. */
static size_t
do_set(struct stub_server *s, const char *line, const char *end, size_t available)
{
    char name[256];
    unsigned bytes = 0;
    size_t head = (size_t)(end - line) + 2;
    uint32_t key;

    if (sscanf(line, "set %250s %*u %*u %u", name, &bytes) != 2 || available < head + bytes + 2)
        return 0;
    key = id_of(name, strlen(name));
    if (key < STUB_KEYS && bytes <= STUB_VALUE_MAX) {
        struct value_id id = {.key = key, .bytes = bytes};

        if (bytes >= VALUE_HEAD_BYTES) {
            memcpy(&id.version, line + head + 8, 4);
            memcpy(&id.writer, line + head + 12, 4);
        }
        s->said[key] = id.version;
        if (!goes_wrong(s, STUB_STALE))
            s->ids[key] = id;
    }
    emit(s, "STORED\r\n", 8);
    return head + bytes + 2;
}

/* Answer all complete requests; how many bytes they were. False: hang up. */
static bool
answer_all(struct stub_server *s, struct stub_client *c)
{
    size_t off = 0;

    while (s->output_bytes < STUB_OUTPUT_BYTES / 2) {
        char *line = (char *)c->input + off;
        char *newline = memchr(line, '\n', c->used - off);
        size_t used;

        if (newline == NULL)
            break;
        newline[-1] = '\0';
        if (goes_wrong(s, STUB_HANG_UP))
            return false;
        used = (size_t)(newline - line) + 1;
        if (strncmp(line, "set ", 4) == 0)
            used = do_set(s, line, newline - 1, c->used - off);
        else
            do_get(s, line, newline - 1);
        newline[-1] = '\r';
        if (used == 0)
            break;
        s->answers++;
        off += used;
    }
    c->used -= off;
    memmove(c->input, c->input + off, c->used);
    return true;
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
    sleep_until(s->free_ns);
}

static void
serve_client(struct stub_server *s, int fd)
{
    struct stub_client *c = &s->clients[fd];
    uint64_t before = s->answers;
    ssize_t n = recv(fd, c->input + c->used, STUB_INPUT_BYTES - c->used, 0);
    bool alive = n > 0;

    s->output_bytes = 0;
    if (alive) {
        c->used += (size_t)n;
        alive = answer_all(s, c);
        take_time(s, s->answers - before);
        alive = alive && net_send_all(fd, s->output, s->output_bytes);
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
    s->output = malloc(STUB_OUTPUT_BYTES);
    s->epfd = sys_epoll_create();
    if (s->output == NULL || sys_epoll_ctl(s->epfd, EPOLL_CTL_ADD, listen_fd, &event) != 0)
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
