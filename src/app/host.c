/* Asks the host for what -k, -r and -L say, and says what it does not grant. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lombard/base/log.h"

/* --- -r --- */

/* The limit on the size of core files as high as it may be. */
static void
raise_core(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

    if (setrlimit(RLIMIT_CORE, &limit) == 0)
        return;
    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
    if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0)
        log_line(LOG_WARN,
                 "-r: this process may write no core file: raise the limit (ulimit -c, "
                 "LimitCORE=)");
}

void
host_keep_core_dumps(const struct config *config)
{
    if (config->core_dumps && prctl(PR_SET_DUMPABLE, 1) != 0)
        log_line(LOG_WARN, "-r: there will be no core file: %s", strerror(errno));
}

/* --- -k --- */

/* What may be mapped in all: a limit below that would refuse memory later. */
static uint64_t
bytes_to_lock(const struct config *config)
{
    enum { OWN_BYTES = 64 << 20 }; /* the program, its libraries, stacks and tables */

    return config->store.limit_bytes + config->store.limit_bytes / 2 +
           config->server.buffer_bytes + OWN_BYTES;
}

/* Pages are locked when they are first touched: memory that is not needed is not taken. */
static bool
lock_memory(const struct config *config)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    uint64_t wanted = bytes_to_lock(config);

    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
        limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_MEMLOCK, &limit);
    }
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < wanted)
        log_line(LOG_WARN,
                 "-k: memory is not locked: this process may lock %" PRIu64 " KB, and %" PRIu64
                 " may be needed: raise the limit (ulimit -l, LimitMEMLOCK=)",
                 (uint64_t)limit.rlim_cur >> 10, wanted >> 10);
    else if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
        log_line(LOG_WARN, "-k: memory is not locked: %s", strerror(errno));
    else {
        log_line(LOG_INFO, "-k: memory is locked");
        return true;
    }
    return false;
}

/* --- Huge pages --- */

static const char huge_path[] = "/sys/kernel/mm/transparent_hugepage/enabled";

/* Whether this host lets memory be on them that does not ask for explicit ones. */
static bool
has_transparent_huge_pages(void)
{
    char text[64] = "";
    int fd = open(huge_path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        (void)close(fd);
    return n > 0 && strstr(text, "[never]") == NULL;
}

/* What -L got: the store has asked. */
void
host_report_huge_pages(const struct config *config, uint64_t explicit_bytes)
{
    uint64_t of_mb = config->store.limit_bytes >> 20;

    if (!config->store.huge_explicit)
        return;
    if (has_transparent_huge_pages())
        log_line(LOG_INFO,
                 "-L: huge pages: %" PRIu64 " of %" PRIu64
                 " MB explicit ones (vm.nr_hugepages), the rest transparent ones",
                 explicit_bytes >> 20, of_mb);
    else if (explicit_bytes >> 20 < of_mb)
        log_line(LOG_WARN,
                 "-L: huge pages: the host has explicit ones (vm.nr_hugepages) for %" PRIu64
                 " of %" PRIu64 " MB, and no others (%s): the rest is on small ones",
                 explicit_bytes >> 20, of_mb, huge_path);
    else
        log_line(LOG_INFO, "-L: huge pages: all items on explicit ones");
}

void
host_prepare(struct config *config)
{
    if (config->core_dumps)
        raise_core();
    config->store.huge_pages &= has_transparent_huge_pages();
    if (config->lock_memory)
        config->lock_memory = lock_memory(config); /* what is not locked may grow */
}
