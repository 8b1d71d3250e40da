/* Thinks of meta commands, and writes them with flags in any order. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client_priv.h"

enum { FLAGS_MAX = 16, FLAG_BYTES = 32 };

/* Flags of a command, before they are put into an order. */
struct flags {
    unsigned count;
    char at[FLAGS_MAX][FLAG_BYTES];
};

static void add(struct flags *flags, const char *format, ...) PRINTF_LIKE(2, 3);

static void
add(struct flags *flags, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(flags->at[flags->count++], FLAG_BYTES, format, args);
    va_end(args);
}

static bool
is_before(const char *tokens, char first, char second)
{
    const char f[] = {' ', first, '\0'}, s[] = {' ', second, '\0'};
    const char *a = strstr(tokens, f), *b = strstr(tokens, s);

    return a != NULL && b != NULL && a < b;
}

/* In any order; where the order has a meaning, remember it. */
static void
shuffle_into(struct client_command *cmd, struct flags *flags)
{
    size_t len = 0;

    for (unsigned i = flags->count; i > 0; i--) {
        unsigned pick = sim_below(i);

        len += (size_t)snprintf(cmd->tokens + len, sizeof(cmd->tokens) - len, " %s",
                                flags->at[pick]);
        memmove(flags->at[pick], flags->at[i - 1], FLAG_BYTES);
    }
    cmd->ttl_first = is_before(cmd->tokens, 't', 'T');
    cmd->ttl_before_vivify = is_before(cmd->tokens, 't', 'N');
    cmd->recache_first = is_before(cmd->tokens, 'R', 'T');
}

static void
put_key(struct client *c, const struct client_command *cmd)
{
    const char *name = client_key_name(c, cmd->keys[0]);
    size_t len = client_key_len(c, cmd->keys[0]);
    char encoded[2 * KEY_BYTES];

    if (strstr(cmd->tokens, " b") != NULL) {
        len = meta_encode_key(encoded, name, len);
        name = encoded;
    }
    client_put(c, name, len);
}

/* Of a command on KEY: what all of them may have. */
static struct client_command *
create(struct client *c, enum verb verb, uint8_t key, struct flags *flags)
{
    struct client_command *cmd = client_command_create(WIRE_META, verb, 1);
    /* A key as long as can be is none in base64. */
    bool encodable = client_key_len(c, key) <= KEY_BYTES / 4 * 3;

    flags->count = 0;
    cmd->keys[0] = key;
    cmd->quiet = in_16(c->world->habits.silent_in_16) ? QUIET : LOUD;
    if (cmd->quiet == QUIET) {
        add(flags, "q");
        c->quiet_open = true;
    }
    /* Where some may be silent, all have to say which ones they are. */
    if (c->quiet_open || sim_below(2) == 0) {
        cmd->opaque = ++c->last_opaque;
        add(flags, "O%" PRIu32, cmd->opaque);
    }
    if (sim_below(3) == 0)
        add(flags, "k");
    if ((key >= PLAIN_KEYS && key < KEYS) || (encodable && sim_below(8) == 0))
        add(flags, "b");
    return cmd;
}

static void
finish(struct client *c, struct client_command *cmd, const char *name, struct flags *flags)
{
    shuffle_into(cmd, flags);
    client_put_text(c, "%s ", name);
    put_key(c, cmd);
    if (cmd->verb == DO_STORE)
        client_put_text(c, " %zu", cmd->value.bytes);
    client_put_text(c, "%s\r\n", cmd->tokens);
    if (cmd->verb == DO_STORE) {
        client_put(c, cmd->value.value, cmd->value.bytes);
        client_put_text(c, "\r\n");
    }
    client_remember(c, cmd);
}

static void
maybe_new_cas(struct client_command *cmd, struct flags *flags)
{
    if (sim_below(8) != 0)
        return;
    cmd->new_cas = (sim_random() >> sim_below(63)) | 1;
    add(flags, "E%" PRIu64, cmd->new_cas);
}

static void
maybe_compare(struct client *c, struct client_command *cmd, struct flags *flags)
{
    if (sim_below(5) != 0)
        return;
    cmd->compare = true;
    cmd->compare_cas = likely_cas(c, cmd->keys[0]);
    add(flags, "C%" PRIu64, cmd->compare_cas);
}

