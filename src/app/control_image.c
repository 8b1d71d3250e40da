/* Describes all that a process has, for the one that is to take its place. */
#include "control_image.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lombard/conn/handover.h"
#include "passing.h"
#include "process.h"

/* The control socket, the unix sockets, the pid file. */
enum { FILES = SESSION_ROLES + 2 };
_Static_assert(PASS_FDS_FIRST + 2 * FILES + LISTEN_SOCKETS_MAX * SESSION_ROLES <= PASS_FDS_MAX,
               "all go with one message");
/* Of the entry that comes last, for which there must be room. */
enum { LEASE_BYTES = 64 };

static void
describe_files(const struct process *p, struct image *image, struct pass_fds *out)
{
    const struct own_file *files[FILES] = {&p->control.file};

    for (int role = 0; role < SESSION_ROLES; role++)
        files[1 + role] = &p->sockets.files[role];
    files[1 + SESSION_ROLES] = &p->pid_file;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        size_t begun;

        if (files[i]->fd < 0)
            continue;
        begun = image_begin(image, PASS_FILES);
        image_put_number(image, 1, i + 1);
        image_put_bytes(image, 2, slice_make(files[i]->path, strlen(files[i]->path)));
        image_end(image, begun);
        out->fd[out->count++] = files[i]->dir;
        out->fd[out->count++] = files[i]->fd;
    }
}

static void
describe_listeners(const struct process *p, struct image *image, struct pass_fds *out)
{
    char roles[LISTEN_SOCKETS_MAX * SESSION_ROLES];
    size_t count = 0;

    for (int role = 0; role < SESSION_ROLES; role++) {
        const struct listen_sockets *sockets = &p->sockets.of[role];

        for (int i = 0; i < sockets->count; i++) {
            roles[count++] = (char)role;
            out->fd[out->count++] = sockets->fd[i];
        }
    }
    image_put_bytes(image, PASS_LISTENERS, slice_make(roles, count));
}

static void
describe_process(const struct process *p, struct image *image)
{
    const struct clock *clock = p->clock;

    image_put_bytes(image, PASS_VERSION | IMAGE_OPTIONAL, SLICE(LOMBARD_VERSION));
    image_put_number(image, PASS_PID | IMAGE_OPTIONAL, (uint64_t)p->pid);
    image_put_number(image, PASS_CLOCK_START_NS, clock->start_ns);
    image_put_number(image, PASS_CLOCK_UNIX_S, (uint64_t)clock->start_unix_s);
    image_put_number(image, PASS_CLOCK_FIRST_S, clock->first_s);
    image_put_number(image, PASS_ITEM_MAX, p->config.store.item_bytes_max);
    image_put_number(image, PASS_WANTS_AUTH, p->config.auth_file != NULL);
    image_put_number(image, PASS_KEPT_FILE, p->memory_file.path != NULL);
    image_put_number(image, PASS_WATCHDOG_MS | IMAGE_OPTIONAL, p->notify.watchdog_ms);
}

const char *
control_image_offer(const struct process *p, struct image *image, struct pass_fds *fds)
{
    fds->fd[PASS_FD_IMAGE] = p->control.image_fd;
    fds->fd[PASS_FD_STORE] = p->memory_file.file.fd;
    fds->fd[PASS_FD_CONTROL] = p->control.watch.fd;
    fds->count = PASS_FDS_FIRST;
    describe_process(p, image);
    describe_files(p, image, fds);
    describe_listeners(p, image, fds);
    return image->failed ? "no memory" : NULL;
}

const char *
control_image_describe(struct process *p, uint64_t begun_ns, struct handover *out,
                       struct image *image, uint64_t *lease)
{
    const char *why;
    size_t begun;

    out->image = image;
    image_put_number(image, PASS_BEGUN_NS | IMAGE_OPTIONAL, begun_ns);
    begun = image_begin(image, PASS_SERVER);
    why = server_hand_over(p->server, out);
    if (why != NULL)
        return why;
    image_end(image, begun);
    begun = image_begin(image, PASS_COUNTERS | IMAGE_OPTIONAL);
    stats_write(&p->stats, image);
    image_end(image, begun);
    image_reserve(image, LEASE_BYTES);
    if (image->failed)
        return "no memory";
    *lease = store_lend(p->store);
    if (*lease == 0)
        return "the cache is in no file";
    image_put_number(image, PASS_LEASE, *lease);
    return NULL;
}

bool
control_image_write(int fd, const struct image *image, uint64_t from)
{
    size_t off = 0;

    while (off < image->len) {
        struct iovec iov = {image->bytes + off, image->len - off};
        /* The call of its kind that the sandbox allows; musl has no function for it before 1.2.5. */
        ssize_t n = syscall(SYS_pwritev2, (long)fd, &iov, 1UL, (long)(from + off), 0L, 0L);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        off += (size_t)n;
    }
    return true;
}
