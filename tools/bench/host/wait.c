/* Waits for events with nanoseconds, where the kernel can. */
#include "host/wait.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "lombard/base/sys.h"

/* Where the kernel (or valgrind) cannot wait for nanoseconds, the last millisecond is polled. */
static int
sleep_for(int epfd, struct epoll_event *events, int max, uint64_t ns)
{
    struct timespec limit = {0, (long)ns};
    int n = epoll_pwait2(epfd, events, max, &limit, NULL);

    if (n >= 0 || errno != ENOSYS)
        return n;
    return sys_epoll_wait(epfd, events, max, (int)(ns / 1000000));
}

int
wait_finely(int epfd, struct epoll_event *events, int max, struct wait_time *time)
{
    uint64_t begin = sys_monotonic_ns();
    uint64_t end = begin + time->limit_ns;
    uint64_t now;
    int n;

    if (time->limit_ns > time->spin_ns) {
        n = sleep_for(epfd, events, max, time->limit_ns - time->spin_ns);
        if (n != 0 || time->spin_ns == 0)
            return n;
        begin = sys_monotonic_ns();
    }
    do {
        n = sys_epoll_wait(epfd, events, max, 0);
        now = sys_monotonic_ns();
    } while (n == 0 && now < end);
    time->spun_ns += now - begin;
    return n;
}
