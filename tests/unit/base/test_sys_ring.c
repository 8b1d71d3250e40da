/* The ring, on real sockets; and the one system call that uses it, as it may fail. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "leak.h"
#include "lombard/base/sys.h"
#include "ring_priv.h"

/* What ours says of the kernel's interface, against the kernel's own header. */
#define SAME_SIZE(name)                                                                        \
    _Static_assert(sizeof(struct ring_##name) == sizeof(struct io_uring_##name), #name)
#define SAME_PLACE(name, field, theirs)                                                        \
    _Static_assert(offsetof(struct ring_##name, field) ==                                      \
                       offsetof(struct io_uring_##name, theirs),                               \
                   #field)
SAME_SIZE(sqe);
SAME_SIZE(cqe);
SAME_SIZE(params);
SAME_SIZE(restriction);
SAME_PLACE(sqe, fd, fd);
SAME_PLACE(sqe, addr, addr);
SAME_PLACE(sqe, len, len);
SAME_PLACE(sqe, msg_flags, msg_flags);
SAME_PLACE(sqe, user_data, user_data);
SAME_PLACE(cqe, res, res);
SAME_PLACE(params, flags, flags);
SAME_PLACE(params, features, features);
SAME_PLACE(params, sq_off.array, sq_off.array);
SAME_PLACE(params, cq_off.cqes, cq_off.cqes);
SAME_PLACE(restriction, value, sqe_op);
_Static_assert((int)RING_OP_SENDMSG == (int)IORING_OP_SENDMSG, "sendmsg");
_Static_assert((int)RING_OP_SEND == (int)IORING_OP_SEND, "send");
_Static_assert((int)RING_OP_RECV == (int)IORING_OP_RECV, "recv");
_Static_assert((int)RING_REGISTER_RESTRICTIONS == (int)IORING_REGISTER_RESTRICTIONS,
               "restrictions");
_Static_assert((int)RING_REGISTER_ENABLE == (int)IORING_REGISTER_ENABLE_RINGS, "enable");
_Static_assert((int)RING_RESTRICTS_OP == (int)IORING_RESTRICTION_SQE_OP, "operation");
_Static_assert((int)RING_RESTRICTS_FLAGS_ALLOWED == (int)IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
               "flags");
_Static_assert((int)RING_DISABLED == (int)IORING_SETUP_R_DISABLED, "disabled");
_Static_assert((uint64_t)RING_OFF_SQES == IORING_OFF_SQES &&
                   RING_OFF_QUEUES == IORING_OFF_SQ_RING,
               "offsets");
_Static_assert((unsigned)RING_FEAT_SINGLE_MMAP == IORING_FEAT_SINGLE_MMAP, "one mapping");
_Static_assert((unsigned)RING_ENTER_GETEVENTS == IORING_ENTER_GETEVENTS, "wait");

enum { PAIRS = SYS_MANY_MAX, ROOM = 64 };

/* --- Instead of libc's: io_uring_enter() as the kernel may answer it --- */

static int enter_error;     /* this is its answer, once, */
static unsigned enter_most; /* or, for this once, it takes no more than so many; 0: all */
static bool forbid_setup;
static unsigned enters;

static long
pass(long number, const long *arg)
{
    static long (*real)(long, ...);
    void *found;

    if (real == NULL) {
        found = dlsym(RTLD_NEXT, "syscall");
        memcpy(&real, &found, sizeof(real));
    }
    return real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

long
syscall(long number, ...)
{
    va_list args;
    long arg[6];

    va_start(args, number);
    for (int i = 0; i < 6; i++)
        arg[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_io_uring_setup && forbid_setup) {
        errno = EPERM;
        return -1;
    }
    if (number != SYS_io_uring_enter)
        return pass(number, arg);
    enters++;
    if (enter_most > 0 && (unsigned long)arg[1] > enter_most) {
        arg[1] = arg[2] = (long)enter_most;
        enter_most = 0;
    } else if (enter_error != 0) {
        errno = enter_error;
        enter_error = 0;
        return -1;
    }
    return pass(number, arg);
}

/* --- The sockets --- */

static int ours[PAIRS], theirs[PAIRS];
static char bytes[PAIRS][ROOM];
static struct iovec iov[PAIRS][2];
static struct sys_transfer transfers[PAIRS];

static void
setup(void)
{
    enter_error = 0;
    enter_most = 0;
    enters = 0;
    forbid_setup = false;
    memset(bytes, 0, sizeof(bytes));
    for (int i = 0; i < PAIRS; i++) {
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        ours[i] = pair[0];
        theirs[i] = pair[1];
        iov[i][0] = (struct iovec){bytes[i], ROOM / 2};
        iov[i][1] = (struct iovec){bytes[i] + ROOM / 2, ROOM / 2};
        transfers[i] = (struct sys_transfer){.fd = ours[i], .count = 1, .iov = iov[i]};
    }
}

static void
teardown(void)
{
    sys_ring_close();
    for (int i = 0; i < PAIRS; i++) {
        (void)close(ours[i]);
        (void)close(theirs[i]);
    }
}

/* False where this kernel, or this container, has no ring: nothing to test then. */
static bool
open_ring(void)
{
    int err = sys_ring_open();

    if (err != 0)
        printf("no io_uring here: %s\n", strerror(err));
    return err == 0;
}

static void
say(int i, const char *text)
{
    ck_assert_int_eq((int)send(theirs[i], text, strlen(text), 0), (int)strlen(text));
}

START_TEST(receives_all)
{
    if (!open_ring())
        return;
    for (int i = 0; i < PAIRS; i++)
        say(i, i % 2 == 0 ? "even" : "odd");
    ck_assert_int_eq(sys_recv_many(transfers, PAIRS), 0);
    for (int i = 0; i < PAIRS; i++) {
        ck_assert_int_eq((int)transfers[i].result, i % 2 == 0 ? 4 : 3);
        ck_assert_str_eq(bytes[i], i % 2 == 0 ? "even" : "odd");
    }
    ck_assert_uint_eq(enters, 1);
}
END_TEST

START_TEST(each_has_its_own_result)
{
    if (!open_ring())
        return;
    say(0, "x");
    (void)close(theirs[2]);
    theirs[2] = -1;
    transfers[3].fd = -1;
    ck_assert_int_eq(sys_recv_many(transfers, 5), 0);
    ck_assert_int_eq((int)transfers[0].result, 1);
    ck_assert_int_eq((int)transfers[1].result, -EAGAIN);
    ck_assert_int_eq((int)transfers[2].result, 0);
    ck_assert_int_eq((int)transfers[3].result, -EBADF);
    ck_assert_int_eq((int)transfers[4].result, -EAGAIN);
    ck_assert_int_eq(sys_send_many(transfers, 3), 0);
    ck_assert_int_eq((int)transfers[0].result, ROOM / 2);
    ck_assert_int_eq((int)transfers[2].result, -EPIPE); /* and no signal */
}
END_TEST

/* More often than the queues are long; with one piece, and with two. */
START_TEST(sends_again_and_again)
{
    char got[ROOM];

    if (!open_ring())
        return;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < PAIRS; i++) {
            memset(bytes[i], 'a' + round, ROOM);
            transfers[i].count = 1 + i % 2;
        }
        ck_assert_int_eq(sys_send_many(transfers, PAIRS - 1), 0);
        for (int i = 0; i < PAIRS - 1; i++) {
            int want = ROOM / 2 * transfers[i].count;

            ck_assert_int_eq((int)transfers[i].result, want);
            ck_assert_int_eq((int)recv(theirs[i], got, sizeof(got), 0), want);
            ck_assert_int_eq(got[want - 1], 'a' + round);
        }
    }
    ck_assert_int_eq((int)recv(theirs[PAIRS - 1], got, sizeof(got), 0), -1);
}
END_TEST

START_TEST(a_full_socket_takes_a_part)
{
    static char much[4 * 1024 * 1024];

    if (!open_ring())
        return;
    iov[0][0] = (struct iovec){much, sizeof(much)};
    ck_assert_int_eq(sys_send_many(transfers, 2), 0);
    ck_assert_int_gt((int)transfers[0].result, 0);
    ck_assert_int_lt((int)transfers[0].result, (int)sizeof(much));
    ck_assert_int_eq(sys_send_many(transfers, 2), 0);
    ck_assert_int_eq((int)transfers[0].result, -EAGAIN);
    ck_assert_int_eq((int)transfers[1].result, ROOM / 2);
}
END_TEST

/* The kernel takes three of eight, or is interrupted: the call goes on. */
START_TEST(what_is_not_taken_is_offered_again)
{
    if (!open_ring())
        return;
    for (int i = 0; i < 8; i++)
        say(i, "x");
    enter_most = 3;
    ck_assert_int_eq(sys_recv_many(transfers, 8), 0);
    enter_error = EINTR;
    ck_assert_int_eq(sys_send_many(transfers, 8), 0);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq((int)transfers[i].result, ROOM / 2);
    ck_assert_uint_eq(enters, 4);
}
END_TEST

/* What was not made is said so, and will not be made later. */
START_TEST(a_broken_ring_makes_nothing_more)
{
    char got[ROOM];

    if (!open_ring())
        return;
    enter_most = 3;
    enter_error = ENOMEM;
    ck_assert_int_eq(sys_send_many(transfers, 8), ENOMEM);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq((int)transfers[i].result, i < 3 ? ROOM / 2 : SYS_NOT_MADE);
    transfers[20].result = 0;
    ck_assert_int_eq(sys_recv_many(&transfers[20], 1), 0); /* nothing of it is left inside */
    ck_assert_int_eq((int)transfers[20].result, -EAGAIN);
    for (int i = 3; i < 8; i++)
        ck_assert_int_eq((int)recv(theirs[i], got, sizeof(got), 0), -1);
}
END_TEST

START_TEST(without_a_ring)
{
    forbid_setup = true;
    ck_assert_int_eq(sys_ring_open(), EPERM);
    ck_assert_int_eq(sys_recv_many(transfers, 2), EBADF);
    ck_assert_int_eq((int)transfers[1].result, SYS_NOT_MADE);
    sys_ring_close();
}
END_TEST

START_TEST(there_is_one)
{
    if (!open_ring())
        return;
    ck_assert_int_eq(sys_ring_open(), EBUSY);
    sys_ring_close();
    sys_ring_close();
    ck_assert_int_eq(sys_ring_open(), 0);
}
END_TEST

/* The descriptor of the ring, as who has taken the process over would find it. */
static int
find_ring(void)
{
    char path[64], name[64];

    for (int fd = 0; fd < 1024; fd++) {
        ssize_t len;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        len = readlink(path, name, sizeof(name) - 1);
        if (len > 0 && memcmp(name, "anon_inode:[io_uring]", 21) == 0)
            return fd;
    }
    return -1;
}

START_TEST(nothing_can_be_registered)
{
    int files[1] = {0};

    if (!open_ring())
        return;
    ck_assert_int_ge(find_ring(), 0);
    ck_assert_int_eq(
        (int)syscall(SYS_io_uring_register, find_ring(), IORING_REGISTER_FILES, files, 1), -1);
    ck_assert_int_eq(errno, EACCES);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("sys_ring");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, receives_all);
    tcase_add_test(tc, each_has_its_own_result);
    tcase_add_test(tc, sends_again_and_again);
    tcase_add_test(tc, a_full_socket_takes_a_part);
    tcase_add_test(tc, what_is_not_taken_is_offered_again);
    tcase_add_test(tc, a_broken_ring_makes_nothing_more);
    tcase_add_test(tc, without_a_ring);
    tcase_add_test(tc, there_is_one);
    tcase_add_test(tc, nothing_can_be_registered);
    return leak_run(tc, "sys_ring");
}
