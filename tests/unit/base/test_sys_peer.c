/* What is known of a peer, and still is when the connection is not there any more. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lombard/base/sys.h"
#include "leak.h"

static int listening, client, server;

/* FAMILY: of a host that may have no IPv6. */
static bool
connect_pair(int family)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    } addr;
    socklen_t len = family == AF_INET ? sizeof(addr.in4) : sizeof(addr.in6);

    memset(&addr, 0, sizeof(addr));
    addr.any.sa_family = (sa_family_t)family;
    if (family == AF_INET)
        addr.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        addr.in6.sin6_addr = in6addr_loopback;
    listening = socket(family, SOCK_STREAM, 0);
    client = socket(family, SOCK_STREAM, 0);
    server = -1;
    if (listening < 0 || bind(listening, &addr.any, len) != 0 || listen(listening, 1) != 0 ||
        getsockname(listening, &addr.any, &len) != 0 || connect(client, &addr.any, len) != 0)
        return false;
    server = accept(listening, NULL, NULL);
    return server >= 0;
}

static void
close_all(void)
{
    (void)close(listening);
    (void)close(client);
    (void)close(server);
}

/* The client ends it with a reset; returns when the server's side knows. */
static void
reset(void)
{
    const struct linger now = {1, 0};
    char byte;

    ck_assert_int_eq(setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    ck_assert_int_eq(close(client), 0);
    client = -1;
    ck_assert_int_lt(recv(server, &byte, 1, 0), 0);
}

START_TEST(reset_peer_has_its_name)
{
    static const int families[] = {AF_INET, AF_INET6};
    char own[128], before[128], after[128];

    if (connect_pair(families[_i])) {
        sys_own_name(client, own, sizeof(own));
        sys_peer_name(server, before, sizeof(before));
        ck_assert_str_eq(before, own);
        reset();
        sys_peer_name(server, after, sizeof(after));
        ck_assert_str_eq(after, own);
    }
    close_all();
}
END_TEST

START_TEST(name_is_cut)
{
    char name[8];

    ck_assert(connect_pair(AF_INET));
    sys_peer_name(server, name, sizeof(name));
    ck_assert_str_eq(name, "tcp:127");
    close_all();
}
END_TEST

START_TEST(no_peer)
{
    char name[16];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    sys_peer_name(fd, name, sizeof(name));
    ck_assert_str_eq(name, "gone");
    (void)close(fd);
}
END_TEST

/* Of a unix socket, what its listener is called, also when the client has gone. */
START_TEST(unix_peer)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct sys_peer_user user;
    char name[128], want[128];

    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/lombard-peer-%d", (int)getpid());
    (void)snprintf(want, sizeof(want), "unix:%s", addr.sun_path);
    listening = socket(AF_UNIX, SOCK_STREAM, 0);
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(listen(listening, 1), 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&addr, sizeof(addr)), 0);
    server = accept(listening, NULL, NULL);
    ck_assert_int_eq(unlink(addr.sun_path), 0);
    sys_peer_name(server, name, sizeof(name));
    ck_assert_str_eq(name, want);
    ck_assert(sys_peer_user(server, &user));
    ck_assert_int_eq(user.pid, getpid());
    ck_assert_int_eq(close(client), 0);
    client = -1;
    sys_peer_name(server, name, sizeof(name));
    ck_assert_str_eq(name, want);
    close_all();
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("sys_peer");

    tcase_add_loop_test(tc, reset_peer_has_its_name, 0, 2);
    tcase_add_test(tc, name_is_cut);
    tcase_add_test(tc, no_peer);
    tcase_add_test(tc, unix_peer);
    return leak_run(tc, "sys_peer");
}
