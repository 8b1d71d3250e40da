#include "model.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ITEM_OVERHEAD = 128,               /* generously: header, index, rounding */
    CLOCK_SLACK_NS = 50 * 1000 * 1000, /* the server's clock started a little later */
};

/* Seconds of the world in which something at NS may have happened. */
static uint64_t
earliest_s(uint64_t ns)
{
    return (ns - CLOCK_SLACK_NS) / 1000000000;
}

static uint64_t
latest_s(uint64_t ns)
{
    return ns / 1000000000;
}

void
item_clear(struct model_item *item)
{
    free(item->value);
    memset(item, 0, sizeof(*item));
}

enum presence
item_presence(const struct model_item *item, const struct world_facts *facts,
              const struct moment *when)
{
    if (item->presence == ABSENT || item->presence == UNKNOWN)
        return item->presence;
    if (item->expires) {
        if (earliest_s(when->from_ns) >= item->exp_hi_s)
            return ABSENT;
        if (latest_s(when->to_ns) >= item->exp_lo_s)
            return MAYBE;
    }
    if (facts->evictable || facts->flushes_sent > item->flushes_before)
        return MAYBE;
    return item->presence;
}

void
item_seen(struct model_item *item, const struct moment *when)
{
    if (item->presence == MAYBE)
        item->presence = PRESENT;
    if (when->flushes_before > item->flushes_before)
        item->flushes_before = when->flushes_before;
}

void
item_gone(struct model_item *item)
{
    item->presence = ABSENT;
    item->cas_known = false;
}

static void
set_expiry(struct model_item *item, const struct moment *when, int64_t exptime)
{
    item->expires = exptime != 0;
    if (exptime < 0) {
        item->exp_lo_s = item->exp_hi_s = 0;
    } else if (exptime > 0) {
        item->exp_lo_s = earliest_s(when->from_ns) + (uint64_t)exptime;
        item->exp_hi_s = latest_s(when->to_ns) + (uint64_t)exptime;
    }
}

static void
count_stored(struct world_facts *facts, size_t bytes)
{
    facts->stored_bytes += bytes + ITEM_OVERHEAD;
    if (facts->stored_bytes > facts->evictable_above)
        facts->evictable = true;
}

void
item_store(struct model_item *item, struct world_facts *facts, const struct moment *when,
           char *value, size_t bytes, uint32_t client_flags, int64_t exptime)
{
    free(item->value);
    item->value = value;
    item->bytes = bytes;
    item->client_flags = client_flags;
    item->cas_known = false;
    item->presence = PRESENT;
    item->flushes_before = when->flushes_before;
    set_expiry(item, when, exptime);
    count_stored(facts, bytes);
}

void
item_extend(struct model_item *item, struct world_facts *facts, const char *more, size_t bytes,
            bool in_front)
{
    char *value = malloc(item->bytes + bytes + 1);

    if (value == NULL)
        abort();
    memcpy(value + (in_front ? bytes : 0), item->value, item->bytes);
    memcpy(value + (in_front ? 0 : item->bytes), more, bytes);
    free(item->value);
    item->value = value;
    item->bytes += bytes;
    item->cas_known = false;
    count_stored(facts, item->bytes);
}

/* As strtoull() would have it, at a space or NUL: what the protocol's number is. */
static bool
as_number(const char *s, size_t len, uint64_t *number)
{
    size_t i = 0;
    uint64_t v = 0;

    while (i < len && isspace((unsigned char)s[i]))
        i++;
    if (i < len && s[i] == '+')
        i++;
    if (i == len || !isdigit((unsigned char)s[i]))
        return false;
    for (; i < len && isdigit((unsigned char)s[i]); i++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
            return false;
    *number = v;
    return i == len || isspace((unsigned char)s[i]) || s[i] == '\0';
}

bool
item_add(struct model_item *item, uint64_t delta, bool decr, uint64_t *result)
{
    char digits[24];
    uint64_t v;
    size_t len;

    if (!as_number(item->value, item->bytes, &v))
        return false;
    if (decr)
        v = delta > v ? 0 : v - delta;
    else
        v += delta;
    *result = v;
    len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, v);
    if (len > item->bytes) {
        item->value = realloc(item->value, len);
        if (item->value == NULL)
            abort();
        item->bytes = len;
    }
    memset(item->value, ' ', item->bytes);
    memcpy(item->value, digits, len);
    item->cas_known = false;
    return true;
}

void
item_touch(struct model_item *item, const struct moment *when, int64_t exptime)
{
    set_expiry(item, when, exptime);
}
