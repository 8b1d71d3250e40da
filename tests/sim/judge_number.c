/* Judges incr and decr. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_priv.h"

static void
make_number(struct client *c, struct client_command *cmd, const struct told *told)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, cmd->initial);
    struct model_value v = {client_checked(malloc(sizeof(digits))), (size_t)len, 0,
                            cmd->vivify_s};

    memcpy(v.value, digits, (size_t)len);
    if ((told->what & TOLD_NUMBER) && told->number != cmd->initial)
        wrong_item(c, cmd, cmd->keys[0], "not the initial value");
    item_store(&c->items[cmd->keys[0]], &c->world->facts, &cmd->when, &v);
    judge_new_cas(c, cmd, cmd->keys[0], told);
    if (cmd->ttl_before_vivify) {
        if ((told->what & TOLD_TTL) && told->ttl_s != -1)
            wrong_item(c, cmd, cmd->keys[0], "a time to live that was not yet set");
    } else if ((told->what & TOLD_TTL) &&
               !item_ttl_can_be(&c->items[cmd->keys[0]], &cmd->when, told->ttl_s)) {
        wrong_item(c, cmd, cmd->keys[0], "another time to live");
    }
}

void
judge_new_number(struct client *c, struct client_command *cmd, uint64_t number,
                 const struct told *told)
{
    unsigned key = cmd->keys[0];
    struct model_item *item = &c->items[key];
    bool ttl_told = (told->what & TOLD_TTL) != 0;
    bool ttl_good = true;

    if (cmd->decr)
        number = cmd->delta > number ? 0 : number - cmd->delta;
    else
        number += cmd->delta;
    if ((told->what & TOLD_NUMBER) && told->number != number)
        wrong_item(c, cmd, key, "another number");
    item_set_number(item, &cmd->when, number);
    judge_new_cas(c, cmd, key, told);
    if (ttl_told && (!cmd->with_touch || cmd->ttl_first))
        ttl_good = item_ttl_can_be(item, &cmd->when, told->ttl_s);
    if (cmd->with_touch)
        item_touch(item, &cmd->when, cmd->exptime);
    if (ttl_told && cmd->with_touch && !cmd->ttl_first)
        ttl_good = item_ttl_can_be(item, &cmd->when, told->ttl_s);
    if (!ttl_good && !memory_is_short(c))
        wrong_item(c, cmd, key, "another time to live");
    if (cmd->with_touch && memory_is_short(c))
        item->presence = UNKNOWN; /* touched or not: no reply tells */
}

void
judge_arith(struct client *c, struct client_command *cmd, enum outcome outcome,
            const struct told *told)
{
    unsigned key = cmd->keys[0];
    struct model_item *item = &c->items[key];
    enum presence before = presence_of(c, cmd, key);
    uint64_t number;

    if (outcome == CAME_NOT_FOUND) {
        if (cmd->vivify)
            client_wrong(c, "it should have been made");
        must_be_gone(c, cmd, key);
        return;
    }
    if (cmd->vivify && outcome == CAME_NUMBER && before == ABSENT) {
        make_number(c, cmd, told);
        return;
    }
    if (cmd->vivify && outcome == CAME_NUMBER && before != PRESENT) {
        item->presence = UNKNOWN; /* made or changed */
        return;
    }
    must_be_there(c, cmd, key);
    if (item->presence == UNKNOWN)
        return;
    if (outcome != CAME_EXISTS && outcome != CAME_NUMBER && outcome != CAME_NON_NUMERIC)
        client_wrong(c, "no answer to incr or decr");
    /* That it is empty is said before its CAS is looked at. */
    if (cmd->compare && !(outcome == CAME_NON_NUMERIC && item->bytes == 0))
        judge_compared(c, cmd, outcome != CAME_EXISTS);
    else if (outcome == CAME_EXISTS)
        client_wrong(c, "no cas was to be compared");
    if (outcome == CAME_EXISTS)
        return;
    if (outcome == CAME_NON_NUMERIC) {
        /* A number, spaces and whatever follows may be too long to lie in one piece. */
        if (item->bytes <= NUMBER_BYTES_MAX && item_is_number(item, &number))
            wrong_item(c, cmd, key, "the value is a number");
        return;
    }
    if (!item_is_number(item, &number))
        wrong_item(c, cmd, key, "the value is no number");
    judge_new_number(c, cmd, number, told);
}
