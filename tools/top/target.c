/* Asks servers, all at the same time, step by step; none can hold up the others. */
#include "target.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"

#define WANTS_LOGIN "CLIENT_ERROR unauthenticated"

void
target_init(struct target *target, const char *address, const struct credentials *credentials)
{
    memset(target, 0, sizeof(*target));
    target->address = address;
    target->credentials = credentials;
    target->fd = -1;
    (void)snprintf(target->why, sizeof(target->why), "not asked yet");
}

static void
hang_up(struct target *target)
{
    if (target->fd >= 0)
        (void)close(target->fd);
    target->fd = -1;
    target->logged_in = false;
}

static void
give_up(struct target *target, const char *why)
{
    (void)snprintf(target->why, sizeof(target->why), "%s", why);
    target->stage = ASKING_NOTHING;
    hang_up(target);
}

void
target_fini(struct target *target)
{
    give_up(target, "gone");
    answers_free(&target->answers);
}

/* --- Questions --- */

static void
ask_stats(struct target *target)
{
    target->stage = ASKING_STATS;
    target->sent = 0;
    answers_clear(&target->answers);
    answers_expect(&target->answers, ANSWER_STATS);
    (void)snprintf(target->question, sizeof(target->question), "stats\r\n");
}

static void
ask_login(struct target *target)
{
    target->stage = ASKING_LOGIN;
    target->sent = 0;
    target->logged_in = true;
    answers_clear(&target->answers);
    answers_expect(&target->answers, ANSWER_LOGIN);
    (void)snprintf(target->question, sizeof(target->question), "%s",
                   target->credentials->request);
}

/* What TARGET has besides plain `stats`. False: nothing. */
static bool
ask_rest(struct target *target)
{
    static const enum answer_kind kinds[] = {ANSWER_RATES, ANSWER_LATENCY, ANSWER_HOTKEYS,
                                             ANSWER_CONNS, ANSWER_EVENTS};
    struct answer_line line;

    target->stage = ASKING_REST;
    target->sent = 0;
    target->is_lombard = answers_find(&target->answers, ANSWER_STATS, "lombard_version", &line);
    target->lists_conns =
        target->is_lombard ||
        answers_number(&target->answers, ANSWER_STATS, "curr_connections") <= TARGET_CONNS_MAX;
    if (target->is_lombard) {
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
            if (kinds[i] != ANSWER_HOTKEYS || target->keys_refused[0] == '\0')
                answers_expect(&target->answers, kinds[i]);
        (void)snprintf(target->question, sizeof(target->question),
                       "stats rates\r\nstats latency\r\n%s"
                       "stats conns top %s %d\r\nstats events info 20\r\n",
                       target->keys_refused[0] == '\0' ? "stats hotkeys\r\n" : "",
                       target->measure, TARGET_TOP);
    } else if (target->lists_conns) {
        answers_expect(&target->answers, ANSWER_CONNS);
        (void)snprintf(target->question, sizeof(target->question), "stats conns\r\n");
    }
    return target->is_lombard || target->lists_conns;
}

/* --- Answers --- */

static void
refuse_login(struct target *target, const char *why)
{
    target->wants_login = true;
    give_up(target, why);
}

/* Whether keys are refused is asked once a connection: the server logs each refusal. */
static void
be_up(struct target *target)
{
    char line[TARGET_TEXT_BYTES];

    answers_last_line(&target->answers, ANSWER_HOTKEYS, line, sizeof(line));
    if (line[0] != '\0' && strcmp(line, "END") != 0)
        memcpy(target->keys_refused, line, sizeof(line));
    target->stage = ASKING_NOTHING;
    target->up = true;
}

static void
on_stats(struct target *target)
{
    char line[TARGET_TEXT_BYTES / 2], why[TARGET_TEXT_BYTES];

    answers_last_line(&target->answers, ANSWER_STATS, line, sizeof(line));
    if (strcmp(line, WANTS_LOGIN) == 0 && target->credentials->request[0] == '\0') {
        refuse_login(target, "it wants a login: --auth=FILE");
    } else if (strcmp(line, WANTS_LOGIN) == 0 && !target->logged_in) {
        ask_login(target);
    } else if (strcmp(line, "END") != 0) {
        (void)snprintf(why, sizeof(why), "it answers otherwise than a memcached: %s", line);
        give_up(target, why);
    } else if (!ask_rest(target)) {
        be_up(target);
    }
}

static void
on_login(struct target *target)
{
    char line[TARGET_TEXT_BYTES / 2], why[TARGET_TEXT_BYTES];

    answers_last_line(&target->answers, ANSWER_LOGIN, line, sizeof(line));
    if (strcmp(line, "STORED") == 0) {
        ask_stats(target);
        return;
    }
    (void)snprintf(why, sizeof(why), "it refuses the login of --auth: %s", line);
    refuse_login(target, why);
}

static void
on_answered(struct target *target)
{
    switch (target->stage) {
    case ASKING_NOTHING: break;
    case ASKING_STATS: on_stats(target); break;
    case ASKING_LOGIN: on_login(target); break;
    case ASKING_REST: be_up(target); break;
    }
}

