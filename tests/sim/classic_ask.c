/* Thinks of classic text commands, and writes them. */
#include <inttypes.h>

#include "lombard/cmd/cmd.h"
#include "lombard/proto/request.h"

#include "client_priv.h"

/* A gat has to fit a line, wherever it is cut. */
enum { MULTIGET_MAX = 150, MULTIGAT_MAX = (LINE_BYTES_MAX - 20) / (KEY_BYTES_MAX + 1) };

static void
put_key(struct client *c, unsigned key)
{
    client_put(c, " ", 1);
    client_put(c, client_key_name(c, key), client_key_len(c, key));
}

static struct client_command *
create(const struct client *c, enum verb verb, uint16_t key_count)
{
    struct client_command *cmd = client_command_create(WIRE_CLASSIC, verb, key_count);

    cmd->quiet = key_count == 1 && verb != DO_GET && in_16(c->world->habits.silent_in_16)
                     ? NOREPLY
                     : LOUD;
    return cmd;
}

static const char *
noreply(const struct client_command *cmd)
{
    return cmd->quiet == NOREPLY ? " noreply" : "";
}

static void
ask_get(struct client *c)
{
    bool with_touch = sim_below(8) == 0;
    uint32_t max = with_touch ? MULTIGAT_MAX : MULTIGET_MAX;
    uint16_t count = (uint16_t)(sim_below(3) == 0 ? 1 + sim_below(max) : 1);
    struct client_command *cmd = create(c, DO_GET, count);

    cmd->with_value = true;
    cmd->with_cas = sim_below(3) == 0;
    cmd->with_touch = with_touch;
    cmd->exptime = random_exptime(c->world);
    client_put_text(c, "%s%s", cmd->with_touch ? "gat" : "get", cmd->with_cas ? "s" : "");
    if (cmd->with_touch)
        client_put_text(c, " %" PRId64, cmd->exptime);
    for (unsigned i = 0; i < count; i++) {
        /* To touch what others read would make their models wrong. */
        cmd->keys[i] = cmd->with_touch ? own_key(true) : any_key(c->world, true);
        put_key(c, cmd->keys[i]);
    }
    client_put_text(c, sim_below(10) == 0 ? "\n" : "\r\n");
    client_remember(c, cmd);
}

/* Of both numbers only the low 32 bits count; mostly there are no others. */
static int64_t
high_bits(uint32_t below)
{
    return sim_below(16) == 0 ? (int64_t)((uint64_t)sim_below(below) << 32) : 0;
}

static void
put_store(struct client *c, struct client_command *cmd)
{
    static const char *const names[] = {"set", "add", "replace", "append", "prepend", "cas"};

    client_put_text(c, "%s", names[cmd->mode]);
    put_key(c, cmd->keys[0]);
    client_put_text(c, " %" PRIu64 " %" PRId64 " %zu",
                    cmd->value.client_flags + (uint64_t)high_bits(UINT32_MAX),
                    cmd->value.exptime + high_bits(INT32_MAX), cmd->value.bytes);
    if (cmd->mode == MODE_CAS)
        client_put_text(c, " %" PRIu64, cmd->compare_cas);
    client_put_text(c, "%s\r\n", noreply(cmd));
    client_put(c, cmd->value.value, cmd->value.bytes);
    client_put_text(c, "\r\n");
    client_remember(c, cmd);
}

static void
ask_store(struct client *c)
{
    struct client_command *cmd = create(c, DO_STORE, 1);
    uint8_t key = any_key(c->world, true);

    cmd->keys[0] = key;
    if (key >= KEYS) {
        cmd->value = next_shared_value(c->world, key);
    } else {
        cmd->value = random_value(c->world);
        cmd->mode = (enum store_mode)choose(&c->world->habits.modes, 6);
        cmd->compare_cas = likely_cas(c, key);
    }
    put_store(c, cmd);
}

static void
ask_too_large(struct client *c)
{
    struct client_command *cmd;

    if (c->world->item_bytes_max >= TOO_LARGE_BELOW_BYTES) {
        ask_get(c);
        return;
    }
    cmd = client_command_create(WIRE_CLASSIC, DO_STORE, 1);
    cmd->keys[0] = own_key(true);
    cmd->too_large = true;
    cmd->value = too_large_value(c->world);
    put_store(c, cmd);
}

static void
ask_delete(struct client *c)
{
    struct client_command *cmd = create(c, DO_DELETE, 1);

    cmd->keys[0] = any_key(c->world, true);
    client_put_text(c, "delete");
    put_key(c, cmd->keys[0]);
    client_put_text(c, "%s%s\r\n", sim_below(8) == 0 ? " 0" : "", noreply(cmd));
    client_remember(c, cmd);
}

static void
ask_arith(struct client *c)
{
    struct client_command *cmd = create(c, DO_ARITH, 1);

    cmd->keys[0] = own_key(true);
    cmd->decr = sim_below(2) == 0;
    cmd->delta = sim_random();
    cmd->delta >>= sim_below(64);
    client_put_text(c, "%s", cmd->decr ? "decr" : "incr");
    put_key(c, cmd->keys[0]);
    client_put_text(c, " %" PRIu64 "%s\r\n", cmd->delta, noreply(cmd));
    client_remember(c, cmd);
}

