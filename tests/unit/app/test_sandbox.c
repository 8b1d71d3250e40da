/* Each test is a process of its own that enters the sandbox, and then does what an intruder would. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "lombard/base/log.h"
#include "sandbox.h"
#include "sandbox_abi.h"
#include "sealed.h"

#ifdef SANDBOX_ARCH

enum { SKIPPED_STATUS = 77, PAGE = 4096 };

/* What the options of a server may have named. */
static char directory[64], secrets[80], logs[80];
static char passwords[128], log_path[128], pid_path[128], other[128];
static const char *sealed_passwords, *sealed_log, *sealed_pid;
static int dir_fd, pid_fd, null_fd;
static int manager[2]; /* both are unix datagram sockets */
static struct sockaddr_un manager_address;
static const struct sockaddr_un *sealed_manager;
static struct sandbox sandbox;

static void
make(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static void
open_manager(void)
{
    manager_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(manager_address.sun_path, sizeof(manager_address.sun_path), "%s/manager",
                   directory);
    for (int i = 0; i < 2; i++)
        manager[i] = socket(AF_UNIX, SOCK_DGRAM, 0);
    ck_assert_int_eq(
        bind(manager[0], (const struct sockaddr *)&manager_address, sizeof(manager_address)),
        0);
    sealed_manager = sealed_copy(&manager_address, sizeof(manager_address));
}

static void
setup(void)
{
    (void)snprintf(directory, sizeof(directory), "/tmp/lombard-sandbox-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(secrets, sizeof(secrets), "%s/secrets", directory);
    ck_assert_int_eq(mkdir(secrets, 0700), 0);
    (void)snprintf(passwords, sizeof(passwords), "%s/passwords", secrets);
    (void)snprintf(logs, sizeof(logs), "%s/logs", directory);
    ck_assert_int_eq(mkdir(logs, 0700), 0);
    (void)snprintf(log_path, sizeof(log_path), "%s/log", logs);
    (void)snprintf(pid_path, sizeof(pid_path), "%s/pid", directory);
    (void)snprintf(other, sizeof(other), "%s/other", directory);
    make(passwords, "u:p\n");
    make(pid_path, "1\n");
    make(other, "other\n");
    sealed_passwords = sealed_path(passwords);
    sealed_log = sealed_path(log_path);
    sealed_pid = sealed_path(pid_path);
    dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid_fd = open(pid_path, O_RDWR | O_CLOEXEC);
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    open_manager();
    sandbox_init(&sandbox);
    sandbox_add(&sandbox, SANDBOX_READ, -1, sealed_passwords);
    sandbox_add(&sandbox, SANDBOX_APPEND, -1, sealed_log);
    sandbox_add(&sandbox, SANDBOX_REMOVE, dir_fd, strrchr(sealed_pid, '/') + 1);
    sandbox.notify_fd = manager[1];
    sandbox.notify_address = sealed_manager;
    sandbox.null_fd = null_fd;
}

static void
teardown(void)
{
    (void)close(dir_fd);
    (void)close(pid_fd);
    (void)close(null_fd);
    (void)close(manager[0]);
    (void)close(manager[1]);
    (void)unlink(passwords);
    (void)rmdir(secrets);
    (void)unlink(log_path);
    (void)rmdir(logs);
    (void)unlink(pid_path);
    (void)unlink(other);
    (void)unlink(manager_address.sun_path);
    ck_assert_int_eq(rmdir(directory), 0);
}

/* The wait status of a child that enters the sandbox, quietly, and then exits with DO_IT()'s result. */
static int
status_of(int (*do_it)(void))
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        log_set_level(LOG_WARN);
        sandbox_enter(&sandbox);
        if (!sandbox.state.filter)
            _exit(100);
        _exit(do_it());
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

/* --- What ends it --- */

static int
start_a_shell(void)
{
    return execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
}

static int
start_a_shell_by_descriptor(void)
{
    return (int)syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0);
}

static int
open_a_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int
open_a_pair(void)
{
    int ends[2];

    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static int
connect_out(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};

    return connect(manager[1], (const struct sockaddr *)&address, sizeof(address));
}

static int
trace_the_parent(void)
{
    return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int
become_two(void)
{
    return (int)fork();
}

static int
become_two_by_clone(void)
{
    return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int
make_memory_executable(void)
{
    void *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mprotect(mem, PAGE, PROT_READ | PROT_EXEC);
}

static int
map_executable_memory(void)
{
    return mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED;
}

static int
use_a_ring(void)
{
    return (int)syscall(SYS_io_uring_setup, 1, NULL);
}

#if defined(__x86_64__)
/* The calls of 32-bit programs have other numbers: 11 is execve. */
static int
call_as_32_bits(void)
{
    int result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(11), "b"(0), "c"(0), "d"(0) : "memory");
    return result;
}

static int
call_as_x32(void)
{
    return (int)syscall(0x40000000 | SYS_write, 1, "", 0);
}
#endif

static const struct {
    const char *name;
    int (*attack)(void);
} deadly[] = {
    {"execve", start_a_shell},
    {"execveat", start_a_shell_by_descriptor},
    {"socket", open_a_socket},
    {"socketpair", open_a_pair},
    {"connect", connect_out},
    {"ptrace", trace_the_parent},
    {"fork", become_two},
    {"clone", become_two_by_clone},
    {"mprotect", make_memory_executable},
    {"mmap", map_executable_memory},
    {"io_uring", use_a_ring},
#if defined(__x86_64__)
    {"int80", call_as_32_bits},
    {"x32", call_as_x32},
#endif
};

START_TEST(an_intruder_is_killed)
{
    int status;

    status = status_of(deadly[_i].attack);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: status %x",
                  deadly[_i].name, (unsigned)status);
}
END_TEST

/* --- What fails. Each returns errno, or 0 when it could be done --- */

static int
result(long returned)
{
    return returned < 0 ? errno : 0;
}

static int
read_users(void)
{
    return result(open("/etc/passwd", O_RDONLY));
}

static int
read_users_by_openat(void)
{
    return result(syscall(SYS_openat, AT_FDCWD, "/etc/passwd", SANDBOX_READ_FLAGS));
}

/* The right name, but anyone can write such a text. */
static int
read_passwords_by_another_address(void)
{
    return result(sandbox_open(SANDBOX_READ, passwords));
}

static int
write_passwords(void)
{
    return result(sandbox_open(SANDBOX_APPEND, sealed_passwords));
}

static int
read_log(void)
{
    return result(sandbox_open(SANDBOX_READ, sealed_log));
}

static int
truncate_log(void)
{
    return result(
        syscall(SYS_openat, AT_FDCWD, sealed_log, SANDBOX_APPEND_FLAGS | O_TRUNC, 0600));
}

static int
open_elsewhere(void)
{
    return result(syscall(SYS_openat, dir_fd, sealed_passwords, SANDBOX_READ_FLAGS));
}

static int
remove_another(void)
{
    return result(unlinkat(dir_fd, "other", 0));
}

static int
remove_in_another_directory(void)
{
    return result(unlinkat(AT_FDCWD, strrchr(sealed_pid, '/') + 1, 0));
}

static int
remove_by_path(void)
{
    return result(unlinkat(AT_FDCWD, other, 0));
}

static char *
writable_seal(void)
{
    char *text;

    memcpy(&text, &sealed_passwords, sizeof(text)); /* it is on the first of the pages */
    return text - (uintptr_t)text % PAGE;
}

static int
unseal(void)
{
    return result(mprotect(writable_seal(), PAGE, PROT_READ | PROT_WRITE));
}

static int
unmap_seal(void)
{
    return result(munmap(writable_seal(), PAGE));
}

static int
unmap_all_from_below(void)
{
    return result(munmap(NULL, (size_t)1 << 40));
}

static int
map_over_seal(void)
{
    void *mem = mmap(writable_seal(), PAGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    return mem == MAP_FAILED ? errno : 0;
}

static int
empty_seal(void)
{
    return result(madvise(writable_seal(), PAGE, MADV_DONTNEED));
}

static int
map_a_file(void)
{
    void *mem = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, null_fd, 0);

    return mem == MAP_FAILED ? errno : 0;
}

static int
write_to_another_socket(void)
{
    struct sockaddr_un address = manager_address;

    return result(
        sendto(manager[1], "x", 1, 0, (const struct sockaddr *)&address, sizeof(address)));
}

static int
hide_the_address(void)
{
    struct msghdr msg = {.msg_name = &manager_address, .msg_namelen = sizeof(manager_address)};

    return result(sendmsg(manager[1], &msg, 0));
}

static int
attach_a_filter(void)
{
    return result(setsockopt(manager[1], SOL_SOCKET, SO_ATTACH_FILTER, "", 0));
}

static int
replace_a_descriptor(void)
{
    return result(syscall(SYS_dup3, null_fd, manager[1], 0));
}

static int
replace_standard_error(void)
{
    return result(syscall(SYS_dup3, manager[1], STDERR_FILENO, 0));
}

static int
kill_another(void)
{
    return result(kill(getppid(), SIGKILL));
}

static int
abort_another(void)
{
    return result(syscall(SYS_tgkill, getppid(), getppid(), SIGABRT));
}

static int
go_elsewhere(void)
{
    return result(chdir("/tmp"));
}

static int
link_a_file(void)
{
    return result(linkat(AT_FDCWD, passwords, AT_FDCWD, "/tmp/x", 0));
}

static int
move_memory(void)
{
    void *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mremap(mem, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? errno : 0;
}

static const struct {
    const char *name;
    int (*attack)(void);
    int want;
} refused[] = {
#if defined(__x86_64__) && defined(__GLIBC__)
    {"open /etc/passwd", read_users, EPERM},
#else
    {"open /etc/passwd", read_users, -1}, /* by which call is the libc's choice */
#endif
    {"openat /etc/passwd", read_users_by_openat, EPERM},
    {"the name at another address", read_passwords_by_another_address, EPERM},
    {"writing what may be read", write_passwords, EPERM},
    {"reading what may be written", read_log, EPERM},
    {"other flags", truncate_log, EPERM},
    {"from another directory", open_elsewhere, EPERM},
    {"removing another file", remove_another, EPERM},
    {"removing elsewhere", remove_in_another_directory, EPERM},
    {"removing by path", remove_by_path, EPERM},
    {"writing on the sealed page", unseal, EPERM},
    {"unmapping it", unmap_seal, EPERM},
    {"unmapping it and all else", unmap_all_from_below, EPERM},
    {"mapping over it", map_over_seal, EPERM},
    {"emptying it", empty_seal, EPERM},
    {"mapping a file", map_a_file, EPERM},
    {"a datagram to another", write_to_another_socket, EPERM},
    {"the same by sendmsg", hide_the_address, EPERM},
    {"a socket filter", attach_a_filter, EPERM},
    {"dup3 to any", replace_a_descriptor, EPERM},
    {"dup3 from any", replace_standard_error, EPERM},
    {"kill", kill_another, ENOSYS},
    {"tgkill", abort_another, EPERM},
    {"chdir", go_elsewhere, ENOSYS},
    {"link", link_a_file, ENOSYS},
    {"mremap", move_memory, ENOSYS},
};

START_TEST(what_is_not_allowed_fails)
{
    int status;

    status = status_of(refused[_i].attack);
    ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == refused[_i].want ||
                                        (refused[_i].want < 0 && WEXITSTATUS(status) != 0)),
                  "%s: status %x", refused[_i].name, (unsigned)status);
}
END_TEST

