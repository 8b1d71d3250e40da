/* Values of options: as users write them, as fields of struct config, and their ranges as text. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lombard/base/num.h"
#include "config_options.h"

/* --- Reading --- */

char *
option_skip_blanks(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

char *
option_trim(char *text)
{
    size_t len;

    text = option_skip_blanks(text);
    len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

/* How far to shift a number for the letter behind it; *LEN is without that letter. */
static unsigned
unit_shift(const char *text, size_t *len)
{
    *len = strlen(text);
    if (*len == 0)
        return 0;
    switch (tolower((unsigned char)text[--*len])) {
    case 'k': return 10;
    case 'm': return 20;
    case 'g': return 30;
    default: ++*len; return 0;
    }
}

/* A number of the option's range, in units of 1 << SHIFT. */
static bool
parse_scaled(const struct option_info *o, struct slice digits, unsigned shift, uint64_t *out)
{
    uint64_t value;

    if (!num_parse_u64(digits, &value) || value > o->max >> shift || value << shift < o->min)
        return false;
    *out = value << shift;
    return true;
}

static bool
parse_number(const struct option_info *o, const char *text, uint64_t *out)
{
    return parse_scaled(o, slice_make(text, strlen(text)), 0, out);
}

static bool
parse_bytes(const struct option_info *o, const char *text, uint64_t *out)
{
    size_t len;
    unsigned shift = unit_shift(text, &len);

    return parse_scaled(o, slice_make(text, len), shift, out);
}

/* The unit is given: "m" may follow without a meaning, and "g" with one. */
static bool
parse_megabytes(const struct option_info *o, const char *text, uint64_t *out)
{
    size_t len;
    unsigned shift = unit_shift(text, &len);

    if (shift == 10 || !parse_scaled(o, slice_make(text, len), shift == 30 ? 10 : 0, out))
        return false;
    *out <<= 20;
    return true;
}

static bool
parse_port(const struct option_info *o, const char *text, uint64_t *out)
{
    if (strcmp(text, "-1") != 0)
        return parse_number(o, text, out);
    *out = UINT64_MAX;
    return true;
}

static bool
parse_mode(const struct option_info *o, const char *text, uint64_t *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);

    if (!isdigit((unsigned char)text[0]) || *end != '\0' || value > o->max)
        return false;
    *out = value;
    return true;
}

/* ON, or off. */
static bool
parse_either(const char *on, const char *text, uint64_t *out)
{
    *out = strcmp(text, on) == 0;
    return *out == 1 || strcmp(text, "off") == 0;
}

static const char host_ends[] = ",;";

/* Whether it is one of those that are there already: memcached opens it once, too. */
static bool
has_host(const struct config *config, const char *host)
{
    for (int i = 0; i < config->host_count; i++)
        if (strcmp(config->hosts[i], host) == 0)
            return true;
    return false;
}

/*
 * "a,b:1,[::1]:2" in pieces; the commas in TEXT become ends. As in memcached, empty ones are passed
 * over, but one host there must be.
 */
static bool
set_hosts(struct config *config, char *text)
{
    bool any = false;
    char *rest = text;
    char *host;

    while ((host = strsep(&rest, host_ends)) != NULL) {
        host = option_trim(host);
        if (*host == '\0')
            continue;
        any = true;
        if (has_host(config, host))
            continue;
        if (config->host_count == LISTEN_HOSTS_MAX)
            return false;
        config->hosts[config->host_count++] = host;
    }
    return any;
}

static bool
parse_protocol(const char *text, uint64_t *out)
{
    static const struct {
        const char *name;
        enum config_protocol protocol;
    } names[] = {
        {"auto", PROTOCOL_AUTO},
        {"ascii", PROTOCOL_ASCII},
        {"binary", PROTOCOL_BINARY},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(text, names[i].name) == 0) {
            *out = names[i].protocol;
            return true;
        }
    return false;
}

static bool
parse_favor(const char *text, uint64_t *out)
{
    static const char *const names[] = {
        [STORE_FAVOR_OBJECTS] = "objects",
        [STORE_FAVOR_BALANCED] = "balanced",
        [STORE_FAVOR_BYTES] = "bytes",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

/* --- Setting --- */

static char *
field_of(struct config *config, const struct option_info *o)
{
    return (char *)config + o->off;
}

static void
put(struct config *config, const struct option_info *o, uint64_t value)
{
    uint32_t half = (uint32_t)value;
    bool flag = value != 0;

    switch (o->bytes) {
    case sizeof(value): memcpy(field_of(config, o), &value, sizeof(value)); return;
    case sizeof(half): memcpy(field_of(config, o), &half, sizeof(half)); return;
    case sizeof(flag): memcpy(field_of(config, o), &flag, sizeof(flag)); return;
    default: BUG("a field of this size is no number");
    }
}

static bool
set_text(struct config *config, const struct option_info *o, const char *text)
{
    if (*text == '\0')
        return false;
    memcpy(field_of(config, o), &text, sizeof(text));
    return true;
}

/* As in memcached, the first character counts. */
static bool
set_delimiter(struct config *config, const char *text)
{
    if (!isgraph((unsigned char)*text))
        return false;
    config->cmd.prefix_delimiter = *text;
    config->cmd.detail_enabled = true;
    return true;
}

/* What TEXT says, as a number. False also for kinds that are none. */
static bool
parse(const struct option_info *o, const char *text, uint64_t *out)
{
    switch (o->kind) {
    case OPTION_ALLOW: *out = 1; return true;
    case OPTION_FORBID:
    case OPTION_TURN_OFF: *out = 0; return true;
    case OPTION_ON_OFF: return parse_either("on", text, out);
    case OPTION_AUTO_OFF: return parse_either("auto", text, out);
    case OPTION_NUMBER:
    case OPTION_MILLISECONDS:
    case OPTION_SECONDS:
    case OPTION_THREADS:
    case OPTION_UDP: return parse_number(o, text, out);
    case OPTION_SECONDS_IN_MS:
        if (!parse_number(o, text, out))
            return false;
        *out *= 1000;
        return true;
    case OPTION_MEGABYTES: return parse_megabytes(o, text, out);
    case OPTION_BYTES: return parse_bytes(o, text, out);
    case OPTION_PORT: return parse_port(o, text, out);
    case OPTION_MODE: return parse_mode(o, text, out);
    case OPTION_PROTOCOL: return parse_protocol(text, out);
    case OPTION_FAVOR: return parse_favor(text, out);
    case OPTION_COUNT:
    case OPTION_DELIMITER:
    case OPTION_TEXT:
    case OPTION_FILE:
    case OPTION_HOSTS:
    case OPTION_EXTENDED:
    case OPTION_PING:
    case OPTION_STATS:
    case OPTION_HELP:
    case OPTION_VERSION:
    case OPTION_LICENSE:
    case OPTION_IGNORED:
    case OPTION_REFUSED: break;
    }
    return false;
}

bool
option_set(struct config *config, const struct option_info *o, char *text)
{
    uint64_t value;

    if (o->kind == OPTION_TEXT || o->kind == OPTION_FILE)
        return set_text(config, o, text);
    if (o->kind == OPTION_HOSTS)
        return set_hosts(config, text);
    if (o->kind == OPTION_DELIMITER)
        return set_delimiter(config, text);
    if (o->kind == OPTION_COUNT)
        value = (uint64_t)config->verbosity + 1;
    else if (!parse(o, text, &value))
        return false;
    put(config, o, value);
    return true;
}

void
option_set_initial(struct config *config, const struct option_info *o)
{
    uint64_t value;

    if (o->kind == OPTION_FORBID || o->kind == OPTION_TURN_OFF)
        put(config, o, 1);
    if (o->kind == OPTION_DELIMITER)
        config->cmd.prefix_delimiter = *o->initial;
    else if (o->initial != NULL && parse(o, o->initial, &value))
        put(config, o, value);
}

/* --- Saying what there is --- */

static void
range_of_bytes(const struct option_info *o, char *dst, size_t bytes)
{
    (void)snprintf(dst, bytes, "%" PRIu64 "k to %" PRIu64 "g (%s)", o->min >> 10, o->max >> 30,
                   o->unit);
}

void
option_range(const struct option_info *o, char *dst, size_t bytes)
{
    switch (o->kind) {
    case OPTION_NUMBER:
    case OPTION_MILLISECONDS:
    case OPTION_SECONDS:
    case OPTION_SECONDS_IN_MS:
    case OPTION_MEGABYTES:
    case OPTION_THREADS:
    case OPTION_UDP:
        (void)snprintf(dst, bytes, "%" PRIu64 " to %" PRIu64 " (%s)", o->min, o->max, o->unit);
        return;
    case OPTION_BYTES: range_of_bytes(o, dst, bytes); return;
    case OPTION_PORT:
        (void)snprintf(dst, bytes, "-1 to %" PRIu64 " (%s)", o->max, o->unit);
        return;
    case OPTION_MODE:
        (void)snprintf(dst, bytes, "0 to 0%" PRIo64 " (%s)", o->max, o->unit);
        return;
    case OPTION_TEXT:
    case OPTION_FILE: (void)snprintf(dst, bytes, "%s", o->unit); return;
    case OPTION_HOSTS:
        (void)snprintf(dst, bytes, "%" PRIu64 " to %" PRIu64 " %s", o->min, o->max, o->unit);
        return;
    case OPTION_ON_OFF: (void)snprintf(dst, bytes, "on or off"); return;
    case OPTION_AUTO_OFF: (void)snprintf(dst, bytes, "auto or off"); return;
    case OPTION_PROTOCOL: (void)snprintf(dst, bytes, "auto, ascii or binary"); return;
    case OPTION_FAVOR: (void)snprintf(dst, bytes, "objects, balanced or bytes"); return;
    case OPTION_DELIMITER: (void)snprintf(dst, bytes, "a character"); return;
    case OPTION_ALLOW:
    case OPTION_FORBID:
    case OPTION_TURN_OFF:
    case OPTION_COUNT:
    case OPTION_EXTENDED:
    case OPTION_PING:
    case OPTION_STATS:
    case OPTION_HELP:
    case OPTION_VERSION:
    case OPTION_LICENSE:
    case OPTION_IGNORED:
    case OPTION_REFUSED: break;
    }
    *dst = '\0'; /* it takes no value, or any */
}