static void
ask_touch(struct client *c)
{
    struct client_command *cmd = create(c, DO_TOUCH, 1);

    cmd->keys[0] = own_key(true);
    cmd->exptime = random_exptime(c->world);
    client_put_text(c, "touch");
    put_key(c, cmd->keys[0]);
    client_put_text(c, " %" PRId64 "%s\r\n", cmd->exptime, noreply(cmd));
    client_remember(c, cmd);
}

static void
ask_constant(struct client *c)
{
    static const struct {
        const char *line;
        const char *want;
    } lines[] = {
        {"version\r\n", "VERSION " CMD_VERSION "\r\n"},
        {"verbosity\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"verbosity 0\r\n", "OK\r\n"},
        {"no such thing\r\n", "ERROR\r\n"},
        {"get\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"set a b\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"set a -1 0 3\r\nget\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"touch a 4294967295\r\n", "CLIENT_ERROR invalid exptime argument\r\n"},
        {"incr a x\r\n", "CLIENT_ERROR invalid numeric delta argument\r\n"},
        {"touch a x\r\n", "CLIENT_ERROR invalid exptime argument\r\n"},
        {"gat x a\r\n", "CLIENT_ERROR invalid exptime argument\r\n"},
        {"gat 10\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"delete nobody b\r\n", "NOT_FOUND\r\n"},
        /* A value that goes on where it should end, and then the next command. */
        {"set nobody 0 0 3\r\nabcde", "CLIENT_ERROR bad data chunk\r\n"},
        {"shutdown\r\n", "SERVER_ERROR: shutdown not enabled\r\n"},
        {"stats nothing\r\n", "ERROR\r\n"},
        {"stats sizes\r\n", "STAT sizes_status disabled\r\nEND\r\n"},
        {"stats cachedump 64 1\r\n", "CLIENT_ERROR Illegal slab id\r\n"},
        {"lru_crawler crawl all\r\n", "OK\r\n"},
        {"lru_crawler metadump none\r\n", "BADCLASS invalid class id\r\n"},
        {"cache_memlimit 7\r\n", "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"},
        {"slabs automove 0\r\n", "OK\r\n"},
        {"watch fetchers\r\n", "CLIENT_ERROR watch commands not allowed\r\n"},
    };
    uint32_t pick = sim_below(ARRAY_LEN(lines));

    client_ask_constant(c, WIRE_CLASSIC, lines[pick].line, lines[pick].want);
}

static void
ask_stats(struct client *c)
{
    static const char *const groups[] = {"",       " buffers", " conns",  " store",
                                         " items", " slabs",   " latency"};

    client_put_text(c, "stats%s\r\n", groups[sim_below(ARRAY_LEN(groups))]);
    client_remember(c, client_command_create(WIRE_CLASSIC, DO_STATS, 0));
}

static void
ask_dump(struct client *c)
{
    static const char *const lines[] = {
        [DUMP_META] = "lru_crawler metadump all\r\n",
        [DUMP_MG] = "lru_crawler mgdump hash\r\n",
        [DUMP_CACHE] = "stats cachedump 1 0\r\n",
    };
    struct client_command *cmd = client_command_create(WIRE_CLASSIC, DO_DUMP, 0);

    cmd->dump = (enum dump)sim_below(ARRAY_LEN(lines));
    client_put_text(c, "%s", lines[cmd->dump]);
    client_remember(c, cmd);
}

static void
ask_flush(struct client *c)
{
    struct client_command *cmd = client_command_create(WIRE_CLASSIC, DO_FLUSH, 0);

    cmd->quiet = sim_below(3) == 0 ? NOREPLY : LOUD;
    client_put_text(c, "flush_all%s%s\r\n", sim_below(2) == 0 ? " 0" : "", noreply(cmd));
    c->world->facts.flushes_sent++;
    client_remember(c, cmd);
}

/* What ends the connection, with words and without. */
static void
ask_end(struct client *c)
{
    static const char browser[] = "GET / HTTP/1.1\r\n";
    struct client_command *cmd;

    if (sim_below(4) == 0) {
        cmd = client_command_create(WIRE_CLASSIC, DO_CONSTANT, 0);
        cmd->want = "CLIENT_ERROR line too long\r\n";
        for (int i = 0; i < 50; i++)
            client_put_text(c, "%-100s", "long");
        client_remember(c, cmd);
        client_remember(c,
                        client_command_create(WIRE_CLASSIC, DO_QUIT, 0)); /* without an end */
        return;
    }
    client_put_text(c, "%s", sim_below(3) == 0 ? browser : "quit\r\n");
    client_remember(c, client_command_create(WIRE_CLASSIC, DO_QUIT, 0));
}

void
classic_ask(struct client *c)
{
    static void (*const actions[])(struct client * c) = {
        ask_get,   ask_store, ask_delete, ask_arith, ask_touch,     ask_constant,
        ask_stats, ask_dump,  ask_end,    ask_flush, ask_too_large,
    };
    uint32_t pick = choose(&c->world->habits.classic, ARRAY_LEN(actions));

    actions[pick](c);
}