/* --- What goes on. Each returns 0 when it could be done --- */

static int
use_files(void)
{
    struct stat st;
    int fd = sandbox_open(SANDBOX_READ, sealed_passwords);

    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size != 4 || close(fd) != 0)
        return 1;
    fd = sandbox_open(SANDBOX_APPEND, sealed_log); /* it is made */
    if (fd < 0 || write(fd, "line\n", 5) != 5 || close(fd) != 0)
        return 2;
    if (fstatat(dir_fd, sandbox.files[2].name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        st.st_size != 2)
        return 3;
    if (ftruncate(pid_fd, 0) != 0)
        return 4;
    return unlinkat(dir_fd, sandbox.files[2].name, 0) != 0;
}

static int
use_memory(void)
{
    size_t bytes = (size_t)64 << 20;
    char *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    char *large = malloc(bytes), *small[1000];

    if (mem == MAP_FAILED || large == NULL)
        return 1;
    mem[0] = large[0] = 1;
    for (size_t i = 0; i < ARRAY_LEN(small); i++) {
        small[i] = malloc(i * 16);
        if (small[i] == NULL)
            return 2;
    }
    for (size_t i = 0; i < ARRAY_LEN(small); i++)
        free(small[i]);
    free(large);
    return madvise(mem, bytes, MADV_DONTNEED) != 0 || munlock(mem, bytes) != 0 ||
           (syscall(SYS_mlock2, mem, (size_t)PAGE, 1UL) != 0 && errno != ENOMEM) ||
           madvise(mem, bytes, MADV_HUGEPAGE) == 12345 || munmap(mem, bytes) != 0;
}

