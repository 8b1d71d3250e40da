/*
 * tests/sim/sweep.c - not at random: everywhere.
 *
 *     sweep quick     some positions and some calls of each
 *     sweep           many of them: every one where there are not too many
 *     sweep full      every one of them
 *     sweep founding  within a second: a send that is cut within a header, while
 *                     another connection is served from the same freelist
 *
 * Sends: the output of a session is cut at every byte, singly and in pairs, and
 * while it is stuck another connection stores and reads with the same buffers.
 * Receives: the input is cut at every byte, likewise. Faults: the Nth call of
 * each kind fails, for N from 1 until it is not reached any more, in small worlds
 * and while the server starts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "play.h"

enum {
    MB = 1024 * 1024,
    ROOM = 4 * MB,     /* of a socket */
    STUCK_TURNS = 200, /* after which output that is allowed should have come */
};

/* How much is enough. */
static const struct effort {
    const char *name;
    size_t cuts;  /* of one session */
    size_t pairs; /* likewise */
    uint64_t fault_seeds;
    uint64_t nth_divisor; /* after the Nth call comes N + 1 + N / this */
} efforts[] = {
    {"", 600, 600, 4, 8},
    {"quick", 250, 250, 2, 4},
    {"founding", 200, 0, 0, 1},
    {"full", SIZE_MAX, 300000, 40, UINT64_MAX},
};

static const struct effort *effort = &efforts[0];
static double started;
static uint64_t points;
static uint64_t checks;

static double
seconds_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- Sessions: what is sent, and what must come back --- */

struct text {
    char *data;
    size_t len;
    size_t cap;
};

struct session {
    const char *name;
    size_t limit_bytes;    /* of the server; 0: 8 MB */
    size_t item_bytes_max; /* likewise; 0: 100 KB */
    struct text in;
    struct text want;
};

static void
text_add(struct text *t, const void *src, size_t bytes)
{
    if (t->len + bytes > t->cap) {
        t->cap = 2 * (t->len + bytes);
        t->data = realloc(t->data, t->cap);
        if (t->data == NULL)
            abort();
    }
    memcpy(t->data + t->len, src, bytes);
    t->len += bytes;
}

static void say(struct session *s, const char *format, ...) PRINTF_LIKE(2, 3);
static void want(struct session *s, const char *format, ...) PRINTF_LIKE(2, 3);

static void text_print(struct text *t, const char *format, va_list args) PRINTF_LIKE(2, 0);

static void
text_print(struct text *t, const char *format, va_list args)
{
    char line[2048];
    int len = vsnprintf(line, sizeof(line), format, args);

    if (len < 0 || (size_t)len >= sizeof(line))
        abort();
    text_add(t, line, (size_t)len);
}

static void
say(struct session *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_print(&s->in, format, args);
    va_end(args);
}

static void
want(struct session *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_print(&s->want, format, args);
    va_end(args);
}

/* A value of a key: no two neighbouring bytes alike, no two keys alike. */
static void
add_value(struct text *t, unsigned key, size_t bytes)
{
    static char value[2 * MB];

    for (size_t i = 0; i < bytes; i++)
        value[i] = (char)(' ' + (i * 7 + key * 13 + i / 91) % 95);
    text_add(t, value, bytes);
}

static void
say_set(struct session *s, const char *verb, unsigned key, size_t bytes)
{
    say(s, "%s key-%u %u 0 %zu\r\n", verb, key, key, bytes);
    add_value(&s->in, key, bytes);
    say(s, "\r\n");
}

static void
want_value(struct session *s, unsigned key, size_t bytes)
{
    want(s, "VALUE key-%u %u %zu\r\n", key, key, bytes);
    add_value(&s->want, key, bytes);
    want(s, "\r\n");
}

