/*
 * src/proto/http_fields.h - the fields of an HTTP request (RFC 9110), as far as they matter here.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/slice.h"

struct http_fields {
    struct slice authorization; /* what follows "Basic"; dies with the request's lines */
    unsigned hosts;
    unsigned lengths;
    unsigned openmetrics,
        text; /* as how good these are accepted (RFC 9110, 12.5.1), in thousandths */
    bool malformed;
    bool has_chunks;
    bool has_body;
    bool closes;
};

/*
 * REST begins with the first field and ends with an empty line; *FIELDS is always filled. A field that
 * goes on in another line is malformed.
 */
void http_take_fields(struct slice rest, struct http_fields *fields);