static int
tell_the_manager(void)
{
    return sendto(manager[1], "x", 1, MSG_DONTWAIT, (const struct sockaddr *)sealed_manager,
                  sizeof(*sealed_manager)) != 1;
}

static int
leave_the_terminal(void)
{
    return syscall(SYS_dup3, null_fd, STDERR_FILENO, 0) != STDERR_FILENO;
}

/* As where the kernel does not trust the hardware's clock. */
static int
ask_for_the_time(void)
{
    struct timespec ts;

    return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) != 0;
}

/* A line with its time, the first of this process. */
static int
log_a_line(void)
{
    if (syscall(SYS_dup3, null_fd, STDERR_FILENO, 0) != STDERR_FILENO)
        return 1;
    log_line(LOG_ERROR, "a line");
    return log_counts()->dropped != 0;
}

static const struct {
    const char *name;
    int (*use)(void);
} allowed[] = {
    {"files", use_files},          {"memory", use_memory},
    {"manager", tell_the_manager}, {"terminal", leave_the_terminal},
    {"time", ask_for_the_time},    {"log", log_a_line},
};

START_TEST(what_serving_needs_goes_on)
{
    int status = status_of(allowed[_i].use);

    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: status %x",
                  allowed[_i].name, (unsigned)status);
}
END_TEST

