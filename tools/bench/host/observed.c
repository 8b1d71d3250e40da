/* Finds the server's process, and reads its CPU time and memory from /proc. */
#include "host/observed.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/counters.h"

/* The pid that the server says it has, or 0. */
static pid_t
ask_pid(int fd)
{
    char *text = counters_ask(fd);
    const char *line = text != NULL ? strstr(text, "STAT pid ") : NULL;
    long pid = line != NULL ? strtol(line + strlen("STAT pid "), NULL, 10) : 0;

    free(text);
    return pid > 0 ? (pid_t)pid : 0;
}

/* The inode of the listening socket, from a table of /proc/net; 0 if it is not there. */
static unsigned long
listening_tcp(const char *table, unsigned port)
{
    FILE *f = fopen(table, "r");
    unsigned long found = 0;
    char line[512];

    if (f == NULL)
        return 0;
    while (found == 0 && fgets(line, sizeof(line), f) != NULL) {
        unsigned local_port, state;
        unsigned long inode;

        if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*s %*s %lu",
                   &local_port, &state, &inode) == 3 &&
            local_port == port && state == 0x0a)
            found = inode;
    }
    (void)fclose(f);
    return found;
}

static unsigned long
listening_unix(const char *path)
{
    FILE *f = fopen("/proc/net/unix", "r");
    unsigned long found = 0;
    char line[512];

    if (f == NULL)
        return 0;
    while (found == 0 && fgets(line, sizeof(line), f) != NULL) {
        unsigned flags;
        unsigned long inode;
        int at = 0;

        if (sscanf(line, "%*x: %*x %*x %x %*x %*x %lu %n", &flags, &inode, &at) < 2 || at == 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        if ((flags & 0x10000) != 0 && strcmp(line + at, path) == 0) /* __SO_ACCEPTCON */
            found = inode;
    }
    (void)fclose(f);
    return found;
}

static unsigned long
listening_inode(const struct net_addr *addr)
{
    unsigned long inode;
    unsigned port;

    if (addr->addr.ss_family == AF_UNIX)
        return listening_unix(
            ((const struct sockaddr_un *)(const void *)&addr->addr)->sun_path);
    /* The port lies at the same place in both families. */
    port = ntohs(((const struct sockaddr_in *)(const void *)&addr->addr)->sin_port);
    inode = listening_tcp("/proc/net/tcp", port);
    return inode != 0 ? inode : listening_tcp("/proc/net/tcp6", port);
}

/* Whether the process has the socket open. */
static bool
holds_socket(const char *pid, const char *socket_name)
{
    char path[300];
    char target[64];
    bool found = false;
    struct dirent *entry;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
    dir = opendir(path);
    if (dir == NULL)
        return false;
    while (!found && (entry = readdir(dir)) != NULL) {
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%.20s/fd/%.20s", pid, entry->d_name);
        n = readlink(path, target, sizeof(target) - 1);
        if (n > 0) {
            target[n] = '\0';
            found = strcmp(target, socket_name) == 0;
        }
    }
    (void)closedir(dir);
    return found;
}

static pid_t
find_listener(const struct net_addr *addr)
{
    unsigned long inode = listening_inode(addr);
    char name[64];
    struct dirent *entry;
    pid_t pid = 0;
    DIR *dir;

    if (inode == 0)
        return 0;
    (void)snprintf(name, sizeof(name), "socket:[%lu]", inode);
    dir = opendir("/proc");
    if (dir == NULL)
        return 0;
    while (pid == 0 && (entry = readdir(dir)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0]) && holds_socket(entry->d_name, name))
            pid = (pid_t)strtol(entry->d_name, NULL, 10);
    }
    (void)closedir(dir);
    return pid;
}

pid_t
process_find(const struct net_addr *addr)
{
    struct process_sample sample;
    int fd = net_connect(addr, 0);
    pid_t pid = 0;

    if (fd < 0)
        return 0;
    if (net_is_local(fd)) {
        /* The listener is certain; the pid in `stats` may be of another pid namespace. */
        pid = find_listener(addr);
        if (pid == 0)
            pid = ask_pid(fd);
    }
    (void)close(fd);
    return pid != 0 && process_look(pid, &sample) ? pid : 0;
}

/* The first number of a file that holds a few, or the one behind LABEL. */
static bool
read_number(const char *path, const char *label, unsigned long long *out)
{
    FILE *f = fopen(path, "r");
    bool found = false;
    char line[512];

    if (f == NULL)
        return false;
    while (!found && fgets(line, sizeof(line), f) != NULL) {
        const char *p = label != NULL ? strstr(line, label) : line;

        if (p != NULL)
            found = sscanf(p + (label != NULL ? strlen(label) : 0), "%llu", out) == 1;
    }
    (void)fclose(f);
    return found;
}

/* The time that all threads of a process have run, those that ended included. */
static bool
read_cpu(pid_t pid, uint64_t *ns)
{
    char path[64];
    char line[1024];
    unsigned long long user, sys;
    const char *p;
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    if (f == NULL)
        return false;
    n = fread(line, 1, sizeof(line) - 1, f);
    (void)fclose(f);
    line[n] = '\0';
    p = strrchr(line, ')'); /* the name may hold anything */
    if (p == NULL || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                            &user, &sys) != 2)
        return false;
    *ns = (user + sys) * (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK));
    return true;
}

/* The same to the nanosecond, of the threads that live; 0 where the kernel does not say. */
static uint64_t
read_run_time(pid_t pid)
{
    char path[320];
    struct dirent *entry;
    uint64_t sum = 0;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    dir = opendir(path);
    if (dir == NULL)
        return 0;
    while ((entry = readdir(dir)) != NULL) {
        unsigned long long ns;

        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.20s/schedstat", (int)pid,
                       entry->d_name);
        if (read_number(path, NULL, &ns))
            sum += ns;
    }
    (void)closedir(dir);
    return sum;
}

bool
process_look(pid_t pid, struct process_sample *out)
{
    struct process_sample s = {0};
    unsigned long long v;
    char path[64];
    uint64_t run;

    if (!read_cpu(pid, &s.cpu_ns))
        return false;
    /* Clock ticks are 10 ms; the run time is the same sum, finer. */
    run = read_run_time(pid);
    if (run != 0)
        s.cpu_ns = run;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if (read_number(path, "VmRSS:", &v))
        s.rss_bytes = v * 1024;
    if (read_number("/proc/net/sockstat", "TCP: inuse", &v) &&
        read_number("/proc/net/sockstat", " mem ", &v))
        s.socket_bytes = v * (uint64_t)sysconf(_SC_PAGESIZE);
    if (read_number("/proc/meminfo", "Slab:", &v))
        s.slab_bytes = v * 1024;
    *out = s;
    return true;
}

bool
process_look_closely(pid_t pid, struct process_sample *out)
{
    unsigned long long kb;
    char path[64];

    if (!process_look(pid, out))
        return false;
    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    if (read_number(path, "Rss:", &kb))
        out->rss_bytes = kb * 1024;
    return true;
}
