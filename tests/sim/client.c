#include "client.h"

#include "lombard/proto/reply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEYS = 12,
    KEY_BYTES = 250,
    LINE_BYTES = 2048,
    MULTIGET_MAX = 150,
    RECV_BYTES = 64 * 1024,
    NUMBER_BYTES_MAX = 1000,
    ITEM_SLACK_BYTES = 512, /* of an item: its key and header, generously */
};

/* What a client asks for. */
enum verb {
    DO_GET,
    DO_STORE,
    DO_DELETE,
    DO_ARITH,
    DO_TOUCH,
    DO_LINE, /* any line with one constant reply */
    DO_STATS,
    DO_FLUSH,
    DO_TOO_LARGE,
    DO_QUIT,
};

enum store_mode { MODE_SET, MODE_ADD, MODE_REPLACE, MODE_APPEND, MODE_PREPEND, MODE_CAS };

static const char *const mode_names[] = {"set", "add", "replace", "append", "prepend", "cas"};

struct command {
    struct command *next;
    enum verb verb;
    enum store_mode mode;
    bool noreply;
    bool with_cas;
    bool with_touch; /* gat */
    bool decr;
    int64_t exptime;
    uint64_t number; /* delta, or the cas to compare */
    uint32_t client_flags;
    char *value;
    size_t bytes;
    const char *want; /* DO_LINE */
    struct moment when;
    uint16_t key_count;
    uint16_t key_next; /* DO_GET: those before it are done */
    uint8_t keys[];    /* numbers below KEYS are its own, those above are shared */
};

/* How it behaves on the wire. */
struct manner {
    uint32_t depth;        /* commands in flight */
    uint32_t piece_bytes;  /* sent at once; 0: all */
    uint32_t read_bytes;   /* read at once; 0: all */
    uint32_t idle_one_in;  /* does nothing this turn */
    uint32_t stall_one_in; /* begins to read nothing */
    uint32_t stall_turns;
};

struct client {
    struct arena *arena;
    struct sim_link *link;
    struct manner manner;
    uint32_t identity;
    uint32_t stalled_turns; /* left */
    bool settling;
    bool finished_sending;
    bool said_quit;
    struct model_item items[KEYS + SHARED_KEYS]; /* of shared ones nothing is known */
    char names[KEYS][KEY_BYTES + 1];
    /* to be sent */
    char *tx;
    size_t tx_head, tx_tail, tx_cap;
    /* waiting for replies */
    struct command *first;
    struct command **last;
    uint32_t in_flight;
    /* reply being read */
    char line[LINE_BYTES];
    size_t line_len;
    const char *body; /* of the value being read; NULL: not to be compared */
    size_t body_len, body_off;
    char *body_own; /* to be freed */
    bool in_body;
    bool in_stats;
};

/* --- Contents --- */

static void *
checked(void *mem)
{
    if (mem == NULL)
        abort();
    return mem;
}

/* BYTES that follow from SEED; any byte may occur. */
static char *
make_value(uint64_t seed, size_t bytes)
{
    char *value = checked(malloc(bytes + 8));

    for (size_t off = 0; off < bytes; off += 8) {
        uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z ^= z >> 27;
        memcpy(value + off, &z, 8);
    }
    return value;
}

/* Shared keys: version and key say how long the value is, and every byte of it. */
static size_t
shared_bytes(const struct arena *arena, int key, uint32_t version)
{
    static const uint32_t scale[SHARED_KEYS] = {0, 100, 1500, 20000, 90000, 300000};
    uint32_t bytes = scale[key] + (version * 2654435761U >> 16) % (scale[key] / 8 + 10);
    uint32_t most = arena->item_bytes_max - 1000;

    return bytes < most ? bytes : most;
}

static char *
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

static const char *
key_name(const struct client *c, unsigned key)
{
    static const char *const shared[SHARED_KEYS] = {"shared-0", "shared-1", "shared-2",
                                                    "shared-3", "shared-4", "shared-5"};

    return key < KEYS ? c->names[key] : shared[key - KEYS];
}

/* A new name: nothing that an earlier one stored is its business. */
static void
new_identity(struct client *c)
{
    c->identity = c->arena->next_identity++;
    for (unsigned i = 0; i < KEYS; i++) {
        int len = snprintf(c->names[i], sizeof(c->names[i]), "%u:%u:", c->identity, i);
        uint32_t more = i == 0 ? KEY_BYTES : i < 3 ? sim_below(KEY_BYTES) : sim_below(12);

        for (; len < KEY_BYTES && more > 0; more--)
            c->names[i][len++] = (char)('a' + sim_below(26));
        c->names[i][len] = '\0';
        item_clear(&c->items[i]);
    }
}

