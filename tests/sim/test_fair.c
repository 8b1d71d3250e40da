/* Each client gets its share of an iteration, whatever others ask for. */
#include <string.h>

#include "leak.h"
#include "rig.h"
#include "sim_sys.h"

#include "../../src/conn/server_state.h"

/*
 * What a light client waits for, counted in iterations and in bytes that others were sent
 * meanwhile: no clock, however slow the machine is. The simulated kernel copies some bytes
 * a nanosecond.
 */

enum {
    ROOM = 1 << 20,
    HEAVY_MAX = 300,
    BIG_BYTES = 500000,
    WAIT_ITERATIONS = 2,       /* the one that sees its event, and one for good measure */
    WAIT_BYTES = 1024 * 1024,  /* sent to others: a few slices */
    PIPELINE_BYTES = 16 * 700, /* of gets, at a time */
};

static struct rig rig;
static struct sim_link *heavy[HEAVY_MAX];
static struct sim_link *light;
static char scrap[ROOM];

static void
setup(void)
{
    const struct rig_config config = {.limit_bytes = 64 << 20, .item_bytes_max = 1 << 20};

    sim_begin(1);
    ck_assert(rig_start(&rig, &config));
    light = sim_connect(rig.listen_fd, ROOM, ROOM);
    rig_iterations(&rig, 2);
}

static void
teardown(void)
{
    sim_link_free(light);
    for (int i = 0; i < HEAVY_MAX; i++) {
        sim_link_free(heavy[i]);
        heavy[i] = NULL;
    }
    rig_iterations(&rig, 2000);
    rig_stop(&rig);
}

static void
say(struct sim_link *link, const char *text, size_t len)
{
    ck_assert_uint_eq(sim_send(link, text, len), len);
}

static void
store(size_t bytes, const char *key)
{
    char head[64];

    (void)snprintf(head, sizeof(head), "set %s 0 0 %zu\r\n", key, bytes);
    say(light, head, strlen(head));
    memset(scrap, 'b', bytes);
    say(light, scrap, bytes);
    say(light, "\r\n", 2);
    rig_iterations(&rig, 20);
    ck_assert_uint_eq(sim_recv(light, scrap, sizeof(scrap)), strlen("STORED\r\n"));
}

/* COUNT clients, each with ROOM bytes of receive window. */
static void
connect_heavy(int count, uint32_t room)
{
    for (int i = 0; i < count; i++)
        heavy[i] = sim_connect(rig.listen_fd, ROOM, room);
    rig_iterations(&rig, 2 + count / 8);
    for (int i = 0; i < count; i++)
        ck_assert(sim_accepted(heavy[i]));
}

static void
send_gets(struct sim_link *link, const char *get, size_t bytes)
{
    size_t len = strlen(get);

    for (size_t i = 0; i + len <= bytes; i += len)
        (void)!sim_send(link, get, len);
}

/* What came is read, and, unless GET is NULL, as much is asked for again, without an end. */
static void
keep_busy(int count, const char *get)
{
    for (int i = 0; i < count; i++) {
        while (sim_recv(heavy[i], scrap, sizeof(scrap)) > 0)
            ;
        if (get != NULL && sim_unreceived(heavy[i]) < PIPELINE_BYTES)
            send_gets(heavy[i], get, 2 * (size_t)PIPELINE_BYTES);
    }
}

static uint64_t
sent_to_heavy(int count)
{
    uint64_t bytes = 0;

    for (int i = 0; i < count; i++)
        bytes += sim_sent_bytes(heavy[i]);
    return bytes;
}

/* The light client asks: how many iterations and bytes of others it waits for its answer. */
static void
ask_lightly(int count, const char *get)
{
    uint64_t before = sent_to_heavy(count);
    int iterations = 0;

    say(light, "mn\r\n", 4);
    while (sim_readable(light) == 0) {
        rig_iterate(&rig);
        keep_busy(count, get);
        ck_assert_int_le(++iterations, WAIT_ITERATIONS);
    }
    ck_assert_uint_le(sent_to_heavy(count) - before, WAIT_BYTES);
    ck_assert_uint_eq(sim_recv(light, scrap, sizeof(scrap)), 4);
}

static const struct crowd {
    const char *get;
    int count;
} crowds[] = {
    {"get nokey\r\n", 1}, {"get nokey\r\n", 32}, {"get nokey\r\n", 300}, {"get big\r\n", 1},
    {"get big\r\n", 32},  {"get big\r\n", 300},  {"mg big v\r\n", 32},
};

START_TEST(a_light_client_beside_pipelines)
{
    const struct crowd *crowd = &crowds[_i];
    uint64_t least = UINT64_MAX;

    store(BIG_BYTES, "big");
    connect_heavy(crowd->count, ROOM);
    keep_busy(crowd->count, crowd->get);
    rig_iterations(&rig, 3 * crowd->count + 10);
    for (int round = 0; round < 30; round++) {
        ask_lightly(crowd->count, crowd->get);
        rig_iterations(&rig, 1 + round % 3);
    }
    /* And it does not keep the others from being served, each of them. */
    for (int round = 0; round < 4 * crowd->count + 100; round++) {
        say(light, "mn\r\n", 4);
        rig_iterate(&rig);
        keep_busy(crowd->count, crowd->get);
    }
    for (int i = 0; i < crowd->count; i++)
        if (sim_sent_bytes(heavy[i]) < least)
            least = sim_sent_bytes(heavy[i]);
    ck_assert_uint_gt(least, 0);
}
END_TEST

