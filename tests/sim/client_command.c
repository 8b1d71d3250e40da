/* The commands of a client: their keys and values, what is sent, what is awaited, values that come back. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_priv.h"

/* --- Contents --- */

char *
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

size_t
shared_bytes(const struct client_world *world, unsigned key, uint32_t version)
{
    static const uint32_t scale[SHARED_KEYS] = {0, 100, 1500, 20000, 90000, 300000};
    uint32_t base = scale[key - KEYS];
    uint32_t bytes = base + (version * 2654435761U >> 16) % (base / 8 + 10);
    uint32_t most = world->item_bytes_max - 1000;

    return bytes < most ? bytes : most;
}

char *
shared_value(const struct client_world *world, unsigned key, uint32_t version)
{
    return make_value(((uint64_t)(key - KEYS + 1) << 32) | version,
                      shared_bytes(world, key, version));
}

struct model_value
next_shared_value(struct client_world *world, unsigned key)
{
    uint32_t version = ++world->shared_versions[key - KEYS];

    return (struct model_value){shared_value(world, key, version),
                                shared_bytes(world, key, version), version, 0};
}

struct model_value
too_large_value(const struct client_world *world)
{
    size_t bytes = world->item_bytes_max + sim_below(5000);

    return (struct model_value){make_value(1, bytes), bytes, 0, 0};
}

static size_t
random_bytes(const struct client_world *world)
{
    /* Where the server treats values in another way, or an item takes another form. */
    static const uint32_t edges[] = {512, 2048, 4096, 8192, 15300, 16384};
    uint32_t most = world->item_bytes_max / 2;
    uint32_t edge;

    switch (choose(&world->habits.sizes, 5)) {
    case 0: return sim_below(100);
    case 1: return sim_below(world->value_bytes);
    case 2: return sim_below(4 * world->value_bytes < most ? 4 * world->value_bytes : most);
    case 3: return sim_below(most);
    default:
        edge = edges[sim_below(ARRAY_LEN(edges))];
        if (world->habits.edge_bytes != 0 && sim_one_in(2))
            edge = world->habits.edge_bytes;
        edge += sim_below(240);
        return edge < 120 ? 0 : edge - 120 < most ? edge - 120 : most;
    }
}

int64_t
random_exptime(const struct client_world *world)
{
    switch (choose(&world->habits.exptimes, 5)) {
    case 1: return 1;
    case 2: return 2 + sim_below(5);
    case 3: return -1;
    case 4: return 1000;
    default: return 0;
    }
}

struct model_value
random_value(const struct client_world *world)
{
    bool numeric = sim_below(4) == 0;
    struct model_value v;

    v.client_flags = sim_below(3) == 0 ? (uint32_t)sim_random() : 0;
    v.exptime = random_exptime(world);
    v.bytes = numeric ? 1 + sim_below(19) : random_bytes(world);
    v.value = make_value(sim_random(), v.bytes);
    for (size_t i = 0; numeric && i < v.bytes; i++)
        v.value[i] = (char)('0' + sim_below(10));
    return v;
}

uint64_t
likely_cas(const struct client *c, unsigned key)
{
    uint64_t other = 1 + (sim_random() >> 1);

    if (key >= KEYS || !c->items[key].cas_known || sim_below(5) == 0)
        return other;
    return c->items[key].cas;
}

/* --- Keys --- */

const char *
client_key_name(const struct client *c, unsigned key)
{
    static const char *const shared[SHARED_KEYS] = {"shared-0", "shared-1", "shared-2",
                                                    "shared-3", "shared-4", "shared-5"};

    return key < KEYS ? c->names[key] : shared[key - KEYS];
}

size_t
client_key_len(const struct client *c, unsigned key)
{
    return key < KEYS ? c->name_len[key] : strlen(client_key_name(c, key));
}

uint8_t
own_key(bool plain)
{
    return (uint8_t)sim_below(plain ? PLAIN_KEYS : KEYS);
}

