#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "conn.h"
#include "lombard/conn/handover.h"
#include "rig.h"
#include "task.h"

/* append to a value so long that others are served meanwhile. */

enum { LONG_BYTES = 1900000 };

static char value[LONG_BYTES];

static void
setup(void)
{
    rig_start();
    for (int i = 0; i < 3; i++)
        dial(i);
    store_value(0, "v", LONG_BYTES);
    fill(value, LONG_BYTES, 0);
    say(1, "set s 0 0 1\r\ns\r\n");
    expect(1, "STORED\r\n");
}

static void
teardown(void)
{
    rig_stop();
}

/* "v" is the long value and AFTER. */
static void
expect_long(int i, const char *after)
{
    char head[64];
    size_t len =
        (size_t)snprintf(head, sizeof(head), "VALUE v 0 %zu\r\n", LONG_BYTES + strlen(after));

    say(i, "get v\r\n");
    (void)hear(i);
    ck_assert(strncmp(out, head, len) == 0);
    ck_assert(memcmp(out + len, value, LONG_BYTES) == 0);
    ck_assert(strncmp(out + len + LONG_BYTES, after, strlen(after)) == 0);
    ck_assert_str_eq(out + len + LONG_BYTES + strlen(after), "\r\nEND\r\n");
}

static void
turn_until_joined(void)
{
    for (int i = 0; server->joining != NULL; i++) {
        uint64_t off = server->joining->task->join.off;

        ck_assert_int_lt(i, 1000);
        iterate(1);
        if (server->joining != NULL)
            ck_assert_uint_ge(server->joining->task->join.off, off);
    }
}

/* What was copied is for this process alone: another one begins anew, and so does this one if that comes to nothing. */
START_TEST(it_begins_anew_when_it_is_handed_over)
{
    struct image image = {.len = 0};
    int fds[8];
    struct handover handover = {.image = &image, .fds = fds};

    whisper(0, "append v 0 0 1\r\n+\r\n");
    iterate(1);
    ck_assert_ptr_nonnull(server->joining);
    ck_assert_uint_gt(server->joining->task->join.off, 0);
    ck_assert_ptr_null(server_hand_over(server, &handover));
    ck_assert_uint_eq(handover.conns, 3);
    ck_assert_ptr_null(server->joining);
    ck_assert_ptr_null(conn_at(0)->task->join.handle);
    image_fini(&image);
    iterate(1);
    turn_until_joined();
    expect(0, "STORED\r\n");
    expect_long(0, "+");
}
END_TEST

START_TEST(others_are_served_between_its_steps)
{
    uint64_t yields = server->stats.conn_yields;

    whisper(0, "append v 0 0 1\r\n+\r\nget s\r\n");
    iterate(1);
    ck_assert_ptr_nonnull(server->joining);
    whisper(1, "get s\r\n");
    for (int i = 0; recv(clients[1], out, sizeof(out), 0) <= 0; i++) {
        ck_assert_int_lt(i, 5);
        iterate(1);
    }
    ck_assert_ptr_nonnull(server->joining);
    turn_until_joined();
    ck_assert_uint_ge(server->stats.conn_yields - yields, LONG_BYTES / SLICE_BYTES);
    expect(0, "STORED\r\nVALUE s 0 1\r\ns\r\nEND\r\n");
    expect_long(0, "+");
}
END_TEST

START_TEST(each_in_its_order)
{
    whisper(0, "append v 0 0 1\r\n1\r\nms v 1 MA\r\n2\r\n");
    iterate(1);
    whisper(1, "append v 0 0 1\r\n3\r\n");
    whisper(2, "set v 0 0 1\r\nx\r\nappend v 0 0 1\r\n4\r\nget v\r\n");
    expect(2, "STORED\r\nSTORED\r\nVALUE v 0 2\r\nx4\r\nEND\r\n");
    turn_until_joined();
    expect(0, "STORED\r\nHD\r\n");
    expect(1, "STORED\r\n");
    say(0, "mg v v\r\n");
    (void)hear(0);
    ck_assert_int_eq(strncmp(out, "VA 5\r\nx4", 8), 0);
}
END_TEST

START_TEST(an_upload_is_joined_likewise)
{
    static char text[3000];

    fill(text, sizeof(text), 5);
    say(0, "append s 0 0 3000\r\n");
    say_bytes(0, text, sizeof(text));
    say(0, "\r\n");
    expect(0, "STORED\r\n");
    say(0, "append v 0 0 3000\r\n");
    say_bytes(0, text, sizeof(text));
    whisper(0, "\r\n");
    iterate(1);
    ck_assert_ptr_nonnull(server->joining);
    turn_until_joined();
    expect(0, "STORED\r\n");
    say(0, "append v 0 0 3000\r\n");
    say_bytes(0, text, sizeof(text));
    whisper(0, "\r\n");
    iterate(1);
    hang_up(0);
    turn_until_joined();
}
END_TEST

/* A connection that hangs up or waits keeps no other from joining. */
START_TEST(it_ends_with_its_connection)
{
    whisper(0, "append v 0 0 1\r\n1\r\n");
    iterate(1);
    ck_assert_ptr_eq(server->joining, conn_at(0));
    conn_mark_dead(conn_at(0), CLOSE_INTERNAL);
    conn_release(server->joining);
    ck_assert_ptr_null(server->joining);
    iterate(2);
    expect_long(1, "");
    say(1, "append v 0 0 1\r\n2\r\n");
    turn_until_joined();
    expect(1, "STORED\r\n");
    expect_long(1, "2");
}
END_TEST

START_TEST(one_whose_peer_does_not_read_keeps_no_other_from_it)
{
    for (int i = 0; i < 4; i++)
        whisper(0, "get v\r\n");
    whisper(0, "append v 0 0 1\r\n1\r\n");
    iterate(20);
    ck_assert_ptr_null(server->joining);
    say(1, "append v 0 0 1\r\n2\r\n");
    turn_until_joined();
    expect(1, "STORED\r\n");
    for (int i = 0; i < 10; i++)
        (void)hear(0);
    turn_until_joined();
    expect_long(1, "21");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("join");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, it_begins_anew_when_it_is_handed_over);
    tcase_add_test(tc, others_are_served_between_its_steps);
    tcase_add_test(tc, each_in_its_order);
    tcase_add_test(tc, an_upload_is_joined_likewise);
    tcase_add_test(tc, it_ends_with_its_connection);
    tcase_add_test(tc, one_whose_peer_does_not_read_keeps_no_other_from_it);
    return leak_run(tc, "conn/join");
}
