/* What watchers are told, and that they cost others nothing. */
#include <stdio.h>
#include <string.h>

#include "lombard/base/eventlog.h"
#include "rig.h"
#include "schedule.h"
#include "sweep.h"

enum { WATCHER = 0, CLIENT = 1 };

static void
watch(int i, const char *topics)
{
    char line[128];

    dial(i);
    (void)snprintf(line, sizeof(line), "watch %s\r\n", topics);
    say(i, line);
    expect(i, "OK\r\n");
}

/* What the watcher hears, in `out`, has this text. */
static void
hear_of(const char *text)
{
    iterate(3);
    (void)hear(WATCHER);
    ck_assert_msg(strstr(out, text) != NULL, "no '%s' in '%s'", text, out);
}

START_TEST(fetchers)
{
    watch(WATCHER, "fetchers");
    dial(CLIENT);
    say(CLIENT, "set a 0 0 5\r\nhello\r\nget a\r\nmg a%20b v\r\n");
    iterate(3);
    (void)hear(CLIENT);
    hear_of(" type=item_get key=a status=found clsid=1 cfd=");
    ck_assert_ptr_nonnull(strstr(out, " size=5\n"));
    ck_assert_ptr_nonnull(
        strstr(out, " type=item_get key=a%2520b status=not_found clsid=0 cfd="));
    ck_assert_ptr_nonnull(strstr(out, "gid=1 "));
    ck_assert_ptr_nonnull(strstr(out, "gid=2 "));
    ck_assert_ptr_null(strstr(out, "item_store"));
    ck_assert_int_eq(strncmp(out, "ts=", 3), 0);
}
END_TEST

START_TEST(mutations_and_deletions)
{
    watch(WATCHER, "mutations deletions");
    dial(CLIENT);
    say(CLIENT, "set a 0 100 5\r\nhello\r\nadd a 0 0 1\r\nx\r\nms b 2\r\nhi\r\nget a\r\n"
                "delete a\r\ndelete a\r\nmd b\r\n");
    iterate(3);
    (void)hear(CLIENT);
    hear_of(" type=item_store key=a status=stored cmd=set ttl=100 clsid=1 cfd=");
    ck_assert_ptr_nonnull(strstr(out, " key=a status=not_stored cmd=add ttl=0 clsid=1 cfd="));
    ck_assert_ptr_nonnull(strstr(out, " key=b status=stored cmd=set ttl=0 clsid=1 cfd="));
    ck_assert_ptr_nonnull(strstr(out, " type=deleted key=a cmd=delete clsid=1 size=5\n"));
    ck_assert_ptr_nonnull(strstr(out, " type=deleted key=b cmd=md clsid=1 size="));
    ck_assert_ptr_null(strstr(out, "item_get"));
    ck_assert_ptr_null(strstr(out, "gid=6 "));
}
END_TEST

START_TEST(raw_commands)
{
    watch(WATCHER, "rawcmds");
    dial(CLIENT);
    say(CLIENT, "set a 0 0 5\r\nhello\r\nget a b\nfoo bar\r\n");
    (void)hear(CLIENT);
    hear_of(" set a 0 0 5\n");
    ck_assert_ptr_nonnull(strstr(out, "gid=1 <"));
    ck_assert_ptr_nonnull(strstr(out, " foo bar\n"));
    ck_assert_ptr_null(strstr(out, "hello"));
}
END_TEST

/* One that has been sent all that happened waits for no peer: it is not among those that do not read. */
START_TEST(a_watcher_is_not_stalled)
{
    server->config.idle_timeout_s = 1;
    watch(WATCHER, "mutations");
    dial(CLIENT);
    say(CLIENT, "stats conns state watching\r\n");
    iterate(3);
    (void)hear(CLIENT);
    ck_assert_ptr_nonnull(strstr(out, ":state watching\r\n"));
    ck_assert_ptr_nonnull(strstr(out, ":wait_ms 0\r\n"));
    say(CLIENT, "stats conns top stalled 5\r\n");
    iterate(3);
    expect(CLIENT, "END\r\n");
    say(CLIENT, "kill stalled 0\r\n");
    iterate(3);
    expect(CLIENT, "KILLED 0\r\n");
    server->attended_s += 10; /* in which nothing has happened */
    for (int i = 0; i < 64; i++)
        server_sweep_idle(server);
    iterate(1);
    ck_assert(!is_closed(WATCHER));
    ck_assert(is_closed(CLIENT));
}
END_TEST