static void
maybe_touch(const struct client *c, struct client_command *cmd, struct flags *flags)
{
    if (sim_below(6) != 0)
        return;
    cmd->with_touch = true;
    cmd->exptime = random_exptime(c->world);
    add(flags, "T%" PRId64, cmd->exptime);
}

static void
maybe_vivify(struct client_command *cmd, struct flags *flags)
{
    if (sim_below(5) != 0)
        return;
    cmd->vivify = true;
    cmd->vivify_s = sim_below(3) == 0 ? 0 : 1 + sim_below(30);
    add(flags, "N%" PRId64, cmd->vivify_s);
}

static void
ask_get(struct client *c)
{
    static const char letters[] = "cfhlst";
    uint8_t key = any_key(c->world, false);
    struct flags flags;
    struct client_command *cmd = create(c, DO_GET, key, &flags);

    for (size_t i = 0; letters[i] != '\0'; i++)
        if (sim_below(3) == 0 || (key >= KEYS && strchr("fs", letters[i]) != NULL))
            add(&flags, "%c", letters[i]);
    cmd->with_value = key >= KEYS || sim_below(3) > 0;
    if (cmd->with_value)
        add(&flags, "v");
    if (key < KEYS) {
        maybe_vivify(cmd, &flags);
        if (cmd->vivify) {
            maybe_new_cas(cmd, &flags);
        } else {
            maybe_touch(c, cmd, &flags);
            maybe_compare(c, cmd, &flags);
        }
        cmd->no_bump = sim_below(6) == 0;
        if (cmd->no_bump)
            add(&flags, "u");
        cmd->recache = sim_below(6) == 0;
        cmd->recache_s = sim_below(40);
        if (cmd->recache)
            add(&flags, "R%" PRId64, cmd->recache_s);
    }
    finish(c, cmd, "mg", &flags);
}

static void
choose_mode(struct client *c, struct client_command *cmd, struct flags *flags)
{
    static const struct {
        char letter;
        enum store_mode mode;
    } modes[] = {{'S', MODE_SET},
                 {'E', MODE_ADD},
                 {'R', MODE_REPLACE},
                 {'A', MODE_APPEND},
                 {'P', MODE_PREPEND}};
    size_t pick = choose(&c->world->habits.modes, ARRAY_LEN(modes));
    const struct model_item *item = &c->items[cmd->keys[0]];

    cmd->mode = modes[pick].mode;
    if (pick != 0 || sim_below(3) == 0)
        add(flags, "M%c", modes[pick].letter);
    if (cmd->mode == MODE_APPEND || cmd->mode == MODE_PREPEND)
        maybe_vivify(cmd, flags);
    maybe_compare(c, cmd, flags);
    if (!cmd->compare || (cmd->mode != MODE_SET && cmd->mode != MODE_REPLACE))
        return;
    cmd->mode = MODE_CAS;
    if (item->cas_known && sim_below(2) == 0) {
        cmd->invalidate = true;
        add(flags, "I");
    }
}

static void
add_value_flags(struct client_command *cmd, struct flags *flags)
{
    if (cmd->value.client_flags != 0)
        add(flags, "F%" PRIu32, cmd->value.client_flags);
    if (cmd->value.exptime != 0)
        add(flags, "T%" PRId64, cmd->value.exptime);
}

static void
ask_store(struct client *c, bool too_large)
{
    uint8_t key = too_large ? own_key(false) : any_key(c->world, false);
    struct flags flags;
    struct client_command *cmd = create(c, DO_STORE, key, &flags);

    if (sim_below(3) == 0)
        add(&flags, "c");
    if (sim_below(3) == 0)
        add(&flags, "s");
    if (too_large) {
        cmd->too_large = true;
        cmd->value = too_large_value(c->world);
    } else if (key >= KEYS) {
        cmd->value = next_shared_value(c->world, key);
    } else {
        cmd->value = random_value(c->world);
        choose_mode(c, cmd, &flags);
        maybe_new_cas(cmd, &flags);
    }
    add_value_flags(cmd, &flags);
    finish(c, cmd, "ms", &flags);
}

