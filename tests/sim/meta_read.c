/* Reads the replies to meta commands, flag by flag. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_priv.h"

static const struct told nothing;

/* --- Which command a line answers --- */

static struct client_command *
find(const struct client *c, enum verb verb, uint32_t opaque)
{
    for (struct client_command *cmd = c->first; cmd != NULL; cmd = cmd->next)
        if (cmd->wire == WIRE_META && (opaque != 0 ? cmd->opaque == opaque : cmd->verb == verb))
            return cmd;
    client_wrong(c, "an answer to what was not asked");
}

/* NULL: an error, which does not say which command it is about. */
static struct client_command *
find_answered(const struct client *c)
{
    const char *opaque = strstr(c->piece, " O");
    enum outcome outcome;

    if (c->first->quiet == LOUD)
        return c->first;
    if (line_is_error(c, &outcome))
        return NULL;
    if (strncmp(c->piece, "ME ", 3) != 0 && opaque != NULL)
        return find(c, DO_GET, (uint32_t)strtoul(opaque + 2, NULL, 10));
    if (line_is(c, "MN\r\n"))
        return find(c, DO_NOOP, 0);
    return find(c, DO_DEBUG, 0);
}

/* --- What a line says --- */

/* Which of the flags asked for come back. */
enum flags_told { OF_REQUEST, OF_ITEM, OF_CHANGE };

static bool
take(const char **p, const char *text, size_t len)
{
    if (strncmp(*p, text, len) != 0)
        return false;
    *p += len;
    return true;
}

static bool
take_key(const struct client *c, const struct client_command *cmd, const char **p)
{
    const char *name = client_key_name(c, cmd->keys[0]);
    size_t len = client_key_len(c, cmd->keys[0]);
    bool encoded = strstr(cmd->tokens, " b") != NULL;
    char text[2 * KEY_BYTES];

    if (!encoded)
        return take(p, name, len);
    return take(p, text, meta_encode_key(text, name, len));
}

static bool
take_ttl(const char **p, int64_t *ttl_s)
{
    uint64_t v;

    *ttl_s = -1;
    if (take(p, "-1", 2))
        return true;
    if (!take_u64(p, &v))
        return false;
    *ttl_s = (int64_t)v;
    return true;
}

/* The argument of return flag LETTER. */
static bool
take_flag(const char **p, char letter, struct told *told)
{
    uint64_t v;

    switch (letter) {
    case 'c': told->what |= TOLD_CAS; return take_u64(p, &told->cas);
    case 'f': told->what |= TOLD_FLAGS; return take_u64(p, &told->client_flags);
    case 'l': told->what |= TOLD_IDLE; return take_u64(p, &told->idle_s);
    case 't': told->what |= TOLD_TTL; return take_ttl(p, &told->ttl_s);
    case 'h':
        told->what |= TOLD_HIT;
        if (!take_u64(p, &v) || v > 1)
            return false;
        told->hit = v == 1;
        return true;
    case 's':
        if (!take_u64(p, &v) || ((told->what & TOLD_BYTES) && v != told->bytes))
            return false;
        told->what |= TOLD_BYTES;
        told->bytes = v;
        return true;
    default: return false;
    }
}

static bool
comes_back(const struct client_command *cmd, enum flags_told which, char letter)
{
    switch (which) {
    case OF_REQUEST: return false;
    case OF_ITEM: return strchr("cfhlst", letter) != NULL;
    case OF_CHANGE: return letter == 'c' || letter == (cmd->verb == DO_ARITH ? 't' : 's');
    }
    return false;
}

/* Return flags, in the order in which they were asked for. */
static bool
take_flags(const struct client *c, const struct client_command *cmd, const char **p,
           enum flags_told which, struct told *told)
{
    for (const char *t = cmd->tokens; *t != '\0';) {
        size_t len = 1 + strcspn(t + 1, " ");

        if (t[1] == 'O' ? !take(p, t, len)
            : t[1] == 'k'
                ? !(take(p, " k", 2) && take_key(c, cmd, p) &&
                    (strstr(cmd->tokens, " b") == NULL || take(p, " b", 2)))
                : comes_back(cmd, which, t[1]) && !(take(p, t, 2) && take_flag(p, t[1], told)))
            return false;
        t += len;
    }
    return true;
}