static const struct {
    const char *say;
    const char *want;
} classic[] = {
    {"set a 1 0 3\r\nabc\r\n", "STORED\r\n"},
    {"add a 1 0 3\r\nxyz\r\n", "NOT_STORED\r\n"},
    {"add n 0 0 2\r\n41\r\n", "STORED\r\n"},
    {"replace none 0 0 1\r\nx\r\n", "NOT_STORED\r\n"},
    {"append a 0 0 2\r\nde\r\n", "STORED\r\n"},
    {"prepend a 0 0 1\r\n_\r\n", "STORED\r\n"},
    {"get a\r\n", "VALUE a 1 6\r\n_abcde\r\nEND\r\n"},
    {"get a none n a\r\n",
     "VALUE a 1 6\r\n_abcde\r\nVALUE n 0 2\r\n41\r\nVALUE a 1 6\r\n_abcde\r\nEND\r\n"},
    {"get none\r\n", "END\r\n"},
    {"incr n 1\r\n", "42\r\n"},
    {"decr n 40\r\n", "2\r\n"},
    {"incr a 1\r\n", "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"},
    {"incr none 1\r\n", "NOT_FOUND\r\n"},
    {"incr n 18446744073709551614\r\n", "0\r\n"},
    {"set n 0 0 1 noreply\r\n7\r\nincr n 5 noreply\r\nget n\r\n",
     "VALUE n 0 2\r\n12\r\nEND\r\n"},
    {"touch n 100\r\n", "TOUCHED\r\n"},
    {"touch none 1\r\n", "NOT_FOUND\r\n"},
    {"gat 100 n none\r\n", "VALUE n 0 2\r\n12\r\nEND\r\n"},
    {"cas none 0 0 1 1\r\nx\r\n", "NOT_FOUND\r\n"},
    {"cas n 0 0 1 999999\r\nx\r\n", "EXISTS\r\n"},
    {"delete n\r\n", "DELETED\r\n"},
    {"delete n\r\n", "NOT_FOUND\r\n"},
    {"delete n x\r\n",
     "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n"},
    {"nonsense\r\n", "ERROR\r\n"},
    {"get\r\n", "ERROR\r\n"},
    {"set b 0 0 3\r\nabcde", "CLIENT_ERROR bad data chunk\r\n"},
    {"set b 0 -1 1\r\nx\r\nget b\r\n", "STORED\r\nEND\r\n"},
    {"flush_all\r\n", "OK\r\n"},
    {"get a\r\n", "END\r\n"},
};

static void
build_classic(struct session *s)
{
    s->name = "classic";
    for (size_t i = 0; i < ARRAY_LEN(classic); i++) {
        say(s, "%s", classic[i].say);
        want(s, "%s", classic[i].want);
    }
}

/* Values that are copied, and values that are sent from where they lie, in turns. */
static void
build_values(struct session *s)
{
    static const size_t sizes[] = {0, 1, 1023, 1024, 1025, 1, 3000, 5000, 0, 20000};

    s->name = "values";
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        say_set(s, "set", i, sizes[i]);
        want(s, "STORED\r\n");
    }
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        say(s, "get key-%u\r\n", i);
        want_value(s, i, sizes[i]);
        want(s, "END\r\n");
    }
    say(s, "get key-6 none key-2 key-7 key-8\r\n");
    want_value(s, 6, 3000);
    want_value(s, 2, 1023);
    want_value(s, 7, 5000);
    want_value(s, 8, 0);
    want(s, "END\r\n");
}

/* One line of many keys: the buffer is filled and drained several times. */
static void
build_multiget(struct session *s)
{
    enum { KEYS = 60 };

    s->name = "multiget";
    for (unsigned i = 0; i < KEYS; i++) {
        say_set(s, "set", i, i * 37);
        want(s, "STORED\r\n");
    }
    say(s, "get");
    for (unsigned i = 0; i < KEYS; i++) {
        say(s, " key-%u none-%u", i, i);
        want_value(s, i, i * 37);
    }
    say(s, "\r\n");
    want(s, "END\r\n");
}

/* Values received where they will lie, those that are refused, and those that are joined. */
static void
build_uploads(struct session *s)
{
    s->name = "uploads";
    say_set(s, "set", 1, 6000);
    want(s, "STORED\r\n");
    say_set(s, "add", 1, 3000);
    want(s, "NOT_STORED\r\n");
    say_set(s, "append", 1, 2500);
    want(s, "STORED\r\n");
    say_set(s, "replace", 2, 4000);
    want(s, "NOT_STORED\r\n");
    say(s, "set key-3 0 0 4000\r\n");
    add_value(&s->in, 3, 4002); /* its end is not where it should be */
    want(s, "CLIENT_ERROR bad data chunk\r\n");
    say_set(s, "set", 4, 150000); /* above the largest item */
    want(s, "SERVER_ERROR object too large for cache\r\n");
    say(s, "set key-5 5 0 3000 noreply\r\n");
    add_value(&s->in, 5, 3000);
    say(s, "\r\nget key-1 key-3 key-4 key-5\r\n");
    want(s, "VALUE key-1 1 8500\r\n");
    add_value(&s->want, 1, 6000);
    add_value(&s->want, 1, 2500);
    want(s, "\r\n");
    want_value(s, 5, 3000);
    want(s, "END\r\n");
}

/*
 * A value of so many parts that references to all of them do not fit behind what
 * is already in the buffer: the rest has to wait for a place.
 */