uint8_t
any_key(const struct client_world *world, bool plain)
{
    if (in_16(world->habits.shared_in_16))
        return (uint8_t)(KEYS + sim_below(SHARED_KEYS));
    return own_key(plain);
}

/* --- Commands: made, sent, remembered --- */

void
client_put(struct client *c, const void *src, size_t bytes)
{
    if (bytes == 0)
        return;
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
    char text[PIECE_BYTES];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text))
        abort();
    client_put(c, text, (size_t)len);
}

struct client_command *
client_command_create(enum wire wire, enum verb verb, uint16_t key_count)
{
    struct client_command *cmd = client_checked(calloc(1, sizeof(*cmd) + key_count + 1));

    cmd->wire = wire;
    cmd->verb = verb;
    cmd->key_count = key_count;
    return cmd;
}

struct client_command *
client_command_create_named(struct client *c, enum wire wire, enum verb verb,
                            uint16_t key_count)
{
    struct client_command *cmd = client_command_create(wire, verb, key_count);

    cmd->opaque = ++c->last_opaque;
    return cmd;
}

void
client_command_destroy(struct client_command *cmd)
{
    free(cmd->value.value);
    free(cmd);
}

void
client_remember(struct client *c, struct client_command *cmd)
{
    cmd->when.from_ns = sim_now_ns();
    cmd->when.flushes_before = c->world->facts.flushes_done;
    *c->last = cmd;
    c->last = &cmd->next;
    c->in_flight++;
    c->loud_in_flight += cmd->quiet == LOUD;
    if (cmd->verb == DO_QUIT)
        c->said_quit = true;
}

void
client_ask_constant(struct client *c, enum wire wire, const char *line, const char *want)
{
    struct client_command *cmd = client_command_create(wire, DO_CONSTANT, 0);

    cmd->want = want;
    client_put_text(c, "%s", line);
    client_remember(c, cmd);
}

void
client_done(struct client *c)
{
    struct client_command *cmd = c->first;

    c->first = cmd->next;
    if (c->first == NULL)
        c->last = &c->first;
    c->in_flight--;
    c->loud_in_flight -= cmd->quiet == LOUD;
    c->world->commands[cmd->wire]++;
    c->was_served = true;
    client_command_destroy(cmd);
}

/* --- Values that come back --- */

void
client_expect_body(struct client *c, const char *want, size_t bytes, const char *tail,
                   char *own)
{
    if (bytes == 0 && tail[0] == '\0') {
        free(own);
        return;
    }
    c->body = (struct body){true, want, bytes, 0, tail, own};
}

static void wrong_byte(struct client *c, const char *src, size_t bytes) NORETURN;

static void
wrong_byte(struct client *c, const char *src, size_t bytes)
{
    const struct body *body = &c->body;
    size_t first = 0, last = bytes - 1;

    while (src[first] == body->want[body->off + first])
        first++;
    while (src[last] == body->want[body->off + last])
        last--;
    fprintf(stderr,
            "bytes %zu to %zu of a value of %zu (%s) are wrong, in a piece of %zu to %zu\n",
            body->off + first, body->off + last, body->len,
            body->own != NULL ? "shared" : "own", body->off, body->off + bytes - 1);
    client_wrong(c, "a wrong byte in a value");
}

size_t
client_read_body(struct client *c, const char *src, size_t bytes)
{
    struct body *body = &c->body;
    size_t tail_len = strlen(body->tail);
    size_t left = body->len - (body->off < body->len ? body->off : body->len);
    size_t n = bytes < left ? bytes : left;

    if (n > 0 && body->want != NULL && memcmp(src, body->want + body->off, n) != 0)
        wrong_byte(c, src, n);
    body->off += n;
    for (; n < bytes && body->off < body->len + tail_len; n++)
        if (src[n] != body->tail[body->off++ - body->len])
            client_wrong(c, "a value does not end where it should");
    if (body->off == body->len + tail_len) {
        free(body->own);
        memset(body, 0, sizeof(*body));
    }
    return n;
}
