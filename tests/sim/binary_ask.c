/* Thinks of commands of the binary protocol, and writes their packets. */
#include <string.h>

#include "lombard/cmd/cmd.h"

#include "client_priv.h"
#include "client_packet.h"

enum { EXTRAS_MAX = 20 };

static const uint32_t NO_CREATE = UINT32_MAX; /* exptime of incr and decr */

/* Loud and quiet. */
struct opcodes {
    uint8_t code[2];
};

static struct client_command *
create(struct client *c, enum verb verb, uint8_t key, struct opcodes opcodes)
{
    struct client_command *cmd = client_command_create_named(c, WIRE_BINARY, verb, 1);

    cmd->keys[0] = key;
    cmd->quiet = in_16(c->world->habits.silent_in_16) ? QUIET : LOUD;
    cmd->opcode = opcodes.code[cmd->quiet == QUIET];
    return cmd;
}

/* As exptimes have no sign here, none is in the past. */
static int64_t
exptime(const struct client *c)
{
    int64_t s = random_exptime(c->world);

    return s < 0 ? 1 : s;
}

static void
maybe_compare(struct client *c, struct client_command *cmd)
{
    if (sim_below(5) != 0)
        return;
    cmd->compare = true;
    cmd->compare_cas = likely_cas(c, cmd->keys[0]);
}

static void
finish(struct client *c, struct client_command *cmd, const char *extras, size_t extras_len)
{
    size_t key_len = cmd->key_count > 0 ? client_key_len(c, cmd->keys[0]) : 0;
    char header[PACKET_HEADER_BYTES];
    struct client_packet p = {
        .magic = PACKET_REQUEST,
        .opcode = cmd->opcode,
        .key_len = (uint16_t)key_len,
        .extras_len = (uint8_t)extras_len,
        .body_len = (uint32_t)(key_len + extras_len + cmd->value.bytes),
        .opaque = cmd->opaque,
        .cas = cmd->compare ? cmd->compare_cas : 0,
    };

    packet_write(header, &p);
    client_put(c, header, sizeof(header));
    client_put(c, extras, extras_len);
    if (key_len > 0)
        client_put(c, client_key_name(c, cmd->keys[0]), key_len);
    client_put(c, cmd->value.value, cmd->value.bytes);
    client_remember(c, cmd);
}

static void
ask_get(struct client *c)
{
    static const struct opcodes opcodes[4] = {
        {{P_GET, P_GETQ}}, {{P_GETK, P_GETKQ}}, {{P_GAT, P_GATQ}}, {{P_GATK, P_GATKQ}}};
    uint32_t pick = sim_below(5);
    bool touch = pick == 2 || pick == 3;
    struct client_command *cmd =
        create(c, DO_GET, touch ? own_key(false) : any_key(c->world, false),
               opcodes[pick == 4 ? 1 : pick]);
    char extras[4];

    cmd->with_value = true;
    cmd->with_touch = touch;
    cmd->exptime = exptime(c);
    packet_put(extras, (uint64_t)cmd->exptime, 4);
    finish(c, cmd, extras, touch ? 4 : 0);
}

static void
choose_value(struct client *c, struct client_command *cmd, bool too_large)
{
    if (too_large) {
        cmd->too_large = true;
        cmd->value = too_large_value(c->world);
    } else if (cmd->keys[0] >= KEYS) {
        cmd->value = next_shared_value(c->world, cmd->keys[0]);
    } else {
        cmd->value = random_value(c->world);
        maybe_compare(c, cmd);
    }
    if (cmd->value.exptime < 0)
        cmd->value.exptime = 1;
}

static void
ask_store(struct client *c, bool too_large)
{
    static const struct opcodes opcodes[] = {
        [MODE_SET] = {{P_SET, P_SETQ}},
        [MODE_ADD] = {{P_ADD, P_ADDQ}},
        [MODE_REPLACE] = {{P_REPLACE, P_REPLACEQ}},
        [MODE_APPEND] = {{P_APPEND, P_APPENDQ}},
        [MODE_PREPEND] = {{P_PREPEND, P_PREPENDQ}},
    };
    uint8_t key = too_large ? own_key(false) : any_key(c->world, false);
    bool only_set = too_large || key >= KEYS;
    enum store_mode mode =
        only_set ? MODE_SET
                 : (enum store_mode)choose(&c->world->habits.modes, ARRAY_LEN(opcodes));
    bool concat = mode == MODE_APPEND || mode == MODE_PREPEND;
    struct client_command *cmd = create(c, DO_STORE, key, opcodes[mode]);
    char extras[8];

    cmd->mode = mode;
    choose_value(c, cmd, too_large);
    if (cmd->compare && !concat)
        cmd->mode = MODE_CAS;
    packet_put(extras, cmd->value.client_flags, 4);
    packet_put(extras + 4, (uint64_t)cmd->value.exptime, 4);
    finish(c, cmd, extras, concat ? 0 : 8);
}

static void
ask_delete(struct client *c)
{
    struct client_command *cmd =
        create(c, DO_DELETE, any_key(c->world, false), (struct opcodes){{P_DELETE, P_DELETEQ}});

    if (cmd->keys[0] < KEYS)
        maybe_compare(c, cmd);
    finish(c, cmd, NULL, 0);
}