static void
build_parts(struct session *s)
{
    enum { LONG_BYTES = 1900000, COPIED_BYTES = 400, GETS = 32 };

    s->name = "parts";
    s->limit_bytes = 4 * MB; /* so that its segments are small */
    s->item_bytes_max = 2 * MB;
    say_set(s, "set", 1, COPIED_BYTES);
    want(s, "STORED\r\n");
    say_set(s, "set", 2, LONG_BYTES);
    want(s, "STORED\r\n");
    for (int i = 0; i < GETS; i++) {
        say(s, "get key-1\r\n");
        want_value(s, 1, COPIED_BYTES);
        want(s, "END\r\n");
    }
    say(s, "get key-2 key-1\r\n");
    want_value(s, 2, LONG_BYTES);
    want_value(s, 1, COPIED_BYTES);
    want(s, "END\r\n");
}

static void
session_fini(struct session *s)
{
    free(s->in.data);
    free(s->want.data);
    memset(s, 0, sizeof(*s));
}

/* --- Two connections --- */

struct table {
    struct rig rig;
    struct sim_link *a; /* whose bytes are cut */
    struct sim_link *b; /* who goes on meanwhile */
    struct text got;
    unsigned rounds;
};

static void
table_set(struct table *t, const struct session *s)
{
    const struct rig_config config = {
        .limit_bytes = s->limit_bytes == 0 ? 8 * MB : s->limit_bytes,
        .item_bytes_max = s->item_bytes_max == 0 ? 100000 : s->item_bytes_max,
    };

    memset(t, 0, sizeof(*t));
    sim_begin(1);
    if (!rig_start(&t->rig, &config))
        sim_die("the server does not start");
    t->a = sim_connect(t->rig.listen_fd, ROOM, ROOM);
    t->b = sim_connect(t->rig.listen_fd, ROOM, ROOM);
    rig_turn(&t->rig);
}

static void
table_clear(struct table *t)
{
    sim_link_free(t->a);
    sim_link_free(t->b);
    rig_turns(&t->rig, 2);
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

/* Turns until A has sent all that it may, up to TOTAL. */
static void
run_to(struct table *t, uint64_t window, uint64_t total)
{
    uint64_t expected = window < total ? window : total;

    sim_set_window(t->a, window);
    for (int turn = 0; sim_sent_bytes(t->a) < expected; turn++) {
        if (turn == STUCK_TURNS)
            sim_die("%" PRIu64 " of %" PRIu64 " bytes came", sim_sent_bytes(t->a), expected);
        rig_turn(&t->rig);
        take_output(t);
    }
    /* What is too much would come now. */
    rig_turns(&t->rig, 2);
    take_output(t);
}

/* B stores and reads, with whatever buffers there are. */
static void
other_acts(struct table *t)
{
    static struct session s;
    char got[8192];
    unsigned key = 900 + t->rounds++;
    size_t len = 0;

    s.in.len = s.want.len = 0;
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
    for (int turn = 0; len < s.want.len; turn++) {
        if (turn == STUCK_TURNS)
            sim_die("the other is not served");
        rig_turn(&t->rig);
        len += sim_recv(t->b, got + len, sizeof(got) - len);
    }
    if (len != s.want.len || memcmp(got, s.want.data, len) != 0)
        sim_die("the other got wrong bytes");
}

static void
compare(const struct table *t, const struct session *s)
{
    size_t n = t->got.len < s->want.len ? t->got.len : s->want.len;

    for (size_t i = 0; i < n; i++)
        if (t->got.data[i] != s->want.data[i])
            sim_die("%s: byte %zu is 0x%02x, not 0x%02x; around it: '%.40s'", s->name, i,
                    (unsigned char)t->got.data[i], (unsigned char)s->want.data[i],
                    t->got.data + (i < 20 ? 0 : i - 20));
    if (t->got.len != s->want.len)
        sim_die("%s: %zu bytes came, not %zu", s->name, t->got.len, s->want.len);
}

static void
note_replay(const char *what, const struct session *s, size_t first, size_t second)
{
    char how[128];

    (void)snprintf(how, sizeof(how), "sweep (%s of %s at %zu and %zu)", what, s->name, first,
                   second);
    sim_set_replay(how);
}

static void
cut_output(const struct session *s, size_t first, size_t second)
{
    struct table t;

    note_replay("output", s, first, second);
    table_set(&t, s);
    if (sim_send(t.a, s->in.data, s->in.len) != s->in.len)
        sim_die("the session does not fit");
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
    points++;
}

static void
cut_input(const struct session *s, size_t first, size_t second)
{
    struct table t;

    note_replay("input", s, first, second);
    table_set(&t, s);
    if (sim_send(t.a, s->in.data, first) != first)
        sim_die("the session does not fit");
    rig_turns(&t.rig, 2);
    other_acts(&t);
    (void)sim_send(t.a, s->in.data + first, second - first);
    rig_turns(&t.rig, 2);
    if (second > first)
        other_acts(&t);
    (void)sim_send(t.a, s->in.data + second, s->in.len - second);
    run_to(&t, UINT64_MAX, s->want.len);
    compare(&t, s);
    table_clear(&t);
    points++;
}

/* As cut_output(), but A breaks off there: what it held must be free again. */
static void
break_output(const struct session *s, size_t first, size_t second)
{
    struct table t;

    (void)second;
    note_replay("a break", s, first, first);
    table_set(&t, s);
    if (sim_send(t.a, s->in.data, s->in.len) != s->in.len)
        sim_die("the session does not fit");
    run_to(&t, first, s->want.len);
    sim_reset(t.a);
    other_acts(&t);
    sim_reset(t.b);
    rig_turns(&t.rig, 3);
    play_check_empty(&t.rig);
    table_clear(&t);
    points++;
}

static size_t
stride(size_t count, size_t most)
{
    return count <= most ? 1 : count / most + 1;
}

static void
sweep_cuts(const struct session *s, size_t len,
           void (*cut)(const struct session *s, size_t first, size_t second))
{
    size_t step = stride(len, effort->cuts);
    size_t pair_step;
    size_t pair = 0;

    for (size_t i = 1; i < len; i += step)
        cut(s, i, i);
    checks++;
    if (effort->pairs == 0)
        return;
    pair_step = stride(len * len / 2, effort->pairs);
    for (size_t i = 1; i < len; i++)
        for (size_t j = i + 1; j < len; j++)
            if (++pair % pair_step == 0)
                cut(s, i, j);
}

/* A session of megabytes: some cuts, many of them where the value begins. */
static void
sweep_parts(void)
{
    const size_t cuts[] = {1,     16,    17,    1000,   12500,  12600,   12700,  12800,
                           13000, 14000, 20000, 100000, 500000, 1000000, 1912000};
    struct session s;

    memset(&s, 0, sizeof(s));
    build_parts(&s);
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        cut_output(&s, cuts[i], cuts[i]);
        break_output(&s, cuts[i], cuts[i]);
    }
    checks++;
    printf("%s: output of %zu bytes cut and broken off in %zu ways\n", s.name, s.want.len,
           ARRAY_LEN(cuts));
    session_fini(&s);
}

