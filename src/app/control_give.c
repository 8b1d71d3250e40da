/* Gives everything to a process that is to take this one's place: first what may go while clients are served. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "control_image.h"
#include "control_priv.h"
#include "lombard/base/invariant.h"
#include "lombard/base/log.h"
#include "lombard/base/sys.h"
#include "lombard/conn/handover.h"
#include "passing.h"
#include "process.h"

_Static_assert((int)OFFER_MAX == (int)PASS_FDS_MAX, "an offer is a message");

/* --- While clients are served --- */

static const char *
why_not_now(const struct process *p)
{
    if (invariants()->broken > 0)
        return "an internal error was found here, and is not to be handed on";
    return server_is_stopping(p->server) ? "it is shutting down" : NULL;
}

const char *
control_offer(struct process *p)
{
    struct pass_message message = pass_message(PASS_OFFER, NULL);
    struct control *control = &p->control;
    struct image image = {.len = 0};
    struct pass_fds fds;
    const char *why = why_not_now(p);

    timer_cancel(&control->image_end);
    if (why == NULL)
        why = control_image_offer(p, &image, &fds);
    if (why == NULL && !control_image_write(control->image_fd, &image, 0))
        why = "its image cannot be written";
    message.image_bytes = image.len;
    control->image_off =
        (image.len + PASS_IMAGE_ALIGN - 1) / PASS_IMAGE_ALIGN * PASS_IMAGE_ALIGN;
    control->cursor = 0;
    if (why == NULL &&
        pass_send(control->peer.fd, &message, fds.fd, fds.count, pass_until_ns(0)) != PASS_GOT)
        why = "it takes no descriptors";
    image_fini(&image);
    return why;
}

enum pass_result
control_send_early(struct process *p, bool *last)
{
    struct pass_message message = pass_message(PASS_EARLY, NULL);
    struct control *control = &p->control;
    uint64_t cursor = control->cursor;
    struct offer offer;
    enum pass_result result;

    message.fd_count = server_offer(p->server, &cursor, &offer);
    memcpy(message.ids, offer.ids, offer.count * sizeof(offer.ids[0]));
    result =
        pass_send(control->peer.fd, &message, offer.fds, (int)offer.count, pass_until_ns(0));
    if (result != PASS_GOT)
        return result;
    control->cursor = cursor;
    *last = message.fd_count == 0;
    return result;
}

/* --- While no client is served --- */

static const char *
why_not(enum pass_result result)
{
    switch (result) {
    case PASS_GOT: return NULL;
    case PASS_CLOSED: return "it has ended";
    case PASS_LATE: return "it took too long";
    case PASS_FAILED: break;
    }
    return strerror(errno);
}

static const char *
send_all(int fd, const struct handover *out, size_t image_bytes, uint64_t until_ns)
{
    struct pass_message message = pass_message(PASS_STATE, NULL);
    uint32_t sent = 0;

    message.image_bytes = image_bytes;
    message.fd_count = out->count;
    do {
        uint32_t left = out->count - sent;
        int count = (int)(left < PASS_FDS_MAX ? left : PASS_FDS_MAX);
        enum pass_result result = pass_send(fd, &message, out->fds + sent, count, until_ns);

        if (result != PASS_GOT)
            return why_not(result);
        sent += (uint32_t)count;
        message.kind = PASS_MORE;
    } while (sent < out->count);
    return NULL;
}

/* It has said yes: NULL. */
static const char *
hear_yes(int fd, uint64_t until_ns, char *text, size_t bytes)
{
    struct pass_message answer;
    enum pass_result result = pass_receive(fd, &answer, NULL, until_ns);

    if (result != PASS_GOT)
        return why_not(result);
    if (answer.kind == PASS_YES)
        return NULL;
    (void)log_escape(text, bytes,
                     slice_make(answer.text, strnlen(answer.text, PASS_TEXT_BYTES)));
    return answer.kind == PASS_NO ? text : "it said what is no answer";
}

/* Whatever it has answered, or not: NULL when everything is its own. */
static const char *
give(struct process *p, struct handover *out, struct image *image, char *text, size_t bytes)
{
    uint64_t begun_ns = sys_monotonic_ns();
    uint64_t until_ns = pass_until_ns(PASS_PAUSE_MS);
    int fd = p->control.peer.fd;
    uint64_t lease;
    const char *why = control_image_describe(p, begun_ns, out, image, &lease);

    if (why != NULL)
        return why;
    if (!control_image_write(p->control.image_fd, image, p->control.image_off))
        why = "its image cannot be written";
    if (why == NULL)
        why = send_all(fd, out, image->len, until_ns);
    if (why == NULL)
        why = hear_yes(fd, until_ns, text, bytes);
    if (!store_claim(p->store, lease))
        return NULL;
    return why != NULL ? why : "it said yes to what it has not taken";
}

const char *
control_give(struct process *p, char *text, size_t bytes)
{
    struct handover out = {.early = true};
    struct image image = {.len = 0};
    const char *why = why_not_now(p);

    if (why != NULL)
        return why;
    why = "no memory";
    out.fds = sys_malloc((server_descriptor_count(p->server) + 1) * sizeof(int));
    if (out.fds != NULL)
        why = give(p, &out, &image, text, bytes);
    image_fini(&image);
    sys_free(out.fds);
    return why;
}
