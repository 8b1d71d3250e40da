/* Sends and receives the messages of a takeover, with their descriptors, until a time that is set. */
#include "passing.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lombard/base/sys.h"

enum { SHORT_BYTES = offsetof(struct pass_message, text) + PASS_TEXT_BYTES };

/* What is not used of it is not sent. */
static size_t
bytes_of(const struct pass_message *message)
{
    return message->kind == PASS_EARLY ? sizeof(*message) : (size_t)SHORT_BYTES;
}

uint64_t
pass_until_ns(uint64_t ms)
{
    return sys_monotonic_ns() + ms * 1000000;
}

struct pass_message
pass_message(enum pass_kind kind, const char *text)
{
    struct pass_message message;

    memset(&message, 0, sizeof(message));
    message.kind = (uint32_t)kind;
    message.format = PASS_FORMAT;
    if (text != NULL)
        (void)snprintf(message.text, PASS_TEXT_BYTES, "%s", text);
    return message;
}

/* PASS_GOT: the socket is ready for EVENTS. */
static enum pass_result
wait_for(int fd, short events, uint64_t until_ns)
{
    struct pollfd p = {.fd = fd, .events = events};

    for (;;) {
        uint64_t now_ns = sys_monotonic_ns();
        uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
        int ready = poll(&p, 1, (int)(left_ns / 1000000 + 1));

        if (ready > 0)
            return PASS_GOT;
        if (ready < 0 && errno != EINTR)
            return PASS_FAILED;
        if (left_ns == 0)
            return PASS_LATE;
    }
}

/* Room for as many descriptors as a message may have, aligned as the kernel wants them. */
union pass_control {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(PASS_FDS_MAX * sizeof(int))];
};

static void
attach(struct msghdr *msg, union pass_control *control, const int *fds, int count)
{
    size_t bytes = (size_t)count * sizeof(int);
    struct cmsghdr *head = &control->head;

    if (count == 0)
        return;
    memset(control, 0, sizeof(*control));
    msg->msg_control = control->bytes;
    msg->msg_controllen = CMSG_SPACE(bytes);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(head), fds, bytes);
}

enum pass_result
pass_send(int fd, const struct pass_message *message, const int *fds, int count,
          uint64_t until_ns)
{
    struct pass_message copy = *message;
    struct iovec iov = {&copy, bytes_of(&copy)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    union pass_control control;
    enum pass_result result;

    attach(&msg, &control, fds, count);
    for (;;) {
        if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)iov.iov_len)
            return PASS_GOT;
        if (errno == EPIPE || errno == ECONNRESET)
            return PASS_CLOSED;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM && errno != ETOOMANYREFS)
            return PASS_FAILED;
        result = wait_for(fd, POLLOUT, until_ns);
        if (result != PASS_GOT)
            return result;
        if (sys_monotonic_ns() > until_ns)
            return PASS_LATE; /* the socket may say that it is ready, and refuse all the same */
    }
}

/* What came into FDS. False: not all that was sent. */
static bool
detach(struct msghdr *msg, struct pass_fds *fds)
{
    struct cmsghdr *head;

    fds->count = 0;
    for (head = CMSG_FIRSTHDR(msg); head != NULL; head = CMSG_NXTHDR(msg, head)) {
        size_t bytes = head->cmsg_len - CMSG_LEN(0);

        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        memcpy(fds->fd, CMSG_DATA(head), bytes);
        fds->count = (int)(bytes / sizeof(int));
    }
    return (msg->msg_flags & MSG_CTRUNC) == 0;
}

static void
close_all(struct pass_fds *fds)
{
    for (int i = 0; i < fds->count; i++)
        (void)close(fds->fd[i]);
    fds->count = 0;
}

static enum pass_result
receive_once(int fd, struct pass_message *message, struct pass_fds *fds)
{
    struct iovec iov = {message, sizeof(*message)};
    union pass_control control;
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    struct pass_fds none;
    bool whole;
    ssize_t got;

    if (fds != NULL) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof(control.bytes);
        got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } else {
        got = recv(fd, message, sizeof(*message), MSG_DONTWAIT);
        fds = &none;
    }
    if (got <= 0)
        return got == 0 ? PASS_CLOSED : PASS_FAILED;
    whole = detach(&msg, fds);
    if (got >= SHORT_BYTES && got == (ssize_t)bytes_of(message) && whole &&
        (message->kind == PASS_EARLY || memchr(message->text, '\0', PASS_TEXT_BYTES) != NULL))
        return PASS_GOT;
    close_all(fds);
    errno = whole ? EPROTO : EMFILE;
    return PASS_FAILED;
}

enum pass_result
pass_receive(int fd, struct pass_message *message, struct pass_fds *fds, uint64_t until_ns)
{
    for (;;) {
        enum pass_result result = wait_for(fd, POLLIN, until_ns);

        if (result != PASS_GOT)
            return result;
        result = receive_once(fd, message, fds);
        /* A peer that has closed without having read all: what it said before comes after that error. */
        if (result != PASS_FAILED || (errno != EAGAIN && errno != EINTR && errno != ECONNRESET))
            return result;
    }
}
