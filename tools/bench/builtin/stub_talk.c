/* Answers requests from a small store, and makes mistakes on purpose. */
#include "builtin/stub_talk.h"

#include <stdlib.h>
#include <string.h>

#include "data/value.h"
#include "lombard/base/sys.h"

enum {
    STUB_KEYS = 1 << 16, /* ids from here on are always missed */
    STUB_VALUE_MAX = 8192,
    STUB_GROWN_MAX = 64 * 1024,
    GROWING = 2, /* of the namespaces: values, counters, and values that grow */
    NAMESPACES = 3,
};

struct stub_item {
    struct value_id id; /* bytes 0: not stored */
    uint32_t said;      /* the version that it said it had stored */
    uint64_t number;
    uint64_t cas;
    uint64_t ends_ns; /* 0: never */
    uint32_t flags;
    unsigned char *grown; /* the bytes of a value that grows; or NULL */
};

struct stub_talk {
    enum stub_fault fault;
    uint32_t every;
    struct stub_counts *counts;
    uint64_t chances; /* requests that could have shown the fault */
    uint64_t last_cas;
    size_t last_get_off; /* in OUT: the reply before this one, if it was to a get that hit */
    uint32_t last_get_key;
    bool has_last_get;
    uint32_t hit_key; /* of the get that is being answered */
    struct stub_item items[NAMESPACES][STUB_KEYS];
};

const char *
stub_fault_name(enum stub_fault fault)
{
    switch (fault) {
    case STUB_RIGHT: return "none";
    case STUB_WRONG_BYTE: return "a wrong byte in a value";
    case STUB_WRONG_HEAD: return "a wrong bit in a value's head";
    case STUB_OTHER_KEY: return "the value of another key";
    case STUB_SHORT_VALUE: return "a value cut short";
    case STUB_STALE: return "a store that was forgotten";
    case STUB_NEVER_WRITTEN: return "a version never written";
    case STUB_OTHER_NAME: return "a reply to another key";
    case STUB_NO_END: return "a value without its line end";
    case STUB_HANG_UP: return "connections that are closed";
    case STUB_CUT: return "replies that end early";
    case STUB_ERROR: return "error replies";
    case STUB_EXTRA: return "more replies than requests";
    case STUB_REORDERED: return "replies in the wrong order";
    case STUB_NO_REPLY: return "requests without a reply";
    case STUB_WRONG_NUMBER: return "wrong numbers";
    case STUB_WRONG_FLAGS: return "wrong flags";
    case STUB_WRONG_OPCODE: return "replies with another opcode";
    case STUB_LOST_PIECE: return "appends that were forgotten";
    case STUB_OTHER_END: return "appends at the wrong end";
    case STUB_OUTLIVED: return "items that do not expire";
    case STUB_SHORT_LIVED: return "items that expire early";
    }
    BUG("stub_fault out of range");
}

struct stub_talk *
stub_talk_create(enum stub_fault fault, uint32_t every, struct stub_counts *counts)
{
    struct stub_talk *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->fault = fault;
    s->every = every;
    s->counts = counts;
    return s;
}

void
stub_talk_destroy(struct stub_talk *s)
{
    for (uint32_t i = 0; s != NULL && i < STUB_KEYS; i++)
        free(s->items[GROWING][i].grown);
    free(s);
}

void
stub_talk_turn(struct stub_talk *s)
{
    s->has_last_get = false;
}

/* Whether this request goes wrong in the way of FAULT. */
static bool
goes_wrong(struct stub_talk *s, enum stub_fault fault)
{
    bool now = s->fault == fault && ++s->chances % s->every == 0;

    s->counts->wrong += now;
    return now;
}

/* What lies under a key, whose id stands at the end of its name; NULL: it is out of range. */
static struct stub_item *
find(struct stub_talk *s, const char *name, size_t len)
{
    char digits[9] = "";
    uint64_t id;
    int space = name[0] == 'n' ? 1 : name[0] == 'a' ? GROWING : 0;

    memcpy(digits, name + (len > 8 ? len - 8 : 0), len > 8 ? 8 : len);
    if (digits[0] == 'a' || digits[0] == 'n')
        digits[0] = '0';
    while (len <= 8 && digits[0] == 'k')
        memmove(digits, digits + 1, sizeof(digits) - 1);
    id = strtoull(digits, NULL, 16);
    if (id >= STUB_KEYS)
        return NULL;
    s->items[space][id].id.key = id;
    return &s->items[space][id];
}

