/* The simulated network: queues of bytes between a client and the server. */
#include <stdlib.h>
#include <string.h>

#include "sim_priv.h"

/* --- Queues --- */

size_t
queue_len(const struct queue *q)
{
    return q->tail - q->head;
}

void
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

size_t
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

struct sim_fd *
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

struct sim_fd *
fd_get(int fd, const char *what)
{
    if (fd < FIRST_FD || fd >= world.fd_end || world.fds[fd].kind == FD_FREE ||
        world.fds[fd].kind == FD_LEFT)
        sim_die("%s of descriptor %d, which is not open", what, fd);
    return &world.fds[fd];
}

struct sim_link *
link_get(int fd, const char *what)
{
    struct sim_fd *f = fd_get(fd, what);

    if (f->kind != FD_LINK)
        sim_die("%s of descriptor %d, which is no connection", what, fd);
    return f->link;
}

int
sim_pass(int fd)
{
    const struct sim_fd *from = fd_get(fd, "pass");
    enum fd_kind kind = from->kind;
    struct sim_link *link = from->link;
    int number;
    struct sim_fd *to = fd_open(kind, &number);

    list_init(&to->backlog);
    to->link = link;
    if (kind == FD_LINK)
        link->fds++;
    else
        world.fds[fd].passed_to = to;
    return number;
}

void
sim_keep(int fd)
{
    fd_get(fd, "keep")->passed_to = NULL;
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
    if (listen_fd >= FIRST_FD && listen_fd < world.fd_end &&
        world.fds[listen_fd].kind == FD_LISTENER)
        list_push_back(&world.fds[listen_fd].backlog, &link->node);
    else
        link->reset = true; /* connection refused */
    return link;
}

void
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
    if (link->fds > 0) {
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

    if (link->server_closed && world.lose_on_reset)
        link_reset(link);
    if (link->reset || link->server_closed || link->client_finished)
        return 0;
    if (n > 0) {
        queue_put(&link->in, src, n);
        link->arrivals++;
    }
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
    link->arrivals++;
}

void
link_reset(struct sim_link *link)
{
    link->reset = true;
    link->arrivals++;
    if (world.lose_on_reset)
        link->out.head = link->out.tail;
}

void
sim_reset(struct sim_link *link)
{
    link->reset = true;
    link->arrivals++;
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
sim_set_local(struct sim_link *link)
{
    link->local = true;
}

void
sim_set_caps(struct sim_link *link, uint32_t in_cap, uint32_t out_cap)
{
    link->in_cap = in_cap;
    link->out_cap = out_cap;
}

size_t
link_out_room(const struct sim_link *link)
{
    size_t used = queue_len(&link->out);
    size_t room = used < link->out_cap ? link->out_cap - used : 0;
    uint64_t window = link->window > link->sent_bytes ? link->window - link->sent_bytes : 0;

    return room < window ? room : (size_t)window;
}

void
link_break(struct sim_link *link)
{
    link->reset = true;
    link->arrivals++;
    link->reset_reported = true;
    link->in.head = link->in.tail;
}
