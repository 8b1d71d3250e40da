/* What is known of a connection is known after a handover, and what was begun is finished. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/conn/conn.h"
#include "../../src/conn/server_state.h"
#include "../../src/conn/task.h"
#include "leak.h"
#include "rig.h"
#include "sim_sys.h"

enum {
    ROOM = 1 << 20,
    LONG_BYTES = 300000,
    GOT_BYTES = 4 << 20,
    FILL_BYTES = 20000,
    SLICE = 1000
};

static struct rig rig;
static char got[GOT_BYTES];
static size_t got_len;

static void
setup(void)
{
    const struct rig_config config = {
        .limit_bytes = 8 << 20, .in_file = true, .join_bytes = 4000};

    sim_begin(1);
    ck_assert(rig_start(&rig, &config));
    got_len = 0;
}

static void
teardown(void)
{
    rig_stop(&rig);
}

static struct sim_link *
dial(void)
{
    struct sim_link *link = sim_connect(rig.listen_fd, ROOM, ROOM);

    rig_iterations(&rig, 2);
    return link;
}

static void
say(struct sim_link *link, const char *text)
{
    ck_assert_uint_eq(sim_send(link, text, strlen(text)), strlen(text));
    rig_iterations(&rig, 2);
}

static void
say_value(struct sim_link *link, const char *key, size_t bytes, size_t sent)
{
    char *text = malloc(bytes + 100);
    int head = snprintf(text, 100, "set %s 0 0 %zu\r\n", key, bytes);

    ck_assert_ptr_nonnull(text);
    memset(text + head, key[0], bytes);
    memcpy(text + head + bytes, "\r\n", 2);
    ck_assert_uint_eq(sim_send(link, text, (size_t)head + sent), (size_t)head + sent);
    rig_iterations(&rig, 20);
    free(text);
}

static void
hear(struct sim_link *link)
{
    for (int quiet = 0; quiet < 5; quiet++) {
        size_t n = sim_recv(link, got + got_len, GOT_BYTES - got_len);

        got_len += n;
        quiet = n > 0 ? 0 : quiet;
        rig_iterate(&rig);
    }
}

static void
hears(struct sim_link *link, const char *want)
{
    got_len = 0;
    hear(link);
    ck_assert_uint_eq(got_len, strlen(want));
    ck_assert_mem_eq(got, want, got_len);
}

static struct conn *
conn_number(uint32_t id)
{
    uint64_t cursor = 0;
    struct conn *c;

    while ((c = table_next(&rig.server->table, &cursor)) != NULL && c->id != id)
        continue;
    ck_assert_ptr_nonnull(c);
    return c;
}

/* All that is neither an address nor a list. */
static void
expect_same(const struct conn *a, const struct conn *b)
{
    ck_assert_uint_eq(a->tally, b->tally);
    ck_assert_uint_eq(a->bytes_in, b->bytes_in);
    ck_assert_uint_eq(a->bytes_out, b->bytes_out);
    ck_assert_uint_eq(a->discard_bytes, b->discard_bytes);
    ck_assert_uint_eq(a->active_s, b->active_s);
    ck_assert_uint_eq(a->accepted_s, b->accepted_s);
    ck_assert_uint_eq(a->stalled_ms, b->stalled_ms);
    ck_assert_uint_eq(a->stall_mark, b->stall_mark);
    ck_assert_uint_eq(a->state, b->state);
    ck_assert_uint_eq(a->close_reason, b->close_reason);
    ck_assert_uint_eq(a->eof, b->eof);
    ck_assert_uint_eq(a->more_input, b->more_input);
    ck_assert_uint_eq(a->blocked, b->blocked);
    ck_assert_uint_eq(a->finishing, b->finishing);
    ck_assert_uint_eq(a->has_looked, b->has_looked);
    ck_assert_uint_eq(a->was_stalled, b->was_stalled);
    ck_assert_ptr_eq(a->proto, b->proto);
    ck_assert_mem_eq(&a->proto_state, &b->proto_state, sizeof(a->proto_state));
    ck_assert_mem_eq(&a->session, &b->session, sizeof(a->session));
}

static void
hand_over(void)
{
    uint64_t cursor = 0;
    struct conn before[8];
    size_t count = 0;
    struct conn *c;

    while ((c = table_next(&rig.server->table, &cursor)) != NULL)
        before[count++] = *c;
    ck_assert(rig_hand_over(&rig));
    for (size_t i = 0; i < count; i++)
        expect_same(&before[i], conn_number(before[i].id));
}

