/* The simulated ring: transfers in any order, each as the plain call would be made; and its end. */
#include <errno.h>
#include <sys/uio.h>

#include "lombard/base/sys.h"

#include "sim_priv.h"

int
sys_ring_open(void)
{
    int err = sim_refusal(SIM_RING_OPEN);

    if (world.ring != RING_NONE)
        sim_die("a second ring");
    if (err == 0)
        world.ring = RING_WORKS;
    sim_trace(sim_call_name(SIM_RING_OPEN), 0, 0, -err, err);
    return err;
}

void
sys_ring_close(void)
{
    world.ring = RING_NONE;
}

/* Numbers 0 to COUNT - 1 in an order of chance. */
static void
shuffle(unsigned *order, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned j = sim_below(i + 1);

        order[i] = order[j];
        order[j] = i;
    }
}

static void
make(struct sys_transfer *transfer, bool receive)
{
    const struct iovec *iov = transfer->iov;

    if (receive)
        transfer->result = sys_recv(transfer->fd, iov->iov_base, iov->iov_len);
    else if (transfer->count == 1)
        transfer->result = sys_send(transfer->fd, iov->iov_base, iov->iov_len);
    else
        transfer->result = sys_sendmsg(transfer->fd, iov, transfer->count);
    if (transfer->result < 0)
        transfer->result = -errno;
}

static int
make_many(struct sys_transfer *transfers, unsigned count, bool receive)
{
    unsigned order[SYS_MANY_MAX];
    unsigned made = count;
    int err = sim_refusal(SIM_RING);

    if (count == 0 || count > SYS_MANY_MAX)
        sim_die("%u transfers in one call", count);
    if (world.ring != RING_WORKS)
        sim_die("a ring is used that is not there");
    for (unsigned i = 0; i < count; i++)
        transfers[i].result = SYS_NOT_MADE;
    if (err != 0) {
        world.ring = RING_BROKEN;
        made = sim_below(count + 1);
    }
    sim_trace(sim_call_name(SIM_RING), count, receive, made, err);
    shuffle(order, count);
    for (unsigned i = 0; i < made; i++)
        make(&transfers[order[i]], receive);
    return err;
}

int
sys_recv_many(struct sys_transfer *transfers, unsigned count)
{
    return make_many(transfers, count, true);
}

int
sys_send_many(struct sys_transfer *transfers, unsigned count)
{
    return make_many(transfers, count, false);
}

/* --- Two processes --- */

void
sim_other_process(void)
{
    enum ring_state ring = world.ring;

    world.ring = world.other_ring;
    world.other_ring = ring;
}
