#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lombard/base/invariant.h"
#include "lombard/event/listen.h"
#include "lombard/store/store.h"

struct rig_options rig_options;
struct server *server;
bool rig_breaks_invariants;
int clients[CLIENTS];
char out[OUT_BYTES];

static struct clock now;
static struct store *store;
static struct stat_registry stats;
static struct cmd *cmd;
static char path[64];
static char role_paths[SESSION_ROLES][64]; /* "": there is none */

static void
start_cmd(void)
{
    const struct store_config store_config = {
        .limit_bytes = rig_options.limit_bytes != 0 ? rig_options.limit_bytes : 64U << 20,
        .item_bytes_max = 2U << 20,
        .evict = !rig_options.refuse_when_full,
        .with_cas = true,
    };
    const struct cmd_config config = {
        .shutdown_enabled = rig_options.shutdown_enabled,
        .passwords = rig_options.passwords,
        .flush_enabled = true,
        .admin_flush = rig_options.admin_flush,
        .dump_enabled = true,
        .clock = &now,
        .stats = &stats,
    };

    store = store_create(&store_config);
    ck_assert_ptr_nonnull(store);
    cmd = cmd_create(&config, store);
    ck_assert_ptr_nonnull(cmd);
}

void
rig_start(void)
{
    struct server_config *config = &rig_options.server;
    struct listen_sockets sockets = {.count = 0};

    for (int i = 0; i < CLIENTS; i++)
        clients[i] = -1;
    clock_init(&now);
    start_cmd();
    if (config->max_conns == 0)
        config->max_conns = CLIENTS;
    if (config->admin_conns == 0)
        config->admin_conns = 2;
    if (config->http_conns == 0)
        config->http_conns = CLIENTS;
    config->buffer_bytes = SERVER_BUFFER_BYTES_MIN;
    config->drain_ms = 60 * 1000; /* no test waits for its end */
    config->watch_enabled = !rig_options.watch_disabled;
    config->clock = &now;
    config->cmd = cmd;
    server = server_create(config);
    ck_assert_ptr_nonnull(server);
    stats = (struct stat_registry){.count = 0};
    server_add_stats(server, &stats);
    cmd_add_stats(cmd, &stats);
    memset(&rig_options, 0, sizeof(rig_options));
    (void)snprintf(path, sizeof(path), "/tmp/lombard-server-%d.sock", (int)getpid());
    ck_assert_int_eq(listen_open_unix(path, 0700, CLIENTS, &sockets), LISTEN_OK);
    ck_assert(server_listen(server, sockets.fd[0], ROLE_CLIENT));
}

static void
hang_up_all(void)
{
    for (int i = 0; i < CLIENTS; i++)
        hang_up(i);
}

void
rig_kill(void)
{
    server_destroy(server);
    server = NULL;
    hang_up_all();
    cmd_destroy(cmd);
    store_destroy(store);
    (void)unlink(path);
    for (int role = 0; role < SESSION_ROLES; role++) {
        if (role_paths[role][0] != '\0')
            (void)unlink(role_paths[role]);
        role_paths[role][0] = '\0';
    }
}

void
rig_stop(void)
{
    struct pool_ledger ledger;

    if (server == NULL)
        return;
    hang_up_all();
    iterate(10);
    for (int i = 0; i < 1000 && server->table.conns > 0; i++)
        iterate(1); /* each with only some of them */
    pool_ledger(server->pool, &ledger);
    ck_assert_uint_eq(ledger.lent, 0);
    ck_assert_uint_eq(server->table.conns, 0);
    ck_assert_uint_eq(server->stats.stash_bytes, 0);
    rig_kill();
}

void
iterate(int count)
{
    char why[128];

    for (int i = 0; i < count; i++) {
        ck_assert(loop_iterate(server_loop(server), 0));
        ck_assert_msg(server_check(server, why, sizeof(why)), "%s", why);
        ck_assert_msg(rig_breaks_invariants || invariants()->broken == 0, "%s",
                      invariants()->what);
    }
}

void
iterate_until_closed(enum close_reason reason, uint64_t count)
{
    for (int waited = 0; server->closes[reason] < count && waited < 3000; waited++)
        ck_assert(loop_iterate(server_loop(server), 10));
    ck_assert_uint_eq(server->closes[reason], count);
}

