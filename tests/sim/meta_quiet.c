/* Finds out how quiet meta commands went, about which nothing came or only an error without a name. */
#include "client_priv.h"

static const struct told nothing;

/* Whether CMD fails like that: ABSENT: no; PRESENT: surely; MAYBE. */
static enum presence
fails(const struct client *c, const struct client_command *cmd, enum outcome outcome)
{
    unsigned key = cmd->keys[0];
    enum presence there;
    uint64_t number;

    if (cmd->key_count == 0)
        return ABSENT;
    if (outcome == CAME_TOO_LARGE)
        return cmd->too_large ? PRESENT : ABSENT;
    if (outcome == CAME_NO_MEMORY) {
        bool needs_some = cmd->verb == DO_STORE || cmd->verb == DO_ARITH || cmd->vivify ||
                          cmd->with_touch || cmd->empty;

        return memory_is_short(c) && needs_some ? MAYBE : ABSENT;
    }
    if (cmd->verb != DO_ARITH)
        return ABSENT;
    there = presence_of(c, cmd, key);
    if (there == ABSENT || there == UNKNOWN)
        return there == ABSENT ? ABSENT : MAYBE;
    if (item_is_number(&c->items[key], &number))
        return c->items[key].bytes > NUMBER_BYTES_MAX ? MAYBE : ABSENT;
    return there == PRESENT && !cmd->compare ? PRESENT : MAYBE;
}

/* Errors that the fewest commands can have caused come last, and are assigned first. */
static bool
take_stray(struct client *c, struct client_command *cmd, enum presence at_least)
{
    for (unsigned i = ARRAY_LEN(c->strays); i-- > 0;) {
        enum outcome outcome = (enum outcome)(CAME_NO_MEMORY + i);
        enum presence answer = c->strays[i] == 0 ? ABSENT : fails(c, cmd, outcome);

        if (answer == PRESENT || (answer == MAYBE && at_least == MAYBE)) {
            c->strays[i]--;
            judge(c, cmd, outcome, &nothing);
            return true;
        }
    }
    return false;
}

/*
 * How it went follows from errors that came and did not say what they were about.
 * Where it may be one of these, or not, nothing is known of the key any more.
 */
static void
judge_unnamed(struct client *c, struct client_command *cmd, uint32_t *perhaps)
{
    bool may_fail = false;

    cmd->when.to_ns = sim_now_ns();
    if (take_stray(c, cmd, PRESENT))
        return;
    if (cmd->quiet == LOUD) {
        if (!take_stray(c, cmd, MAYBE))
            client_wrong(c, "a reply was left out");
        return;
    }
    for (unsigned i = 0; i < ARRAY_LEN(c->strays); i++) {
        if (c->strays[i] > 0 && fails(c, cmd, (enum outcome)(CAME_NO_MEMORY + i)) == MAYBE) {
            perhaps[i]++;
            may_fail = true;
        }
    }
    if (may_fail && cmd->keys[0] < KEYS)
        c->items[cmd->keys[0]].presence = UNKNOWN;
    else
        judge_silence(c, cmd);
}

/* Errors that no command before TARGET took must be of those that may have failed. */
static void
settle_strays(struct client *c, const struct client_command *target, const uint32_t *perhaps)
{
    for (unsigned i = 0; i < ARRAY_LEN(c->strays); i++) {
        if (target != NULL && c->strays[i] > perhaps[i])
            client_wrong(c, "an error that no command can have caused");
        c->strays[i] = 0;
    }
}

/* Commands up to TARGET are done. */
void
meta_resolve_before(struct client *c, const struct client_command *target)
{
    uint32_t perhaps[ARRAY_LEN(c->strays)] = {0};

    while (c->first != target) {
        judge_unnamed(c, c->first, perhaps);
        client_done(c);
    }
    settle_strays(c, target, perhaps);
}

void
meta_ended(struct client *c)
{
    uint32_t perhaps[ARRAY_LEN(c->strays)] = {0};

    while (c->first != NULL && c->first->wire == WIRE_META) {
        c->first->when.to_ns = sim_now_ns();
        if (c->first->quiet == QUIET)
            judge_unnamed(c, c->first, perhaps);
        else if (!take_stray(c, c->first, PRESENT) && !take_stray(c, c->first, MAYBE))
            break;
        client_done(c);
    }
    settle_strays(c, NULL, perhaps);
}
