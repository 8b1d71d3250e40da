#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"
#include "leak.h"
#include "lombard/base/log.h"

static struct daemon_sockets sockets, more;
static const struct user ourselves; /* nothing to give up */

static void
setup(void)
{
    log_set_level(LOG_ERROR);
    daemon_sockets_init(&sockets);
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
}

static void
teardown(void)
{
    for (int role = 0; role < SESSION_ROLES; role++) {
        struct listen_sockets *of_role = &sockets.of[role];

        while (of_role->count > 0)
            (void)close(of_role->fd[--of_role->count]);
        daemon_remove(&sockets.files[role]);
    }
}

/* All that a daemon would open for CONFIG. */
static bool
listen_as(const struct config *config)
{
    return daemon_listen(config, &ourselves, &sockets);
}

static struct config
config_for(const char *host)
{
    struct config config = {.tcp = true, .backlog = 8, .hosts = {host}, .host_count = 1};

    return config;
}

/* --- Where to listen --- */

static const struct {
    const char *host;
    bool ok;
} places[] = {
    {"127.0.0.1", true},
    {"127.0.0.1:0", true},
    {"localhost", true},
    {"[127.0.0.1]", true},
    {"[127.0.0.1]:0", true},
    {"127.0.0.1:", false},
    {"127.0.0.1:65536", false},
    {"127.0.0.1:x", false},
    {"127.0.0.1:-1", false},
    {":0", false},
    {"[127.0.0.1", false},
    {"[127.0.0.1]0", false},
    {"[]", false},
    {"[]:0", false},
    {"::1:0:nonsense", false},
    {"no such host", false},
    {"192.0.2.1", false}, /* kept for documentation: no host's address */
};

START_TEST(listening_at)
{
    struct config config = config_for(places[_i].host);

    ck_assert_int_eq(listen_as(&config), places[_i].ok);
    ck_assert_int_eq(sockets.of[ROLE_CLIENT].count > 0, places[_i].ok);
}
END_TEST

START_TEST(a_host_of_any_length_is_refused)
{
    static char host[300];
    struct config config = config_for(host);

    memset(host, 'a', sizeof(host) - 1);
    ck_assert(!listen_as(&config));
}
END_TEST

START_TEST(a_port_in_use_is_refused)
{
    struct config config = config_for("127.0.0.1");

    ck_assert(listen_as(&config));
    config.port = listen_port(sockets.of[ROLE_CLIENT].fd[0]);
    daemon_sockets_init(&more);
    ck_assert(!daemon_listen(&config, &ourselves, &more));
    ck_assert_int_eq(more.of[ROLE_CLIENT].count, 0);
}
END_TEST

START_TEST(every_address_without_a_host)
{
    struct config config = config_for(NULL);

    config.host_count = 0;
    ck_assert(listen_as(&config));
    ck_assert_int_ge(sockets.of[ROLE_CLIENT].count, 1);
    ck_assert_uint_ne(listen_port(sockets.of[ROLE_CLIENT].fd[0]), 0);
}
END_TEST

START_TEST(a_unix_socket_alone)
{
    char path[64];
    struct config config = {.unix_path = path, .unix_mode = 0700, .backlog = 8};

    (void)snprintf(path, sizeof(path), "/tmp/lombard-daemon-%d.sock", (int)getpid());
    ck_assert(listen_as(&config));
    ck_assert_int_eq(sockets.of[ROLE_CLIENT].count, 1);
    ck_assert_uint_eq(listen_port(sockets.of[ROLE_CLIENT].fd[0]), 0);
    ck_assert_str_eq(sockets.files[ROLE_CLIENT].path, path);
    daemon_remove(&sockets.files[ROLE_CLIENT]);
    ck_assert_int_ne(access(path, F_OK), 0);
    config.unix_path = "/no/such/directory/socket";
    daemon_sockets_init(&more);
    ck_assert(!daemon_listen(&config, &ourselves, &more));
}
END_TEST

/* --- Where operators are heard --- */

