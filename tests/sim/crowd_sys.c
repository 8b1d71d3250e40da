/* A simulated kernel that is kind but large: a million connections and nothing that fails. */
#include "crowd_sys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "lombard/base/sys.h"

enum { EPOLL_FD = 3, LISTEN_FD = 4, FIRST_FD = 5 };

struct peer {
    void *watch;
    const char *request;
    uint32_t request_bytes;
    uint32_t events; /* watched */
    bool queued;     /* in the ring of those with an event */
    bool closed;
};

static struct peer *peers; /* by descriptor */
static int *ring;          /* descriptors with an event, each at most once */
static uint32_t fd_end, accepted_end, connected_end;
static uint32_t ring_head, ring_tail, ring_size;
static uint64_t heard_bytes;
static uint64_t now_ns = UINT64_C(1000000000000);

bool
crowd_init(uint32_t clients)
{
    fd_end = clients + FIRST_FD;
    ring_size = fd_end + 1;
    peers = malloc(fd_end * sizeof(*peers));
    ring = malloc(ring_size * sizeof(*ring));
    if (peers == NULL || ring == NULL)
        return false;
    for (uint32_t i = 0; i < fd_end; i++)
        peers[i] = (struct peer){NULL, "", 0, 0, false, false};
    memset(ring, 1, ring_size * sizeof(*ring));
    accepted_end = connected_end = FIRST_FD;
    return true;
}

static void
queue_event(int fd)
{
    if (peers[fd].queued)
        return;
    peers[fd].queued = true;
    ring[ring_tail++ % ring_size] = fd;
}

int
crowd_listen(void)
{
    return LISTEN_FD;
}

void
crowd_connect(uint32_t clients)
{
    connected_end += clients;
    queue_event(LISTEN_FD);
}

void
crowd_say(uint32_t client, const char *request, size_t bytes)
{
    struct peer *p = &peers[FIRST_FD + client];

    p->request = request;
    p->request_bytes = (uint32_t)bytes;
    queue_event((int)(FIRST_FD + client));
}

void
crowd_close(uint32_t client)
{
    peers[FIRST_FD + client].closed = true;
    queue_event((int)(FIRST_FD + client));
}

uint64_t
crowd_heard_bytes(void)
{
    return heard_bytes;
}

void
crowd_advance_ms(uint64_t ms)
{
    now_ns += ms * 1000000;
}

void
crowd_touch(uint32_t client)
{
    char bytes[2048];
    int fd = (int)(FIRST_FD + client);
    struct epoll_event event;

    if (sys_epoll_wait(EPOLL_FD, &event, 1, 0) != 1 ||
        sys_recv(fd, bytes, sizeof(bytes)) <= 0 || sys_send(fd, bytes, 1) != 1)
        abort();
}

/* --- The seam --- */

int
sys_poll_now(int fd, int events)
{
    (void)events;
    return peers[fd].request_bytes > 0 || peers[fd].closed;
}

bool
sys_peer_user(int fd, struct sys_peer_user *user)
{
    (void)fd;
    (void)user;
    return false;
}

bool
sys_peer_state(int fd, struct sys_peer_state *state)
{
    (void)fd;
    (void)state;
    return false;
}

ssize_t
sys_recv(int fd, void *dst, size_t bytes)
{
    struct peer *p = &peers[fd];
    size_t n = bytes < p->request_bytes ? bytes : p->request_bytes;

    if (n == 0 && p->closed)
        return 0;
    if (n == 0) {
        errno = EAGAIN;
        return -1;
    }
    memcpy(dst, p->request, n);
    p->request += n;
    p->request_bytes -= (uint32_t)n;
    return (ssize_t)n;
}

ssize_t
sys_readv(int fd, const struct iovec *iov, int count)
{
    (void)count;
    return sys_recv(fd, iov[0].iov_base, iov[0].iov_len);
}

ssize_t
sys_send(int fd, const void *src, size_t bytes)
{
    (void)fd;
    (void)src;
    heard_bytes += bytes;
    return (ssize_t)bytes;
}

ssize_t
sys_sendmsg(int fd, const struct iovec *iov, int count)
{
    size_t bytes = 0;

    for (int i = 0; i < count; i++)
        bytes += iov[i].iov_len;
    return sys_send(fd, NULL, bytes);
}

int
sys_ring_open(void)
{
    return ENOSYS;
}

void
sys_ring_close(void)
{
}

