#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lombard/proto/reply.h"

#include "client_priv.h"

enum {
    MULTIGET_MAX = 150,
};

static const char *const mode_names[] = {"set", "add", "replace", "append", "prepend", "cas"};

/* --- Contents --- */

/* BYTES that follow from SEED; any byte may occur. */
static char *
make_value(uint64_t seed, size_t bytes)
{
    char *value = client_checked(malloc(bytes + 8));

    for (size_t off = 0; off < bytes; off += 8) {
        uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z ^= z >> 27;
        memcpy(value + off, &z, 8);
    }
    return value;
}

/* Shared keys: version and key say how long the value is, and every byte of it. */
size_t
shared_bytes(const struct arena *arena, int key, uint32_t version)
{
    static const uint32_t scale[SHARED_KEYS] = {0, 100, 1500, 20000, 90000, 300000};
    uint32_t bytes = scale[key] + (version * 2654435761U >> 16) % (scale[key] / 8 + 10);
    uint32_t most = arena->item_bytes_max - 1000;

    return bytes < most ? bytes : most;
}

char *
shared_value(const struct arena *arena, int key, uint32_t version)
{
    return make_value(((uint64_t)(key + 1) << 32) | version, shared_bytes(arena, key, version));
}

static size_t
random_bytes(const struct arena *arena)
{
    uint32_t kind = sim_below(100);

    if (kind < 50)
        return sim_below(100);
    if (kind < 90)
        return sim_below(arena->value_bytes);
    if (kind < 99)
        return sim_below(4 * arena->value_bytes < arena->item_bytes_max / 2
                             ? 4 * arena->value_bytes
                             : arena->item_bytes_max / 2);
    return sim_below(arena->item_bytes_max / 2);
}

static int64_t
random_exptime(void)
{
    switch (sim_below(8)) {
    case 0: return 1;
    case 1: return 2 + sim_below(5);
    case 2: return -1;
    case 3: return 1000;
    default: return 0;
    }
}

const char *
client_key_name(const struct client *c, unsigned key)
{
    static const char *const shared[SHARED_KEYS] = {"shared-0", "shared-1", "shared-2",
                                                    "shared-3", "shared-4", "shared-5"};

    return key < KEYS ? c->names[key] : shared[key - KEYS];
}

/* --- Commands: made, sent, remembered --- */

static void
client_put(struct client *c, const void *src, size_t bytes)
{
    if (c->tx_head == c->tx_tail)
        c->tx_head = c->tx_tail = 0;
    if (c->tx_tail + bytes > c->tx_cap) {
        c->tx_cap = 2 * (c->tx_tail + bytes);
        c->tx = client_checked(realloc(c->tx, c->tx_cap));
    }
    memcpy(c->tx + c->tx_tail, src, bytes);
    c->tx_tail += bytes;
}

void
client_put_text(struct client *c, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text))
        abort();
    client_put(c, text, (size_t)len);
}

struct command *
command_create(enum verb verb, uint16_t key_count)
{
    struct command *cmd = client_checked(calloc(1, sizeof(*cmd) + key_count));

    cmd->verb = verb;
    cmd->key_count = key_count;
    return cmd;
}

void
command_destroy(struct command *cmd)
{
    free(cmd->value);
    free(cmd);
}

void
client_remember(struct client *c, struct command *cmd)
{
    cmd->when.from_ns = sim_now_ns();
    cmd->when.flushes_before = c->arena->facts.flushes_done;
    *c->last = cmd;
    c->last = &cmd->next;
    c->in_flight++;
}

static uint8_t
any_key(void)
{
    return (uint8_t)sim_below(sim_below(4) == 0 ? KEYS + SHARED_KEYS : KEYS);
}

static uint8_t
own_key(void)
{
    return (uint8_t)sim_below(KEYS);
}

