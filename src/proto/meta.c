/* Parses the meta commands of the text protocol: mg ms md ma me mn. */
#include <stddef.h>
#include <string.h>

#include "base64_priv.h"
#include "request_priv.h"
#include "text_priv.h"
#include "token_priv.h"

enum {
    META_WORDS_MAX = 20,   /* of one command, its name included */
    OPAQUE_CHARS_MAX = 32, /* of an O flag, its letter included */
};

/* A set of flag letters has a bit for each. */
#define LETTER(letter) (UINT64_C(1) << ((letter) - 'A'))

/* Every letter that some command knows, and P and L, which are for proxies. */
#define META_KNOWN                                                                             \
    (LETTER('b') | LETTER('c') | LETTER('f') | LETTER('h') | LETTER('k') | LETTER('l') |       \
     LETTER('q') | LETTER('s') | LETTER('t') | LETTER('u') | LETTER('v') | LETTER('x') |       \
     LETTER('C') | LETTER('D') | LETTER('E') | LETTER('F') | LETTER('I') | LETTER('J') |       \
     LETTER('L') | LETTER('M') | LETTER('N') | LETTER('O') | LETTER('P') | LETTER('R') |       \
     LETTER('T'))

#define REFUSE_TOO_MANY SLICE("CLIENT_ERROR options flags are too long\r\n")
#define REFUSE_OPAQUE   SLICE("CLIENT_ERROR opaque token too long\r\n")
#define REFUSE_TOKEN    SLICE("CLIENT_ERROR bad token in command line format\r\n")
#define REFUSE_FLAG     SLICE("CLIENT_ERROR invalid or duplicate flag\r\n")

