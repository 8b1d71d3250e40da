/* What one client knows about an item that it alone writes. */
#include "model.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ITEM_OVERHEAD = 128,               /* generously: header, index, rounding */
    CLOCK_SLACK_NS = 50 * 1000 * 1000, /* the server's clock started a little later */
    /* Up to this length a number is changed where it lies: that is no access. */
    IN_PLACE_BYTES_MAX = 32,
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

struct seconds
moment_s(const struct moment *when)
{
    return (struct seconds){earliest_s(when->from_ns), latest_s(when->to_ns)};
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
        if (moment_s(when).lo >= item->gone_s.hi)
            return ABSENT;
        if (moment_s(when).hi >= item->gone_s.lo)
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

void
item_accessed(struct model_item *item, const struct moment *when)
{
    item->fetched = true;
    item->access_s = moment_s(when);
}

static void
set_expiry(struct model_item *item, const struct moment *when, int64_t exptime)
{
    struct seconds at = moment_s(when);

    item->expires = exptime != 0;
    if (exptime < 0)
        item->gone_s = (struct seconds){0, 0};
    else if (exptime > 0)
        item->gone_s = (struct seconds){at.lo + (uint64_t)exptime, at.hi + (uint64_t)exptime};
}

static void
count_stored(struct world_facts *facts, size_t bytes)
{
    facts->stored_bytes += bytes + ITEM_OVERHEAD;
    if (facts->stored_bytes > facts->evictable_above)
        facts->evictable = true;
}

/* It was written anew: whatever was marked on the old one is not on this one. */
static void
renew(struct model_item *item, const struct moment *when)
{
    item->access_s = moment_s(when);
    item->fetched = item->stale = item->token = false;
}

void
item_store(struct model_item *item, struct world_facts *facts, const struct moment *when,
           struct model_value *value)
{
    free(item->value);
    item->value = value->value;
    value->value = NULL;
    item->bytes = value->bytes;
    item->client_flags = value->client_flags;
    item->presence = PRESENT;
    item->flushes_before = when->flushes_before;
    set_expiry(item, when, value->exptime);
    renew(item, when);
    count_stored(facts, value->bytes);
}

void
item_extend(struct model_item *item, struct world_facts *facts, const struct moment *when,
            const struct model_value *more, bool in_front)
{
    char *value = malloc(item->bytes + more->bytes + 1);

    if (value == NULL)
        abort();
    memcpy(value + (in_front ? more->bytes : 0), item->value, item->bytes);
    memcpy(value + (in_front ? 0 : item->bytes), more->value, more->bytes);
    free(item->value);
    item->value = value;
    item->bytes += more->bytes;
    renew(item, when);
    count_stored(facts, item->bytes);
}

void
item_empty(struct model_item *item, const struct moment *when)
{
    item->bytes = 0;
    item->client_flags = 0;
    renew(item, when);
}

/* As strtoull() would have it, at a space or NUL: what the protocol's number is. */
bool
item_is_number(const struct model_item *item, uint64_t *number)
{
    const char *s = item->value;
    size_t len = item->bytes, i = 0;
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

void
item_set_number(struct model_item *item, const struct moment *when, uint64_t number)
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number);
    bool grows = len > item->bytes;

    if (grows || item->bytes > IN_PLACE_BYTES_MAX)
        item->access_s = moment_s(when);
    if (grows) {
        renew(item, when);
        item->value = realloc(item->value, len);
        if (item->value == NULL)
            abort();
        item->bytes = len;
    }
    memset(item->value, ' ', item->bytes);
    memcpy(item->value, digits, len);
}

void
item_touch(struct model_item *item, const struct moment *when, int64_t exptime)
{
    set_expiry(item, when, exptime);
}

bool
item_ttl_can_be(const struct model_item *item, const struct moment *when, int64_t ttl_s)
{
    struct seconds now = moment_s(when);
    int64_t lo = (int64_t)item->gone_s.lo - (int64_t)now.hi;
    int64_t hi = (int64_t)item->gone_s.hi - (int64_t)now.lo;

    if (!item->expires)
        return ttl_s == -1;
    return ttl_s >= (lo < 0 ? 0 : lo) && ttl_s <= (hi < 0 ? 0 : hi);
}

void
item_cas_drawn(struct model_item *item, uint64_t above)
{
    item->cas_known = false;
    item->cas_above = above;
}

void
item_cas_is(struct model_item *item, uint64_t cas)
{
    item->cas_known = true;
    item->cas = cas;
}
