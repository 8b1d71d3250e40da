/* Receives with the kernel's software timestamps. */
#include "host/stamp.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

bool
stamp_enable(int fd)
{
    int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;

    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)) == 0;
}

static uint64_t
ns_of(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * UINT64_C(1000000000) + (uint64_t)t->tv_nsec;
}

ssize_t
stamp_recv(int fd, void *dst, size_t bytes, uint64_t *waited_ns)
{
    union {
        char bytes[512];
        struct cmsghdr align;
    } control;
    struct iovec iov = {.iov_base = dst, .iov_len = bytes};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(fd, &msg, 0);
    struct timespec now;

    *waited_ns = 0;
    if (n <= 0)
        return n;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
        struct scm_timestamping stamp;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPING)
            continue;
        memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
        if (stamp.ts[0].tv_sec != 0 && ns_of(&now) > ns_of(&stamp.ts[0]))
            *waited_ns = ns_of(&now) - ns_of(&stamp.ts[0]);
    }
    return n;
}