static void
ask_delete(struct client *c)
{
    uint8_t key = any_key(c->world, false);
    struct flags flags;
    struct client_command *cmd = create(c, DO_DELETE, key, &flags);

    if (key < KEYS) {
        maybe_compare(c, cmd, &flags);
        cmd->invalidate = sim_below(2) == 0;
        cmd->empty = sim_below(5) == 0;
        if (cmd->invalidate)
            add(&flags, "I");
        if (cmd->empty)
            add(&flags, "x");
        if (cmd->invalidate || cmd->empty) {
            maybe_touch(c, cmd, &flags);
            maybe_new_cas(cmd, &flags);
        }
    }
    finish(c, cmd, "md", &flags);
}

static void
ask_arith(struct client *c)
{
    static const char modes[] = "I+D-";
    struct flags flags;
    struct client_command *cmd = create(c, DO_ARITH, own_key(false), &flags);
    uint32_t mode = sim_below(5);

    cmd->delta = 1;
    cmd->decr = mode == 2 || mode == 3;
    if (mode < 4)
        add(&flags, "M%c", modes[mode]);
    if (sim_below(2) == 0) {
        cmd->delta = sim_random() >> sim_below(64);
        add(&flags, "D%" PRIu64, cmd->delta);
    }
    maybe_vivify(cmd, &flags);
    if (cmd->vivify && sim_below(2) == 0) {
        cmd->initial = sim_random() >> sim_below(64);
        add(&flags, "J%" PRIu64, cmd->initial);
    }
    if (!cmd->vivify)
        maybe_touch(c, cmd, &flags);
    maybe_compare(c, cmd, &flags);
    maybe_new_cas(cmd, &flags);
    if (sim_below(2) == 0)
        add(&flags, "t");
    if (sim_below(2) == 0)
        add(&flags, "c");
    cmd->with_value = sim_below(2) == 0;
    if (cmd->with_value)
        add(&flags, "v");
    finish(c, cmd, "ma", &flags);
}

static void
ask_debug(struct client *c)
{
    struct client_command *cmd = client_command_create(WIRE_META, DO_DEBUG, 1);

    cmd->keys[0] = own_key(false);
    if (cmd->keys[0] >= PLAIN_KEYS)
        (void)snprintf(cmd->tokens, sizeof(cmd->tokens), " b");
    client_put_text(c, "me ");
    put_key(c, cmd);
    client_put_text(c, "%s\r\n", cmd->tokens);
    client_remember(c, cmd);
}

static void
ask_constant(struct client *c)
{
    static const struct {
        const char *line;
        const char *want;
    } lines[] = {
        {"mg\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"mg a !\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"mg a w\r\n", "CLIENT_ERROR invalid flag\r\n"},
        {"mg a T2147483648\r\n", "CLIENT_ERROR bad token in command line format\r\n"},
        {"mg a v v\r\n", "CLIENT_ERROR duplicate flag\r\n"},
        {"mg !!!! b\r\n", "CLIENT_ERROR error decoding key\r\n"},
        {"ms a x\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"ms a 3 MX\r\nget\r\n", "CLIENT_ERROR invalid mode for ms M token\r\n"},
        {"ms a 3\r\nabcde", "CLIENT_ERROR bad data chunk\r\n"},
        {"ms a 3 F4294967296\r\nget\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"md a x x\r\n", "CLIENT_ERROR duplicate flag\r\n"},
        {"ma a v v\r\n", "CLIENT_ERROR invalid or duplicate flag\r\n"},
        {"ma a MZ\r\n", "CLIENT_ERROR invalid mode for ma M token\r\n"},
        {"me\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"mz a\r\n", "ERROR\r\n"},
    };
    uint32_t pick = sim_below(ARRAY_LEN(lines));

    client_ask_constant(c, WIRE_META, lines[pick].line, lines[pick].want);
}

void
meta_ask_noop(struct client *c)
{
    client_put_text(c, "mn\r\n");
    client_remember(c, client_command_create(WIRE_META, DO_NOOP, 0));
    c->quiet_open = false;
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

/* What does not name itself comes when nothing quiet is open. */
static void
ask_constant_or_noop(struct client *c)
{
    if (c->quiet_open)
        meta_ask_noop(c);
    else
        ask_constant(c);
}

void
meta_ask(struct client *c)
{
    static void (*const actions[])(struct client * c) = {
        ask_get,   ask_some_store, ask_delete,    ask_arith,
        ask_debug, ask_too_large,  meta_ask_noop, ask_constant_or_noop,
    };
    uint32_t pick = choose(&c->world->habits.meta, ARRAY_LEN(actions));

    actions[pick](c);
}
