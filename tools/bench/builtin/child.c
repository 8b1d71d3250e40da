/* Forks and kills the processes of built-in servers, and accepts their connections. */
#include "builtin/child.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lombard/base/sys.h"

pid_t
child_start(void (*serve)(int listen_fd, const void *context), const void *context,
            struct net_addr *out)
{
    int fd = net_listen(out);
    pid_t pid;

    if (fd < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        net_keep_only(fd, -1);
        serve(fd, context); /* never returns */
    }
    (void)close(fd);
    return pid;
}

void
child_stop(pid_t *pid)
{
    if (*pid <= 0)
        return;
    (void)kill(*pid, SIGKILL);
    (void)waitpid(*pid, NULL, 0);
    *pid = 0;
}

int
child_accept(int listen_fd, int epfd, uint64_t fd_count)
{
    int on = 1;
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd < 0)
        return -1;
    if ((uint64_t)fd >= fd_count || sys_epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) != 0) {
        (void)close(fd);
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}
