/* Asks a server for its `stats`, and tells what changed between two answers. */
#include "host/counters.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MS = 1000 };

/* Read until END, or until the server is silent. */
static bool
read_answer(int fd, char *text)
{
    size_t used = 0;

    while (used < COUNTERS_TEXT_BYTES - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n;

        if (poll(&p, 1, ANSWER_MS) <= 0)
            return false;
        n = recv(fd, text + used, COUNTERS_TEXT_BYTES - 1 - used, 0);
        if (n <= 0)
            return false;
        used += (size_t)n;
        text[used] = '\0';
        if (used >= 5 && memcmp(text + used - 5, "END\r\n", 5) == 0)
            return true;
    }
    return false;
}

char *
counters_ask(int fd)
{
    char *text = malloc(COUNTERS_TEXT_BYTES);

    if (text != NULL && send(fd, "stats\r\n", 7, MSG_NOSIGNAL) == 7 && read_answer(fd, text))
        return text;
    free(text);
    return NULL;
}

void
counters_parse(const char *text, struct counters *out)
{
    out->count = 0;
    for (const char *line = text; line != NULL && out->count < COUNTERS_MAX;) {
        struct counter *c = &out->list[out->count];
        long long value;
        char rest;

        /* A value with anything behind its digits (a time, a version) is no counter. */
        if (sscanf(line, "STAT %47s %lld%c", c->name, &value, &rest) == 3 && rest == '\r') {
            c->value = value;
            out->count++;
        }
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
}

bool
counters_fetch(const struct net_addr *addr, struct counters *out)
{
    int fd = net_connect(addr, 0);
    char *text;

    out->count = 0;
    if (fd < 0)
        return false;
    text = counters_ask(fd);
    (void)close(fd);
    if (text == NULL)
        return false;
    counters_parse(text, out);
    free(text);
    return true;
}

static const struct counter *
find(const struct counters *c, const char *name)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (strcmp(c->list[i].name, name) == 0)
            return &c->list[i];
    }
    return NULL;
}

void
counters_subtract(struct counters *after, const struct counters *before)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < after->count; i++) {
        const struct counter *old = find(before, after->list[i].name);

        if (old == NULL || old->value == after->list[i].value)
            continue;
        after->list[kept] = after->list[i];
        after->list[kept++].value -= old->value;
    }
    after->count = kept;
}
