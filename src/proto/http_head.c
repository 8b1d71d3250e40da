/* Takes the head of an HTTP request apart: its line, with its target, and its fields. */
#include <string.h>

#include "base64_priv.h"
#include "http_fields.h"
#include "http_priv.h"
#include "http_words.h"
#include "request_priv.h"

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
check(struct slice method, struct slice target, int minor, const struct http_fields *fields)
{
    if (!http_is_token(method) || !http_is_visible(target) || minor == -2 || fields->malformed)
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
    struct http_fields fields;
    struct slice version = http_take_line(&head);
    struct slice method = http_take(&version, ' ');
    struct slice target = http_take(&version, ' ');
    int minor = minor_version(version);
    enum http_status status;
    size_t off;

    request_init(req, OP_EXPORT);
    req->echo.http = (struct echo_http){.head = slice_equal(method, SLICE("HEAD"))};
    http_take_fields(head, &fields);
    status = check(method, target, minor, &fields);
    if (status != HTTP_OK) {
        http_refuse(req, status, true);
        return;
    }
    req->echo.http.chunked = minor > 0;
    req->echo.http.openmetrics = fields.openmetrics > 0 && fields.openmetrics >= fields.text;
    off = take_credentials(fields.authorization, req);
    status = http_take_target(target, off, req);
    if (status != HTTP_OK)
        http_refuse(req, status, status == HTTP_BAD_REQUEST);
    if (minor == 0 || fields.closes)
        req->flags |= REQ_ENDS;
}
