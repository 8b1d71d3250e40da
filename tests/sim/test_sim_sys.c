/* The simulated kernel keeps to what the real one does. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "lombard/base/attr.h"
#include "lombard/base/sys.h"

#include "leak.h"
#include "sim_sys.h"

static int listener;

static void
setup(void)
{
    sim_begin(7);
    listener = sim_listen();
}

static void
teardown(void)
{
    (void)sys_close(listener);
    sim_end();
}

/* A connection that was accepted; its server's end is *FD. */
static struct sim_link *
accepted(uint32_t in_cap, uint32_t out_cap, int *fd)
{
    struct sim_link *link = sim_connect(listener, in_cap, out_cap);

    *fd = sys_accept(listener);
    ck_assert_int_ge(*fd, 0);
    return link;
}

static void
end(struct sim_link *link, int fd)
{
    (void)sys_close(fd);
    sim_link_free(link);
}

START_TEST(bytes_go_both_ways_within_their_caps)
{
    char dst[16];
    int fd;
    struct sim_link *link = accepted(4, 3, &fd);

    ck_assert_uint_eq(sim_send(link, "abcdef", 6), 4);
    ck_assert_int_eq(sys_recv(fd, dst, 2), 2);
    ck_assert_uint_eq(sim_send(link, "ef", 2), 2);
    ck_assert_int_eq(sys_recv(fd, dst + 2, sizeof(dst) - 2), 4);
    ck_assert_mem_eq(dst, "abcdef", 6);
    ck_assert_int_eq(sys_recv(fd, dst, sizeof(dst)), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(sys_send(fd, "12345", 5), 3);
    ck_assert_int_eq(sys_send(fd, "45", 2), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_uint_eq(sim_recv(link, dst, sizeof(dst)), 3);
    ck_assert_mem_eq(dst, "123", 3);
    end(link, fd);
}
END_TEST

START_TEST(vectors_are_filled_and_drained_in_order)
{
    char a[2], b[3];
    const struct iovec in[] = {{a, sizeof(a)}, {b, sizeof(b)}};
    char src[] = "xyz!";
    const struct iovec out[] = {{src, 2}, {src + 2, 1}, {src + 3, 1}};
    char dst[8];
    int fd;
    struct sim_link *link = accepted(100, 3, &fd);

    ck_assert_uint_eq(sim_send(link, "1234", 4), 4);
    ck_assert_int_eq(sys_readv(fd, in, 2), 4);
    ck_assert_mem_eq(a, "12", 2);
    ck_assert_mem_eq(b, "34", 2);
    ck_assert_int_eq(sys_sendmsg(fd, out, 3), 3);
    ck_assert_uint_eq(sim_recv(link, dst, sizeof(dst)), 3);
    ck_assert_mem_eq(dst, "xyz", 3);
    end(link, fd);
}
END_TEST

START_TEST(a_window_stops_the_server_at_a_byte)
{
    int fd;
    struct sim_link *link = accepted(100, 100, &fd);

    sim_set_window(link, 5);
    ck_assert_int_eq(sys_send(fd, "12345678", 8), 5);
    ck_assert_int_eq(sys_send(fd, "678", 3), -1);
    sim_set_window(link, 6);
    ck_assert_int_eq(sys_send(fd, "678", 3), 1);
    ck_assert_uint_eq(sim_sent_bytes(link), 6);
    end(link, fd);
}
END_TEST

static uint32_t
ready_events_of(int epfd)
{
    struct epoll_event event;

    return sys_epoll_wait(epfd, &event, 1, 0) == 1 ? event.events : 0;
}

START_TEST(epoll_is_level_triggered)
{
    struct epoll_event event = {.events = EPOLLIN};
    int epfd = sys_epoll_create(), fd;
    struct sim_link *link = accepted(100, 1, &fd);
    char c;

    ck_assert_int_eq(sys_epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
    ck_assert_uint_eq(ready_events_of(epfd), 0);
    (void)sim_send(link, "ab", 2);
    ck_assert_uint_eq(ready_events_of(epfd), EPOLLIN);
    ck_assert_int_eq(sys_recv(fd, &c, 1), 1);
    ck_assert_uint_eq(ready_events_of(epfd), EPOLLIN);
    ck_assert_int_eq(sys_recv(fd, &c, 1), 1);
    ck_assert_uint_eq(ready_events_of(epfd), 0);
    event.events = EPOLLOUT;
    ck_assert_int_eq(sys_epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &event), 0);
    ck_assert_uint_eq(ready_events_of(epfd), EPOLLOUT);
    ck_assert_int_eq(sys_send(fd, "x", 1), 1);
    ck_assert_uint_eq(ready_events_of(epfd), 0);
    sim_reset(link);
    ck_assert_uint_ne(ready_events_of(epfd) & EPOLLERR, 0);
    end(link, fd);
    (void)sys_close(epfd);
}
END_TEST

/* What has come, once; the rest of it, which a receive left, only when something comes. */
START_TEST(epoll_is_edge_triggered_where_asked)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};
    int epfd = sys_epoll_create(), fd;
    struct sim_link *link = accepted(100, 1, &fd);
    char c;

    (void)sim_send(link, "ab", 2);
    ck_assert_int_eq(sys_epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
    ck_assert_uint_eq(ready_events_of(epfd), EPOLLIN);
    ck_assert_uint_eq(ready_events_of(epfd), 0);
    ck_assert_int_eq(sys_recv(fd, &c, 1), 1);
    ck_assert_uint_eq(ready_events_of(epfd), 0);
    (void)sim_send(link, "c", 1);
    ck_assert_uint_eq(ready_events_of(epfd), EPOLLIN);
    ck_assert_int_eq(sys_epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &event), 0);
    ck_assert_uint_eq(ready_events_of(epfd), EPOLLIN);
    sim_finish_sending(link);
    ck_assert_uint_eq(ready_events_of(epfd), EPOLLIN | EPOLLRDHUP);
    ck_assert_uint_eq(ready_events_of(epfd), 0);
    end(link, fd);
    (void)sys_close(epfd);
}
END_TEST