/* What `stats events` keeps is heard as it happens. */
START_TEST(system_events)
{
    struct event_kind kind = EVENT_KIND("tested reason=test", LOG_DEBUG);

    watch(WATCHER, "sysevents");
    event_add(&kind, "value=%d", 7);
    hear_of(" gid=1 type=tested reason=test value=7\n");
    hang_up(WATCHER);
    iterate(3);
    event_add(&kind, "value=%d", 8); /* no one hears it */
}
END_TEST

/* What held the thread up is an event, in the iteration behind it. */
START_TEST(stalls)
{
    watch(WATCHER, "sysevents");
    latency_set_limit(&server->latency, 60000);
    server->latency.stalled_ns = 25000000;
    server->latency.worst_ns = 24500000;
    server->latency.worst = STEP_WORK;
    hear_of(" type=stalled ms=25.0 step=work step_ms=24.5 waiting=");
    ck_assert_uint_eq(server->latency.stalled_ns + server->latency.worst_ns, 0);
    ck_assert_uint_eq(server->stats.loop_stalls, 1);
    server_note_late(server, UINT64_C(61) * 1000000000); /* that was this one */
    ck_assert_uint_eq(server->stats.loop_stalls, 1);
    server->stall_reported_ns = 0;
    server_note_late(server, UINT64_C(61) * 1000000000 + 60000000);
    hear_of(" type=stalled ms=61060.0 step=wait step_ms=61060.0 waiting=");
}
END_TEST

START_TEST(evictions)
{
    static char value[1000];

    rig_stop();
    rig_options.limit_bytes = 8U << 20;
    rig_start();
    watch(WATCHER, "evictions");
    dial(CLIENT);
    memset(value, 'x', sizeof(value));
    for (int i = 0; i < 12000 && server->watchers.sent == 0; i++) {
        char line[sizeof(value) + 64];
        int len = snprintf(line, sizeof(line), "set key%d 0 %d 1000 noreply\r\n%.*s\r\n", i,
                           i % 2 * 1000, (int)sizeof(value), value);

        say_bytes(CLIENT, line, (size_t)len);
    }
    hear_of(" gid=1 type=eviction key=key");
    ck_assert_ptr_nonnull(strstr(out, " fetch=no ttl="));
    ck_assert_ptr_nonnull(strstr(out, " clsid=1 size=1000\n"));
}
END_TEST

START_TEST(each_hears_of_its_own_topics)
{
    watch(WATCHER, "fetchers");
    watch(CLIENT + 1, "mutations");
    dial(CLIENT);
    say(CLIENT, "set a 0 0 1\r\nx\r\nget a\r\n");
    iterate(3);
    (void)hear(CLIENT);
    hear_of("item_get");
    ck_assert_ptr_null(strstr(out, "item_store"));
    (void)hear(CLIENT + 1);
    ck_assert_ptr_nonnull(strstr(out, "item_store"));
    ck_assert_ptr_null(strstr(out, "item_get"));
}
END_TEST

START_TEST(long_values_are_told_when_they_are_stored)
{
    watch(WATCHER, "mutations");
    dial(CLIENT);
    store_value(CLIENT, "long", 100000);
    hear_of(" key=long status=stored cmd=set ttl=0 clsid=1 cfd=");
    ck_assert_ptr_nonnull(strstr(out, " size=100000\n"));
}
END_TEST

START_TEST(connections_that_come_and_go)
{
    watch(WATCHER, "connevents");
    dial(CLIENT);
    iterate(2);
    hear_of(" type=conn_new rip=unix rport=0 transport=local cfd=");
    say(CLIENT, "quit\r\n");
    iterate_until_closed(CLOSE_QUIT, 1);
    hear_of(" type=conn_close rip=unix rport=0 transport=local reason=normal cfd=");
}
END_TEST

