/* Plays a script while output or input is stuck at some byte, and another connection uses the same buffers. */
#include "cuts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

enum {
    MB = 1024 * 1024,
    ROOM = 4 * MB,          /* of a socket */
    STUCK_ITERATIONS = 200, /* after which output that is allowed should have come */
};

struct table {
    struct rig rig;
    struct sim_link *a; /* whose bytes are cut */
    struct sim_link *b; /* goes on meanwhile */
    struct text got;
    unsigned rounds;
};

/* In every iteration, as to another process. */
static bool hands_over;
/* Of the next one this call fails, if it is reached. */
static struct {
    enum sim_call call;
    uint64_t nth; /* 0: none */
} failing;
static bool has_struck;

static void
hand_over(struct rig *rig)
{
    bool done;

    if (failing.nth > 0) {
        rig->is_impatient = true;
        if (rig_hand_over(rig))
            sim_die("both serve");
        rig->is_impatient = false;
        sim_fail_nth(failing.call, failing.nth, ENOMEM);
    }
    done = rig_hand_over(rig);
    if (failing.nth > 0) {
        has_struck = sim_fail_struck();
        failing.nth = 0;
        sim_fail_none();
    } else if (!done) {
        sim_die("it is not handed over");
    }
}

static void
iterate(struct table *t, int count)
{
    for (int i = 0; i < count; i++) {
        rig_iterate(&t->rig);
        if (hands_over)
            hand_over(&t->rig);
    }
}

static void
table_set(struct table *t, const struct script *s)
{
    const struct rig_config config = {
        .limit_bytes = s->limit_bytes == 0 ? 8 * MB : s->limit_bytes,
        .item_bytes_max = s->item_bytes_max == 0 ? 100000 : s->item_bytes_max,
        .in_file = hands_over,
        .other_lasts = hands_over,
    };

    memset(t, 0, sizeof(*t));
    sim_begin(1);
    if (!rig_start(&t->rig, &config))
        sim_die("the server does not start");
    t->a = sim_connect(t->rig.listen_fd, ROOM, ROOM);
    t->b = sim_connect(t->rig.listen_fd, ROOM, ROOM);
    iterate(t, 1);
}

static void
table_clear(struct table *t)
{
    sim_link_free(t->a);
    sim_link_free(t->b);
    iterate(t, 2);
    rig_stop(&t->rig);
    free(t->got.data);
}

static void
take_output(struct table *t)
{
    char bytes[4096];
    size_t n;

    while ((n = sim_recv(t->a, bytes, sizeof(bytes))) > 0)
        text_add(&t->got, bytes, n);
}

/* Iterations until A has sent all that it may, up to TOTAL. */
static void
run_to(struct table *t, uint64_t window, uint64_t total)
{
    uint64_t expected = window < total ? window : total;

    sim_set_window(t->a, window);
    for (int iteration = 0; sim_sent_bytes(t->a) < expected; iteration++) {
        if (iteration == STUCK_ITERATIONS)
            sim_die("%" PRIu64 " of %" PRIu64 " bytes came", sim_sent_bytes(t->a), expected);
        iterate(t, 1);
        take_output(t);
    }
    /* What is too much would come now. */
    iterate(t, 2);
    take_output(t);
}

/* B stores and reads, with whatever buffers there are. */
static void
other_acts(struct table *t)
{
    static struct script s;
    char got[8192];
    unsigned key = 900 + t->rounds++;
    size_t len = 0;

    script_clear(&s);
    say_set(&s, "set", key, 600);
    want(&s, "STORED\r\n");
    say_set(&s, "set", key + 50, 2000);
    want(&s, "STORED\r\n");
    say(&s, "get key-%u key-%u\r\n", key, key + 50);
    want_value(&s, key, 600);
    want_value(&s, key + 50, 2000);
    want(&s, "END\r\n");
    if (sim_send(t->b, s.in.data, s.in.len) != s.in.len)
        sim_die("the other cannot send");
    for (int iteration = 0; len < s.want.len; iteration++) {
        if (iteration == STUCK_ITERATIONS)
            sim_die("the other is not served");
        iterate(t, 1);
        len += sim_recv(t->b, got + len, sizeof(got) - len);
    }
    if (len != s.want.len || memcmp(got, s.want.data, len) != 0)
        sim_die("the other got wrong bytes");
}

