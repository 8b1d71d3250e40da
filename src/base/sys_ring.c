/*
 * Many receives or sends in one system call, by io_uring: the one ring of this process.
 *
 *     sqes[]    one entry a transfer, filled here          tail: written here, read by the kernel
 *     cqes[]    one entry a result, filled by the kernel   head: written here, read by the kernel
 *
 * The kernel reads the entries only while io_uring_enter(2) runs, and MSG_DONTWAIT lets it make each
 * of them before that returns. So the buffers are ours again then, whatever has happened.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lombard/base/sys.h"
#include "ring_priv.h"

struct ring {
    int fd; /* -1: there is none */
    uint32_t *sq_head;
    uint32_t *sq_tail;
    uint32_t *cq_head;
    uint32_t *cq_tail;
    uint32_t sq_mask;
    uint32_t cq_mask;
    struct ring_sqe *sqes;
    struct ring_cqe *cqes;
    void *queues; /* one mapping of both rings of indices, and the cqes */
    size_t queues_bytes;
    size_t sqes_bytes;
    struct msghdr messages[SYS_MANY_MAX];
};

static struct ring ring = {.fd = -1};

/* --- Making it --- */

static void *
map_part(size_t bytes, uint64_t offset)
{
    void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd,
                     (off_t)offset);

    return mem == MAP_FAILED ? NULL : mem;
}

static bool
map_queues(const struct ring_params *params)
{
    size_t sq_bytes = params->sq_off.array + params->sq_entries * sizeof(uint32_t);
    size_t cq_bytes = params->cq_off.cqes + params->cq_entries * sizeof(struct ring_cqe);
    char *queues;
    uint32_t *array;

    ring.queues_bytes = sq_bytes > cq_bytes ? sq_bytes : cq_bytes;
    ring.sqes_bytes = params->sq_entries * sizeof(struct ring_sqe);
    ring.queues = queues = map_part(ring.queues_bytes, RING_OFF_QUEUES);
    ring.sqes = map_part(ring.sqes_bytes, RING_OFF_SQES);
    if (queues == NULL || ring.sqes == NULL)
        return false;
    ring.sq_head = (uint32_t *)(void *)(queues + params->sq_off.head);
    ring.sq_tail = (uint32_t *)(void *)(queues + params->sq_off.tail);
    ring.sq_mask = params->sq_entries - 1;
    ring.cq_head = (uint32_t *)(void *)(queues + params->cq_off.head);
    ring.cq_tail = (uint32_t *)(void *)(queues + params->cq_off.tail);
    ring.cq_mask = params->cq_entries - 1;
    ring.cqes = (struct ring_cqe *)(void *)(queues + params->cq_off.cqes);
    array = (uint32_t *)(void *)(queues + params->sq_off.array);
    for (uint32_t i = 0; i < params->sq_entries; i++)
        array[i] = i;
    return true;
}

static bool
change(unsigned what, void *arg, unsigned count)
{
    return syscall(SYS_io_uring_register, ring.fd, what, arg, count) == 0;
}

/* From here on it receives and sends; nothing can be registered, and no flag be set in an entry. */
static bool
restrict_and_enable(void)
{
    struct ring_restriction allowed[] = {
        {.opcode = RING_RESTRICTS_OP, .value = RING_OP_RECV},
        {.opcode = RING_RESTRICTS_OP, .value = RING_OP_SEND},
        {.opcode = RING_RESTRICTS_OP, .value = RING_OP_SENDMSG},
        {.opcode = RING_RESTRICTS_FLAGS_ALLOWED},
    };

    return change(RING_REGISTER_RESTRICTIONS, allowed, ARRAY_LEN(allowed)) &&
           change(RING_REGISTER_ENABLE, NULL, 0);
}

int
sys_ring_open(void)
{
    struct ring_params params = {.flags = RING_FLAGS};
    int err;

    if (ring.fd >= 0)
        return EBUSY;
    ring.fd = (int)syscall(SYS_io_uring_setup, SYS_MANY_MAX, &params);
    if (ring.fd < 0)
        return errno;
    if ((params.features & RING_FEAT_SINGLE_MMAP) != 0 && map_queues(&params) &&
        restrict_and_enable())
        return 0;
    err = errno != 0 ? errno : EINVAL;
    sys_ring_close();
    return err;
}

