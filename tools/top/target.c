/* Connects to servers and asks all of them at the same time; none can hold up the others. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lombard/base/num.h"

static const char question[] = "stats\r\nstats rates\r\nstats latency\r\nstats hotkeys\r\n"
                               "stats conns\r\nstats events 20\r\n";
/* Where there are too many connections to list, something that is answered in one line. */
static const char question_without_conns[] =
    "stats\r\nstats rates\r\nstats latency\r\nstats hotkeys\r\n"
    "version\r\nstats events 20\r\n";

enum { CONNS_MAX = 2000 };

void
target_init(struct target *target, const char *address)
{
    memset(target, 0, sizeof(*target));
    target->address = address;
    target->fd = -1;
    (void)snprintf(target->why, sizeof(target->why), "not asked yet");
}

static void
give_up(struct target *target, const char *why)
{
    (void)snprintf(target->why, sizeof(target->why), "%s", why);
    target->up = false;
    if (target->fd >= 0)
        (void)close(target->fd);
    target->fd = -1;
}

void
target_fini(struct target *target)
{
    give_up(target, "gone");
    answers_free(&target->answers);
}

/* --- Connecting --- */

static int
begin_connect(int family, const struct sockaddr *address, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (connect(fd, address, len) == 0 || errno == EINPROGRESS)
        return fd;
    (void)close(fd);
    return -1;
}

static int
connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    return begin_connect(AF_UNIX, (const struct sockaddr *)&address, sizeof(address));
}

/* "[v6]:port", "host:port", ":port" and "host"; a bare v6 address has two colons or more. */
static void
split(const char *text, char host[TARGET_TEXT_BYTES], char port[16])
{
    const char *colon = strrchr(text, ':');
    size_t len = strlen(text);

    (void)snprintf(port, 16, "11211");
    if (colon != NULL && (strchr(text, ':') == colon || (text[0] == '[' && colon[-1] == ']'))) {
        (void)snprintf(port, 16, "%.15s", colon + 1);
        len = (size_t)(colon - text);
    }
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    (void)snprintf(host, TARGET_TEXT_BYTES, "%.*s", (int)len, len == 0 ? "127.0.0.1" : text);
    if (len == 0)
        (void)snprintf(host, TARGET_TEXT_BYTES, "127.0.0.1");
}

/* getaddrinfo() takes greater ones modulo 65536. */
static bool
is_port(const char *text)
{
    uint32_t port;

    return num_parse_u32(slice_make(text, strlen(text)), &port) && port > 0 &&
           port <= UINT16_MAX;
}

/* A descriptor that is being connected; or -1, and WHY. */
static int
open_target(const char *address, const char **why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char host[TARGET_TEXT_BYTES], port[16];
    struct addrinfo *found;
    int fd = -1;
    int error;

    if (strchr(address, '/') != NULL) {
        fd = connect_unix(address);
        *why = strerror(errno);
        return fd;
    }
    split(address, host, port);
    if (!is_port(port)) {
        *why = "a port is a number from 1 to 65535";
        return -1;
    }
    error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        *why = gai_strerror(error);
        return -1;
    }
    for (const struct addrinfo *one = found; one != NULL && fd < 0; one = one->ai_next)
        fd = begin_connect(one->ai_family, one->ai_addr, one->ai_addrlen);
    *why = strerror(errno);
    freeaddrinfo(found);
    return fd;
}

/* --- Asking --- */

static const char *
question_of(const struct target *target)
{
    return target->lists_conns ? question : question_without_conns;
}

static void
begin(struct target *target)
{
    const char *why;
    double conns = answers_number(&target->answers, ANSWER_STATS, "curr_connections");

    target->lists_conns = target->up && conns >= 0 && conns <= CONNS_MAX;
    answers_clear(&target->answers);
    target->sent = 0;
    target->up = false;
    target->connecting = target->fd < 0;
    if (target->fd < 0 && (target->fd = open_target(target->address, &why)) < 0)
        give_up(target, why);
}

