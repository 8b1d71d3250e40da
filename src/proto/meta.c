#include "lombard/proto/meta.h"

#include <string.h>

#include "lombard/base/attr.h"

#include "base64_priv.h"
#include "text_priv.h"

enum {
    META_WORDS_MAX = 20,   /* of one command, its name included */
    OPAQUE_CHARS_MAX = 32, /* of an O flag, its letter included */
};

/* Every letter that some command knows, and P and L, which are for proxies. */
#define META_KNOWN                                                                             \
    (META_BIT('b') | META_BIT('c') | META_BIT('f') | META_BIT('h') | META_BIT('k') |           \
     META_BIT('l') | META_BIT('q') | META_BIT('s') | META_BIT('t') | META_BIT('u') |           \
     META_BIT('v') | META_BIT('x') | META_BIT('C') | META_BIT('D') | META_BIT('E') |           \
     META_BIT('F') | META_BIT('I') | META_BIT('J') | META_BIT('L') | META_BIT('M') |           \
     META_BIT('N') | META_BIT('O') | META_BIT('P') | META_BIT('R') | META_BIT('T'))

#define REFUSE_TOO_MANY SLICE("CLIENT_ERROR options flags are too long\r\n")
#define REFUSE_OPAQUE   SLICE("CLIENT_ERROR opaque token too long\r\n")
#define REFUSE_TOKEN    SLICE("CLIENT_ERROR bad token in command line format\r\n")
#define REFUSE_FLAG     SLICE("CLIENT_ERROR invalid or duplicate flag\r\n")
#define NO_REFUSAL      slice_make(NULL, 0)

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

/* Base64 in place of the key; false where it is none, and the key stays as it is. */
static bool
decode_key(struct request *req)
{
    size_t len;

    if (!base64_decode(req->key_room, req->key, &len))
        return false;
    req->key = slice_make(req->key_room, len);
    return true;
}

static bool
parse_time(struct slice arg, int64_t *out)
{
    int32_t time;

    if (!token_i32(arg, &time))
        return false;
    *out = time;
    return true;
}

/* N, T and R are followed in the order in which they come. */
static bool
parse_time_flag(char letter, struct slice arg, struct request *req)
{
    struct request_meta *meta = &req->meta;

    switch (letter) {
    case 'N':
        meta->ttl_before_vivify = (meta->seen & META_BIT('t')) != 0;
        meta->vivify_last = (meta->seen & META_BIT('T')) != 0;
        return token_i32(arg, &meta->vivify_ttl);
    case 'R':
        meta->recache_first = (meta->seen & META_BIT('T')) == 0;
        return token_i32(arg, &meta->recache_ttl);
    default:
        meta->ttl_first = (meta->seen & META_BIT('t')) != 0;
        return parse_time(arg, &req->exptime);
    }
}

/* Take in one flag. What is wrong with it overwrites *REFUSAL, and the next is looked at. */
static void
parse_flag(struct slice flag, struct request *req, char *mode, struct slice *refusal)
{
    const struct slice arg = slice_make(flag.ptr + 1, flag.len - 1);
    const char letter = flag.ptr[0];
    bool good = true;

    switch (letter) {
    case 'C': good = token_u64(arg, &req->cas); break;
    case 'E': good = token_u64(arg, &req->new_cas); break;
    case 'N':
    case 'R':
    case 'T': good = parse_time_flag(letter, arg, req); break;
    case 'F':
        /* It names no reason of its own. */
        if (!token_u32(arg, &req->client_flags) && refusal->len == 0)
            *refusal = REFUSE_BAD_FORMAT;
        break;
    case 'D':
        if (!token_u64(arg, &req->delta))
            *refusal = SLICE("CLIENT_ERROR invalid numeric delta value\r\n");
        break;
    case 'J':
        if (!token_u64(arg, &req->initial))
            *refusal = SLICE("CLIENT_ERROR invalid numeric initial value\r\n");
        break;
    case 'b':
        if (!decode_key(req))
            *refusal = SLICE("CLIENT_ERROR error decoding key\r\n");
        break;
    case 'M': *mode = arg.len > 0 ? arg.ptr[0] : ' '; break;
    case 'q': req->flags |= REQ_QUIET; break;
    default: break; /* asks for something in the reply */
    }
    if (!good)
        *refusal = REFUSE_TOKEN;
}

/*
 * Whether every word from *REST on begins as a flag may; of all others memcached says that
 * the line is none. *COUNT is how many there are, counted as far as memcached counts.
 */
static bool
flags_begin_well(struct slice rest, unsigned max, unsigned *count)
{
    struct slice word;

    *count = 0;
    while (*count < max && (word = take_word(&rest)).len > 0) {
        unsigned char c = (unsigned char)word.ptr[0];

        if (!(c > 64 && c < 123) && !(c >= '0' && c <= '9'))
            return false;
        ++*count;
    }
    return true;
}

