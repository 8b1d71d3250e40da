#include "lombard/proto/meta.h"

#include <string.h>

#include "lombard/base/attr.h"
#include "lombard/base/num.h"

#include "base64_priv.h"
#include "text_priv.h"

enum {
    META_FLAGS_MAX = 17,   /* of one command; ms: one less */
    OPAQUE_CHARS_MAX = 32, /* of an O flag, its letter included */
};

/* Every letter that some command knows, and P and L, which are for proxies. */
#define META_KNOWN                                                                             \
    (META_BIT('b') | META_BIT('c') | META_BIT('f') | META_BIT('h') | META_BIT('k') |           \
     META_BIT('l') | META_BIT('q') | META_BIT('s') | META_BIT('t') | META_BIT('u') |           \
     META_BIT('v') | META_BIT('x') | META_BIT('C') | META_BIT('D') | META_BIT('E') |           \
     META_BIT('F') | META_BIT('I') | META_BIT('J') | META_BIT('L') | META_BIT('M') |           \
     META_BIT('N') | META_BIT('O') | META_BIT('P') | META_BIT('R') | META_BIT('T'))

#define REFUSE_TOO_MANY SLICE("CLIENT_ERROR options flags too long\r\n")
#define REFUSE_OPAQUE   SLICE("CLIENT_ERROR opaque token too long\r\n")
#define REFUSE_TOKEN    SLICE("CLIENT_ERROR bad token in command line format\r\n")

/* The next word of *LINE, which then begins behind it; empty at the end. */
static struct slice
take_word(struct slice *line)
{
    const char *p = line->ptr;
    const char *end = line->ptr + line->len;
    const char *stop;

    while (p < end && *p == ' ')
        p++;
    stop = p < end ? memchr(p, ' ', (size_t)(end - p)) : NULL;
    if (stop == NULL)
        stop = end;
    *line = slice_make(stop, (size_t)(end - stop));
    return slice_make(p, (size_t)(stop - p));
}

static bool
parse_u64(struct slice s, uint64_t *out)
{
    if (s.len > 1 && s.ptr[0] == '+')
        s = slice_make(s.ptr + 1, s.len - 1);
    return num_parse_u64(s, out);
}

static bool
parse_client_flags(struct slice arg, struct request *req)
{
    uint64_t v;

    if (!parse_u64(arg, &v) || v > UINT32_MAX)
        return false;
    req->client_flags = (uint32_t)v;
    return true;
}

/* Take in one flag; what is wrong with it, or nothing. */
static struct slice
parse_flag(struct slice flag, struct request *req, char *mode)
{
    struct slice arg = slice_make(flag.ptr + 1, flag.len - 1);
    struct request_meta *meta = &req->meta;
    bool good = true;

    switch (flag.ptr[0]) {
    case 'C': good = parse_u64(arg, &req->cas); break;
    case 'E': good = parse_u64(arg, &req->new_cas); break;
    case 'N':
        meta->ttl_before_vivify = (meta->seen & META_BIT('t')) != 0;
        meta->vivify_last = (meta->seen & META_BIT('T')) != 0;
        good = num_parse_i64(arg, &meta->vivify_ttl);
        break;
    case 'R':
        meta->recache_first = (meta->seen & META_BIT('T')) == 0;
        good = num_parse_i64(arg, &meta->recache_ttl);
        break;
    case 'T':
        meta->ttl_first = (meta->seen & META_BIT('t')) != 0;
        good = num_parse_i64(arg, &req->exptime);
        break;
    case 'F': return parse_client_flags(arg, req) ? slice_make(NULL, 0) : REFUSE_BAD_FORMAT;
    case 'D':
        if (parse_u64(arg, &req->delta))
            break;
        return SLICE("CLIENT_ERROR invalid numeric delta value\r\n");
    case 'J':
        if (parse_u64(arg, &req->initial))
            break;
        return SLICE("CLIENT_ERROR invalid numeric initial value\r\n");
    case 'M':
        if (arg.len != 1)
            return SLICE("CLIENT_ERROR incorrect length for M token\r\n");
        *mode = arg.ptr[0];
        break;
    case 'O':
        if (flag.len > OPAQUE_CHARS_MAX)
            return REFUSE_OPAQUE;
        break;
    case 'q': req->flags |= REQ_QUIET; break;
    default: break; /* asks for something in the reply */
    }
    return good ? slice_make(NULL, 0) : REFUSE_TOKEN;
}

/* So many flags that memcached does not look at them. */
static bool
are_too_many(struct slice rest, unsigned max)
{
    unsigned count = 0;

    /* Each takes a letter and a blank. */
    if (rest.len / 2 <= max)
        return false;
    while (take_word(&rest).len > 0)
        count++;
    return count > max;
}

/* All flags, and the key that they may say is base64; what is wrong, or nothing. */
static struct slice
parse_flags(struct slice rest, struct request *req, char *mode)
{
    struct slice flag;

    memset(&req->meta, 0, sizeof(req->meta));
    req->meta.flags = rest;
    req->delta = 1;
    while ((flag = take_word(&rest)).len > 0) {
        unsigned letter = (unsigned)(unsigned char)flag.ptr[0] - 'A';
        struct slice refusal;

        if (letter > 'z' - 'A' || (META_KNOWN >> letter & 1) == 0)
            return SLICE("CLIENT_ERROR invalid flag\r\n");
        if ((req->meta.seen >> letter & 1) != 0)
            return SLICE("CLIENT_ERROR duplicate flag\r\n");
        refusal = parse_flag(flag, req, mode);
        if (refusal.len > 0)
            return refusal;
        req->meta.seen |= UINT64_C(1) << letter;
    }
    if ((req->meta.seen & META_BIT('b')) == 0)
        return slice_make(NULL, 0);
    if (!base64_decode(req->key_room, req->key, &req->key.len))
        return SLICE("CLIENT_ERROR error decoding key\r\n");
    req->key.ptr = req->key_room;
    return slice_make(NULL, 0);
}

