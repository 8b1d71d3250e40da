/* Builds a script: what is sent over one connection, and what must come back. */
#include "script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 2 * 1024 * 1024, LINE_BYTES = 2048 };

void
text_add(struct text *t, const void *src, size_t bytes)
{
    if (t->len + bytes > t->cap) {
        t->cap = 2 * (t->len + bytes);
        t->data = realloc(t->data, t->cap);
        if (t->data == NULL)
            abort();
    }
    if (bytes > 0)
        memcpy(t->data + t->len, src, bytes);
    t->len += bytes;
}

void
script_init(struct script *s, const char *name)
{
    memset(s, 0, sizeof(*s));
    s->name = name;
}

void
script_fini(struct script *s)
{
    free(s->in.data);
    free(s->want.data);
    free(s->any.data);
    memset(s, 0, sizeof(*s));
}

void
script_clear(struct script *s)
{
    s->in.len = s->want.len = s->any.len = 0;
}

static void
add_want(struct script *s, const void *src, size_t bytes, char any)
{
    text_add(&s->want, src, bytes);
    for (size_t i = 0; i < bytes; i++)
        text_add(&s->any, &any, 1);
}

void
say_bytes(struct script *s, const void *src, size_t bytes)
{
    text_add(&s->in, src, bytes);
}

void
want_bytes(struct script *s, const void *src, size_t bytes)
{
    add_want(s, src, bytes, 0);
}

void
want_any(struct script *s, size_t bytes)
{
    static const char nothing[64];

    add_want(s, nothing, bytes, 1);
}

PRINTF_LIKE(2, 0)
static size_t
format_line(char line[LINE_BYTES], const char *format, va_list args)
{
    int len = vsnprintf(line, LINE_BYTES, format, args);

    if (len < 0 || len >= LINE_BYTES)
        abort();
    return (size_t)len;
}

void
say(struct script *s, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;

    va_start(args, format);
    say_bytes(s, line, format_line(line, format, args));
    va_end(args);
}

void
want(struct script *s, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;

    va_start(args, format);
    want_bytes(s, line, format_line(line, format, args));
    va_end(args);
}

static const char *
value_of(unsigned key, size_t bytes)
{
    static char value[VALUE_BYTES_MAX];

    for (size_t i = 0; i < bytes; i++)
        value[i] = (char)(' ' + (i * 7 + key * 13 + i / 91) % 95);
    return value;
}

void
say_value(struct script *s, unsigned key, size_t bytes)
{
    say_bytes(s, value_of(key, bytes), bytes);
}

void
want_part(struct script *s, unsigned key, size_t bytes)
{
    want_bytes(s, value_of(key, bytes), bytes);
}

void
say_set(struct script *s, const char *verb, unsigned key, size_t bytes)
{
    say(s, "%s key-%u %u 0 %zu\r\n", verb, key, key, bytes);
    say_value(s, key, bytes);
    say(s, "\r\n");
}

void
want_value(struct script *s, unsigned key, size_t bytes)
{
    want(s, "VALUE key-%u %u %zu\r\n", key, key, bytes);
    want_part(s, key, bytes);
    want(s, "\r\n");
}