static void
take_marks(const char **p, struct told *told)
{
    told->what |= TOLD_MARKS;
    told->already_won = take(p, " Z", 2);
    told->stale = take(p, " X", 2);
    told->won = take(p, " W", 2);
}

static const struct {
    enum verb verb;
    const char *code;
    enum outcome outcome;
    enum flags_told flags;
} codes[] = {
    {DO_GET, "HD", CAME_HIT, OF_ITEM},
    {DO_GET, "VA", CAME_HIT, OF_ITEM},
    {DO_GET, "EN", CAME_MISS, OF_REQUEST},
    {DO_STORE, "HD", CAME_STORED, OF_CHANGE},
    {DO_STORE, "NS", CAME_NOT_STORED, OF_CHANGE},
    {DO_STORE, "EX", CAME_EXISTS, OF_CHANGE},
    {DO_STORE, "NF", CAME_NOT_FOUND, OF_CHANGE},
    {DO_DELETE, "HD", CAME_DELETED, OF_REQUEST},
    {DO_DELETE, "EX", CAME_EXISTS, OF_REQUEST},
    {DO_DELETE, "NF", CAME_NOT_FOUND, OF_REQUEST},
    {DO_ARITH, "HD", CAME_NUMBER, OF_CHANGE},
    {DO_ARITH, "VA", CAME_NUMBER, OF_CHANGE},
    {DO_ARITH, "EX", CAME_EXISTS, OF_REQUEST},
    {DO_ARITH, "NF", CAME_NOT_FOUND, OF_REQUEST},
};

/* Code and flags; false when the line is not of that form. */
static bool
take_line(const struct client *c, const struct client_command *cmd, enum outcome *outcome,
          struct told *told)
{
    const char *p = c->piece;
    size_t i = 0;

    while (i < ARRAY_LEN(codes) &&
           (codes[i].verb != cmd->verb || strncmp(codes[i].code, p, 2) != 0))
        i++;
    if (i == ARRAY_LEN(codes))
        return false;
    *outcome = codes[i].outcome;
    p += 2;
    if (strcmp(codes[i].code, "VA") == 0) {
        if (!cmd->with_value || *p++ != ' ' || !take_u64(&p, &told->bytes))
            return false;
        told->what |= TOLD_BYTES;
    } else if (cmd->with_value && *outcome == CAME_NUMBER) {
        return false;
    } else if (cmd->with_value && *outcome == CAME_HIT && !cmd->compare) {
        return false;
    }
    if (!take_flags(c, cmd, &p, codes[i].flags, told))
        return false;
    if (*outcome == CAME_HIT)
        take_marks(&p, told);
    return strcmp(p, "\r\n") == 0;
}

/* ME <key> exp=<s> la=<s> cas=<cas> fetch=<yes|no> cls=1 size=<bytes> */
static bool
take_debug(const struct client *c, const struct client_command *cmd, struct told *told)
{
    const char *p = c->piece;
    uint64_t size;

    told->what = TOLD_TTL | TOLD_IDLE | TOLD_CAS | TOLD_HIT | TOLD_BYTES;
    if (!take(&p, "ME ", 3) || !take_key(c, cmd, &p) || !take(&p, " exp=", 5))
        return false;
    if (take(&p, "-1", 2))
        told->ttl_s = -1;
    else if (take_u64(&p, &size))
        told->ttl_s = (int64_t)size;
    else
        return false;
    if (!take(&p, " la=", 4) || !take_u64(&p, &told->idle_s) || !take(&p, " cas=", 5) ||
        !take_u64(&p, &told->cas))
        return false;
    told->hit = take(&p, " fetch=yes", 10);
    if ((!told->hit && !take(&p, " fetch=no", 9)) || !take(&p, " cls=1 size=", 12) ||
        !take_u64(&p, &size) || size < client_key_len(c, cmd->keys[0]))
        return false;
    told->bytes = size - client_key_len(c, cmd->keys[0]);
    return strcmp(p, "\r\n") == 0;
}

