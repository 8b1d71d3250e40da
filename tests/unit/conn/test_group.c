/* Groups of connections whose receives and sends are made together, and what comes in between. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

enum { GROUP = 8, VALUE_BYTES = 3000 };

static void
start(void)
{
    rig_options.server.batch_io = true;
    rig_start();
    for (int i = 0; i < GROUP; i++)
        dial(i);
    iterate(3);
}

static void
all_say(const char *text)
{
    for (int i = 0; i < GROUP; i++)
        whisper(i, text);
    iterate(2);
}

static void
expect_all(const char *want, int from)
{
    for (int i = from; i < GROUP; i++)
        expect(i, want);
}

/* In one call each; and nothing is queued between two groups. */
START_TEST(a_group_is_two_calls)
{
    all_say("mn\r\n");
    expect_all("MN\r\n", 0);
    ck_assert_uint_eq(server->sends.count, 0);
    if (!server->transfers.on)
        return;
    ck_assert_uint_eq(server->transfers.batches, 2);
    ck_assert_uint_eq(server->transfers.batched_receives, GROUP);
    ck_assert_uint_eq(server->transfers.batched_sends, GROUP);
}
END_TEST

/* References to values are sent like bytes, and unpinned: rig_stop() looks. */
START_TEST(values_leave_together)
{
    static char want[VALUE_BYTES + 64];
    int head;

    store_value(0, "key", VALUE_BYTES);
    head = snprintf(want, sizeof(want), "VALUE key 0 %d\r\n", VALUE_BYTES);
    fill(want + head, VALUE_BYTES, 0);
    (void)snprintf(want + head + VALUE_BYTES, sizeof(want) - (size_t)head - VALUE_BYTES,
                   "\r\nEND\r\n");
    all_say("get key\r\n");
    expect_all(want, 0);
}
END_TEST

/* The first one's answer is on its way when another one of its group ends it. */
START_TEST(one_is_killed_by_its_group)
{
    char kill[64];

    (void)snprintf(kill, sizeof(kill), "kill id %u\r\n", conn_at(0)->id);
    for (int i = 0; i < GROUP - 1; i++)
        whisper(i, "mn\r\n");
    whisper(GROUP - 1, kill);
    iterate(3);
    for (int i = 1; i < GROUP - 1; i++)
        expect(i, "MN\r\n");
    expect(GROUP - 1, "KILLED 1\r\n");
    ck_assert(is_closed(0));
}
END_TEST

START_TEST(one_has_hung_up)
{
    for (int i = 0; i < GROUP; i++)
        whisper(i, "mn\r\n");
    hang_up(0);
    iterate(3);
    expect_all("MN\r\n", 1);
}
END_TEST

/* COUNT times "mn\r\n", or what it is answered. */
static const char *
repeated(char *dst, const char *text, int count)
{
    size_t len = strlen(text);

    for (int i = 0; i < count; i++)
        memcpy(dst + (size_t)i * len, text, len + 1);
    return dst;
}

/* More than was parsed ahead of all: still one call, as long as few have to wait. */
START_TEST(pipelines_leave_together)
{
    enum { PIPELINE = QUEUED_REQUESTS_MAX / GROUP };
    char asked[4 * PIPELINE + 1], want[4 * PIPELINE + 1];

    _Static_assert((int)PIPELINE * GROUP > 2 * (int)BATCH_REQUESTS, "not more");
    all_say(repeated(asked, "mn\r\n", PIPELINE));
    expect_all(repeated(want, "MN\r\n", PIPELINE), 0);
    if (!server->transfers.on)
        return;
    ck_assert_uint_eq(server->transfers.batches, 2);
    ck_assert_uint_eq(server->transfers.batched_sends, GROUP);
}
END_TEST

/* Nor does a reply wait until all of a group have been served, where that takes long. */
START_TEST(no_reply_waits_for_many)
{
    enum { PIPELINE = FIRST_REQUESTS - 1 };
    char asked[4 * PIPELINE + 1], want[4 * PIPELINE + 1];
    unsigned calls = (PIPELINE * GROUP + QUEUED_REQUESTS_MAX - 1) / QUEUED_REQUESTS_MAX;

    all_say(repeated(asked, "mn\r\n", PIPELINE));
    expect_all(repeated(want, "MN\r\n", PIPELINE), 0);
    if (!server->transfers.on)
        return;
    ck_assert_uint_gt(calls, 1);
    ck_assert_uint_ge(server->transfers.batches - 1, calls - 1); /* the last may be of one */
}
END_TEST