/* Base64 in place of the key; false where it is none, and the key stays as it is. */
static bool
decode_key(struct request *req)
{
    size_t len;

    if (!base64_decode(req->key_decoded, req->key, &len))
        return false;
    req->key = slice_make(req->key_decoded, len);
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

/* A command's flags while they are parsed. */
struct meta_flags {
    uint64_t seen; /* letters */
    char mode;     /* of M; 0: there is none, ' ': it is empty */
    struct slice refusal;
};

static bool
has_seen(const struct meta_flags *flags, char letter)
{
    return (flags->seen & LETTER(letter)) != 0;
}

/* N, T and R are followed in the order in which they come. */
static bool
parse_time_flag(char letter, struct slice arg, const struct meta_flags *flags,
                struct request *req)
{
    struct request_meta *meta = &req->meta;

    switch (letter) {
    case 'N':
        req->flags |= REQ_VIVIFY;
        meta->ttl_before_vivify = has_seen(flags, 't');
        meta->vivify_last = meta->touches;
        return token_i32(arg, &meta->vivify_ttl);
    case 'R':
        meta->recaches = true;
        meta->recache_first = !meta->touches;
        return token_i32(arg, &meta->recache_ttl);
    default:
        meta->touches = true;
        meta->ttl_first = has_seen(flags, 't');
        return parse_time(arg, &req->exptime);
    }
}

static bool
parse_cas_flag(char letter, struct slice arg, struct request *req)
{
    bool compares = letter == 'C';

    *(compares ? &req->meta.compares : &req->meta.renews_cas) = true;
    return token_u64(arg, compares ? &req->cas : &req->new_cas);
}

/* A flag whose argument is a number with a refusal of its own, where it is none. */
static void
parse_number_flag(char letter, struct slice arg, struct request *req, struct slice *refusal)
{
    if (letter == 'F') {
        /* It names no reason of its own. */
        if (!token_u32(arg, &req->client_flags) && refusal->len == 0)
            *refusal = REFUSE_BAD_FORMAT;
    } else if (letter == 'D') {
        if (!token_u64(arg, &req->delta))
            *refusal = SLICE("CLIENT_ERROR invalid numeric delta value\r\n");
    } else if (!token_u64(arg, &req->initial)) {
        *refusal = SLICE("CLIENT_ERROR invalid numeric initial value\r\n");
    }
}

/* Take in one flag. What is wrong with it overwrites the refusal, and the next is looked at. */
static void
parse_flag(struct slice flag, struct request *req, struct meta_flags *flags)
{
    const struct slice arg = slice_make(flag.ptr + 1, flag.len - 1);
    const char letter = flag.ptr[0];
    bool good = true;

    switch (letter) {
    case 'C':
    case 'E': good = parse_cas_flag(letter, arg, req); break;
    case 'N':
    case 'R':
    case 'T': good = parse_time_flag(letter, arg, flags, req); break;
    case 'D':
    case 'F':
    case 'J': parse_number_flag(letter, arg, req, &flags->refusal); break;
    case 'I': req->flags |= REQ_INVALIDATE; break;
    case 'M': flags->mode = arg.len > 0 ? arg.ptr[0] : ' '; break;
    case 'b':
        req->echo.meta.base64 = true;
        if (!decode_key(req))
            flags->refusal = SLICE("CLIENT_ERROR error decoding key\r\n");
        break;
    case 'q': req->flags |= REQ_QUIET; break;
    case 'u': req->meta.unnoticed = true; break;
    case 'v': req->echo.meta.value = true; break;
    case 'x': req->meta.empties = true; break;
    default: break; /* asks for something in the reply */
    }
    if (!good)
        flags->refusal = REFUSE_TOKEN;
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
    while (*count < max && (word = words_take(&rest)).len > 0) {
        unsigned char c = (unsigned char)word.ptr[0];

        if (!(c > 64 && c < 123) && !(c >= '0' && c <= '9'))
            return false;
        ++*count;
    }
    return true;
}

/* Take in all flags from REST on, until one is wrong. Returns how many there were. */
static unsigned
parse_each(struct slice rest, struct request *req, struct meta_flags *flags)
{
    struct slice flag;
    unsigned count;

    for (count = 0; (flag = words_take(&rest)).len > 0; count++) {
        unsigned letter = (unsigned)(unsigned char)flag.ptr[0] - 'A';

        if (letter > 'z' - 'A' || (META_KNOWN >> letter & 1) == 0) {
            flags->refusal = SLICE("CLIENT_ERROR invalid flag\r\n");
            break;
        }
        if ((flags->seen >> letter & 1) != 0) {
            flags->refusal = SLICE("CLIENT_ERROR duplicate flag\r\n");
            break;
        }
        parse_flag(flag, req, flags);
        flags->seen |= UINT64_C(1) << letter;
    }
    return count;
}

/* All flags. BEFORE: so many words were before the flags. */
static void
parse_flags(struct slice rest, unsigned before, struct request *req, struct meta_flags *flags)
{
    unsigned count;

    *flags = (struct meta_flags){.seen = 0};
    req->echo.meta.flags = rest;
    req->delta = 1;
    if (req->key.len > KEY_BYTES_MAX) {
        flags->refusal = REFUSE_BAD_FORMAT;
        return;
    }
    count = parse_each(rest, req, flags);
    if (LIKELY(flags->refusal.len == 0 && before + count <= META_WORDS_MAX))
        return;
    /* Two reasons come before all others. */
    if (!flags_begin_well(rest, WORDS_MAX - before, &count))
        flags->refusal = REFUSE_BAD_FORMAT;
    else if (before + count > META_WORDS_MAX)
        flags->refusal = REFUSE_TOO_MANY;
}

/* Looked at last: whether O is longer than a reply may have it. */
static bool
opaque_fits(struct slice rest)
{
    struct slice flag;

    while ((flag = words_take(&rest)).len > 0)
        if (flag.ptr[0] == 'O')
            return flag.len <= OPAQUE_CHARS_MAX;
    return true;
}

/* The key; false when there is none, or the command refused. */
static bool
parse_key(struct slice *rest, struct request *req, enum request_op op)
{
    request_init(req, op);
    memset(&req->echo, 0,
           offsetof(struct request, key_decoded) - offsetof(struct request, echo));
    req->flags = REQ_META;
    req->key = words_take(rest);
    if (req->key.len > 0)
        return true;
    request_refuse(req, REFUSE_BAD_FORMAT);
    return false;
}

/* mg, md */
static void
parse_simple(struct slice rest, struct request *req, enum request_op op)
{
    struct meta_flags flags;

    if (!parse_key(&rest, req, op))
        return;
    parse_flags(rest, 2, req, &flags);
    if (flags.refusal.len == 0 && !opaque_fits(rest))
        flags.refusal = REFUSE_OPAQUE;
    if (flags.refusal.len > 0)
        request_refuse(req, flags.refusal);
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
    if (req->meta.compares && (req->op == OP_SET || req->op == OP_REPLACE))
        req->op = OP_CAS;
    return true;
}

/* With its length known, what a refused command brings is not taken for commands. */
static void
parse_set(struct slice rest, struct request *req)
{
    struct meta_flags flags;
    int32_t bytes;

    if (!parse_key(&rest, req, OP_SET))
        return;
    if (!token_i32(words_take(&rest), &bytes) || bytes < 0 || bytes > VALUE_BYTES_MAX) {
        request_refuse(req, REFUSE_BAD_FORMAT);
        return;
    }
    req->flags |= REQ_OVERWRITE; /* in every mode */
    req->value_bytes = (uint64_t)bytes;
    req->body_bytes = req->value_bytes + REQUEST_TAIL_BYTES;
    parse_flags(rest, 3, req, &flags);
    if (flags.refusal.len == 0 && !set_store_op(req, flags.mode))
        flags.refusal = SLICE("CLIENT_ERROR invalid mode for ms M token\r\n");
    if (flags.refusal.len == 0 && !opaque_fits(rest))
        flags.refusal = REFUSE_OPAQUE;
    if (flags.refusal.len > 0)
        request_refuse_value(req, flags.refusal);
}

/* What is wrong with its flags is not said, except where they are no flags at all. */
static void
parse_arith(struct slice rest, struct request *req)
{
    struct meta_flags flags;
    unsigned count;

    if (!parse_key(&rest, req, OP_META_ARITH))
        return;
    parse_flags(rest, 2, req, &flags);
    if (flags.refusal.len > 0)
        flags.refusal =
            flags_begin_well(rest, WORDS_MAX - 2, &count) ? REFUSE_FLAG : REFUSE_BAD_FORMAT;
    else if (flags.mode != 0 && strchr("ID+-", flags.mode) == NULL)
        flags.refusal = SLICE("CLIENT_ERROR invalid mode for ma M token\r\n");
    else if (!opaque_fits(rest))
        flags.refusal = REFUSE_OPAQUE;
    if (flags.refusal.len > 0)
        request_refuse(req, flags.refusal);
    else
        req->meta.decr = flags.mode == 'D' || flags.mode == '-';
}

/* me <key> [b]: nothing else is looked at, but it has to look like flags. */
static void
parse_debug(struct slice rest, struct request *req)
{
    unsigned count;

    if (!parse_key(&rest, req, OP_META_DEBUG))
        return;
    if (req->key.len > KEY_BYTES_MAX || !flags_begin_well(rest, WORDS_MAX - 2, &count)) {
        request_refuse(req, REFUSE_BAD_FORMAT);
        return;
    }
    if (!slice_equal(words_take(&rest), SLICE("b")))
        return;
    req->echo.meta.base64 = true;
    if (!decode_key(req))
        request_refuse(req, REFUSE_BAD_FORMAT);
}

bool
meta_parse(struct slice line, struct request *req)
{
    struct slice rest = slice_make(line.ptr + 2, line.len - 2);

    switch (line.ptr[1]) {
    case 'g': parse_simple(rest, req, OP_META_GET); return true;
    case 's': parse_set(rest, req); return true;
    case 'd': parse_simple(rest, req, OP_META_DELETE); return true;
    case 'a': parse_arith(rest, req); return true;
    case 'e': parse_debug(rest, req); return true;
    case 'n': request_init(req, OP_NOOP); return true;
    default: return false;
    }
}
