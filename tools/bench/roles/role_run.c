/* What a process of roles.h does: plain blocking sockets, one after the other. */
#include "roles/roles.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "data/keys.h"
#include "lombard/base/sys.h"
#include "wire/wire.h"

enum {
    ROLE_KEYS = 64, /* shared by all clients, so that they do not fill the cache */
    SMALL_BYTES = 1024,
    LARGE_BYTES = 100 * 1024,
    LARGE_GETS = 64,
    PORTS_PER_SOURCE =
        4000, /* few: the kernel looks longer for a free one, the more are taken */
    INPUT_BYTES = 64 * 1024,
    READ_EVERY_MS = 100,
    PATIENCE_S = 30,
};

/* Ids that no load uses: it would need 4,294,901,760 keys. */
#define FIRST_ID UINT32_C(0xffff0000)

struct client {
    int fd; /* -1: lost */
    uint32_t gets_left;
    uint32_t stash_bytes;
    struct reader reader;
    unsigned char stash[WIRE_LINE_MAX];
};

struct clients {
    const struct role_process *process;
    const struct options *options;
    const struct net_addr *addr;
    struct role_report report;
    struct keys keys;
    struct out out;
    struct client *list;
    uint32_t count;
    uint32_t first_source;
    uint32_t sources;     /* connections made so far: which source address is next */
    uint64_t read_ns;     /* slow readers: when they read last, */
    double credit;        /* and the part of a byte that was left */
    unsigned char *input; /* WIRE_LINE_MAX for the stash, then INPUT_BYTES */
};

static void
lose(struct clients *all, struct client *c)
{
    (void)close(c->fd);
    c->fd = -1;
    all->report.lost++;
}

