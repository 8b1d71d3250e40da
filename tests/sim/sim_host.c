/* The simulated calls that are not about sockets: epoll, memory, clocks, random numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lombard/base/sys.h"

#include "sim_priv.h"

/* --- The seam: epoll --- */

int
sys_epoll_create(void)
{
    int err = sim_refusal(SIM_EPOLL_CREATE), fd = -1;

    if (err != 0)
        fd = (int)sim_fail(err);
    else
        (void)fd_open(FD_EPOLL, &fd);
    return (int)sim_traced(SIM_EPOLL_CREATE, 0, 0, fd);
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
    err = op == EPOLL_CTL_DEL ? (world.calls[SIM_EPOLL_CTL]++, 0) : sim_refusal(SIM_EPOLL_CTL);
    if (err == 0) {
        f->watched = op != EPOLL_CTL_DEL;
        f->epfd = epfd;
        f->events = event != NULL ? event->events : 0;
        if (f->link != NULL)
            f->told =
                f->link->arrivals - 1; /* of the last one again, should it still be there */
        if (event != NULL)
            f->data = event->data;
    }
    return (int)sim_traced(SIM_EPOLL_CTL, fd, op * 100 + (int)f->events,
                           err != 0 ? sim_fail(err) : 0);
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
    case FD_LEFT:
    case FD_LINK: break;
    }
    if (link->reset)
        return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP;
    if (queue_len(&link->in) > 0 || link->client_finished)
        ready |= EPOLLIN;
    if (link->client_finished)
        ready |= EPOLLRDHUP;
    if (link_out_room(link) > 0 || link->server_finished)
        ready |= EPOLLOUT;
    if (link->client_finished && link->server_finished)
        ready |= EPOLLHUP;
    return ready;
}

int
sys_poll_now(int fd, int events)
{
    /* EPOLLIN and its like are the same numbers as POLLIN and its like. */
    return (int)ready_events(fd_get(fd, "poll")) & (events | EPOLLERR | EPOLLHUP);
}

/* No simulated peer vanishes. */
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
    (void)link_get(fd, "getsockopt");
    state->silent_ms = 0;
    state->unanswered = 0;
    return true;
}

/* Devices it has none; some kernels cannot look into them either. */
int
sys_epoll_busy_poll(int epfd, uint32_t us)
{
    int err = sim_below(2) == 0 ? ENOTTY : 0;

    if (fd_get(epfd, "ioctl")->kind != FD_EPOLL)
        sim_die("busy polling of descriptor %d, which is no epoll", epfd);
    sim_trace("ioctl", us, 0, err == 0 ? 0 : -1, err);
    errno = err;
    return err == 0 ? 0 : -1;
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

/* Of what F is watched for. The kernel may tell twice of one arrival, as where it is asked meanwhile. */
static uint32_t
events_to_tell(struct sim_fd *f)
{
    uint32_t ready = ready_events(f) & (f->events | EPOLLERR | EPOLLHUP);

    if (ready == 0 || sim_one_in(world.faults.hold_events))
        return 0;
    if (f->link == NULL || (f->events & EPOLLET) == 0)
        return ready;
    if (f->told == f->link->arrivals && !sim_one_in(world.faults.tell_twice))
        return 0;
    f->told = f->link->arrivals;
    return ready;
}

int
sys_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    int span = world.fd_end - FIRST_FD, count = 0;
    int start = span > 0 ? (int)sim_below((uint32_t)span) : 0;

    world.iterations++;
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
        return (int)sim_traced(SIM_EPOLL_WAIT, max, timeout_ms, sim_fail(EINTR));
    }
    for (int i = 0; i < span && count < max; i++) {
        struct sim_fd *f = &world.fds[FIRST_FD + (start + i) % span];
        uint32_t ready;

        if (!f->watched || f->epfd != epfd)
            continue;
        ready = events_to_tell(f);
        if (ready == 0)
            continue;
        if (f->kind == FD_LEFT)
            sim_die("epoll reports descriptor %d, which was closed: another process has it",
                    FIRST_FD + (start + i) % span);
        events[count].events = ready;
        events[count].data = f->data;
        count++;
    }
    if (count == 0 && timeout_ms > 0)
        sim_advance_ms((uint64_t)timeout_ms);
    if (count > 0 || timeout_ms != 0)
        sim_trace("epoll_wait", max, timeout_ms, count, 0);
    return count;
}

/* --- The seam: memory --- */

void *
sys_map(size_t bytes)
{
    void *mem = NULL;
    int err = sim_refusal(SIM_MAP);

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
    sim_trace("mmap", (int64_t)bytes, 0, mem != NULL, err);
    errno = err;
    return mem;
}

/* All of it may be used at once: that nothing is, before it is allowed, is seen elsewhere. */
void *
sys_reserve(size_t bytes)
{
    return sys_map(bytes);
}

bool
sys_allow(void *mem UNUSED, size_t bytes)
{
    int err = sim_refusal(SIM_MAP);

    sim_trace("mprotect", (int64_t)bytes, 0, err == 0, err);
    return err == 0;
}

/* The few small mappings of files, which are not from malloc(). */
enum { FILE_MAPS_MAX = 64 };
static void *file_maps[FILE_MAPS_MAX];

static void
note_file_map(void *mem)
{
    for (size_t i = 0; i < FILE_MAPS_MAX; i++) {
        if (file_maps[i] != NULL)
            continue;
        file_maps[i] = mem;
        return;
    }
    abort();
}

static bool
take_file_map(const void *mem)
{
    for (size_t i = 0; i < FILE_MAPS_MAX; i++) {
        if (file_maps[i] != mem)
            continue;
        file_maps[i] = NULL;
        return true;
    }
    return false;
}

void
sys_unreserve(void *mem, size_t bytes)
{
    if (bytes > SMALL_MAP_BYTES || !take_file_map(mem)) {
        sys_unmap(mem, bytes);
        return;
    }
    world.mapped_bytes -= (int64_t)bytes;
    (void)munmap(mem, bytes);
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

/* --- The seam: files, which are real ones without a name --- */

void *
sys_map_file(int fd, uint64_t off, size_t bytes)
{
    int err = sim_refusal(SIM_MAP);
    void *mem = NULL;

    if (err == 0) {
        mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)off);
        if (mem == MAP_FAILED)
            abort();
        /* sys_unreserve() gives it back, and does not know what it was. */
        if (bytes <= SMALL_MAP_BYTES)
            note_file_map(mem);
        world.mapped_bytes += (int64_t)bytes;
    }
    sim_trace("mmap", (int64_t)bytes, fd, mem != NULL, err);
    errno = err;
    return mem;
}

void
sys_discard_file(void *mem, size_t bytes)
{
    (void)madvise(mem, bytes, MADV_REMOVE);
}

bool
sys_sync_file(void *mem UNUSED, size_t bytes UNUSED)
{
    return true;
}

bool
sys_resize_file(int fd, uint64_t bytes)
{
    return ftruncate(fd, (off_t)bytes) == 0;
}

bool
sys_file_bytes(int fd, uint64_t *bytes)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return false;
    *bytes = (uint64_t)st.st_size;
    return true;
}

void *
sys_malloc(size_t bytes)
{
    int err = sim_refusal(SIM_MALLOC);
    void *mem = err == 0 ? malloc(bytes) : NULL;

    if (mem != NULL)
        world.allocations++;
    sim_trace("malloc", (int64_t)bytes, 0, mem != NULL, err);
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