static void
ask_get(struct client *c)
{
    uint16_t count = (uint16_t)(sim_below(3) == 0 ? 1 + sim_below(MULTIGET_MAX) : 1);
    struct command *cmd = command_create(DO_GET, count);

    cmd->with_cas = sim_below(3) == 0;
    cmd->with_touch = sim_below(8) == 0;
    cmd->exptime = random_exptime();
    client_put_text(c, "%s%s", cmd->with_touch ? "gat" : "get", cmd->with_cas ? "s" : "");
    if (cmd->with_touch)
        client_put_text(c, " %" PRId64, cmd->exptime);
    for (unsigned i = 0; i < count; i++) {
        /* To touch what others read would make their models wrong. */
        cmd->keys[i] = cmd->with_touch ? own_key() : any_key();
        client_put_text(c, " %s", client_key_name(c, cmd->keys[i]));
    }
    client_put_text(c, sim_below(10) == 0 ? "\n" : "\r\n");
    client_remember(c, cmd);
}

static void
ask_store_shared(struct client *c, uint8_t key)
{
    struct command *cmd = command_create(DO_STORE, 1);
    uint32_t version = ++c->arena->shared_versions[key - KEYS];

    cmd->keys[0] = key;
    cmd->mode = MODE_SET;
    cmd->noreply = sim_below(4) == 0;
    cmd->bytes = shared_bytes(c->arena, key - KEYS, version);
    cmd->value = shared_value(c->arena, key - KEYS, version);
    client_put_text(c, "set %s %u 0 %zu%s\r\n", client_key_name(c, key), version, cmd->bytes,
                    cmd->noreply ? " noreply" : "");
    client_put(c, cmd->value, cmd->bytes);
    client_put_text(c, "\r\n");
    client_remember(c, cmd);
}

static void
ask_store(struct client *c)
{
    uint8_t key = any_key();
    struct command *cmd;
    bool numeric = sim_below(4) == 0;

    if (key >= KEYS) {
        ask_store_shared(c, key);
        return;
    }
    cmd = command_create(DO_STORE, 1);
    cmd->keys[0] = key;
    cmd->mode = sim_below(2) == 0 ? MODE_SET : (enum store_mode)sim_below(6);
    cmd->noreply = sim_below(4) == 0;
    cmd->client_flags = sim_below(3) == 0 ? (uint32_t)sim_random() : 0;
    cmd->exptime = random_exptime();
    cmd->number = c->items[key].cas_known ? c->items[key].cas : sim_random() >> 1;
    cmd->bytes = numeric ? 1 + sim_below(19) : random_bytes(c->arena);
    cmd->value = make_value(sim_random(), cmd->bytes);
    for (size_t i = 0; numeric && i < cmd->bytes; i++)
        cmd->value[i] = (char)('0' + sim_below(10));
    client_put_text(c, "%s %s %u %" PRId64 " %zu", mode_names[cmd->mode], c->names[key],
                    cmd->client_flags, cmd->exptime, cmd->bytes);
    if (cmd->mode == MODE_CAS)
        client_put_text(c, " %" PRIu64, cmd->number);
    client_put_text(c, "%s\r\n", cmd->noreply ? " noreply" : "");
    client_put(c, cmd->value, cmd->bytes);
    client_put_text(c, "\r\n");
    client_remember(c, cmd);
}

static void
ask_delete(struct client *c)
{
    struct command *cmd = command_create(DO_DELETE, 1);

    cmd->keys[0] = any_key();
    cmd->noreply = sim_below(4) == 0;
    client_put_text(c, "delete %s%s\r\n", client_key_name(c, cmd->keys[0]),
                    cmd->noreply ? " noreply" : "");
    client_remember(c, cmd);
}

static void
ask_arith(struct client *c)
{
    struct command *cmd = command_create(DO_ARITH, 1);

    cmd->keys[0] = own_key();
    cmd->noreply = sim_below(4) == 0;
    cmd->decr = sim_below(2) == 0;
    cmd->number = sim_random();
    cmd->number >>= sim_below(64);
    client_put_text(c, "%s %s %" PRIu64 "%s\r\n", cmd->decr ? "decr" : "incr",
                    c->names[cmd->keys[0]], cmd->number, cmd->noreply ? " noreply" : "");
    client_remember(c, cmd);
}