static void
new_manner(struct client *c)
{
    static const uint32_t pieces[] = {0, 0, 0, 1, 7, 300, 5000};
    static const uint32_t reads[] = {0, 0, 0, 0, 1, 40, 1000, 20000};
    static const uint32_t depths[] = {1, 1, 4, 16, 64};

    /* One by one: the order within an initializer is the compiler's choice. */
    c->manner.depth = depths[sim_below(ARRAY_LEN(depths))];
    c->manner.piece_bytes = pieces[sim_below(ARRAY_LEN(pieces))];
    c->manner.read_bytes = reads[sim_below(ARRAY_LEN(reads))];
    c->manner.idle_one_in = sim_below(4) * 3;
    c->manner.stall_one_in = sim_below(4) == 0 ? 20 : 0;
    c->manner.stall_turns = 10 + sim_below(300);
}

/* --- Commands: made, sent, remembered --- */

static void
put(struct client *c, const void *src, size_t bytes)
{
    if (c->tx_head == c->tx_tail)
        c->tx_head = c->tx_tail = 0;
    if (c->tx_tail + bytes > c->tx_cap) {
        c->tx_cap = 2 * (c->tx_tail + bytes);
        c->tx = checked(realloc(c->tx, c->tx_cap));
    }
    memcpy(c->tx + c->tx_tail, src, bytes);
    c->tx_tail += bytes;
}

static void put_text(struct client *c, const char *format, ...) PRINTF_LIKE(2, 3);

static void
put_text(struct client *c, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text))
        abort();
    put(c, text, (size_t)len);
}

static struct command *
command_create(enum verb verb, uint16_t key_count)
{
    struct command *cmd = checked(calloc(1, sizeof(*cmd) + key_count));

    cmd->verb = verb;
    cmd->key_count = key_count;
    return cmd;
}

static void
command_destroy(struct command *cmd)
{
    free(cmd->value);
    free(cmd);
}

static void
remember(struct client *c, struct command *cmd)
{
    cmd->when.from_ns = sim_now_ns();
    cmd->when.flushes_before = c->arena->facts.flushes_done;
    *c->last = cmd;
    c->last = &cmd->next;
    c->in_flight++;
}

static void
done(struct client *c)
{
    struct command *cmd = c->first;

    c->first = cmd->next;
    if (c->first == NULL)
        c->last = &c->first;
    c->in_flight--;
    c->arena->commands++;
    command_destroy(cmd);
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
    put_text(c, "%s%s", cmd->with_touch ? "gat" : "get", cmd->with_cas ? "s" : "");
    if (cmd->with_touch)
        put_text(c, " %" PRId64, cmd->exptime);
    for (unsigned i = 0; i < count; i++) {
        /* To touch what others read would make their models wrong. */
        cmd->keys[i] = cmd->with_touch ? own_key() : any_key();
        put_text(c, " %s", key_name(c, cmd->keys[i]));
    }
    put_text(c, sim_below(10) == 0 ? "\n" : "\r\n");
    remember(c, cmd);
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
    put_text(c, "set %s %u 0 %zu%s\r\n", key_name(c, key), version, cmd->bytes,
             cmd->noreply ? " noreply" : "");
    put(c, cmd->value, cmd->bytes);
    put_text(c, "\r\n");
    remember(c, cmd);
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
    put_text(c, "%s %s %u %" PRId64 " %zu", mode_names[cmd->mode], c->names[key],
             cmd->client_flags, cmd->exptime, cmd->bytes);
    if (cmd->mode == MODE_CAS)
        put_text(c, " %" PRIu64, cmd->number);
    put_text(c, "%s\r\n", cmd->noreply ? " noreply" : "");
    put(c, cmd->value, cmd->bytes);
    put_text(c, "\r\n");
    remember(c, cmd);
}

static void
ask_delete(struct client *c)
{
    struct command *cmd = command_create(DO_DELETE, 1);

    cmd->keys[0] = any_key();
    cmd->noreply = sim_below(4) == 0;
    put_text(c, "delete %s%s\r\n", key_name(c, cmd->keys[0]), cmd->noreply ? " noreply" : "");
    remember(c, cmd);
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
    put_text(c, "%s %s %" PRIu64 "%s\r\n", cmd->decr ? "decr" : "incr", c->names[cmd->keys[0]],
             cmd->number, cmd->noreply ? " noreply" : "");
    remember(c, cmd);
}

