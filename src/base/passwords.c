/* Takes a file of passwords apart, and compares with all of it in a time that tells nothing. */
#include "lombard/base/passwords.h"

#include <stdint.h>

/* --- Taking apart --- */

/* The first line of *TEXT, without its end; *TEXT begins behind it then. */
static struct slice
take_line(struct slice *text)
{
    const char *newline = memchr(text->ptr, '\n', text->len);
    size_t len = newline == NULL ? text->len : (size_t)(newline - text->ptr);
    struct slice line = slice_make(text->ptr, len);

    len += newline != NULL;
    *text = slice_make(text->ptr + len, text->len - len);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

static enum passwords_result
parse_line(struct slice line, struct password_entry *entry)
{
    const char *colon;

    if (line.len > PASSWORDS_LINE_BYTES)
        return PASSWORDS_LONG_LINE;
    colon = memchr(line.ptr, ':', line.len);
    if (colon == NULL || colon == line.ptr || colon + 1 == line.ptr + line.len ||
        memchr(line.ptr, '\0', line.len) != NULL)
        return PASSWORDS_MALFORMED;
    entry->user_len = (size_t)(colon - line.ptr);
    entry->password_len = line.len - entry->user_len - 1;
    memcpy(entry->user, line.ptr, entry->user_len);
    memcpy(entry->password, colon + 1, entry->password_len);
    return PASSWORDS_OK;
}

/* Into *PASSWORDS, which is all zero, whatever comes of it. */
static enum passwords_result
parse_all(struct passwords *passwords, struct slice text, unsigned *line_number)
{
    unsigned count = 0;

    for (unsigned number = 1; text.len > 0; number++) {
        struct slice line = take_line(&text);
        enum passwords_result result;

        if (line.len == 0)
            continue;
        *line_number = number;
        if (count == PASSWORDS_MAX)
            return PASSWORDS_TOO_MANY;
        result = parse_line(line, &passwords->entries[count]);
        if (result != PASSWORDS_OK)
            return result;
        count++;
    }
    return count == 0 ? PASSWORDS_NONE : PASSWORDS_OK;
}

enum passwords_result
passwords_parse(struct passwords *passwords, struct slice text, unsigned *line)
{
    struct passwords parsed = {.entries = {{.user_len = 0}}};
    enum passwords_result result = parse_all(&parsed, text, line);

    if (result == PASSWORDS_OK)
        *passwords = parsed;
    passwords_wipe(&parsed);
    return result;
}

void
passwords_wipe(struct passwords *passwords)
{
    explicit_bzero(passwords, sizeof(*passwords));
}

/* --- Comparing --- */

/* What a client sent, as an entry holds it: what is too long for that, and equals none, is cut. */
struct offered {
    size_t len;
    unsigned char bytes[PASSWORDS_LINE_BYTES];
};

static void
offer(struct offered *offered, struct slice s)
{
    memset(offered, 0, sizeof(*offered));
    offered->len = s.len;
    if (s.len > 0)
        memcpy(offered->bytes, s.ptr,
               s.len < PASSWORDS_LINE_BYTES ? s.len : PASSWORDS_LINE_BYTES);
}

/* 0: equal. All bytes are looked at, whatever the first ones say. */
static size_t
difference(const unsigned char *bytes, size_t len, const struct offered *offered)
{
    size_t differ = len ^ offered->len;

    for (size_t i = 0; i < PASSWORDS_LINE_BYTES; i++)
        differ |= (size_t)(bytes[i] ^ offered->bytes[i]);
    return differ;
}

bool
passwords_match(const struct passwords *passwords, struct slice user, struct slice password)
{
    struct offered offered_user, offered_password;
    unsigned matches = 0;

    offer(&offered_user, user);
    offer(&offered_password, password);
    for (size_t i = 0; i < PASSWORDS_MAX; i++) {
        const struct password_entry *entry = &passwords->entries[i];
        size_t differ = difference(entry->user, entry->user_len, &offered_user);

        differ |= difference(entry->password, entry->password_len, &offered_password);
        differ |= (size_t)(entry->user_len == 0); /* no entry */
        matches += differ == 0;
    }
    explicit_bzero(&offered_password, sizeof(offered_password));
    return matches > 0;
}
