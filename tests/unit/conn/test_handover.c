/* A server that has handed its connections over, or begun to: another process has the same descriptors. */
#include "lombard/conn/handover.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

static int others[CLIENTS]; /* descriptors of the other process */
static uint32_t other_count;

/* It gets all, says nothing, and lives on. */
static void
hand_over_in_vain(void)
{
    struct image image = {.len = 0};
    struct handover handover = {.image = &image, .fds = others};

    ck_assert_uint_le(server_descriptor_count(server), CLIENTS);
    ck_assert_ptr_null(server_hand_over(server, &handover));
    other_count = handover.count;
    for (uint32_t i = 0; i < other_count; i++)
        ck_assert_int_ge(others[i] = dup(others[i]), 0);
    image_fini(&image);
}

static void
end_other(void)
{
    for (uint32_t i = 0; i < other_count; i++)
        (void)close(others[i]);
    other_count = 0;
}

/* Whether the server's epoll, the only one of this process, has something to report. */
static bool
has_events(void)
{
    struct pollfd poll_fd = {.fd = -1, .events = POLLIN};
    char name[64], path[64];

    for (int fd = 3; fd < 1000 && poll_fd.fd < 0; fd++) {
        ssize_t len;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        len = readlink(path, name, sizeof(name) - 1);
        if (len < 0)
            continue;
        name[len] = '\0';
        if (strcmp(name, "anon_inode:[eventpoll]") == 0)
            poll_fd.fd = fd;
    }
    ck_assert_int_ge(poll_fd.fd, 0);
    return poll(&poll_fd, 1, 0) > 0;
}

START_TEST(what_is_closed_ends_and_is_reported_no_more)
{
    dial(0);
    dial(1);
    say(0, "set a 0 0 1\r\nx\r\n");
    expect(0, "STORED\r\n");
    hand_over_in_vain();
    say(0, "get a\r\nquit\r\n");
    expect(0, "VALUE a 0 1\r\nx\r\nEND\r\n");
    ck_assert(is_closed(0)); /* although the other process has it still */
    hang_up(0);
    ck_assert(!has_events());
    hang_up(1);
    iterate(2);
    ck_assert_uint_eq(server->table.conns, 0);
    ck_assert(!has_events());
    end_other();
}
END_TEST

START_TEST(a_rejected_peer_is_reported_no_more)
{
    dial(0);
    say(0, "set a 0 0 1\r\nx\r\n");
    expect(0, "STORED\r\n");
    hand_over_in_vain();
    say(0, "\x80garbage of no protocol, but as long as a head\r\n");
    say(0, "GET / HTTP/1.1\r\n\r\n");
    ck_assert_uint_gt(hear(0), 0);
    ck_assert(is_closed(0));
    ck_assert_uint_eq(server->lingerers.count, 1);
    hang_up(0);
    iterate(2);
    ck_assert_uint_eq(server->lingerers.count, 0);
    ck_assert(!has_events());
    end_other();
}
END_TEST

START_TEST(what_is_let_go_lives_on_elsewhere)
{
    char byte;

    dial(0);
    hand_over_in_vain();
    server_forget(server);
    server_destroy(server);
    server = NULL;
    ck_assert_int_eq(recv(clients[0], &byte, 1, MSG_DONTWAIT),
                     -1); /* which is none, and no end */
    end_other();
    ck_assert_int_eq(recv(clients[0], &byte, 1, MSG_DONTWAIT), 0);
    rig_kill();
}
END_TEST

static void
send_early(struct server *heir)
{
    uint64_t cursor = 0;
    struct offer offer;
    bool more = true;

    while (more) {
        more = server_offer(server, &cursor, &offer);
        for (uint32_t i = 0; i < offer.count; i++)
            ck_assert_int_ge(offer.fds[i] = dup(offer.fds[i]), 0);
        ck_assert(server_expect(heir, &offer));
    }
}

/* What happens between what goes ahead and the rest; NULL: nothing goes ahead. */
typedef void meanwhile_fn(void);

static void
nothing(void)
{
}

/* The same connections in another server, of the same process and store; the first one is let go. */
static void
take_over(const struct server_config *config, meanwhile_fn *meanwhile)
{
    struct image image = {.len = 0};
    struct handover handover = {.image = &image, .fds = others, .early = meanwhile != NULL};
    struct server *heir = server_create(config);
    struct handed in;

    ck_assert_ptr_nonnull(heir);
    ck_assert(server_listen(heir, dup(server->listeners[0].watch.fd), ROLE_CLIENT));
    if (meanwhile != NULL) {
        send_early(heir);
        meanwhile();
    }
    ck_assert_ptr_null(server_hand_over(server, &handover));
    for (uint32_t i = 0; i < handover.count; i++)
        ck_assert_int_ge(others[i] = dup(others[i]), 0);
    in = (struct handed){slice_make(image.bytes, image.len), others, handover.count, 0, 0};
    ck_assert_ptr_null(server_take_over(heir, &in));
    ck_assert_uint_eq(in.used, handover.count);
    server_go_on(heir);
    image_fini(&image);
    server_forget(server);
    server_destroy(server);
    server = heir;
}

