/*
 * The binary protocol: takes packets off the stream.
 *
 *     0      1       2          4         5     6        8      12      16     24
 *     | 0x80 | opcode | key len | ext len | ... | vbucket | body | opaque | cas |
 *     | extras | key | value                                                    |
 *
 * Numbers are big-endian; the body is extras, key and value together. A reply has 0x81 in front
 * and a status instead of the vbucket. Source: the binary protocol's specification
 * (docs/binary-protocol-revamped), and memcached itself where the two differ.
 */
#include <string.h>

#include "mcbp_priv.h"
#include "request_priv.h"

/* What a packet of an opcode is made of. */
enum mcbp_key { KEY_NONE, KEY_NEEDED, KEY_OPTIONAL };

struct mcbp_command {
    bool known;
    enum request_op op;
    uint8_t extras_bytes;
    bool extras_optional; /* or none at all */
    enum mcbp_key key;
    uint32_t flags;
};

#define KQ (REQ_WITH_KEY | REQ_QUIET)

static const struct mcbp_command commands[] = {
    [MCBP_GET] = {true, OP_GET, 0, false, KEY_NEEDED, REQ_WITH_CAS},
    [MCBP_GETQ] = {true, OP_GET, 0, false, KEY_NEEDED, REQ_WITH_CAS | REQ_QUIET},
    [MCBP_GETK] = {true, OP_GET, 0, false, KEY_NEEDED, REQ_WITH_CAS | REQ_WITH_KEY},
    [MCBP_GETKQ] = {true, OP_GET, 0, false, KEY_NEEDED, REQ_WITH_CAS | KQ},
    [MCBP_GAT] = {true, OP_GAT, 4, false, KEY_NEEDED, 0},
    [MCBP_GATQ] = {true, OP_GAT, 4, false, KEY_NEEDED, REQ_QUIET},
    [MCBP_GATK] = {true, OP_GAT, 4, false, KEY_NEEDED, REQ_WITH_KEY},
    [MCBP_GATKQ] = {true, OP_GAT, 4, false, KEY_NEEDED, KQ},
    [MCBP_TOUCH] = {true, OP_TOUCH, 4, false, KEY_NEEDED, 0},
    [MCBP_SET] = {true, OP_SET, 8, false, KEY_NEEDED, REQ_OVERWRITE},
    [MCBP_SETQ] = {true, OP_SET, 8, false, KEY_NEEDED, REQ_QUIET | REQ_OVERWRITE},
    [MCBP_ADD] = {true, OP_ADD, 8, false, KEY_NEEDED, 0},
    [MCBP_ADDQ] = {true, OP_ADD, 8, false, KEY_NEEDED, REQ_QUIET},
    [MCBP_REPLACE] = {true, OP_REPLACE, 8, false, KEY_NEEDED, 0},
    [MCBP_REPLACEQ] = {true, OP_REPLACE, 8, false, KEY_NEEDED, REQ_QUIET},
    [MCBP_APPEND] = {true, OP_APPEND, 0, false, KEY_NEEDED, 0},
    [MCBP_APPENDQ] = {true, OP_APPEND, 0, false, KEY_NEEDED, REQ_QUIET},
    [MCBP_PREPEND] = {true, OP_PREPEND, 0, false, KEY_NEEDED, 0},
    [MCBP_PREPENDQ] = {true, OP_PREPEND, 0, false, KEY_NEEDED, REQ_QUIET},
    [MCBP_DELETE] = {true, OP_DELETE, 0, false, KEY_NEEDED, 0},
    [MCBP_DELETEQ] = {true, OP_DELETE, 0, false, KEY_NEEDED, REQ_QUIET},
    [MCBP_INCR] = {true, OP_INCR, 20, false, KEY_NEEDED, 0},
    [MCBP_INCRQ] = {true, OP_INCR, 20, false, KEY_NEEDED, REQ_QUIET},
    [MCBP_DECR] = {true, OP_DECR, 20, false, KEY_NEEDED, 0},
    [MCBP_DECRQ] = {true, OP_DECR, 20, false, KEY_NEEDED, REQ_QUIET},
    [MCBP_QUIT] = {true, OP_QUIT, 0, false, KEY_NONE, REQ_CLOSE},
    [MCBP_QUITQ] = {true, OP_QUIT, 0, false, KEY_NONE, REQ_CLOSE | REQ_QUIET},
    [MCBP_FLUSH] = {true, OP_FLUSH, 4, true, KEY_NONE, 0},
    [MCBP_FLUSHQ] = {true, OP_FLUSH, 4, true, KEY_NONE, REQ_QUIET},
    [MCBP_NOOP] = {true, OP_NOOP, 0, false, KEY_NONE, 0},
    [MCBP_VERSION] = {true, OP_VERSION, 0, false, KEY_NONE, 0},
    [MCBP_STAT] = {true, OP_STATS, 0, false, KEY_OPTIONAL, 0},
    [MCBP_VERBOSITY] = {true, OP_VERBOSITY, 4, false, KEY_NONE, 0},
    [MCBP_HELLO] = {true, OP_HELLO, 0, false, KEY_OPTIONAL, 0},
    [MCBP_SASL_LIST] = {true, OP_SASL_LIST, 0, false, KEY_NONE, 0},
    [MCBP_SASL_AUTH] = {true, OP_SASL_AUTH, 0, false, KEY_NEEDED, 0},
    [MCBP_SASL_STEP] = {true, OP_SASL_STEP, 0, false, KEY_NEEDED, 0},
};

