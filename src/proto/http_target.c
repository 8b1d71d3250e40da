/* Reads the target of an HTTP request: which page, and of which statistics. */
#include "http_priv.h"
#include "http_words.h"

#include <string.h>

enum { NO_DIGIT = 16 };

static unsigned
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : NO_DIGIT;
}

/* "%20" at the front of S; NO_DIGIT squared where it is none. */
static unsigned
percent_value(struct slice s)
{
    unsigned high = s.len < 3 ? NO_DIGIT : hex_value(s.ptr[1]);
    unsigned low = s.len < 3 ? NO_DIGIT : hex_value(s.ptr[2]);

    return high == NO_DIGIT || low == NO_DIGIT ? NO_DIGIT * NO_DIGIT : high * 16 + low;
}

/*
 * A group, and behind a blank its arguments, as a query has them: '+' and %20 are blanks. To
 * req->key_decoded, from OFF on. False where it is too long or malformed, or has controls.
 */
static bool
decode_group(struct slice s, size_t off, struct request *req)
{
    size_t len = 0;

    while (s.len > 0) {
        size_t used = *s.ptr == '%' ? 3 : 1;
        unsigned c = (unsigned char)(*s.ptr == '+' ? ' ' : *s.ptr);

        if (c == '%')
            c = percent_value(s);
        if (c < ' ' || c == 0x7f || c > UINT8_MAX || len == HTTP_KEY_BYTES_MAX ||
            off + len == sizeof(req->key_decoded))
            return false;
        req->key_decoded[off + len++] = (char)c;
        s = http_from(s, used);
    }
    req->value = slice_make(req->key_decoded + off, len);
    req->key = http_take(&req->value, ' ');
    return true;
}

/* "group=..." of a query; what else is in it is ignored. */
static bool
take_query(struct slice query, size_t off, struct request *req)
{
    while (query.len > 0) {
        struct slice parameter = http_take(&query, '&');

        if (http_begins_nocase(parameter, "group="))
            return decode_group(http_from(parameter, strlen("group=")), off, req);
    }
    return true;
}

/* Without "http://host"; empty where that is all of it. */
static struct slice
path_of(struct slice target)
{
    const char *slash;

    if (!http_begins_nocase(target, "http://"))
        return target;
    target = http_from(target, strlen("http://"));
    slash = target.len == 0 ? NULL : memchr(target.ptr, '/', target.len);
    return slash == NULL ? SLICE("/") : http_from(target, (size_t)(slash - target.ptr));
}

enum http_status
http_take_target(struct slice target, size_t off, struct request *req)
{
    struct slice query = path_of(target);
    struct slice path = http_take(&query, '?');

    req->op = OP_EXPORT;
    if (path.len == 0 || *path.ptr != '/')
        return HTTP_BAD_REQUEST;
    if (slice_equal(path, SLICE("/metrics"))) {
        req->echo.http.form = FORM_METRICS;
        return HTTP_OK;
    }
    if (slice_equal(path, SLICE("/"))) {
        req->echo.http.form = FORM_PAGE;
        return HTTP_OK;
    }
    if (slice_equal(path, SLICE("/stats.json"))) {
        req->echo.http.form = FORM_JSON;
        return take_query(query, off, req) ? HTTP_OK : HTTP_BAD_REQUEST;
    }
    if (slice_equal(path, SLICE("/healthz"))) {
        req->op = OP_HEALTH;
        return HTTP_OK;
    }
    return HTTP_NOT_FOUND;
}