static void
ask_touch(struct client *c)
{
    struct command *cmd = command_create(DO_TOUCH, 1);

    cmd->keys[0] = own_key();
    cmd->noreply = sim_below(4) == 0;
    cmd->exptime = random_exptime();
    put_text(c, "touch %s %" PRId64 "%s\r\n", c->names[cmd->keys[0]], cmd->exptime,
             cmd->noreply ? " noreply" : "");
    remember(c, cmd);
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
    put_text(c, "%s", lines[pick].line);
    remember(c, cmd);
}

static void
ask_stats(struct client *c)
{
    static const char *const groups[] = {"", " buffers", " conns"};

    put_text(c, "stats%s\r\n", groups[sim_below(ARRAY_LEN(groups))]);
    remember(c, command_create(DO_STATS, 0));
}

static void
ask_flush(struct client *c)
{
    struct command *cmd = command_create(DO_FLUSH, 0);

    put_text(c, "flush_all\r\n");
    c->arena->facts.flushes_sent++;
    remember(c, cmd);
}

static void
ask_too_large(struct client *c)
{
    struct command *cmd = command_create(DO_TOO_LARGE, 1);
    size_t bytes = c->arena->item_bytes_max + sim_below(5000);
    char *value = make_value(1, bytes);

    cmd->keys[0] = own_key();
    put_text(c, "set %s 0 0 %zu\r\n", c->names[cmd->keys[0]], bytes);
    put(c, value, bytes);
    put_text(c, "\r\n");
    free(value);
    remember(c, cmd);
}

static void
ask_quit(struct client *c)
{
    put_text(c, "quit\r\n");
    remember(c, command_create(DO_QUIT, 0));
    c->said_quit = true;
}

static void
ask_something(struct client *c)
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

/* --- Replies --- */

static void wrong(const struct client *c, const char *why) NORETURN;

static void
wrong(const struct client *c, const char *why)
{
    char about[512];

    client_describe(c, about, sizeof(about));
    sim_die("%s: %s; the line is '%.*s'", about, why,
            (int)(c->line_len < 300 ? c->line_len : 300), c->line);
}

static void wrong_item(const struct client *c, const struct command *cmd, unsigned key,
                       const char *why) NORETURN;

static void
wrong_item(const struct client *c, const struct command *cmd, unsigned key, const char *why)
{
    const struct model_item *item = &c->items[key];

    fprintf(stderr,
            "key %s: presence %d, %zu bytes, expires %d from %" PRIu64 " to %" PRIu64
            ", flush %" PRIu64 " of %" PRIu64 "; command sent at %" PRIu64 " ns (flush %" PRIu64
            "), answered at %" PRIu64 " ns\n",
            c->names[key], (int)item->presence, item->bytes, item->expires, item->exp_lo_s,
            item->exp_hi_s, item->flushes_before, c->arena->facts.flushes_sent,
            cmd->when.from_ns, cmd->when.flushes_before, cmd->when.to_ns);
    wrong(c, why);
}

static bool
line_is(const struct client *c, const char *want)
{
    return c->line_len == strlen(want) && memcmp(c->line, want, c->line_len) == 0;
}

/* Where memory runs out, every command that stores may say so. */
static bool
line_is_no_memory(const struct client *c)
{
    return (c->arena->facts.memory_faults || c->arena->facts.evictable) &&
           line_is(c, "SERVER_ERROR out of memory storing object\r\n");
}

static enum presence
presence(const struct client *c, const struct command *cmd, unsigned key)
{
    return item_presence(&c->items[key], &c->arena->facts, &cmd->when);
}

/* A reply says that the item is there: may that be? */
static void
must_be_there(struct client *c, struct command *cmd, unsigned key)
{
    if (key >= KEYS)
        return;
    if (presence(c, cmd, key) == ABSENT)
        wrong_item(c, cmd, key, "the item cannot be there");
    item_seen(&c->items[key], &cmd->when);
}

static void
must_be_gone(struct client *c, struct command *cmd, unsigned key)
{
    if (key >= KEYS)
        return;
    if (presence(c, cmd, key) == PRESENT)
        wrong_item(c, cmd, key, "the item must be there");
    item_gone(&c->items[key]);
}

