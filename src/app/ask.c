/* Asks a running server whether it answers, or for its statistics. */
#include "ask.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "auth_file.h"
#include "tcp_address.h"

enum { PATIENCE_S = 5, LINE_BYTES = 4096, DEFAULT_PORT = 11211 };

static int
fail(const char *address, const char *why)
{
    (void)fprintf(stderr, "lombard: %s: %s\n", address, why);
    return ASK_FAILED;
}

/* --- Waiting for the server: PATIENCE_S in all. What printing takes does not count --- */

static int patience_ms = PATIENCE_S * 1000;

static int64_t
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* It has been waited since START_MS. */
static void
lose_patience(int64_t start_ms)
{
    int64_t waited = now_ms() - start_ms;

    patience_ms = waited < patience_ms ? patience_ms - (int)waited : 0;
}

/* A socket whose sending (and connecting) does not wait longer; -1 with errno. */
static int
make_socket(int family)
{
    struct timeval patience = {.tv_sec = patience_ms / 1000,
                               .tv_usec = patience_ms % 1000 * 1000 + 1}; /* 0 is for ever */
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

/* A read of the answer (fopencookie): fails with ETIMEDOUT when patience is at its end. */
static ssize_t
read_in_time(void *cookie, char *data, size_t size)
{
    struct pollfd wanted = {.fd = *(const int *)cookie, .events = POLLIN};
    int ready;

    do {
        int64_t start = now_ms();

        ready = poll(&wanted, 1, patience_ms);
        lose_patience(start);
    } while (ready < 0 && errno == EINTR);
    if (ready > 0)
        return read(wanted.fd, data, size);
    if (ready == 0)
        errno = ETIMEDOUT;
    return -1;
}

static int
connect_to(const struct sockaddr *address, socklen_t len)
{
    int fd = make_socket(address->sa_family);
    int64_t start = now_ms();
    int err;

    if (fd < 0 || connect(fd, address, len) == 0)
        return fd;
    err = errno == EINPROGRESS ? ETIMEDOUT : errno;
    lose_patience(start);
    (void)close(fd);
    errno = err;
    return -1;
}

static int
connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    return connect_to((const struct sockaddr *)&address, sizeof(address));
}

/* The first of the host's addresses that accepts. */
static int
connect_tcp(const struct tcp_address *to)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *all;
    char service[8];
    int fd = -1;

    (void)snprintf(service, sizeof(service), "%u", to->port);
    if (getaddrinfo(to->host, service, &hints, &all) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    for (struct addrinfo *a = all; a != NULL && fd < 0; a = a->ai_next)
        fd = connect_to(a->ai_addr, a->ai_addrlen);
    freeaddrinfo(all);
    return fd;
}

/* A path has a slash. */
static int
connect_server(const char *address)
{
    struct tcp_address to;

    if (strchr(address, '/') != NULL)
        return connect_unix(address);
    if (tcp_address_parse(address, DEFAULT_PORT, &to))
        return connect_tcp(&to);
    errno = EINVAL;
    return -1;
}

/* --- The answer --- */

/* What is said to a client that is not authenticated. */
#define DENIED "CLIENT_ERROR unauthenticated"

static bool
begins_with(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

/* The next line without its end, for a terminal to show. False at the end of what can be had. */
static bool
read_line(FILE *answer, char line[LINE_BYTES])
{
    size_t len;

    if (fgets(line, LINE_BYTES, answer) == NULL)
        return false;
    len = strcspn(line, "\r\n");
    if (line[len] == '\0')
        return false; /* cut off, or longer than any line of an answer */
    line[len] = '\0';
    for (char *c = line; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
            *c = '?';
    return true;
}

static int
print_line(const char *line)
{
    (void)puts(line);
    return ASK_ANSWERED;
}

static int
fail_with_line(const char *address, const char *line)
{
    char why[LINE_BYTES + 64];

    if (strstr(line, "ERROR") != NULL)
        return fail(address, line);
    (void)snprintf(why, sizeof(why), "this is not memcached's protocol: '%.60s'", line);
    return fail(address, why);
}

/* Of --ping: one line. */
static int
print_version(const char *line, const char *address)
{
    if (begins_with(line, "VERSION ") && line[strlen("VERSION ")] != '\0')
        return print_line(line);
    if (strcmp(line, DENIED) == 0)
        return print_line("it answers, and wants a password (-Y)");
    return fail_with_line(address, line);
}

static int
print_answer(FILE *answer, const struct config *config, const char *address)
{
    char line[LINE_BYTES];

    while (read_line(answer, line)) {
        if (config->auth_file != NULL && strcmp(line, "STORED") == 0)
            continue; /* authenticated */
        if (config->ask == ASK_PING)
            return print_version(line, address);
        if (strcmp(line, "END") == 0)
            return ASK_ANSWERED;
        if (strcmp(line, "RESET") == 0)
            return print_line(line);
        if (!begins_with(line, "STAT "))
            return fail_with_line(address, line);
        (void)print_line(line + strlen("STAT "));
    }
    return fail(address, errno == ETIMEDOUT ? "no whole answer within 5 seconds"
                                            : "the connection was closed");
}

/* Offer the first user of -Y, as a client would. */
static bool
authenticate(int fd, const char *path, const char *address)
{
    struct passwords passwords;
    const struct password_entry *first = &passwords.entries[0];
    char why[AUTH_FILE_WHY_BYTES];
    bool sent;

    if (!auth_file_read(path, &passwords, why)) {
        (void)fail(path, why);
        return false;
    }
    sent = dprintf(fd, "set auth 0 0 %zu\r\n%.*s %.*s\r\n",
                   first->user_len + 1 + first->password_len, (int)first->user_len,
                   (const char *)first->user, (int)first->password_len,
                   (const char *)first->password) >= 0;
    passwords_wipe(&passwords);
    if (!sent)
        (void)fail(address, strerror(errno));
    return sent;
}

static int
converse(int fd, const struct config *config, const char *address)
{
    FILE *answer;
    int status;

    if (config->auth_file != NULL && !authenticate(fd, config->auth_file, address))
        return ASK_FAILED;
    if ((config->ask == ASK_PING ? dprintf(fd, "version\r\n")
                                 : dprintf(fd, "stats %s\r\n", config->ask_group)) < 0)
        return fail(address, strerror(errno));
    answer = fopencookie(&fd, "r", (cookie_io_functions_t){.read = read_in_time});
    if (answer == NULL)
        return fail(address, strerror(errno));
    errno = 0;
    status = print_answer(answer, config, address);
    (void)fclose(answer);
    return status;
}

int
ask_server(const struct config *config)
{
    static const char malformed[] =
        "malformed address: host, host:port, [v6]:port, or the path of a socket";
    char local[32];
    const char *address = config->ask_address;
    int status;
    int fd;

    (void)snprintf(local, sizeof(local), "127.0.0.1:%d",
                   config->port > 0 ? config->port : DEFAULT_PORT);
    if (address == NULL)
        address = config->unix_path != NULL ? config->unix_path : local;
    fd = connect_server(address);
    if (fd < 0)
        return fail(address, errno == EINVAL ? malformed : strerror(errno));
    status = converse(fd, config, address);
    (void)close(fd);
    return status;
}
