/* Reads which connections are asked for. */
#include "scan_words.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "lombard/base/num.h"
#include "lombard/base/sys.h"

enum { TOP_DEFAULT = 10 };

static struct slice
next_word(struct slice *rest)
{
    struct slice word;

    while (rest->len > 0 && *rest->ptr == ' ')
        *rest = slice_make(rest->ptr + 1, rest->len - 1);
    word = slice_make(rest->ptr, 0);
    while (rest->len > 0 && *rest->ptr != ' ') {
        word.len++;
        *rest = slice_make(rest->ptr + 1, rest->len - 1);
    }
    return word;
}

static bool
choose_number(struct scan *scan, struct slice word, uint64_t max, uint64_t factor)
{
    uint64_t number;

    if (!num_parse_u64(word, &number) || number > max)
        return false;
    scan->number = number * factor;
    return true;
}

/* A port, or none. */
static bool
is_port(const char *text)
{
    uint32_t port;

    return *text == '\0' ||
           (*text == ':' && num_parse_u32(slice_make(text + 1, strlen(text + 1)), &port) &&
            port > 0 && port <= UINT16_MAX);
}

/* IP in its usual form, and PORT, ":80" or "", as sys_peer_name() says them. */
static bool
choose_peer(struct scan *scan, const char *ip, const char *port)
{
    struct in6_addr address;
    char host[INET6_ADDRSTRLEN];
    const char *end = *port == '\0' ? ":" : port;
    int family = strchr(ip, ':') != NULL ? AF_INET6 : AF_INET;

    if (!is_port(port) || inet_pton(family, ip, &address) != 1 ||
        inet_ntop(family, &address, host, sizeof(host)) == NULL)
        return false;
    scan->whole = *port != '\0';
    if (family == AF_INET6) {
        (void)snprintf(scan->text[0], sizeof(scan->text[0]), "tcp6:[%s]%s", host, end);
    } else {
        (void)snprintf(scan->text[0], sizeof(scan->text[0]), "tcp:%s%s", host, end);
        (void)snprintf(scan->text[1], sizeof(scan->text[1]), "tcp6:[::ffff:%s]%s", host, end);
    }
    return true;
}

/* "10.0.0.1", "10.0.0.1:80", "::1", "[::1]:80"; "unix": whatever came through a unix socket. */
static bool
choose_addr(struct scan *scan, struct slice word)
{
    char addr[64];
    char *bracket, *colon;

    if (word.len >= sizeof(addr))
        return false;
    (void)snprintf(addr, sizeof(addr), "%.*s", (int)word.len, word.ptr);
    if (strcmp(addr, "unix") == 0) {
        (void)snprintf(scan->text[0], sizeof(scan->text[0]), "unix:");
        return true;
    }
    bracket = strchr(addr, ']');
    if (addr[0] == '[' && bracket != NULL) {
        *bracket = '\0';
        return strchr(addr, ':') != NULL && choose_peer(scan, addr + 1, bracket + 1);
    }
    colon = strchr(addr, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        char port[sizeof(addr)];

        (void)snprintf(port, sizeof(port), "%s", colon);
        *colon = '\0';
        return port[1] != '\0' && choose_peer(scan, addr, port);
    }
    return choose_peer(scan, addr, "");
}

static bool
choose_top(struct scan *scan, struct slice measure, struct slice count)
{
    static const char *const names[] = {
        [BY_REQUESTS] = "requests", [BY_BYTES_IN] = "bytes_in", [BY_BYTES_OUT] = "bytes_out",
        [BY_HELD] = "held",         [BY_STALLED] = "stalled",
    };
    uint64_t number = TOP_DEFAULT;
    size_t i = 0;

    while (i < ARRAY_LEN(names) &&
           !slice_equal(measure, slice_make(names[i], strlen(names[i]))))
        i++;
    if (i == ARRAY_LEN(names) || (count.len > 0 && !num_parse_u64(count, &number)) ||
        number == 0)
        return false;
    scan->measure = (enum scan_measure)i;
    scan->top_max = number < SCAN_TOP_MAX ? (uint32_t)number : SCAN_TOP_MAX;
    return true;
}

/* Whether there is a state that is called so. */
static bool
choose_state(struct scan *scan, struct slice name)
{
    if (name.len == 0 || name.len >= sizeof(scan->text[0]))
        return false;
    memcpy(scan->text[0], name.ptr, name.len);
    return conn_is_state_name(scan->text[0]);
}

static bool
parse(struct scan *scan, struct slice words)
{
    struct slice choice = next_word(&words);
    struct slice first = next_word(&words);
    struct slice second = next_word(&words);

    if (slice_equal(choice, SLICE("top")) && !scan->kills) {
        scan->choice = CHOOSE_TOP;
        return next_word(&words).len == 0 && choose_top(scan, first, second);
    }
    if (second.len > 0)
        return false;
    if (slice_equal(choice, SLICE("id"))) {
        scan->choice = CHOOSE_ID;
        return choose_number(scan, first, UINT32_MAX, 1);
    }
    if (slice_equal(choice, SLICE("stalled"))) {
        scan->choice = CHOOSE_STALLED;
        return choose_number(scan, first, UINT32_MAX / 1000, 1000);
    }
    if (slice_equal(choice, SLICE("addr"))) {
        scan->choice = CHOOSE_ADDR;
        return choose_addr(scan, first);
    }
    scan->choice = CHOOSE_STATE;
    return slice_equal(choice, SLICE("state")) && !scan->kills && choose_state(scan, first);
}

struct scan *
scan_create(enum request_op op, struct slice words, enum reply_status *why)
{
    struct scan *scan = sys_malloc(sizeof(*scan) + SCAN_TOP_MAX * sizeof(struct scan_top));

    *why = REPLY_OUT_OF_MEMORY;
    if (scan == NULL)
        return NULL;
    memset(scan, 0, sizeof(*scan));
    scan->kills = op == OP_KILL;
    if (parse(scan, words))
        return scan;
    *why = REPLY_BAD_QUERY;
    sys_free(scan);
    return NULL;
}

void
scan_destroy(struct scan *scan)
{
    sys_free(scan);
}