START_TEST(ends_are_told_apart)
{
    char c;
    int fd;
    struct sim_link *link = accepted(100, 100, &fd);

    (void)sim_send(link, "a", 1);
    sim_finish_sending(link);
    ck_assert_int_eq(sys_recv(fd, &c, 1), 1);
    ck_assert_int_eq(sys_recv(fd, &c, 1), 0);
    ck_assert_int_eq(sys_send(fd, "x", 1), 1);
    ck_assert_int_eq(sim_link_state(link), SIM_LINK_OPEN);
    (void)sys_close(fd);
    ck_assert_uint_eq(sim_recv(link, &c, 1), 1);
    ck_assert_int_eq(sim_link_state(link), SIM_LINK_EOF);
    sim_link_free(link);

    link = accepted(100, 100, &fd);
    sim_reset(link);
    ck_assert_int_eq(sys_recv(fd, &c, 1), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    ck_assert_int_eq(sys_send(fd, "x", 1), -1);
    ck_assert_int_eq(errno, EPIPE);
    end(link, fd);

    link = accepted(100, 100, &fd);
    (void)sim_send(link, "unread", 6);
    (void)sys_close(fd);
    ck_assert_int_eq(sim_link_state(link), SIM_LINK_RESET);
    sim_link_free(link);
}
END_TEST

START_TEST(a_link_lives_until_both_ends_are_gone)
{
    char c;
    int fd;
    struct sim_link *link = accepted(100, 100, &fd);

    sim_link_free(link);
    ck_assert_int_eq(sys_recv(fd, &c, 1), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    (void)sys_close(fd);
}
END_TEST

START_TEST(the_lowest_free_descriptor_comes_next)
{
    int first, second, third;
    struct sim_link *a = accepted(1, 1, &first), *b = accepted(1, 1, &second), *c;

    end(a, first);
    c = accepted(1, 1, &third);
    ck_assert_int_eq(third, first);
    end(b, second);
    end(c, third);
}
END_TEST

START_TEST(the_nth_call_fails_and_only_that)
{
    void *mem;

    sim_fail_nth(SIM_MALLOC, 2, ENOMEM);
    mem = sys_malloc(1);
    ck_assert_ptr_nonnull(mem);
    sys_free(mem);
    ck_assert(!sim_fail_struck());
    ck_assert_ptr_null(sys_malloc(1));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert(sim_fail_struck());
    mem = sys_malloc(1);
    ck_assert_ptr_nonnull(mem);
    sys_free(mem);
}
END_TEST

START_TEST(accept_says_what_it_is_told_and_loses_nobody)
{
    struct sim_link *link = sim_connect(listener, 1, 1);
    int fd;

    sim_fail_nth(SIM_ACCEPT, 1, EMFILE);
    ck_assert_int_eq(sys_accept(listener), -1);
    ck_assert_int_eq(errno, EMFILE);
    fd = sys_accept(listener);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(sys_accept(listener), -1);
    ck_assert_int_eq(errno, EAGAIN);
    end(link, fd);
}
END_TEST

START_TEST(a_seed_says_everything)
{
    uint64_t a, b;

    a = sim_random();
    b = sim_random();
    (void)sys_close(listener);
    sim_begin(7);
    listener = sim_listen();
    ck_assert_uint_eq(sim_random(), a);
    ck_assert_uint_eq(sim_random(), b);
    ck_assert_uint_ne(a, b);
}
END_TEST

START_TEST(time_passes_only_when_told)
{
    uint64_t before = sys_monotonic_ns();

    ck_assert_uint_eq(sys_monotonic_ns(), before);
    sim_advance_ms(1500);
    ck_assert_uint_eq(sys_monotonic_ns(), before + UINT64_C(1500000000));
    ck_assert_int_eq(sys_realtime_s(), 1700000001);
}
END_TEST

START_TEST(a_closed_descriptor_is_deadly)
{
    char c;
    int fd;
    struct sim_link *link = accepted(1, 1, &fd);

    end(link, fd);
    ck_assert_int_eq(sys_recv(fd, &c, 1), -1);
}
END_TEST

START_TEST(a_descriptor_left_open_is_deadly)
{
    (void)sim_listen();
    sim_end();
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("sim_sys");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, bytes_go_both_ways_within_their_caps);
    tcase_add_test(tc, vectors_are_filled_and_drained_in_order);
    tcase_add_test(tc, a_window_stops_the_server_at_a_byte);
    tcase_add_test(tc, epoll_is_level_triggered);
    tcase_add_test(tc, epoll_is_edge_triggered_where_asked);
    tcase_add_test(tc, ends_are_told_apart);
    tcase_add_test(tc, a_link_lives_until_both_ends_are_gone);
    tcase_add_test(tc, the_lowest_free_descriptor_comes_next);
    tcase_add_test(tc, the_nth_call_fails_and_only_that);
    tcase_add_test(tc, accept_says_what_it_is_told_and_loses_nobody);
    tcase_add_test(tc, a_seed_says_everything);
    tcase_add_test(tc, time_passes_only_when_told);
    tcase_add_exit_test(tc, a_closed_descriptor_is_deadly, 1);
    tcase_add_exit_test(tc, a_descriptor_left_open_is_deadly, 1);
    return leak_run(tc, "sim_sys");
}
