/* Reads the replies to classic text commands. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client_priv.h"

/* --- get --- */

/* "VALUE <key> <flags> <bytes>[ <cas>]"; false when it is none, or of another key. */
static bool
take_value_line(const struct client *c, const struct client_command *cmd, unsigned key,
                struct told *told)
{
    size_t len = client_key_len(c, key);
    const char *p = c->piece + 6;

    memset(told, 0, sizeof(*told));
    told->what = TOLD_FLAGS | TOLD_BYTES | (cmd->with_cas ? TOLD_CAS : 0);
    if (c->piece_len < 6 + len + 1 || memcmp(c->piece, "VALUE ", 6) != 0 ||
        memcmp(p, client_key_name(c, key), len) != 0)
        return false;
    p += len;
    if (*p++ != ' ' || !take_u64(&p, &told->client_flags) || told->client_flags > UINT32_MAX ||
        *p++ != ' ' || !take_u64(&p, &told->bytes))
        return false;
    if (cmd->with_cas && (*p++ != ' ' || !take_u64(&p, &told->cas)))
        return false;
    return p + 2 == c->piece + c->piece_len && memcmp(p, "\r\n", 2) == 0;
}

/* Where memory is short, gat says of what it could not touch what it says of a miss. */
static void
on_left_out(struct client *c, struct client_command *cmd, unsigned key)
{
    if (cmd->with_touch && memory_is_short(c))
        c->items[key].presence = UNKNOWN;
    else
        judge_miss(c, cmd, key);
}

/* True when the command is done with. */
static bool
on_get(struct client *c, struct client_command *cmd)
{
    bool end = line_is(c, "END\r\n");
    struct told told;

    for (; cmd->key_next < cmd->key_count; cmd->key_next++) {
        unsigned key = cmd->keys[cmd->key_next];

        if (!end && take_value_line(c, cmd, key, &told)) {
            cmd->key_next++;
            judge_hit(c, cmd, key, &told);
            return false;
        }
        on_left_out(c, cmd, key);
    }
    if (!end)
        client_wrong(c, "neither a value that was asked for nor END");
    return true;
}

/* --- Others --- */

static bool
on_stats(const struct client *c)
{
    const char *p;

    if (line_is(c, "END\r\n"))
        return true;
    p = c->piece_len > 9 && memcmp(c->piece, "STAT ", 5) == 0 ? strchr(c->piece + 5, ' ')
                                                              : NULL;
    if (p == NULL || memcmp(c->piece + c->piece_len - 2, "\r\n", 2) != 0)
        client_wrong(c, "neither STAT nor END");
    return false;
}

/* A constant may be of several lines. */
static bool
on_constant(const struct client *c, struct client_command *cmd)
{
    if (is_refused_instead(c, cmd))
        return true;
    if (strncmp(cmd->want, c->piece, c->piece_len) != 0)
        client_wrong(c, cmd->want);
    cmd->want += c->piece_len;
    return *cmd->want == '\0';
}

static const struct {
    const char *line;
    enum verb verb;
    enum outcome outcome;
} answers[] = {
    {"STORED\r\n", DO_STORE, CAME_STORED},       {"NOT_STORED\r\n", DO_STORE, CAME_NOT_STORED},
    {"EXISTS\r\n", DO_STORE, CAME_EXISTS},       {"NOT_FOUND\r\n", DO_STORE, CAME_NOT_FOUND},
    {"DELETED\r\n", DO_DELETE, CAME_DELETED},    {"NOT_FOUND\r\n", DO_DELETE, CAME_NOT_FOUND},
    {"TOUCHED\r\n", DO_TOUCH, CAME_TOUCHED},     {"NOT_FOUND\r\n", DO_TOUCH, CAME_NOT_FOUND},
    {"NOT_FOUND\r\n", DO_ARITH, CAME_NOT_FOUND}, {"OK\r\n", DO_FLUSH, CAME_STORED},
};

static void
on_answer(struct client *c, struct client_command *cmd)
{
    struct told told = {0};
    const char *p = c->piece;
    enum outcome outcome;

    if (line_is_error(c, &outcome)) {
        judge(c, cmd, outcome, &told);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        if (answers[i].verb == cmd->verb && line_is(c, answers[i].line)) {
            judge(c, cmd, answers[i].outcome, &told);
            return;
        }
    }
    if (cmd->verb != DO_ARITH || !take_u64(&p, &told.number) || strcmp(p, "\r\n") != 0)
        client_wrong(c, "no answer to this");
    told.what = TOLD_NUMBER;
    judge(c, cmd, CAME_NUMBER, &told);
}