START_TEST(words_are_topics_or_their_beginnings)
{
    dial(WATCHER);
    say(WATCHER, "watch nonsense\r\n");
    expect(WATCHER, "ERROR\r\n");
    say(WATCHER, "watch fetchers fetchersx\r\n");
    expect(WATCHER, "ERROR\r\n");
    say(WATCHER, "watch mut proxyreqs sysevents rawcmds\r\n");
    expect(WATCHER, "OK\r\n");
    ck_assert_uint_eq(server->watchers.topics,
                      TOPIC_MUTATIONS | TOPIC_SILENT | TOPIC_SYSEVENTS | TOPIC_RAWCMDS);
    say(WATCHER, "get a\r\nset a 0 0 1\r\n"); /* nothing is executed any more */
    iterate(5);
    ck_assert_int_eq((int)server->watchers.gid, 0);
}
END_TEST

/* It loses lines, and is told how many; the client is served all the while. */
START_TEST(one_that_does_not_read_loses_lines)
{
    static char many[16 * 1024];
    bool told = false;

    watch(WATCHER, "fetchers");
    dial(CLIENT);
    many[0] = '\0';
    for (int i = 0; i < 500; i++)
        strcat(many, "get some_key_that_is_absent\r\n");
    for (int round = 0; server->watchers.skipped == 0 && round < 200; round++) {
        say(CLIENT, many);
        iterate(10);
        (void)hear(CLIENT);
        ck_assert_str_eq(out + strlen(out) - 5, "END\r\n");
    }
    ck_assert_uint_gt(server->watchers.skipped, 0);
    for (int i = 0; i < 200; i++) {
        (void)hear(WATCHER);
        told = told || strstr(out, "skipped=") != NULL;
        iterate(1);
    }
    say(CLIENT, "get last\r\n");
    iterate(3);
    (void)hear(CLIENT);
    hear_of("key=last");
    ck_assert(told || strstr(out, "skipped=") != NULL);
}
END_TEST

START_TEST(there_are_so_many_at_most)
{
    for (int i = 0; i < WATCHERS_MAX; i++)
        watch(i, "");
    dial(WATCHERS_MAX);
    say(WATCHERS_MAX, "watch\r\n");
    expect(WATCHERS_MAX, "WATCHER_TOO_MANY log watcher limit reached\r\n");
    for (int i = 0; i < WATCHERS_MAX; i++)
        hang_up(i);
    iterate(5);
    ck_assert_uint_eq(server->watchers.count, 0);
    ck_assert_uint_eq(server->watchers.topics, 0);
    say(WATCHERS_MAX, "watch\r\n");
    expect(WATCHERS_MAX, "OK\r\n");
}
END_TEST

/* A shutdown does not wait for one. */
START_TEST(a_shutdown_ends_it)
{
    watch(WATCHER, "fetchers");
    server_shutdown(server);
    iterate_until_closed(CLOSE_SHUTDOWN, 1);
    ck_assert_uint_eq(server->watchers.count, 0);
}
END_TEST

START_TEST(it_can_be_refused)
{
    rig_stop();
    rig_options.watch_disabled = true;
    rig_start();
    dial(0);
    say(0, "watch\r\nversion\r\n");
    expect(0, "CLIENT_ERROR watch commands not allowed\r\nVERSION 1.6.45\r\n");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("watch");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_test(tc, fetchers);
    tcase_add_test(tc, mutations_and_deletions);
    tcase_add_test(tc, raw_commands);
    tcase_add_test(tc, system_events);
    tcase_add_test(tc, a_watcher_is_not_stalled);
    tcase_add_test(tc, stalls);
    tcase_add_test(tc, evictions);
    tcase_add_test(tc, each_hears_of_its_own_topics);
    tcase_add_test(tc, long_values_are_told_when_they_are_stored);
    tcase_add_test(tc, connections_that_come_and_go);
    tcase_add_test(tc, words_are_topics_or_their_beginnings);
    tcase_add_test(tc, one_that_does_not_read_loses_lines);
    tcase_add_test(tc, there_are_so_many_at_most);
    tcase_add_test(tc, a_shutdown_ends_it);
    tcase_add_test(tc, it_can_be_refused);
    return leak_run(tc, "conn/watch");
}