static void
sweep_session(void (*build)(struct session *s))
{
    struct session s;
    uint64_t before = points;

    memset(&s, 0, sizeof(s));
    build(&s);
    sweep_cuts(&s, s.want.len, cut_output);
    for (size_t i = 1; i < s.want.len; i += stride(s.want.len, effort->cuts / 4 + 1))
        break_output(&s, i, i);
    printf("%s: output of %zu bytes cut in %" PRIu64 " ways, %.1f s\n", s.name, s.want.len,
           points - before, seconds_now() - started);
    before = points;
    sweep_cuts(&s, s.in.len, cut_input);
    printf("%s: input of %zu bytes cut in %" PRIu64 " ways\n", s.name, s.in.len,
           points - before);
    session_fini(&s);
}

/* --- The Nth call fails --- */

static const struct {
    enum sim_call call;
    int err;
} faults[] = {
    {SIM_RECV, ECONNRESET},    {SIM_RECV, EAGAIN},       {SIM_RECV, EINTR},
    {SIM_READV, ECONNRESET},   {SIM_READV, EAGAIN},      {SIM_READV, EINTR},
    {SIM_SEND, EPIPE},         {SIM_SEND, ECONNRESET},   {SIM_SEND, EAGAIN},
    {SIM_SEND, EINTR},         {SIM_SEND, ENOBUFS},      {SIM_SENDMSG, EPIPE},
    {SIM_SENDMSG, ECONNRESET}, {SIM_SENDMSG, EAGAIN},    {SIM_SENDMSG, EINTR},
    {SIM_SENDMSG, ENOMEM},     {SIM_ACCEPT, EMFILE},     {SIM_ACCEPT, ENFILE},
    {SIM_ACCEPT, ENOBUFS},     {SIM_ACCEPT, ENOMEM},     {SIM_ACCEPT, ECONNABORTED},
    {SIM_ACCEPT, EINTR},       {SIM_EPOLL_CTL, ENOMEM},  {SIM_EPOLL_CTL, ENOSPC},
    {SIM_EPOLL_WAIT, EINTR},   {SIM_SET_OPTION, EINVAL}, {SIM_SHUTDOWN, ENOTCONN},
    {SIM_MAP, ENOMEM},         {SIM_MALLOC, ENOMEM},
};

