#include "program.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lombard/event/listen.h"
#include "lombard/store/store.h"
#include "rates.h"
#include "control.h"
#include "sandbox.h"

struct stat_registry registry;
int clients[PROGRAM_CLIENTS];

static struct config config;
static struct sandbox sandbox;
static struct control control;
static struct clock now;
static struct store *store;
static struct cmd *cmd;
static struct rates rates;
static struct server *server;

void
program_iterate(int count)
{
    for (int i = 0; i < count; i++)
        ck_assert(loop_iterate(server_loop(server), 0));
}

static void
dial(const struct sockaddr_un *address, int *fd)
{
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(connect(*fd, (const struct sockaddr *)address, sizeof(*address)), 0);
}

void
program_say(int fd, const char *text)
{
    char answer[4096];

    ck_assert_int_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
    program_iterate(3);
    while (recv(fd, answer, sizeof(answer), 0) > 0)
        continue;
}

void
program_start(void)
{
    char *argv[] = {(char[]){"lombard"}, NULL};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct listen_sockets sockets = {.count = 0};
    const struct store_config store_config = {
        .limit_bytes = 64 << 20, .item_bytes_max = 1 << 20, .evict = true, .with_cas = true};
    const struct cmd_config cmd_config = {
        .clock = &now, .stats = &registry, .dump_enabled = true};
    struct server_config server_config = {
        .max_conns = 10, .buffer_bytes = 64 << 20, .clock = &now};

    ck_assert_int_eq(config_parse(&config, 1, argv), CONFIG_RUN);
    clock_init(&now);
    store = store_create(&store_config);
    ck_assert_ptr_nonnull(store);
    cmd = cmd_create(&cmd_config, store);
    ck_assert_ptr_nonnull(cmd);
    server_config.cmd = cmd;
    server = server_create(&server_config);
    ck_assert_ptr_nonnull(server);
    registry = (struct stat_registry){.count = 0};
    statistics_register(&registry, &config, server, cmd);
    rates_init(&rates, &now, &registry);
    rates_start(&rates, loop_timers(server_loop(server)));
    sandbox_add_stats(&sandbox, &registry);
    control_add_stats(&control, &registry);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/lombard-stats-%d.sock",
                   (int)getpid());
    ck_assert_int_eq(listen_open_unix(address.sun_path, 0700, PROGRAM_CLIENTS, &sockets),
                     LISTEN_OK);
    ck_assert(server_listen(server, sockets.fd[0], ROLE_CLIENT));
    for (int i = 0; i < PROGRAM_CLIENTS; i++)
        dial(&address, &clients[i]);
    program_iterate(2);
    (void)unlink(address.sun_path);
    program_say(clients[0], "set a 0 0 1\r\nx\r\n");
}

void
program_stop(void)
{
    for (int i = 0; i < PROGRAM_CLIENTS; i++)
        (void)close(clients[i]);
    program_iterate(3);
    server_destroy(server);
    cmd_destroy(cmd);
    store_destroy(store);
}
