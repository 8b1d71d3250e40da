/* Gives up, once the server serves, what it does not need: rights, system calls, files. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "lombard/base/invariant.h"
#include "lombard/base/log.h"
#include "sandbox_abi.h"
#include "sandbox_filter.h"
#include "sealed.h"

void
sandbox_init(struct sandbox *sandbox)
{
    *sandbox = (struct sandbox){.notify_fd = -1, .null_fd = -1};
}

void
sandbox_add(struct sandbox *sandbox, enum sandbox_use use, int dir, const char *name)
{
    if (BROKEN(sandbox->file_count == SANDBOX_FILES_MAX))
        return;
    sandbox->files[sandbox->file_count++] = (struct sandbox_file){use, dir, name};
}

int
sandbox_open(enum sandbox_use use, const char *name)
{
    int flags = use == SANDBOX_READ ? SANDBOX_READ_FLAGS : SANDBOX_APPEND_FLAGS;

    /* Not open(): each libc makes other flags of it, or another call. */
    return (int)syscall(SYS_openat, AT_FDCWD, name, flags, SANDBOX_FILE_MODE);
}

/* --- Capabilities --- */

void
sandbox_drop_bounding(void)
{
    for (unsigned long cap = 0; cap < CAPS_MAX; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0,
                    0); /* those that a kernel does not know: EINVAL */
}

/* Not asked for where there is none: a service manager's own filter may refuse that. */
static bool
drop_capabilities(void)
{
    struct cap_header header = {.version = CAP_VERSION_3};
    struct cap_data data[2];
    uint32_t left = 0;

    memset(data, 0, sizeof(data));
    if (syscall(SYS_capget, &header, data) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(data); i++)
        left |= data[i].effective | data[i].permitted | data[i].inheritable;
    memset(data, 0, sizeof(data));
    return left == 0 || syscall(SYS_capset, &header, data) == 0;
}

/* --- System calls that the filter refuses --- */

/* Written by the handler, which interrupts nothing but a system call. */
static struct {
    uint64_t refused;
    uint64_t told; /* of these, in the log */
    int last_call;
} calls;

static const struct stat_entry call_entries[] = {
    {"sandbox_denied", STAT_COUNTER, UNIT_EVENTS,
     "System calls that the sandbox refused, and the server did without.", stat_get_u64, 0},
};

#ifdef SANDBOX_ARCH

static void
set_result(ucontext_t *context, int err)
{
#if defined(__x86_64__)
    context->uc_mcontext.gregs[REG_RAX] = -err;
#else
    context->uc_mcontext.regs[0] = (unsigned long)-(long)err;
#endif
}

/* The call fails with what the filter gave as its error. */
static void
on_refused(int signo UNUSED, siginfo_t *info, void *context)
{
    calls.refused++;
    calls.last_call = info->si_syscall;
    set_result(context, info->si_errno);
}

/* seccomp(2), which alone leaves the processor's speculation as it is: without that, kernels before
 * 5.16 make every branch slower. Where a service manager's filter refuses it, prctl(2). */
static bool
install(const struct bpf_program *program)
{
    return syscall(SYS_seccomp, SECCOMP_SET_FILTER, SECCOMP_FLAG_SPEC_ALLOW, program) == 0 ||
           syscall(SYS_seccomp, SECCOMP_SET_FILTER, 0, program) == 0 ||
           prctl(PR_SET_SECCOMP, SECCOMP_FILTER_MODE, program, 0, 0) == 0;
}

static bool
filter_calls(const struct sandbox *sandbox)
{
    struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};
    struct filter filter;
    struct bpf_program program;

    filter_build(&filter, sandbox);
    program = (struct bpf_program){filter.count, filter.steps};
    return sigaction(SIGSYS, &action, NULL) == 0 && install(&program);
}

#else

static bool
filter_calls(const struct sandbox *sandbox UNUSED)
{
    errno = ENOTSUP;
    return false;
}

#endif

void
sandbox_tick(void)
{
    static struct log_limit limit = LOG_LIMIT("the sandbox refused a system call");

    if (calls.refused == calls.told)
        return;
    log_limited(&limit, LOG_WARN,
                "the sandbox refused %" PRIu64 " system calls, the last one was number %d. If "
                "something does not work, please report it, and use --sandbox=off",
                calls.refused - calls.told, calls.last_call);
    calls.told = calls.refused;
}

/* --- All of it --- */

/* What is in force, at DST: "no_new_privs,no_capabilities,landlock_7,seccomp", or "no". */
static void
describe(const struct sandbox_state *state, char *dst, size_t bytes)
{
    char landlock[32] = "";

    if (state->landlock > 0)
        (void)snprintf(landlock, sizeof(landlock), ",landlock_%d", state->landlock);
    (void)snprintf(dst, bytes, "%s%s%s%s", state->no_new_privs ? ",no_new_privs" : "",
                   state->no_capabilities ? ",no_capabilities" : "", landlock,
                   state->filter ? ",seccomp" : "");
    if (dst[0] == ',')
        memmove(dst, dst + 1, strlen(dst));
    else
        (void)snprintf(dst, bytes, "no");
}

/* What is in force, and why the rest is not. Without the filter it is hardly a sandbox. */
static void
tell(const struct sandbox_state *state, int landlock_err, int filter_err)
{
    char text[128];

    describe(state, text, sizeof(text));
    if (!state->filter)
        log_line(LOG_WARN, "sandbox: %s; system calls are not filtered: %s", text,
                 strerror(filter_err));
    else if (state->landlock == 0)
        log_line(LOG_INFO, "sandbox: %s; no Landlock: %s", text, strerror(landlock_err));
    else
        log_line(LOG_INFO, "sandbox: %s", text);
}

void
sandbox_enter(struct sandbox *sandbox)
{
    struct sandbox_state *state = &sandbox->state;
    int landlock_err;

#ifdef SANDBOX_NEVER
    return; /* a build that counts what is reached writes files at its end */
#endif
    calls.told = calls.refused; /* another process's, before a takeover */
    tzset(); /* a libc may read a file when it is first asked for the time of a line */
    state->no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    state->no_capabilities = drop_capabilities();
    state->landlock = landlock_enter(sandbox);
    landlock_err = errno;
    state->filter = sealed_close() && filter_calls(sandbox);
    tell(state, landlock_err, errno);
}

static void
get_in_force(const struct stat_entry *entry UNUSED, const void *record,
             struct stat_value *value)
{
    const struct sandbox *sandbox = record;
    char text[128];

    describe(&sandbox->state, text, sizeof(text));
    stat_put_text(value, text);
}

static void
reset_calls(void *ctx UNUSED)
{
    calls.refused = calls.told = 0;
}

void
sandbox_add_stats(const struct sandbox *sandbox, struct stat_registry *registry)
{
    static const struct stat_entry entries[] = {
        {"sandbox_in_force", STAT_TEXT, UNIT_NONE, "What the server has given up.",
         get_in_force, 0},
    };
    static const struct stat_section in_force = {entries, ARRAY_LEN(entries), NULL, "setting_",
                                                 NULL};
    static const struct stat_section refused = {call_entries, ARRAY_LEN(call_entries), NULL, "",
                                                reset_calls};

    stats_add(registry, "settings", &in_force, (void *)(uintptr_t)sandbox);
    stats_add(registry, "", &refused, &calls);
}
