/* A server that counts requests and sends canned replies, in a process of its own. */
#include "builtin/floor.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "builtin/child.h"
#include "lombard/base/sys.h"

enum {
    INPUT_BYTES = 256 * 1024,
    OUTPUT_BYTES = 1024 * 1024, /* of replies made beforehand; one is always there */
    EVENTS_MAX = 512,
};

struct floor_server {
    struct floor_answer answer;
    unsigned char *input;
    unsigned char *output; /* `copies` replies */
    size_t copies;
    uint64_t fd_count;
    uint32_t *pending; /* units of an incomplete request, by descriptor */
    int epfd;
    int listen_fd;
};

static uint64_t
count_lines(const unsigned char *p, const unsigned char *end)
{
    uint64_t lines = 0;

    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        lines++;
        p++;
    }
    return lines;
}

static bool
serve_client(struct floor_server *s, int fd)
{
    ssize_t n = recv(fd, s->input, INPUT_BYTES, 0);
    uint64_t units;
    uint64_t replies;

    if (n <= 0)
        return false;
    units = s->answer.lines ? count_lines(s->input, s->input + n) : (uint64_t)n;
    units += s->pending[fd];
    replies = units / s->answer.units;
    s->pending[fd] = (uint32_t)(units % s->answer.units);
    while (replies > 0) {
        uint64_t now = replies < s->copies ? replies : s->copies;

        if (!net_send_all(fd, s->output, now * s->answer.reply_bytes))
            return false;
        replies -= now;
    }
    return true;
}

static void
take_connection(struct floor_server *s)
{
    int fd = child_accept(s->listen_fd, s->epfd, s->fd_count);

    if (fd < 0)
        return;
    s->pending[fd] = 0;
}

static NORETURN void
serve_forever(struct floor_server *s)
{
    struct epoll_event events[EVENTS_MAX];

    for (;;) {
        int n = sys_epoll_wait(s->epfd, events, EVENTS_MAX, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd == s->listen_fd)
                take_connection(s);
            else if (!serve_client(s, fd))
                (void)close(fd);
        }
    }
}

static bool
prepare(struct floor_server *s)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = s->listen_fd};

    s->copies = 1 + OUTPUT_BYTES / s->answer.reply_bytes;
    s->fd_count = net_raise_file_limit();
    s->input = malloc(INPUT_BYTES);
    s->output = malloc(s->copies * s->answer.reply_bytes);
    s->pending = calloc(s->fd_count, sizeof(*s->pending));
    s->epfd = sys_epoll_create();
    if (s->input == NULL || s->output == NULL || s->pending == NULL || s->epfd < 0)
        return false;
    for (size_t i = 0; i < s->copies; i++)
        memcpy(s->output + i * s->answer.reply_bytes, s->answer.reply, s->answer.reply_bytes);
    return sys_epoll_ctl(s->epfd, EPOLL_CTL_ADD, s->listen_fd, &event) == 0;
}

struct floor_start {
    struct floor_answer answer;
    pid_t like;
};

/* In the child: until it is killed. */
static NORETURN void
be_server(int listen_fd, const void *context)
{
    const struct floor_start *start = context;
    struct floor_server s = {.answer = start->answer, .listen_fd = listen_fd};
    cpu_set_t cpus;

    if (start->like != 0 && sched_getaffinity(start->like, sizeof(cpus), &cpus) == 0)
        (void)sched_setaffinity(0, sizeof(cpus), &cpus);
    if (!prepare(&s))
        _exit(1);
    serve_forever(&s);
}

bool
floor_start(struct floor *f, const struct options *o, pid_t like)
{
    struct floor_start start = {.like = like};

    memset(f, 0, sizeof(*f));
    if (!floor_answer_make(o, &start.answer))
        return false;
    f->pid = child_start(be_server, &start, &f->addr);
    (void)snprintf(f->addr.text, sizeof(f->addr.text), FLOOR_NAME);
    free(start.answer.reply);
    return f->pid > 0;
}

void
floor_stop(struct floor *f)
{
    child_stop(&f->pid);
}