/* The key; false when refused. */
static bool
parse_key(struct slice *rest, struct request *req, enum request_op op)
{
    request_init(req, op);
    req->flags = REQ_META;
    req->key = take_word(rest);
    if (req->key.len == 0)
        request_refuse(req, op == OP_META_DEBUG ? REFUSE_BAD_FORMAT : REFUSE_ERROR);
    else if (req->key.len > KEY_BYTES_MAX)
        request_refuse(req, REFUSE_BAD_FORMAT);
    return req->op == op;
}

static void
parse_get(struct slice rest, struct request *req)
{
    struct slice refusal;
    char mode = 0;

    if (!parse_key(&rest, req, OP_META_GET))
        return;
    refusal = are_too_many(rest, META_FLAGS_MAX)
                  ? SLICE("CLIENT_ERROR options flags are too long\r\n")
                  : parse_flags(rest, req, &mode);
    if (refusal.len > 0)
        request_refuse(req, refusal);
}

/* A mode and a CAS make it one of the classic commands; false when there is no such mode. */
static bool
set_store_op(struct request *req, char mode)
{
    static const enum request_op ops[] = {
        ['A'] = OP_APPEND,  ['E'] = OP_ADD, ['P'] = OP_PREPEND,
        ['R'] = OP_REPLACE, ['S'] = OP_SET,
    };

    if (mode == 0)
        mode = 'S';
    if (strchr("AEPRS", mode) == NULL)
        return false;
    req->op = ops[(unsigned char)mode];
    if ((req->meta.seen & META_BIT('C')) == 0)
        return true;
    if (req->op == OP_SET || req->op == OP_REPLACE)
        req->op = OP_CAS;
    return true;
}

/* With its length known, what a refused command brings is not taken for commands. */
static void
parse_set(struct slice rest, struct request *req)
{
    struct slice refusal;
    int64_t bytes;
    char mode = 0;

    if (!parse_key(&rest, req, OP_SET))
        return;
    if (!num_parse_i64(take_word(&rest), &bytes) || bytes < 0 || bytes > VALUE_BYTES_MAX) {
        request_refuse(req, REFUSE_BAD_FORMAT);
        return;
    }
    refusal = are_too_many(rest, META_FLAGS_MAX - 1) ? REFUSE_TOO_MANY
                                                     : parse_flags(rest, req, &mode);
    if (refusal.len == 0 && !set_store_op(req, mode))
        refusal = SLICE("CLIENT_ERROR invalid mode for ms M token\r\n");
    if (refusal.len > 0) {
        request_refuse(req, refusal);
        req->flags |= REQ_SWALLOW;
    }
    req->flags |= REQ_OVERWRITE; /* in every mode */
    req->value_bytes = (uint64_t)bytes;
    req->body_bytes = req->value_bytes + REQUEST_TAIL_BYTES;
}

/* memcached hardly says what is wrong with a flag of md and ma. */
static bool
parse_key_and_flags(struct slice rest, struct request *req, enum request_op op, char *mode)
{
    struct slice refusal;

    if (!parse_key(&rest, req, op))
        return false;
    refusal =
        are_too_many(rest, META_FLAGS_MAX) ? REFUSE_TOO_MANY : parse_flags(rest, req, mode);
    if (refusal.len == 0)
        return true;
    if (!slice_equal(refusal, REFUSE_TOO_MANY) && !slice_equal(refusal, REFUSE_OPAQUE))
        refusal = SLICE("CLIENT_ERROR invalid or duplicate flag\r\n");
    request_refuse(req, refusal);
    return false;
}

static void
parse_delete(struct slice rest, struct request *req)
{
    char mode = 0;

    (void)parse_key_and_flags(rest, req, OP_META_DELETE, &mode);
}

static void
parse_arith(struct slice rest, struct request *req)
{
    char mode = 0;

    if (!parse_key_and_flags(rest, req, OP_META_ARITH, &mode))
        return;
    switch (mode) {
    case 0:
    case 'I':
    case '+': break;
    case 'D':
    case '-': req->meta.decr = true; break;
    default: request_refuse(req, SLICE("CLIENT_ERROR invalid mode for ma M token\r\n")); return;
    }
    if ((req->meta.seen & META_BIT('N')) != 0)
        req->flags |= REQ_VIVIFY;
}

/* me <key> [b]: nothing else is looked at. */
static void
parse_debug(struct slice rest, struct request *req)
{
    if (!parse_key(&rest, req, OP_META_DEBUG))
        return;
    memset(&req->meta, 0, sizeof(req->meta));
    if (!slice_equal(take_word(&rest), SLICE("b")))
        return;
    req->meta.seen = META_BIT('b');
    if (!base64_decode(req->key_room, req->key, &req->key.len))
        request_refuse(req, REFUSE_BAD_FORMAT);
    else
        req->key.ptr = req->key_room;
}

void
meta_parse(struct slice word, struct slice line, struct request *req)
{
    struct slice rest =
        slice_make(word.ptr + word.len, (size_t)(line.ptr + line.len - (word.ptr + word.len)));

    switch (word.ptr[1]) {
    case 'g': parse_get(rest, req); return;
    case 's': parse_set(rest, req); return;
    case 'd': parse_delete(rest, req); return;
    case 'a': parse_arith(rest, req); return;
    case 'e': parse_debug(rest, req); return;
    case 'n': request_init(req, OP_NOOP); return;
    default: request_refuse(req, REFUSE_ERROR); return;
    }
}
