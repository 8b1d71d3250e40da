/* Makes the canned reply of the floor, and says what has to be counted for each. */
#include "builtin/floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/keys.h"
#include "data/rng.h"
#include "data/value.h"
#include "lombard/base/num.h"
#include "wire/wire.h"

enum { BINARY_HEADER = 24, BINARY_GET_EXTRAS = 4 };

const char *
floor_refuses(const struct options *o)
{
    double total = 0;

    for (int i = 0; i < QUERY_KIND_COUNT; i++)
        total += o->weights[i];
    if (o->hitratio)
        return "it stores nothing";
    if (o->weights[QUERY_GET] < total && o->weights[QUERY_SET] < total)
        return "it needs gets only (--ratio 1:0) or sets only (0:1)";
    if (o->item_flags)
        return "its items have no flags: no --item-flags";
    return o->noreply ? "it answers everything: no --noreply" : NULL;
}

void
floor_adapt(struct options *o)
{
    o->keys = 1;
    o->fill = false;
    o->dist = (struct dist_config){.kind = DIST_UNIFORM};
    options_without_roles(o);
}

/* The request that all are like: of the key with id 0. */
static void
make_op(const struct options *o, struct query *query, struct query_key *keys)
{
    bool get = o->weights[QUERY_GET] > 0;

    memset(query, 0, sizeof(*query));
    query->kind = get ? QUERY_GET : QUERY_SET;
    query->keys = keys;
    query->key_count = get ? (uint32_t)o->multiget : 1;
    query->version = 1;
    query->ttl_s = o->ttl.min;
    query->value_bytes = sizes_pick(&o->value_size, rng_mix(rng_mix(o->seed)));
}

static uint32_t
count_newlines(const struct out *out)
{
    uint32_t lines = 0;

    for (size_t i = 0; i < out->used; i++)
        lines += out->scratch[i] == '\n';
    return lines;
}

static size_t
put_binary(unsigned char *p, uint8_t opcode, uint32_t opaque, size_t key, size_t value)
{
    uint8_t extras = opcode == 0x00 || opcode == 0x0d ? BINARY_GET_EXTRAS : 0;
    size_t body = extras + key + value;

    memset(p, 0, BINARY_HEADER + extras);
    p[0] = 0x81;
    p[1] = opcode;
    p[3] = (unsigned char)key;
    p[4] = extras;
    for (int i = 0; i < 4; i++) {
        p[8 + i] = (unsigned char)(body >> (24 - 8 * i));
        p[12 + i] = (unsigned char)(opaque >> (24 - 8 * i));
    }
    return BINARY_HEADER + extras;
}

/* All of a value's reply before the value. */
static size_t
put_value_head(const struct options *o, unsigned char *p, struct slice name, uint32_t i,
               uint32_t bytes)
{
    int name_len = (int)name.len;
    bool many = o->multiget > 1;
    size_t n;

    if (strcmp(o->protocol, "text") == 0)
        return (size_t)sprintf((char *)p, "VALUE %.*s 0 %u\r\n", name_len, name.ptr, bytes);
    if (strcmp(o->protocol, "meta") == 0)
        return (size_t)sprintf((char *)p, "VA %u%s%.*s\r\n", bytes, many ? " k" : "",
                               many ? name_len : 0, name.ptr);
    n = put_binary(p, many ? 0x0d : 0x00, many ? i : 0, many ? name.len : 0, bytes);
    if (many) {
        memcpy(p + n, name.ptr, name.len);
        n += name.len;
    }
    return n;
}

/* What ends an answer. */
static size_t
put_end(const struct options *o, unsigned char *p, bool get)
{
    bool many = o->multiget > 1;

    if (strcmp(o->protocol, "text") == 0)
        return (size_t)sprintf((char *)p, "%s\r\n", get ? "END" : "STORED");
    if (strcmp(o->protocol, "meta") == 0)
        return get && !many ? 0 : (size_t)sprintf((char *)p, "%s\r\n", get ? "MN" : "HD");
    if (get && !many)
        return 0;
    return put_binary(p, get ? 0x0a : 0x01, 0, 0, 0);
}

static size_t
put_reply(const struct options *o, const struct keys *keys, const struct query *query,
          unsigned char *reply)
{
    struct value_id id = {.version = 1, .writer = 1, .bytes = query->value_bytes};
    bool line = strcmp(o->protocol, "binary") != 0;
    bool get = query->kind == QUERY_GET;
    char name[KEY_TEXT_MAX];
    size_t name_len = keys_name(keys, 0, name);
    unsigned char *p = reply;

    for (uint32_t i = 0; get && i < query->key_count; i++) {
        p += put_value_head(o, p, slice_make(name, name_len), i, id.bytes);
        value_write(p, &id);
        p += id.bytes;
        if (line) {
            memcpy(p, "\r\n", 2);
            p += 2;
        }
    }
    p += put_end(o, p, get);
    return (size_t)(p - reply);
}

bool
floor_answer_make(const struct options *o, struct floor_answer *out)
{
    struct query_key *ids = calloc(o->multiget, sizeof(*ids));
    struct keys keys = {0};
    struct out request = {0};
    struct query query;
    size_t each;
    bool ok;

    make_op(o, &query, ids);
    each = WIRE_HEAD_BYTES_MAX + (size_t)query.value_bytes;
    out->reply = malloc((query.key_count + 1) * each);
    ok = ids != NULL && out->reply != NULL && keys_init(&keys, 1, &o->key_size, o->seed) &&
         out_init(&request, query.key_count * (size_t)WIRE_HEAD_BYTES_MAX, query.value_bytes);
    if (ok) {
        wire_find(o->protocol)->write(&request, &keys, &query);
        out->lines = query.kind == QUERY_GET && strcmp(o->protocol, "binary") != 0;
        out->units = out->lines ? count_newlines(&request) : query.wire_bytes;
        out->reply_bytes = put_reply(o, &keys, &query, out->reply);
    } else {
        free(out->reply);
    }
    out_fini(&request);
    keys_fini(&keys);
    free(ids);
    return ok;
}
