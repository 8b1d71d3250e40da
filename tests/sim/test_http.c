/* HTTP on the simulated kernel: answers cut everywhere, and readers that are slow or never read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "rig.h"
#include "sim_sys.h"

enum {
    ROOM = 1 << 20,
    READERS = 200,
    BUFFERS = 64,
    WAIT_ITERATIONS = 3,
    WAIT_BYTES = 256 * 1024
};

#define PAGE    "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define METRICS "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
#define JSON    "GET /stats.json HTTP/1.1\r\nHost: a\r\n\r\n"

static struct rig rig;
static struct sim_link *readers[READERS];
static struct sim_link *light;
static int http_fd;
static char got[ROOM];

static void
start(uint32_t buffers)
{
    const struct rig_config config = {.buffers = buffers};

    sim_begin(1);
    ck_assert(rig_start(&rig, &config));
    http_fd = sim_listen();
    ck_assert(server_listen(rig.server, http_fd, ROLE_HTTP));
    light = sim_connect(rig.listen_fd, ROOM, ROOM);
    rig_iterations(&rig, 2);
}

static void
stop(void)
{
    sim_link_free(light);
    for (int i = 0; i < READERS; i++) {
        sim_link_free(readers[i]);
        readers[i] = NULL;
    }
    rig_iterations(&rig, 2000);
    rig_stop(&rig);
}

static void
say(struct sim_link *link, const char *text)
{
    ck_assert_uint_eq(sim_send(link, text, strlen(text)), strlen(text));
}

static uint64_t
stat_of(const char *group, const char *name)
{
    struct stat_cursor cursor;
    struct stat_line line;

    ck_assert(stats_begin(rig.stats, slice_make(group, strlen(group)), &cursor));
    while (stats_next(rig.stats, &cursor, &line) == STAT_FOUND)
        if (strcmp(line.name, name) == 0)
            return strtoull(line.value.text, NULL, 10);
    ck_abort_msg("no %s", name);
    return 0;
}

/* Behind the first answer in TEXT, whose chunks add up and whose contents end in END; NULL: not so. */
static const char *
skip_answer(const char *text, const char *end)
{
    const char *p = strstr(text, "\r\n\r\n");
    size_t tail = strlen(end);
    unsigned long len;
    char *next;

    if (strncmp(text, "HTTP/1.1 200 OK\r\n", 17) != 0 || p == NULL)
        return NULL;
    p += 4;
    while ((len = strtoul(p, &next, 16)) > 0) {
        if (next != p + 3 || strncmp(next, "\r\n", 2) != 0 ||
            strncmp(next + 2 + len, "\r\n", 2) != 0)
            return NULL;
        p = next + 2 + len + 2;
        if (strncmp(p, "0\r\n\r\n", 5) == 0 && strncmp(p - 2 - tail, end, tail) != 0)
            return NULL;
    }
    return strncmp(p, "0\r\n\r\n", 5) == 0 ? p + 5 : NULL;
}

/* The founding bug, for streams in chunks: however little the socket takes at a time. */
START_TEST(answers_are_whole_however_they_are_cut)
{
    static const uint32_t takes[] = {1, 7, 100, 1023, 1024, 1460, 16384, ROOM};
    uint32_t take = takes[_i];
    size_t bytes = 0;
    const char *p = got;

    start(0);
    readers[0] = sim_connect(http_fd, ROOM, take);
    rig_iterations(&rig, 2);
    say(readers[0], PAGE METRICS JSON);
    for (int idle = 0; idle < 20;) {
        size_t n = sim_recv(readers[0], got + bytes, take);

        ck_assert_uint_lt(bytes + n, sizeof(got) - 1);
        bytes += n;
        rig_iterate(&rig);
        idle = n > 0 ? 0 : idle + 1;
    }
    got[bytes] = '\0';
    p = skip_answer(p, "</html>\n");
    ck_assert_ptr_nonnull(p);
    p = skip_answer(p, "\n");
    ck_assert_ptr_nonnull(p);
    p = skip_answer(p, "\n}\n");
    ck_assert_ptr_nonnull(p);
    ck_assert_str_eq(p, "");
    stop();
}
END_TEST