static void
take_value(struct command *cmd, struct client *c, unsigned key)
{
    item_store(&c->items[key], &c->arena->facts, &cmd->when, cmd->value, cmd->bytes,
               cmd->client_flags, cmd->exptime);
    cmd->value = NULL;
}

/* The command changed the item, which is or was there. */
static void
apply_store(struct client *c, struct command *cmd)
{
    unsigned key = cmd->keys[0];

    if (key >= KEYS) {
        c->arena->facts.stored_bytes += cmd->bytes;
        if (c->arena->facts.stored_bytes > c->arena->facts.evictable_above)
            c->arena->facts.evictable = true;
        return;
    }
    switch (cmd->mode) {
    case MODE_SET:
    case MODE_ADD:
    case MODE_REPLACE:
    case MODE_CAS: take_value(cmd, c, key); return;
    case MODE_APPEND:
    case MODE_PREPEND:
        if (c->items[key].presence == UNKNOWN)
            return;
        item_extend(&c->items[key], &c->arena->facts, cmd->value, cmd->bytes,
                    cmd->mode == MODE_PREPEND);
        return;
    }
}

/* An item that cannot grow stays as it was: as in memcached, NOT_STORED says that, too. */
static bool
may_not_grow(const struct client *c, const struct command *cmd)
{
    unsigned key = cmd->keys[0];
    const struct world_facts *facts = &c->arena->facts;

    if (key >= KEYS || (cmd->mode != MODE_APPEND && cmd->mode != MODE_PREPEND))
        return false;
    return facts->evictable || facts->memory_faults ||
           c->items[key].bytes + cmd->bytes + ITEM_SLACK_BYTES > c->arena->item_bytes_max;
}

/* Nobody will say how it went. */
static void
apply_store_unheard(struct client *c, struct command *cmd)
{
    unsigned key = cmd->keys[0];
    struct model_item *item = &c->items[key];
    enum presence before = key < KEYS ? presence(c, cmd, key) : UNKNOWN;
    bool only_if_there = cmd->mode != MODE_SET && cmd->mode != MODE_ADD;

    if (key >= KEYS) {
        apply_store(c, cmd);
        return;
    }
    if (c->arena->facts.memory_faults || may_not_grow(c, cmd) ||
        (cmd->mode != MODE_SET && before == UNKNOWN) ||
        (c->arena->facts.evictable && cmd->mode != MODE_SET)) {
        item->presence = UNKNOWN;
        return;
    }
    if (only_if_there && before == ABSENT)
        return;
    if (cmd->mode == MODE_ADD && before == PRESENT)
        return;
    if (cmd->mode == MODE_ADD && before == MAYBE) {
        item->presence = UNKNOWN;
        return;
    }
    if (cmd->mode == MODE_CAS && !(item->cas_known && item->cas == cmd->number))
        return;
    apply_store(c, cmd);
    if (only_if_there && before == MAYBE)
        item->presence = MAYBE;
}

static void
on_store(struct client *c, struct command *cmd)
{
    unsigned key = cmd->keys[0];
    bool stored = line_is(c, "STORED\r\n");

    if (line_is_no_memory(c)) {
        if (key < KEYS)
            c->items[key].presence = UNKNOWN;
        return;
    }
    switch (cmd->mode) {
    case MODE_SET:
        if (!stored)
            wrong(c, "set must store");
        break;
    case MODE_ADD:
        if (stored)
            must_be_gone(c, cmd, key);
        else if (line_is(c, "NOT_STORED\r\n"))
            must_be_there(c, cmd, key);
        else
            wrong(c, "no answer to add");
        break;
    case MODE_REPLACE:
    case MODE_APPEND:
    case MODE_PREPEND:
        if (stored)
            must_be_there(c, cmd, key);
        else if (line_is(c, "NOT_STORED\r\n") && may_not_grow(c, cmd))
            return;
        else if (line_is(c, "NOT_STORED\r\n"))
            must_be_gone(c, cmd, key);
        else
            wrong(c, "no answer to replace, append or prepend");
        break;
    case MODE_CAS:
        if (line_is(c, "NOT_FOUND\r\n")) {
            must_be_gone(c, cmd, key);
            return;
        }
        if (!stored && !line_is(c, "EXISTS\r\n"))
            wrong(c, "no answer to cas");
        must_be_there(c, cmd, key);
        if (c->items[key].presence != UNKNOWN &&
            stored != (c->items[key].cas_known && c->items[key].cas == cmd->number))
            wrong(c, "cas compared wrongly");
        break;
    }
    if (stored)
        apply_store(c, cmd);
}