/* Errors after which nothing may have changed for any client. */
static bool
is_harmless(enum sim_call call, int err)
{
    if (call == SIM_ACCEPT)
        return err != ECONNABORTED;
    return err == EAGAIN || err == EINTR ||
           ((call == SIM_SEND || call == SIM_SENDMSG) && err != EPIPE && err != ECONNRESET);
}

static void
plan_small_world(struct play *play, struct arena *arena)
{
    memset(play, 0, sizeof(*play));
    memset(arena, 0, sizeof(*arena));
    play->clients = 4;
    play->turns = 40;
    play->hurry = 5;
    play->faults.cut = 1 + sim_below(4);
    play->rig.limit_bytes = 16 * MB;
    play->rig.item_bytes_max = 100000;
    arena->item_bytes_max = 100000;
    arena->value_bytes = 3000;
    arena->facts.evictable_above = play->rig.limit_bytes / 4;
}

/* False when the world has no Nth call of this kind. */
static bool
fail_in_world(uint64_t seed, size_t fault, uint64_t nth)
{
    struct play_totals totals;
    struct arena arena;
    struct play play;
    char how[128];

    (void)snprintf(how, sizeof(how), "sweep (seed %" PRIu64 ", %s number %" PRIu64 ", %s)",
                   seed, sim_call_name(faults[fault].call), nth,
                   strerrorname_np(faults[fault].err));
    sim_set_replay(how);
    memset(&totals, 0, sizeof(totals));
    sim_begin(seed);
    plan_small_world(&play, &arena);
    arena.may_close = !is_harmless(faults[fault].call, faults[fault].err);
    arena.facts.memory_faults =
        faults[fault].call == SIM_MAP || faults[fault].call == SIM_MALLOC;
    play.fail_call = faults[fault].call;
    play.fail_err = faults[fault].err;
    play.fail_nth = nth;
    play_world(&play, &arena, &totals);
    points += totals.struck;
    return totals.struck > 0;
}

static void
sweep_faults(void)
{
    for (size_t fault = 0; fault < ARRAY_LEN(faults); fault++) {
        uint64_t before = points;

        for (uint64_t seed = 1; seed <= effort->fault_seeds; seed++)
            for (uint64_t nth = 1; fail_in_world(seed, fault, nth);)
                nth += 1 + nth / effort->nth_divisor;
        checks++;
        printf("%s fails with %s: %" PRIu64 " ways\n", sim_call_name(faults[fault].call),
               strerrorname_np(faults[fault].err), points - before);
    }
}

/* --- The Nth call fails while the server starts --- */

static bool
fail_at_start(enum sim_call call, int err, uint64_t nth)
{
    const struct rig_config config = {.limit_bytes = 8 * MB};
    struct rig rig;
    bool runs, struck;

    sim_begin(1);
    sim_fail_nth(call, nth, err);
    runs = rig_start(&rig, &config);
    struck = sim_fail_struck();
    if (runs)
        rig_stop(&rig);
    else
        sim_end();
    return struck;
}

static void
sweep_start(void)
{
    static const enum sim_call calls[] = {SIM_MAP, SIM_MALLOC, SIM_EPOLL_CREATE, SIM_EPOLL_CTL};

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        uint64_t nth = 1;

        while (fail_at_start(calls[i], ENOMEM, nth))
            nth++;
        points += nth - 1;
        checks++;
        printf("%s fails at start: %" PRIu64 " ways\n", sim_call_name(calls[i]), nth - 1);
    }
}

int
main(int argc, char **argv)
{
    started = seconds_now();
    for (size_t i = 0; i < ARRAY_LEN(efforts); i++)
        if (argc > 1 && strcmp(argv[1], efforts[i].name) == 0)
            effort = &efforts[i];
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (effort->fault_seeds > 0)
        sweep_start();
    sweep_session(build_classic);
    sweep_session(build_values);
    sweep_parts();
    if (effort->fault_seeds == 0) {
        printf("%" PRIu64 " passed, 0 failed\n", points);
        return 0;
    }
    sweep_session(build_multiget);
    sweep_session(build_uploads);
    sweep_faults();
    printf("%" PRIu64 " points swept, all survived, %.1f s\n", points, seconds_now() - started);
    printf("%" PRIu64 " passed, 0 failed\n", checks);
    return 0;
}
