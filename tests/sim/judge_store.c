/* Judges stores, and commands whose outcome no reply tells. */
#include "client_priv.h"

/* The command changed the item, which is or was there. */
static void
apply_store(struct client *c, struct client_command *cmd, const struct told *told)
{
    unsigned key = cmd->keys[0];
    struct world_facts *facts = &c->world->facts;
    struct model_item *item = &c->items[key];

    if (key >= KEYS) {
        facts->stored_bytes += cmd->value.bytes;
        if (facts->stored_bytes > facts->evictable_above)
            facts->evictable = true;
        return;
    }
    switch (cmd->mode) {
    case MODE_SET:
    case MODE_ADD:
    case MODE_REPLACE:
    case MODE_CAS: item_store(item, facts, &cmd->when, &cmd->value); break;
    case MODE_APPEND:
    case MODE_PREPEND:
        if (item->presence == UNKNOWN)
            return;
        item_extend(item, facts, &cmd->when, &cmd->value, cmd->mode == MODE_PREPEND);
        break;
    }
    judge_new_cas(c, cmd, key, told);
}

static bool
is_concat(const struct client_command *cmd)
{
    return cmd->mode == MODE_APPEND || cmd->mode == MODE_PREPEND;
}

/* An item that cannot grow stays as it was: as in memcached, NOT_STORED says that, too. */
static bool
may_not_grow(const struct client *c, const struct client_command *cmd)
{
    unsigned key = cmd->keys[0];

    if (key >= KEYS || !is_concat(cmd))
        return false;
    return memory_is_short(c) || c->items[key].presence == UNKNOWN ||
           c->items[key].bytes + cmd->value.bytes + ITEM_SLACK_BYTES > c->world->item_bytes_max;
}

/* --- Store commands, answered --- */

/* False when the outcome leaves everything as it was. */
static bool
check_add(struct client *c, struct client_command *cmd, enum outcome outcome)
{
    if (outcome == CAME_STORED)
        must_be_gone(c, cmd, cmd->keys[0]);
    else if (outcome == CAME_NOT_STORED)
        must_be_there(c, cmd, cmd->keys[0]);
    else
        client_wrong(c, "no answer to an add");
    return outcome == CAME_STORED;
}

static bool
check_replace(struct client *c, struct client_command *cmd, enum outcome outcome)
{
    if (outcome == CAME_STORED)
        must_be_there(c, cmd, cmd->keys[0]);
    else if (outcome == CAME_NOT_STORED)
        must_be_gone(c, cmd, cmd->keys[0]);
    else
        client_wrong(c, "no answer to a replace");
    return outcome == CAME_STORED;
}

static bool
check_concat(struct client *c, struct client_command *cmd, enum outcome outcome)
{
    unsigned key = cmd->keys[0];
    enum presence before = presence_of(c, cmd, key);
    struct model_item *item = &c->items[key];

    if (outcome == CAME_NOT_STORED) {
        if (cmd->vivify && !may_not_grow(c, cmd))
            client_wrong(c, "it should have been made");
        if (!may_not_grow(c, cmd))
            must_be_gone(c, cmd, key);
        return false;
    }
    if (outcome == CAME_EXISTS && cmd->compare) {
        must_be_there(c, cmd, key);
        judge_compared(c, cmd, false);
        return false;
    }
    if (outcome != CAME_STORED)
        client_wrong(c, "no answer to an append or prepend");
    if (cmd->vivify && before == ABSENT) {
        cmd->mode = MODE_ADD;
        cmd->value.exptime = cmd->vivify_s;
        return true;
    }
    if (cmd->vivify && before != PRESENT && key < KEYS)
        item->presence = UNKNOWN;
    must_be_there(c, cmd, key);
    if (cmd->compare)
        judge_compared(c, cmd, true);
    return true;
}

/* An older CAS with I: taken as a stale value, that lives no longer than the other. */
static void
apply_stale(struct client *c, struct client_command *cmd, const struct told *told)
{
    struct model_item *item = &c->items[cmd->keys[0]];
    bool expires = item->expires, token = item->token;
    struct seconds gone_s = item->gone_s;

    apply_store(c, cmd, told);
    item->expires = expires;
    item->gone_s = gone_s;
    item->token = token;
    item->stale = true;
}

static bool
check_cas_mode(struct client *c, struct client_command *cmd, enum outcome outcome,
               const struct told *told)
{
    unsigned key = cmd->keys[0];
    struct model_item *item = &c->items[key];

    if (outcome == CAME_NOT_FOUND) {
        must_be_gone(c, cmd, key);
        return false;
    }
    if (outcome != CAME_STORED && outcome != CAME_EXISTS)
        client_wrong(c, "no answer to a compare-and-swap");
    must_be_there(c, cmd, key);
    if (key >= KEYS || item->presence == UNKNOWN)
        return outcome == CAME_STORED && !cmd->invalidate;
    if (cmd->invalidate && outcome == CAME_STORED && item->cas_known &&
        cmd->compare_cas < item->cas) {
        apply_stale(c, cmd, told);
        return false;
    }
    judge_compared(c, cmd, outcome == CAME_STORED);
    if (cmd->invalidate && outcome == CAME_STORED && !item->cas_known) {
        item->presence = UNKNOWN; /* stale, perhaps */
        return false;
    }
    return outcome == CAME_STORED;
}

