/* Reads those fields of an HTTP request that matter here. */
#include "http_fields.h"

#include <string.h>

#include "http_words.h"
#include "lombard/base/attr.h"

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

/* "q=0.5" of a media range, in thousandths; 1000 where there is none, 0 where it is no weight. */
static unsigned
weight_of(struct slice parameters)
{
    static const unsigned digit_worth[] = {1000, 0, 100, 10, 1};
    unsigned weight = 0;

    while (parameters.len > 0) {
        struct slice p = http_trim(http_take(&parameters, ';'));

        if (!http_begins_nocase(p, "q="))
            continue;
        p = http_from(p, 2);
        for (size_t i = 0; i < p.len && i < ARRAY_LEN(digit_worth); i++)
            if (p.ptr[i] >= '0' && p.ptr[i] <= '9')
                weight += (unsigned)(p.ptr[i] - '0') * digit_worth[i];
        return weight > 1000 ? 1000 : weight;
    }
    return 1000;
}

/* Several of these fields are one list (RFC 9110, 5.3). */
static void
take_accept(struct http_fields *fields, struct slice accept)
{
    while (accept.len > 0) {
        struct slice parameters = http_take(&accept, ',');
        struct slice range = http_trim(http_take(&parameters, ';'));
        unsigned weight = weight_of(parameters);

        if (http_equals_nocase(range, "application/openmetrics-text") &&
            weight > fields->openmetrics)
            fields->openmetrics = weight;
        else if (http_equals_nocase(range, "text/plain") && weight > fields->text)
            fields->text = weight;
    }
}

static bool
has_option(struct slice list, const char *option)
{
    while (list.len > 0)
        if (http_equals_nocase(http_trim(http_take(&list, ',')), option))
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
    return s.len == 0 || http_is_visible(s);
}

/* A second length is refused, even where it is the same: whoever forwarded it may have read another. */
static void
take_length(struct http_fields *fields, struct slice value)
{
    fields->malformed |= value.len == 0 || fields->lengths++ > 0;
    for (size_t i = 0; i < value.len; i++) {
        fields->malformed |= value.ptr[i] < '0' || value.ptr[i] > '9';
        fields->has_body |= value.ptr[i] != '0';
    }
}

static void
take_host(struct http_fields *fields, struct slice value)
{
    fields->hosts++;
    fields->malformed |= !is_host(value);
}

static void
take_field(struct http_fields *fields, struct slice name, struct slice value)
{
    if (http_equals_nocase(name, "host"))
        take_host(fields, value);
    else if (http_equals_nocase(name, "connection"))
        fields->closes |= has_option(value, "close");
    else if (http_equals_nocase(name, "content-length"))
        take_length(fields, value);
    else if (http_equals_nocase(name, "transfer-encoding"))
        fields->has_body = fields->has_chunks = true;
    else if (http_equals_nocase(name, "accept"))
        take_accept(fields, value);
    else if (http_equals_nocase(name, "authorization") && http_begins_nocase(value, "basic "))
        fields->authorization = http_trim(http_from(value, strlen("basic ")));
}

void
http_take_fields(struct slice rest, struct http_fields *fields)
{
    *fields = (struct http_fields){.hosts = 0};
    while (rest.len > 0) {
        struct slice value = http_take_line(&rest);
        bool has_colon = value.len > 0 && memchr(value.ptr, ':', value.len) != NULL;
        struct slice name;

        if (value.len == 0)
            return;
        name = http_take(&value, ':');
        value = http_trim(value);
        if (!has_colon || !http_is_token(name) || !is_field_value(value)) {
            fields->malformed = true;
            return;
        }
        take_field(fields, name, value);
    }
}
