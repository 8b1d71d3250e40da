/* Lets child processes make a part of the load, and adds up what all have measured. */
#include "run/jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct job_result {
    enum driver_result result;
    struct tally tally;
    uint64_t cut_requests;
    uint64_t series_start_ns;
    uint64_t series_width_ns;
    uint32_t moments;
    struct moment list[SERIES_MAX];
};

uint64_t
jobs_part(uint64_t all, uint64_t i, uint64_t n)
{
    return all / n + (i < all % n ? 1 : 0);
}

void
jobs_divide(const struct options *options, uint64_t i, struct options *out)
{
    uint64_t n = options->jobs;

    *out = *options;
    if (n <= 1)
        return;
    out->connections = jobs_part(options->connections, i, n);
    /* Of a trace each has what belongs to its keys. */
    if (options->replay_plan == NULL)
        out->requests = jobs_part(options->requests, i, n);
    out->rate = jobs_part(options->rate, i, n);
    out->job = i;
    if (options->each != NULL)
        out->servers = NULL; /* each job has one */
    out->quiet |= i > 0;
    out->find_warmup &= i == 0; /* the others do as the first */
}

static void
hand_over(struct job_result *r, const struct driver *d, enum driver_result result)
{
    const struct series *s = &d->load.series;

    r->result = result;
    r->tally = d->load.tally;
    if (d->options->each != NULL)
        r->tally.placed[d->options->job] = r->tally.requests;
    r->cut_requests = d->cut_requests;
    r->series_start_ns = s->start_ns;
    r->series_width_ns = s->width_ns;
    r->moments = s->list != NULL ? s->count : 0;
    for (uint32_t i = 0; i < r->moments; i++)
        r->list[i] = s->list[i];
}

/* What the children are to do. */
struct job_plan {
    const struct options *options;
    const struct net_addr *addr;
    const struct driver *first;
};

/* Connect job number I, to a server that has all keys. */
static enum driver_result
open_job(const struct job_plan *plan, uint64_t i, struct driver *d, const struct options *own)
{
    const struct placement *each = plan->options->each;
    enum driver_result result =
        driver_open(d, own, each != NULL ? &each->addrs[i] : plan->addr);

    if (result != DRIVER_OK)
        return result;
    if (each == NULL) {
        load_join(&d->load, &plan->first->load);
        return DRIVER_OK;
    }
    if (own->fill)
        result = driver_fill(d);
    if (result == DRIVER_OK && own->fill && fill_missing(&d->load.fill) > 0)
        result = DRIVER_NOT_FILLED;
    if (result == DRIVER_OK && own->warmup_ns > 0)
        result = driver_warm_up(d, own->warmup_ns);
    return result;
}

static enum driver_result
execute(struct driver *d, const struct job_order *order, uint64_t i, uint64_t n)
{
    d->round = order->round;
    d->load.rate = jobs_part(order->rate, i, n);
    return order->trial_ns > 0 ? driver_run(d, order->trial_ns, 0) : driver_measure(d);
}

/* A child: measures whenever it is told to. */
static NORETURN void
work(const struct job_plan *plan, uint64_t i, int fd, struct job_result *result)
{
    static struct driver driver;
    static struct options own;
    enum driver_result opened;
    struct job_order order;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    jobs_divide(plan->options, i, &own);
    opened = open_job(plan, i, &driver, &own);
    driver.signals = plan->first->signals;
    result->result = opened;
    while (write(fd, "r", 1) == 1 && opened == DRIVER_OK &&
           recv(fd, &order, sizeof(order), MSG_WAITALL) == (ssize_t)sizeof(order))
        hand_over(result, &driver, execute(&driver, &order, i, plan->options->jobs));
    _exit(0);
}

static bool
start_job(struct job *job, const struct job_plan *plan, uint64_t i)
{
    int fds[2];
    char ready;

    job->result = mmap(NULL, sizeof(*job->result), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (job->result == MAP_FAILED)
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return false;
    job->pid = fork();
    if (job->pid == 0) {
        exchange_forget();
        net_keep_only(fds[1], -1);
        work(plan, i, fds[1], job->result);
    }
    (void)close(fds[1]);
    job->fd = fds[0];
    return job->pid > 0 && recv(job->fd, &ready, 1, MSG_WAITALL) == 1 &&
           job->result->result == DRIVER_OK;
}

bool
jobs_start(struct jobs *j, const struct options *options, const struct net_addr *addr,
           struct driver *first)
{
    struct job_plan plan = {options, addr, first};

    memset(j, 0, sizeof(*j));
    j->signals = together_map(sizeof(*j->signals));
    if (j->signals == NULL)
        return false;
    first->signals = j->signals;
    for (uint64_t i = 1; i < options->jobs; i++) {
        bool started = start_job(&j->list[j->count], &plan, i);

        j->count++;
        if (!started)
            return false;
    }
    return true;
}

void
jobs_go(const struct jobs *j, const struct job_order *order)
{
    if (j->signals != NULL)
        *j->signals = (struct driver_signals){0};
    for (uint32_t i = 0; i < j->count; i++)
        (void)send(j->list[i].fd, order, sizeof(*order), MSG_NOSIGNAL);
}

/* Add the moments of a job, each to the one of the same time. */
static void
add_moments(struct series *s, const struct job_result *r)
{
    for (uint32_t i = 0; i < r->moments && s->list != NULL; i++) {
        uint64_t at = r->series_start_ns + i * r->series_width_ns + r->series_width_ns / 2;
        uint64_t k = at > s->start_ns ? (at - s->start_ns) / s->width_ns : 0;

        moment_merge(&s->list[k < s->count ? k : s->count - 1], &r->list[i]);
    }
}

enum driver_result
jobs_collect(struct jobs *j, struct driver *d)
{
    enum driver_result result = DRIVER_OK;
    struct tally *t = &d->load.tally;

    if (d->options->each != NULL)
        t->placed[0] = t->requests;
    for (uint32_t i = 0; i < j->count; i++) {
        const struct job *job = &j->list[i];
        double seconds = t->seconds_before;
        char ready;

        if (recv(job->fd, &ready, 1, MSG_WAITALL) != 1)
            return DRIVER_SERVER_GONE; /* it has died: nothing of it is known */
        if (job->result->result != DRIVER_OK && result == DRIVER_OK)
            result = job->result->result;
        tally_merge(t, &job->result->tally);
        t->seconds_before = seconds;
        d->cut_requests += job->result->cut_requests;
        add_moments(&d->load.series, job->result);
    }
    t->processes = j->count + 1;
    return result;
}

void
jobs_stop(struct jobs *j)
{
    for (uint32_t i = 0; i < j->count; i++) {
        struct job *job = &j->list[i];

        if (job->fd > 0)
            (void)close(job->fd);
        if (job->pid > 0) {
            (void)kill(job->pid, SIGKILL);
            (void)waitpid(job->pid, NULL, 0);
        }
        if (job->result != NULL && job->result != MAP_FAILED)
            (void)munmap(job->result, sizeof(*job->result));
    }
    j->count = 0;
    together_unmap(j->signals, sizeof(*j->signals));
    j->signals = NULL;
}