/* --- A round --- */

static void
connect_target(struct target *target)
{
    const char *why;

    target->used = false;
    target->connecting = true;
    target->keys_refused[0] = '\0';
    target->fd = dial(target->address, &why);
    if (target->fd < 0)
        give_up(target, why);
}

/* A connection that was idle may have been closed meanwhile: that says nothing of the server. */
static void
on_lost(struct target *target, const char *why)
{
    if (!target->used || target->answers.len > 0) {
        give_up(target, why);
        return;
    }
    hang_up(target);
    ask_stats(target);
    connect_target(target);
}

static void
on_writable(struct target *target)
{
    const char *rest = target->question + target->sent;
    socklen_t len = sizeof(int);
    int error = 0;
    ssize_t sent;

    if (target->connecting) {
        (void)getsockopt(target->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error != 0) {
            give_up(target, strerror(error));
            return;
        }
        target->connecting = false;
    }
    sent = send(target->fd, rest, strlen(rest), MSG_NOSIGNAL);
    if (sent >= 0)
        target->sent += (size_t)sent;
    else if (errno != EAGAIN && errno != EINTR)
        on_lost(target, strerror(errno));
}

static void
on_readable(struct target *target)
{
    enum { AT_ONCE = 64 * 1024 };
    ssize_t got;

    if (!answers_reserve(&target->answers, AT_ONCE)) {
        give_up(target, "its answer is too long");
        return;
    }
    got = recv(target->fd, target->answers.text + target->answers.len, AT_ONCE, 0);
    if (got > 0)
        answers_received(&target->answers, (size_t)got);
    else if (got == 0)
        on_lost(target, "it closed the connection");
    else if (errno != EAGAIN && errno != EINTR)
        on_lost(target, strerror(errno));
    if (got > 0 && answers_are_complete(&target->answers))
        on_answered(target);
}

/* What it waits for; 0: nothing any more. */
static short
wanted(const struct target *target)
{
    if (target->stage == ASKING_NOTHING)
        return 0;
    return target->sent < strlen(target->question) ? POLLIN | POLLOUT : POLLIN;
}

void
targets_begin(struct target *targets, int count, const char *measure)
{
    for (int i = 0; i < count; i++) {
        struct target *target = &targets[i];

        target->measure = measure;
        target->up = target->wants_login = false;
        target->used = target->fd >= 0;
        ask_stats(target);
        if (target->fd < 0)
            connect_target(target);
    }
}

bool
targets_go_on(struct target *targets, int count, long left_ms, int keys)
{
    struct pollfd polls[TARGETS_MAX + 1];
    bool any = false;

    for (int i = 0; i < count; i++) {
        short events = wanted(&targets[i]);

        polls[i] = (struct pollfd){events == 0 ? -1 : targets[i].fd, events, 0};
        any = any || events != 0;
    }
    polls[count] = (struct pollfd){keys, POLLIN, 0};
    if (!any || poll(polls, (nfds_t)count + 1, (int)left_ms) <= 0)
        return !any;
    for (int i = 0; i < count; i++) {
        struct target *target = &targets[i];

        if ((polls[i].revents & POLLOUT) != 0)
            on_writable(target);
        if ((polls[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && target->fd >= 0 &&
            !target->connecting)
            on_readable(target);
    }
    return false;
}

void
targets_end(struct target *targets, int count)
{
    for (int i = 0; i < count; i++)
        if (targets[i].stage != ASKING_NOTHING)
            give_up(&targets[i], "it does not answer");
}

/* --- One command --- */

/* Wait for EVENTS of FD. */
static bool
await(int fd, short events)
{
    struct pollfd one = {fd, events, 0};

    return poll(&one, 1, TARGET_WAIT_MS) == 1;
}

/* Send TEXT and take the first line of what is answered; false: none came. */
static bool
converse(int fd, const char *text, char *line, size_t bytes)
{
    size_t len = 0;

    if (!await(fd, POLLOUT) ||
        send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
        return false;
    do {
        ssize_t got = await(fd, POLLIN) ? recv(fd, line + len, bytes - 1 - len, 0) : -1;

        if (got <= 0)
            return false;
        len += (size_t)got;
        line[len] = '\0';
    } while (len < bytes - 1 && strchr(line, '\n') == NULL);
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

bool
target_command(const struct target *target, const char *command, char *answer, size_t bytes)
{
    const char *why = "it does not answer";
    int fd = dial(target->address, &why);
    char line[TARGET_TEXT_BYTES * 2];
    bool ok = fd >= 0;

    (void)snprintf(line, sizeof(line), "%s\r\n", command);
    if (ok && target->logged_in)
        ok = converse(fd, target->credentials->request, answer, bytes);
    ok = ok && converse(fd, line, answer, bytes);
    if (fd >= 0)
        (void)close(fd);
    if (!ok)
        (void)snprintf(answer, bytes, "%s", fd >= 0 ? "it does not answer" : why);
    return ok;
}