/* All flags; what is wrong, or nothing. BEFORE: so many words were before the flags. */
static struct slice
parse_flags(struct slice rest, unsigned before, struct request *req, char *mode)
{
    struct slice refusal = NO_REFUSAL;
    struct slice flag;
    unsigned count;

    memset(&req->meta, 0, sizeof(req->meta));
    req->meta.flags = rest;
    req->delta = 1;
    if (!flags_begin_well(rest, WORDS_MAX - before, &count) || req->key.len > KEY_BYTES_MAX)
        return REFUSE_BAD_FORMAT;
    if (before + count > META_WORDS_MAX)
        return REFUSE_TOO_MANY;
    while ((flag = take_word(&rest)).len > 0) {
        unsigned letter = (unsigned)(unsigned char)flag.ptr[0] - 'A';

        if (letter > 'z' - 'A' || (META_KNOWN >> letter & 1) == 0)
            return SLICE("CLIENT_ERROR invalid flag\r\n");
        if ((req->meta.seen >> letter & 1) != 0)
            return SLICE("CLIENT_ERROR duplicate flag\r\n");
        parse_flag(flag, req, mode, &refusal);
        req->meta.seen |= UINT64_C(1) << letter;
    }
    return refusal;
}

/* Looked at last: whether O is longer than a reply may have it. */
static bool
opaque_fits(struct slice rest)
{
    struct slice flag;

    while ((flag = take_word(&rest)).len > 0)
        if (flag.ptr[0] == 'O')
            return flag.len <= OPAQUE_CHARS_MAX;
    return true;
}

/* The key; false when there is none, or the command refused. */
static bool
parse_key(struct slice *rest, struct request *req, enum request_op op)
{
    request_init(req, op);
    req->flags = REQ_META;
    req->key = take_word(rest);
    if (req->key.len > 0)
        return true;
    request_refuse(req, REFUSE_BAD_FORMAT);
    return false;
}

/* mg, md */
static void
parse_simple(struct slice rest, struct request *req, enum request_op op)
{
    struct slice refusal;
    char mode = 0;

    if (!parse_key(&rest, req, op))
        return;
    refusal = parse_flags(rest, 2, req, &mode);
    if (refusal.len == 0 && !opaque_fits(rest))
        refusal = REFUSE_OPAQUE;
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
    int32_t bytes;
    char mode = 0;

    if (!parse_key(&rest, req, OP_SET))
        return;
    if (!token_i32(take_word(&rest), &bytes) || bytes < 0 || bytes > VALUE_BYTES_MAX) {
        request_refuse(req, REFUSE_BAD_FORMAT);
        return;
    }
    req->flags |= REQ_OVERWRITE; /* in every mode */
    req->value_bytes = (uint64_t)bytes;
    req->body_bytes = req->value_bytes + REQUEST_TAIL_BYTES;
    refusal = parse_flags(rest, 3, req, &mode);
    if (refusal.len == 0 && !set_store_op(req, mode))
        refusal = SLICE("CLIENT_ERROR invalid mode for ms M token\r\n");
    if (refusal.len == 0 && !opaque_fits(rest))
        refusal = REFUSE_OPAQUE;
    if (refusal.len > 0)
        request_refuse_value(req, refusal);
}

/* What is wrong with its flags is not said, except where they are no flags at all. */
static void
parse_arith(struct slice rest, struct request *req)
{
    struct slice refusal;
    unsigned count;
    char mode = 0;

    if (!parse_key(&rest, req, OP_META_ARITH))
        return;
    refusal = parse_flags(rest, 2, req, &mode);
    if (refusal.len > 0)
        refusal =
            flags_begin_well(rest, WORDS_MAX - 2, &count) ? REFUSE_FLAG : REFUSE_BAD_FORMAT;
    else if (mode != 0 && strchr("ID+-", mode) == NULL)
        refusal = SLICE("CLIENT_ERROR invalid mode for ma M token\r\n");
    else if (!opaque_fits(rest))
        refusal = REFUSE_OPAQUE;
    if (refusal.len > 0) {
        request_refuse(req, refusal);
        return;
    }
    req->meta.decr = mode == 'D' || mode == '-';
    if ((req->meta.seen & META_BIT('N')) != 0)
        req->flags |= REQ_VIVIFY;
}

/* me <key> [b]: nothing else is looked at, but it has to look like flags. */
static void
parse_debug(struct slice rest, struct request *req)
{
    unsigned count;

    if (!parse_key(&rest, req, OP_META_DEBUG))
        return;
    memset(&req->meta, 0, sizeof(req->meta));
    if (req->key.len > KEY_BYTES_MAX || !flags_begin_well(rest, WORDS_MAX - 2, &count)) {
        request_refuse(req, REFUSE_BAD_FORMAT);
        return;
    }
    if (!slice_equal(take_word(&rest), SLICE("b")))
        return;
    req->meta.seen = META_BIT('b');
    if (!decode_key(req))
        request_refuse(req, REFUSE_BAD_FORMAT);
}

void
meta_parse(struct slice word, struct slice line, struct request *req)
{
    struct slice rest =
        slice_make(word.ptr + word.len, (size_t)(line.ptr + line.len - (word.ptr + word.len)));

    switch (word.ptr[1]) {
    case 'g': parse_simple(rest, req, OP_META_GET); return;
    case 's': parse_set(rest, req); return;
    case 'd': parse_simple(rest, req, OP_META_DELETE); return;
    case 'a': parse_arith(rest, req); return;
    case 'e': parse_debug(rest, req); return;
    case 'n': request_init(req, OP_NOOP); return;
    default: request_refuse(req, REFUSE_ERROR); return;
    }
}
