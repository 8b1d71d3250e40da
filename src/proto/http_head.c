/* Takes the head of an HTTP request apart: its line, and the fields that matter here. */
#include <string.h>
#include <strings.h>

#include "base64_priv.h"
#include "http_priv.h"
#include "request_priv.h"

/* What the fields of a request say. */
struct fields {
    struct slice authorization; /* what follows "Basic" */
    unsigned hosts;
    unsigned lengths;
    bool malformed;
    bool has_chunks;
    bool has_body;
    bool closes;
    bool openmetrics;
};

/* --- Characters --- */

/* RFC 9110, 5.6.2. */
static bool
is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return s.len > 0;
}

/* Without blanks, controls and what is not ASCII. */
static bool
is_visible(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || (unsigned char)s.ptr[i] >= 0x7f)
            return false;
    return s.len > 0;
}

static bool
is_field_value(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool
equals_nocase(struct slice s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.ptr, text, s.len) == 0;
}

static bool
begins_nocase(struct slice s, const char *text)
{
    size_t len = strlen(text);

    return s.len >= len && strncasecmp(s.ptr, text, len) == 0;
}

static struct slice
from(struct slice s, size_t off)
{
    return slice_make(s.ptr + off, s.len - off);
}

static struct slice
trim(struct slice s)
{
    while (s.len > 0 && (*s.ptr == ' ' || *s.ptr == '\t'))
        s = from(s, 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* What comes before the first C of *REST, which begins behind it then; or all of it. */
static struct slice
take(struct slice *rest, char c)
{
    const char *found = rest->len == 0 ? NULL : memchr(rest->ptr, c, rest->len);
    struct slice taken = *rest;

    if (found == NULL) {
        *rest = from(*rest, rest->len);
        return taken;
    }
    taken.len = (size_t)(found - rest->ptr);
    *rest = from(*rest, taken.len + 1);
    return taken;
}

/* The next line of *REST, without its end; all lines have one. */
static struct slice
take_line(struct slice *rest)
{
    struct slice line = take(rest, '\n');

    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* --- Fields --- */

/* "q=0.5" of a media range, in thousandths; 1000 where there is none, 0 where it is no weight. */
static unsigned
weight_of(struct slice parameters)
{
    static const unsigned digit_worth[] = {1000, 0, 100, 10, 1};
    unsigned weight = 0;

    while (parameters.len > 0) {
        struct slice p = trim(take(&parameters, ';'));

        if (!begins_nocase(p, "q="))
            continue;
        p = from(p, 2);
        for (size_t i = 0; i < p.len && i < ARRAY_LEN(digit_worth); i++)
            if (p.ptr[i] >= '0' && p.ptr[i] <= '9')
                weight += (unsigned)(p.ptr[i] - '0') * digit_worth[i];
        return weight > 1000 ? 1000 : weight;
    }
    return 1000;
}

/* Whether the client wants OpenMetrics rather than the older form (RFC 9110, 12.5.1). */
static bool
prefers_openmetrics(struct slice accept)
{
    unsigned openmetrics = 0;
    unsigned text = 0;

    while (accept.len > 0) {
        struct slice parameters = take(&accept, ',');
        struct slice range = trim(take(&parameters, ';'));
        unsigned weight = weight_of(parameters);

        if (equals_nocase(range, "application/openmetrics-text") && weight > openmetrics)
            openmetrics = weight;
        else if (equals_nocase(range, "text/plain") && weight > text)
            text = weight;
    }
    return openmetrics > 0 && openmetrics >= text;
}

static bool
has_option(struct slice list, const char *option)
{
    while (list.len > 0)
        if (equals_nocase(trim(take(&list, ',')), option))
            return true;
    return false;
}

/*
 * "host" or "host:port" (RFC 9110, 7.2), of which nothing is used here: what no authority can have in
 * it is refused; an empty one is allowed.
 */
static bool
is_host(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (strchr("/?#@\\\"<>,", s.ptr[i]) != NULL)
            return false;
    return s.len == 0 || is_visible(s);
}

/* A second length is refused, even where it is the same: whoever forwarded it may have read another. */
static void
take_length(struct fields *fields, struct slice value)
{
    fields->malformed |= value.len == 0 || fields->lengths++ > 0;
    for (size_t i = 0; i < value.len; i++) {
        fields->malformed |= value.ptr[i] < '0' || value.ptr[i] > '9';
        fields->has_body |= value.ptr[i] != '0';
    }
}

static void
take_host(struct fields *fields, struct slice value)
{
    fields->hosts++;
    fields->malformed |= !is_host(value);
}

static void
take_field(struct fields *fields, struct slice name, struct slice value)
{
    if (equals_nocase(name, "host"))
        take_host(fields, value);
    else if (equals_nocase(name, "connection"))
        fields->closes |= has_option(value, "close");
    else if (equals_nocase(name, "content-length"))
        take_length(fields, value);
    else if (equals_nocase(name, "transfer-encoding"))
        fields->has_body = fields->has_chunks = true;
    else if (equals_nocase(name, "accept"))
        fields->openmetrics |= prefers_openmetrics(value);
    else if (equals_nocase(name, "authorization") && begins_nocase(value, "basic "))
        fields->authorization = trim(from(value, strlen("basic ")));
}

/* Up to the empty line, which is the last one. A field that goes on in another line is malformed. */
static void
take_fields(struct slice rest, struct fields *fields)
{
    while (rest.len > 0) {
        struct slice value = take_line(&rest);
        bool has_colon = value.len > 0 && memchr(value.ptr, ':', value.len) != NULL;
        struct slice name;

        if (value.len == 0)
            return;
        name = take(&value, ':');
        value = trim(value);
        if (!has_colon || !is_token(name) || !is_field_value(value)) {
            fields->malformed = true;
            return;
        }
        take_field(fields, name, value);
    }
}

/* --- The target --- */

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
        s = from(s, used);
    }
    req->value = slice_make(req->key_decoded + off, len);
    req->key = take(&req->value, ' ');
    return true;
}

/* "group=..." of a query; what else is in it is ignored. */
static bool
take_query(struct slice query, size_t off, struct request *req)
{
    while (query.len > 0) {
        struct slice parameter = take(&query, '&');

        if (begins_nocase(parameter, "group="))
            return decode_group(from(parameter, strlen("group=")), off, req);
    }
    return true;
}

/* Without "http://host"; empty where that is all of it. */
static struct slice
path_of(struct slice target)
{
    const char *slash;

    if (!begins_nocase(target, "http://"))
        return target;
    target = from(target, strlen("http://"));
    slash = target.len == 0 ? NULL : memchr(target.ptr, '/', target.len);
    return slash == NULL ? SLICE("/") : from(target, (size_t)(slash - target.ptr));
}

/* What is asked for; HTTP_OK: REQ says it. */
static enum http_status
take_target(struct slice target, size_t off, struct request *req)
{
    struct slice query = path_of(target);
    struct slice path = take(&query, '?');

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

/* --- All of it --- */

void
http_refuse(struct request *req, enum http_status status, bool closes)
{
    bool head = req->echo.http.head;

    request_refuse(req, slice_make(NULL, 0));
    req->echo.http = (struct echo_http){.status = (uint16_t)status, .head = head};
    if (closes)
        req->flags |= REQ_CLOSE;
}

/* "HTTP/1.x": the digit behind the point; -1: another version; -2: no version at all. */
static int
minor_version(struct slice s)
{
    if (s.len != strlen("HTTP/1.1") || memcmp(s.ptr, "HTTP/", 5) != 0 || s.ptr[6] != '.' ||
        s.ptr[5] < '0' || s.ptr[5] > '9' || s.ptr[7] < '0' || s.ptr[7] > '9')
        return -2;
    return s.ptr[5] == '1' ? s.ptr[7] - '0' : -1;
}

/* "user:password", as far as it can be one; to req->key_decoded. How many bytes. */
static size_t
take_credentials(struct slice encoded, struct request *req)
{
    size_t bytes = 0;

    if (encoded.len > 0 && BASE64_DECODED_MAX(encoded.len) <= sizeof(req->key_decoded) &&
        base64_decode(req->key_decoded, encoded, &bytes))
        req->credentials = slice_make(req->key_decoded, bytes);
    return bytes;
}

/* What the line and the fields say together; what closes is answered for good. */
static enum http_status
check(struct slice method, struct slice target, int minor, const struct fields *fields)
{
    if (!is_token(method) || !is_visible(target) || minor == -2 || fields->malformed)
        return HTTP_BAD_REQUEST;
    if (minor == -1)
        return HTTP_VERSION_NOT_SUPPORTED;
    if (fields->hosts > 1 || (fields->hosts == 0 && minor > 0))
        return HTTP_BAD_REQUEST;
    if (fields->has_chunks && (fields->lengths > 0 || minor == 0)) /* RFC 9112, 6.1 */
        return HTTP_BAD_REQUEST;
    if (!slice_equal(method, SLICE("GET")) && !slice_equal(method, SLICE("HEAD")))
        return HTTP_METHOD_NOT_ALLOWED;
    return fields->has_body ? HTTP_CONTENT_TOO_LARGE : HTTP_OK;
}

void
http_head_parse(struct slice head, struct request *req)
{
    struct fields fields = {.hosts = 0};
    struct slice version = take_line(&head);
    struct slice method = take(&version, ' ');
    struct slice target = take(&version, ' ');
    int minor = minor_version(version);
    enum http_status status;
    size_t off;

    request_init(req, OP_EXPORT);
    req->echo.http = (struct echo_http){.head = slice_equal(method, SLICE("HEAD"))};
    take_fields(head, &fields);
    status = check(method, target, minor, &fields);
    if (status != HTTP_OK) {
        http_refuse(req, status, true);
        return;
    }
    req->echo.http.chunked = minor > 0;
    req->echo.http.openmetrics = fields.openmetrics;
    off = take_credentials(fields.authorization, req);
    status = take_target(target, off, req);
    if (status != HTTP_OK)
        http_refuse(req, status, status == HTTP_BAD_REQUEST);
    if (minor == 0 || fields.closes)
        req->flags |= REQ_ENDS;
}