/*
 * In an incr or decr: do not create what is absent. Elsewhere exptimes have no
 * sign, so this would be a second of the year 2106.
 */
static const uint32_t EXPTIME_NO_CREATE = UINT32_MAX;

/* A longer body is believed of no packet; it is memcached's limit of all that is stored. */
static const uint64_t BODY_BYTES_MAX = UINT64_C(1) << 30;

/* The lengths that a header announces. */
struct mcbp_lengths {
    size_t extras_bytes;
    size_t key_bytes;
    uint64_t body_bytes;
};

/* NULL when there is no such opcode. */
static const struct mcbp_command *
command_of(uint8_t opcode)
{
    if (opcode >= ARRAY_LEN(commands) || !commands[opcode].known)
        return NULL;
    return &commands[opcode];
}

/* Whether a packet with these lengths can be of that command. */
static bool
lengths_fit(const struct mcbp_command *command, const struct mcbp_lengths *len)
{
    if (len->key_bytes > KEY_BYTES_MAX || len->body_bytes > BODY_BYTES_MAX ||
        len->extras_bytes + len->key_bytes > len->body_bytes)
        return false;
    if (len->extras_bytes != command->extras_bytes &&
        !(command->extras_optional && len->extras_bytes == 0))
        return false;
    if ((command->key == KEY_NEEDED && len->key_bytes == 0) ||
        (command->key == KEY_NONE && len->key_bytes > 0))
        return false;
    return op_has(command->op, PROP_VALUE) ||
           len->extras_bytes + len->key_bytes == len->body_bytes;
}

static void
take_extras(const struct mcbp_command *command, const char *extras, struct request *req)
{
    switch (command->extras_bytes) {
    case 20:
        req->delta = load_be64(extras);
        req->initial = load_be64(extras + 8);
        req->exptime = load_be32(extras + 16);
        if (load_be32(extras + 16) != EXPTIME_NO_CREATE)
            req->flags |= REQ_VIVIFY;
        return;
    case 8:
        req->client_flags = load_be32(extras);
        req->exptime = load_be32(extras + 4);
        return;
    case 4:
        if (req->op == OP_VERBOSITY)
            req->delta = load_be32(extras);
        else
            req->exptime = load_be32(extras);
        return;
    default: return;
    }
}

static void
take_echo(const char *header, struct request *req)
{
    req->echo.binary.opcode = (uint8_t)header[1];
    req->echo.binary.opaque = load_be32(header + 12);
}

/* "conns top bytes_out": what follows the group is its arguments, as in a line of text. */
static void
split_group(struct request *req)
{
    const char *blank = req->key.len == 0 ? NULL : memchr(req->key.ptr, ' ', req->key.len);
    size_t len;

    if (blank == NULL)
        return;
    len = (size_t)(blank - req->key.ptr);
    req->value = slice_make(blank + 1, req->key.len - len - 1);
    req->key.len = len;
}

/* What is no group of statistics. */
static void
take_group(struct request *req)
{
    split_group(req);
    if (slice_equal(req->key, SLICE("cachedump"))) {
        req->op = OP_DUMP_CLASS; /* of no class: nothing is listed */
        req->value.len = 0;
    } else if (req->value.len > 0 && slice_equal(req->key, SLICE("detail"))) {
        req->op = OP_DETAIL;
        req->key = req->value;
        req->value.len = 0;
    }
}

