#include "lombard/base/sys.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

ssize_t
sys_recv(int fd, void *dst, size_t bytes)
{
    return recv(fd, dst, bytes, 0);
}

ssize_t
sys_readv(int fd, const struct iovec *iov, int count)
{
    return readv(fd, iov, count);
}

ssize_t
sys_send(int fd, const void *src, size_t bytes)
{
    return send(fd, src, bytes, MSG_NOSIGNAL);
}

ssize_t
sys_sendmsg(int fd, const struct iovec *iov, int count)
{
    struct msghdr msg = {.msg_iovlen = (size_t)count};

    /* sendmsg() does not write through it: the field lacks a const for recvmsg()'s sake. */
    memcpy(&msg.msg_iov, &iov, sizeof(iov));
    return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

int
sys_accept(int listen_fd)
{
    return accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int
sys_set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value));
}

int
sys_shutdown_write(int fd)
{
    return shutdown(fd, SHUT_WR);
}

int
sys_shutdown(int fd)
{
    return shutdown(fd, SHUT_RDWR);
}

ssize_t
sys_read(int fd, void *dst, size_t bytes)
{
    return read(fd, dst, bytes);
}

int
sys_close(int fd)
{
    return close(fd);
}

int
sys_poll_now(int fd, int events)
{
    struct pollfd poll_fd = {.fd = fd, .events = (short)events};

    return poll(&poll_fd, 1, 0) > 0 ? poll_fd.revents : 0;
}

int
sys_epoll_create(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

int
sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    return epoll_ctl(epfd, op, fd, event);
}

int
sys_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    return epoll_wait(epfd, events, max, timeout_ms);
}

/* struct epoll_params, which older headers lack. How much it does at once is left to the kernel: more takes rights. */
struct epoll_polling {
    uint32_t us;
    uint16_t budget;
    uint8_t prefer;
    uint8_t pad;
};

_Static_assert(_IOW(0x8A, 1, struct epoll_polling) == SYS_EPOLL_BUSY_POLL, "EPIOCSPARAMS");

int
sys_epoll_busy_poll(int epfd, uint32_t us)
{
    struct epoll_polling polling = {.us = us};

    return ioctl(epfd, SYS_EPOLL_BUSY_POLL, &polling);
}

int
sys_timer_create(void)
{
    return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
}

int
sys_timer_set(int fd, uint64_t at_ns)
{
    struct itimerspec at = {
        .it_value = {(time_t)(at_ns / 1000000000), (long)(at_ns % 1000000000)}};

    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL);
}

/*
 * Unmapping the middle of a mapping makes two of it, which fails at vm.max_map_count. Such
 * ranges are kept, without contents, for the next mapping of that size. There are few sizes.
 */
enum { KEPT_SIZES = 4 };
struct kept_range {
    struct kept_range *next;
};
static struct {
    size_t bytes;
    struct kept_range *first;
} kept[KEPT_SIZES];

static void *
take_kept(size_t bytes)
{
    for (int i = 0; i < KEPT_SIZES; i++) {
        struct kept_range *range = kept[i].first;

        if (range == NULL || kept[i].bytes != bytes)
            continue;
        kept[i].first = range->next;
        range->next = NULL; /* all zeros again */
        return range;
    }
    return NULL;
}

static void
keep(void *mem, size_t bytes)
{
    struct kept_range *range = mem;

    sys_discard(mem, bytes);
    for (int i = 0; i < KEPT_SIZES; i++) {
        if (kept[i].first != NULL && kept[i].bytes != bytes)
            continue;
        kept[i].bytes = bytes;
        range->next = kept[i].first;
        kept[i].first = range;
        return;
    }
}

void *
sys_map(size_t bytes)
{
    void *mem = take_kept(bytes);

    if (mem != NULL)
        return mem;
    mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
               -1, 0);
    return mem == MAP_FAILED ? NULL : mem;
}