START_TEST(a_unix_socket_for_operators)
{
    char path[64];
    struct config config = config_for("127.0.0.1");
    struct stat st;

    (void)snprintf(path, sizeof(path), "/tmp/lombard-daemon-%d.admin", (int)getpid());
    config.admin = path;
    config.admin_mode = 0660;
    ck_assert(listen_as(&config));
    ck_assert_int_eq(sockets.of[ROLE_CLIENT].count, 1);
    ck_assert_int_eq(sockets.of[ROLE_ADMIN].count, 1);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0660);
    daemon_remove(&sockets.files[ROLE_ADMIN]);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(an_address_for_operators)
{
    struct config config = config_for("127.0.0.1");

    config.admin = "127.0.0.1"; /* any port, as -p has none to begin with */
    ck_assert(listen_as(&config));
    ck_assert_int_eq(sockets.of[ROLE_ADMIN].count, 1);
    config.admin = "127.0.0.1:x";
    daemon_sockets_init(&more);
    ck_assert(!daemon_listen(&config, &ourselves, &more));
    (void)close(more.of[ROLE_CLIENT].fd[0]);
}
END_TEST

/* Without a port of its own it is heard so far above the clients' port. */
/* A port above ADMIN_PORT_ABOVE that was free a moment ago. */
static uint16_t
free_port(void)
{
    struct config config = config_for("127.0.0.1:0");
    uint16_t port;

    ck_assert(listen_as(&config));
    port = listen_port(sockets.of[ROLE_CLIENT].fd[0]);
    ck_assert_uint_gt(port, ADMIN_PORT_ABOVE);
    teardown();
    return port;
}

START_TEST(the_port_for_operators)
{
    struct config config = config_for("127.0.0.1");
    bool opened = false;

    config.admin = "127.0.0.1";
    for (int i = 0; i < 100 && !opened; i++) {
        teardown(); /* another process may have taken one of the two */
        config.port = free_port() - ADMIN_PORT_ABOVE;
        opened = listen_as(&config);
    }
    ck_assert(opened);
    ck_assert_int_eq(listen_port(sockets.of[ROLE_ADMIN].fd[0]), config.port + ADMIN_PORT_ABOVE);
}
END_TEST

/* --- Memory --- */

static const struct memory_file no_file = {NULL, {-1}};
static struct clock store_clock;

/* A client that knows the hash of one process knows nothing of another's. */
START_TEST(each_store_has_a_hash_of_its_own)
{
    struct config config = {.store = {.limit_bytes = 1 << 20}};
    struct store *mine = daemon_make_store(&config, &no_file, &store_clock);
    struct store *yours = daemon_make_store(&config, &no_file, &store_clock);

    ck_assert(store_hash(mine, SLICE("key")) != store_hash(yours, SLICE("key")));
    ck_assert_uint_eq(store_limit_bytes(mine), 1 << 20);
    store_destroy(mine);
    store_destroy(yours);
}
END_TEST

START_TEST(too_much_memory_is_refused)
{
    struct config config = {.store = {.limit_bytes = STORE_LIMIT_BYTES_MAX + 1}};

    ck_assert_ptr_null(daemon_make_store(&config, &no_file, &store_clock));
}
END_TEST

/* --- Files --- */

static const char *
content(const char *path)
{
    static char text[256];
    FILE *file = fopen(path, "re");
    size_t len;

    if (file == NULL)
        return NULL;
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    (void)fclose(file);
    return text;
}

START_TEST(the_pid_file)
{
    static char too_long[5000];
    char path[64];
    char want[32];
    struct own_file own;

    own_file_init(&own);
    (void)snprintf(path, sizeof(path), "/tmp/lombard-daemon-%d.pid", (int)getpid());
    (void)snprintf(want, sizeof(want), "%ld\n", (long)getpid());
    ck_assert(daemon_write_pid(path, &ourselves, &own));
    ck_assert_str_eq(content(path), want);
    daemon_remove(&own);
    ck_assert_ptr_null(content(path));
    ck_assert(!daemon_write_pid("/no/such/directory/pid", &ourselves, &own));
    memset(too_long, 'x', sizeof(too_long) - 1);
    ck_assert(!daemon_write_pid(too_long, &ourselves, &own));
}
END_TEST

