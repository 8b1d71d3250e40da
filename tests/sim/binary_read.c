/* Reads the packets of the binary protocol: which command each answers, and how it went. */
#include <string.h>

#include "client_priv.h"
#include "client_packet.h"

/* --- Which command a packet answers --- */

static struct client_command *
find(const struct client *c, uint32_t opaque)
{
    for (struct client_command *cmd = c->first; cmd != NULL; cmd = cmd->next)
        if (cmd->opaque == opaque && opaque != 0)
            return cmd;
    client_wrong(c, "a packet that nothing asked for");
}

/* Quiet ones before TARGET, about which nothing came, went as expected. */
static void
resolve_before(struct client *c, const struct client_command *target)
{
    while (c->first != NULL && c->first != target) {
        if (c->first->quiet == LOUD) {
            if (target == NULL)
                return;
            client_wrong(c, "a packet was left out");
        }
        judge_silence(c, c->first);
        client_done(c);
    }
}

static void
binary_ended(struct client *c)
{
    resolve_before(c, NULL);
}

/* --- What a packet says --- */

static void
must(const struct client *c, bool good, const char *what)
{
    if (!good)
        client_wrong(c, what);
}

static bool
replies_key(const struct client_command *cmd)
{
    return cmd->opcode == P_GETK || cmd->opcode == P_GETKQ || cmd->opcode == P_GATK ||
           cmd->opcode == P_GATKQ;
}

static bool
is_own_key(const struct client *c, const struct client_command *cmd, const char *key,
           size_t len)
{
    return len == client_key_len(c, cmd->keys[0]) &&
           memcmp(key, client_key_name(c, cmd->keys[0]), len) == 0;
}

static enum outcome
failure(const struct client *c, const struct client_command *cmd, uint16_t status)
{
    bool add = cmd->mode == MODE_ADD, replace = cmd->mode == MODE_REPLACE;

    switch (status) {
    case S_NOT_FOUND:
        if (cmd->verb == DO_GET)
            return CAME_MISS;
        return cmd->verb == DO_STORE && replace ? CAME_NOT_STORED : CAME_NOT_FOUND;
    case S_EXISTS: return cmd->verb == DO_STORE && add ? CAME_NOT_STORED : CAME_EXISTS;
    case S_TOO_LARGE: return CAME_TOO_LARGE;
    case S_NOT_STORED: return CAME_NOT_STORED;
    case S_NON_NUMERIC: return CAME_NON_NUMERIC;
    case S_NO_MEMORY: return CAME_NO_MEMORY;
    default: client_wrong(c, "a status that this command cannot have");
    }
}

static void
on_failure(struct client *c, struct client_command *cmd, const struct client_packet *p,
           const char *body)
{
    static const struct told nothing;
    const char *message = packet_message(p->status);

    must(c, p->cas == 0 && p->extras_len == 0, "more than a failure");
    if (replies_key(cmd) && p->status == S_NOT_FOUND)
        must(c, p->key_len == p->body_len && is_own_key(c, cmd, body, p->key_len),
             "not the key that is missing");
    else
        must(c,
             p->key_len == 0 && p->body_len == strlen(message) &&
                 memcmp(body, message, p->body_len) == 0,
             "not the message of this status");
    if (cmd->verb == DO_CONSTANT || cmd->verb == DO_STATS)
        must(c, p->status == cmd->status, "another status");
    else
        judge(c, cmd, failure(c, cmd, p->status), &nothing);
}

static void
on_hit(struct client *c, struct client_command *cmd, const struct client_packet *p,
       const char *body)
{
    struct told told = {
        .what = TOLD_FLAGS | TOLD_BYTES | TOLD_CAS,
        .client_flags = packet_get(body, 4),
        .bytes = p->body_len - 4U - p->key_len,
        .cas = p->cas,
    };

    must(c, p->extras_len == 4, "a hit without client flags");
    must(c, replies_key(cmd) ? is_own_key(c, cmd, body + 4, p->key_len) : p->key_len == 0,
         "not the key that was asked for");
    judge(c, cmd, CAME_HIT, &told);
}

/* One line of a stream. True when it was the last. */
static bool
on_stat(const struct client *c, const struct client_packet *p)
{
    must(c, p->cas == 0 && p->extras_len == 0, "more than a statistic");
    must(c, (p->key_len == 0) == (p->body_len == 0), "a statistic without a name");
    return p->body_len == 0;
}

/* The answer to a flush is empty, that to another command of one answer the one expected. */
static void
must_be_constant(struct client *c, const struct client_command *cmd,
                 const struct client_packet *p, const char *body)
{
    const char *want = cmd->verb == DO_FLUSH ? "" : cmd->want;

    must(c, cmd->status == S_SUCCESS && p->cas == 0, "no success, or a cas");
    must(c, p->body_len == strlen(want) && memcmp(body, want, p->body_len) == 0,
         "another body");
}

