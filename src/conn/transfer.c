/* Makes the transfers of a group: by the ring where there is one and it pays, else one by one. */
#include "transfer.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "limits.h"
#include "lombard/base/log.h"

void
transfer_open(struct transfers *transfers, bool wanted)
{
    *transfers = (struct transfers){.on = false};
    if (!wanted)
        return;
    transfers->error = sys_ring_open();
    transfers->on = transfers->error == 0;
    if (!transfers->on)
        log_line(LOG_INFO, "no batched input and output: io_uring: %s",
                 strerror(transfers->error));
}

void
transfer_close(struct transfers *transfers)
{
    if (transfers->on)
        sys_ring_close();
    transfers->on = false;
}

static void
make_plain(enum transfer_kind kind, struct sys_transfer *transfer)
{
    const struct iovec *iov = transfer->iov;

    if (kind == TRANSFER_RECEIVE)
        transfer->result = sys_recv(transfer->fd, iov->iov_base, iov->iov_len);
    else if (transfer->count == 1)
        transfer->result = sys_send(transfer->fd, iov->iov_base, iov->iov_len);
    else
        transfer->result = sys_sendmsg(transfer->fd, iov, transfer->count);
    if (transfer->result < 0)
        transfer->result = -errno;
}

/* The ring is given up, for good: what has broken it may break it again at any time. */
static __attribute__((cold, noinline)) void
fail(struct transfers *transfers, int err)
{
    transfers->failures++;
    transfers->error = err;
    transfer_close(transfers);
    log_line(LOG_WARN, "io_uring failed: %s; input and output go on by plain calls",
             strerror(err));
}

/* True when all were made. */
static bool
make_batch(struct transfers *transfers, enum transfer_kind kind, struct sys_transfer *list,
           unsigned count)
{
    int err;

    transfers->batches++;
    if (kind == TRANSFER_RECEIVE) {
        transfers->batched_receives += count;
        err = sys_recv_many(list, count);
    } else {
        transfers->batched_sends += count;
        err = sys_send_many(list, count);
    }
    if (LIKELY(err == 0))
        return true;
    fail(transfers, err);
    return false;
}

void
transfer_many(struct transfers *transfers, enum transfer_kind kind, struct sys_transfer *list,
              unsigned count)
{
    unsigned least =
        kind == TRANSFER_RECEIVE ? DRAWN(RING_RECEIVES_MIN) : DRAWN(RING_SENDS_MIN);
    bool tried = transfers->on && count >= least;

    if (tried && make_batch(transfers, kind, list, count))
        return;
    for (unsigned i = 0; i < count; i++)
        if (!tried || list[i].result == SYS_NOT_MADE)
            make_plain(kind, &list[i]);
}

/* --- Statistics; the record is the struct transfers --- */

/* Of `stats settings`: what --batch-io came to. */
static void
get_state(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct transfers *transfers = record;

    if (transfers->on)
        stat_put_text(value, "io_uring");
    else if (transfers->error == 0)
        stat_put_text(value, "off");
    else
        stat_printf(value, "plain calls (io_uring: %s)", strerror(transfers->error));
}

static const struct stat_entry setting_entries[] = {
    {"batch_io_in_force", STAT_TEXT, UNIT_NONE, "How groups of connections receive and send.",
     get_state, 0},
};

const struct stat_section transfer_setting_stats = {setting_entries, ARRAY_LEN(setting_entries),
                                                    NULL, "", NULL};

#define COUNT(name, field, help)                                                               \
    {                                                                                          \
        name, STAT_COUNTER, UNIT_EVENTS, help, stat_get_u64, offsetof(struct transfers, field) \
    }

static const struct stat_entry entries[] = {
    COUNT("io_batches", batches, "System calls that received or sent for many connections."),
    COUNT("io_batched_receives", batched_receives, "Receives that were made by these."),
    COUNT("io_batched_sends", batched_sends, "Sends that were made by these."),
    COUNT("io_batch_failures", failures, "Times that io_uring failed: then it is given up."),
};

#undef COUNT

static void
reset(void *ctx)
{
    stat_reset_counters(entries, ARRAY_LEN(entries), ctx);
}

const struct stat_section transfer_stats = {entries, ARRAY_LEN(entries), NULL, "", reset};