static void
ask_arith(struct client *c)
{
    static const struct opcodes opcodes[2] = {{{P_INCR, P_INCRQ}}, {{P_DECR, P_DECRQ}}};
    uint32_t decr = sim_below(2);
    struct client_command *cmd = create(c, DO_ARITH, own_key(false), opcodes[decr]);
    char extras[EXTRAS_MAX];

    cmd->decr = decr == 1;
    cmd->delta = sim_random() >> sim_below(64);
    cmd->initial = sim_random() >> sim_below(64);
    cmd->vivify = sim_below(3) == 0;
    cmd->vivify_s = exptime(c);
    maybe_compare(c, cmd);
    packet_put(extras, cmd->delta, 8);
    packet_put(extras + 8, cmd->initial, 8);
    packet_put(extras + 16, cmd->vivify ? (uint64_t)cmd->vivify_s : NO_CREATE, 4);
    finish(c, cmd, extras, sizeof(extras));
}

static void
ask_touch(struct client *c)
{
    struct client_command *cmd =
        create(c, DO_TOUCH, own_key(false), (struct opcodes){{P_TOUCH, P_TOUCH}});
    char extras[4];

    cmd->quiet = LOUD;
    cmd->exptime = exptime(c);
    packet_put(extras, (uint64_t)cmd->exptime, 4);
    finish(c, cmd, extras, sizeof(extras));
}

static struct client_command *
create_plain(struct client *c, enum verb verb, uint8_t opcode)
{
    struct client_command *cmd = client_command_create_named(c, WIRE_BINARY, verb, 0);

    cmd->opcode = opcode;
    cmd->want = "";
    return cmd;
}

static void
ask_noop(struct client *c)
{
    finish(c, create_plain(c, DO_CONSTANT, P_NOOP), NULL, 0);
}

static void
ask_flush(struct client *c)
{
    static const char now[4] = {0};
    struct client_command *cmd = create_plain(c, DO_FLUSH, P_FLUSH);

    if (sim_below(2) == 0) {
        cmd->quiet = QUIET;
        cmd->opcode = P_FLUSHQ;
    }
    c->world->facts.flushes_sent++;
    finish(c, cmd, now, sim_below(2) == 0 ? 4 : 0);
}

/* Any header, with BODY_LEN bytes of nothing behind it. */
static void
put_odd(struct client *c, struct client_command *cmd, struct client_packet p, uint32_t body_len)
{
    char header[PACKET_HEADER_BYTES];

    p.magic = PACKET_REQUEST;
    p.opcode = cmd->opcode;
    p.opaque = cmd->opaque;
    packet_write(header, &p);
    client_put(c, header, sizeof(header));
    for (uint32_t i = 0; i < body_len; i++)
        client_put(c, "x", 1);
    client_remember(c, cmd);
}

/* An opcode that there is not: its body is stepped over. */
static void
ask_unknown(struct client *c)
{
    struct client_command *cmd = create_plain(c, DO_CONSTANT, (uint8_t)(0x40 + sim_below(100)));
    uint32_t body = sim_below(3) == 0 ? 20000 + sim_below(50000) : sim_below(300);

    cmd->status = S_UNKNOWN;
    put_odd(c, cmd, (struct client_packet){.body_len = body}, body);
}

static void
ask_constant(struct client *c)
{
    static const char level[4] = {0};
    struct client_command *cmd;

    switch (sim_below(3)) {
    case 0: ask_unknown(c); return;
    case 1: finish(c, create_plain(c, DO_CONSTANT, P_VERBOSITY), level, 4); return;
    default:
        cmd = create_plain(c, DO_CONSTANT, P_VERSION);
        cmd->want = CMD_VERSION;
        finish(c, cmd, NULL, 0);
    }
}

static void
ask_stats(struct client *c)
{
    static const char *const groups[] = {"", "buffers", "conns", "items", "nothing"};
    const char *group = groups[sim_below(ARRAY_LEN(groups))];
    struct client_command *cmd = create_plain(c, DO_STATS, P_STAT);
    uint16_t len = (uint16_t)strlen(group);

    cmd->status = strcmp(group, "nothing") == 0 ? S_NOT_FOUND : S_SUCCESS;
    put_odd(c, cmd, (struct client_packet){.body_len = len, .key_len = len}, 0);
    client_put(c, group, len);
}

/* What ends the connection, with words and without. */
static void
ask_end(struct client *c)
{
    struct client_command *cmd;

    switch (sim_below(4)) {
    case 0: finish(c, create_plain(c, DO_CONSTANT, P_QUIT), NULL, 0); break;
    case 1: /* a key that is longer than the body, or a body longer than any */
        cmd = create_plain(c, DO_CONSTANT, P_GET);
        cmd->status = sim_below(2) == 0 ? S_UNKNOWN : S_INVALID;
        put_odd(c, cmd,
                cmd->status == S_UNKNOWN
                    ? (struct client_packet){.key_len = 9, .body_len = 3}
                    : (struct client_packet){.key_len = 3, .body_len = (1U << 30) + 1},
                3);
        break;
    case 2: /* the first byte says what a connection speaks, for good */
        ask_noop(c);
        client_put(c, "get a\r\n", 7);
        break;
    default:
        put_odd(c, create_plain(c, DO_QUIT, P_QUITQ), (struct client_packet){0}, 0);
        return;
    }
    client_remember(c, client_command_create(WIRE_BINARY, DO_QUIT, 0));
}

static void
ask_too_large(struct client *c)
{
    ask_store(c, c->world->item_bytes_max < TOO_LARGE_BELOW_BYTES);
}

static void
ask_some_store(struct client *c)
{
    ask_store(c, false);
}

void
binary_ask(struct client *c)
{
    static void (*const actions[])(struct client * c) = {
        ask_get,      ask_some_store, ask_delete, ask_arith, ask_touch,     ask_noop,
        ask_constant, ask_stats,      ask_end,    ask_flush, ask_too_large,
    };
    uint32_t pick = choose(&c->world->habits.binary, ARRAY_LEN(actions));

    actions[pick](c);
}

void
binary_ask_for_all(struct client *c)
{
    ask_noop(c);
}
