/* Which keys have the largest values: of all that are stored or asked for, as far as they are seen. */
#include "cmd_priv.h"

#include <stdio.h>

#include "lombard/base/put.h"
#include "lombard/base/rank.h"
#include "lombard/base/sys.h"
#include "lombard/base/topkeys.h"

enum {
    BIG_KEYS = 32,
    BIG_BYTES_MIN = 2048, /* whatever is shorter is looked at by chance alone */
};

struct big_keys {
    uint64_t hash[BIG_KEYS];
    uint64_t bytes[BIG_KEYS]; /* of its value; 0: free */
    uint32_t least;           /* which has the fewest bytes, or is free */
    uint32_t checked;         /* which was compared with the store last */
    uint16_t order[BIG_KEYS]; /* for `stats bigkeys`: the largest first */
    struct topkeys_key keys[BIG_KEYS];
};

bool
cmd_big_init(struct cmd *cmd)
{
    cmd->big = sys_map(sizeof(*cmd->big));
    cmd->big_bytes = BIG_BYTES_MIN;
    return cmd->big != NULL;
}

void
cmd_big_fini(struct cmd *cmd)
{
    if (cmd->big != NULL)
        sys_unmap(cmd->big, sizeof(*cmd->big));
}

/* That of HASH, or else the smallest. */
static uint32_t
find(const struct big_keys *big, uint64_t hash)
{
    for (uint32_t i = 0; i < BIG_KEYS; i++)
        if (big->hash[i] == hash && big->bytes[i] > 0)
            return i;
    return big->least;
}

/* One of them has changed. */
static void
find_least(struct cmd *cmd)
{
    struct big_keys *big = cmd->big;
    uint32_t least = 0;

    for (uint32_t i = 1; i < BIG_KEYS; i++)
        if (big->bytes[i] < big->bytes[least])
            least = i;
    big->least = least;
    cmd->big_bytes = big->bytes[least] < BIG_BYTES_MIN ? BIG_BYTES_MIN : big->bytes[least];
}

void
cmd_big_note_any(struct cmd *cmd, const struct request *req, uint64_t bytes)
{
    struct big_keys *big = cmd->big;
    uint32_t i;

    if (bytes <= big->bytes[big->least])
        return;
    i = find(big, req->hash);
    if (big->hash[i] == req->hash && big->bytes[i] == bytes)
        return;
    big->hash[i] = req->hash;
    big->bytes[i] = bytes;
    big->keys[i].len = (uint8_t)req->key.len;
    memcpy(big->keys[i].bytes, req->key.ptr, req->key.len);
    find_least(cmd);
}

/* What it is in the store now, or that it is not there any more. */
static void
refresh(struct cmd *cmd, uint32_t i)
{
    struct big_keys *big = cmd->big;
    struct slice key = slice_make(big->keys[i].bytes, big->keys[i].len);
    struct item item;

    if (big->bytes[i] == 0)
        return;
    big->bytes[i] = store_peek(cmd->store, key, big->hash[i], &item) ? item.value_bytes : 0;
    find_least(cmd);
}

void
cmd_big_check(struct cmd *cmd)
{
    cmd->big->checked = (cmd->big->checked + 1) % BIG_KEYS;
    refresh(cmd, cmd->big->checked);
}

void
cmd_put_key(struct stat_value *value, struct slice key)
{
    char text[3 * TOPKEYS_KEY_BYTES + 1];

    _Static_assert(sizeof(text) <= STAT_VALUE_BYTES, "a key of any bytes fits");
    *put_uri(text, key) = '\0';
    stat_put_text(value, text);
}

/* --- `stats bigkeys`; the record is one of these, made for the line that is asked for --- */

struct shown_big {
    const struct topkeys_key *key;
    uint64_t bytes;
};

static void
get_big_key(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct shown_big *shown = record;

    cmd_put_key(value, slice_make(shown->key->bytes, shown->key->len));
}

static const struct stat_entry big_entries[] = {
    {"key", STAT_TEXT, UNIT_NONE, "The key, its bytes as in a URI.", get_big_key, 0},
    {"bytes", STAT_GAUGE, UNIT_BYTES, "Size of its value.", stat_get_u64,
     offsetof(struct shown_big, bytes)},
};

static uint64_t
big_bytes(const void *ctx, uint32_t i)
{
    const struct big_keys *big = ctx;

    return big->bytes[i];
}

/* Only what is in the store now. */
static void
sort(struct cmd *cmd)
{
    struct big_keys *big = cmd->big;

    for (uint32_t i = 0; i < BIG_KEYS; i++) {
        big->order[i] = (uint16_t)i;
        refresh(cmd, i);
    }
    rank_sort(big->order, BIG_KEYS, big_bytes, big);
}

/* Positions are ranks. */
static enum stat_step
next_big(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    static struct shown_big shown;
    struct cmd *cmd = ctx;
    const struct big_keys *big = cmd->big;

    if (*position == 0)
        sort(cmd);
    if (*position >= BIG_KEYS || big->bytes[big->order[*position]] == 0)
        return STAT_END;
    shown = (struct shown_big){&big->keys[big->order[*position]],
                               big->bytes[big->order[*position]]};
    instance->record = &shown;
    (void)snprintf(instance->label, sizeof(instance->label), "%u", (unsigned)*position + 1);
    return STAT_FOUND;
}

static void
reset(void *ctx)
{
    struct cmd *cmd = ctx;

    memset(cmd->big, 0, sizeof(*cmd->big));
    cmd->big_bytes = BIG_BYTES_MIN;
}

static const struct stat_family big_family = {"rank", "%l:%n", next_big};
const struct stat_section cmd_big_stats = {big_entries, ARRAY_LEN(big_entries), &big_family,
                                           "bigkey_", reset};