int
sys_recv_many(struct sys_transfer *transfers, unsigned count)
{
    (void)transfers;
    (void)count;
    return ENOSYS;
}

int
sys_send_many(struct sys_transfer *transfers, unsigned count)
{
    return sys_recv_many(transfers, count);
}

int
sys_accept(int listen_fd)
{
    (void)listen_fd;
    if (accepted_end == connected_end) {
        errno = EAGAIN;
        return -1;
    }
    return (int)accepted_end++;
}

int
sys_set_option(int fd, int level, int name, int value)
{
    (void)fd;
    (void)level;
    (void)name;
    (void)value;
    return 0;
}

int
sys_shutdown_write(int fd)
{
    (void)fd;
    return 0;
}

int
sys_shutdown(int fd)
{
    (void)fd;
    return 0;
}

ssize_t
sys_read(int fd, void *dst, size_t bytes)
{
    (void)fd;
    (void)dst;
    (void)bytes;
    errno = EAGAIN;
    return -1;
}

int
sys_close(int fd)
{
    peers[fd].events = 0;
    return 0;
}

void
sys_own_name(int fd, char *dst, size_t bytes)
{
    (void)snprintf(dst, bytes, "tcp:192.0.2.2:%d", fd);
}

void
sys_peer_name(int fd, char *dst, size_t bytes)
{
    (void)snprintf(dst, bytes, "tcp:192.0.2.1:%d", fd);
}

int
sys_epoll_create(void)
{
    return EPOLL_FD;
}

int
sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    (void)epfd;
    peers[fd].events = op == EPOLL_CTL_DEL ? 0 : event->events;
    peers[fd].watch = event->data.ptr;
    return 0;
}

int
sys_epoll_busy_poll(int epfd, uint32_t us)
{
    (void)epfd;
    (void)us;
    abort();
}

/* There is none: the loop waits for no longer than until its first timer. */
int
sys_timer_create(void)
{
    errno = EMFILE;
    return -1;
}

int
sys_timer_set(int fd, uint64_t at_ns)
{
    (void)fd;
    (void)at_ns;
    abort();
}

int
sys_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    uint32_t waiting = (ring_tail - ring_head);
    int count = 0;

    (void)epfd;
    (void)timeout_ms;
    for (; waiting > 0 && count < max; waiting--) {
        int fd = ring[ring_head++ % ring_size];
        struct peer *p = &peers[fd];

        p->queued = false;
        if (p->events == 0)
            continue;
        events[count].events = EPOLLIN;
        events[count++].data.ptr = p->watch;
        if (fd == LISTEN_FD && accepted_end < connected_end)
            queue_event(fd); /* level-triggered */
    }
    return count;
}

void *
sys_map(size_t bytes)
{
    void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return mem == MAP_FAILED ? NULL : mem;
}

void *
sys_reserve(size_t bytes)
{
    return sys_map(bytes);
}

bool
sys_allow(void *mem, size_t bytes)
{
    enum { PAGE_BYTES = 4096 };
    size_t before = (uintptr_t)mem % PAGE_BYTES;

    return mprotect((char *)mem - before, bytes + before, PROT_READ | PROT_WRITE) == 0;
}

void
sys_unreserve(void *mem, size_t bytes)
{
    sys_unmap(mem, bytes);
}

void
sys_unmap(void *mem, size_t bytes)
{
    (void)munmap(mem, bytes);
}

void
sys_discard(void *mem, size_t bytes)
{
    (void)madvise(mem, bytes, MADV_DONTNEED);
}

/* No store is kept in a file here. */
void *
sys_map_file(int fd UNUSED, uint64_t off UNUSED, size_t bytes UNUSED)
{
    return NULL;
}

void
sys_discard_file(void *mem UNUSED, size_t bytes UNUSED)
{
}

bool
sys_sync_file(void *mem UNUSED, size_t bytes UNUSED)
{
    return false;
}

bool
sys_resize_file(int fd UNUSED, uint64_t bytes UNUSED)
{
    return false;
}

bool
sys_file_bytes(int fd UNUSED, uint64_t *bytes UNUSED)
{
    return false;
}

void *
sys_malloc(size_t bytes)
{
    return malloc(bytes);
}

void
sys_free(void *mem)
{
    free(mem);
}

uint64_t
sys_monotonic_ns(void)
{
    return now_ns += 20;
}

int64_t
sys_realtime_s(void)
{
    return 1700000000;
}

void
sys_random(void *dst, size_t bytes)
{
    memset(dst, 42, bytes);
}
