/* What every judgement rests on: whether an item can be there, and which CAS it can have. */
#include <inttypes.h>
#include <stdio.h>

#include "client_priv.h"

void
wrong_item(const struct client *c, const struct client_command *cmd, unsigned key,
           const char *why)
{
    const struct model_item *item = &c->items[key];

    fprintf(stderr,
            "key %u of %u: presence %d, %zu bytes, expires %d from %" PRIu64 " to %" PRIu64
            ", flush %" PRIu64 " of %" PRIu64 ", fetched %d, stale %d, token %d; command '%s' "
            "(quiet %d) sent at %" PRIu64 " ns (flush %" PRIu64 "), answered at %" PRIu64
            " ns\n",
            key, c->identity, (int)item->presence, item->bytes, item->expires, item->gone_s.lo,
            item->gone_s.hi, item->flushes_before, c->world->facts.flushes_sent, item->fetched,
            item->stale, item->token, cmd->tokens, (int)cmd->quiet, cmd->when.from_ns,
            cmd->when.flushes_before, cmd->when.to_ns);
    client_wrong(c, why);
}

bool
memory_is_short(const struct client *c)
{
    return c->world->facts.memory_faults || c->world->facts.evictable;
}

enum presence
presence_of(const struct client *c, const struct client_command *cmd, unsigned key)
{
    return key < KEYS ? item_presence(&c->items[key], &c->world->facts, &cmd->when) : UNKNOWN;
}

void
must_be_there(struct client *c, struct client_command *cmd, unsigned key)
{
    if (key >= KEYS)
        return;
    if (presence_of(c, cmd, key) == ABSENT)
        wrong_item(c, cmd, key, "the item cannot be there");
    item_seen(&c->items[key], &cmd->when);
}

void
must_be_gone(struct client *c, struct client_command *cmd, unsigned key)
{
    if (key >= KEYS)
        return;
    if (presence_of(c, cmd, key) == PRESENT)
        wrong_item(c, cmd, key, "the item must be there");
    item_gone(&c->items[key]);
}

void
judge_new_cas(struct client *c, const struct client_command *cmd, unsigned key,
              const struct told *told)
{
    struct model_item *item = &c->items[key];
    bool is_told = (told->what & TOLD_CAS) != 0;

    if (cmd->new_cas != 0) {
        if (is_told && told->cas != cmd->new_cas)
            wrong_item(c, cmd, key, "not the cas that was asked for");
        item_cas_is(item, cmd->new_cas);
        return;
    }
    item_cas_drawn(item, c->cas_floor);
    if (!is_told)
        return;
    if (told->cas <= c->cas_floor)
        wrong_item(c, cmd, key, "the new cas is not above all before");
    c->cas_floor = told->cas;
    item_cas_is(item, told->cas);
}

void
judge_compared(struct client *c, struct client_command *cmd, bool matched)
{
    unsigned key = cmd->keys[0];
    const struct model_item *item = &c->items[key];

    if (key >= KEYS || item->presence == UNKNOWN || !item->cas_known)
        return;
    if (matched != (item->cas == cmd->compare_cas))
        wrong_item(c, cmd, key, "the cas was compared wrongly");
}