/* A blocking socket with a time limit. */
static bool
open_client(struct clients *all, struct client *c)
{
    struct timeval limit = {.tv_sec = PATIENCE_S};

    memset(c, 0, sizeof(*c));
    c->reader.keys = &all->keys;
    c->fd = net_connect(all->addr,
                        all->first_source + all->sources++ / PORTS_PER_SOURCE % ROLE_SOURCES);
    if (c->fd < 0) {
        all->report.failed++;
        return false;
    }
    (void)fcntl(c->fd, F_SETFL, 0);
    (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    all->report.opened++;
    return true;
}

/* The bytes of a request, in all->out. */
static void
format(struct clients *all, enum query_kind kind, uint32_t id, uint32_t bytes)
{
    struct query query = {
        .kind = (uint8_t)kind, .key_count = 1, .version = 1, .value_bytes = bytes};

    query.one.id = id;
    query.keys = &query.one;
    wire_text.write(&all->out, &all->keys, &query);
}

static bool
send_out(struct client *c, const struct out *out)
{
    for (size_t i = 0; i < out->iov_count; i++) {
        const unsigned char *p = out->iov[i].iov_base;
        size_t left = out->iov[i].iov_len;

        while (left > 0) {
            ssize_t n = sys_send(c->fd, p, left);

            if (n <= 0)
                return false;
            p += n;
            left -= (size_t)n;
        }
    }
    return true;
}

/* Take what is there of the answer to KIND about ID. READ_DONE when it is complete. */
static enum read_result
take(struct clients *all, struct client *c, enum query_kind kind, uint32_t id, size_t room)
{
    struct query query = {.kind = (uint8_t)kind, .key_count = 1};
    unsigned char *fresh = all->input + WIRE_LINE_MAX;
    const unsigned char *p = fresh - c->stash_bytes;
    const unsigned char *end;
    enum read_result result;
    ssize_t n = recv(c->fd, fresh, room < INPUT_BYTES ? room : INPUT_BYTES, 0);

    if (n <= 0)
        return READ_GARBLED;
    query.one.id = id;
    query.keys = &query.one;
    memcpy(fresh - c->stash_bytes, c->stash, c->stash_bytes);
    c->stash_bytes = 0;
    end = fresh + n;
    do {
        result = p < end ? wire_text.read(&c->reader, &query, &p, end) : READ_MORE;
        if (result == READ_VALUE || result == READ_LAST_VALUE) {
            all->report.bytes += c->reader.check.bytes;
            all->report.mismatches += c->reader.check.verdict != VALUE_GOOD;
        }
        if (result == READ_LAST_VALUE)
            result = READ_DONE;
        if (result == READ_DONE) {
            all->report.answered++;
            c->gets_left -= c->gets_left > 0;
        } else if (result == READ_GARBLED) {
            all->report.mismatches++;
        }
    } while (result == READ_VALUE || (result == READ_DONE && c->gets_left > 0));
    if (result != READ_GARBLED && p < end) {
        c->stash_bytes = (uint32_t)(end - p);
        memcpy(c->stash, p, c->stash_bytes);
    }
    return result;
}

/* Wait for the whole answer. */
static bool
await(struct clients *all, struct client *c, enum query_kind kind, uint32_t id)
{
    enum read_result result;

    do {
        result = take(all, c, kind, id, INPUT_BYTES);
    } while (result == READ_MORE);
    return result == READ_DONE;
}

/* One request and its answer. */
static bool
exchange(struct clients *all, struct client *c, enum query_kind kind, uint32_t id,
         uint32_t bytes)
{
    out_reset(&all->out);
    format(all, kind, id, bytes);
    return send_out(c, &all->out) && await(all, c, kind, id);
}

static uint32_t
id_of(uint32_t i)
{
    return FIRST_ID + i % ROLE_KEYS;
}

static void
begin_idle(struct clients *all, struct client *c, uint32_t i)
{
    if (!exchange(all, c, QUERY_SET, id_of(i), SMALL_BYTES) ||
        !exchange(all, c, QUERY_GET, id_of(i), 0))
        lose(all, c);
}

static void
end_idle(struct clients *all, struct client *c, uint32_t i)
{
    if (!exchange(all, c, QUERY_GET, id_of(i), 0))
        lose(all, c);
}

/* All gets in one batch, and then no reading. */
static void
begin_slow(struct clients *all, struct client *c, uint32_t i)
{
    uint32_t id = FIRST_ID + ROLE_KEYS;

    if (i == 0 && !exchange(all, c, QUERY_SET, id, LARGE_BYTES)) {
        lose(all, c);
        return;
    }
    out_reset(&all->out);
    for (int get = 0; get < LARGE_GETS; get++)
        format(all, QUERY_GET, id, 0);
    c->gets_left = LARGE_GETS;
    if (!send_out(c, &all->out))
        lose(all, c);
}

static void
end_slow(struct clients *all, struct client *c, uint32_t i)
{
    (void)i;
    while (c->gets_left > 0) {
        if (take(all, c, QUERY_GET, FIRST_ID + ROLE_KEYS, INPUT_BYTES) == READ_GARBLED) {
            lose(all, c);
            return;
        }
    }
}

/* A part of a get for the even ones, of a set with its value for the odd. */
static size_t
half_of(struct clients *all, uint32_t i)
{
    out_reset(&all->out);
    format(all, i % 2 == 0 ? QUERY_GET : QUERY_SET, id_of(i), SMALL_BYTES);
    return all->out.total / 2;
}

static void
begin_half(struct clients *all, struct client *c, uint32_t i)
{
    size_t half = half_of(all, i);

    if (sys_send(c->fd, all->out.scratch, half) != (ssize_t)half)
        lose(all, c);
}

static void
end_half(struct clients *all, struct client *c, uint32_t i)
{
    out_skip(&all->out, half_of(all, i));
    if (!send_out(c, &all->out) || !await(all, c, i % 2 == 0 ? QUERY_GET : QUERY_SET, id_of(i)))
        lose(all, c);
}

/* What each kind does after connecting, and when it is told to stop. */
static const struct {
    void (*begin)(struct clients *all, struct client *c, uint32_t i);
    void (*end)(struct clients *all, struct client *c, uint32_t i);
} acts[ROLE_KIND_COUNT] = {
    [ROLE_IDLE] = {begin_idle, end_idle},
    [ROLE_SLOW_READER] = {begin_slow, end_slow},
    [ROLE_HALF_COMMAND] = {begin_half, end_half},
    [ROLE_CHURN] = {begin_idle, NULL},
};

static void
tell(const struct clients *all)
{
    if (write(all->process->report_fd, &all->report, sizeof(all->report)) < 0)
        _exit(1);
}

/* Whether it is time to finish. */
static bool
told_to_stop(const struct clients *all, int wait_ms)
{
    struct pollfd p = {.fd = all->process->control_fd, .events = POLLIN};

    return poll(&p, 1, wait_ms) != 0;
}

/* Let one slow reader take up to ROOM bytes. */
static void
read_some(struct clients *all, struct client *c, uint64_t room)
{
    while (room > 0 && c->fd >= 0 && c->gets_left > 0) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        uint64_t now = room < INPUT_BYTES ? room : INPUT_BYTES;

        if (poll(&p, 1, 0) != 1)
            return;
        if (take(all, c, QUERY_GET, FIRST_ID + ROLE_KEYS, (size_t)now) == READ_GARBLED)
            lose(all, c);
        room -= now;
    }
}