static void
take_packet(const struct mcbp_command *command, const char *header,
            const struct mcbp_lengths *len, struct request *req)
{
    const char *extras = header + MCBP_HEADER_BYTES;

    request_init(req, command->op);
    req->flags = command->flags;
    take_echo(header, req);
    req->cas = load_be64(header + 16);
    req->key = slice_make(extras + len->extras_bytes, len->key_bytes);
    if (len->extras_bytes > 0)
        take_extras(command, extras, req);
    if (req->op == OP_STATS)
        take_group(req);
    if (!op_has(command->op, PROP_VALUE))
        return;
    req->value_bytes = len->body_bytes - len->extras_bytes - len->key_bytes;
    req->body_bytes = req->value_bytes;
}

/*
 * Refuse the packet of this header. Where its lengths make sense, its body can be
 * stepped over; where they do not, nothing that follows can be trusted. This is said to every
 * client where lengths alone are wrong, or COMMAND, which may be NULL, is for every client.
 */
static void
refuse(const char *header, const struct mcbp_command *command, const struct mcbp_lengths *len,
       struct request *req)
{
    bool fits = len->extras_bytes + len->key_bytes <= len->body_bytes;
    bool skips = fits && len->body_bytes <= BODY_BYTES_MAX && len->key_bytes <= KEY_BYTES_MAX &&
                 command == NULL;
    bool unknown = skips || !fits; /* so says memcached of the second, too */

    request_refuse(req, unknown ? SLICE("Unknown command") : SLICE("Invalid arguments"));
    req->echo.binary.refusal_status = unknown ? MCBP_UNKNOWN_COMMAND : MCBP_EINVAL;
    req->flags = skips ? 0 : REQ_CLOSE;
    req->body_bytes = skips ? len->body_bytes : 0;
    if (!fits || len->body_bytes > BODY_BYTES_MAX ||
        (command != NULL && op_has(command->op, PROP_OPEN)))
        req->op = OP_REFUSED_OPEN;
    take_echo(header, req);
}

/* Of a command whose value is waited for as a whole. */
static bool
is_too_long(const struct mcbp_command *command, const struct mcbp_lengths *len)
{
    return op_has(command->op, PROP_WHOLE) && len->body_bytes - len->key_bytes > AUTH_BYTES_MAX;
}

static void
refuse_too_long(const char *header, const struct mcbp_lengths *len, struct request *req)
{
    request_refuse(req, SLICE("Too large."));
    req->op = OP_REFUSED_OPEN;
    req->echo.binary.refusal_status = MCBP_E2BIG;
    req->body_bytes = len->body_bytes;
    take_echo(header, req);
}

static enum parse_result
parse(struct proto_state *state, const struct session *session, struct slice in,
      struct request *req, size_t *used)
{
    const struct mcbp_command *command;
    const char *header = in.ptr;
    struct mcbp_lengths len;

    (void)state;
    (void)session;
    *used = 0;
    if ((unsigned char)header[0] != MCBP_MAGIC_REQUEST) {
        request_refuse(req, slice_make(NULL, 0));
        req->op = OP_REFUSED_OPEN;
        req->flags = REQ_CLOSE | REQ_QUIET;
        req->echo.binary = (struct echo_binary){.refusal_status = MCBP_SUCCESS};
        *used = in.len;
        return PARSE_COMPLETE;
    }
    if (in.len < MCBP_HEADER_BYTES)
        return PARSE_PARTIAL;
    len =
        (struct mcbp_lengths){(uint8_t)header[4], load_be16(header + 2), load_be32(header + 8)};
    command = command_of((uint8_t)header[1]);
    *used = MCBP_HEADER_BYTES;
    if (command == NULL || !lengths_fit(command, &len)) {
        refuse(header, command, &len, req);
        return PARSE_COMPLETE;
    }
    if (UNLIKELY(is_too_long(command, &len))) {
        refuse_too_long(header, &len, req);
        return PARSE_COMPLETE;
    }
    *used += len.extras_bytes + len.key_bytes;
    if (in.len < *used) {
        *used = 0;
        return PARSE_PARTIAL;
    }
    take_packet(command, header, &len, req);
    return PARSE_COMPLETE;
}

/* Nothing follows a value. */
static bool
value_ends(const char *tail)
{
    (void)tail;
    return true;
}

const struct proto_ops proto_binary = {
    .name = "binary",
    .denial_closes = true,
    .parse = parse,
    .value_ends = value_ends,
    .reply = mcbp_reply,
    .stream_begin = mcbp_stream_begin,
    .stat_line = mcbp_stat_line,
    .dump_line = mcbp_dump_line,
    .prefix_line = mcbp_prefix_line,
    .stream_end = mcbp_stream_end,
};