START_TEST(a_watcher_is_told_what_it_missed)
{
    dial(0);
    dial(1);
    say(0, "watch mutations\r\n");
    expect(0, "OK\r\n");
    server->watchers.at[0].skipped = 7;
    take_over(&server->config, NULL);
    say(1, "set a 0 0 1\r\nx\r\n");
    (void)hear(0);
    ck_assert_ptr_nonnull(strstr(out, "skipped=7\n"));
    ck_assert_ptr_nonnull(strstr(out, "key=a "));
}
END_TEST

START_TEST(another_peer_timeout_is_told_to_the_kernel)
{
    struct server_config config = server->config;

    dial(0);
    take_over(&config, NULL);
    ck_assert(!server->probes_change);
    config.peer_timeout_s = server->config.peer_timeout_s + 1;
    take_over(&config, nothing);
    ck_assert(server->probes_change);
    ck_assert_uint_eq(server->probes_cursor, 0);
}
END_TEST

/* Of five, one ends and one comes; the others are served on, and the next takeover knows nothing of this one. */
static void
come_and_go(void)
{
    say(1, "quit\r\n");
    ck_assert(is_closed(1));
    hang_up(4);
    iterate(2);
    dial(5);
    say(2, "set b 0 0 1\r\n");
}

static void
come_again(void)
{
    dial(6);
    iterate(1);
}

START_TEST(connections_that_come_and_go_meanwhile_do_so)
{
    for (int i = 0; i < 5; i++)
        dial(i);
    iterate(2);
    take_over(&server->config, come_and_go);
    ck_assert_uint_eq(server->table.conns, 4);
    say(2, "y\r\n");
    expect(2, "STORED\r\n");
    take_over(&server->config, come_again);
    ck_assert_uint_eq(server->table.conns, 5);
    take_over(&server->config, NULL);
    hang_up(3);
    iterate(2);
    ck_assert_uint_eq(server->table.conns, 4);
    for (int i = 0; i < 7; i++) {
        if (i == 1 || i == 3 || i == 4)
            continue;
        say(i, "get b\r\n");
        expect(i, "VALUE b 0 1\r\ny\r\nEND\r\n");
    }
    end_other();
}
END_TEST

enum { SHOWN = 95 };

/* Its socket takes little at a time. */
static void
be_slow(int n)
{
    const int bytes = 4096;

    ck_assert_int_eq(
        setsockopt(conn_at(n)->watch.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

static int
times_shown(int i)
{
    char id[32];

    (void)snprintf(id, sizeof(id), ":id %d\r\n", i + 1);
    return heard_times(id);
}

static int late; /* the client that comes */

/* Too late for the most, which were looked for at first; it would be among them. */
static void
come_late(void)
{
    dial(late);
    say(late, "mn\r\nmn\r\nmn\r\n");
    iterate(2);
}

/* A client that looks at all connections sees each once, whatever process it is in, and in whatever slots they are. */
START_TEST(a_scan_goes_on_where_it_was)
{
    static const char *const questions[] = {"stats conns state idle\r\n",
                                            "stats conns top requests 100\r\n"};
    for (int i = 0; i < SHOWN; i++)
        dial(i);
    iterate(3);
    for (int i = 0; i < SHOWN; i++) {
        say(i, "mn\r\n");
        expect(i, "MN\r\n");
    }
    for (int i = 2; i < 20; i++)
        hang_up(i);
    iterate(3);
    for (size_t q = 0; q < ARRAY_LEN(questions); q++) {
        struct conn *asks;
        uint64_t cursor = 0;

        be_slow(0);
        say(0, questions[q]);
        late = SHOWN + (int)q;
        for (int i = 0; i < 7; i++) {
            take_over(&server->config, i == 6 ? come_late : i % 2 == 0 ? nothing : NULL);
            end_other();
            iterate(1);
        }
        asks = table_next(&server->table, &cursor);
        ck_assert(asks->id == 1 && asks->task != NULL); /* it is amid its answer */
        (void)hear(0);
        for (int i = 1; i < SHOWN; i++)
            ck_assert_int_eq(times_shown(i), i >= 2 && i < 20 ? 0 : 1);
        ck_assert_int_eq(times_shown(SHOWN + 1), 0);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("handover");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_test(tc, what_is_closed_ends_and_is_reported_no_more);
    tcase_add_test(tc, a_rejected_peer_is_reported_no_more);
    tcase_add_test(tc, what_is_let_go_lives_on_elsewhere);
    tcase_add_test(tc, connections_that_come_and_go_meanwhile_do_so);
    tcase_add_test(tc, a_scan_goes_on_where_it_was);
    tcase_add_test(tc, a_watcher_is_told_what_it_missed);
    tcase_add_test(tc, another_peer_timeout_is_told_to_the_kernel);
    return leak_run(tc, "conn/handover");
}
