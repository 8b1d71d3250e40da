#ifndef LOMBARD_BASE_RING_PRIV_H
#define LOMBARD_BASE_RING_PRIV_H
/*
 * What the kernel and a process share of an io_uring, as far as sys_ring.c uses it: io_uring_setup(2),
 * io_uring_enter(2) and io_uring_register(2), Linux 6.1. Not from the kernel's headers, which libraries other
 * than glibc come without, and of which older ones lack a part; the test compares the two.
 */
#include <stdint.h>

enum {
    RING_DISABLED = 1U << 6,       /* IORING_SETUP_R_DISABLED: until what it may do is said */
    RING_SUBMIT_ALL = 1U << 7,     /* one that fails does not keep back the ones behind it */
    RING_SINGLE_ISSUER = 1U << 12, /* only this thread may use it */
    RING_DEFER_TASKRUN = 1U << 13,
    RING_FLAGS = RING_DISABLED | RING_SUBMIT_ALL | RING_SINGLE_ISSUER | RING_DEFER_TASKRUN,

    RING_FEAT_SINGLE_MMAP = 1U << 0,
    RING_ENTER_GETEVENTS = 1U << 0,
    RING_OFF_QUEUES = 0,
    RING_OFF_SQES = 0x10000000,
};

enum ring_op { RING_OP_SENDMSG = 9, RING_OP_SEND = 26, RING_OP_RECV = 27 };

enum ring_register { RING_REGISTER_RESTRICTIONS = 11, RING_REGISTER_ENABLE = 12 };

enum ring_restricts { RING_RESTRICTS_OP = 1, RING_RESTRICTS_FLAGS_ALLOWED = 2 };

/* A transfer to make: 64 bytes. */
struct ring_sqe {
    uint8_t opcode; /* enum ring_op */
    uint8_t flags;
    uint16_t ioprio;
    int32_t fd;
    uint64_t off;
    uint64_t addr;
    uint32_t len;
    uint32_t msg_flags;
    uint64_t user_data; /* comes back in its result */
    uint64_t unused[3];
};

/* The result of one. */
struct ring_cqe {
    uint64_t user_data;
    int32_t res; /* as the system call's, or a negative errno */
    uint32_t flags;
};

/* Where in the queues' memory the parts are, in bytes. */
struct ring_sq_offsets {
    uint32_t head, tail, ring_mask, ring_entries, flags, dropped, array, reserved;
    uint64_t user_addr;
};

struct ring_cq_offsets {
    uint32_t head, tail, ring_mask, ring_entries, overflow, cqes, flags, reserved;
    uint64_t user_addr;
};

struct ring_params {
    uint32_t sq_entries; /* the kernel's answer, as all but flags */
    uint32_t cq_entries;
    uint32_t flags;
    uint32_t sq_thread_cpu;
    uint32_t sq_thread_idle;
    uint32_t features;
    uint32_t wq_fd;
    uint32_t reserved[3];
    struct ring_sq_offsets sq_off;
    struct ring_cq_offsets cq_off;
};

struct ring_restriction {
    uint16_t opcode; /* enum ring_restricts */
    uint8_t value;
    uint8_t reserved;
    uint32_t reserved2[3];
};

#endif