/* Address space of BYTES, which begins with a whole huge page where it is as large. */
static char *
reserve(size_t bytes)
{
    size_t more = bytes >= SYS_HUGE_BYTES ? SYS_HUGE_BYTES : 0;
    char *mem =
        mmap(NULL, bytes + more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t before;

    if (mem == MAP_FAILED)
        return NULL;
    before = more > 0 ? -(uintptr_t)mem % SYS_HUGE_BYTES : 0;
    if (before > 0)
        (void)munmap(mem, before);
    if (more > before)
        (void)munmap(mem + before + bytes, more - before);
    return mem + before;
}

void *
sys_reserve(size_t bytes)
{
    return reserve(bytes);
}

bool
sys_allow(void *mem, size_t bytes)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = (uintptr_t)mem % page_bytes;

    return mprotect((char *)mem - before, bytes + before, PROT_READ | PROT_WRITE) == 0;
}

void
sys_unreserve(void *mem, size_t bytes)
{
    if (munmap(mem, bytes) != 0)
        (void)madvise(mem, bytes, MADV_DONTNEED);
}

void
sys_unmap(void *mem, size_t bytes)
{
    if (munmap(mem, bytes) != 0)
        keep(mem, bytes);
}

/* MADV_DONTNEED_LOCKED, which older headers lack. */
enum { DISCARD_LOCKED = 24 };
void
sys_discard(void *mem, size_t bytes)
{
    /* For locked memory the first is refused, and the second by kernels before 5.18. */
    if (madvise(mem, bytes, MADV_DONTNEED) != 0 && madvise(mem, bytes, DISCARD_LOCKED) != 0)
        memset(mem, 0, bytes);
}

/* The type of a hugetlbfs, of statfs(2): HUGETLBFS_MAGIC of <linux/magic.h>, which musl lacks. */
static const uint32_t huge_files_magic = 0x958458f6;

bool
sys_is_huge_file(int fd, uint64_t *page_bytes)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) != 0 || (uint32_t)fs.f_type != huge_files_magic)
        return false;
    *page_bytes = (uint64_t)fs.f_bsize;
    return true;
}

void *
sys_map_file(int fd, uint64_t off, size_t bytes)
{
    char *at = reserve(bytes);
    uint64_t page_bytes;
    int flags = MAP_SHARED | MAP_FIXED;
    void *mem;

    if (at == NULL)
        return NULL;
    if (!sys_is_huge_file(fd, &page_bytes))
        flags |= MAP_NORESERVE;
    mem = mmap(at, bytes, PROT_READ | PROT_WRITE, flags, fd, (off_t)off);
    if (mem != MAP_FAILED)
        return mem;
    (void)munmap(at, bytes);
    return NULL;
}

/*
 * Of locked memory (-k) the kernel takes nothing back, and says EINVAL: it is unlocked for so long. If that is said again, it
 * was not locked. A libc may lack mlock2(), and a sanitizer's does nothing.
 */
static bool
remove_locked(void *mem, size_t bytes)
{
    enum { ON_FAULT = 1 }; /* MLOCK_ONFAULT */
    bool removed;

    if (syscall(SYS_munlock, mem, bytes) != 0)
        return false;
    removed = madvise(mem, bytes, MADV_REMOVE) == 0;
    if (removed || errno != EINVAL)
        (void)syscall(SYS_mlock2, mem, bytes, (unsigned long)ON_FAULT);
    return removed;
}

void
sys_discard_file(void *mem, size_t bytes)
{
    if (madvise(mem, bytes, MADV_REMOVE) == 0 || (errno == EINVAL && remove_locked(mem, bytes)))
        return;
    memset(mem, 0, bytes); /* a file system without holes */
}

bool
sys_sync_file(void *mem, size_t bytes)
{
    return msync(mem, bytes, MS_SYNC) == 0;
}

bool
sys_resize_file(int fd, uint64_t bytes)
{
    return ftruncate(fd, (off_t)bytes) == 0;
}

bool
sys_file_bytes(int fd, uint64_t *bytes)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    *bytes = (uint64_t)status.st_size;
    return true;
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
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

int64_t
sys_realtime_s(void)
{
    return (int64_t)time(NULL);
}

void
sys_random(void *dst, size_t bytes)
{
    if (getentropy(dst, bytes) != 0)
        BUG("getentropy() failed: no randomness for the hash seed");
}
