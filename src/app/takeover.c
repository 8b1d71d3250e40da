/* Takes the place of a server: receives what it has, checks it, and says yes. */
#include "takeover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lombard/base/image.h"
#include "lombard/base/log.h"
#include "lombard/base/sys.h"
#include "lombard/conn/handover.h"
#include "passing.h"
#include "process.h"
#include "takeover_check.h"
#include "takeover_image.h"

enum { FDS_MOST = 1 << 26, IMAGE_BYTES_SHIFT = 40 };

void
takeover_init(struct takeover *takeover, const char *path)
{
    memset(takeover, 0, sizeof(*takeover));
    takeover->path = path;
    takeover->fd = -1;
}

/* The old server hears why, and goes on. */
static bool
refuse(struct takeover *t, const char *why)
{
    struct pass_message no = pass_message(PASS_NO, why);

    log_line(LOG_ERROR, "--takeover: %s: %s. The server there goes on", t->path, why);
    if (t->fd >= 0)
        (void)!pass_send(t->fd, &no, NULL, 0, pass_until_ns(0));
    return false;
}

/* --- Receiving --- */

static bool
dial(struct takeover *t)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(t->path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", t->path);
    t->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    return t->fd >= 0 &&
           connect(t->fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static const char *
why_not(enum pass_result result, const struct pass_message *message, char *text, size_t bytes)
{
    switch (result) {
    case PASS_CLOSED: return "it has closed the connection";
    case PASS_LATE: return "it does not answer in time";
    case PASS_FAILED:
        return errno == EMFILE ? "this process may not open as many descriptors (ulimit -n)"
                               : strerror(errno);
    case PASS_GOT: break;
    }
    if (message->kind != PASS_NO && message->kind != PASS_RESUMED)
        return "it said what was not expected";
    (void)log_escape(text, bytes,
                     slice_make(message->text, strnlen(message->text, PASS_TEXT_BYTES)));
    return text;
}

/* The image of BYTES that begins at OFF. NULL, and *IMAGE; or why not. */
static const char *
map_image(const struct takeover *t, uint64_t off, uint64_t bytes, struct takeover_image *image)
{
    struct stat st;
    void *mem;

    if (bytes == 0 || bytes >> IMAGE_BYTES_SHIFT != 0 ||
        fstat(t->offer.fd[PASS_FD_IMAGE], &st) != 0 || (uint64_t)st.st_size < off + bytes)
        return "its image is cut";
    mem = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, t->offer.fd[PASS_FD_IMAGE],
               (off_t)off);
    if (mem == MAP_FAILED)
        return "its image cannot be mapped";
    *image = (struct takeover_image){mem, bytes};
    return NULL;
}

/* What does not change. NULL, or why not. */
static const char *
receive_offer(struct takeover *t, char *text, size_t bytes)
{
    struct pass_message message;
    enum pass_result result =
        pass_receive(t->fd, &message, &t->offer, pass_until_ns(PASS_TURN_MS));

    if (result != PASS_GOT || message.kind != PASS_OFFER)
        return why_not(result, &message, text, bytes);
    if (t->offer.count < PASS_FDS_FIRST)
        return "it has what cannot be";
    return map_image(t, 0, message.image_bytes, &t->constant);
}

/* Descriptors of connections that it serves meanwhile. */
static const char *
receive_early(struct takeover *t, struct server *server, char *text, size_t bytes)
{
    struct pass_message message;

    do {
        struct pass_fds fds = {.count = 0};
        struct offer offer;
        enum pass_result result =
            pass_receive(t->fd, &message, &fds, pass_until_ns(PASS_PREPARE_MS));

        if (result != PASS_GOT || message.kind != PASS_EARLY)
            return why_not(result, &message, text, bytes);
        offer.count = (uint32_t)fds.count;
        memcpy(offer.fds, fds.fd, (size_t)fds.count * sizeof(int));
        memcpy(offer.ids, message.ids, (size_t)fds.count * sizeof(uint32_t));
        if (!server_expect(server, &offer))
            return "no memory for all connections";
    } while (message.fd_count > 0);
    return NULL;
}

/* The rest, which comes with several messages; the first one says how many descriptors there are. */
static const char *
receive_rest(struct takeover *t, char *text, size_t bytes)
{
    uint64_t until_ns = pass_until_ns(PASS_TURN_MS);
    enum pass_kind wanted = PASS_STATE;
    uint64_t off =
        (t->constant.len + PASS_IMAGE_ALIGN - 1) / PASS_IMAGE_ALIGN * PASS_IMAGE_ALIGN;
    uint64_t all = 0, image_bytes = 0;

    do {
        struct pass_message message;
        struct pass_fds fds = {.count = 0};
        enum pass_result result = pass_receive(t->fd, &message, &fds, until_ns);

        if (result != PASS_GOT || message.kind != wanted)
            return why_not(result, &message, text, bytes);
        if (wanted == PASS_STATE) {
            all = message.fd_count;
            image_bytes = message.image_bytes;
            t->fds = all > FDS_MOST ? NULL : sys_malloc((all + 1) * sizeof(int));
            if (t->fds == NULL)
                return "no memory";
            until_ns = pass_until_ns(PASS_PAUSE_MS);
            wanted = PASS_MORE;
        }
        if ((uint64_t)fds.count > all - t->fd_count || (fds.count == 0 && all > 0))
            return "it has sent another number of descriptors than it said";
        memcpy(t->fds + t->fd_count, fds.fd, (size_t)fds.count * sizeof(int));
        t->fd_count += (uint32_t)fds.count;
    } while (t->fd_count < all);
    return map_image(t, off, image_bytes, &t->rest);
}

/* --- Asking --- */

/* When there is no answer from the path of --takeover. */
static const char *
what_to_do(int err)
{
    switch (err) {
    case EACCES: return "only the server's own user may, or root: -u";
    case ENAMETOOLONG: return "of a socket it has at most 107 bytes";
    case EPROTOTYPE: return "it is a socket for clients: give the server's --control";
    default: return "is a server running there, with that as its --control?";
    }
}

/* False, logged: there is no process to take over from. */
static bool
reach(struct takeover *t)
{
    if (dial(t))
        return true;
    log_line(LOG_ERROR, "--takeover: %s: %s: %s", t->path, strerror(errno), what_to_do(errno));
    return false;
}

static const char *
begin(struct process *p, char *text, size_t bytes)
{
    struct takeover *t = &p->takeover;
    struct pass_message hello = pass_message(PASS_HELLO, LOMBARD_VERSION);
    const char *why;

    /* One that has refused and closed already has said why: that is received, whatever becomes of this. */
    (void)!pass_send(t->fd, &hello, NULL, 0, pass_until_ns(PASS_HELLO_MS));
    why = receive_offer(t, text, bytes);
    t->offer_used = PASS_FDS_FIRST;
    if (why == NULL)
        why = takeover_read_image(p, &t->constant);
    if (why == NULL)
        why = takeover_take_listeners(p);
    return why != NULL ? why : takeover_check_options(p, text, bytes);
}

bool
takeover_begin(struct process *p)
{
    struct takeover *t = &p->takeover;
    char text[PASS_TEXT_BYTES];
    const char *why;

    if (!reach(t))
        return false;
    why = begin(p, text, sizeof(text));
    if (why != NULL)
        return refuse(t, why);
    p->control.image_fd = t->offer.fd[PASS_FD_IMAGE];
    p->control.watch.fd = t->offer.fd[PASS_FD_CONTROL];
    p->memory_file.path = p->config.memory_file;
    p->memory_file.file.fd = t->offer.fd[PASS_FD_STORE];
    if (p->notify.watchdog_ms == 0)
        p->notify.watchdog_ms = t->watchdog_ms;
    return true;
}

/* --- The cache --- */

static struct store_config
store_config_of(const struct process *p)
{
    struct store_config config = p->config.store;

    config.file = &p->memory_file.file;
    return config;
}

struct store *
takeover_store(struct process *p, struct clock *clock)
{
    struct takeover *t = &p->takeover;
    const struct store_config config = store_config_of(p);
    enum attach_result result = ATTACH_NO_MEMORY;
    char text[PASS_TEXT_BYTES];

    clock->start_ns = t->clock_start_ns;
    clock->start_unix_s = (int64_t)t->clock_unix_s;
    clock->first_s = (uint32_t)t->clock_first_s;
    clock_read(clock);
    p->store = store_expect(&config);
    if (p->store != NULL)
        result = store_fits(p->store, &config);
    if (result == ATTACH_OK)
        return p->store;
    (void)refuse(t, takeover_why_no_store(p, result, text, sizeof(text)));
    store_destroy(p->store);
    return NULL;
}

/* --- Yes --- */

/* The old process was first: it goes on, and says why if it can. */
static const char *
hear_resumed(struct takeover *t, char *text, size_t bytes)
{
    struct pass_message answer;
    enum pass_result result = pass_receive(t->fd, &answer, NULL, pass_until_ns(PASS_WHY_MS));

    if (result == PASS_GOT && answer.kind == PASS_RESUMED)
        return why_not(result, &answer, text, bytes);
    return "it did not wait any longer";
}

static void
say_yes(struct takeover *t)
{
    struct pass_message yes = pass_message(PASS_YES, NULL);

    /* Without it that one would find out by itself, later. */
    if (pass_send(t->fd, &yes, NULL, 0, pass_until_ns(0)) != PASS_GOT)
        log_line(LOG_WARN, "--takeover: the server there died meanwhile");
}

/* All that can be is made, and it serves no more: what it had last. */
static const char *
take_rest(struct process *p, char *text, size_t bytes)
{
    struct takeover *t = &p->takeover;
    const struct store_config config = store_config_of(p);
    struct pass_message ready = pass_message(PASS_READY, NULL);
    const char *why = receive_early(t, p->server, text, bytes);
    struct handed in;

    if (why != NULL)
        return why;
    if (pass_send(t->fd, &ready, NULL, 0, pass_until_ns(PASS_PREPARE_MS)) == PASS_FAILED)
        return strerror(errno);
    why = receive_rest(t, text, bytes);
    if (why == NULL)
        why = takeover_read_image(p, &t->rest);
    if (why == NULL)
        why = takeover_why_no_store(p, store_adopt(p->store, &config), text, bytes);
    if (why != NULL)
        return why;
    in = (struct handed){t->server, t->fds, t->fd_count, 0, 0};
    why = server_take_over(p->server, &in);
    t->conns = in.conns;
    return why;
}

bool
takeover_finish(struct process *p)
{
    struct takeover *t = &p->takeover;
    char text[PASS_TEXT_BYTES];
    const char *why = take_rest(p, text, sizeof(text));

    if (why != NULL)
        return refuse(t, why);
    if (!store_claim(p->store, t->lease))
        return refuse(t, hear_resumed(t, text, sizeof(text)));
    say_yes(t);
    store_keep(p->store, p->config.store.limit_bytes);
    stats_read_written(&p->stats, t->counters);
    server_go_on(p->server);
    p->control.takeovers++;
    t->done = true;
    return true;
}

void
takeover_ready(struct process *p)
{
    struct takeover *t = &p->takeover;
    char shown[64];

    (void)close(t->fd);
    t->fd = -1;
    p->control.pause_us = t->begun_ns > 0 ? (sys_monotonic_ns() - t->begun_ns) / 1000 : 0;
    log_line(LOG_INFO,
             "took over from process %" PRIu64 " (lombard %s): %" PRIu32
             " connections, %" PRIu64 " items, after %.1f ms",
             t->pid, log_escape(shown, sizeof(shown), t->version), t->conns,
             store_stats(p->store)->curr_items, (double)p->control.pause_us / 1000);
    (void)munmap(t->constant.mem, t->constant.len);
    (void)munmap(t->rest.mem, t->rest.len);
    sys_free(t->fds);
    t->fds = NULL;
    control_drop_image(&p->control);
}