/* ms s: how long the value is that was offered, or has come to be. */
static void
check_bytes(struct client *c, const struct client_command *cmd, enum outcome outcome,
            uint64_t offered, const struct told *told)
{
    const struct model_item *item = &c->items[cmd->keys[0]];
    uint64_t want = offered;

    if ((told->what & TOLD_BYTES) == 0)
        return;
    if (is_concat(cmd) && outcome == CAME_STORED) {
        if (cmd->keys[0] >= KEYS || item->presence == UNKNOWN)
            return;
        want = item->bytes;
    }
    if (told->bytes != want)
        client_wrong(c, "another length");
}

void
judge_store(struct client *c, struct client_command *cmd, enum outcome outcome,
            const struct told *told)
{
    unsigned key = cmd->keys[0];
    uint64_t offered = cmd->value.bytes;
    bool stored = false;

    if (outcome == CAME_TOO_LARGE) {
        item_gone(&c->items[key]);
        return;
    }
    switch (cmd->mode) {
    case MODE_SET:
        stored = outcome == CAME_STORED;
        if (!stored)
            client_wrong(c, "set must store");
        break;
    case MODE_ADD: stored = check_add(c, cmd, outcome); break;
    case MODE_REPLACE: stored = check_replace(c, cmd, outcome); break;
    case MODE_APPEND:
    case MODE_PREPEND: stored = check_concat(c, cmd, outcome); break;
    case MODE_CAS: stored = check_cas_mode(c, cmd, outcome, told); break;
    }
    if (outcome != CAME_STORED && (told->what & TOLD_CAS) && told->cas != 0)
        client_wrong(c, "a cas of what was not stored");
    if (stored)
        apply_store(c, cmd, told);
    check_bytes(c, cmd, outcome, offered, told);
}

/* --- NOREPLY --- */

static void
store_unheard(struct client *c, struct client_command *cmd)
{
    static const struct told nothing;
    unsigned key = cmd->keys[0];
    struct model_item *item = &c->items[key];
    enum presence before = presence_of(c, cmd, key);
    bool only_if_there = cmd->mode != MODE_SET && cmd->mode != MODE_ADD;

    if (key >= KEYS) {
        apply_store(c, cmd, &nothing);
        return;
    }
    if (c->world->facts.memory_faults || may_not_grow(c, cmd) ||
        (cmd->mode != MODE_SET && (before == UNKNOWN || c->world->facts.evictable)) ||
        (cmd->mode == MODE_ADD && before == MAYBE) ||
        (cmd->mode == MODE_CAS && !item->cas_known)) {
        item->presence = before == ABSENT && only_if_there ? ABSENT : UNKNOWN;
        return;
    }
    if ((only_if_there && before == ABSENT) || (cmd->mode == MODE_ADD && before == PRESENT) ||
        (cmd->mode == MODE_CAS && item->cas != cmd->compare_cas))
        return;
    apply_store(c, cmd, &nothing);
    if (only_if_there && before == MAYBE)
        item->presence = MAYBE;
}

void
judge_unheard(struct client *c, struct client_command *cmd)
{
    static const struct told nothing;
    unsigned key = cmd->keys[0];
    struct model_item *item = &c->items[key < KEYS ? key : 0];
    enum presence before;
    uint64_t number;

    cmd->when.to_ns = sim_now_ns();
    if (cmd->verb == DO_STORE) {
        store_unheard(c, cmd);
        return;
    }
    if (cmd->verb == DO_FLUSH)
        c->world->facts.flushes_done++;
    if (cmd->key_count == 0 || key >= KEYS)
        return;
    before = presence_of(c, cmd, key);
    if (cmd->verb == DO_DELETE || before == ABSENT) {
        item_gone(item);
    } else if (before == UNKNOWN || memory_is_short(c)) {
        item->presence = UNKNOWN;
    } else if (cmd->verb == DO_TOUCH && before == PRESENT) {
        item_touch(item, &cmd->when, cmd->exptime);
        item_accessed(item, &cmd->when);
    } else if (cmd->verb == DO_ARITH && item->bytes <= NUMBER_BYTES_MAX) {
        if (item_is_number(item, &number))
            judge_new_number(c, cmd, number, &nothing);
        item->presence = before;
    } else {
        item->presence = UNKNOWN;
    }
}