static int
stop_with_abort(void)
{
    (void)syscall(SYS_dup3, null_fd, STDERR_FILENO, 0);
    abort();
}

START_TEST(abort_is_still_abort)
{
    int status = status_of(stop_with_abort);

    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

/* --- Refusals are seen --- */

static struct stat_registry registry;

static int
count_refusals(void)
{
    struct stat_cursor cursor;
    struct stat_line line;

    (void)mkdir("/tmp/x", 0700);
    (void)mkdir("/tmp/x", 0700);
    if (!stats_begin(&registry, slice_make("", 0), &cursor) ||
        stats_next(&registry, &cursor, &line) != STAT_FOUND ||
        strcmp(line.value.text, "7") != 0)
        return 1;
    log_use(sandbox_open(SANDBOX_APPEND, sealed_log));
    sandbox_tick();
    sandbox_tick(); /* nothing more to say */
    return 0;
}

/* Those of the process whose place this one has taken: that one has told of them. */
static void
begin_with_refusals(uint64_t count)
{
    const struct stat_source *source = registry.sources + 1;
    uint64_t *counter = source->ctx;

    ck_assert_str_eq(source->section->entries->name, "sandbox_denied");
    *counter = count;
}

START_TEST(refusals_are_counted_and_logged_once)
{
    char text[512] = "";
    char want[64];
    int fd;

    memset(&registry, 0, sizeof(registry));
    sandbox_add_stats(&sandbox, &registry);
    begin_with_refusals(5);
    ck_assert_int_eq(status_of(count_refusals), 0);
    begin_with_refusals(0);
    fd = open(log_path, O_RDONLY);
    ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
    (void)close(fd);
#ifdef SYS_mkdir
    (void)snprintf(want, sizeof(want), "refused 2 system calls, the last one was number %d.",
                   SYS_mkdir);
#else
    (void)snprintf(want, sizeof(want), "refused 2 system calls, the last one was number ");
#endif
    ck_assert_ptr_nonnull(strstr(text, want));
    ck_assert_ptr_null(strchr(strchr(text, '\n') + 1, '\n'));
}
END_TEST

/* --- The parts --- */

/* What /proc/PID/status says of FIELD. */
static uint64_t
status_field(pid_t pid, const char *field)
{
    char text[4096] = "", path[64];
    const char *at;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    fd = open(path, O_RDONLY);
    ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
    (void)close(fd);
    at = strstr(text, field);
    ck_assert_ptr_nonnull(at);
    return strtoull(at + strlen(field), NULL, 16);
}

START_TEST(no_capability_is_left)
{
    static const char *const fields[] = {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"};
    int ends[2];
    char byte;
    pid_t child;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        log_set_level(LOG_WARN);
        sandbox_drop_bounding();
        sandbox_enter(&sandbox);
        (void)!write(ends[1], "x", 1);
        (void)!read(ends[1], &byte, 1); /* until the test has looked */
        _exit(0);
    }
    (void)close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        ck_assert_uint_eq(status_field(child, fields[i]), 0);
    if (geteuid() == 0 && (status_field(getpid(), "CapEff:") >> 8 & 1) != 0) /* CAP_SETPCAP */
        ck_assert_uint_eq(status_field(child, "CapBnd:"), 0);
    ck_assert_uint_eq(status_field(child, "NoNewPrivs:"), 1);
    ck_assert_uint_eq(status_field(child, "Seccomp:"), 2);
    (void)close(ends[0]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

/* Landlock alone, which knows where files lie, and not by which address they are called. */
static int
use_landlock(void)
{
    if (landlock_enter(&sandbox) == 0)
        return SKIPPED_STATUS;
    if (open(passwords, O_RDONLY) < 0)
        return 1;
    if (open(passwords, O_WRONLY) >= 0 || open("/etc/hostname", O_RDWR) >= 0)
        return 2;
    if (open("/etc/passwd", O_RDONLY) >= 0 || open(other, O_RDONLY) >= 0)
        return 3;
    if (open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600) < 0)
        return 4;
    if (open("/tmp/lombard-sandbox-stray", O_WRONLY | O_CREAT, 0600) >= 0)
        return 5;
    if (mkdir("/tmp/lombard-sandbox-stray", 0700) == 0)
        return 6;
    return unlink(pid_path) != 0;
}

START_TEST(landlock_knows_the_same_files)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        _exit(use_landlock());
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_msg(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == SKIPPED_STATUS, "step %d",
                  WEXITSTATUS(status));
}
END_TEST

/* --- Kernels that lack something, and managers that forbid it --- */

/* As a service manager's filter: the COUNT calls at CALLS fail. */
static void
forbid(const long *calls, size_t count)
{
    struct bpf_step steps[16] = {{BPF_LOAD, 0, 0, DATA_CALL}};
    struct bpf_program program = {(uint16_t)(2 + 2 * count), steps};
    size_t used = 1;

    for (size_t i = 0; i < count; i++) {
        steps[used++] = (struct bpf_step){BPF_JUMP_EQUAL, 0, 1, (uint32_t)calls[i]};
        steps[used++] = (struct bpf_step){BPF_RETURN, 0, 0, 0x00050000U | ENOSYS}; /* ERRNO */
    }
    steps[used] = (struct bpf_step){BPF_RETURN, 0, 0, RETURN_ALLOW};
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_FILTER_MODE, &program, 0, 0), 0);
}