static void
dial_at(int i, const char *where)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", where);
    clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(connect(clients[i], (const struct sockaddr *)&address, sizeof(address)),
                     0);
}

void
dial(int i)
{
    dial_at(i, path);
}

void
dial_role(int i, enum session_role role)
{
    struct listen_sockets sockets = {.count = 0};
    char *where = role_paths[role];

    if (where[0] == '\0') {
        (void)snprintf(where, sizeof(role_paths[role]), "/tmp/lombard-%d-%d.sock", (int)role,
                       (int)getpid());
        ck_assert_int_eq(listen_open_unix(where, 0700, CLIENTS, &sockets), LISTEN_OK);
        ck_assert(server_listen(server, sockets.fd[0], role));
    }
    dial_at(i, where);
}

void
hang_up(int i)
{
    if (clients[i] >= 0)
        (void)close(clients[i]);
    clients[i] = -1;
}

void
say_bytes(int i, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(clients[i], bytes, len, MSG_NOSIGNAL);

        if (n < 0)
            ck_assert_int_eq(errno, EAGAIN);
        else {
            bytes += n;
            len -= (size_t)n;
        }
        iterate(1);
    }
}

void
say(int i, const char *text)
{
    say_bytes(i, text, strlen(text));
}

void
whisper(int i, const char *text)
{
    ck_assert_int_eq((int)send(clients[i], text, strlen(text), MSG_NOSIGNAL),
                     (int)strlen(text));
}

/* A slice of what has little right to the processor may be interrupted as often. */
enum { HEAR_ITERATIONS = 40 };

size_t
hear(int i)
{
    size_t len = 0;
    int quiet = 0;

    while (quiet < HEAR_ITERATIONS && len < OUT_BYTES - 1) {
        ssize_t n = recv(clients[i], out + len, OUT_BYTES - 1 - len, 0);

        iterate(1);
        quiet = n > 0 ? 0 : quiet + 1;
        len += n > 0 ? (size_t)n : 0;
    }
    out[len] = '\0';
    return len;
}

void
expect(int i, const char *want)
{
    (void)hear(i);
    ck_assert_str_eq(out, want);
}

bool
is_closed(int i)
{
    char c;

    iterate(3);
    return recv(clients[i], &c, 1, 0) == 0;
}

void
fill(char *bytes, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('a' + (i * 7 + i / 251 + seed) % 26);
}

void
store_value(int i, const char *key, size_t len)
{
    static char value[2 << 20];
    char head[64];

    fill(value, len, 0);
    (void)snprintf(head, sizeof(head), "set %s 0 0 %zu\r\n", key, len);
    say(i, head);
    say_bytes(i, value, len);
    say(i, "\r\n");
    expect(i, "STORED\r\n");
}

void
stall_on(int i, const char *key)
{
    char get[64];

    (void)snprintf(get, sizeof(get), "get %s\r\n", key);
    for (int k = 0; k < 30; k++)
        whisper(i, get);
    iterate(6);
}

uint64_t
lent(void)
{
    struct pool_ledger ledger;

    pool_ledger(server->pool, &ledger);
    return ledger.lent;
}

struct conn *
conn_at(int n)
{
    uint64_t cursor = 0;
    struct conn *c = NULL;

    for (int i = 0; i <= n; i++)
        c = table_next(&server->table, &cursor);
    ck_assert_ptr_nonnull(c);
    return c;
}

void
age_all(uint32_t ms)
{
    uint64_t cursor = 0;
    struct conn *c;

    while ((c = table_next(&server->table, &cursor)) != NULL) {
        c->stalled_ms -= ms;
        c->active_s -= ms / 1000;
        c->accepted_s -= ms / 1000;
    }
}

int
heard_times(const char *text)
{
    int found = 0;

    for (const char *at = out; (at = strstr(at, text)) != NULL; at++)
        found++;
    return found;
}

void
renew_all(void)
{
    uint64_t cursor = 0;
    struct conn *c;

    while ((c = table_next(&server->table, &cursor)) != NULL)
        c->stalled_ms = server_now_ms(server);
}
