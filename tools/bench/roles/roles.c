/* Starts the processes that play clients beside the load, and collects their reports. */
#include "roles/roles.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SPARE_FILES = 64, OPEN_LIMIT_MS = 600000, END_LIMIT_MS = 120000 };

const char *
role_name(enum role_kind kind)
{
    switch (kind) {
    case ROLE_IDLE: return "idle";
    case ROLE_SLOW_READER: return "slow readers";
    case ROLE_HALF_COMMAND: return "half commands";
    case ROLE_CHURN: return "churn";
    }
    BUG("role_kind out of range");
}

uint64_t
role_wanted(const struct options *o, enum role_kind kind)
{
    switch (kind) {
    case ROLE_IDLE: return o->idle;
    case ROLE_SLOW_READER: return o->slow_readers;
    case ROLE_HALF_COMMAND: return o->half_commands;
    case ROLE_CHURN: return o->churn;
    }
    BUG("role_kind out of range");
}

static void
add_report(struct role_report *into, const struct role_report *from)
{
    into->opened += from->opened;
    into->failed += from->failed;
    into->lost += from->lost;
    into->answered += from->answered;
    into->mismatches += from->mismatches;
    into->bytes += from->bytes;
    if (from->open_ns > into->open_ns)
        into->open_ns = from->open_ns;
}

/* The next report of a process. False when none comes. */
static bool
read_report(const struct role_process *p, int limit_ms, struct role_report *out)
{
    struct pollfd pfd = {.fd = p->report_fd, .events = POLLIN};

    return poll(&pfd, 1, limit_ms) == 1 &&
           read(p->report_fd, out, sizeof(*out)) == (ssize_t)sizeof(*out);
}

/* Fork one process; the child never returns. */
static bool
start_one(struct roles *r, enum role_kind kind, const struct options *o,
          const struct net_addr *addr, uint32_t n)
{
    struct role_process *p = &r->list[r->count];
    int control[2];
    int report[2];

    if (pipe2(control, O_CLOEXEC) != 0)
        return false;
    if (pipe2(report, O_CLOEXEC) != 0) {
        (void)close(control[0]);
        (void)close(control[1]);
        return false;
    }
    *p = (struct role_process){.kind = kind,
                               .first_source = 1 + ROLE_SOURCES * r->count,
                               .control_fd = control[0],
                               .report_fd = report[1]};
    p->pid = fork();
    if (p->pid == 0) {
        net_keep_only(control[0], report[1]);
        role_run(p, o, addr, n);
    }
    (void)close(control[0]);
    (void)close(report[1]);
    p->control_fd = control[1];
    p->report_fd = report[0];
    r->count++;
    return p->pid > 0;
}

static bool
start_kind(struct roles *r, enum role_kind kind, const struct options *o,
           const struct net_addr *addr)
{
    uint64_t left = role_wanted(o, kind);
    uint64_t each = net_raise_file_limit() - SPARE_FILES;
    uint32_t first = r->count;

    while (left > 0) {
        uint32_t n = (uint32_t)(left < each ? left : each);

        if (r->count == ROLE_PROCESSES_MAX || !start_one(r, kind, o, addr, n))
            return false;
        left -= n;
    }
    for (uint32_t i = first; i < r->count; i++) {
        struct role_report report;

        if (!read_report(&r->list[i], OPEN_LIMIT_MS, &report))
            return false;
        add_report(&r->opened[kind], &report);
    }
    return true;
}

bool
roles_start(struct roles *r, const struct options *o, const struct net_addr *addr)
{
    memset(r, 0, sizeof(*r));
    for (int kind = 0; kind < ROLE_KIND_COUNT; kind++) {
        if (!start_kind(r, (enum role_kind)kind, o, addr))
            return false;
    }
    return true;
}

void
roles_stop(struct roles *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        (void)close(r->list[i].control_fd);
    for (uint32_t i = 0; i < r->count; i++) {
        struct role_process *p = &r->list[i];
        struct role_report report = {.failed = 1};

        /* One that says nothing has died, or hangs: that is no clean run either. */
        if (!read_report(p, END_LIMIT_MS, &report) && p->pid > 0)
            (void)kill(p->pid, SIGKILL);
        add_report(&r->final[p->kind], &report);
        (void)close(p->report_fd);
        if (p->pid > 0)
            (void)waitpid(p->pid, NULL, 0);
    }
    r->count = 0;
}
