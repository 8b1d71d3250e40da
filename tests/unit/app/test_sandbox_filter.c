/* The filter as a program, run here instead of in the kernel: every number, and arguments at edges. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "leak.h"
#include "lombard/base/sys.h"
#include "sandbox_filter.h"
#include "sealed.h"

#ifdef SANDBOX_ARCH

enum { CALLS = 1024 };

/* struct seccomp_data */
struct data {
    int32_t call;
    uint32_t arch;
    uint64_t at;
    uint64_t args[6];
};

static struct filter filter;
static struct sandbox sandbox;
static const char *passwords, *log_path, *pid_name, *manager;

static uint32_t
run(const struct data *data)
{
    uint32_t a = 0;

    for (size_t i = 0; i < filter.count; i++) {
        const struct bpf_step *s = filter.steps + i;
        bool jumps = false;

        switch (s->code) {
        case BPF_LOAD: memcpy(&a, (const char *)data + s->k, sizeof(a)); continue;
        case BPF_RETURN: return s->k;
        case BPF_JUMP_EQUAL: jumps = a == s->k; break;
        case BPF_JUMP_GREATER: jumps = a > s->k; break;
        case BPF_JUMP_ANY_BIT: jumps = (a & s->k) != 0; break;
        default: ck_abort_msg("step %zu", i);
        }
        i += jumps ? s->jump_true : s->jump_false;
    }
    ck_abort_msg("it has no end");
}

static uint32_t
result_of(long call, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    struct data data = {(int32_t)call, SANDBOX_ARCH, 0, {a, b, c, d, e, 0}};

    return run(&data);
}