static void
put_value(struct stub_talk *s, struct stub_out *out, const struct stub_request *r,
          const char *name, size_t name_len, const struct stub_item *item)
{
    struct stub_value_head head = {name, name_len, item->id.bytes, item->cas, item->flags};
    unsigned char value[STUB_VALUE_MAX];
    struct value_id id = item->id;
    struct stub_request other = *r;
    char other_name[256];

    if (goes_wrong(s, STUB_OTHER_KEY))
        id.key++;
    if (goes_wrong(s, STUB_NEVER_WRITTEN))
        id.version += 1000000;
    if (item->grown != NULL) {
        stub_put_value_head(out, r, &head);
        stub_emit(out, item->grown, item->id.bytes);
        stub_put_value_end(out, r);
        return;
    }
    if (r->wants_flags || r->protocol != STUB_META)
        head.flags ^= goes_wrong(s, STUB_WRONG_FLAGS);
    if (r->protocol == STUB_BINARY)
        other.opcode += goes_wrong(s, STUB_WRONG_OPCODE);
    value_write(value, &id);
    if (goes_wrong(s, STUB_WRONG_BYTE))
        value[id.bytes - 1] ^= 1;
    if (goes_wrong(s, STUB_WRONG_HEAD))
        value[8 % id.bytes] ^= 1;
    head.bytes -= goes_wrong(s, STUB_SHORT_VALUE);
    if ((r->protocol != STUB_META || r->wants_key) && goes_wrong(s, STUB_OTHER_NAME)) {
        memcpy(other_name, name, name_len);
        other_name[name_len - 1] ^= 1;
        head.name = other_name;
        other.opaque += !r->wants_key;
    }
    stub_put_value_head(out, &other, &head);
    stub_emit(out, value, head.bytes);
    if (!goes_wrong(s, STUB_NO_END))
        stub_put_value_end(out, r);
    else if (r->protocol == STUB_BINARY)
        stub_emit(out, "x", 1);
    s->hit_key = (uint32_t)id.key;
}

/* Whether ITEM is there, or said to be. */
static bool
is_there(struct stub_talk *s, const struct stub_item *item)
{
    uint64_t now = sys_monotonic_ns();

    if (item == NULL || item->id.bytes == 0)
        return false;
    if (item->ends_ns == 0)
        return true;
    if (now >= item->ends_ns)
        return now - item->ends_ns >= STUB_OUT_OF_TIME_NS && goes_wrong(s, STUB_OUTLIVED);
    return item->ends_ns - now < STUB_OUT_OF_TIME_NS || !goes_wrong(s, STUB_SHORT_LIVED);
}

/* R gives ITEM a new time to live. */
static void
begin_life(struct stub_item *item, const struct stub_request *r)
{
    item->ends_ns = r->ttl_s > 0 ? sys_monotonic_ns() + r->ttl_s * UINT64_C(1000000000) : 0;
}

/* Every key of a get: whether the last one was found. */
static bool
get_keys(struct stub_talk *s, struct stub_out *out, struct stub_request *r)
{
    bool found = false;
    const char *name;
    size_t len;

    while (stub_next_name(r, &name, &len)) {
        struct stub_item *item = find(s, name, len);

        found = is_there(s, item) && (item->grown != NULL || item->id.bytes <= STUB_VALUE_MAX);
        if (found && r->kind == QUERY_GAT)
            begin_life(item, r);
        s->counts->gets++;
        s->counts->hits += found;
        if (!found)
            continue;
        s->counts->stale += item->id.version < item->said;
        put_value(s, out, r, name, len, item);
    }
    return found;
}

/* Exchange the bytes [A, B) and [B, END). */
static void
exchange(unsigned char *p, size_t a, size_t b, size_t end)
{
    unsigned char *copy = malloc(b - a);

    if (copy == NULL)
        return;
    memcpy(copy, p + a, b - a);
    memmove(p + a, p + b, end - b);
    memcpy(p + a + end - b, copy, b - a);
    free(copy);
}

static void
do_get(struct stub_talk *s, struct stub_out *out, struct stub_request *r)
{
    size_t start = out->bytes;
    bool found;

    if (goes_wrong(s, STUB_ERROR)) {
        stub_put_status(out, r, STUB_FAILED);
        return;
    }
    if (goes_wrong(s, STUB_NO_REPLY))
        return;
    found = get_keys(s, out, r);
    stub_put_get_end(out, r, found);
    if (goes_wrong(s, STUB_EXTRA)) {
        size_t bytes = out->bytes - start;

        memcpy(out->p + out->bytes, out->p + start, bytes);
        out->bytes += bytes;
    }
    if (s->has_last_get && found && s->last_get_key != s->hit_key &&
        goes_wrong(s, STUB_REORDERED)) {
        exchange(out->p, s->last_get_off, start, out->bytes);
        found = false;
    }
    s->has_last_get = found;
    s->last_get_off = start;
    s->last_get_key = s->hit_key;
}

