/* Answers HTTP requests: heads, short texts, and streams in chunks. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lombard/base/sys.h"

#include "http_page_text.h"
#include "http_priv.h"

#define CRLF SLICE("\r\n")

/* --- Heads --- */

static const char *
reason_of(enum http_status status)
{
    switch (status) {
    case HTTP_OK: return "OK";
    case HTTP_BAD_REQUEST: return "Bad Request";
    case HTTP_UNAUTHORIZED: return "Unauthorized";
    case HTTP_NOT_FOUND: return "Not Found";
    case HTTP_METHOD_NOT_ALLOWED: return "Method Not Allowed";
    case HTTP_CONTENT_TOO_LARGE: return "Content Too Large";
    case HTTP_URI_TOO_LONG: return "URI Too Long";
    case HTTP_FIELDS_TOO_LARGE: return "Request Header Fields Too Large";
    case HTTP_INTERNAL: return "Internal Server Error";
    case HTTP_UNAVAILABLE: return "Service Unavailable";
    case HTTP_VERSION_NOT_SUPPORTED: return "HTTP Version Not Supported";
    }
    BUG("http_status out of range");
}

/* Of the form of an answer. */
static const char *
type_of(const struct request *req)
{
    switch ((enum http_form)req->echo.http.form) {
    case FORM_STATUS: return "text/plain; charset=utf-8";
    case FORM_METRICS:
        return req->echo.http.openmetrics
                   ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                   : "text/plain; version=0.0.4; charset=utf-8";
    case FORM_JSON: return "application/json";
    case FORM_PAGE: return "text/html; charset=utf-8";
    }
    BUG("http_form out of range");
}

/* "Fri, 27 Nov 2026 02:30:00 GMT" (RFC 9110, 5.6.7): the same in every locale. */
static char *
put_date(char *p, const char *end)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = (time_t)sys_realtime_s();
    struct tm utc;
    char text[64];

    if (gmtime_r(&now, &utc) == NULL)
        return p;
    (void)snprintf(text, sizeof(text), "\r\nDate: %.3s, %02d %.3s %d %02d:%02d:%02d GMT",
                   days + (ptrdiff_t)3 * utc.tm_wday, utc.tm_mday,
                   months + (ptrdiff_t)3 * utc.tm_mon, 1900 + utc.tm_year, utc.tm_hour,
                   utc.tm_min, utc.tm_sec);
    return http_put_text(p, end, text);
}

/* Up to the fields that say how long the body is. Numbers age at once: nothing may be kept. */
static char *
put_head(char *p, const struct request *req, enum http_status status)
{
    const char *end = p + PROTO_HEAD_BYTES_MAX;
    bool page = req->echo.http.form == FORM_PAGE && status == HTTP_OK;

    p = put_u64(http_put(p, end, SLICE("HTTP/1.1 ")), status);
    p = put_date(http_put_text(put_byte(p, ' '), end, reason_of(status)), end);
    p = http_put_text(http_put(p, end, SLICE("\r\nContent-Type: ")), end, type_of(req));
    p = http_put(p, end,
                 SLICE("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                       "Referrer-Policy: no-referrer\r\n"
                       "Content-Security-Policy: default-src 'none'; base-uri 'none'; "
                       "form-action 'none'; frame-ancestors 'none'"));
    p = http_put(http_put_text(p, end, page ? http_page_policy : ""), end, CRLF);
    if (status == HTTP_METHOD_NOT_ALLOWED)
        p = http_put(p, end, SLICE("Allow: GET, HEAD\r\n"));
    if (status == HTTP_UNAUTHORIZED)
        p = http_put(p, end,
                     SLICE("WWW-Authenticate: Basic realm=\"lombard\", charset=\"UTF-8\"\r\n"));
    if ((req->flags & (REQ_CLOSE | REQ_ENDS)) != 0)
        p = http_put(p, end, SLICE("Connection: close\r\n"));
    return p;
}

/* --- Whole answers --- */

/* A line that says STATUS, or TEXT. */
static size_t
put_answer(const struct request *req, enum http_status status, const char *text, char *dst)
{
    const char *end = dst + PROTO_HEAD_BYTES_MAX;
    struct request plain = {.flags = req->flags}; /* whatever was asked for */
    char body[64];
    int bytes = text != NULL
                    ? snprintf(body, sizeof(body), "%s\n", text)
                    : snprintf(body, sizeof(body), "%d %s\n", (int)status, reason_of(status));
    char *p = put_head(dst, &plain, status);

    p = put_u64(http_put(p, end, SLICE("Content-Length: ")), (uint64_t)bytes);
    p = http_put(p, end, SLICE("\r\n\r\n"));
    if (!req->echo.http.head)
        p = http_put_text(p, end, body);
    return (size_t)(p - dst);
}

struct reply_parts
http_reply(const struct request *req, const struct reply *reply, char *dst)
{
    enum http_status status = HTTP_INTERNAL;
    const char *text = NULL;

    if (reply->status == REPLY_REFUSED) {
        status = (enum http_status)req->echo.http.status;
    } else if (reply->status == REPLY_OK) {
        status = HTTP_OK;
        text = "ok";
    } else if (reply->status == REPLY_STOPPING) {
        status = HTTP_UNAVAILABLE;
        text = "draining";
    } else if (reply->status == REPLY_NO_STATS) {
        status = HTTP_NOT_FOUND;
    } else if (reply->status == REPLY_BAD_QUERY) {
        status = HTTP_BAD_REQUEST;
    } else if (reply->status == REPLY_OUT_OF_MEMORY) {
        status = HTTP_UNAVAILABLE;
    } else if (reply->status == REPLY_DENIED || reply->status == REPLY_AUTH_FAILED) {
        status = HTTP_UNAUTHORIZED;
    }
    return (struct reply_parts){.head_bytes = (uint32_t)put_answer(req, status, text, dst)};
}

