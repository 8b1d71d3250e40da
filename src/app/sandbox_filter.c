/* Writes the filter of system calls: a chain of comparisons, the most frequent calls first. */
#include "sandbox_filter.h"

#ifdef SANDBOX_ARCH

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lombard/base/attr.h"
#include "lombard/base/invariant.h"
#include "lombard/base/sys.h"
#include "sealed.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the halves of an argument lie the other way round"
#endif

/* --- Calls that an architecture does not have: no number is NONE --- */

#define NONE (-1)
#ifndef SYS_epoll_wait
#define SYS_epoll_wait NONE
#endif
#ifndef SYS_poll
#define SYS_poll NONE
#endif
#ifndef SYS_time
#define SYS_time NONE
#endif
#ifndef SYS_fork
#define SYS_fork NONE
#endif
#ifndef SYS_vfork
#define SYS_vfork NONE
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_open
#define SYS_open NONE
#endif
#ifndef SYS_readlink
#define SYS_readlink NONE
#endif
#ifndef SYS_getdents
#define SYS_getdents NONE
#endif
#ifndef SYS_stat
#define SYS_stat NONE
#endif
#ifndef SYS_pipe
#define SYS_pipe NONE
#endif
#ifndef SYS_dup2
#define SYS_dup2 NONE
#endif
#ifndef SYS_getrlimit
#define SYS_getrlimit NONE
#endif

/* --- Steps --- */

static void
step(struct filter *f, int code, uint32_t k, unsigned jump_true, unsigned jump_false)
{
    if (BROKEN(f->count == FILTER_STEPS_MAX))
        return; /* and the kernel takes no program without an end */
    f->steps[f->count++] = (struct bpf_step){
        .code = (uint16_t)code,
        .jump_true = (uint8_t)jump_true,
        .jump_false = (uint8_t)jump_false,
        .k = k,
    };
}

static void
load_call(struct filter *f)
{
    step(f, BPF_LOAD, DATA_CALL, 0, 0);
}

/* One thing about one argument; each is false without a jump of its own: see one_case(). */
enum test_kind {
    TEST_INT,        /* its lower half is VALUE; the kernel looks at no more of an int */
    TEST_INT_NOT,    /* it is not */
    TEST_INT_WITHIN, /* no bit is set but those of VALUE */
    TEST_POINTER,    /* both halves are VALUE's */
    TEST_ABOVE,      /* its upper half is greater than that of VALUE */
};

struct test {
    int argument;
    enum test_kind kind;
    uint64_t value;
};

enum { TESTS_MAX = 5, TEST_STEPS_MAX = 4 };

static unsigned
steps_of(enum test_kind kind)
{
    return kind == TEST_POINTER ? 4 : 2;
}

/* A test that fails jumps over REST steps behind it. */
static void
one_test(struct filter *f, const struct test *test, unsigned rest)
{
    uint32_t lower = DATA_ARGS + 8 * (uint32_t)test->argument;
    uint32_t value = (uint32_t)test->value, upper_value = (uint32_t)(test->value >> 32);

    switch (test->kind) {
    case TEST_INT:
        step(f, BPF_LOAD, lower, 0, 0);
        step(f, BPF_JUMP_EQUAL, value, 0, rest);
        return;
    case TEST_INT_NOT:
        step(f, BPF_LOAD, lower, 0, 0);
        step(f, BPF_JUMP_EQUAL, value, rest, 0);
        return;
    case TEST_INT_WITHIN:
        step(f, BPF_LOAD, lower, 0, 0);
        step(f, BPF_JUMP_ANY_BIT, ~value, rest, 0);
        return;
    case TEST_POINTER:
        step(f, BPF_LOAD, lower, 0, 0);
        step(f, BPF_JUMP_EQUAL, value, 0, rest + 2);
        step(f, BPF_LOAD, lower + 4, 0, 0);
        step(f, BPF_JUMP_EQUAL, upper_value, 0, rest);
        return;
    case TEST_ABOVE:
        step(f, BPF_LOAD, lower + 4, 0, 0);
        step(f, BPF_JUMP_GREATER, upper_value, 0, rest);
        return;
    }
}