void
sys_ring_close(void)
{
    if (ring.fd < 0)
        return;
    if (ring.queues != NULL)
        (void)munmap(ring.queues, ring.queues_bytes);
    if (ring.sqes != NULL)
        (void)munmap(ring.sqes, ring.sqes_bytes);
    (void)close(ring.fd);
    memset(&ring, 0, sizeof(ring));
    ring.fd = -1;
}

/* --- Using it --- */

/* The entries are all zero but for what is set here. */
static void
put_entry(uint32_t at, uint8_t opcode, const struct sys_transfer *transfer, uint32_t index)
{
    struct ring_sqe *sqe = &ring.sqes[at & ring.sq_mask];

    sqe->opcode = opcode;
    sqe->fd = transfer->fd;
    sqe->msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    sqe->user_data = index;
    if (opcode == RING_OP_SENDMSG) {
        ring.messages[index].msg_iov = transfer->iov;
        ring.messages[index].msg_iovlen = (size_t)transfer->count;
        sqe->addr = (uintptr_t)&ring.messages[index];
        sqe->len = 1;
    } else {
        sqe->addr = (uintptr_t)transfer->iov->iov_base;
        sqe->len = (uint32_t)transfer->iov->iov_len;
    }
}

/* Results that are there. False: one is of none of COUNT transfers. */
static bool
take_results(struct sys_transfer *transfers, unsigned count, unsigned *left)
{
    uint32_t head = *ring.cq_head;
    uint32_t tail = __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE);
    bool good = true;

    for (; head != tail; head++) {
        const struct ring_cqe *cqe = &ring.cqes[head & ring.cq_mask];

        good = good && cqe->user_data<count && * left> 0;
        if (!good)
            continue;
        transfers[cqe->user_data].result = cqe->res;
        --*left;
    }
    __atomic_store_n(ring.cq_head, head, __ATOMIC_RELEASE);
    return good;
}

/* What was submitted and has no result, which cannot be: nothing more is known of it. */
static void
give_up(struct sys_transfer *transfers, unsigned submitted)
{
    for (unsigned i = 0; i < submitted; i++)
        if (transfers[i].result == SYS_NOT_MADE)
            transfers[i].result = -EIO;
}

/*
 * Until all have a result, which a call that is interrupted leaves open. What the kernel does not
 * take is taken back.
 */
static int
enter(struct sys_transfer *transfers, unsigned count)
{
    unsigned waiting = count; /* to be submitted */
    unsigned left = count;    /* without a result */
    int err = 0;

    while (left > 0 && err == 0) {
        long taken =
            syscall(SYS_io_uring_enter, ring.fd, waiting, left, RING_ENTER_GETEVENTS, NULL, 0);

        if (taken < 0 && errno != EINTR)
            err = errno;
        if (taken == 0 && waiting > 0)
            err = EPROTO;
        if (taken > 0)
            waiting -= (unsigned)taken;
        if (!take_results(transfers, count, &left))
            err = EPROTO;
    }
    if (LIKELY(err == 0))
        return 0;
    give_up(transfers, count - waiting);
    __atomic_store_n(ring.sq_tail, *ring.sq_tail - waiting, __ATOMIC_RELEASE);
    return err;
}

static int
make_many(struct sys_transfer *transfers, unsigned count, bool receive)
{
    uint32_t tail;

    for (unsigned i = 0; i < count; i++)
        transfers[i].result = SYS_NOT_MADE;
    if (ring.fd < 0)
        return EBADF;
    tail = *ring.sq_tail;
    for (unsigned i = 0; i < count; i++)
        put_entry(tail + i,
                  receive                  ? RING_OP_RECV
                  : transfers[i].count > 1 ? RING_OP_SENDMSG
                                           : RING_OP_SEND,
                  &transfers[i], i);
    __atomic_store_n(ring.sq_tail, tail + count, __ATOMIC_RELEASE);
    return enter(transfers, count);
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