START_TEST(the_ports_file)
{
    struct config config = config_for("127.0.0.1");
    char path[64];
    char want[64];

    ck_assert(daemon_write_ports(&sockets.of[ROLE_CLIENT], &ourselves));
    ck_assert(listen_as(&config));
    (void)snprintf(path, sizeof(path), "/tmp/lombard-daemon-%d.ports", (int)getpid());
    ck_assert_int_eq(setenv("MEMCACHED_PORT_FILENAME", path, 1), 0);
    ck_assert(daemon_write_ports(&sockets.of[ROLE_CLIENT], &ourselves));
    (void)snprintf(want, sizeof(want), "TCP INET: %u\n",
                   listen_port(sockets.of[ROLE_CLIENT].fd[0]));
    ck_assert_str_eq(content(path), want);
    (void)unlink(path);
    ck_assert_int_eq(setenv("MEMCACHED_PORT_FILENAME", "/no/such/directory/ports", 1), 0);
    ck_assert(!daemon_write_ports(&sockets.of[ROLE_CLIENT], &ourselves));
}
END_TEST

/* --- The process --- */

START_TEST(descriptors_for_all_connections)
{
    struct rlimit few = {100, 4096};
    struct rlimit now;
    struct config config = {.server = {.max_conns = 1000}};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ck_assert(daemon_raise_limits(&config));
    ck_assert_uint_eq(config.server.max_conns, 1000);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &now), 0);
    ck_assert_uint_ge(now.rlim_cur, 1064);
    ck_assert(daemon_raise_limits(&config)); /* already enough */
    ck_assert_uint_eq(config.server.max_conns, 1000);
}
END_TEST

static const struct {
    rlim_t descriptors;
    uint32_t at_least; /* connections; 0: it must not start */
} allowances[] = {
    {1000, 800}, {300, 160}, {100, 40}, {64, 20}, {40, 6}, {20, 0},
};

/* Where the limit cannot be raised there are fewer connections, and all of them can be had. */
START_TEST(fewer_connections_where_the_host_allows_fewer)
{
    const rlim_t most = allowances[_i].descriptors;
    struct rlimit limit = {most, most};
    struct config config = {.server = {.max_conns = 5000}};
    struct user user;
    int used = leak_count_fds() - 3; /* ".", ".." and the directory itself */
    bool starts;

    ck_assert(user_find(&user, "nobody"));
    ck_assert(user_become(&user));
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    starts = daemon_raise_limits(&config);
    ck_assert_int_eq(starts, allowances[_i].at_least > 0);
    if (!starts)
        return;
    ck_assert_uint_ge(config.server.max_conns, allowances[_i].at_least);
    ck_assert_uint_le(config.server.max_conns + (rlim_t)used, most);
}
END_TEST

/* Descriptors that were left open by the caller are not there for connections. */
START_TEST(inherited_descriptors_are_counted)
{
    struct config before = {.server = {.max_conns = 5000}},
                  after = {.server = {.max_conns = 5000}};
    struct rlimit limit = {200, 200};
    struct user user;
    int inherited[40];

    ck_assert(user_find(&user, "nobody"));
    ck_assert(user_become(&user));
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert(daemon_raise_limits(&before));
    for (size_t i = 0; i < ARRAY_LEN(inherited); i++)
        inherited[i] = dup(STDERR_FILENO);
    ck_assert(daemon_raise_limits(&after));
    for (size_t i = 0; i < ARRAY_LEN(inherited); i++)
        (void)close(inherited[i]);
    ck_assert_uint_le(after.server.max_conns, before.server.max_conns - 30);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("daemon");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, listening_at, 0, ARRAY_LEN(places));
    tcase_add_test(tc, a_host_of_any_length_is_refused);
    tcase_add_test(tc, a_port_in_use_is_refused);
    tcase_add_test(tc, every_address_without_a_host);
    tcase_add_test(tc, a_unix_socket_alone);
    tcase_add_test(tc, a_unix_socket_for_operators);
    tcase_add_test(tc, an_address_for_operators);
    tcase_add_test(tc, the_port_for_operators);
    tcase_add_test(tc, each_store_has_a_hash_of_its_own);
    tcase_add_test(tc, too_much_memory_is_refused);
    tcase_add_test(tc, the_pid_file);
    tcase_add_test(tc, the_ports_file);
    tcase_add_test(tc, descriptors_for_all_connections);
    tcase_add_loop_test(tc, fewer_connections_where_the_host_allows_fewer, 0,
                        ARRAY_LEN(allowances));
    tcase_add_test(tc, inherited_descriptors_are_counted);
    return leak_run(tc, "app/daemon");
}