/* A child that enters the sandbox with these calls forbidden, and logs to log_path. */
static int
enter_without(const long *calls, size_t count, bool with_filter)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        log_use(open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600));
        forbid(calls, count);
        sandbox_enter(&sandbox);
        _exit(sandbox.state.filter != with_filter || !sandbox.state.no_new_privs);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static void
check_logged(const char *want)
{
    char text[512] = "";
    int fd = open(log_path, O_RDONLY);

    ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
    (void)close(fd);
    ck_assert_msg(strstr(text, want) != NULL, "%s", text);
    ck_assert_ptr_null(strchr(strchr(text, '\n') + 1, '\n')); /* one line */
}

START_TEST(an_old_kernel_is_no_hindrance)
{
    const long calls[] = {SYS_seccomp, SYS_prctl, SYS_landlock_create_ruleset};

    ck_assert_int_eq(enter_without(calls, ARRAY_LEN(calls), false),
                     256); /* no_new_privs: prctl */
    check_logged("warn  sandbox: no_capabilities; system calls are not filtered: Function not "
                 "implemented");
}
END_TEST

START_TEST(without_landlock_the_rest_is_in_force)
{
    const long calls[] = {SYS_landlock_create_ruleset};

    ck_assert_int_eq(enter_without(calls, ARRAY_LEN(calls), true), 0);
    check_logged(
        "info  sandbox: no_new_privs,no_capabilities,seccomp; no Landlock: Function not "
        "implemented");
}
END_TEST

