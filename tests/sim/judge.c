/* Judges answers: gets in full, deletes and touches, and which file judges the others. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client_priv.h"

/* --- What is told of an item --- */

static void
check_cas(struct client *c, const struct client_command *cmd, unsigned key,
          const struct told *told)
{
    struct model_item *item = &c->items[key];

    if ((told->what & TOLD_CAS) == 0)
        return;
    if (item->cas_known && item->cas != told->cas)
        wrong_item(c, cmd, key, "another cas, although nothing changed");
    if (!item->cas_known && told->cas <= item->cas_above)
        wrong_item(c, cmd, key, "the cas did not grow");
    if (!item->cas_known && told->cas > c->cas_floor)
        c->cas_floor = told->cas;
    item_cas_is(item, told->cas);
}

static void
check_told(struct client *c, const struct client_command *cmd, unsigned key,
           const struct told *told)
{
    const struct model_item *item = &c->items[key];
    struct seconds now = moment_s(&cmd->when);
    uint64_t idle_lo = now.lo > item->access_s.hi ? now.lo - item->access_s.hi : 0;

    if ((told->what & TOLD_FLAGS) && told->client_flags != item->client_flags)
        wrong_item(c, cmd, key, "other client flags");
    if ((told->what & TOLD_BYTES) && told->bytes != item->bytes)
        wrong_item(c, cmd, key, "another length");
    if ((told->what & TOLD_HIT) && told->hit != item->fetched)
        wrong_item(c, cmd, key, "it was fetched before, or was not");
    if ((told->what & TOLD_IDLE) &&
        (told->idle_s < idle_lo || told->idle_s + item->access_s.lo > now.hi))
        wrong_item(c, cmd, key, "another time since the last access");
    if ((told->what & TOLD_MARKS) &&
        (told->stale != item->stale || told->already_won != item->token))
        wrong_item(c, cmd, key, "stale, or not; won, or not");
    check_cas(c, cmd, key, told);
}

/* --- Hits --- */

static void
check_ttl(struct client *c, const struct client_command *cmd, unsigned key,
          const struct told *told)
{
    if ((told->what & TOLD_TTL) && !item_ttl_can_be(&c->items[key], &cmd->when, told->ttl_s))
        wrong_item(c, cmd, key, "another time to live");
}

/* Whether R alone would make this client the one to recache: MAYBE where the second decides. */
static enum presence
recache_is_due(const struct model_item *item, const struct client_command *cmd)
{
    struct seconds now = moment_s(&cmd->when);
    int64_t lo = (int64_t)item->gone_s.lo - (int64_t)now.hi;
    int64_t hi = (int64_t)item->gone_s.hi - (int64_t)now.lo;

    if (!cmd->recache || !item->expires)
        return ABSENT;
    if ((hi < 0 ? 0 : hi) < cmd->recache_s)
        return PRESENT;
    return (lo < 0 ? 0 : lo) < cmd->recache_s ? MAYBE : ABSENT;
}

static void
check_win(struct client *c, struct client_command *cmd, unsigned key, const struct told *told,
          enum presence due)
{
    struct model_item *item = &c->items[key];
    bool may = !item->token && (item->stale || due != ABSENT);
    bool must = !item->token && (item->stale || due == PRESENT);

    if ((told->what & TOLD_MARKS) == 0)
        return;
    if ((told->won && !may) || (!told->won && must))
        wrong_item(c, cmd, key, "the wrong client is to recache");
    item->token |= told->won;
}