static uint64_t
at(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

static void
setup(void)
{
    passwords = sealed_path("/etc/users");
    log_path = sealed_path("/var/log/lombard.log");
    pid_name = sealed_text("pid");
    manager = sealed_text("address");
    sandbox_init(&sandbox);
    sandbox_add(&sandbox, SANDBOX_READ, -1, passwords);
    sandbox_add(&sandbox, SANDBOX_APPEND, -1, log_path);
    sandbox_add(&sandbox, SANDBOX_REMOVE, 7, pid_name);
    sandbox.notify_fd = 5;
    sandbox.notify_address = manager;
    sandbox.null_fd = 6;
    filter_build(&filter, &sandbox);
}

/* What the lists say of each number. */
enum verdict { VERDICT_UNKNOWN, VERDICT_ALLOWED, VERDICT_CASES, VERDICT_DEADLY };

static void
note(enum verdict verdicts[CALLS], long call, enum verdict verdict)
{
    ck_assert_int_lt(call, CALLS);
    ck_assert_int_eq(verdicts[call], VERDICT_UNKNOWN); /* no call has two lines */
    verdicts[call] = verdict;
}

#define NO_SUCH_CALL(name) (SYS_##name < 0)
#ifndef SYS_epoll_wait
#define SYS_epoll_wait (-1)
#endif
#ifndef SYS_poll
#define SYS_poll (-1)
#endif
#ifndef SYS_time
#define SYS_time (-1)
#endif
#ifndef SYS_fork
#define SYS_fork (-1)
#endif
#ifndef SYS_vfork
#define SYS_vfork (-1)
#endif

START_TEST(each_number_is_as_the_list_says)
{
    enum verdict verdicts[CALLS] = {VERDICT_UNKNOWN};

#define NOTE(call, verdict)                                                                    \
    if (!NO_SUCH_CALL(call))                                                                   \
        note(verdicts, SYS_##call, verdict);
#define ALLOW(call, seen)        NOTE(call, VERDICT_ALLOWED)
#define CASES(call, seen, cases) NOTE(call, VERDICT_CASES)
#define DEADLY(call)             NOTE(call, VERDICT_DEADLY)
#include "sandbox_calls.def"
    for (int call = 0; call < CALLS; call++) {
        /* Arguments that no case allows; of mmap() and mprotect(), not executable. */
        uint32_t got =
            result_of(call, 0, 1, UINT32_MAX & ~(uint32_t)PROT_EXEC, UINT64_MAX, UINT64_MAX);

        switch (verdicts[call]) {
        case VERDICT_UNKNOWN: ck_assert_uint_eq(got, RETURN_TRAP | ENOSYS); break;
        case VERDICT_ALLOWED: ck_assert_uint_eq(got, RETURN_ALLOW); break;
        case VERDICT_CASES:
            ck_assert_msg(call == SYS_sendmsg || got == (RETURN_TRAP | EPERM), "%d", call);
            break;
        case VERDICT_DEADLY: ck_assert_uint_eq(got, RETURN_KILL); break;
        }
    }
}
END_TEST

START_TEST(other_architectures_are_killed)
{
    struct data data = {.call = SYS_read, .arch = 0x40000003};

    ck_assert_uint_eq(run(&data), RETURN_KILL);
#if defined(__x86_64__)
    ck_assert_uint_eq(result_of(0x40000000, 0, 0, 0, 0, 0), RETURN_KILL);
    ck_assert_uint_eq(result_of(-1, 0, 0, 0, 0, 0), RETURN_KILL);
#endif
}
END_TEST

#define CWD ((uint64_t)(uint32_t)AT_FDCWD)

/* Each with what is right, and with one bit of it wrong. */
START_TEST(cases_are_exact)
{
    const struct {
        long call;
        uint64_t args[5];
        uint32_t
            exact; /* bits: these arguments are compared whole; others by their lower half */
        uint32_t half;
    } cases[] = {
        {SYS_openat, {CWD, at(passwords), SANDBOX_READ_FLAGS, 0, 0}, 2, 5},
        {SYS_openat, {CWD, at(log_path), SANDBOX_APPEND_FLAGS, 0600, 0}, 2, 5},
        {SYS_unlinkat, {7, at(pid_name), 0, 0, 0}, 2, 5},
        {SYS_sendto, {5, 1, 1, 0, at(manager)}, 16, 1},
        {SYS_sendto, {9, 1, 1, 0, 0}, 16, 0},
        {SYS_setsockopt, {9, SOL_SOCKET, SO_SNDBUF, 0, 0}, 0, 6},
        /* Of the names that one bit makes of these, two are among them. */
        {SYS_setsockopt, {9, IPPROTO_TCP, TCP_KEEPIDLE, 0, 0}, 0, 2},
        {SYS_setsockopt, {9, IPPROTO_TCP, TCP_KEEPINTVL, 0, 0}, 0, 2},
        {SYS_setsockopt, {9, IPPROTO_TCP, TCP_KEEPCNT, 0, 0}, 0, 2},
        {SYS_ioctl, {9, SYS_EPOLL_BUSY_POLL, 0, 0, 0}, 0, 2},
        {SYS_dup3, {6, STDERR_FILENO, 0, 0, 0}, 0, 3},
        {SYS_mmap, {0, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0}, 0, 0},
        {SYS_tgkill, {(uint64_t)getpid(), 1, SIGABRT, 0, 0}, 0, 5},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const uint64_t *a = cases[i].args;

        ck_assert_msg(result_of(cases[i].call, a[0], a[1], a[2], a[3], a[4]) == RETURN_ALLOW,
                      "case %zu", i);
        for (uint32_t bit = 0; bit < 5 * 64; bit++) {
            uint64_t wrong[5];
            uint32_t argument = bit / 64;
            bool matters = (cases[i].exact >> argument & 1) != 0 ||
                           ((cases[i].half >> argument & 1) != 0 && bit % 64 < 32);

            memcpy(wrong, a, sizeof(wrong));
            wrong[argument] ^= UINT64_C(1) << bit % 64;
            if (matters)
                ck_assert_msg(result_of(cases[i].call, wrong[0], wrong[1], wrong[2], wrong[3],
                                        wrong[4]) == (RETURN_TRAP | EPERM),
                              "case %zu, argument %u, bit %u", i, argument, bit % 64);
        }
    }
}
END_TEST

START_TEST(memory_is_as_it_must_be)
{
    const uint64_t private_memory = MAP_PRIVATE | MAP_ANONYMOUS;

    ck_assert_uint_eq(result_of(SYS_mmap, 0, 1, PROT_EXEC, private_memory, 0), RETURN_KILL);
    ck_assert_uint_eq(result_of(SYS_mprotect, UINT64_MAX, 1, PROT_READ | PROT_EXEC, 0, 0),
                      RETURN_KILL);
    ck_assert_uint_eq(result_of(SYS_mmap, 0, 1, 0, private_memory | MAP_NORESERVE, 0),
                      RETURN_ALLOW);
    ck_assert_uint_eq(result_of(SYS_mmap, 0, 1, 0, private_memory | MAP_FIXED, 0),
                      RETURN_TRAP | EPERM);
    ck_assert_uint_eq(result_of(SYS_mmap, 0, 1, 0, MAP_PRIVATE, 0), RETURN_TRAP | EPERM);
    if (!sealed_is_below())
        return;
    for (size_t i = 0; i < 3; i++) {
        const long calls[] = {SYS_munmap, SYS_madvise, SYS_mprotect};

        ck_assert_uint_eq(result_of(calls[i], SEALED_AT, 1, 0, 0, 0), RETURN_TRAP | EPERM);
        ck_assert_uint_eq(result_of(calls[i], 0, UINT64_MAX, 0, 0, 0), RETURN_TRAP | EPERM);
        ck_assert_uint_eq(result_of(calls[i], SEALED_AT | UINT32_MAX, 1, 0, 0, 0),
                          RETURN_TRAP | EPERM);
        ck_assert_uint_eq(result_of(calls[i], SEALED_AT * 2, 1, 0, 0, 0), RETURN_ALLOW);
    }
}
END_TEST

START_TEST(the_managers_socket_sends_by_sendto_alone)
{
    ck_assert_uint_eq(result_of(SYS_sendmsg, 5, 0, 0, 0, 0), RETURN_TRAP | EPERM);
    ck_assert_uint_eq(result_of(SYS_sendmsg, 4, 0, 0, 0, 0), RETURN_ALLOW);
}
END_TEST

/* What was not named at the start is not there later. */
START_TEST(without_options_no_file_is_opened)
{
    sandbox_init(&sandbox);
    filter_build(&filter, &sandbox);
    ck_assert_uint_eq(result_of(SYS_openat, CWD, at(passwords), SANDBOX_READ_FLAGS, 0, 0),
                      RETURN_TRAP | EPERM);
    ck_assert_uint_eq(result_of(SYS_unlinkat, 7, at(pid_name), 0, 0, 0), RETURN_TRAP | EPERM);
    ck_assert_uint_eq(result_of(SYS_dup3, 6, STDERR_FILENO, 0, 0, 0), RETURN_TRAP | EPERM);
    ck_assert_uint_eq(result_of(SYS_sendto, 5, 0, 0, 0, at(manager)), RETURN_TRAP | EPERM);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("sandbox_filter");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, each_number_is_as_the_list_says);
    tcase_add_test(tc, other_architectures_are_killed);
    tcase_add_test(tc, cases_are_exact);
    tcase_add_test(tc, memory_is_as_it_must_be);
    tcase_add_test(tc, the_managers_socket_sends_by_sendto_alone);
    tcase_add_test(tc, without_options_no_file_is_opened);
    return leak_run(tc, "app/sandbox_filter");
}

#else

int
main(void)
{
    return 77;
}

#endif
