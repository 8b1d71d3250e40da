/* Makes the request that authenticates a connection, and reads its reply. */
#include "wire/login.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HEADER_BYTES = 24, SASL_AUTH = 0x21, LINE_MAX_BYTES = 256 };

static void
make_text(struct login *l, const char *user, const char *password)
{
    int n = snprintf((char *)l->text, sizeof(l->text), "set login 0 0 %zu\r\n%s %s\r\n",
                     strlen(user) + 1 + strlen(password), user, password);

    l->bytes = (size_t)n;
}

static void
make_binary(struct login *l, const char *user, const char *password)
{
    size_t value = 2 + strlen(user) + strlen(password);
    size_t body = 5 + value;
    unsigned char *p = l->text;

    memset(p, 0, HEADER_BYTES);
    p[0] = 0x80;
    p[1] = SASL_AUTH;
    p[3] = 5;
    p[10] = (unsigned char)(body >> 8);
    p[11] = (unsigned char)body;
    memcpy(p + HEADER_BYTES, "PLAIN", 5);
    p[HEADER_BYTES + 5] = '\0';
    memcpy(p + HEADER_BYTES + 6, user, strlen(user) + 1);
    memcpy(p + HEADER_BYTES + 7 + strlen(user), password, strlen(password));
    l->bytes = HEADER_BYTES + body;
}

const char *
login_load(struct login *l, const char *path, bool binary)
{
    char line[LINE_MAX_BYTES];
    FILE *f = fopen(path, "re");
    char *colon;
    bool got;

    memset(l, 0, sizeof(*l));
    if (f == NULL)
        return strerror(errno);
    got = fgets(line, sizeof(line), f) != NULL;
    (void)fclose(f);
    if (!got)
        return "it is empty";
    line[strcspn(line, "\r\n")] = '\0';
    colon = strchr(line, ':');
    if (colon == NULL || colon == line || colon[1] == '\0')
        return "its first line is not user:password";
    *colon = '\0';
    l->binary = binary;
    (binary ? make_binary : make_text)(l, line, colon + 1);
    return NULL;
}

enum login_answer
login_read(const struct login *l, const unsigned char *p, size_t bytes, size_t *used)
{
    static const char good[] = "STORED\r\n";
    const unsigned char *newline;

    if (l->binary) {
        size_t body;

        if (bytes < HEADER_BYTES)
            return LOGIN_PARTIAL;
        body = (size_t)p[10] << 8 | p[11];
        *used = HEADER_BYTES + body;
        if (bytes < *used)
            return LOGIN_PARTIAL;
        return p[0] == 0x81 && p[1] == SASL_AUTH && p[6] == 0 && p[7] == 0 ? LOGIN_ACCEPTED
                                                                           : LOGIN_REFUSED;
    }
    newline = memchr(p, '\n', bytes);
    if (newline == NULL)
        return bytes < LINE_MAX_BYTES ? LOGIN_PARTIAL : LOGIN_REFUSED;
    *used = (size_t)(newline - p) + 1;
    return *used == strlen(good) && memcmp(p, good, *used) == 0 ? LOGIN_ACCEPTED
                                                                : LOGIN_REFUSED;
}