/* mg made the item that was not there: empty, and this client is to fill it. */
static void
judge_vivified(struct client *c, struct client_command *cmd, unsigned key,
               const struct told *told)
{
    struct model_item *item = &c->items[key];
    struct model_value empty = {client_checked(strdup("")), 0, 0, cmd->vivify_s};
    unsigned what = told->what;

    if (!told->won || told->stale || told->already_won ||
        ((what & TOLD_BYTES) && told->bytes != 0) || ((what & TOLD_HIT) && told->hit) ||
        ((what & TOLD_FLAGS) && told->client_flags != 0) ||
        ((what & TOLD_IDLE) && told->idle_s != 0))
        wrong_item(c, cmd, key, "no item that was just made");
    item_store(item, &c->world->facts, &cmd->when, &empty);
    item->token = true;
    item->fetched = !cmd->no_bump;
    judge_new_cas(c, cmd, key, told);
    if (!cmd->ttl_before_vivify)
        check_ttl(c, cmd, key, told);
    else if ((what & TOLD_TTL) && told->ttl_s != -1)
        wrong_item(c, cmd, key, "a time to live that was not yet set");
}

/* Which of the two it was, cannot always be told. */
static enum presence
was_vivified(const struct client *c, const struct client_command *cmd, unsigned key,
             const struct told *told)
{
    const struct model_item *item = &c->items[key];
    enum presence before = presence_of(c, cmd, key);

    if (!cmd->vivify || !told->won || before == PRESENT)
        return ABSENT;
    if (before == ABSENT)
        return PRESENT;
    if (before == MAYBE && ((told->what & TOLD_BYTES) && told->bytes != item->bytes))
        return PRESENT;
    return MAYBE;
}

static void
judge_own_hit(struct client *c, struct client_command *cmd, unsigned key,
              const struct told *told)
{
    struct model_item *item = &c->items[key];
    enum presence due;

    switch (was_vivified(c, cmd, key, told)) {
    case PRESENT: judge_vivified(c, cmd, key, told); return;
    case MAYBE:
    case UNKNOWN: item->presence = UNKNOWN; return;
    case ABSENT: break;
    }
    must_be_there(c, cmd, key);
    if (item->presence == UNKNOWN)
        return;
    check_told(c, cmd, key, told);
    due = recache_is_due(item, cmd);
    if (!cmd->with_touch || cmd->ttl_first)
        check_ttl(c, cmd, key, told);
    if (cmd->with_touch) {
        item_touch(item, &cmd->when, cmd->exptime);
        if (!cmd->ttl_first)
            check_ttl(c, cmd, key, told);
        if (!cmd->recache_first)
            due = recache_is_due(item, cmd);
    }
    check_win(c, cmd, key, told, due);
    if (!cmd->no_bump)
        item_accessed(item, &cmd->when);
}

void
judge_hit(struct client *c, struct client_command *cmd, unsigned key, const struct told *told)
{
    const char *tail = cmd->wire == WIRE_BINARY ? "" : "\r\n";
    uint32_t version = (uint32_t)told->client_flags;
    char *value;

    if (key < KEYS) {
        const struct model_item *item = &c->items[key];

        judge_own_hit(c, cmd, key, told);
        if (cmd->with_value)
            client_expect_body(c, item->presence == UNKNOWN ? NULL : item->value, told->bytes,
                               tail, NULL);
        return;
    }
    if ((told->what & TOLD_FLAGS) == 0 || (told->what & TOLD_BYTES) == 0) {
        if (cmd->with_value)
            client_expect_body(c, NULL, told->bytes, tail, NULL);
        return;
    }
    if (version > c->world->shared_versions[key - KEYS] ||
        told->bytes != shared_bytes(c->world, key, version))
        client_wrong(c, "a version that was never stored");
    value = shared_value(c->world, key, version);
    if (cmd->with_value)
        client_expect_body(c, value, told->bytes, tail, value);
    else
        client_expect_body(c, NULL, 0, "", value);
}

void
judge_miss(struct client *c, struct client_command *cmd, unsigned key)
{
    if (cmd->vivify && key < KEYS && !memory_is_short(c))
        wrong_item(c, cmd, key, "it should have been made");
    must_be_gone(c, cmd, key);
}

/* --- Others --- */

