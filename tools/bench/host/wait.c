/* Waits for events with nanoseconds, where the kernel can. */
#include "host/wait.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "lombard/base/sys.h"

/* Where the kernel (or valgrind) cannot wait for nanoseconds, the last millisecond is polled. */
int
wait_finely(int epfd, struct epoll_event *events, int max, uint64_t limit_ns)
{
    struct timespec limit = {0, (long)limit_ns};
    int n = epoll_pwait2(epfd, events, max, &limit, NULL);

    if (n >= 0 || errno != ENOSYS)
        return n;
    return sys_epoll_wait(epfd, events, max, (int)(limit_ns / 1000000));
}
