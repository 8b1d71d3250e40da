/*
 * Parses classic command lines: everything but the get family.
 * Source: protocol.txt, and memcached's answers to malformed lines.
 */
#include <string.h>

#include "request_priv.h"
#include "text_priv.h"
#include "token_priv.h"

/* What a command's line has in common with others. */
enum line_kind {
    LINE_KEYED, /* a key comes first, and "noreply" may come last */
    LINE_PLAIN, /* neither of them */
    LINE_ADMIN, /* "noreply" may come last, and blanks may come first */
};

struct command {
    struct slice name;
    enum line_kind kind;
    unsigned words_min; /* fewer are bad format; more than are known are not looked at */
    enum request_op op;
    text_line_fn *parse; /* req->op is set already, and REQ_QUIET */
};

static text_line_fn parse_store, parse_cas, parse_arith, parse_touch, parse_delete, parse_flush,
    parse_version, parse_quit;

/* With a word behind it, it is taken apart elsewhere (text.c). */
enum { NEVER = WORDS_MAX + 1 };

/* Sorted by the first letter: command_first[] finds where one begins. */
static const struct command commands[] = {
    {{"add", 3}, LINE_KEYED, 5, OP_ADD, parse_store},
    {{"append", 6}, LINE_KEYED, 5, OP_APPEND, parse_store},
    {{"cas", 3}, LINE_KEYED, 5, OP_CAS, parse_cas},
    {{"cache_memlimit", 14}, LINE_ADMIN, 1, OP_MEMLIMIT, admin_cache_memlimit},
    {{"client_name", 11}, LINE_ADMIN, 2, OP_CLIENT_NAME, admin_rest},
    {{"config", 6}, LINE_ADMIN, 1, OP_CONFIG, admin_rest},
    {{"delete", 6}, LINE_KEYED, 2, OP_DELETE, parse_delete},
    {{"decr", 4}, LINE_KEYED, 3, OP_DECR, parse_arith},
    {{"flush_all", 9}, LINE_ADMIN, 1, OP_FLUSH, parse_flush},
    {{"get", 3}, LINE_KEYED, NEVER, OP_GET, NULL},
    {{"gets", 4}, LINE_KEYED, NEVER, OP_GET, NULL},
    {{"gat", 3}, LINE_KEYED, NEVER, OP_GAT, NULL},
    {{"gats", 4}, LINE_KEYED, NEVER, OP_GAT, NULL},
    {{"incr", 4}, LINE_KEYED, 3, OP_INCR, parse_arith},
    {{"kill", 4}, LINE_ADMIN, 3, OP_KILL, admin_rest},
    {{"lru_crawler", 11}, LINE_ADMIN, 1, OP_DUMP, admin_lru_crawler},
    {{"lru", 3}, LINE_ADMIN, 1, OP_REFUSED, admin_lru},
    {{"prepend", 7}, LINE_KEYED, 5, OP_PREPEND, parse_store},
    {{"quit", 4}, LINE_PLAIN, 1, OP_QUIT, parse_quit},
    {{"replace", 7}, LINE_KEYED, 5, OP_REPLACE, parse_store},
    {{"refresh_certs", 13}, LINE_ADMIN, 1, OP_REFUSED, admin_refresh_certs},
    {{"set", 3}, LINE_KEYED, 5, OP_SET, parse_store},
    {{"stats", 5}, LINE_PLAIN, 1, OP_STATS, admin_stats},
    {{"shutdown", 8}, LINE_ADMIN, 1, OP_SHUTDOWN, admin_shutdown},
    {{"slabs", 5}, LINE_ADMIN, 1, OP_REFUSED, admin_slabs},
    {{"touch", 5}, LINE_KEYED, 3, OP_TOUCH, parse_touch},
    {{"version", 7}, LINE_PLAIN, 1, OP_VERSION, parse_version},
    {{"verbosity", 9}, LINE_ADMIN, 2, OP_VERBOSITY, admin_verbosity},
    {{"watch", 5}, LINE_PLAIN, 1, OP_WATCH, admin_watch},
};

/* Position in commands[] of the first one of each letter, plus 1; 0: there is none. */
static const uint8_t command_first[26] = {
    ['a' - 'a'] = 1,  ['c' - 'a'] = 3,  ['d' - 'a'] = 7,  ['f' - 'a'] = 9,  ['g' - 'a'] = 10,
    ['i' - 'a'] = 14, ['k' - 'a'] = 15, ['l' - 'a'] = 16, ['p' - 'a'] = 18, ['q' - 'a'] = 19,
    ['r' - 'a'] = 20, ['s' - 'a'] = 22, ['t' - 'a'] = 26, ['v' - 'a'] = 27, ['w' - 'a'] = 29,
};

/* The key; false when refused. */
static bool
parse_key(const struct words *words, struct request *req)
{
    req->key = words->at[1];
    if (req->key.len <= KEY_BYTES_MAX)
        return true;
    request_answer(req, REFUSE_BAD_FORMAT);
    return false;
}

/*
 * <key> <flags> <exptime> <bytes>; false when refused. Where the length can be read,
 * the value is skipped with the command; where not, even "noreply" does not hide that.
 */
