/* Reads how much of the machine's processors other processes took. */
#include "host/others.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lombard/base/sys.h"

static uint64_t
used_ns(int who)
{
    struct rusage usage;
    uint64_t us;

    (void)getrusage(who, &usage);
    us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    return us * 1000;
}

void
others_look(struct others_look *out)
{
    FILE *f = fopen("/proc/stat", "re");
    unsigned long long user = 0;
    unsigned long long nice = 0;
    unsigned long long system = 0;
    unsigned long long stolen = 0;

    out->at_ns = sys_monotonic_ns();
    out->own_ns = used_ns(RUSAGE_SELF) + used_ns(RUSAGE_CHILDREN);
    out->known = f != NULL && fscanf(f, "cpu %llu %llu %llu %*u %*u %*u %*u %llu", &user, &nice,
                                     &system, &stolen) == 4;
    out->busy_ns = (user + nice + system + stolen) *
                   (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK));
    if (f != NULL)
        (void)fclose(f);
}

double
others_since(const struct others_look *from)
{
    struct others_look now;
    double took;

    others_look(&now);
    if (!from->known || !now.known || now.at_ns <= from->at_ns)
        return NAN;
    took = (double)(now.busy_ns - from->busy_ns) - (double)(now.own_ns - from->own_ns);
    return fmax(0, took / (double)(now.at_ns - from->at_ns));
}