/* What the store of R does to ITEM. */
static void
keep(struct stub_talk *s, struct stub_item *item, const struct stub_request *r)
{
    struct value_id id = {.key = item->id.key, .bytes = r->value_bytes};
    char digits[24] = "";

    if (r->value_bytes >= VALUE_HEAD_BYTES) {
        memcpy(&id.version, r->value + 8, sizeof(id.version));
        memcpy(&id.writer, r->value + 12, sizeof(id.writer));
    }
    item->said = id.version;
    if (goes_wrong(s, STUB_STALE))
        return;
    memcpy(digits, r->value, r->value_bytes < 20 ? r->value_bytes : 20);
    item->number = strtoull(digits, NULL, 10);
    item->id = id;
    item->flags = r->flags;
    item->cas = ++s->last_cas;
    begin_life(item, r);
}

/* A value that grows: its bytes, or R before or behind them. False: it is too large. */
static bool
grow(struct stub_talk *s, struct stub_item *item, const struct stub_request *r)
{
    size_t had = r->kind == QUERY_SET ? 0 : item->id.bytes;
    bool front = r->kind == QUERY_PREPEND;

    if (had > 0 && goes_wrong(s, STUB_LOST_PIECE))
        return true;
    if (had > 0 && goes_wrong(s, STUB_OTHER_END))
        front = !front;
    if (item->grown == NULL)
        item->grown = malloc(STUB_GROWN_MAX);
    if (item->grown == NULL || had + r->value_bytes > STUB_GROWN_MAX)
        return false;
    if (front)
        memmove(item->grown + r->value_bytes, item->grown, had);
    memcpy(item->grown + (front ? 0 : had), r->value, r->value_bytes);
    item->id.bytes = (uint32_t)(had + r->value_bytes);
    if (r->kind == QUERY_SET)
        item->flags = r->flags;
    return true;
}

static enum stub_status
store(struct stub_talk *s, struct stub_item *item, const struct stub_request *r)
{
    bool there = r->kind != QUERY_SET && is_there(s, item);

    if (r->kind == QUERY_ADD && there)
        return STUB_NOT_STORED;
    if ((r->kind == QUERY_REPLACE || r->kind == QUERY_APPEND || r->kind == QUERY_PREPEND) &&
        !there)
        return STUB_NOT_STORED;
    if (r->kind == QUERY_CAS && !there)
        return STUB_NOT_FOUND;
    if (r->kind == QUERY_CAS && item->cas != r->cas)
        return STUB_EXISTS;
    if (item >= s->items[GROWING] && item < s->items[GROWING] + STUB_KEYS)
        return grow(s, item, r) ? STUB_DONE : STUB_FAILED;
    keep(s, item, r);
    return STUB_DONE;
}

static void
do_other(struct stub_talk *s, struct stub_out *out, struct stub_request *r)
{
    struct stub_item *item = NULL;
    const char *name;
    size_t len;

    if (r->kind != QUERY_NOOP && stub_next_name(r, &name, &len))
        item = find(s, name, len);
    if (r->kind == QUERY_NOOP || (item == NULL && query_has_value(r->kind))) {
        stub_put_status(out, r, STUB_DONE); /* what is out of range is evicted at once */
    } else if (item == NULL || (!query_has_value(r->kind) && !is_there(s, item))) {
        stub_put_status(out, r, STUB_NOT_FOUND);
    } else if (query_has_value(r->kind)) {
        stub_put_status(out, r, store(s, item, r));
    } else if (query_is_counter(r->kind)) {
        item->number += r->kind == QUERY_INCR ? 1 : UINT64_MAX;
        item->number += goes_wrong(s, STUB_WRONG_NUMBER);
        stub_put_number(out, r, item->number);
    } else {
        if (r->kind == QUERY_DELETE)
            item->id.bytes = 0;
        else
            begin_life(item, r);
        stub_put_status(out, r, STUB_DONE);
    }
    s->has_last_get = false;
}

enum stub_step
stub_talk_step(struct stub_talk *s, const unsigned char *p, size_t bytes, size_t *used,
               struct stub_out *out)
{
    struct stub_request r;
    size_t start = out->bytes;

    *used = stub_parse(p, bytes, &r);
    if (*used == 0)
        return STUB_PARTIAL;
    if (goes_wrong(s, STUB_HANG_UP))
        return STUB_CLOSED;
    if (r.kind == QUERY_GET || r.kind == QUERY_GAT)
        do_get(s, out, &r);
    else
        do_other(s, out, &r);
    s->counts->requests++;
    if (out->bytes - start < 2 || !goes_wrong(s, STUB_CUT))
        return STUB_ANSWERED;
    out->bytes = start + (out->bytes - start) / 2;
    return STUB_CLOSED;
}