/*
 * CALL ends with RESULT where all of these COUNT tests hold. Otherwise, and for other calls, the chain
 * goes on, with the call loaded.
 */
static void
one_case(struct filter *f, long call, const struct test *tests, int count, uint32_t result)
{
    unsigned rest = 1; /* the RETURN */

    if (call == NONE)
        return;
    for (int i = 0; i < count; i++)
        rest += steps_of(tests[i].kind);
    step(f, BPF_JUMP_EQUAL, (uint32_t)call, 0, rest + (count > 0));
    for (int i = 0; i < count; i++) {
        rest -= steps_of(tests[i].kind);
        one_test(f, tests + i, rest);
    }
    step(f, BPF_RETURN, result, 0, 0);
    if (count > 0)
        load_call(f);
}

static void
allow(struct filter *f, long call)
{
    one_case(f, call, NULL, 0, RETURN_ALLOW);
}

#define ALLOW_IF(f, call, ...)                                                                 \
    one_case(f, call, (const struct test[]){__VA_ARGS__},                                      \
             (int)ARRAY_LEN(((const struct test[]){__VA_ARGS__})), RETURN_ALLOW)

/* --- Calls of which only some cases are allowed --- */

static uint64_t
address_of(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

static void
cases_sendto(struct filter *f, long call)
{
    const struct sandbox *s = f->sandbox;

    ALLOW_IF(f, call, {4, TEST_POINTER, 0});
    if (s->notify_fd >= 0)
        ALLOW_IF(f, call, {0, TEST_INT, (uint64_t)s->notify_fd},
                 {4, TEST_POINTER, address_of(s->notify_address)});
}

/* -1 is no descriptor. */
static void
cases_sendmsg(struct filter *f, long call)
{
    ALLOW_IF(f, call, {0, TEST_INT_NOT, (uint64_t)f->sandbox->notify_fd});
}

static void
cases_setsockopt(struct filter *f, long call)
{
    ALLOW_IF(f, call, {1, TEST_INT, SOL_SOCKET}, {2, TEST_INT, SO_SNDBUF});
    ALLOW_IF(f, call, {1, TEST_INT, IPPROTO_TCP}, {2, TEST_INT, TCP_KEEPIDLE});
    ALLOW_IF(f, call, {1, TEST_INT, IPPROTO_TCP}, {2, TEST_INT, TCP_KEEPINTVL});
    ALLOW_IF(f, call, {1, TEST_INT, IPPROTO_TCP}, {2, TEST_INT, TCP_KEEPCNT});
}

static void
cases_ioctl(struct filter *f, long call)
{
    ALLOW_IF(f, call, {1, TEST_INT, SYS_EPOLL_BUSY_POLL});
}

static void
cases_openat(struct filter *f, long call)
{
    for (int i = 0; i < f->sandbox->file_count; i++) {
        const struct sandbox_file *file = f->sandbox->files + i;
        int flags = file->use == SANDBOX_READ ? SANDBOX_READ_FLAGS : SANDBOX_APPEND_FLAGS;

        if (file->use != SANDBOX_REMOVE)
            ALLOW_IF(f, call, {0, TEST_INT, (uint64_t)AT_FDCWD},
                     {1, TEST_POINTER, address_of(file->name)}, {2, TEST_INT, (uint64_t)flags});
    }
}

static void
cases_unlinkat(struct filter *f, long call)
{
    for (int i = 0; i < f->sandbox->file_count; i++) {
        const struct sandbox_file *file = f->sandbox->files + i;

        if (file->use == SANDBOX_REMOVE)
            ALLOW_IF(f, call, {0, TEST_INT, (uint64_t)file->dir},
                     {1, TEST_POINTER, address_of(file->name)}, {2, TEST_INT, 0});
    }
}

/* fstat(), as some libcs call it, and the names that may be removed. */
static void
cases_newfstatat(struct filter *f, long call)
{
    ALLOW_IF(f, call, {3, TEST_INT, AT_EMPTY_PATH});
    for (int i = 0; i < f->sandbox->file_count; i++) {
        const struct sandbox_file *file = f->sandbox->files + i;

        if (file->use == SANDBOX_REMOVE)
            ALLOW_IF(f, call, {0, TEST_INT, (uint64_t)file->dir},
                     {1, TEST_POINTER, address_of(file->name)});
    }
}

static void
cases_dup3(struct filter *f, long call)
{
    if (f->sandbox->null_fd >= 0)
        ALLOW_IF(f, call, {0, TEST_INT, (uint64_t)f->sandbox->null_fd},
                 {1, TEST_INT, STDERR_FILENO});
}

static void
cases_tgkill(struct filter *f, long call)
{
    ALLOW_IF(f, call, {0, TEST_INT, (uint64_t)getpid()}, {2, TEST_INT, SIGABRT});
}

static void
cases_tkill(struct filter *f, long call)
{
    ALLOW_IF(f, call, {0, TEST_INT, (uint64_t)getpid()}, {1, TEST_INT, SIGABRT});
}

/* --- Memory. A sanitizer maps as it likes, but nothing executable either. --- */

static void
kill_executable(struct filter *f, long call)
{
    step(f, BPF_JUMP_EQUAL, (uint32_t)call, 0, 4);
    step(f, BPF_LOAD, DATA_ARGS + 8 * 2, 0, 0);
    step(f, BPF_JUMP_ANY_BIT, PROT_EXEC, 0, 1);
    step(f, BPF_RETURN, RETURN_KILL, 0, 0);
    load_call(f);
}

#ifdef SANDBOX_SANITIZED

static void
cases_mmap(struct filter *f, long call)
{
    kill_executable(f, call);
    allow(f, call);
}

static void
cases_range(struct filter *f, long call)
{
    allow(f, call);
}

static void
cases_mprotect(struct filter *f, long call)
{
    kill_executable(f, call);
    allow(f, call);
}

#else

static void
cases_mmap(struct filter *f, long call)
{
    static const int flags[] = {MAP_PRIVATE | MAP_ANONYMOUS,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE};

    kill_executable(f, call);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        ALLOW_IF(f, call, {3, TEST_INT, (uint64_t)flags[i]});
}

/* Not the sealed pages, nor any below them. */
static void
allow_above_sealed(struct filter *f, long call)
{
    if (sealed_is_below())
        ALLOW_IF(f, call, {0, TEST_ABOVE, SEALED_AT});
    else
        allow(f, call);
}

static void
cases_range(struct filter *f, long call)
{
    allow_above_sealed(f, call);
}

static void
cases_mprotect(struct filter *f, long call)
{
    kill_executable(f, call);
    allow_above_sealed(f, call);
}

#endif

/* --- All of it --- */

static void
allow_all(struct filter *f)
{
#define ALLOW(call, seen)        allow(f, SYS_##call);
#define CASES(call, seen, cases) cases_##cases(f, SYS_##call);
#include "sandbox_calls.def"
#ifdef SANDBOX_SANITIZED
#define ALLOW(call, seen) allow(f, SYS_##call);
#include "sandbox_sanitizer.def"
#undef ALLOW
#endif
}

static void
refuse_rest(struct filter *f)
{
#define DEADLY(call)             one_case(f, SYS_##call, NULL, 0, RETURN_KILL);
#define CASES(call, seen, cases) one_case(f, SYS_##call, NULL, 0, RETURN_TRAP | EPERM);
#include "sandbox_calls.def"
    step(f, BPF_RETURN, RETURN_TRAP | ENOSYS, 0, 0);
}

void
filter_build(struct filter *f, const struct sandbox *sandbox)
{
    f->count = 0;
    f->sandbox = sandbox;
    step(f, BPF_LOAD, DATA_ARCH, 0, 0);
    step(f, BPF_JUMP_EQUAL, SANDBOX_ARCH, 1, 0);
    step(f, BPF_RETURN, RETURN_KILL, 0, 0);
    load_call(f);
#if defined(__x86_64__)
    step(f, BPF_JUMP_ANY_BIT, 0x40000000, 0, 1); /* the calls of x32 */
    step(f, BPF_RETURN, RETURN_KILL, 0, 0);
#endif
    allow_all(f);
    refuse_rest(f);
}

#endif
