/*
 * include/lombard/base/sys.h - the seam to the kernel and the allocator.
 *
 * Every system call that may fail, be short or be interrupted while the server
 * runs goes through here, and nowhere else. Each function is the bare call:
 * same result, same errno, no retry. A test replaces the whole file at link
 * time by defining all of these functions itself; link-time optimisation makes
 * them free in the release build.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lombard/base/attr.h"

struct epoll_event;
struct iovec;

/* Sockets. All descriptors are non-blocking. */
ssize_t sys_recv(int fd, void *dst, size_t bytes) MUST_USE;
ssize_t sys_readv(int fd, const struct iovec *iov, int count) MUST_USE;
/* send(2) with MSG_NOSIGNAL: for one contiguous range. */
ssize_t sys_send(int fd, const void *src, size_t bytes) MUST_USE;
/* sendmsg(2) with MSG_NOSIGNAL. */
ssize_t sys_sendmsg(int fd, const struct iovec *iov, int count) MUST_USE;
/* accept4(2) with SOCK_NONBLOCK | SOCK_CLOEXEC. */
int sys_accept(int listen_fd) MUST_USE;
/* setsockopt(2) with an int value. */
int sys_set_option(int fd, int level, int name, int value) MUST_USE;
/* Half-close: no more will be sent, what the peer still sends can be read. */
int sys_shutdown_write(int fd);
/* The end of the connection, for all processes that have it. */
int sys_shutdown(int fd);
/* read(2), for signalfd. */
ssize_t sys_read(int fd, void *dst, size_t bytes) MUST_USE;
int sys_close(int fd);
/*
 * The peer's address as the operator reads it: "tcp:1.2.3.4:5", "tcp6:[::1]:5",
 * or "unix:/path"; of one that was connected over TCP also when it is not any more. "gone": there is
 * none. Always NUL-terminated within BYTES.
 */
void sys_peer_name(int fd, char *dst, size_t bytes);
/* Likewise its own: where it listens. */
void sys_own_name(int fd, char *dst, size_t bytes);
/* Who the peer of a unix socket was when it connected. False where the kernel does not know. */
struct sys_peer_user {
    uint32_t uid;
    int32_t pid;
};
bool sys_peer_user(int fd, struct sys_peer_user *user) MUST_USE;
/* poll(2) of one descriptor, without waiting: which of EVENTS there are, or errors; 0: none. */
int sys_poll_now(int fd, int events) MUST_USE;
/* What the kernel knows of the peer. False where that is nothing: it is no TCP socket. */
struct sys_peer_state {
    uint64_t silent_ms;  /* since the last acknowledgement, of anything */
    uint32_t unanswered; /* repetitions and probes since then */
};
bool sys_peer_state(int fd, struct sys_peer_state *state) MUST_USE;

/*
 * Many calls in one: a ring (io_uring) that only carries receiving and sending to the kernel. Nothing
 * of it goes on when a call returns: each transfer is made without waiting, or was not begun.
 */
enum { SYS_MANY_MAX = 32, SYS_NOT_MADE = -4096 };
struct sys_transfer {
    int fd;
    int count; /* of iov; 1 for receiving */
    struct iovec *iov;
    ssize_t result; /* of it: bytes, an errno below 0, or SYS_NOT_MADE */
};
/*
 * Make the ring, the only one of this process; what it may do is fixed with that. 0, or an errno:
 * ENOSYS, EINVAL (the kernel is too old), EPERM (it is forbidden here), ENOMEM, EMFILE.
 */
int sys_ring_open(void) MUST_USE;
/* Nothing where there is none. */
void sys_ring_close(void);
/*
 * recv(2) or sendmsg(2) as above for each of COUNT transfers, at most SYS_MANY_MAX, in any order.
 * 0: all were made. An errno: the ring is not to be used any more, and some may be SYS_NOT_MADE.
 */
int sys_recv_many(struct sys_transfer *transfers, unsigned count) MUST_USE;
int sys_send_many(struct sys_transfer *transfers, unsigned count) MUST_USE;

/* epoll. */
int sys_epoll_create(void) MUST_USE;
int sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event) MUST_USE;
int sys_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms) MUST_USE;
enum { SYS_EPOLL_BUSY_POLL = 0x40088A01 }; /* EPIOCSPARAMS, the ioctl(2) behind what follows */
/*
 * Have each sys_epoll_wait() that would sleep look into the network devices of its sockets before, for up to US;
 * 0: not any more. 0, or -1 where the kernel cannot: errno (ENOTTY: before Linux 6.9).
 */