static void
on_writable(struct target *target)
{
    const char *rest = question_of(target) + target->sent;
    socklen_t len = sizeof(int);
    int error = 0;
    ssize_t sent;

    if (target->connecting) {
        (void)getsockopt(target->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error != 0) {
            give_up(target, strerror(error));
            return;
        }
        target->connecting = false;
    }
    sent = send(target->fd, rest, strlen(rest), MSG_NOSIGNAL);
    if (sent >= 0)
        target->sent += (size_t)sent;
    else if (errno != EAGAIN && errno != EINTR)
        give_up(target, strerror(errno));
}

static void
on_readable(struct target *target)
{
    enum { AT_ONCE = 64 * 1024 };
    ssize_t got;

    if (!answers_reserve(&target->answers, AT_ONCE)) {
        give_up(target, "its answer is too long");
        return;
    }
    got = recv(target->fd, target->answers.text + target->answers.len, AT_ONCE, 0);
    if (got > 0)
        answers_received(&target->answers, (size_t)got);
    else if (got == 0)
        give_up(target, "it closed the connection");
    else if (errno != EAGAIN && errno != EINTR)
        give_up(target, strerror(errno));
    if (target->answers.complete == ANSWERS && target->fd >= 0)
        target->up = true;
}

static long
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What it waits for; 0: nothing any more. */
static short
wanted(const struct target *target)
{
    if (target->fd < 0 || target->up)
        return 0;
    return target->sent < strlen(question_of(target)) ? POLLIN | POLLOUT : POLLIN;
}

/* False when none of them waits for anything. */
static bool
poll_targets(struct target *targets, int count, long left_ms)
{
    struct pollfd polls[TARGETS_MAX];
    bool any = false;

    for (int i = 0; i < count; i++) {
        short events = wanted(&targets[i]);

        polls[i] = (struct pollfd){events == 0 ? -1 : targets[i].fd, events, 0};
        any = any || events != 0;
    }
    if (!any || poll(polls, (nfds_t)count, (int)left_ms) < 0)
        return any;
    for (int i = 0; i < count; i++) {
        if ((polls[i].revents & POLLOUT) != 0)
            on_writable(&targets[i]);
        if ((polls[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && targets[i].fd >= 0)
            on_readable(&targets[i]);
    }
    return true;
}

void
targets_ask(struct target *targets, int count)
{
    long end_ms = now_ms() + TARGET_WAIT_MS;
    long left_ms;

    for (int i = 0; i < count; i++)
        begin(&targets[i]);
    while ((left_ms = end_ms - now_ms()) > 0 && poll_targets(targets, count, left_ms))
        continue;
    for (int i = 0; i < count; i++)
        if (targets[i].fd >= 0 && !targets[i].up)
            give_up(&targets[i], "it does not answer");
}

/* --- One command --- */

/* Wait for EVENTS of FD. */
static bool
await(int fd, short events)
{
    struct pollfd one = {fd, events, 0};

    return poll(&one, 1, TARGET_WAIT_MS) == 1;
}

bool
target_command(const struct target *target, const char *command, char *answer, size_t bytes)
{
    const char *why = "it does not answer";
    int fd = open_target(target->address, &why);
    char line[TARGET_TEXT_BYTES * 2];
    int len = snprintf(line, sizeof(line), "%s\r\n", command);
    ssize_t got = -1;

    if (fd >= 0 && await(fd, POLLOUT) &&
        send(fd, line, (size_t)len, MSG_NOSIGNAL) == (ssize_t)len && await(fd, POLLIN))
        got = recv(fd, answer, bytes - 1, 0);
    if (fd >= 0)
        (void)close(fd);
    if (got <= 0) {
        (void)snprintf(answer, bytes, "%s", why);
        return false;
    }
    answer[got] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    return true;
}