static bool
on_command_line(struct client *c, struct client_command *cmd)
{
    switch (cmd->verb) {
    case DO_GET: return on_get(c, cmd);
    case DO_STATS: return on_stats(c);
    case DO_DUMP: return classic_dump_line(c, cmd);
    case DO_CONSTANT: return on_constant(c, cmd);
    case DO_STORE:
    case DO_DELETE:
    case DO_ARITH:
    case DO_TOUCH:
    case DO_FLUSH: on_answer(c, cmd); return true;
    case DO_QUIT:
    case DO_DEBUG:
    case DO_NOOP: client_wrong(c, "an answer to what has none");
    }
    return true;
}

void
classic_line(struct client *c)
{
    if (on_command_line(c, c->first))
        client_done(c);
}

/* --- Dumps: every own key that is there, once; and none that is not --- */

static size_t
put_uri(char *dst, const char *key, size_t len)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~";
    char *p = dst;

    for (size_t i = 0; i < len; i++) {
        if (key[i] != '\0' && strchr(plain, key[i]) != NULL)
            *p++ = key[i];
        else
            p += sprintf(p, "%%%02X", (unsigned char)key[i]);
    }
    return (size_t)(p - dst);
}

/* The line up to and with the blank or end behind KEY, as this dump shows it. */
static size_t
put_dumped_key(char *dst, const struct client *c, enum dump dump, unsigned key)
{
    const char *name = client_key_name(c, key);
    size_t len = client_key_len(c, key), n;
    bool plain = key < PLAIN_KEYS;

    switch (dump) {
    case DUMP_META:
        n = 4 + put_uri(dst + 4, name, len);
        memcpy(dst, "key=", 4);
        dst[n++] = ' ';
        return n;
    case DUMP_CACHE:
        memcpy(dst, "ITEM ", 5);
        n = 5 + (plain ? len : put_uri(dst + 5, name, len));
        if (plain)
            memcpy(dst + 5, name, len);
        dst[n++] = ' ';
        return n;
    case DUMP_MG:
        memcpy(dst, "mg ", 3);
        n = 3 + (plain ? len : meta_encode_key(dst + 3, name, len));
        if (plain)
            memcpy(dst + 3, name, len);
        n += (size_t)sprintf(dst + n, plain ? "\r\n" : " b\r\n");
        return n;
    }
    return 0;
}

static void
check_dumped(struct client *c, struct client_command *cmd, unsigned key, const char *rest)
{
    struct model_item *item = &c->items[key];
    uint64_t cas, bytes, skipped;
    char fetched[8];
    uint32_t client_flags;
    int64_t exp;

    if (presence_of(c, cmd, key) == ABSENT)
        wrong_item(c, cmd, key, "an item in a dump that cannot be there");
    cmd->seen |= 1U << key;
    if (item->presence == UNKNOWN)
        return;
    if (cmd->dump == DUMP_CACHE &&
        (sscanf(rest, "[%" SCNu64 " b; ", &bytes) != 1 || bytes != item->bytes))
        wrong_item(c, cmd, key, "another length in a dump");
    if (cmd->dump != DUMP_META)
        return;
    if (sscanf(rest,
               "exp=%" SCNd64 " la=%" SCNu64 " cas=%" SCNu64 " fetch=%7s cls=1 size=%" SCNu64
               " flags=%" SCNu32 " \n",
               &exp, &skipped, &cas, fetched, &bytes, &client_flags) != 6)
        wrong_item(c, cmd, key, "another form of a dump");
    if ((item->cas_known && cas != item->cas) || (exp == -1) == item->expires ||
        bytes != item->bytes + client_key_len(c, key) || client_flags != item->client_flags ||
        strcmp(fetched, item->fetched ? "yes" : "no") != 0)
        wrong_item(c, cmd, key, "other facts in a dump");
}

static void
check_all_were_seen(struct client *c, struct client_command *cmd)
{
    for (unsigned key = 0; key < KEYS; key++)
        if ((cmd->seen & 1U << key) == 0 && presence_of(c, cmd, key) == PRESENT)
            wrong_item(c, cmd, key, "an item that is not in a dump");
}

bool
classic_dump_line(struct client *c, struct client_command *cmd)
{
    char want[4 * KEY_BYTES];

    if (cmd->dump != DUMP_CACHE && !cmd->begun) {
        if (!line_is(c, "OK\r\n"))
            client_wrong(c, "a dump that does not say OK first");
        cmd->begun = true;
        return false;
    }
    if (line_is(c, cmd->dump == DUMP_MG ? "EN\r\n" : "END\r\n")) {
        check_all_were_seen(c, cmd);
        return true;
    }
    for (unsigned key = 0; key < KEYS; key++) {
        size_t n = put_dumped_key(want, c, cmd->dump, key);

        if (c->piece_len >= n && memcmp(c->piece, want, n) == 0) {
            check_dumped(c, cmd, key, c->piece + n);
            return false;
        }
    }
    if (memcmp(c->piece,
               cmd->dump == DUMP_META ? "key="
               : cmd->dump == DUMP_MG ? "mg "
                                      : "ITEM ",
               3) != 0)
        client_wrong(c, "no line of a dump");
    return false;
}