START_TEST(every_number_goes_over)
{
    struct sim_link *link = dial();
    struct conn *c;

    say(link, "version\r\n");
    c = conn_number(1);
    c->tally = UINT64_C(77) << TALLY_SHIFT | UINT64_C(5) << TALLY_OP_BITS | OP_TOUCH;
    c->bytes_in = 1000001;
    c->bytes_out = 2000002;
    c->active_s = 0;
    c->accepted_s = 0;
    c->stalled_ms = 12;
    c->stall_mark = 13;
    c->has_looked = c->was_stalled = c->more_input = c->eof = true;
    c->session.no_admin = c->session.sasl_begun = true;
    c->session.features = 3;
    c->session.bucket = 4;
    hand_over();
    c = conn_number(1);
    c->has_looked = c->was_stalled = c->more_input = c->eof = c->session.no_admin = false;
    c->session.sasl_begun = false;
    say(link, "get a\r\n");
    got_len = 0;
    hear(link);
    sim_link_free(link);
    rig_iterations(&rig, 3);
}
END_TEST

START_TEST(one_that_ends_ends)
{
    struct sim_link *link = dial();

    say_value(link, "v", LONG_BYTES, LONG_BYTES + 2);
    hears(link, "STORED\r\n");
    sim_set_window(link, sim_sent_bytes(link) + 5000);
    say(link, "get v\r\nquit\r\n");
    hand_over();
    sim_set_window(link, sim_sent_bytes(link) + LONG_BYTES);
    rig_iterations(&rig, 30);
    hand_over();
    sim_set_window(link, UINT64_MAX);
    got_len = 0;
    hear(link);
    ck_assert_mem_eq(got + got_len - 5, "END\r\n", 5);
    ck_assert_uint_eq(rig.server->table.conns, 0);
    ck_assert_uint_eq(rig.server->closes[CLOSE_QUIT], 1);
    sim_link_free(link);
}
END_TEST

/* Its last reply is cut: what is left is to be sent, then it is closed, for the same reason. */
START_TEST(one_that_is_finishing_is_so_there)
{
    struct sim_link *link = dial();

    say(link, "set k 0 0 100\r\n");
    for (int i = 0; i < 10; i++)
        say(link, "0123456789");
    say(link, "\r\n");
    hears(link, "STORED\r\n");
    sim_set_window(link, sim_sent_bytes(link) + 20);
    say(link, "get k\r\nquit\r\n");
    ck_assert(conn_number(1)->finishing);
    hand_over();
    sim_set_window(link, UINT64_MAX);
    got_len = 0;
    hear(link);
    ck_assert_uint_eq(rig.server->table.conns, 0);
    ck_assert_uint_eq(rig.server->closes[CLOSE_QUIT], 1);
    sim_link_free(link);
}
END_TEST

/* A full store in which something is being emptied: every piece of it is accounted for in the other process. */
START_TEST(a_full_store_is_whole_there)
{
    struct sim_link *link = dial();
    char key[16];

    for (int i = 0; i < 900; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        say_value(link, key, FILL_BYTES, FILL_BYTES + 2);
        hears(link, "STORED\r\n");
        if (i > 350)
            hand_over();
    }
    sim_link_free(link);
    rig_iterations(&rig, 3);
}
END_TEST

/* What another process says that it holds is held: a reservation of that length, in a pinned segment. */
START_TEST(a_wrong_location_is_refused)
{
    struct sim_link *link = dial();
    const struct task *task;
    uint64_t loc;

    say_value(link, "v", LONG_BYTES, LONG_BYTES + 2);
    hears(link, "STORED\r\n");
    for (loc = 0; loc < 8 << 20; loc += 4096)
        ck_assert_ptr_null(store_held_at(rig.store, loc, 1)); /* nothing is pinned */
    say_value(link, "w", LONG_BYTES, LONG_BYTES / 2);
    task = conn_number(1)->task;
    ck_assert_ptr_nonnull(task);
    loc = store_loc(rig.store, task->handle);
    ck_assert_ptr_eq(store_held_item(rig.store, loc, LONG_BYTES, true), task->handle);
    ck_assert_ptr_null(store_held_item(rig.store, loc, LONG_BYTES, false));
    ck_assert_ptr_null(store_held_item(rig.store, loc, LONG_BYTES + 1, true));
    ck_assert_ptr_null(store_held_item(rig.store, loc + (1 << 20), LONG_BYTES, true));
    ck_assert_ptr_null(store_held_item(rig.store, UINT64_MAX / 2, LONG_BYTES, true));
    ck_assert_ptr_null(store_held_at(rig.store, loc, 8 << 20));
    ck_assert_ptr_null(store_held_at(rig.store, 7 << 20, 1));
    sim_link_free(link);
    rig_iterations(&rig, 3);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("handover");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_number_goes_over);
    tcase_add_test(tc, one_that_ends_ends);
    tcase_add_test(tc, one_that_is_finishing_is_so_there);
    tcase_add_test(tc, a_full_store_is_whole_there);
    tcase_add_test(tc, a_wrong_location_is_refused);
    return leak_run(tc, "handover");
}