uint64_t
role_credit(double *part, uint64_t elapsed_ns, uint64_t rate)
{
    uint64_t whole;

    *part += (double)elapsed_ns / 1e9 * (double)rate;
    whole = (uint64_t)*part;
    *part -= (double)whole;
    return whole;
}

/* Slow readers read as many bytes as their rate gives for the time since the last read. */
static void
read_a_little(struct clients *all)
{
    uint64_t now = sys_monotonic_ns();
    uint64_t room = role_credit(&all->credit, now - all->read_ns, all->options->slow_rate);

    all->read_ns = now;
    for (uint32_t i = 0; i < all->count && room > 0; i++)
        read_some(all, &all->list[i], room);
}

static void
open_all(struct clients *all)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (open_client(all, &all->list[i]))
            acts[all->process->kind].begin(all, &all->list[i], i);
    }
}

/* Connect, store, read and disconnect until told to stop. */
static void
churn(struct clients *all)
{
    while (!told_to_stop(all, 0)) {
        for (uint32_t i = 0; i < all->count; i++) {
            if (all->list[i].fd >= 0)
                (void)close(all->list[i].fd);
        }
        open_all(all);
    }
}

static void
sleep_until_told(struct clients *all)
{
    bool reads = all->process->kind == ROLE_SLOW_READER && all->options->slow_rate > 0;

    all->read_ns = sys_monotonic_ns();
    while (!told_to_stop(all, reads ? READ_EVERY_MS : -1)) {
        if (reads)
            read_a_little(all);
    }
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->list[i].fd >= 0)
            acts[all->process->kind].end(all, &all->list[i], i);
    }
}

static bool
prepare(struct clients *all)
{
    struct sizes sizes;

    all->list = calloc(all->count, sizeof(*all->list));
    all->input = malloc(WIRE_LINE_MAX + INPUT_BYTES);
    all->keys.writer = (uint32_t)getpid();
    return all->list != NULL && all->input != NULL && sizes_parse("16", KEY_TEXT_MAX, &sizes) &&
           keys_init(&all->keys, 1, &sizes, 1) &&
           out_init(&all->out, (size_t)WIRE_HEAD_BYTES_MAX * LARGE_GETS, LARGE_BYTES);
}

void
role_run(const struct role_process *p, const struct options *o, const struct net_addr *addr,
         uint32_t n)
{
    struct clients all = {.process = p, .options = o, .addr = addr, .count = n};
    uint64_t start;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!prepare(&all))
        _exit(1);
    all.first_source = p->first_source;
    start = sys_monotonic_ns();
    open_all(&all);
    all.report.open_ns = sys_monotonic_ns() - start;
    tell(&all);
    if (p->kind == ROLE_CHURN)
        churn(&all);
    else
        sleep_until_told(&all);
    tell(&all);
    _exit(0);
}