static bool
parse_store_head(const struct words *words, struct request *req)
{
    bool quiet = (req->flags & REQ_QUIET) != 0;
    int32_t bytes, exptime;

    if (!token_i32(words->at[4], &bytes) || bytes < 0 || bytes > VALUE_BYTES_MAX) {
        request_refuse(req, REFUSE_BAD_FORMAT);
        return false;
    }
    req->key = words->at[1];
    req->value_bytes = (uint64_t)bytes;
    req->body_bytes = req->value_bytes + REQUEST_TAIL_BYTES;
    if (req->key.len > KEY_BYTES_MAX || !token_low_u32(words->at[2], &req->client_flags) ||
        !token_low_i32(words->at[3], &exptime)) {
        request_refuse_value(req, quiet ? slice_make(NULL, 0) : REFUSE_BAD_FORMAT);
        return false;
    }
    req->exptime = exptime;
    return true;
}

/* set <key> <flags> <exptime> <bytes> [noreply] */
static void
parse_store(const struct words *words, struct request *req)
{
    if (parse_store_head(words, req) && req->op == OP_SET)
        req->flags |= REQ_OVERWRITE;
}

/* cas <key> <flags> <exptime> <bytes> <cas> [noreply] */
static void
parse_cas(const struct words *words, struct request *req)
{
    bool quiet = (req->flags & REQ_QUIET) != 0;

    if (parse_store_head(words, req) &&
        (words->count < 6 || !token_u64(words->at[5], &req->cas)))
        request_refuse_value(req, quiet ? slice_make(NULL, 0) : REFUSE_BAD_FORMAT);
}

/* incr <key> <delta> [noreply] */
static void
parse_arith(const struct words *words, struct request *req)
{
    if (parse_key(words, req) && !token_u64(words->at[2], &req->delta))
        request_answer(req, SLICE("CLIENT_ERROR invalid numeric delta argument\r\n"));
}

/* touch <key> <exptime> [noreply] */
static void
parse_touch(const struct words *words, struct request *req)
{
    int32_t exptime = 0;

    if (parse_key(words, req) && !token_i32(words->at[2], &exptime))
        request_answer(req, REFUSE_EXPTIME);
    req->exptime = exptime;
}

/* delete <key> [noreply] */
static void
parse_delete(const struct words *words, struct request *req)
{
    (void)parse_key(words, req);
}

/* flush_all [delay] [noreply] */
static void
parse_flush(const struct words *words, struct request *req)
{
    bool quiet = (req->flags & REQ_QUIET) != 0;
    int32_t exptime = 0;

    if (words->count == (quiet ? 2U : 1U))
        return;
    /* With -F another refusal comes first. */
    if (!token_i32(words->at[1], &exptime))
        req->refusal = REFUSE_EXPTIME;
    req->exptime = exptime;
}

/* Whatever follows, it is ignored. */
static void
parse_version(const struct words *words, struct request *req)
{
    (void)words;
    (void)req;
}

static void
parse_quit(const struct words *words, struct request *req)
{
    (void)words;
    req->flags |= REQ_CLOSE | REQ_QUIET;
}

static const struct command *
command_find(struct slice name)
{
    unsigned letter = (unsigned)(unsigned char)name.ptr[0] - 'a';
    size_t i;

    if (letter >= 26 || command_first[letter] == 0)
        return NULL;
    for (i = command_first[letter] - 1U; i < ARRAY_LEN(commands); i++) {
        if (commands[i].name.ptr[0] != name.ptr[0])
            break;
        if (slice_equal(commands[i].name, name))
            return &commands[i];
    }
    return NULL;
}

/* Whether a browser, or a request forged in one, has found this port. */
static bool
looks_like_http(const struct words *words)
{
    const struct slice *last = &words->at[words->count - 1];

    return words->count > 1 && last->len >= 5 && memcmp(last->ptr, "HTTP/", 5) == 0;
}

static void
refuse_unknown(const struct words *words, struct request *req)
{
    bool http = words->count > 0 && looks_like_http(words);
    bool quiet = http || words_end_in_noreply(words);

    request_refuse(req, quiet ? slice_make(NULL, 0) : REFUSE_ERROR);
    req->flags = http ? REQ_CLOSE : 0;
}

/* Whether its first word is of two letters, the first of which is 'm'. */
static bool
looks_like_meta(struct slice line)
{
    return line.len >= 2 && line.ptr[0] == 'm' && (line.len == 2 || line.ptr[2] == ' ');
}

void
text_line_parse(struct slice line, struct request *req)
{
    const struct command *command = NULL;
    struct words words;

    if (looks_like_meta(line) && meta_parse(line, req))
        return;
    words_split(line, &words);
    if (words.count > 0)
        command = command_find(words.at[0]);
    if (command == NULL || (line.ptr[0] == ' ' && command->kind != LINE_ADMIN)) {
        refuse_unknown(&words, req);
        return;
    }
    if (words.count < command->words_min) {
        request_refuse(req, REFUSE_BAD_FORMAT);
        return;
    }
    request_init(req, command->op);
    if (command->kind != LINE_PLAIN && words_end_in_noreply(&words))
        req->flags = REQ_QUIET;
    command->parse(&words, req);
}
