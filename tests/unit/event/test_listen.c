#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lombard/event/listen.h"
#include "lombard/event/listener.h"
#include "leak.h"

static struct clock now;
static struct loop *loop;
static struct listener listener;
static int accepted, paused_with;
static int last_fd;

static void
nothing(void *ctx)
{
    (void)ctx;
}

static bool
no_work(void *ctx)
{
    (void)ctx;
    return false;
}

static void
on_accept(void *ctx, int fd)
{
    (void)ctx;
    accepted++;
    last_fd = fd;
}

static void
on_pause(void *ctx, int err)
{
    (void)ctx;
    paused_with = err;
}

static const struct listener_user user = {on_accept, on_pause, NULL};

static void
setup(void)
{
    struct loop_user loop_user = {NULL, nothing, nothing, nothing, no_work};

    accepted = 0;
    paused_with = 0;
    last_fd = -1;
    clock_init(&now);
    loop = loop_create(&now, &loop_user);
    ck_assert_ptr_nonnull(loop);
}

static void
teardown(void)
{
    loop_destroy(loop);
}

static void
iterate(void)
{
    ck_assert(loop_iterate(loop, 0));
}

static int
connect_tcp(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

START_TEST(accepts_tcp)
{
    struct listen_sockets sockets = {.count = 0};
    int client;

    ck_assert_int_eq(listen_open_tcp("127.0.0.1", 0, 16, &sockets), LISTEN_OK);
    ck_assert_int_eq(sockets.count, 1);
    ck_assert_uint_ne(listen_port(sockets.fd[0]), 0);
    ck_assert(listener_start(&listener, loop, sockets.fd[0], &user));
    client = connect_tcp(listen_port(sockets.fd[0]));
    iterate();
    ck_assert_int_eq(accepted, 1);
    (void)close(last_fd);
    (void)close(client);
    listener_stop(&listener);
}
END_TEST

static int
option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

/* What the listening socket is told holds for those that are accepted from it. */
START_TEST(accepted_sockets_have_their_limits)
{
    struct listen_sockets sockets = {.count = 0};
    char algorithm[16] = "";
    socklen_t len = sizeof(algorithm);
    int client;

    ck_assert_int_eq(listen_open_tcp("127.0.0.1", 0, 16, &sockets), LISTEN_OK);
    listen_set_peer_timeout(&sockets, 120);
    ck_assert(listener_start(&listener, loop, sockets.fd[0], &user));
    client = connect_tcp(listen_port(sockets.fd[0]));
    iterate();
    ck_assert_int_eq(option_of(last_fd, IPPROTO_TCP, TCP_NODELAY) != 0, 1);
    ck_assert_int_eq(option_of(last_fd, SOL_SOCKET, SO_KEEPALIVE) != 0, 1);
    ck_assert_int_eq(option_of(last_fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 64 * 1024);
    /* Else the kernel would end those, too, that answer and do not read. */
    ck_assert_int_eq(option_of(last_fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    ck_assert_int_eq(getsockopt(last_fd, IPPROTO_TCP, TCP_CONGESTION, algorithm, &len), 0);
    ck_assert_str_eq(algorithm, "reno"); /* within one machine */
    /* No vanished peer is kept longer than that: the first probe and the ones behind it. */
    ck_assert_int_le(option_of(last_fd, IPPROTO_TCP, TCP_KEEPIDLE) +
                         option_of(last_fd, IPPROTO_TCP, TCP_KEEPINTVL) *
                             option_of(last_fd, IPPROTO_TCP, TCP_KEEPCNT),
                     125);
    (void)close(last_fd);
    (void)close(client);
    listener_stop(&listener);
}
END_TEST

/* Opened and listening as another process would leave it: blocking, without any option. */
static int
open_foreign(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    return fd;
}

START_TEST(adopts_what_listens_already)
{
    struct listen_sockets sockets = {.count = 0};
    char algorithm[16] = "";
    socklen_t len = sizeof(algorithm);
    int fd = open_foreign(), client;

    ck_assert_int_eq(listen_adopt(fd, &sockets), LISTEN_OK);
    ck_assert_int_eq(sockets.count, 1);
    ck_assert_int_eq(sockets.fd[0], fd);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert(listener_start(&listener, loop, fd, &user));
    client = connect_tcp(listen_port(fd));
    iterate();
    ck_assert_int_eq(accepted, 1);
    ck_assert_int_eq(option_of(last_fd, IPPROTO_TCP, TCP_NODELAY) != 0, 1);
    ck_assert_int_eq(option_of(last_fd, SOL_SOCKET, SO_KEEPALIVE) != 0, 1);
    ck_assert_int_eq(option_of(last_fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 64 * 1024);
    ck_assert_int_eq(getsockopt(last_fd, IPPROTO_TCP, TCP_CONGESTION, algorithm, &len), 0);
    ck_assert_str_eq(algorithm, "reno");
    (void)close(last_fd);
    (void)close(client);
    listener_stop(&listener);
}
END_TEST

START_TEST(adopts_nothing_else)
{
    struct listen_sockets sockets = {.count = 0};
    int bad[] = {socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET, SOCK_DGRAM, 0),
                 open("/dev/null", O_RDWR)};
    int fd = open_foreign();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_int_eq(listen_adopt(bad[i], &sockets), LISTEN_BAD_ADDRESS);
        ck_assert_int_ne(errno, 0);
        (void)close(bad[i]);
    }
    ck_assert_int_eq(listen_adopt(bad[0], &sockets), LISTEN_FAILED);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(sockets.count, 0);
    sockets.count = LISTEN_SOCKETS_MAX;
    ck_assert_int_eq(listen_adopt(fd, &sockets), LISTEN_BAD_ADDRESS);
    (void)close(fd);
}
END_TEST

/* What a peer sends and is not read has a limit, if that is wanted; the kernel doubles it. */
START_TEST(accepted_sockets_keep_little_that_is_not_read)
{
    struct listen_sockets sockets = {.count = 0};
    int client;

    ck_assert_int_eq(listen_open_tcp("127.0.0.1", 0, 16, &sockets), LISTEN_OK);
    listen_limit_unread(&sockets);
    ck_assert(listener_start(&listener, loop, sockets.fd[0], &user));
    client = connect_tcp(listen_port(sockets.fd[0]));
    iterate();
    ck_assert_int_eq(option_of(last_fd, SOL_SOCKET, SO_RCVBUF), 2 * LISTEN_UNREAD_BYTES_MAX);
    (void)close(last_fd);
    (void)close(client);
    listener_stop(&listener);
}
END_TEST

/* 0: the kernel's own time. A unix socket has no such thing, which is no failure. */
START_TEST(peer_timeout_may_be_left_to_the_kernel)
{
    struct listen_sockets sockets = {.count = 0};
    char path[64];

    ck_assert_int_eq(listen_open_tcp("127.0.0.1", 0, 16, &sockets), LISTEN_OK);
    (void)snprintf(path, sizeof(path), "/tmp/lombard-listen-%d.sock", (int)getpid());
    ck_assert_int_eq(listen_open_unix(path, 0700, 16, &sockets), LISTEN_OK);
    listen_set_peer_timeout(&sockets, 0);
    ck_assert_int_gt(option_of(sockets.fd[0], IPPROTO_TCP, TCP_KEEPIDLE), 1000);
    listen_set_peer_timeout(&sockets, 10);
    ck_assert_int_eq(option_of(sockets.fd[0], IPPROTO_TCP, TCP_KEEPIDLE), 6);
    listen_change_peer_timeout(sockets.fd[0], 0);
    ck_assert_int_eq(option_of(sockets.fd[0], IPPROTO_TCP, TCP_KEEPIDLE), 7200);
    ck_assert_int_eq(option_of(sockets.fd[0], IPPROTO_TCP, TCP_KEEPCNT), 9);
    listen_change_peer_timeout(sockets.fd[1], 10);
    (void)unlink(path);
    while (sockets.count > 0)
        (void)close(sockets.fd[--sockets.count]);
}
END_TEST

START_TEST(picks_one_port_for_all_addresses)
{
    struct listen_sockets sockets = {.count = 0};
    uint16_t port;

    ck_assert_int_eq(listen_open_tcp(NULL, 0, 16, &sockets), LISTEN_OK);
    port = listen_port(sockets.fd[0]);
    for (int i = 0; i < sockets.count; i++) {
        ck_assert_uint_eq(listen_port(sockets.fd[i]), port);
        (void)close(sockets.fd[i]);
    }
}
END_TEST

START_TEST(busy_port_says_so)
{
    struct listen_sockets sockets = {.count = 0};

    ck_assert_int_eq(listen_open_tcp("127.0.0.1", 0, 16, &sockets), LISTEN_OK);
    ck_assert_int_eq(listen_open_tcp("127.0.0.1", listen_port(sockets.fd[0]), 16, &sockets),
                     LISTEN_FAILED);
    ck_assert_int_eq(errno, EADDRINUSE);
    ck_assert_int_eq(sockets.count, 1);
    (void)close(sockets.fd[0]);
}
END_TEST

START_TEST(unknown_host_says_so)
{
    struct listen_sockets sockets = {.count = 0};

    ck_assert_int_eq(listen_open_tcp("256.1.1.1", 0, 16, &sockets), LISTEN_BAD_ADDRESS);
    ck_assert_int_eq(sockets.count, 0);
}
END_TEST

/* As on TCP: a reader that stalls has at most 64 KB in the kernel, and one buffer more. */
START_TEST(unix_socket_keeps_little_for_a_peer_that_does_not_read)
{
    enum { MOST = 64 * 1024 + 16 * 1024 };
    static const char bytes[16 * 1024];
    struct listen_sockets sockets = {.count = 0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    ssize_t sent = 0, n;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/lombard-full-%d.sock",
                   (int)getpid());
    ck_assert_int_eq(listen_open_unix(address.sun_path, 0600, 16, &sockets), LISTEN_OK);
    ck_assert(listener_start(&listener, loop, sockets.fd[0], &user));
    ck_assert_int_eq(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
    iterate();
    ck_assert_int_eq(accepted, 1);
    while ((n = send(last_fd, bytes, sizeof(bytes), MSG_NOSIGNAL)) > 0)
        sent += n;
    ck_assert_int_gt((int)sent, 0);
    ck_assert_int_le((int)sent, MOST);
    (void)close(last_fd);
    (void)close(client);
    (void)unlink(address.sun_path);
    listener_stop(&listener);
}
END_TEST

START_TEST(unix_socket_with_mode_replaces_a_dead_one)
{
    struct listen_sockets sockets = {.count = 0};
    char path[64];
    struct stat st;

    (void)snprintf(path, sizeof(path), "/tmp/lombard-test-%d.sock", (int)getpid());
    ck_assert_int_eq(listen_open_unix(path, 0600, 16, &sockets), LISTEN_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    /* A living one is not taken over, */
    ck_assert_int_eq(listen_open_unix(path, 0600, 16, &sockets), LISTEN_FAILED);
    ck_assert_int_eq(errno, EADDRINUSE);
    /* what a crash left behind is. */
    (void)close(sockets.fd[0]);
    sockets.count = 0;
    ck_assert_int_eq(listen_open_unix(path, 0600, 16, &sockets), LISTEN_OK);
    (void)close(sockets.fd[0]);
    (void)unlink(path);
}
END_TEST

/* A server that lives but does not come to accept is not waited for, and keeps its name. */
START_TEST(a_full_queue_is_no_dead_socket)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct listen_sockets sockets = {.count = 0};
    int waiting[8];
    struct stat before, after;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/lombard-test-%d.sock",
                   (int)getpid());
    ck_assert_int_eq(listen_open_unix(address.sun_path, 0600, 1, &sockets), LISTEN_OK);
    for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
        waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(waiting[i], (const struct sockaddr *)&address, sizeof(address));
    }
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(stat(address.sun_path, &before), 0);
    ck_assert_int_eq(listen_open_unix(address.sun_path, 0600, 16, &sockets), LISTEN_FAILED);
    ck_assert_int_eq(errno, EADDRINUSE);
    ck_assert_int_eq(stat(address.sun_path, &after), 0);
    ck_assert_uint_eq(after.st_ino, before.st_ino);
    for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
        (void)close(waiting[i]);
    (void)close(sockets.fd[0]);
    (void)unlink(address.sun_path);
}
END_TEST

/* Out of descriptors: pause instead of spinning, lose no client, resume when told. */
START_TEST(pauses_when_descriptors_run_out)
{
    struct listen_sockets sockets = {.count = 0};
    struct rlimit before, none;
    int client;

    ck_assert_int_eq(listen_open_tcp("127.0.0.1", 0, 16, &sockets), LISTEN_OK);
    ck_assert(listener_start(&listener, loop, sockets.fd[0], &user));
    client = connect_tcp(listen_port(sockets.fd[0]));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    iterate();
    ck_assert_int_eq(accepted, 0);
    ck_assert_int_eq(paused_with, EMFILE);
    ck_assert(listener.paused);
    iterate(); /* paused: nothing is delivered any more */
    ck_assert_uint_eq(listener.pauses, 1);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    listener_resume(&listener);
    iterate();
    ck_assert_int_eq(accepted, 1);
    ck_assert(!listener.paused);
    (void)close(last_fd);
    (void)close(client);
    listener_stop(&listener);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("listen");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, accepts_tcp);
    tcase_add_test(tc, accepted_sockets_have_their_limits);
    tcase_add_test(tc, adopts_what_listens_already);
    tcase_add_test(tc, adopts_nothing_else);
    tcase_add_test(tc, accepted_sockets_keep_little_that_is_not_read);
    tcase_add_test(tc, peer_timeout_may_be_left_to_the_kernel);
    tcase_add_test(tc, picks_one_port_for_all_addresses);
    tcase_add_test(tc, busy_port_says_so);
    tcase_add_test(tc, unknown_host_says_so);
    tcase_add_test(tc, unix_socket_keeps_little_for_a_peer_that_does_not_read);
    tcase_add_test(tc, unix_socket_with_mode_replaces_a_dead_one);
    tcase_add_test(tc, a_full_queue_is_no_dead_socket);
    tcase_add_test(tc, pauses_when_descriptors_run_out);
    return leak_run(tc, "event/listen");
}