/* systemd's @system-service has no seccomp(2), but prctl(2). */
START_TEST(a_filter_comes_by_prctl_too)
{
    const long calls[] = {SYS_seccomp};

    ck_assert_int_eq(enter_without(calls, ARRAY_LEN(calls), true), 0);
    check_logged(",seccomp\n");
}
END_TEST

static bool
kernel_filters(void)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        log_set_level(LOG_ERROR);
        sandbox_init(&sandbox);
        sandbox_enter(&sandbox);
        _exit(sandbox.state.filter ? 0 : 1);
    }
    return waitpid(child, &status, 0) == child && status == 0;
}

int
main(void)
{
    TCase *tc = leak_tcase("sandbox");

    if (!kernel_filters())
        return SKIPPED_STATUS; /* an old kernel, an emulator */
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, an_intruder_is_killed, 0, ARRAY_LEN(deadly));
    tcase_add_loop_test(tc, what_is_not_allowed_fails, 0, ARRAY_LEN(refused));
    tcase_add_loop_test(tc, what_serving_needs_goes_on, 0, ARRAY_LEN(allowed));
    tcase_add_test(tc, abort_is_still_abort);
    tcase_add_test(tc, refusals_are_counted_and_logged_once);
    tcase_add_test(tc, no_capability_is_left);
    tcase_add_test(tc, landlock_knows_the_same_files);
    tcase_add_test(tc, an_old_kernel_is_no_hindrance);
    tcase_add_test(tc, without_landlock_the_rest_is_in_force);
    tcase_add_test(tc, a_filter_comes_by_prctl_too);
    return leak_run(tc, "app/sandbox");
}

#else

int
main(void)
{
    return 77; /* no filter for this architecture */
}

#endif
