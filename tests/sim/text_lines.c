/* Lines that the classic and the meta commands have in common, and numbers in them. */
#include <string.h>

#include "client_priv.h"

bool
line_is(const struct client *c, const char *want)
{
    return c->piece_len == strlen(want) && memcmp(c->piece, want, c->piece_len) == 0;
}

bool
line_is_error(const struct client *c, enum outcome *outcome)
{
    static const struct {
        const char *line;
        enum outcome outcome;
    } errors[] = {
        {"SERVER_ERROR out of memory storing object\r\n", CAME_NO_MEMORY},
        {"SERVER_ERROR object too large for cache\r\n", CAME_TOO_LARGE},
        {"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n", CAME_NON_NUMERIC},
    };

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        if (line_is(c, errors[i].line)) {
            *outcome = errors[i].outcome;
            return true;
        }
    }
    return false;
}

bool
is_refused_instead(const struct client *c, const struct client_command *cmd)
{
    enum outcome outcome;

    return memory_is_short(c) && strstr(cmd->want, "bad data chunk") != NULL &&
           line_is_error(c, &outcome) && outcome == CAME_NO_MEMORY;
}

bool
take_u64(const char **p, uint64_t *number)
{
    const char *s = *p;
    uint64_t v = 0;

    if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
        return false;
    for (; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
            return false;
    *p = s;
    *number = v;
    return true;
}
