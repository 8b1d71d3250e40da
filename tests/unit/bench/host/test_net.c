/* Addresses, and what sockets are like before they are connected. */
#include "host/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "leak.h"
#include "lombard/base/attr.h"

START_TEST(knows_what_is_at_home)
{
    static const struct {
        const char *text;
        bool home;
    } table[] = {
        {"127.0.0.1:1", true},
        {"127.1.2.3:1", true},
        {"/no/such/socket", true},
        {"192.0.2.1:1", false}, /* for documentation: nobody's */
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct net_addr addr;
        const char *why;

        ck_assert(net_resolve(table[i].text, &addr, &why));
        ck_assert_msg(net_leads_home(&addr) == table[i].home, "%s", table[i].text);
    }
}
END_TEST

static void
expect_tuned(int fd)
{
    char name[16] = "";
    int on = 0;
    socklen_t len = sizeof(name);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
    ck_assert_str_eq(name, "reno");
    len = sizeof(on);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    ck_assert_int_ne(on, 0);
}

/* Whichever way it connects, and also from another address of this machine. */
START_TEST(paces_nothing_at_home)
{
    struct net_addr addr;
    int listener = net_listen(&addr);

    ck_assert_int_ge(listener, 0);
    for (uint32_t source = 0; source < 2; source++) {
        int waited = net_connect(&addr, source);
        int begun = net_connect_begin(&addr, source);

        expect_tuned(waited);
        expect_tuned(begun);
        while (!net_connect_end(begun)) {
            ck_assert_int_eq(errno, EINPROGRESS);
            (void)poll(&(struct pollfd){.fd = begun, .events = POLLOUT}, 1, -1);
        }
        (void)close(waited);
        (void)close(begun);
    }
    (void)close(listener);
}
END_TEST

START_TEST(says_why_it_cannot_connect)
{
    struct net_addr addr;
    int listener = net_listen(&addr);

    (void)close(listener); /* nobody listens there now */
    errno = 0;
    ck_assert_int_eq(net_connect(&addr, 0), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("net");

    tcase_add_test(tc, knows_what_is_at_home);
    tcase_add_test(tc, paces_nothing_at_home);
    tcase_add_test(tc, says_why_it_cannot_connect);
    return leak_run(tc, "net");
}