/* True when the command is done with. */
static bool
on_success(struct client *c, struct client_command *cmd, const struct client_packet *p,
           const char *body)
{
    struct told told = {.what = TOLD_CAS, .cas = p->cas};

    if (cmd->verb == DO_GET) {
        on_hit(c, cmd, p, body);
        return true;
    }
    if (cmd->verb == DO_STATS)
        return on_stat(c, p);
    must(c, p->key_len == 0, "a key that was not asked for");
    must(c, p->extras_len == (cmd->verb == DO_TOUCH ? 4 : 0), "extras of another command");
    switch (cmd->verb) {
    case DO_STORE:
        must(c, p->body_len == 0, "more than that it is stored");
        judge(c, cmd, CAME_STORED, &told);
        break;
    case DO_DELETE:
        must(c, p->body_len == 0 && p->cas == 0, "more than that it is deleted");
        judge(c, cmd, CAME_DELETED, &told);
        break;
    case DO_TOUCH:
        must(c, p->body_len == 4, "more than that it is touched");
        told.what |= TOLD_FLAGS;
        told.client_flags = packet_get(body, 4);
        judge(c, cmd, CAME_TOUCHED, &told);
        break;
    case DO_ARITH:
        must(c, p->body_len == 8, "no number");
        told.what |= TOLD_NUMBER;
        told.number = packet_get(body, 8);
        judge(c, cmd, CAME_NUMBER, &told);
        break;
    case DO_FLUSH:
    case DO_CONSTANT:
        must_be_constant(c, cmd, p, body);
        judge(c, cmd, CAME_STORED, &told);
        break;
    case DO_GET:
    case DO_STATS:
    case DO_DEBUG:
    case DO_NOOP:
    case DO_DUMP:
    case DO_QUIT: client_wrong(c, "an answer to what has none");
    }
    return true;
}

static void
on_packet(struct client *c)
{
    struct client_command *cmd;
    struct client_packet p;

    packet_read(c->piece, &p);
    cmd = find(c, p.opaque);
    resolve_before(c, cmd);
    cmd->when.to_ns = sim_now_ns();
    must(c, p.opcode == cmd->opcode, "another opcode");
    must(c, p.data_type == 0, "a data type");
    if (p.status != S_SUCCESS)
        on_failure(c, cmd, &p, c->piece + PACKET_HEADER_BYTES);
    else if (!on_success(c, cmd, &p, c->piece + PACKET_HEADER_BYTES))
        return;
    client_done(c);
}

/* --- Bytes to packets --- */

static const char rejection[] = "ERROR Too many open connections\r\n";

/* Bytes of the piece that is being read, but for a value. */
static size_t
piece_bytes(const struct client *c)
{
    struct client_packet p;

    if (c->piece_len > 0 && c->piece[0] == rejection[0] && c->world->may_reject)
        return strlen(rejection);
    if (c->piece_len < PACKET_HEADER_BYTES)
        return PACKET_HEADER_BYTES;
    packet_read(c->piece, &p);
    must(c, p.magic == PACKET_REPLY, "no packet");
    must(c, (uint32_t)p.extras_len + p.key_len <= p.body_len, "lengths that cannot be");
    if (p.status == S_SUCCESS && find(c, p.opaque)->verb == DO_GET)
        return PACKET_HEADER_BYTES + p.extras_len + (size_t)p.key_len;
    return PACKET_HEADER_BYTES + (size_t)p.body_len;
}

static void
on_piece(struct client *c)
{
    if (c->piece[0] != rejection[0]) {
        on_packet(c);
        return;
    }
    must(c, memcmp(c->piece, rejection, strlen(rejection)) == 0, "no rejection");
    c->was_rejected = true;
}

static size_t
binary_feed(struct client *c, const char *src, size_t bytes)
{
    size_t want = piece_bytes(c), n;

    if (c->body.reading)
        return client_read_body(c, src, bytes);
    if (c->piece_len == 0) /* its first byte says what it is */
        want = 1;
    must(c, want < sizeof(c->piece), "an endless packet");
    n = bytes < want - c->piece_len ? bytes : want - c->piece_len;
    memcpy(c->piece + c->piece_len, src, n);
    c->piece_len += n;
    if (c->piece_len >= PACKET_HEADER_BYTES && c->piece_len == piece_bytes(c)) {
        on_piece(c);
        c->piece_len = 0;
    }
    return n;
}

const struct dialect binary_dialect = {"binary", binary_ask, binary_ask_for_all, binary_feed,
                                       binary_ended};