static void
compare(const struct table *t, const struct script *s)
{
    size_t n = t->got.len < s->want.len ? t->got.len : s->want.len;

    for (size_t i = 0; i < n; i++)
        if (t->got.data[i] != s->want.data[i] && s->any.data[i] == 0)
            sim_die("%s: byte %zu is 0x%02x, not 0x%02x; around it: '%.40s'", s->name, i,
                    (unsigned char)t->got.data[i], (unsigned char)s->want.data[i],
                    t->got.data + (i < 20 ? 0 : i - 20));
    if (t->got.len != s->want.len)
        sim_die("%s: %zu bytes came, not %zu", s->name, t->got.len, s->want.len);
}

static void
note_replay(const char *what, const struct script *s, size_t first, size_t second)
{
    char how[128];

    (void)snprintf(how, sizeof(how), "sweep at %s %s %zu %zu", s->name, what, first, second);
    sim_set_replay(how);
}

static void
begin(struct table *t, const struct script *s, const char *way, size_t first, size_t second)
{
    note_replay(way, s, first, second);
    table_set(t, s);
}

/* A sends its bytes up to BYTES, which must fit into its socket. */
static void
send_up_to(struct table *t, const struct script *s, size_t bytes)
{
    if (sim_send(t->a, s->in.data, bytes) != bytes)
        sim_die("the script does not fit");
}

/* A breaks off: what it held must be free again. */
static void
break_off(struct table *t)
{
    sim_reset(t->a);
    other_acts(t);
    sim_reset(t->b);
    iterate(t, 3);
    play_check_empty(&t->rig);
    table_clear(t);
}

void
cut_output(const struct script *s, size_t first, size_t second)
{
    struct table t;

    begin(&t, s, "output", first, second);
    send_up_to(&t, s, s->in.len);
    run_to(&t, first, s->want.len);
    other_acts(&t);
    if (second > first) {
        run_to(&t, second, s->want.len);
        other_acts(&t);
    }
    run_to(&t, UINT64_MAX, s->want.len);
    compare(&t, s);
    other_acts(&t);
    table_clear(&t);
}

void
cut_input(const struct script *s, size_t first, size_t second)
{
    struct table t;

    begin(&t, s, "input", first, second);
    send_up_to(&t, s, first);
    iterate(&t, 2);
    other_acts(&t);
    (void)sim_send(t.a, s->in.data + first, second - first);
    iterate(&t, 2);
    if (second > first)
        other_acts(&t);
    (void)sim_send(t.a, s->in.data + second, s->in.len - second);
    run_to(&t, UINT64_MAX, s->want.len);
    compare(&t, s);
    table_clear(&t);
}

void
break_output(const struct script *s, size_t first, size_t second)
{
    struct table t;

    (void)second;
    begin(&t, s, "output-broken", first, first);
    send_up_to(&t, s, s->in.len);
    run_to(&t, first, s->want.len);
    break_off(&t);
}

void
break_input(const struct script *s, size_t first, size_t second)
{
    struct table t;

    (void)second;
    begin(&t, s, "input-broken", first, first);
    send_up_to(&t, s, first);
    iterate(&t, 2);
    break_off(&t);
}

/* --- Handed over --- */

void
hand_over_output(const struct script *s, size_t first, size_t second)
{
    hands_over = true;
    cut_output(s, first, second);
    hands_over = false;
}

void
hand_over_input(const struct script *s, size_t first, size_t second)
{
    hands_over = true;
    cut_input(s, first, second);
    hands_over = false;
}

bool
fail_hand_over(const struct script *s, size_t at, enum sim_call call, uint64_t nth)
{
    struct table t;

    has_struck = false;
    hands_over = true;
    begin(&t, s, "handover-failed", at, nth);
    send_up_to(&t, s, s->in.len);
    run_to(&t, at, s->want.len);
    failing.call = call;
    failing.nth = nth;
    iterate(&t, 1);
    other_acts(&t);
    run_to(&t, UINT64_MAX, s->want.len);
    compare(&t, s);
    table_clear(&t);
    hands_over = false;
    return has_struck;
}