/* Nor while so much is queued that it is hardly in the caches any more. */
START_TEST(no_reply_waits_for_many_bytes)
{
    enum { LONG_BYTES = 2400, GETS = 8, TOGETHER = 7 };
    static char one[LONG_BYTES + 64], want[GETS * sizeof(one)];
    char asked[16 * GETS];
    int head;

    _Static_assert((TOGETHER - 1) * GETS * (LONG_BYTES + 64) < QUEUED_ALL_BYTES_MAX,
                   "not fewer");
    _Static_assert(TOGETHER * GETS * LONG_BYTES > QUEUED_ALL_BYTES_MAX, "not more");
    store_value(0, "key", LONG_BYTES);
    head = snprintf(one, sizeof(one), "VALUE key 0 %d\r\n", LONG_BYTES);
    fill(one + head, LONG_BYTES, 0);
    (void)snprintf(one + head + LONG_BYTES, sizeof(one) - (size_t)head - LONG_BYTES,
                   "\r\nEND\r\n");
    all_say(repeated(asked, "get key\r\n", GETS));
    expect_all(repeated(want, one, GETS), 0);
    if (server->transfers.on)
        ck_assert_uint_eq(server->transfers.batched_sends, TOGETHER);
}
END_TEST

/* What is told of a slow one is its own key, though others were parsed to where its request was. */
START_TEST(each_is_slow_by_its_own_key)
{
    char asked[8 * (BATCH_REQUESTS + 1) + 1], want[5 * (BATCH_REQUESTS + 1) + 1];
    const struct slow_window *window = &server->slow.windows[server->slow.now];

    server->slow.limit_ns = 0;
    for (int i = 0; i < GROUP; i++) {
        char *p = asked;

        for (int j = 0; j <= BATCH_REQUESTS; j++)
            p += sprintf(p, "get k%d\r\n", i);
        whisper(i, asked);
    }
    iterate(2);
    expect_all(repeated(want, "END\r\n", BATCH_REQUESTS + 1), 0);
    /* One reading of the clock for all that left together. */
    ck_assert_uint_ge(window->count, 1);
    for (uint32_t i = 0; i < window->count; i++) {
        const struct slow_entry *entry = &window->entries[i];
        int n = 0;

        while (conn_at(n)->id != entry->id)
            n++;
        ck_assert_uint_eq(entry->key_bytes, 2);
        ck_assert_int_eq(entry->key[1], '0' + n);
    }
}
END_TEST

/* Replies are in order where one of them is a long one that leaves by itself. */
START_TEST(light_and_heavy_ones)
{
    static char many[100 * 4 + 1];
    static char want[100 * 4 + 1];

    for (int i = 0; i < 100; i++) {
        memcpy(many + 4L * i, "mn\r\n", 4);
        memcpy(want + 4L * i, "MN\r\n", 4);
    }
    for (int i = 0; i < GROUP; i++)
        whisper(i, i % 3 == 1 ? many : "mn\r\n");
    iterate(10);
    for (int i = 0; i < GROUP; i++)
        expect(i, i % 3 == 1 ? want : "MN\r\n");
}
END_TEST

static int
find_ring(void)
{
    char path[64], name[64];

    for (int fd = 0; fd < 1024; fd++) {
        ssize_t len;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        len = readlink(path, name, sizeof(name) - 1);
        if (len > 0 && memcmp(name, "anon_inode:[io_uring]", 21) == 0)
            return fd;
    }
    return -1;
}

/* From one call to the next it is gone: every client is answered all the same, and it is counted. */
START_TEST(the_ring_dies)
{
    int fd = find_ring();

    if (!server->transfers.on)
        return;
    all_say("mn\r\n");
    expect_all("MN\r\n", 0);
    ck_assert_int_eq(dup2(STDERR_FILENO, fd), fd);
    all_say("mn\r\n");
    expect_all("MN\r\n", 0);
    all_say("mn\r\n");
    expect_all("MN\r\n", 0);
    ck_assert(!server->transfers.on);
    ck_assert_uint_eq(server->transfers.failures, 1);
    ck_assert_int_ne(server->transfers.error, 0);
}
END_TEST

START_TEST(without_it)
{
    transfer_close(&server->transfers);
    all_say("mn\r\n");
    expect_all("MN\r\n", 0);
    ck_assert_uint_eq(server->transfers.batches, 0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("group");

    tcase_add_checked_fixture(tc, start, rig_stop);
    tcase_add_test(tc, a_group_is_two_calls);
    tcase_add_test(tc, values_leave_together);
    tcase_add_test(tc, one_is_killed_by_its_group);
    tcase_add_test(tc, one_has_hung_up);
    tcase_add_test(tc, pipelines_leave_together);
    tcase_add_test(tc, no_reply_waits_for_many);
    tcase_add_test(tc, no_reply_waits_for_many_bytes);
    tcase_add_test(tc, each_is_slow_by_its_own_key);
    tcase_add_test(tc, light_and_heavy_ones);
    tcase_add_test(tc, the_ring_dies);
    tcase_add_test(tc, without_it);
    return leak_run(tc, "group");
}
