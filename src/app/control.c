/* Listens for a process that is to take this one's place, and gives it everything. */
#include "control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control_priv.h"
#include "lombard/base/log.h"
#include "lombard/base/sys.h"
#include "passing.h"
#include "process.h"

enum { RESUME_AFTER_MS = 1000 };

/* --- Peers --- */

static void
end_peer(struct control *control)
{
    timer_cancel(&control->patience);
    if (control->peer.fd >= 0) {
        loop_forget(control->loop, &control->peer);
        (void)close(control->peer.fd);
    }
    control->peer.fd = -1;
    control->asked = false;
    /* Where this is refused, the next tick of nothing tries again: the socket stays quiet. */
    (void)!loop_want(control->loop, &control->watch, WATCH_IN);
}

/* It is told why, if it still listens; what was begun goes on here. */
void
control_refuse(struct control *control, enum pass_kind kind, const char *why)
{
    struct pass_message message = pass_message(kind, why);

    control->refused++;
    log_line(LOG_WARN, "--control: process %" PRId32 " (%s) does not take over: %s",
             control->peer_pid, control->peer_version, why);
    (void)!pass_send(control->peer.fd, &message, NULL, 0, pass_until_ns(0));
    end_peer(control);
}

void
control_drop_image(struct control *control)
{
    if (ftruncate(control->image_fd, 0) != 0)
        log_line(LOG_INFO, "--control: the image of a takeover keeps its memory: %s",
                 strerror(errno));
}

static void
on_image_end(struct timer *timer)
{
    control_drop_image(CONTAINER_OF(timer, struct control, image_end));
}

static void
on_patience(struct timer *timer)
{
    control_refuse(CONTAINER_OF(timer, struct control, patience), PASS_NO,
                   "it said nothing in time");
}

/* It is waited for a peer that does something for so long. */
static void
go_to(struct control *control, enum control_stage stage, uint64_t ms)
{
    uint32_t events = stage == CONTROL_TAKES ? WATCH_OUT : WATCH_IN;

    control->stage = stage;
    timer_set(loop_timers(control->loop), &control->patience, loop_now_ms(control->loop) + ms);
    if (!loop_want(control->loop, &control->peer, events))
        control_refuse(control, PASS_NO, "no memory");
}

static void
hear_hello(struct control *control, const struct pass_message *hello)
{
    struct slice version = slice_make(hello->text, strnlen(hello->text, PASS_TEXT_BYTES));
    const char *why;

    if (hello->kind != PASS_HELLO) {
        control_refuse(control, PASS_NO, "it said what is no greeting");
        return;
    }
    (void)log_escape(control->peer_version, sizeof(control->peer_version), version);
    if (hello->format != PASS_FORMAT) {
        char text[PASS_TEXT_BYTES];

        (void)snprintf(text, sizeof(text),
                       "it takes over in format %" PRIu32 ", lombard " LOMBARD_VERSION
                       " hands over in %d: the server must be stopped instead",
                       hello->format, PASS_FORMAT);
        control_refuse(control, PASS_NO, text);
        return;
    }
    why = control_offer(CONTAINER_OF(control, struct process, control));
    if (why != NULL)
        control_refuse(control, PASS_NO, why);
    else
        go_to(control, CONTROL_TAKES, PASS_PREPARE_MS);
}

static void
hear_ready(struct control *control, const struct pass_message *ready)
{
    char text[PASS_TEXT_BYTES];

    if (ready->kind == PASS_READY) {
        timer_cancel(&control->patience);
        control->asked = true;
        loop_leave(control->loop);
        return;
    }
    (void)log_escape(text, sizeof(text),
                     slice_make(ready->text, strnlen(ready->text, PASS_TEXT_BYTES)));
    control_refuse(control, PASS_NO,
                   ready->kind == PASS_NO ? text : "it said what is no answer");
}

static void
hear(struct control *control)
{
    struct pass_message message;

    switch (pass_receive(control->peer.fd, &message, NULL, pass_until_ns(0))) {
    case PASS_LATE: return;
    case PASS_CLOSED:
    case PASS_FAILED:
        control_refuse(control, PASS_NO, "it has gone, or said what is no message");
        return;
    case PASS_GOT: break;
    }
    if (control->stage == CONTROL_GREETS)
        hear_hello(control, &message);
    else
        hear_ready(control, &message);
}

/* One piece each time: clients are served in between. */
static void
send_early(struct control *control)
{
    bool last = false;

    switch (control_send_early(CONTAINER_OF(control, struct process, control), &last)) {
    case PASS_LATE: return; /* the same again */
    case PASS_CLOSED:
    case PASS_FAILED:
        control_refuse(control, PASS_NO, "it has gone, or takes no descriptors");
        return;
    case PASS_GOT: break;
    }
    if (last)
        go_to(control, CONTROL_PREPARES, PASS_PREPARE_MS);
}