static void
ask_touch(struct client *c)
{
    struct command *cmd = command_create(DO_TOUCH, 1);

    cmd->keys[0] = own_key();
    cmd->noreply = sim_below(4) == 0;
    cmd->exptime = random_exptime();
    client_put_text(c, "touch %s %" PRId64 "%s\r\n", c->names[cmd->keys[0]], cmd->exptime,
                    cmd->noreply ? " noreply" : "");
    client_remember(c, cmd);
}

static void
ask_line(struct client *c)
{
    static const struct {
        const char *line;
        const char *want;
    } lines[] = {
        {"version\r\n", "VERSION " PROTO_VERSION "\r\n"},
        {"verbosity\r\n", "ERROR\r\n"},
        {"no such thing\r\n", "ERROR\r\n"},
        {"get\r\n", "ERROR\r\n"},
        {"\r\n", "ERROR\r\n"},
        {"set a b\r\n", "ERROR\r\n"},
        {"incr a x\r\n", "CLIENT_ERROR invalid numeric delta argument\r\n"},
        {"touch a x\r\n", "CLIENT_ERROR invalid exptime argument\r\n"},
        {"delete a b\r\n",
         "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n"},
        /* A value that goes on where it should end, and then the next command. */
        {"set nobody 0 0 3\r\nabcde", "CLIENT_ERROR bad data chunk\r\n"},
        {"shutdown\r\n", "ERROR: shutdown not enabled\r\n"},
    };
    uint32_t pick = sim_below(ARRAY_LEN(lines));
    struct command *cmd = command_create(DO_LINE, 0);

    cmd->want = lines[pick].want;
    client_put_text(c, "%s", lines[pick].line);
    client_remember(c, cmd);
}

static void
ask_stats(struct client *c)
{
    static const char *const groups[] = {"", " buffers", " conns"};

    client_put_text(c, "stats%s\r\n", groups[sim_below(ARRAY_LEN(groups))]);
    client_remember(c, command_create(DO_STATS, 0));
}

static void
ask_flush(struct client *c)
{
    struct command *cmd = command_create(DO_FLUSH, 0);

    client_put_text(c, "flush_all\r\n");
    c->arena->facts.flushes_sent++;
    client_remember(c, cmd);
}

static void
ask_too_large(struct client *c)
{
    struct command *cmd = command_create(DO_TOO_LARGE, 1);
    size_t bytes = c->arena->item_bytes_max + sim_below(5000);
    char *value = make_value(1, bytes);

    cmd->keys[0] = own_key();
    client_put_text(c, "set %s 0 0 %zu\r\n", c->names[cmd->keys[0]], bytes);
    client_put(c, value, bytes);
    client_put_text(c, "\r\n");
    free(value);
    client_remember(c, cmd);
}

static void
ask_quit(struct client *c)
{
    client_put_text(c, "quit\r\n");
    client_remember(c, command_create(DO_QUIT, 0));
    c->said_quit = true;
}

void
client_ask(struct client *c)
{
    uint32_t dice = sim_below(1000);

    if (dice < 400)
        ask_get(c);
    else if (dice < 700)
        ask_store(c);
    else if (dice < 770)
        ask_delete(c);
    else if (dice < 860)
        ask_arith(c);
    else if (dice < 920)
        ask_touch(c);
    else if (dice < 970)
        ask_line(c);
    else if (dice < 985)
        ask_stats(c);
    else if (dice < 990)
        ask_quit(c);
    else if (dice < 992)
        ask_flush(c);
    else if (dice < 996 && c->arena->item_bytes_max < 300000)
        ask_too_large(c);
    else
        ask_get(c);
}