/* They ask without an end and take nothing: each holds its buffer, and no client waits for them. */
START_TEST(slow_readers_hold_their_buffer_only)
{
    int stalled = 0;

    start(2 * READERS + BUFFERS);
    for (int i = 0; i < READERS; i++)
        readers[i] = sim_connect(http_fd, ROOM, 100);
    rig_iterations(&rig, READERS);
    for (int i = 0; i < READERS; i++)
        for (int k = 0; k < 20; k++)
            say(readers[i], i % 2 == 0 ? PAGE : METRICS);
    rig_iterations(&rig, READERS);
    for (int round = 0; round < 20; round++) {
        int waited = 0;

        say(light, "mn\r\n");
        while (sim_readable(light) == 0) {
            rig_iterate(&rig);
            ck_assert_int_le(++waited, WAIT_ITERATIONS);
        }
        ck_assert_uint_eq(sim_recv(light, got, sizeof(got)), 4);
    }
    for (int i = 0; i < READERS; i++)
        stalled += sim_sent_bytes(readers[i]) == 100;
    ck_assert_int_eq(stalled, READERS);
    ck_assert_uint_le(stat_of("buffers", "buffers_lent"), 2 * READERS);
    ck_assert_uint_le(stat_of("", "task_bytes"), READERS * 1024);
    stop();
}
END_TEST

/* There are fewer buffers than they want: the ones that stall longest are shed, clients are served. */
START_TEST(when_buffers_run_out_readers_are_shed)
{
    start(BUFFERS);
    for (int i = 0; i < READERS; i++)
        readers[i] = sim_connect(http_fd, ROOM, 100);
    rig_iterations(&rig, READERS);
    for (int i = 0; i < READERS; i++)
        say(readers[i], PAGE PAGE);
    for (int i = 0; i < 400; i++)
        rig_sleep(&rig);
    ck_assert_uint_gt(stat_of("", "conn_closed_shed_buffers"), 0);
    for (int round = 0; round < 10; round++) {
        say(light, "mn\r\n");
        for (int i = 0; sim_readable(light) == 0 && i < 1000; i++)
            rig_sleep(&rig);
        ck_assert_uint_eq(sim_recv(light, got, sizeof(got)), 4);
    }
    stop();
}
END_TEST

static uint64_t
sent_to_readers(void)
{
    uint64_t bytes = 0;

    for (int i = 0; i < READERS; i++)
        bytes += sim_sent_bytes(readers[i]);
    return bytes;
}

/* As many pages and scrapers as there may be, without an end: a client waits for no answer of theirs. */
START_TEST(clients_do_not_wait_for_http)
{
    start(0);
    for (int i = 0; i < READERS; i++)
        readers[i] = sim_connect(http_fd, ROOM, ROOM);
    rig_iterations(&rig, READERS);
    for (int round = 0; round < 100; round++) {
        uint64_t before;
        int waited = 0;

        for (int i = 0; i < READERS; i++) {
            while (sim_recv(readers[i], got, sizeof(got)) > 0)
                ;
            if (sim_unreceived(readers[i]) == 0)
                say(readers[i], i % 2 == 0 ? METRICS : JSON);
        }
        before = sent_to_readers();
        say(light, "mn\r\n");
        while (sim_readable(light) == 0) {
            rig_iterate(&rig);
            ck_assert_int_le(++waited, WAIT_ITERATIONS);
        }
        ck_assert_uint_le(sent_to_readers() - before, WAIT_BYTES);
        ck_assert_uint_eq(sim_recv(light, got, sizeof(got)), 4);
    }
    stop();
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("http");

    tcase_add_loop_test(tc, answers_are_whole_however_they_are_cut, 0, 8);
    tcase_add_test(tc, slow_readers_hold_their_buffer_only);
    tcase_add_test(tc, when_buffers_run_out_readers_are_shed);
    tcase_add_test(tc, clients_do_not_wait_for_http);
    return leak_run(tc, "sim/http");
}
