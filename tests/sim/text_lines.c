/* Lines that the classic and the meta commands have in common, and numbers and keys in them. */
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

size_t
meta_encode_key(char *dst, const char *key, size_t len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    for (size_t i = 0; i < len; i += 3) {
        unsigned char b[3] = {(unsigned char)key[i], 0, 0};

        for (size_t j = 1; j < 3 && i + j < len; j++)
            b[j] = (unsigned char)key[i + j];
        dst[n++] = digits[b[0] >> 2];
        dst[n++] = digits[(b[0] & 3) << 4 | b[1] >> 4];
        dst[n++] = (char)(i + 1 < len ? digits[(b[1] & 15) << 2 | b[2] >> 6] : '=');
        dst[n++] = (char)(i + 2 < len ? digits[b[2] & 63] : '=');
    }
    return n;
}