static void
on_debug(struct client *c, struct client_command *cmd)
{
    struct told told = {0};

    cmd->no_bump = true;
    if (line_is(c, "EN\r\n"))
        judge(c, cmd, CAME_MISS, &nothing);
    else if (take_debug(c, cmd, &told))
        judge(c, cmd, CAME_HIT, &told);
    else
        client_wrong(c, "no answer to me");
}

/* mg C: the value is left out exactly where the item still has that CAS. */
static void
judge_known_value(struct client *c, struct client_command *cmd)
{
    const struct model_item *item = &c->items[cmd->keys[0]];
    bool left_out = strncmp(c->piece, "HD", 2) == 0;

    if (item->presence != UNKNOWN && item->cas_known &&
        left_out != (item->cas == cmd->compare_cas))
        client_wrong(c, left_out ? "a value that is new was left out"
                                 : "a value that was known came again");
    if (left_out)
        cmd->with_value = false;
}

/* The number of ma comes in a line of its own. False until it is there. */
static bool
on_meta(struct client *c, struct client_command *cmd)
{
    struct told told = {0};
    enum outcome outcome;

    if (line_is_error(c, &outcome)) {
        judge(c, cmd, outcome, &nothing);
        return true;
    }
    if (!take_line(c, cmd, &outcome, &told))
        client_wrong(c, "no answer to this");
    if (outcome == CAME_HIT && cmd->compare && cmd->with_value)
        judge_known_value(c, cmd);
    if (outcome == CAME_NUMBER && cmd->with_value) {
        c->number_told = told;
        c->number_next = true;
        return false;
    }
    judge(c, cmd, outcome, &told);
    return true;
}

static void
on_number(struct client *c, struct client_command *cmd)
{
    struct told *told = &c->number_told;
    const char *p = c->piece;

    if (!take_u64(&p, &told->number) || strcmp(p, "\r\n") != 0 ||
        told->bytes != (uint64_t)(p - c->piece))
        client_wrong(c, "no number, or of another length");
    told->what = (told->what | TOLD_NUMBER) & ~(unsigned)TOLD_BYTES;
    c->number_next = false;
    judge(c, cmd, CAME_NUMBER, told);
}

static bool
on_command_line(struct client *c, struct client_command *cmd)
{
    switch (cmd->verb) {
    case DO_GET:
    case DO_STORE:
    case DO_DELETE:
    case DO_ARITH: return on_meta(c, cmd);
    case DO_DEBUG: on_debug(c, cmd); return true;
    case DO_NOOP:
        if (!line_is(c, "MN\r\n"))
            client_wrong(c, "no answer to mn");
        return true;
    case DO_CONSTANT:
        if (!line_is(c, cmd->want) && !is_refused_instead(c, cmd))
            client_wrong(c, cmd->want);
        return true;
    case DO_TOUCH:
    case DO_STATS:
    case DO_DUMP:
    case DO_FLUSH:
    case DO_QUIT: client_wrong(c, "no meta command");
    }
    return true;
}

void
meta_line(struct client *c)
{
    struct client_command *cmd = c->first;
    enum outcome outcome;

    if (c->number_next) {
        on_number(c, cmd);
        client_done(c);
        return;
    }
    cmd = find_answered(c);
    if (cmd == NULL) {
        if (!line_is_error(c, &outcome))
            client_wrong(c, "an answer to what was not asked");
        c->strays[outcome - CAME_NO_MEMORY]++;
        return;
    }
    meta_resolve_before(c, cmd);
    cmd->when.to_ns = sim_now_ns();
    if (on_command_line(c, cmd))
        client_done(c);
}