/* COUNT clients have a pipeline that ends, and another one as soon as they are answered. */
static void
pipe_again(int count)
{
    enum { PIPELINE = 16 };
    static const char get[] = "get mid\r\n";

    for (int i = 0; i < count; i++) {
        while (sim_recv(heavy[i], scrap, sizeof(scrap)) > 0)
            ;
        if (sim_unreceived(heavy[i]) == 0)
            send_gets(heavy[i], get, PIPELINE * strlen(get));
    }
}

/*
 * It does not wait until each of them was served, and they wait for it in order: of none the kernel is
 * asked anything meanwhile.
 */
START_TEST(a_light_client_beside_pipelines_that_end)
{
    enum { PIPELINERS = 60, MID_BYTES = 1000, A_PIPELINE = 16 * MID_BYTES };
    uint64_t least = UINT64_MAX;
    uint64_t controls;
    int waiting = 0;

    store(MID_BYTES, "mid");
    connect_heavy(PIPELINERS, ROOM);
    for (int round = 0; round < 5; round++) {
        pipe_again(PIPELINERS);
        ask_lightly(PIPELINERS, NULL);
    }
    controls = sim_calls(SIM_EPOLL_CTL);
    for (int round = 0; round < 200; round++) {
        uint64_t before = sent_to_heavy(PIPELINERS);

        pipe_again(PIPELINERS);
        say(light, "mn\r\n", 4);
        rig_iterate(&rig);
        ck_assert_uint_eq(sim_recv(light, scrap, sizeof(scrap)), 4);
        ck_assert_uint_lt(sent_to_heavy(PIPELINERS) - before, PIPELINERS * 3 / 4 * A_PIPELINE);
        waiting += rig.server->stats.conn_ready > 0;
    }
    ck_assert_int_ge(waiting, 100);
    ck_assert_uint_eq(sim_calls(SIM_EPOLL_CTL), controls);
    for (int i = 0; i < PIPELINERS; i++)
        if (sim_sent_bytes(heavy[i]) < least)
            least = sim_sent_bytes(heavy[i]);
    ck_assert_uint_gt(least, 50 * A_PIPELINE);
}
END_TEST

/* All of them begin in the same iteration as the light one, which is the last in the queue. */
START_TEST(a_light_client_behind_arrivals)
{
    connect_heavy(HEAVY_MAX - 50, ROOM);
    for (int round = 0; round < 5; round++) {
        keep_busy(HEAVY_MAX - 50, "get nokey\r\n");
        ask_lightly(HEAVY_MAX - 50, NULL);
        rig_iterations(&rig, 1000);
    }
}
END_TEST

/* All that the readers asked for has piled up, and all of them begin to read. */
START_TEST(a_light_client_while_readers_drain)
{
    enum { READERS = 200 };

    store(BIG_BYTES, "big");
    connect_heavy(READERS, 65536);
    for (int i = 0; i < READERS; i++)
        send_gets(heavy[i], "get big\r\n", 90);
    rig_iterations(&rig, 1000);
    for (int i = 0; i < READERS; i++)
        sim_set_caps(heavy[i], ROOM, ROOM);
    for (int round = 0; round < 50; round++)
        ask_lightly(READERS, NULL);
}
END_TEST

/* Values of megabytes come in from all sides. */
START_TEST(a_light_client_beside_uploads)
{
    enum { WRITERS = 40 };
    static char value[ROOM / 2];

    connect_heavy(WRITERS, ROOM);
    memset(value, 'u', sizeof(value));
    for (int i = 0; i < WRITERS; i++) {
        say(heavy[i], "set u 0 0 1000000\r\n", 19);
        (void)!sim_send(heavy[i], value, sizeof(value));
    }
    for (int round = 0; round < 10; round++) {
        ask_lightly(0, NULL);
        for (int i = 0; i < WRITERS; i++)
            (void)!sim_send(heavy[i], value, 40000);
    }
}
END_TEST

/* Enough clients have one short command each, all the time, that the queue is never empty. */
START_TEST(a_heavy_client_among_light_ones)
{
    enum { LIGHT = 250 };
    int rounds = 0;

    connect_heavy(LIGHT, ROOM);
    send_gets(light, "get nokey\r\n", 11 * 3000);
    while (sim_unreceived(light) > 0 || sim_readable(light) < (size_t)3000 * 5) {
        for (int i = 0; i < LIGHT; i++) {
            (void)sim_recv(heavy[i], scrap, sizeof(scrap));
            if (sim_unreceived(heavy[i]) == 0)
                say(heavy[i], "mn\r\n", 4);
        }
        rig_iterate(&rig);
        ck_assert_int_le(++rounds, 50);
    }
}
END_TEST

/* What is kept for the next slice costs no call, and is not forgotten. */
START_TEST(a_pipeline_leaves_in_one_piece)
{
    uint64_t sends;

    send_gets(light, "get nokey\r\n", 11 * 300);
    sends = sim_calls(SIM_SEND);
    rig_iterations(&rig, 2);
    ck_assert_uint_eq(sim_recv(light, scrap, sizeof(scrap)), 300 * 5);
    ck_assert_uint_eq(sim_calls(SIM_SEND), sends + 1);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("fair");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_light_client_beside_pipelines, 0,
                        sizeof(crowds) / sizeof(crowds[0]));
    tcase_add_test(tc, a_light_client_beside_pipelines_that_end);
    tcase_add_test(tc, a_light_client_behind_arrivals);
    tcase_add_test(tc, a_light_client_while_readers_drain);
    tcase_add_test(tc, a_light_client_beside_uploads);
    tcase_add_test(tc, a_heavy_client_among_light_ones);
    tcase_add_test(tc, a_pipeline_leaves_in_one_piece);
    return leak_run(tc, "fair");
}
