/* One simulated world: its random numbers, its faults, its record of calls, and its end. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "sim_priv.h"

struct world world;

static bool verbose;
static char replay[128];

static const char *const call_names[SIM_CALL_KINDS] = {
    [SIM_RECV] = "recv",
    [SIM_READV] = "readv",
    [SIM_SEND] = "send",
    [SIM_SENDMSG] = "sendmsg",
    [SIM_ACCEPT] = "accept",
    [SIM_SET_OPTION] = "setsockopt",
    [SIM_SHUTDOWN] = "shutdown",
    [SIM_RING_OPEN] = "ring_open",
    [SIM_RING] = "ring",
    [SIM_EPOLL_CREATE] = "epoll_create",
    [SIM_EPOLL_CTL] = "epoll_ctl",
    [SIM_EPOLL_WAIT] = "epoll_wait",
    [SIM_MAP] = "mmap",
    [SIM_MALLOC] = "malloc",
    [SIM_CLOSE] = "close",
};

const char *
sim_call_name(enum sim_call call)
{
    return call_names[call];
}

/* --- Trace and death --- */

static void
print_event(const struct event *e)
{
    fprintf(stderr,
            "  iteration %-6" PRIu64 " %-14s %6" PRId64 " %8" PRId64 " = %" PRId64 "%s%s\n",
            e->iteration, e->what, e->a, e->b, e->result, e->err ? " " : "",
            e->err ? strerrorname_np(e->err) : "");
}

void
sim_trace(const char *what, int64_t a, int64_t b, int64_t result, int err)
{
    struct event *e = &world.trace[world.traced++ % TRACE_EVENTS];

    *e = (struct event){world.iterations, what, a, b, result, err};
    if (verbose)
        print_event(e);
}

int64_t
sim_traced(enum sim_call call, int64_t a, int64_t b, int64_t result)
{
    sim_trace(call_names[call], a, b, result, result < 0 ? errno : 0);
    return result;
}

void
sim_note(const char *what, int64_t a, int64_t b)
{
    sim_trace(what, a, b, 0, 0);
}

void
sim_note_bytes(const char *what, int64_t a, const char *src, size_t bytes)
{
    enum { SHOWN = 200 };

    if (!verbose || bytes == 0)
        return;
    fprintf(stderr, "  iteration %-6" PRIu64 " %-14s %6" PRId64 " ", world.iterations, what, a);
    for (size_t i = 0; i < bytes && i < SHOWN; i++)
        fprintf(stderr, src[i] >= ' ' && src[i] <= '~' ? "%c" : "\\x%02x",
                (unsigned char)src[i]);
    fprintf(stderr, bytes > SHOWN ? "... (%zu)\n" : "\n", bytes);
}

static void
print_trace(void)
{
    uint64_t first = world.traced > TRACE_EVENTS ? world.traced - TRACE_EVENTS : 0;

    if (!verbose)
        for (uint64_t i = first; i < world.traced; i++)
            print_event(&world.trace[i % TRACE_EVENTS]);
    fprintf(stderr, "replay with: %s\n", replay[0] != '\0' ? replay : "(no command was set)");
}

void
sim_die(const char *format, ...)
{
    va_list args;

    print_trace();
    fprintf(stderr, "VIOLATION (seed %" PRIu64 ", iteration %" PRIu64 "): ", world.seed,
            world.iterations);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    _exit(1);
}

/* What the sanitizers call when they have found something. */
void __asan_on_error(void);
void
__asan_on_error(void)
{
    print_trace();
}

static void
on_fatal_signal(int signo)
{
    fprintf(stderr, "%s\n", signo == SIGPROF ? "this world hangs" : strsignal(signo));
    print_trace();
    _exit(1);
}

void
sim_set_replay(const char *how)
{
    (void)snprintf(replay, sizeof(replay), "%s", how);
}

void
sim_set_verbose(bool on)
{
    verbose = on;
}

/* --- Chance --- */