static void
on_peer(struct watch *watch, uint32_t events UNUSED)
{
    struct control *control = CONTAINER_OF(watch, struct control, peer);

    if (control->asked)
        return;
    if (control->stage == CONTROL_TAKES)
        send_early(control);
    else
        hear(control);
}

static bool
may_ask(struct control *control)
{
    struct sys_peer_user user;

    if (!sys_peer_user(control->peer.fd, &user))
        return false;
    control->peer_pid = user.pid;
    return user.uid == 0 || user.uid == control->uid;
}

static void
on_resume(struct timer *timer)
{
    struct control *control = CONTAINER_OF(timer, struct control, resume);

    if (!loop_want(control->loop, &control->watch, WATCH_IN))
        timer_set(loop_timers(control->loop), timer,
                  loop_now_ms(control->loop) + RESUME_AFTER_MS);
}

/* Nothing could be accepted: it waits in the kernel's queue, and the loop does not run for it meanwhile. */
static void
pause_accepting(struct control *control, int err)
{
    if (err == EAGAIN || err == EINTR || err == ECONNABORTED)
        return;
    if (!control->short_of_fds)
        log_line(LOG_WARN, "--control: a process that is to take over waits: %s",
                 strerror(err));
    control->short_of_fds = true;
    (void)!loop_want(control->loop, &control->watch, 0);
    timer_set(loop_timers(control->loop), &control->resume,
              loop_now_ms(control->loop) + RESUME_AFTER_MS);
}

/* The next one waits until this one is through. */
static void
on_accept(struct watch *watch, uint32_t events UNUSED)
{
    struct control *control = CONTAINER_OF(watch, struct control, watch);
    int fd = sys_accept(watch->fd);

    if (fd < 0) {
        pause_accepting(control, errno);
        return;
    }
    control->short_of_fds = false;
    control->peer_pid = 0;
    (void)snprintf(control->peer_version, sizeof(control->peer_version), "unknown");
    watch_init(&control->peer, fd, on_peer);
    (void)!loop_want(control->loop, &control->watch, 0);
    if (!may_ask(control)) {
        control_refuse(control, PASS_NO, "only the server's own user may, or root (EPERM)");
        return;
    }
    go_to(control, CONTROL_GREETS, PASS_HELLO_MS);
}

bool
control_start(struct control *control, struct loop *loop)
{
    int fd = control->watch.fd;

    if (fd < 0)
        return true;
    control->loop = loop;
    timer_init(&control->patience, on_patience);
    timer_init(&control->image_end, on_image_end);
    timer_init(&control->resume, on_resume);
    watch_init(&control->watch, fd, on_accept);
    if (loop_want(loop, &control->watch, WATCH_IN))
        return true;
    log_line(LOG_ERROR, "--control: it cannot be watched: %s", strerror(errno));
    return false;
}

void
control_stop(struct control *control)
{
    if (control->loop == NULL || control->watch.fd < 0)
        return;
    end_peer(control);
    timer_cancel(&control->image_end);
    timer_cancel(&control->resume);
    loop_forget(control->loop, &control->watch);
}

/* --- Giving everything --- */

/* The service manager must have heard of the new process before this one is gone. */
static void
wait_until_ready(int fd)
{
    struct pass_message none;

    while (pass_receive(fd, &none, NULL, pass_until_ns(PASS_READY_MS)) == PASS_GOT)
        continue;
}

bool
control_hand_over(struct process *p)
{
    struct control *control = &p->control;
    char text[PASS_TEXT_BYTES];
    const char *why = control_give(p, text, sizeof(text));

    if (why != NULL) {
        control_refuse(control, PASS_RESUMED, why);
        /* It may be reading still, which would kill it before it has said why it ends. */
        timer_set(loop_timers(control->loop), &control->image_end,
                  loop_now_ms(control->loop) + PASS_READY_MS);
        return false;
    }
    log_line(LOG_INFO, "process %" PRId32 " (lombard %s) has taken over: leaving",
             control->peer_pid, control->peer_version);
    wait_until_ready(control->peer.fd);
    return true;
}

/* --- Statistics; the record is the struct control --- */

static const struct stat_entry entries[] = {
    {"takeovers", STAT_COUNTER, UNIT_EVENTS,
     "Times that another process has taken the place of the server that had this cache.",
     stat_get_u64, offsetof(struct control, takeovers)},
    {"takeovers_refused", STAT_COUNTER, UNIT_EVENTS,
     "Times that this came to nothing, and the server went on.", stat_get_u64,
     offsetof(struct control, refused)},
    {"takeover_pause_us", STAT_GAUGE, UNIT_MICROSECONDS,
     "For how long no client was served at the last takeover.", stat_get_u64,
     offsetof(struct control, pause_us)},
};

static void
reset(void *ctx)
{
    stat_reset_counters(entries, ARRAY_LEN(entries), ctx);
}

void
control_add_stats(struct control *control, struct stat_registry *registry)
{
    static const struct stat_section section = {entries, ARRAY_LEN(entries), NULL, "", reset};

    stats_add(registry, "", &section, control);
}
