#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lombard/proto/reply.h"

#include "client_priv.h"

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

void
client_wrong(const struct client *c, const char *why)
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
    client_wrong(c, why);
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
            client_wrong(c, "set must store");
        break;
    case MODE_ADD:
        if (stored)
            must_be_gone(c, cmd, key);
        else if (line_is(c, "NOT_STORED\r\n"))
            must_be_there(c, cmd, key);
        else
            client_wrong(c, "no answer to add");
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
            client_wrong(c, "no answer to replace, append or prepend");
        break;
    case MODE_CAS:
        if (line_is(c, "NOT_FOUND\r\n")) {
            must_be_gone(c, cmd, key);
            return;
        }
        if (!stored && !line_is(c, "EXISTS\r\n"))
            client_wrong(c, "no answer to cas");
        must_be_there(c, cmd, key);
        if (c->items[key].presence != UNKNOWN &&
            stored != (c->items[key].cas_known && c->items[key].cas == cmd->number))
            client_wrong(c, "cas compared wrongly");
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
        client_wrong(c, "no answer to delete");
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
            client_wrong(c, "the value is no number");
        return;
    }
    (void)snprintf(want, sizeof(want), "%" PRIu64 "\r\n", number);
    if (!line_is(c, want))
        client_wrong(c, want);
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
        client_wrong(c, "no answer to touch");
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
        client_wrong(c, "other flags or length");
    if (cmd->with_cas) {
        if (item->cas_known && item->cas != fields[2])
            client_wrong(c, "another cas, although nothing changed");
        if (!item->cas_known && fields[2] <= item->cas)
            client_wrong(c, "the cas did not grow");
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
        client_wrong(c, "a version that nobody stored");
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

        if (!end && parse_value_line(c, client_key_name(c, key), cmd->with_cas, fields)) {
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
        client_wrong(c, "neither a value that was asked for nor END");
    return true;
}

static bool
on_stats(const struct client *c)
{
    if (line_is(c, "END\r\n"))
        return true;
    if (c->line_len < 8 || memcmp(c->line, "STAT ", 5) != 0)
        client_wrong(c, "neither STAT nor END");
    return false;
}

static void
on_too_large(struct client *c, struct command *cmd)
{
    if (!line_is(c, "SERVER_ERROR object too large for cache\r\n"))
        client_wrong(c, "the object is too large");
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

void
client_skip_unheard(struct client *c)
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
            client_wrong(c, cmd->want);
        return true;
    case DO_STATS: return on_stats(c);
    case DO_FLUSH:
        if (!line_is(c, "OK\r\n"))
            client_wrong(c, "no answer to flush_all");
        c->arena->facts.flushes_done++;
        return true;
    case DO_TOO_LARGE: on_too_large(c, cmd); return true;
    case DO_QUIT: client_wrong(c, "an answer to quit");
    }
    return true;
}

static void
on_line(struct client *c)
{
    if (c->arena->may_reject && line_is(c, "ERROR Too many open connections\r\n"))
        return;
    client_skip_unheard(c);
    if (c->first == NULL)
        client_wrong(c, "nothing was asked");
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
    client_wrong(c, "a wrong byte in a value");
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
            client_wrong(c, "a value does not end where it should");
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
        client_wrong(c, "an endless line");
    memcpy(c->line + c->line_len, src, n);
    c->line_len += n;
    c->line[c->line_len] = '\0';
    if (newline != NULL) {
        on_line(c);
        c->line_len = 0;
    }
    return n;
}

void
client_feed(struct client *c, const char *src, size_t bytes)
{
    c->arena->reply_bytes += bytes;
    for (size_t off = 0; off < bytes;)
        off += c->in_body ? read_body(c, src + off, bytes - off)
                          : read_line(c, src + off, bytes - off);
}