uint64_t
sim_random(void)
{
    /* splitmix64 (Steele, Lea and Flood, 2014). */
    uint64_t z = (world.random += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t
sim_below(uint32_t n)
{
    return (uint32_t)(((sim_random() >> 32) * n) >> 32);
}

bool
sim_one_in(uint32_t n)
{
    return n != 0 && sim_below(n) == 0;
}

/* --- The world --- */

void
sim_begin(uint64_t seed)
{
    const struct itimerval patience = {.it_value = {.tv_sec = WORLD_SECONDS_MAX}};

    if (world.fd_end > FIRST_FD)
        memset(world.fds + FIRST_FD, 0,
               (size_t)(world.fd_end - FIRST_FD) * sizeof(world.fds[0]));
    world.seed = seed;
    world.random = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    world.now_ns = UINT64_C(1000000000000);
    world.iterations = 0;
    world.traced = 0;
    world.fd_end = FIRST_FD;
    world.fd_low = FIRST_FD;
    world.left = 0;
    world.mapped_bytes = 0;
    world.allocations = 0;
    memset(world.calls, 0, sizeof(world.calls));
    memset(world.refused, 0, sizeof(world.refused));
    world.ring = world.other_ring = RING_NONE;
    world.lose_on_reset = false;
    sim_no_faults();
    sim_fail_none();
    (void)signal(SIGABRT, on_fatal_signal);
    (void)signal(SIGPROF, on_fatal_signal);
    (void)setitimer(ITIMER_PROF, &patience, NULL);
#if !defined(__SANITIZE_ADDRESS__)
    (void)signal(SIGSEGV, on_fatal_signal);
    (void)signal(SIGBUS, on_fatal_signal);
    (void)signal(SIGFPE, on_fatal_signal);
#endif
}

void
sim_end(void)
{
    for (int fd = FIRST_FD; fd < world.fd_end; fd++)
        if (world.fds[fd].kind != FD_FREE)
            sim_die("descriptor %d was left open", fd);
    if (world.ring != RING_NONE)
        sim_die("the ring was left open");
    if (world.mapped_bytes != 0)
        sim_die("%" PRId64 " bytes were left mapped", world.mapped_bytes);
    if (world.allocations != 0)
        sim_die("%" PRId64 " allocations were left", world.allocations);
}

void
sim_lose_on_reset(bool lose)
{
    world.lose_on_reset = lose;
}

uint64_t
sim_seed(void)
{
    return world.seed;
}

void
sim_set_faults(const struct sim_faults *faults)
{
    world.faults = *faults;
}

void
sim_no_faults(void)
{
    memset(&world.faults, 0, sizeof(world.faults));
}

uint64_t
sim_now_ns(void)
{
    return world.now_ns;
}

uint32_t
sim_now_s(void)
{
    return (uint32_t)((world.now_ns - UINT64_C(1000000000000)) / 1000000000);
}

void
sim_advance_ms(uint64_t ms)
{
    world.now_ns += ms * 1000000;
}

void
sim_fail_nth(enum sim_call call, uint64_t n, int err)
{
    world.fail_armed = true;
    world.fail_struck = false;
    world.fail_call = call;
    world.fail_in = n;
    world.fail_err = err;
}

void
sim_stall_nth(enum sim_call call, uint64_t n, uint64_t ms)
{
    world.stall_call = call;
    world.stall_in = n;
    world.stall_ms = ms;
}

void
sim_fail_none(void)
{
    world.fail_armed = false;
    world.fail_struck = false;
}

bool
sim_fail_struck(void)
{
    return world.fail_struck;
}

uint64_t
sim_calls(enum sim_call call)
{
    return world.calls[call];
}

uint64_t
sim_refused(enum sim_call call)
{
    return world.refused[call];
}

/* --- Faults --- */

static const int recv_errors[] = {ECONNRESET, ETIMEDOUT};
static const int send_errors[] = {EPIPE, ECONNRESET, ETIMEDOUT, ENOBUFS, ENOMEM};
static const int accept_errors[] = {EMFILE, ENFILE, ECONNABORTED, ENOBUFS, ENOMEM, EPERM};
static const int option_errors[] = {EINVAL, ENOBUFS};
static const int shutdown_errors[] = {ENOTCONN};
static const int ctl_errors[] = {ENOMEM, ENOSPC};
static const int ring_open_errors[] = {ENOSYS, EPERM, EINVAL, ENOMEM, EMFILE};
static const int ring_errors[] = {ENOMEM, EAGAIN, EBADF, EPERM};
static const int memory_errors[] = {ENOMEM};

static const struct {
    const int *errors;
    uint32_t count;
} refusals[SIM_CALL_KINDS] = {
    [SIM_RECV] = {recv_errors, ARRAY_LEN(recv_errors)},
    [SIM_READV] = {recv_errors, ARRAY_LEN(recv_errors)},
    [SIM_SEND] = {send_errors, ARRAY_LEN(send_errors)},
    [SIM_SENDMSG] = {send_errors, ARRAY_LEN(send_errors)},
    [SIM_ACCEPT] = {accept_errors, ARRAY_LEN(accept_errors)},
    [SIM_SET_OPTION] = {option_errors, ARRAY_LEN(option_errors)},
    [SIM_SHUTDOWN] = {shutdown_errors, ARRAY_LEN(shutdown_errors)},
    [SIM_RING_OPEN] = {ring_open_errors, ARRAY_LEN(ring_open_errors)},
    [SIM_RING] = {ring_errors, ARRAY_LEN(ring_errors)},
    [SIM_EPOLL_CREATE] = {accept_errors, 2},
    [SIM_EPOLL_CTL] = {ctl_errors, ARRAY_LEN(ctl_errors)},
    [SIM_MAP] = {memory_errors, ARRAY_LEN(memory_errors)},
    [SIM_MALLOC] = {memory_errors, ARRAY_LEN(memory_errors)},
};

int
sim_refusal(enum sim_call call)
{
    world.calls[call]++;
    world.now_ns += 300; /* even a system call takes time */
    if (world.stall_in > 0 && world.stall_call == call && --world.stall_in == 0)
        sim_advance_ms(world.stall_ms);
    if (world.fail_armed && world.fail_call == call && --world.fail_in == 0) {
        world.fail_armed = false;
        world.fail_struck = true;
        world.refused[call]++;
        return world.fail_err;
    }
    if (sim_one_in(world.faults.refuse[call]) && refusals[call].count > 0) {
        world.refused[call]++;
        return refusals[call].errors[sim_below(refusals[call].count)];
    }
    return 0;
}

int
sim_io_refusal(enum sim_call call)
{
    int err = sim_refusal(call);

    if (err == 0 && sim_one_in(world.faults.again))
        err = EAGAIN;
    if (err == 0 && sim_one_in(world.faults.interrupt))
        err = EINTR;
    return err;
}

size_t
sim_perhaps_fewer(size_t bytes)
{
    if (bytes > 1 && sim_one_in(world.faults.cut))
        return 1 + sim_below((uint32_t)(bytes - 1));
    return bytes;
}
