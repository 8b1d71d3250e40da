/* Clients under full control, and what the server shows of itself. */
#include "policy.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lombard/base/log.h"

#include "client_priv.h"

enum { PATIENCE = 3000, LOG_BYTES = 1 << 20 };

struct sim_link *
policy_connect(struct rig *rig)
{
    return sim_connect(rig->listen_fd, 1 << 20, 1 << 16);
}

void
policy_send(struct rig *rig, struct sim_link *link, const char *src, size_t bytes)
{
    for (int i = 0; bytes > 0; i++) {
        size_t n = sim_send(link, src, bytes);

        src += n;
        bytes -= n;
        rig_iterate(rig);
        if (sim_link_state(link) != SIM_LINK_OPEN)
            return;
        if (i == PATIENCE)
            sim_die("the server does not take what is sent");
    }
    for (int i = 0; i < 3; i++)
        rig_iterate(rig);
}

void
policy_say(struct rig *rig, struct sim_link *link, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    policy_send(rig, link, text, strlen(text));
}

void
policy_set(struct rig *rig, struct sim_link *link, const char *key, size_t bytes, size_t sent)
{
    char *value = make_value(bytes, bytes);

    policy_say(rig, link, "set %s 0 0 %zu\r\n", key, bytes);
    policy_send(rig, link, value, sent < bytes ? sent : bytes);
    if (sent >= bytes)
        policy_send(rig, link, "\r\n", 2);
    free(value);
}

int
policy_line(struct rig *rig, struct sim_link *link, char *dst, size_t bytes)
{
    size_t len = 0;

    for (int iteration = 0; iteration < PATIENCE; iteration++) {
        while (len + 1 < bytes && sim_recv(link, dst + len, 1) == 1)
            if (dst[len++] == '\n') {
                dst[len - 1 - (len > 1 && dst[len - 2] == '\r')] = '\0';
                return iteration;
            }
        if (sim_link_state(link) != SIM_LINK_OPEN) {
            (void)snprintf(dst, bytes, "(closed)");
            return iteration;
        }
        sim_advance_ms(1);
        rig_iterate(rig);
    }
    sim_die("no line is answered");
}

bool
policy_is_closed(struct sim_link *link)
{
    char bytes[4096];

    while (sim_recv(link, bytes, sizeof(bytes)) > 0)
        ;
    return sim_link_state(link) != SIM_LINK_OPEN;
}

void
policy_pass(struct rig *rig, uint32_t ms)
{
    for (uint32_t past = 0; past < ms; past += 20) {
        sim_advance_ms(20);
        rig_iterate(rig);
    }
}

void
policy_read_stats(struct rig *rig, const char *group, struct policy_stats *stats)
{
    struct sim_link *link = sim_connect(rig->listen_fd, 1 << 16, 1 << 16);
    char line[512];
    size_t len = 0;

    sim_set_local(link);
    stats->text[0] = '\0';
    policy_say(rig, link, "stats%s%s\r\n", group[0] != '\0' ? " " : "", group);
    do {
        (void)policy_line(rig, link, line, sizeof(line));
        len += (size_t)snprintf(stats->text + len, sizeof(stats->text) - len, "%s\n", line);
    } while (strncmp(line, "STAT", 4) == 0);
    sim_link_free(link);
    rig_iterations(rig, 3);
}

uint64_t
policy_get(const struct policy_stats *stats, const char *name)
{
    char want[128];
    const char *at;

    (void)snprintf(want, sizeof(want), "STAT %s ", name);
    at = strstr(stats->text, want);
    if (at == NULL)
        sim_die("stats do not have %s", name);
    return strtoull(at + strlen(want), NULL, 10);
}

uint64_t
policy_stat(struct rig *rig, const char *group, const char *name)
{
    static struct policy_stats stats;

    policy_read_stats(rig, group, &stats);
    return policy_get(&stats, name);
}

void
policy_fill(struct rig *rig, const char *prefix, uint32_t count, size_t bytes)
{
    struct sim_link *link = policy_connect(rig);
    char key[64], line[128];

    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(key, sizeof(key), "%s%u", prefix, i);
        policy_set(rig, link, key, bytes, bytes);
        (void)policy_line(rig, link, line, sizeof(line));
    }
    sim_link_free(link);
    rig_iterations(rig, 3);
}

/* --- The log --- */

static int log_fd = -1, stderr_fd = -1;
static uint64_t suppressed_before;

void
policy_log_begin(void)
{
    (void)fflush(stderr);
    suppressed_before = log_counts()->suppressed;
    stderr_fd = dup(STDERR_FILENO);
    log_fd = memfd_create("log", 0);
    if (stderr_fd < 0 || log_fd < 0 || dup2(log_fd, STDERR_FILENO) < 0)
        abort();
}

bool
policy_log_has(const char *text)
{
    static char log[LOG_BYTES];
    ssize_t got = pread(log_fd, log, sizeof(log) - 1, 0);

    log[got > 0 ? got : 0] = '\0';
    /* What was said often is not said again: then it was counted. */
    return strstr(log, text) != NULL || log_counts()->suppressed > suppressed_before;
}

void
policy_log_end(void)
{
    (void)dup2(stderr_fd, STDERR_FILENO);
    (void)close(stderr_fd);
    (void)close(log_fd);
}