struct slice
proto_http_rejection(void)
{
    return SLICE("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n"
                 "Retry-After: 1\r\nConnection: close\r\nContent-Length: 21\r\n\r\n"
                 "too many connections\n");
}

/* --- Streams --- */

/* Where the contents of a piece begin. */
static char *
body_at(const struct request *req, char *dst)
{
    return dst + (req->echo.http.chunked ? HTTP_CHUNK_HEAD_BYTES : 0);
}

/* LEN bytes are at body_at(): make a chunk of them. How many bytes there are in all. */
static size_t
finish_piece(const struct request *req, char *dst, size_t len)
{
    static const char hex[] = "0123456789abcdef";

    if (!req->echo.http.chunked || len == 0)
        return len;
    dst[0] = hex[len >> 8 & 15];
    dst[1] = hex[len >> 4 & 15];
    dst[2] = hex[len & 15];
    memcpy(dst + 3, "\r\n", 2);
    memcpy(dst + HTTP_CHUNK_HEAD_BYTES + len, "\r\n", 2);
    return HTTP_CHUNK_HEAD_BYTES + len + 2;
}

static size_t
put_piece(const struct request *req, struct slice text, char *dst)
{
    put_slice(body_at(req, dst), text);
    return finish_piece(req, dst, text.len);
}

static size_t
put_stream_head(const struct request *req, char *dst)
{
    const char *end = dst + PROTO_LINE_BYTES_MAX;
    char *p = put_head(dst, req, HTTP_OK);

    if (req->echo.http.chunked)
        p = http_put(p, end, SLICE("Transfer-Encoding: chunked\r\n"));
    return (size_t)(http_put(p, end, CRLF) - dst);
}

/* Whether the lines are given one by one, to http_stat_line(): they are of connections. */
static bool
is_query(const struct request *req)
{
    return req->echo.http.form == FORM_JSON && req->value.len > 0 &&
           slice_equal(req->key, SLICE("conns"));
}

/* {"conns":{"query":"top bytes_in 5" and then each line with a comma before it. */
static size_t
put_query(const struct request *req, char *dst)
{
    char *begin = body_at(req, dst);
    const char *end = begin + HTTP_CHUNK_BYTES;
    char query[HTTP_KEY_BYTES_MAX + 1];
    char *p = http_put(begin, end, SLICE("\"conns\":{\n\"query\":\""));

    if (!is_query(req))
        return 0; /* that was all */
    *put_slice(query, req->value) = '\0';
    p = http_put(http_put_json(p, end, query), end, SLICE("\""));
    return finish_piece(req, dst, (size_t)(p - begin));
}

size_t
http_stream_begin(const struct request *req, uint32_t piece, char *dst)
{
    if (piece == 0)
        return put_stream_head(req, dst);
    if (req->echo.http.head)
        return 0;
    if (req->echo.http.form == FORM_PAGE)
        return put_piece(req, http_page_begin(piece - 1), dst);
    if (req->echo.http.form != FORM_JSON || piece > 2)
        return 0;
    return piece == 1 ? put_piece(req, SLICE("{"), dst) : put_query(req, dst);
}

size_t
http_stat_line(const struct request *req, const char *name, const char *value, char *dst)
{
    char *begin = body_at(req, dst);
    char *p = http_put_member(put_byte(begin, ','), begin + HTTP_CHUNK_BYTES, name, value);

    return finish_piece(req, dst, (size_t)(p - begin));
}

enum stat_step
http_registry_piece(const struct request *req, const struct stat_registry *registry,
                    struct stat_walk *walk, char *dst, size_t *len)
{
    static http_piece_fn *const pieces[] = {
        [FORM_STATUS] = http_json_piece, /* no stream has it */
        [FORM_METRICS] = http_metrics_piece,
        [FORM_JSON] = http_json_piece,
        [FORM_PAGE] = http_page_piece,
    };
    enum stat_step step;

    if (req->echo.http.head)
        return STAT_END;
    *len = 0;
    step = pieces[req->echo.http.form](req, registry, walk, body_at(req, dst), len);
    *len = finish_piece(req, dst, *len);
    return step;
}

uint32_t
http_registry_kind(const struct request *req)
{
    const struct echo_http *echo = &req->echo.http;

    if (echo->head || req->key.len > 0)
        return 0;
    return 1U + 4U * echo->form + 2U * echo->openmetrics + echo->chunked;
}

/* What comes behind all numbers. */
static struct slice
end_text(const struct request *req, uint32_t piece)
{
    if (req->echo.http.form == FORM_PAGE)
        return http_page_end(piece);
    if (piece > 0)
        return slice_make(NULL, 0);
    if (req->echo.http.form == FORM_JSON)
        return is_query(req) ? SLICE("}\n}\n") : SLICE("\n}\n");
    return req->echo.http.openmetrics ? SLICE("# EOF\n") : slice_make(NULL, 0);
}

size_t
http_stream_end(const struct request *req, uint32_t piece, char *dst)
{
    struct slice text = end_text(req, piece);

    if (req->echo.http.head)
        return 0;
    if (text.len > 0)
        return put_piece(req, text, dst);
    /* The last chunk, once. */
    if (!req->echo.http.chunked || (piece > 0 && end_text(req, piece - 1).len == 0))
        return 0;
    return (size_t)(put_slice(dst, SLICE("0\r\n\r\n")) - dst);
}
