/* Compares what a server that is to be taken over was started with with the options of this process. */
#include "takeover_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lombard/base/sys.h"
#include "process.h"

/* With -e, the cache is in that file; else in none that has a name. */
static const char *
check_file(const struct process *p)
{
    const struct takeover *t = &p->takeover;
    const char *path = p->config.memory_file;
    struct stat here, there;

    if (t->kept_file == 0 && path == NULL)
        return NULL;
    if (path == NULL)
        return "its cache is in the file of -e (--memory-file), which is not given here";
    if (t->kept_file == 0 || stat(path, &here) != 0 ||
        fstat(t->offer.fd[PASS_FD_STORE], &there) != 0 || here.st_dev != there.st_dev ||
        here.st_ino != there.st_ino)
        return "-e (--memory-file): its cache is not in that file";
    return NULL;
}

const char *
takeover_check_options(const struct process *p, char *text, size_t bytes)
{
    const struct takeover *t = &p->takeover;
    uint64_t now_ns = sys_monotonic_ns();

    if (p->config.store.item_bytes_max < t->item_max) {
        (void)snprintf(text, bytes, "-I is smaller than there, where it is %" PRIu64,
                       t->item_max);
        return text;
    }
    if ((p->config.auth_file != NULL) != (t->wants_auth != 0))
        return p->config.auth_file != NULL ? "-Y is given here, and not there"
                                           : "-Y is given there, and not here";
    if (t->clock_start_ns > now_ns || t->clock_first_s > UINT32_MAX)
        return "its clock is another host's";
    return check_file(p);
}

const char *
takeover_why_no_store(const struct process *p, enum attach_result result, char *text,
                      size_t bytes)
{
    switch (result) {
    case ATTACH_OK: break;
    case ATTACH_EMPTY:
    case ATTACH_FOREIGN:
    case ATTACH_UNCLEAN:
    case ATTACH_TORN: return "its cache cannot be read";
    case ATTACH_VERSION:
        return "its version lays the cache out in another way: it must be stopped instead";
    case ATTACH_CAS:
        return p->config.store.with_cas ? "-C is given there, and not here"
                                        : "-C is given here, and not there";
    case ATTACH_LIMIT:
        (void)snprintf(text, bytes,
                       "-m is more than its cache can grow to, or less than it can shrink to: "
                       "%" PRIu64 " to %" PRIu64 " (megabytes)",
                       (store_limit_bytes_min(p->store) + (1 << 20) - 1) >> 20,
                       store_limit_bytes_max(p->store) >> 20);
        return text;
    case ATTACH_NO_MEMORY: return "its cache cannot be mapped";
    }
    return NULL;
}
