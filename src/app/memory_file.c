/* Keeps the cache in a file while no server runs. */
#include "memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lombard/base/invariant.h"
#include "lombard/base/log.h"
#include "lombard/base/sys.h"

enum { FILE_MODE = 0600, BLOCK_BYTES = 512 };

void
memory_file_init(struct memory_file *file)
{
    *file = (struct memory_file){NULL, {-1}};
}

/* --- Opening --- */

/* For user_make(). */
static bool
open_file(void *ctx)
{
    struct memory_file *f = ctx;

    f->file.fd =
        open(f->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
    return f->file.fd >= 0;
}

static bool
refuse(struct memory_file *file, const char *why)
{
    log_line(LOG_ERROR, "-e (--memory-file): %s: %s", file->path, why);
    memory_file_close(file);
    return false;
}

bool
memory_file_takes_all(const struct memory_file *file)
{
    uint64_t page_bytes;

    return sys_is_huge_file(file->file.fd, &page_bytes);
}

/* What the file of a store of LIMIT_BYTES may come to need: of a hugetlbfs, the whole of its index, too. */
static uint64_t
bytes_needed(const struct memory_file *file, uint64_t limit_bytes)
{
    enum { OWN_BYTES = 8 << 20 };

    return memory_file_takes_all(file) ? limit_bytes + limit_bytes / 2 + OWN_BYTES
                                       : limit_bytes;
}

/* Memory that the file system turns out not to have, when it is touched, would end the process. */
static bool
has_space(const struct memory_file *file, uint64_t limit_bytes)
{
    uint64_t needed = bytes_needed(file, limit_bytes);
    struct statvfs fs;
    struct stat st;
    uint64_t most;

    if (fstat(file->file.fd, &st) != 0 || fstatvfs(file->file.fd, &fs) != 0)
        return false;
    most = (uint64_t)fs.f_bavail * fs.f_frsize + (uint64_t)st.st_blocks * BLOCK_BYTES;
    if (fs.f_blocks == 0 || most >= needed) /* a tmpfs may have no limit */
        return true;
    log_line(LOG_ERROR,
             "-e (--memory-file): %s: its file system has %" PRIu64 " MB left, and -m %" PRIu64
             " needs %" PRIu64 ": lower -m, or name a file elsewhere",
             file->path, most >> 20, limit_bytes >> 20, needed >> 20);
    return false;
}

bool
memory_file_open(struct memory_file *file, const struct config *config, const struct user *user)
{
    uint64_t page_bytes;
    struct stat st;

    if (config->memory_file == NULL)
        return true;
    file->path = config->memory_file;
    if (!user_make(user, open_file, file))
        return refuse(file, strerror(errno));
    if (fstat(file->file.fd, &st) != 0 || !S_ISREG(st.st_mode))
        return refuse(file, "it is no regular file");
    if (sys_is_huge_file(file->file.fd, &page_bytes) && page_bytes > SYS_HUGE_BYTES)
        return refuse(file, "its huge pages are too large: mount it with pagesize=2M");
    if (flock(file->file.fd, LOCK_EX | LOCK_NB) != 0)
        return refuse(file,
                      errno == EWOULDBLOCK ? "another server is using it" : strerror(errno));
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        log_line(LOG_WARN,
                 "-e (--memory-file): %s: others than its owner may use it (chmod 600)",
                 file->path);
    if (has_space(file, config->store.limit_bytes))
        return true;
    memory_file_close(file);
    return false;
}

bool
memory_file_open_unnamed(struct memory_file *file)
{
    file->file.fd = memfd_create("lombard", MFD_CLOEXEC);
    if (file->file.fd < 0)
        log_line(LOG_ERROR, "--control: no memory that can be handed over: %s",
                 strerror(errno));
    return file->file.fd >= 0;
}

void
memory_file_close(struct memory_file *file)
{
    if (file->file.fd >= 0)
        (void)close(file->file.fd);
    memory_file_init(file);
}

/* --- Going on, or beginning anew --- */

/* As memcached says it, where it means the same. */
static const char *
why_anew(enum attach_result result)
{
    switch (result) {
    case ATTACH_OK:
    case ATTACH_FOREIGN: break;
    case ATTACH_EMPTY: return "the file is new";
    case ATTACH_UNCLEAN: return "the last server did not end gracefully";
    case ATTACH_VERSION: return "another version of lombard has written it";
    case ATTACH_TORN: return "a part of it is missing or has changed";
    case ATTACH_CAS: return "restart incompatible due to setting for [use_cas] (-C)";
    case ATTACH_LIMIT: return "restart incompatible due to setting for [maxbytes] (-m)";
    case ATTACH_NO_MEMORY: return "it could not be mapped";
    }
    return NULL;
}

static const char *
why_no_memory(const struct memory_file *file)
{
    return memory_file_takes_all(file)
               ? ". More free huge pages (vm.nr_hugepages) are needed: for half more than that"
               : "";
}

static struct store *
begin_anew(const struct memory_file *file, const struct store_config *config,
           enum attach_result result)
{
    struct store *store = store_create(config);
    int err = errno;

    if (store == NULL) {
        /* What was promised to it is free again. */
        (void)!sys_resize_file(file->file.fd, 0);
        log_line(LOG_ERROR, "-e (--memory-file): %s: no memory for a cache of %zu MB: %s%s",
                 file->path, config->limit_bytes >> 20, strerror(err), why_no_memory(file));
    } else {
        log_line(result == ATTACH_EMPTY ? LOG_INFO : LOG_WARN,
                 "[restart] %s: %s, starting with a clean cache", file->path, why_anew(result));
    }
    return store;
}

struct store *
memory_file_make_store(const struct memory_file *file, const struct store_config *config,
                       struct clock *clock)
{
    struct store_config in_file = *config;
    uint64_t begin_ns = sys_monotonic_ns();
    struct store *store = NULL;
    enum attach_result result;

    in_file.file = &file->file;
    result = store_attach(&in_file, clock->start_unix_s, &store);
    if (result == ATTACH_FOREIGN) {
        log_line(LOG_ERROR,
                 "-e (--memory-file): %s: no lombard has written this: remove it, or name "
                 "another file",
                 file->path);
        return NULL;
    }
    if (result != ATTACH_OK)
        return begin_anew(file, &in_file, result);
    clock_continue(clock, store_now_s(store));
    log_line(LOG_INFO, "[restart] %s: %" PRIu64 " items are back, after %" PRIu64 " ms",
             file->path, store_stats(store)->curr_items,
             (sys_monotonic_ns() - begin_ns) / 1000000);
    return store;
}

/* --- The end --- */

void
memory_file_keep(const struct memory_file *file, struct store *store)
{
    uint64_t items = store_stats(store)->curr_items;

    if (file->path == NULL)
        return;
    if (invariants()->broken > 0)
        log_line(LOG_WARN, "[restart] %s: not kept, because of the internal error", file->path);
    else if (!store_detach(store, sys_realtime_s()))
        log_line(LOG_ERROR, "[restart] %s: not kept: %s", file->path, strerror(errno));
    else
        log_line(LOG_INFO, "[restart] %s: %" PRIu64 " items are kept", file->path, items);
}