static void
judge_delete(struct client *c, struct client_command *cmd, enum outcome outcome,
             const struct told *told)
{
    unsigned key = cmd->keys[0];
    struct model_item *item = &c->items[key];

    if (outcome == CAME_NOT_FOUND) {
        must_be_gone(c, cmd, key);
        return;
    }
    if (outcome != CAME_EXISTS && outcome != CAME_DELETED)
        client_wrong(c, "no answer to a delete");
    must_be_there(c, cmd, key);
    if (key >= KEYS || (item->presence == UNKNOWN &&
                        (outcome == CAME_EXISTS || cmd->empty || cmd->invalidate)))
        return;
    if (item->presence != UNKNOWN && cmd->compare && item->cas_known &&
        (item->cas == cmd->compare_cas) != (outcome == CAME_DELETED))
        wrong_item(c, cmd, key, "the cas was compared wrongly");
    if (outcome == CAME_EXISTS)
        return;
    if (!cmd->empty && !cmd->invalidate) {
        item_gone(item);
        return;
    }
    if (cmd->empty)
        item_empty(item, &cmd->when);
    item->stale |= cmd->invalidate;
    item->token = false;
    if (cmd->empty || cmd->with_touch)
        item_touch(item, &cmd->when, cmd->with_touch ? cmd->exptime : 0);
    if (cmd->invalidate || cmd->new_cas != 0)
        judge_new_cas(c, cmd, key, told);
}

static void
judge_touch(struct client *c, struct client_command *cmd, enum outcome outcome,
            const struct told *told)
{
    unsigned key = cmd->keys[0];
    struct model_item *item = &c->items[key];

    if (outcome == CAME_NOT_FOUND) {
        must_be_gone(c, cmd, key);
        return;
    }
    if (outcome != CAME_TOUCHED)
        client_wrong(c, "no answer to a touch");
    must_be_there(c, cmd, key);
    if (key >= KEYS || item->presence == UNKNOWN)
        return;
    check_told(c, cmd, key, told);
    item_touch(item, &cmd->when, cmd->exptime);
    item_accessed(item, &cmd->when);
}

void
judge(struct client *c, struct client_command *cmd, enum outcome outcome,
      const struct told *told)
{
    unsigned key = cmd->keys[0];

    cmd->when.to_ns = sim_now_ns();
    if (outcome == CAME_NO_MEMORY) {
        if (!memory_is_short(c))
            client_wrong(c, "memory is not short");
        if (key < KEYS)
            c->items[key].presence = UNKNOWN;
        return;
    }
    if (cmd->too_large != (outcome == CAME_TOO_LARGE))
        client_wrong(c, "too large, or not");
    switch (cmd->verb) {
    case DO_GET:
    case DO_DEBUG:
        if (outcome == CAME_HIT)
            judge_hit(c, cmd, key, told);
        else if (outcome == CAME_MISS)
            judge_miss(c, cmd, key);
        else
            client_wrong(c, "no answer to a get");
        return;
    case DO_STORE: judge_store(c, cmd, outcome, told); return;
    case DO_ARITH: judge_arith(c, cmd, outcome, told); return;
    case DO_DELETE: judge_delete(c, cmd, outcome, told); return;
    case DO_TOUCH: judge_touch(c, cmd, outcome, told); return;
    case DO_FLUSH: c->world->facts.flushes_done++; return;
    case DO_NOOP:
    case DO_CONSTANT:
    case DO_STATS:
    case DO_DUMP:
    case DO_QUIT: return;
    }
}

void
judge_silence(struct client *c, struct client_command *cmd)
{
    static const struct told nothing;
    enum outcome outcome = CAME_STORED;

    switch (cmd->verb) {
    case DO_GET: outcome = CAME_MISS; break;
    case DO_STORE: break;
    case DO_DELETE: outcome = CAME_DELETED; break;
    case DO_ARITH: outcome = CAME_NUMBER; break;
    case DO_FLUSH: break;
    case DO_TOUCH:
    case DO_DEBUG:
    case DO_NOOP:
    case DO_CONSTANT:
    case DO_STATS:
    case DO_DUMP:
    case DO_QUIT: client_wrong(c, "a reply was left out");
    }
    judge(c, cmd, outcome, &nothing);
}
