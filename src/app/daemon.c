/* Takes from the host what a daemon needs: descriptors, memory, files. */
#include "daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "lombard/base/log.h"
#include "lombard/base/sys.h"
#include "lombard/conn/server.h"

enum {
    OWN_DESCRIPTORS = 16, /* that are opened later: epoll, signals, files, one to accept with */
    CONNS_MIN = 4,        /* fewer are not worth starting for */
};

static uint64_t
count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (dir == NULL)
        return OWN_DESCRIPTORS;
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count - 3; /* ".", ".." and the directory itself */
}

/* Raise the limit on descriptors to WANTED, or as far as may be; what it is then. */
static uint64_t
raise_descriptors(uint64_t wanted)
{
    struct rlimit raised = {wanted, wanted};
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    if (limit.rlim_max < wanted && setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return wanted; /* we may: root */
    /* All of it: later, when more is wanted, nothing can be raised any more. */
    raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
    return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

/* Connections that do not count for -c. */
static uint32_t
others_of(const struct config *config)
{
    return (config->admin != NULL ? config->server.admin_conns : 1) +
           (config->http != NULL ? config->server.http_conns : 0);
}

bool
daemon_raise_limits(struct config *config)
{
    uint64_t own = count_descriptors() + OWN_DESCRIPTORS + others_of(config);
    uint64_t limit = raise_descriptors(own + SERVER_LINGERS_MAX + config->server.max_conns);
    uint64_t left = limit > own ? limit - own : 0;
    uint64_t lingerers = left / 4 < SERVER_LINGERS_MAX ? left / 4 : SERVER_LINGERS_MAX;

    config->conns_most =
        left - lingerers < UINT32_MAX ? (uint32_t)(left - lingerers) : UINT32_MAX;
    if (config->conns_most >= config->server.max_conns)
        return true;
    if (left < CONNS_MIN) {
        log_line(LOG_ERROR,
                 "this process may open only %" PRIu64 " descriptors, and needs %" PRIu64
                 " for itself: raise the limit (ulimit -n, LimitNOFILE=)",
                 limit, own);
        return false;
    }
    config->server.max_conns = config->conns_most;
    log_line(LOG_WARN,
             "this process may open only %" PRIu64 " descriptors: -c is lowered to %u. Raise "
             "the limit (ulimit -n, LimitNOFILE=) to have more",
             limit, config->server.max_conns);
    return true;
}

/* --- Memory --- */

/* Addresses are reserved so that cache_memlimit can grow the cache this many times; a file, too, has that size. */
enum { LIMIT_GROWTH_MAX = 256, FILE_GROWTH_MAX = 4 };

struct store *
daemon_make_store(const struct config *config, const struct memory_file *file,
                  struct clock *clock)
{
    size_t growth = file->path == NULL            ? LIMIT_GROWTH_MAX
                    : memory_file_takes_all(file) ? 1
                                                  : FILE_GROWTH_MAX;
    struct store_config store_config = config->store;
    struct store *store;

    sys_random(&store_config.hash_key, sizeof(store_config.hash_key));
    if (!config->lock_memory) /* locked address space counts, used or not */
        store_config.limit_bytes_max = config->store.limit_bytes * growth;
    if (file->path != NULL)
        return memory_file_make_store(file, &store_config, clock);
    if (file->file.fd >= 0)
        store_config.file = &file->file;
    store = store_create(&store_config);
    if (store == NULL)
        log_line(LOG_ERROR, "no memory for a cache of %zu MB: lower -m",
                 store_config.limit_bytes >> 20);
    else
        host_report_huge_pages(config, store_explicit_bytes(store));
    return store;
}

/* --- Files --- */

/* What a file is made of, for user_make(). */
struct text_file {
    struct own_file *file;
    const char *path;
    const char *text;
};

static bool
write_text(void *ctx)
{
    const struct text_file *t = ctx;

    return own_file_write(t->file, t->path, t->text);
}

/* The pid in the regular file PATH, or 0. */
static pid_t
read_pid(const char *path)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[32] = "";
    struct stat st;

    if (fd < 0)
        return 0;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    (void)close(fd);
    return (pid_t)strtol(text, NULL, 10);
}

/* FILE, which is open here, where a new one cannot be made. Errno stays if that cannot be either. */
static bool
inherit(struct own_file *file, const char *path, const char *text)
{
    int err = errno;
    bool ok = own_file_is_at(file, path) && own_file_rewrite(file, text);

    errno = err;
    return ok;
}

bool
daemon_write_pid(const char *path, const struct user *user, struct own_file *file)
{
    char text[32];
    struct own_file made;
    struct text_file content = {&made, path, text};
    pid_t before = own_file_is_at(file, path) ? 0 : read_pid(path);

    if (before > 0 && before != getpid() && (kill(before, 0) == 0 || errno == EPERM))
        log_line(LOG_WARN, "-P: %s names a process that is running, %ld; it is overwritten",
                 path, (long)before);
    (void)snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    own_file_init(&made);
    if (user_make(user, write_text, &content)) {
        daemon_remove(file);
        *file = made;
        return true;
    }
    if (inherit(file, path, text))
        return true;
    log_line(LOG_ERROR, "-P: could not write %s: %s", path, strerror(errno));
    daemon_remove(file);
    return false;
}

void
daemon_remove(struct own_file *file)
{
    if (own_file_remove(file))
        return;
    log_line(LOG_WARN, "could not remove %s: %s", file->path, strerror(errno));
    own_file_fini(file);
}

static bool
is_ipv6(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    memset(&address, 0, sizeof(address));
    return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
           address.ss_family == AF_INET6;
}

bool
daemon_write_ports(const struct listen_sockets *sockets, const struct user *user)
{
    const char *path = getenv("MEMCACHED_PORT_FILENAME");
    char text[LISTEN_SOCKETS_MAX * 24];
    struct own_file file;
    struct text_file made = {&file, path, text};
    size_t used = 0;
    bool ok;

    if (path == NULL || *path == '\0')
        return true;
    text[0] = '\0';
    for (int i = 0; i < sockets->count; i++) {
        uint16_t port = listen_port(sockets->fd[i]);

        if (port != 0)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "TCP %s: %u\n",
                                     is_ipv6(sockets->fd[i]) ? "INET6" : "INET", port);
    }
    own_file_init(&file);
    ok = user_make(user, write_text, &made);
    if (!ok)
        log_line(LOG_ERROR, "MEMCACHED_PORT_FILENAME: could not write %s: %s", path,
                 strerror(errno));
    else
        own_file_leave(&file); /* as with memcached, it stays when we go */
    return ok;
}