int sys_epoll_busy_poll(int epfd, uint32_t us) MUST_USE;
/*
 * A descriptor that is readable from a time on, in sys_monotonic_ns()'s nanoseconds; setting it again
 * makes it unreadable until then.
 */
int sys_timer_create(void) MUST_USE;
int sys_timer_set(int fd, uint64_t at_ns) MUST_USE;

/* Memory. */
/* Zeroed private pages, or NULL. Not counted against overcommit until touched. */
void *sys_map(size_t bytes) MUST_USE;
/* Address space without memory, or NULL: nothing of it may be used before sys_allow(). */
void *sys_reserve(size_t bytes) MUST_USE;
/* The pages that MEM to BYTES behind it lie in become as those of sys_map(). False: they stay. */
bool sys_allow(void *mem, size_t bytes) MUST_USE;
/* All of what sys_reserve() gave. What the kernel does not let go of stays, without contents. */
void sys_unreserve(void *mem, size_t bytes);
/* What the kernel does not let go of is kept, without contents, for the next sys_map() of BYTES. */
void sys_unmap(void *mem, size_t bytes);
/* Give the pages' contents back; they read as zero when touched again. */
void sys_discard(void *mem, size_t bytes);
/*
 * BYTES of the file FD from OFF on as memory that stays in it, or NULL. Beyond the file's end nothing
 * may be touched. sys_unmap() does not know it: sys_unreserve() gives it up. On a hugetlbfs all of its pages
 * are promised to the file here: one that lacked when it is touched would end the process.
 */
void *sys_map_file(int fd, uint64_t off, size_t bytes) MUST_USE;
/* Whether FD is on a hugetlbfs: then OFF and BYTES of what is mapped are multiples of *PAGE_BYTES. */
bool sys_is_huge_file(int fd, uint64_t *page_bytes) MUST_USE;
/* As sys_discard(), of a file: its file system may take the space back. */
void sys_discard_file(void *mem, size_t bytes);
/* Wait until all of it is in the file, should the host crash. False when that cannot be. */
bool sys_sync_file(void *mem, size_t bytes) MUST_USE;
/* ftruncate(2): what is new reads as zero and takes no space until it is touched. */
bool sys_resize_file(int fd, uint64_t bytes) MUST_USE;
/* How large it is; false when FD is no regular file. */
bool sys_file_bytes(int fd, uint64_t *bytes) MUST_USE;
/*
 * Huge pages, of SYS_HUGE_BYTES. What sys_reserve() and sys_map_file() give begins with a whole one where it
 * is as large. AREA and AREA_BYTES: what one sys_reserve() or sys_map_file() gave, as far as it is allowed.
 */
enum { SYS_HUGE_BYTES = 2 * 1024 * 1024 };
/* Memory that is touched there comes on small pages, whatever the host's default, but for sys_touch_huge(). */
void sys_forbid_huge(void *area, size_t area_bytes);
/*
 * Have memory for the SYS_HUGE_BYTES at MEM, none of which was touched yet, as one huge page where the kernel
 * has one. AREA is NULL for what sys_take_huge() gave. False: it has none, and part of it, or all, is on small ones.
 */
bool sys_touch_huge(void *mem, void *area, size_t area_bytes) MUST_USE;
/* The same of a file's; false where files of its kind have none. */
bool sys_touch_huge_file(void *mem) MUST_USE;
/*
 * BYTES at MEM, of what sys_reserve() gave and all in huge pages, become as those of sys_map(), but from the
 * pages that the host has set aside for those that ask for them (vm.nr_hugepages), where it has so many left:
 * else false, and nothing changes. Only whole huge pages of them can be discarded.
 */
bool sys_take_huge(void *mem, size_t bytes) MUST_USE;
/* Before a part of a huge page is discarded: else the kernel keeps that until it needs it. */
void sys_divide_huge(void *mem, size_t bytes);
void *sys_malloc(size_t bytes) MUST_USE;
void sys_free(void *mem);

/* Clocks. */
uint64_t sys_monotonic_ns(void);
/* Seconds since the epoch. */
int64_t sys_realtime_s(void);
/* Unpredictable bytes: hash seeds. Never fails (aborts when the kernel has none). */
void sys_random(void *dst, size_t bytes);