static void
on_delete(struct client *c, struct command *cmd)
{
    unsigned key = cmd->keys[0];

    if (line_is(c, "DELETED\r\n"))
        must_be_there(c, cmd, key);
    else if (line_is(c, "NOT_FOUND\r\n"))
        must_be_gone(c, cmd, key);
    else
        wrong(c, "no answer to delete");
    if (key < KEYS)
        item_gone(&c->items[key]);
}

static void
on_arith(struct client *c, struct command *cmd)
{
    struct model_item *item = &c->items[cmd->keys[0]];
    char want[32];
    uint64_t number;

    if (line_is_no_memory(c)) {
        item->presence = UNKNOWN;
        return;
    }
    if (line_is(c, "NOT_FOUND\r\n")) {
        must_be_gone(c, cmd, cmd->keys[0]);
        return;
    }
    must_be_there(c, cmd, cmd->keys[0]);
    if (item->presence == UNKNOWN)
        return;
    if (item->bytes > NUMBER_BYTES_MAX &&
        line_is(c, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"))
        return; /* a number and spaces and whatever follows, too long to lie in one piece */
    if (!item_add(item, cmd->number, cmd->decr, &number)) {
        if (!line_is(c, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"))
            wrong(c, "the value is no number");
        return;
    }
    (void)snprintf(want, sizeof(want), "%" PRIu64 "\r\n", number);
    if (!line_is(c, want))
        wrong(c, want);
}

static void
on_touch(struct client *c, struct command *cmd)
{
    unsigned key = cmd->keys[0];

    if (line_is_no_memory(c))
        return;
    if (line_is(c, "NOT_FOUND\r\n")) {
        must_be_gone(c, cmd, key);
        return;
    }
    if (!line_is(c, "TOUCHED\r\n"))
        wrong(c, "no answer to touch");
    must_be_there(c, cmd, key);
    item_touch(&c->items[key], &cmd->when, cmd->exptime);
}

/* Expect this body, and "\r\n", before the next line. */
static void
expect_body(struct client *c, const char *body, size_t bytes, char *own)
{
    c->in_body = true;
    c->body = body;
    c->body_len = bytes;
    c->body_off = 0;
    c->body_own = own;
}

static void
on_own_value(struct client *c, struct command *cmd, unsigned key, const uint64_t *fields)
{
    struct model_item *item = &c->items[key];

    must_be_there(c, cmd, key);
    if (item->presence == UNKNOWN) {
        expect_body(c, NULL, fields[1], NULL);
        return;
    }
    if (fields[0] != item->client_flags || fields[1] != item->bytes)
        wrong(c, "other flags or length");
    if (cmd->with_cas) {
        if (item->cas_known && item->cas != fields[2])
            wrong(c, "another cas, although nothing changed");
        if (!item->cas_known && fields[2] <= item->cas)
            wrong(c, "the cas did not grow");
        item->cas = fields[2];
        item->cas_known = true;
    }
    if (cmd->with_touch)
        item_touch(item, &cmd->when, cmd->exptime);
    expect_body(c, item->value, item->bytes, NULL);
}

static void
on_shared_value(struct client *c, unsigned key, const uint64_t *fields)
{
    uint32_t version = (uint32_t)fields[0];
    char *value;

    if (version > c->arena->shared_versions[key] ||
        fields[1] != shared_bytes(c->arena, (int)key, version))
        wrong(c, "a version that nobody stored");
    value = shared_value(c->arena, (int)key, version);
    expect_body(c, value, fields[1], value);
}

/* "VALUE <key> <flags> <bytes>[ <cas>]": the numbers; false when it is none, or of another key. */
static bool
parse_value_line(const struct client *c, const char *name, bool with_cas, uint64_t *fields)
{
    size_t len = strlen(name);
    const char *p = c->line + 6;
    char want[LINE_BYTES];
    int n;

    if (c->line_len < 6 + len + 1 || memcmp(c->line, "VALUE ", 6) != 0 ||
        memcmp(p, name, len) != 0 || p[len] != ' ')
        return false;
    n = sscanf(p + len, " %" SCNu64 " %" SCNu64 " %" SCNu64, &fields[0], &fields[1],
               &fields[2]);
    if (n != (with_cas ? 3 : 2))
        return false;
    if (with_cas)
        (void)snprintf(want, sizeof(want), "VALUE %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\r\n",
                       name, fields[0], fields[1], fields[2]);
    else
        (void)snprintf(want, sizeof(want), "VALUE %s %" PRIu64 " %" PRIu64 "\r\n", name,
                       fields[0], fields[1]);
    return line_is(c, want);
}

/* True when the command is done with. */
static bool
on_get(struct client *c, struct command *cmd)
{
    uint64_t fields[3];
    bool end = line_is(c, "END\r\n");

    if (cmd->with_touch && line_is_no_memory(c)) {
        cmd->key_next++;
        return false;
    }
    for (; cmd->key_next < cmd->key_count; cmd->key_next++) {
        unsigned key = cmd->keys[cmd->key_next];

        if (!end && parse_value_line(c, key_name(c, key), cmd->with_cas, fields)) {
            cmd->key_next++;
            if (key < KEYS)
                on_own_value(c, cmd, key, fields);
            else
                on_shared_value(c, key - KEYS, fields);
            return false;
        }
        must_be_gone(c, cmd, key);
    }
    if (!end)
        wrong(c, "neither a value that was asked for nor END");
    return true;
}

static bool
on_stats(const struct client *c)
{
    if (line_is(c, "END\r\n"))
        return true;
    if (c->line_len < 8 || memcmp(c->line, "STAT ", 5) != 0)
        wrong(c, "neither STAT nor END");
    return false;
}

static void
on_too_large(struct client *c, struct command *cmd)
{
    if (!line_is(c, "SERVER_ERROR object too large for cache\r\n"))
        wrong(c, "the object is too large");
    item_gone(&c->items[cmd->keys[0]]);
}

/* Commands without a reply at the front have been executed when a later one is answered. */
static void
apply_unheard(struct client *c, struct command *cmd)
{
    unsigned key = cmd->keys[0];
    struct model_item *item = &c->items[key < KEYS ? key : 0];
    uint64_t number;
    enum presence before;

    if (cmd->verb == DO_STORE) {
        apply_store_unheard(c, cmd);
        return;
    }
    if (key >= KEYS)
        return;
    before = presence(c, cmd, key);
    if (cmd->verb == DO_DELETE) {
        item_gone(item);
    } else if (before == ABSENT) {
        item_gone(item);
    } else if (cmd->verb == DO_TOUCH && before == PRESENT && !c->arena->facts.memory_faults) {
        item_touch(item, &cmd->when, cmd->exptime);
    } else if (cmd->verb == DO_ARITH && before != UNKNOWN && item->bytes <= NUMBER_BYTES_MAX &&
               !c->arena->facts.memory_faults) {
        (void)item_add(item, cmd->number, cmd->decr, &number);
        item->presence = before;
    } else {
        item->presence = UNKNOWN;
    }
}

static void
skip_unheard(struct client *c)
{
    while (c->first != NULL && c->first->noreply) {
        c->first->when.to_ns = sim_now_ns();
        apply_unheard(c, c->first);
        done(c);
    }
}

static bool
on_reply_line(struct client *c, struct command *cmd)
{
    switch (cmd->verb) {
    case DO_GET: return on_get(c, cmd);
    case DO_STORE: on_store(c, cmd); return true;
    case DO_DELETE: on_delete(c, cmd); return true;
    case DO_ARITH: on_arith(c, cmd); return true;
    case DO_TOUCH: on_touch(c, cmd); return true;
    case DO_LINE:
        if (!line_is(c, cmd->want))
            wrong(c, cmd->want);
        return true;
    case DO_STATS: return on_stats(c);
    case DO_FLUSH:
        if (!line_is(c, "OK\r\n"))
            wrong(c, "no answer to flush_all");
        c->arena->facts.flushes_done++;
        return true;
    case DO_TOO_LARGE: on_too_large(c, cmd); return true;
    case DO_QUIT: wrong(c, "an answer to quit");
    }
    return true;
}

static void
on_line(struct client *c)
{
    if (c->arena->may_reject && line_is(c, "ERROR Too many open connections\r\n"))
        return;
    skip_unheard(c);
    if (c->first == NULL)
        wrong(c, "nothing was asked");
    c->first->when.to_ns = sim_now_ns();
    if (on_reply_line(c, c->first))
        done(c);
}

static void wrong_byte(struct client *c, const char *src, size_t bytes) NORETURN;

static void
wrong_byte(struct client *c, const char *src, size_t bytes)
{
    size_t first = 0, last = bytes - 1;

    while (src[first] == c->body[c->body_off + first])
        first++;
    while (src[last] == c->body[c->body_off + last])
        last--;
    fprintf(stderr,
            "bytes %zu to %zu of a value of %zu (%s) are wrong, in a piece of %zu to %zu\n",
            c->body_off + first, c->body_off + last, c->body_len,
            c->body_own != NULL ? "shared" : "own", c->body_off, c->body_off + bytes - 1);
    wrong(c, "a wrong byte in a value");
}

static size_t
read_body(struct client *c, const char *src, size_t bytes)
{
    size_t value = c->body_len - (c->body_off < c->body_len ? c->body_off : c->body_len);
    size_t n = bytes < value ? bytes : value;

    if (n > 0 && c->body != NULL && memcmp(src, c->body + c->body_off, n) != 0)
        wrong_byte(c, src, n);
    c->body_off += n;
    for (; n < bytes && c->body_off < c->body_len + 2; n++)
        if (src[n] != "\r\n"[c->body_off++ - c->body_len])
            wrong(c, "a value does not end where it should");
    if (c->body_off == c->body_len + 2) {
        c->in_body = false;
        free(c->body_own);
        c->body_own = NULL;
    }
    return n;
}

static size_t
read_line(struct client *c, const char *src, size_t bytes)
{
    const char *newline = memchr(src, '\n', bytes);
    size_t n = newline == NULL ? bytes : (size_t)(newline - src) + 1;

    if (c->line_len + n >= sizeof(c->line))
        wrong(c, "an endless line");
    memcpy(c->line + c->line_len, src, n);
    c->line_len += n;
    c->line[c->line_len] = '\0';
    if (newline != NULL) {
        on_line(c);
        c->line_len = 0;
    }
    return n;
}

static void
feed(struct client *c, const char *src, size_t bytes)
{
    c->arena->reply_bytes += bytes;
    for (size_t off = 0; off < bytes;)
        off += c->in_body ? read_body(c, src + off, bytes - off)
                          : read_line(c, src + off, bytes - off);
}

/* --- Connections --- */

static void
forget_connection(struct client *c)
{
    for (struct command *cmd = c->first; cmd != NULL; cmd = cmd->next)
        if (cmd->verb == DO_FLUSH)
            c->arena->facts.evictable = true; /* it may strike at any time */
    while (c->first != NULL) {
        struct command *cmd = c->first;

        c->first = cmd->next;
        command_destroy(cmd);
    }
    c->last = &c->first;
    c->in_flight = 0;
    c->tx_head = c->tx_tail = 0;
    c->line_len = 0;
    c->in_body = false;
    free(c->body_own);
    c->body_own = NULL;
    c->said_quit = false;
    c->finished_sending = false;
    c->stalled_turns = 0;
    sim_link_free(c->link);
    c->link = NULL;
}

static bool
nothing_in_flight(const struct client *c)
{
    return c->first == NULL && c->tx_head == c->tx_tail && !c->in_body && c->line_len == 0;
}

static void
lose_connection(struct client *c)
{
    c->arena->lost_connections++;
    forget_connection(c);
    new_identity(c);
}

/* The server has closed: was it asked to? */
static void
on_closed(struct client *c)
{
    bool asked;

    if (c->finished_sending || c->said_quit) {
        /* All that was sent before has been answered, and nothing follows. */
        skip_unheard(c);
        asked = c->first == NULL || c->first->verb == DO_QUIT;
        if (asked && c->tx_head == c->tx_tail && !c->in_body && c->line_len == 0) {
            forget_connection(c);
            return;
        }
    }
    if (!c->arena->may_close)
        wrong(c, "the server closed the connection");
    lose_connection(c);
}

static void
open_connection(struct client *c)
{
    static const uint32_t caps[] = {1, 16, 100, 1460, 4096, 20000, 65536, 400000};
    uint32_t in_cap = caps[sim_below(ARRAY_LEN(caps))];
    uint32_t out_cap = caps[sim_below(ARRAY_LEN(caps))];

    c->link = sim_connect(c->arena->listen_fd, in_cap < 100 ? 100 : in_cap, out_cap);
    c->arena->connections++;
    new_manner(c);
    sim_note("connect", c->identity, out_cap);
}

static void
send_some(struct client *c)
{
    size_t left = c->tx_tail - c->tx_head;
    size_t n = left;

    if (!c->settling && c->manner.piece_bytes != 0 && n > c->manner.piece_bytes)
        n = 1 + sim_below(c->manner.piece_bytes);
    if (n > 0)
        c->tx_head += sim_send(c->link, c->tx + c->tx_head, n);
}

/* What a bad network and bad clients do. True when the connection is over. */
static bool
make_trouble(struct client *c)
{
    if (sim_one_in(c->arena->kill_one_in)) {
        sim_note("kill", c->identity, c->in_flight);
        lose_connection(c);
        return true;
    }
    if (c->manner.stall_one_in != 0 && sim_one_in(c->manner.stall_one_in))
        c->stalled_turns = c->manner.stall_turns;
    if (c->tx_head == c->tx_tail && sim_one_in(400)) {
        sim_note("finish", c->identity, c->in_flight);
        sim_finish_sending(c->link);
        c->finished_sending = true;
    }
    return false;
}

void
client_act(struct client *c)
{
    if (c->link == NULL) {
        if (!c->settling && sim_below(3) == 0)
            open_connection(c);
        return;
    }
    if (!c->settling) {
        if (sim_one_in(c->manner.idle_one_in) || make_trouble(c))
            return;
        /* A connection serves a while, then its client comes back through another one. */
        if (nothing_in_flight(c) && sim_one_in(30)) {
            forget_connection(c);
            return;
        }
        while (c->in_flight < c->manner.depth && !c->finished_sending && !c->said_quit &&
               c->tx_tail - c->tx_head < 400000) {
            ask_something(c);
            if (sim_below(4) == 0)
                break;
        }
    }
    send_some(c);
}

void
client_read(struct client *c)
{
    static char bytes[RECV_BYTES];
    size_t limit, n;

    if (c->link == NULL)
        return;
    if (c->stalled_turns > 0 && !c->settling) {
        c->stalled_turns--;
        return;
    }
    limit = c->settling || c->manner.read_bytes == 0 ? SIZE_MAX
                                                     : 1 + sim_below(c->manner.read_bytes);
    while (limit > 0 &&
           (n = sim_recv(c->link, bytes, limit < sizeof(bytes) ? limit : sizeof(bytes))) > 0) {
        feed(c, bytes, n);
        limit -= n;
    }
    switch (sim_link_state(c->link)) {
    case SIM_LINK_OPEN: break;
    case SIM_LINK_EOF:
    case SIM_LINK_RESET: on_closed(c); break;
    }
}

void
client_settle(struct client *c)
{
    if (c->settling)
        return;
    c->settling = true;
    if (c->link == NULL)
        return;
    sim_set_caps(c->link, 1 << 20, 1 << 20);
    /* Whatever comes before it without a reply has then been executed, too. */
    if (!c->finished_sending && !c->said_quit) {
        struct command *cmd = command_create(DO_LINE, 0);

        cmd->want = "VERSION " PROTO_VERSION "\r\n";
        put_text(c, "version\r\n");
        remember(c, cmd);
    }
}

bool
client_is_settled(const struct client *c)
{
    return c->link == NULL || (nothing_in_flight(c) && !c->finished_sending);
}

void
client_hang_up(struct client *c)
{
    forget_connection(c);
}

struct client *
client_create(struct arena *arena)
{
    struct client *c = checked(calloc(1, sizeof(*c)));

    c->arena = arena;
    c->last = &c->first;
    new_identity(c);
    return c;
}

void
client_destroy(struct client *c)
{
    if (c == NULL)
        return;
    forget_connection(c);
    for (unsigned i = 0; i < KEYS; i++)
        item_clear(&c->items[i]);
    free(c->tx);
    free(c);
}

void
client_describe(const struct client *c, char *dst, size_t bytes)
{
    static const char *const verbs[] = {"get",  "store", "delete", "arith",     "touch",
                                        "line", "stats", "flush",  "too large", "quit"};
    const struct command *cmd = c->first;

    (void)snprintf(
        dst, bytes, "client %u: %u in flight, %zu bytes unsent, %zu readable, first %s %s%s",
        c->identity, c->in_flight, c->tx_tail - c->tx_head,
        c->link != NULL ? sim_readable(c->link) : 0, cmd != NULL ? verbs[cmd->verb] : "nothing",
        cmd != NULL && cmd->key_count > 0 ? key_name(c, cmd->keys[0]) : "",
        c->in_body ? " (in a value)" : "");
}
